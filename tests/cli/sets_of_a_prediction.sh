# A column `set` of classes, the likeliest first: those whose 1 - p is no larger than the quantile, which the sets tell.
"$AGOP" fit "$EXAMPLES/digits.test.csv" --target digit -o m.agop -q --tune off --iters 1
"$AGOP" predict m.agop "$EXAMPLES/digits.train.csv" --interval 0.95 --proba -o out.csv
"$AGOP" predict m.agop "$EXAMPLES/digits.train.csv" -o plain.csv
head -1 out.csv
cut -d , -f 1 out.csv | cmp - plain.csv
"$AGOP" score m.agop "$EXAMPLES/digits.train.csv" --interval 0.95 --json score.json | cut -d ' ' -f 1 | tr '\n' ' '
"$PYTHON" - "$EXAMPLES/digits.train.csv" <<'END_PYTHON'
import csv, json, sys
truth = [r["digit"] for r in csv.DictReader(open(sys.argv[1]))]
rows = list(csv.DictReader(open("out.csv")))
inside = most = 0
least = 1
for r, t in zip(rows, truth):
    members = r["set"].split("|")
    p = [float(r["p_" + m]) for m in members]
    assert members[0] == r["prediction"] and p == sorted(p, reverse=True), r
    inside += t in members
    most = max([most] + [1 - v for v in p[1:]])
    least = min([least] + [1 - float(v) for k, v in r.items() if k[:2] == "p_" and k[2:] not in members])
assert most < least, (most, least)
score = json.load(open("score.json"))
assert abs(score["coverage"] - inside / len(rows)) < 1e-12 and 0.92 < score["coverage"] < 0.98, score
assert abs(score["size"] - sum(len(r["set"].split("|")) for r in rows) / len(rows)) < 1e-12, score
END_PYTHON
head -1 "$EXAMPLES/digits.train.csv" | "$AGOP" predict m.agop - --interval 0.9
