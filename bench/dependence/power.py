#!/usr/bin/python3
"""How often each measure finds a dependence, and which scaling finds most: power on pairs made for it.

    bench/dependence/power.py [--agop PROGRAM] [--pairs 64] [--rows 200] [--write]

64 pairs of columns of one form and one amount of noise are the columns of two arrays; `agop ids X Y` scores every column
of one against every column of the other. Columns of one number are a pair; all others are independent and say what a
measure does by chance: its power is the share of pairs above the 95th percentile of those 4,032 scores. No measure is
given an advantage by a p-value of its own. --write puts the tables and the picture into docs/.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEASURES = {"IDS max": ("--p-norm", "max"), "IDS l1": ("--p-norm", "l1"), "IDS l2": ("--p-norm", "l2"),
            "Pearson": ("--measure", "pearson"), "Spearman": ("--measure", "spearman"),
            "dCor": ("--measure", "dcor"), "ξ": ("--measure", "xi"), "HSIC": ("--measure", "hsic")}
SCALES = {"zscore": ("--scale", "zscore"), "rank": ("--scale", "rank"),
          "minmax 0..1": ("--scale", "minmax", "--scale-range", "1"),
          "minmax 0..2": ("--scale", "minmax", "--scale-range", "2"),
          "minmax 0..8": ("--scale", "minmax", "--scale-range", "8"), "none": ("--scale", "none")}
NOISES = (.1, .2, .4, .8, 1.6, 3.2)


def step(x):
    return np.where(x > 0, 1., -1.)


def circle(x, r):
    return step(r.standard_normal(x.shape)) * np.sqrt(np.maximum(0, 3 - x**2))


# y of x uniform on (-sqrt 3, sqrt 3), whose variance is 1; `r` is for forms that are no function
FORMS = {"line": lambda x, r: x, "parabola": lambda x, r: x**2, "cubic": lambda x, r: x**3 - 1.8 * x, "step": lambda x, r: step(x),
         "sine, 1 period": lambda x, r: np.sin(np.pi * x / np.sqrt(3)),
         "sine, 4 periods": lambda x, r: np.sin(4 * np.pi * x / np.sqrt(3)), "circle": circle,
         "spread grows outwards": lambda x, r: x * r.standard_normal(x.shape)}
# what is done to both columns, for the scalings: rising maps, and counts
MARGINS = {"as they are": lambda v, r: v, "exp (long tail)": lambda v, r: np.exp(v), "cube": lambda v, r: v**3,
           "100 v + 1000": lambda v, r: 100 * v + 1000,
           "counts, 80 % zeros": lambda v, r: r.poisson(np.exp(1.2 * v - 2.4)).astype(float)}


def standardised(v):
    return (v - v.mean(axis=0)) / v.std(axis=0)


def pairs_of(form, noise, rows, pairs, seed):
    """x, y: rows x pairs."""
    r = np.random.default_rng(seed)
    x = r.uniform(-np.sqrt(3), np.sqrt(3), (rows, pairs))
    y = standardised(FORMS[form](x, r)) + noise * r.standard_normal((rows, pairs))
    return x, standardised(y)


def power(agop, folder, x, y, words):
    files = [os.path.join(folder, name) for name in ("x.npy", "y.npy", "scores.npy")]
    np.save(files[0], x)
    np.save(files[1], y)
    subprocess.run([agop, "ids", *files[:2], *words, "-o", files[2], "-q"], check=True)
    scores = np.load(files[2])
    own = np.eye(len(scores), dtype=bool)
    return float(np.mean(scores[own] > np.quantile(scores[~own], .95)))


def power_study(args, folder):
    """{form: {measure: [power by noise]}}"""
    found = {}
    for form in FORMS:
        for at, noise in enumerate(NOISES):
            x, y = pairs_of(form, noise, args.rows, args.pairs, at)
            for name, words in MEASURES.items():
                found.setdefault(form, {}).setdefault(name, []).append(power(args.agop, folder, x, y, words))
        print(form, file=sys.stderr, flush=True)
    return found


def scale_study(args, folder):
    """{margin: {scale: mean power over forms and noises}}"""
    found = {}
    for margin, change in MARGINS.items():
        for form in FORMS:
            for at, noise in enumerate(NOISES):
                r = np.random.default_rng(1000 + at)
                x, y = pairs_of(form, noise, args.rows, args.pairs, at)
                x, y = change(x, r), change(y, r)
                for name, words in SCALES.items():
                    found.setdefault(margin, {}).setdefault(name, []).append(power(args.agop, folder, x, y, words))
        print(margin, file=sys.stderr, flush=True)
    return {m: {s: float(np.mean(v)) for s, v in by.items()} for m, by in found.items()}


def programs(cells, genes, active, r):
    """Counts as Poisson numbers; of the first 20 genes five times as many in the active cells."""
    rate = np.exp(r.normal(-1.2, 1, genes))[None, :] * np.exp(r.normal(0, .3, cells))[:, None]
    on = r.random(cells) < active
    rate[:, :20] *= np.where(on, 5, 1)[:, None]
    return r.poisson(rate).astype(float)


def ranked(scores, truth):
    """Area under the curve of scores by whether it is true."""
    order = np.argsort(np.argsort(scores))
    n = truth.sum()
    return float((order[truth].sum() - n * (n - 1) / 2) / (n * (len(truth) - n)))


def program_study(args, folder):
    """{scale: {norm: mean area}}: pairs of genes of one program among all pairs, log(1 + counts)."""
    found, file, out = {}, os.path.join(folder, "c.npy"), os.path.join(folder, "s.npy")
    upper = np.triu_indices(100, 1)
    truth = (upper[0] < 20) & (upper[1] < 20)
    for seed in range(5):
        np.save(file, np.log1p(programs(2000, 100, .05, np.random.default_rng(seed))))
        for name, words in list(SCALES.items()) + [("Pearson", ("--measure", "pearson"))]:
            for norm in ("max", "l1", "l2") if name != "Pearson" else ("max",):
                subprocess.run([args.agop, "ids", file, *words, "--p-norm", norm, "-o", out, "-q"], check=True)
                found.setdefault(name, {}).setdefault(norm, []).append(ranked(np.load(out)[upper], truth))
    return {s: {n: float(np.mean(v)) for n, v in by.items()} for s, by in found.items()}


# ---- telling ----

def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
                     + ["| " + " | ".join(row) + " |" for row in rows])


def power_table(found):
    rows = []
    for form, by in found.items():
        means = {m: np.mean(v) for m, v in by.items()}
        best = max(means.values())
        rows.append([form] + [("**%.2f**" if v >= best - .005 else "%.2f") % v for v in means.values()])
    rows.append(["mean"] + ["%.2f" % np.mean([np.mean(by[m]) for by in found.values()]) for m in MEASURES])
    return table(["form", *MEASURES], rows)


def scale_table(found, by_program):
    rows = [[margin] + ["%.2f" % by[s] for s in SCALES] for margin, by in found.items()]
    rows.append(["mean"] + ["%.2f" % np.mean([by[s] for by in found.values()]) for s in SCALES])
    for norm in ("max", "l1", "l2"):
        rows.append(["genes of one program, area, %s" % norm] + ["%.2f" % by_program[s][norm] for s in SCALES])
    return table(["columns", *SCALES], rows)


COLOURS = dict(zip(MEASURES, ("#0b5fa5", "#5aa1d8", "#0b8a6a", "#8a8f98", "#444a52", "#c8501e", "#b5179e", "#d9a400")))


def panel(form, by, left, top):
    wide, high = 200, 130
    out = ['<text x="%d" y="%d" font-size="13" font-weight="bold">%s</text>' % (left, top - 8, form.replace("&", "&amp;"))]
    for share in (0, .5, 1):
        y = top + high * (1 - share)
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e3e6ea"/>' % (left, left + wide, y, y))
        out.append('<text x="%d" y="%.1f" font-size="11" text-anchor="end" fill="#667080">%g</text>' % (left - 6, y + 4, share))
    for at, noise in enumerate(NOISES):
        x = left + wide * at / (len(NOISES) - 1)
        out.append('<text x="%.1f" y="%d" font-size="11" text-anchor="middle" fill="#667080">%g</text>' % (x, top + high + 16, noise))
    for name, values in by.items():
        points = " ".join("%.1f,%.1f" % (left + wide * k / (len(NOISES) - 1), top + high * (1 - v)) for k, v in enumerate(values))
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (points, COLOURS[name]))
    return out


def picture(found):
    out, across = [], 4
    for k, (form, by) in enumerate(found.items()):
        out += panel(form, by, 50 + (k % across) * 260, 70 + (k // across) * 205)
    for k, (name, colour) in enumerate(COLOURS.items()):
        out.append('<line x1="%d" x2="%d" y1="20" y2="20" stroke="%s" stroke-width="3"/>' % (50 + 125 * k, 74 + 125 * k, colour))
        out.append('<text x="%d" y="25" font-size="13">%s</text>' % (80 + 125 * k, name))
    height = 70 + ((len(found) + across - 1) // across) * 205 + 10
    out.append('<text x="560" y="%d" font-size="12" text-anchor="middle" fill="#667080">noise, in standard deviations of '
               'what is without noise; up: share of pairs found at .05</text>' % (height - 8))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1080 %d" font-family="sans-serif">'
            '<rect width="100%%" height="100%%" fill="white"/>%s</svg>\n' % (height, "\n".join(out)))


def put(name, text):
    """Between the marks of docs/ids.md."""
    path = os.path.join(ROOT, "docs", "ids.md")
    with open(path, encoding="utf-8") as f:
        whole = f.read()
    begin, end = "<!-- power.py, %s: begin -->\n" % name, "<!-- power.py, %s: end -->" % name
    before, rest = whole.split(begin)
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + begin + text + "\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--agop", default=os.path.join(ROOT, "build", "agop"))
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        by_program = program_study(args, folder)
        scales = scale_study(args, folder)
        powers = power_study(args, folder)
    print(power_table(powers), scale_table(scales, by_program), "Pearson: %.2f" % by_program["Pearson"]["max"], sep="\n\n")
    if args.write:
        put("power", power_table(powers))
        put("scales", scale_table(scales, by_program))
        with open(os.path.join(ROOT, "docs", "ids-power.svg"), "w", encoding="utf-8") as f:
            f.write(picture(powers))


if __name__ == "__main__":
    main()
