# Shares by column sum to 1 and fall; eigenvectors have length 1, their shares are eigenvalues over the trace, and their
# sentences hold nine tenths of the squared length.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" features m.agop -o f.csv
"$AGOP" features m.agop -o v.csv --vectors 2
"$AGOP" features m.agop -o f.json --vectors 2
"$AGOP" features m.agop --vectors 2 >f.txt
"$AGOP" features m.agop --json - --vectors 2 | cmp - f.json
"$PYTHON" - <<'END'
import csv, json
j = json.load(open("f.json"))
share = [f["importance"] for f in j["features"]]
assert abs(sum(share) - 1) < 1e-9 and share == sorted(share, reverse=True), share
assert [(r["name"], float(r["importance"])) for r in csv.DictReader(open("f.csv"))] == \
    [(f["name"], f["importance"]) for f in j["features"]]
assert len(j["vectors"]) == 2 and j["vectors"][0]["share"] >= j["vectors"][1]["share"]
for v in j["vectors"]:
    assert abs(sum(x * x for x in v["loadings"].values()) - 1) < 1e-6
    told = sorted(v["loadings"].items(), key=lambda one: -abs(one[1]))
    count = next(n for n in range(1, 6) if n == 5 or sum(x * x for _, x in told[:n]) >= .9)
    words = "".join((" - " if x < 0 else " + ") + "%.2f %s" % (abs(x), n) for n, x in told[:count])
    assert v["sentence"] == words[3:], (v["sentence"], words)
    assert max(v["loadings"].values()) == max(abs(x) for x in v["loadings"].values())
assert "city=Oslo" in j["vectors"][0]["loadings"]
assert abs(sum(f["importance"] for f in j["levels"]) - 1) < 1e-9
assert j["vectors"][0]["sentence"] in open("f.txt", encoding="utf-8").read()
rows = list(csv.DictReader(open("v.csv", encoding="utf-8")))
assert len(rows) == 2 * len(j["vectors"][0]["loadings"])
END
