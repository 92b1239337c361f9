# The whole way for a regression: a header, a row per row, in order, and answers that are right.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" predict m.agop "$DATA/mixed.test.csv" -o out.csv
"$AGOP" predict m.agop "$DATA/mixed.test.csv" >stdout.csv
cmp out.csv stdout.csv
"$AGOP" score m.agop "$DATA/mixed.test.csv" --json score.json >score.txt
"$PYTHON" - "$DATA/mixed.test.csv" <<'END'
import csv, json, sys
truth = [float(r["y"]) for r in csv.DictReader(open(sys.argv[1], encoding="utf-8"))]
rows = list(csv.DictReader(open("out.csv")))
assert list(rows[0]) == ["prediction"] and len(rows) == len(truth), rows[:2]
answer = [float(r["prediction"]) for r in rows]
mean = sum(truth) / len(truth)
sse = sum((a - b) ** 2 for a, b in zip(answer, truth))
r2 = 1 - sse / sum((b - mean) ** 2 for b in truth)
score = json.load(open("score.json"))
assert abs(score["r2"] - r2) < 1e-9 and score["n"] == len(truth), (score, r2)
assert abs(score["rmse"] - (sse / len(truth)) ** .5) < 1e-9
assert r2 > 0.6, r2
END
cut -d ' ' -f 1 score.txt
