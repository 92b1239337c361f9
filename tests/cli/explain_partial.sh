# Partial dependence: the mean of predictions with one column at each value; of a category all levels.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --partial city,a -o p.csv --json p.json
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --partial a | sed -n '1,2p'
"$PYTHON" - <<'END'
import csv, json, os, subprocess
data = os.environ["DATA"] + "/mixed.test.csv"
rows, curve = list(csv.DictReader(open(data))), list(csv.DictReader(open("p.csv")))
levels = [p["value"] for p in curve if p["column"] == "city"]
assert sorted(levels) == sorted({r["city"] for r in rows if r["city"]}), levels
report = json.load(open("p.json"))
assert [c["column"] for c in report["partial"]] == ["city", "a"] and report["n"] == len(rows)
one = curve[1]
with open("moved.csv", "w", newline="") as f:
    w = csv.DictWriter(f, rows[0].keys())
    w.writeheader()
    w.writerows(dict(r, city=one["value"]) for r in rows)
out = subprocess.run([os.environ["AGOP"], "predict", "m.agop", "moved.csv", "-q"], capture_output=True, text=True)
p = [float(v) for v in out.stdout.split()[1:]]
assert abs(sum(p) / len(p) - float(one["mean"])) < 1e-6 * (1 + abs(sum(p) / len(p)))
assert all(float(c["low"]) <= float(c["mean"]) <= float(c["high"]) for c in curve)
END
