#!/usr/bin/python3
"""Write the example tables again from the copies that scikit-learn carries (python3-sklearn 1.2).

    export.py [FOLDER]     default: beside this script

Every fourth row, counted from the first, is held out as the test part; the rest is the training part. The
result is the same to the byte wherever it runs.
"""
import csv
import os
import sys

from sklearn.datasets import load_diabetes, load_digits

DIABETES = ["age", "sex", "bmi", "blood_pressure", "total_cholesterol", "ldl", "hdl", "cholesterol_ratio",
            "log_triglycerides", "glucose"]


def write(folder, name, header, rows):
    parts = {"test": rows[0::4], "train": [r for i, r in enumerate(rows) if i % 4]}
    for part, chosen in parts.items():
        with open(os.path.join(folder, "%s.%s.csv" % (name, part)), "w", newline="") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow(header)
            out.writerows([["%.10g" % v for v in r] for r in chosen])
            print("%s.%s.csv: %d rows, %d columns" % (name, part, len(chosen), len(header)))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    d = load_diabetes(scaled=False)
    write(folder, "diabetes", DIABETES + ["progression"], [list(x) + [y] for x, y in zip(d.data, d.target)])
    g = load_digits()
    pixels = ["p%d_%d" % (i, j) for i in range(8) for j in range(8)]
    write(folder, "digits", pixels + ["digit"], [list(x) + [y] for x, y in zip(g.data, g.target)])


if __name__ == "__main__":
    main()
