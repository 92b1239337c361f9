# Columns lower and upper around the prediction, one pair per target, and the same from a stream in blocks.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" predict m.agop "$DATA/mixed.test.csv" -o plain.csv
"$AGOP" predict m.agop "$DATA/mixed.test.csv" --interval 0.8 -o out.csv
head -1 out.csv
cut -d , -f 1 out.csv | cmp - plain.csv
"$AGOP" score m.agop "$DATA/mixed.test.csv" --interval 0.8 --json score.json >/dev/null
"$PYTHON" - "$DATA/mixed.test.csv" <<'END_PYTHON'
import csv, json, sys
truth = [float(r["y"]) for r in csv.DictReader(open(sys.argv[1], encoding="utf-8"))]
rows = [{k: float(v) for k, v in r.items()} for r in csv.DictReader(open("out.csv"))]
assert all(r["lower"] < r["prediction"] < r["upper"] for r in rows)
inside = sum(r["lower"] <= t <= r["upper"] for r, t in zip(rows, truth)) / len(truth)
assert 0.6 < inside < 0.95, inside
score = json.load(open("score.json"))
assert abs(score["coverage"] - inside) < 1e-12, (score, inside)
assert abs(score["width"] / (sum(r["upper"] - r["lower"] for r in rows) / len(rows)) - 1) < 1e-12, score
END_PYTHON
for kind in constant local; do
    "$AGOP" predict m.agop "$DATA/mixed.test.csv" --interval 0.8 --interval-kind $kind -o $kind.csv
done
cmp -s constant.csv local.csv && exit 1
"$AGOP" score m.agop "$DATA/mixed.test.csv" --interval 0.8 --interval-kind constant | cut -d ' ' -f 1
"$AGOP" fit "$DATA/mixed.train.csv" --target y,a -o two.agop -q
"$AGOP" predict two.agop "$DATA/mixed.test.csv" --interval 0.8 | head -1
head -1 "$DATA/mixed.test.csv" | "$AGOP" predict m.agop - --interval 0.8
