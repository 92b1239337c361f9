# Contributions and the answer for the mean row add up to the prediction; rows are those asked for.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" predict m.agop "$DATA/mixed.test.csv" -o p.csv
"$AGOP" explain m.agop "$DATA/mixed.test.csv" -o why.csv --json why.json
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --rows 7,2-4 -o some.csv
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --rows 7 --top 1 | sed 's/[-+]*[0-9]*\.[0-9]*/N/g'
"$AGOP" explain m.agop "$DATA/mixed.test.csv" | head -n 1
"$AGOP" fit "$DATA/flowers.train.csv" --target kind -o c.agop -q
"$AGOP" explain c.agop "$DATA/flowers.test.csv" --rows 1 --of setosa --method gradient --json - | grep output
"$AGOP" explain m.agop "$DATA/mixed.train.csv" --rows 9 --neighbours 500 -o near.csv
"$PYTHON" - <<'END'
import csv, json
def rows(name): return list(csv.DictReader(open(name)))
why, some, report = rows("why.csv"), rows("some.csv"), json.load(open("why.json"))
columns = [k for k in why[0] if k not in ("row", "output", "value", "base")]
for row, p, j in zip(why, rows("p.csv"), report["rows"]):
    total = float(row["base"]) + sum(float(row[k]) for k in columns)
    assert abs(total - float(row["value"])) < 1e-9 * (1 + abs(total)), row
    assert abs(total - float(p["prediction"])) < 1e-3, (row, p)
    assert all(j["contributions"][k] == float(row[k]) for k in columns), row
assert [r["row"] for r in some] == ["7", "2", "3", "4"] and len(why) == report["n"]
assert abs(float(some[0]["value"]) - float(why[6]["value"])) < 1e-9
near = rows("near.csv")
assert abs(sum(float(r["share"]) for r in near) - 1) < 1e-6
assert [float(r["distance"]) < 1e-3 for r in near if r["training_row"] == "9"] == [True], "a row is no distance from itself"
means = {k: sum(abs(float(r[k])) for r in why) / len(why) for k in columns}
assert [c["name"] for c in report["columns"]] == sorted(columns, key=lambda k: -means[k])
END
