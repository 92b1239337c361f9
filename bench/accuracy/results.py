"""Results: one JSON file for each run while a study goes on, and one compact CSV, which is kept with the code.

A run is one method at one table with one setting: KEYS. `merge` puts the files into the CSV: of two results with one
key the newer one counts, but one that was measured beside other work does not replace an undisturbed one of the same
program.
"""
import csv
import glob
import json
import os

KEYS = ("table", "method", "rows", "budget", "fold", "folds")
COLUMNS = KEYS + ("state", "r2", "accuracy", "log_loss", "brier", "seconds", "peak_mb", "trials", "quiet", "date",
                  "versions", "threads", "cpu", "cores")
NUMBERS = {"rows": int, "budget": int, "fold": int, "folds": int, "r2": float, "accuracy": float, "log_loss": float,
           "brier": float, "seconds": float, "peak_mb": int, "trials": int, "quiet": int, "threads": int, "cores": int}


def key(result):
    return tuple(result[k] for k in KEYS)


def path_of(folder, result):
    """rows 0: all of them; budget 0: no tuning; folds 0: the table's own test rows."""
    parts = [result["method"]] + ["%s%d" % (k, result[k]) for k in KEYS[2:] if result[k]]
    return os.path.join(folder, "runs", result["table"], "-".join(parts) + ".json")


def save(folder, result):
    path = path_of(folder, result)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as f:
        json.dump(result, f, indent=1)
    os.replace(path + ".new", path)


def newer(a, b):
    """Which of two results with one key counts."""
    first, second = sorted((a, b), key=lambda r: r["date"])
    same = first["versions"] == second["versions"] and first["state"] == second["state"] == "ok"
    return first if same and first["quiet"] > second["quiet"] else second


def read(path):
    if not os.path.exists(path):
        return {}
    found = {}
    with open(path, newline="") as f:
        for line in csv.DictReader(f):
            result = {k: (NUMBERS[k](v) if k in NUMBERS else v) if v else None for k, v in line.items()}
            found[key(result)] = result
    return found


def shown(value):
    return "" if value is None else "%.6g" % value if isinstance(value, float) else value


def write(path, results):
    with open(path + ".new", "w", newline="") as f:
        lines = csv.writer(f, lineterminator="\n")
        lines.writerow(COLUMNS)
        for k in sorted(results):
            lines.writerow([shown(results[k].get(c)) for c in COLUMNS])
    os.replace(path + ".new", path)


def merge(folder, path):
    """The CSV with the runs of this folder in it; all results by key."""
    results = read(path)
    for name in sorted(glob.glob(os.path.join(folder, "runs", "*", "*.json"))):
        with open(name) as f:
            new = json.load(f)
        old = results.get(key(new))
        results[key(new)] = newer(old, new) if old else new
    write(path, results)
    return read(path) # as it is kept, so that the document is the same whenever it is written
