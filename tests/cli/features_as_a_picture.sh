# SVG that is well-formed XML with every name in it; PNG by rsvg-convert, or a sentence that says what to install.
"$AGOP" fit "$DATA/mixed.train.csv" --target y -o m.agop -q
"$AGOP" features m.agop -o f.svg
"$PYTHON" - <<'END'
import xml.etree.ElementTree as e
words = ["".join(t.itertext()) for t in e.parse("f.svg").iter("{http://www.w3.org/2000/svg}text")]
for name in ("a", "b", "city", "noise", "city=New York, NY"):
    assert name in words, (name, words)
END
if PATH=/nowhere "$AGOP" features m.agop -o none.png 2>sentence; then exit 1; fi
cat sentence
ls -A
