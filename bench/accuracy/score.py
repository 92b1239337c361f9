#!/usr/bin/python3
"""score.py TASK TEST ANSWERS: prints what answers are worth, as one line of JSON.

ANSWERS is what `agop predict --proba` writes: prediction, then p_<class>. TEST is a table whose last column is the
truth. regression: r2. classification: accuracy, of the class with the largest probability; log_loss, of probabilities
clipped at 1e-7 (the precision in which some packages give them); brier, the sum over all classes of (p - truth)^2.
"""
import csv
import gzip
import json
import math
import sys

LEAST = 1e-7


def last_column(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", newline="") as f:
        lines = csv.reader(f)
        next(lines)
        return [line[-1] for line in lines]


def regression(truth, answers):
    y, got = [float(t) for t in truth], [float(a["prediction"]) for a in answers]
    mean = sum(y) / len(y)
    return {"r2": 1 - sum((a - b) ** 2 for a, b in zip(y, got)) / sum((a - mean) ** 2 for a in y)}


def classification(truth, answers):
    right = lost = square = 0.0
    for is_class, answer in zip(truth, answers):
        p = {name[2:]: float(value) for name, value in answer.items() if name.startswith("p_")}
        of_truth = p.get(is_class, 0.0)
        right += max(p, key=p.get) == is_class
        lost -= math.log(min(max(of_truth, LEAST), 1 - LEAST))
        square += sum(value * value for value in p.values()) - of_truth**2 + (1 - of_truth) ** 2
    n = len(truth)
    return {"accuracy": right / n, "log_loss": lost / n, "brier": square / n}


def main():
    task, test, given = sys.argv[1:]
    with open(given, newline="") as f:
        answers = list(csv.DictReader(f))
    truth = last_column(test)
    if len(truth) != len(answers):
        sys.exit("score: %d answers for %d rows" % (len(answers), len(truth)))
    print(json.dumps({"regression": regression, "classification": classification}[task](truth, answers)))


if __name__ == "__main__":
    main()
