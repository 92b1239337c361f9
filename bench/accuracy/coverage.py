#!/usr/bin/python3
"""How often prediction intervals hold the truth, and how wide they are.

    coverage.py PROGRAM FOLDER [--rows N] [--test N] [--tables A,B,...] [--fit "OPTION..."]

FOLDER has NAME.train.csv.gz and NAME.test.csv.gz with a column `target`, and manifest.csv, which tells the regressions.
A fit takes at most N training rows (5000), drawn with seed 0; the test rows are those of the file, at most N (5000) of
them. Printed is a table: for each level the share of test rows inside the intervals of the default kind; at 0.9 the same
of both kinds, and their mean widths as a share of the width between the quantiles that hold 0.9 of the truth.
"""
import argparse
import csv
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile

LEVELS = (0.5, 0.8, 0.9, 0.95)
KINDS = ("constant", "local")


def draw(source, out, rows):
    """Write the header and `rows` random rows; return the column `target` of them."""
    with gzip.open(source, "rt", newline="", encoding="utf-8") as f:
        lines = list(csv.reader(f))
    head, body = lines[0], lines[1:]
    if len(body) > rows:
        body = random.Random(0).sample(body, rows)
    with open(out, "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([head] + body)
    at = head.index("target")
    return sorted(float(r[at]) for r in body)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(command), done.stderr))
    return done.stdout


def quantile_width(v, level):
    """Between the quantiles that hold `level` of v, which is sorted."""
    low, high = (min(len(v) - 1, int(q * len(v))) for q in ((1 - level) / 2, (1 + level) / 2))
    return v[high] - v[low]


def measure(o, name):
    """rows, test rows, coverage at each level, then coverage and relative width of both kinds at 0.9, the default."""
    with tempfile.TemporaryDirectory() as room:
        train, test, model = (os.path.join(room, n) for n in ("train.csv", "test.csv", "m.agop"))
        learned = draw(os.path.join(o.folder, name + ".train.csv.gz"), train, o.rows)
        truth = draw(os.path.join(o.folder, name + ".test.csv.gz"), test, o.test)
        run(o.program, "fit", train, "--target", "target", "--task", "regression", "-o", model, "-q", *o.fit.split())

        def score(level, kind):
            return json.loads(run(o.program, "score", model, test, "-q", "--json", "-", "--interval", str(level),
                                  "--interval-kind", kind))

        line = [len(learned), len(truth)] + [score(v, "auto")["coverage"] for v in LEVELS]
        both = [score(0.9, kind) for kind in KINDS]
        wide = quantile_width(truth, 0.9)
        chosen = score(0.9, "auto")["width"]
        return (line + [s["coverage"] for s in both] + [s["width"] / wide for s in both],
                KINDS[both[1]["width"] == chosen])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("folder")
    p.add_argument("--rows", type=int, default=5000)
    p.add_argument("--test", type=int, default=5000)
    p.add_argument("--tables", default="")
    p.add_argument("--fit", default="", help="more options of agop fit")
    o = p.parse_args()
    with open(os.path.join(o.folder, "manifest.csv"), newline="", encoding="utf-8") as f:
        names = [r["name"] for r in csv.DictReader(f) if r["task"] == "regression"]
    names = [n for n in names if not o.tables or n in o.tables.split(",")]
    print("| table | rows | test rows | %s | constant | local | its width | local's | default |" %
          " | ".join("%g" % v for v in LEVELS))
    print("|---|--:|--:|%s--:|--:|--:|--:|---|" % ("--:|" * len(LEVELS)))
    lines = []
    for name in names:
        line, kind = measure(o, name)
        lines.append(line)
        print("| %s | %d | %d | %s | %s |" % (name, *line[:2], " | ".join("%.3f" % v for v in line[2:]), kind), flush=True)
    mean = [sum(v) / len(v) for v in zip(*lines)]
    print("| mean | | | %s | |" % " | ".join("%.3f" % v for v in mean[2:]))


if __name__ == "__main__":
    main()
