# Partial dependence along directions: rows moved by u + (g - v'u) v are predicted so; categories are passed over.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --partial-directions 9 -o p.csv --json p.json
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --partial-directions 1 | sed -n '1,2p'
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --partial-directions 2 -o p.svg
"$AGOP" features m.agop -o f.json --vectors 9
"$PYTHON" - <<'END'
import csv, json, os, statistics, subprocess
import xml.etree.ElementTree as e
data = os.environ["DATA"]
train, rows = (list(csv.DictReader(open(data + "/mixed.%s.csv" % s))) for s in ("train", "test"))
report, curve = json.load(open("p.json")), list(csv.DictReader(open("p.csv")))
assert len(report["partial"]) == 3, [c["direction"] for c in report["partial"]]
leading = next(v for v in json.load(open("f.json"))["vectors"] if abs(v["loadings"]["a"]) > .5)
one = report["partial"][0]
assert abs(one["share"] - leading["share"]) < 1e-9 and set(one["loadings"]) <= {"a", "b", "noise"}
assert [r["value"] for r in curve if r["direction"] == one["direction"]] and len(curve) == 60
number = lambda text: float(text) if text not in ("", "NA") else None
def unit(name):
    known = [number(r[name]) for r in train if number(r[name]) is not None]
    return statistics.fmean(known), statistics.pstdev(known)
units, v = {n: unit(n) for n in one["loadings"]}, one["loadings"]
assert abs(sum(x * x for x in v.values()) - 1) < 1e-12
point = one["points"][4]
with open("moved.csv", "w", newline="") as f:
    w = csv.DictWriter(f, rows[0].keys())
    w.writeheader()
    for r in rows:
        at = sum(v[n] * (number(r[n]) - units[n][0]) / units[n][1] for n in v if number(r[n]) is not None)
        w.writerow(dict(r, **{n: number(r[n]) + (point["value"] - at) * v[n] * units[n][1]
                              for n in v if number(r[n]) is not None}))
out = subprocess.run([os.environ["AGOP"], "predict", "m.agop", "moved.csv", "-q"], capture_output=True, text=True)
p = [float(x) for x in out.stdout.split()[1:]]
assert abs(sum(p) / len(p) - point["mean"]) < 1e-5 * (1 + abs(point["mean"])), (sum(p) / len(p), point)
words = ["".join(t.itertext()) for t in e.parse("p.svg").iter("{http://www.w3.org/2000/svg}text")]
assert one["direction"] in words and any(w.startswith("Direction 2 (") for w in words), words
assert "0" in words and "1" in words # round ticks
END
