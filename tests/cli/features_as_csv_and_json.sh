# Shares by column sum to 1 and fall; eigenvectors have length 1 and their shares are eigenvalues over the trace.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" features m.agop -o f.csv
"$AGOP" features m.agop -o v.csv --vectors 2
"$AGOP" features m.agop -o f.json --vectors 2
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
    assert max(v["loadings"].values()) == max(abs(x) for x in v["loadings"].values())
assert "city=Oslo" in j["vectors"][0]["loadings"]
assert abs(sum(f["importance"] for f in j["levels"]) - 1) < 1e-9
rows = list(csv.DictReader(open("v.csv", encoding="utf-8")))
assert len(rows) == 2 * len(j["vectors"][0]["loadings"])
END
