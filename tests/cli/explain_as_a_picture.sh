# Pictures: a bar per column of one row or of the means, a panel per curve, the same bytes every time; PNG if it can be made.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --rows 7 -o row.svg
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --rows 7 -o again.svg
cmp row.svg again.svg
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --top 3 -o all.svg 2>/dev/null
"$AGOP" explain m.agop "$DATA/mixed.test.csv" --partial city,a -o curve.svg
"$PYTHON" - <<'END'
import xml.etree.ElementTree as e
S = "{http://www.w3.org/2000/svg}"
def read(name):
    t = e.parse(name)
    return ["".join(w.itertext()) for w in t.iter(S + "text")], [b for b in t.iter(S + "rect") if b.get("height") == "13"], t
words, bars, _ = read("row.svg")
assert len(bars) == 4 and "city = New York, NY" in words, words
assert any(w.startswith("Row 7: y ") and "mean row" in w for w in words), words
sizes = [float(b.get("width")) for b in bars]
assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0, sizes
words, bars, _ = read("all.svg")
assert len(bars) == 3 and "Mean |contribution| over 30 rows" in words, words
words, _, t = read("curve.svg")
assert {"city", "a"} <= set(words), words
assert len(list(t.iter(S + "polyline"))) == len(list(t.iter(S + "polygon"))) == 1 and list(t.iter(S + "circle"))
END
if PATH=/nowhere "$AGOP" explain m.agop "$DATA/mixed.test.csv" --rows 1 -o none.png 2>sentence; then exit 1; fi
cat sentence
