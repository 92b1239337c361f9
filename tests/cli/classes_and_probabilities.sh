# Names of classes come back as they were, quoted where they must be; probabilities sum to 1 and agree.
"$AGOP" fit "$DATA/flowers.train.csv" --target kind -o m.agop -q
"$AGOP" predict m.agop "$DATA/flowers.test.csv" --proba -o p.csv
"$AGOP" predict m.agop "$DATA/flowers.test.csv" -o plain.csv
"$AGOP" score m.agop "$DATA/flowers.test.csv" --json score.json >/dev/null
"$PYTHON" - "$DATA/flowers.test.csv" <<'END'
import csv, json, sys
truth = [r["kind"] for r in csv.DictReader(open(sys.argv[1]))]
rows = list(csv.DictReader(open("p.csv")))
plain = [r["prediction"] for r in csv.DictReader(open("plain.csv"))]
names = list(rows[0])
assert names[0] == "prediction" and sorted(names[1:]) == sorted("p_" + k for k in set(truth)), names
for r in rows:
    p = [float(r[k]) for k in names[1:]]
    assert abs(sum(p) - 1) < 1e-6 and min(p) >= 0
    assert r["prediction"] == names[1 + p.index(max(p))][2:]
assert plain == [r["prediction"] for r in rows]
accuracy = sum(a == b for a, b in zip(plain, truth)) / len(truth)
score = json.load(open("score.json"))
assert abs(accuracy - score["accuracy"]) < 1e-12 and accuracy > 0.85, (accuracy, score)
assert {"log_loss", "brier", "auc", "f1", "n"} <= set(score), score
END
