#!/usr/bin/python3
"""How often prediction intervals hold the truth, and how wide they are.

    coverage.py PROGRAM FOLDER [--rows N] [--test N] [--tables A,B,...] [--splits K] [--fit "OPTION..."]

FOLDER has NAME.train.csv.gz and NAME.test.csv.gz with a column `target`, and manifest.csv, which tells the regressions.
A fit takes at most N training rows (5000), drawn at random; the test rows are those of the file, at most N (5000) of
them. With --splits the rows of both files are put together and divided at random K times, a fifth of them for the test,
and all numbers are means: one test set of a few hundred rows can be easier than the rest of its table.

Printed is a table: for each level the share of test rows inside the intervals of the default kind; at 0.9 the same
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


def read(folder, name, part):
    """The header, and the rows of a file."""
    with gzip.open(os.path.join(folder, "%s.%s.csv.gz" % (name, part)), "rt", newline="", encoding="utf-8") as f:
        lines = list(csv.reader(f))
    return lines[0], lines[1:]


def write(path, head, body):
    """A table as a CSV file."""
    with open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([head] + body)


def at_most(body, rows, seed):
    """So many of the rows, in another order; all, where there are no more."""
    return random.Random(seed).sample(body, rows) if len(body) > rows else body


def divided(o, name):
    """The header, rows to learn from and rows to judge by: once those of the files, or as often as asked of both."""
    (head, train), (_, test) = (read(o.folder, name, part) for part in ("train", "test"))
    rows = train + test
    for split in range(max(o.splits, 1)):
        if o.splits:
            order = list(rows)
            random.Random(split + 1).shuffle(order)
            test, train = order[:len(rows) // 5], order[len(rows) // 5:]
        yield head, at_most(train, o.rows, split), at_most(test, o.test, split)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit("%s: %s" % (" ".join(command), done.stderr))
    return done.stdout


def quantile_width(v, level):
    """Between the quantiles that hold `level` of v, which is sorted."""
    low, high = (min(len(v) - 1, int(q * len(v))) for q in ((1 - level) / 2, (1 + level) / 2))
    return v[high] - v[low]


def measure(o, head, learned, judged):
    """rows, test rows, coverage at each level, then coverage and relative width of both kinds at 0.9; the default."""
    with tempfile.TemporaryDirectory() as room:
        train, test, model = (os.path.join(room, n) for n in ("train.csv", "test.csv", "m.agop"))
        write(train, head, learned)
        write(test, head, judged)
        run(o.program, "fit", train, "--target", "target", "--task", "regression", "-o", model, "-q", *o.fit.split())

        def score(level, kind):
            return json.loads(run(o.program, "score", model, test, "-q", "--json", "-", "--interval", str(level),
                                  "--interval-kind", kind))

        by_default = {v: score(v, "auto") for v in LEVELS}
        both = [score(0.9, kind) for kind in KINDS]
        at = head.index("target")
        wide = quantile_width(sorted(float(r[at]) for r in judged), 0.9)
        return ([len(learned), len(judged)] + [s["coverage"] for s in (*by_default.values(), *both)] +
                [s["width"] / wide for s in both], KINDS[both[1]["width"] == by_default[0.9]["width"]])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("folder")
    p.add_argument("--rows", type=int, default=5000)
    p.add_argument("--test", type=int, default=5000)
    p.add_argument("--tables", default="")
    p.add_argument("--splits", type=int, default=0)
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
        found, kinds = zip(*(measure(o, *rows) for rows in divided(o, name)))
        line = [sum(v) / len(v) for v in zip(*found)]
        lines.append(line)
        print("| %s | %d | %d | %s | %s |" % (name, *line[:2], " | ".join("%.3f" % v for v in line[2:]),
                                              max(KINDS, key=kinds.count)), flush=True)
    mean = [sum(v) / len(v) for v in zip(*lines)]
    print("| mean | | | %s | |" % " | ".join("%.3f" % v for v in mean[2:]))


if __name__ == "__main__":
    main()
