# Scatter plots with the least monotonic first, a heat map, a network of programs; what does not go together is told.
"$PYTHON" - <<'EOF'
import random
random.seed(4)
with open("some.csv", "w") as f:
    print("x,square,line,noise,kind", file=f)
    for i in range(150):
        x = random.gauss(0, 1)
        print("%.3f,%.3f,%.3f,%.3f,%s" % (x, x * x, x + random.gauss(0, .3), random.gauss(0, 1), "ab"[i % 2]), file=f)
EOF
"$AGOP" ids some.csv -o scatter.svg -q
grep -o '>score [^<]*' scatter.svg | head -n 3
grep -o '>square<\|>x<\|>line<' scatter.svg | head -n 2
"$AGOP" ids some.csv --picture-of heatmap -o map.svg -q
grep -o '>Scores of all columns<' map.svg
grep -c '<rect' map.svg
"$AGOP" ids some.csv --target x -o one.svg -q
"$AGOP" ids some.csv some.csv -o two.svg -q
for picture in *.svg; do
    "$PYTHON" -c "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])" "$picture"
done
for wrong in "--picture-of heatmap" "--picture-of pie -o a.svg" "--picture-of heatmap --target x -o a.svg" \
    "--programs --picture-of heatmap -o a.svg" "--picture-of heatmap --top 2 -o a.svg"; do
    "$AGOP" ids some.csv $wrong -q 2>&1 && exit 1 || echo "exit $?"
done
