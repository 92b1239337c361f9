# Scores beside a baseline and a linear model, predictions of rows by fits that had not seen them, and the report.
"$AGOP" cv "$DATA/mixed.train.csv" --target y --folds 3 -q >table
"$PYTHON" - <<'END'
lines = open("table").read().splitlines()
assert lines[0].split() == "mean +- min max baseline apart by +- linear apart by +-".split(), lines[0]
for line, name in zip(lines[1:], ("r2", "rmse", "mae")):
    cells = line.split()
    assert cells[0] == name and len(cells) == 11, line
    mean, error, low, high, baseline, better = map(float, cells[1:7])
    assert low <= mean <= high and error > 0 and abs(mean - baseline - better) < 2e-3 * (abs(mean) + abs(baseline)), line
END
"$AGOP" cv "$DATA/mixed.train.csv" --target y --folds 3 --repeats 2 -q -o left.csv --json report.json >again
"$PYTHON" - <<'END'
import json
report = json.load(open("report.json"))
assert report["fits_done"] == 6 and len(report["fits"]) == 6 and report["stopped"] == "no"
assert sum(f["judged"] for f in report["fits"]) == 2 * report["n"]
rows = open("left.csv").read().splitlines()
assert rows[0] == "prediction" and len(rows) == 1 + report["n"]
[float(v) for v in rows[1:]]
END
# Classes: the prediction is the likeliest of the probabilities, which sum to one.
"$AGOP" cv "$DATA/mixed.train.csv" --target city --proba --folds 3 -q -o left.csv >table
"$PYTHON" - <<'END'
import csv
rows = list(csv.reader(open("left.csv", encoding="utf-8")))
assert rows[0][0] == "prediction" and all(name.startswith("p_") for name in rows[0][1:]), rows[0]
for row in rows[1:]:
    p = [float(v) for v in row[1:] if v]
    assert not p or abs(sum(p) - 1) < 1e-9 and rows[0][1 + p.index(max(p))] == "p_" + row[0], row
assert [line.split()[0] for line in open("table")][1:] == ["accuracy", "log_loss", "brier", "ece", "auc", "f1"]
END
# Files that it would overwrite are refused before anything is done, and so is what no fold can be made of.
cp "$DATA/mixed.train.csv" data.csv
for what in "-o data.csv" "--proba" "--folds 1" "--groups nobody" "--valid data.csv"; do
    if "$AGOP" cv data.csv --target y $what 2>told; then exit 1; fi
    test -s told
done
cmp data.csv "$DATA/mixed.train.csv"
