# Scatter plots with the least monotonic first and the curves that scores have found, a heat map, a network of
# programs; what does not go together is told.
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
"$PYTHON" - <<'EOF'
import math, random
random.seed(5)
with open("ring.csv", "w") as f:
    print("across,up", file=f)
    for i in range(300):
        turn = 2 * math.pi * i / 300
        print("%.4f,%.4f" % (math.cos(turn) + random.gauss(0, .05), math.sin(turn) + random.gauss(0, .05)), file=f)
EOF
"$AGOP" ids ring.csv --scale zscore -o ring.svg -q
"$PYTHON" - <<'EOF'
import math, re
text = open("ring.svg").read()
dots = [tuple(map(float, d)) for d in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', text)]
curve = re.findall(r'<path fill="none"[^>]*stroke-width="2.2" d="([^"]*)"', text)
points = [tuple(map(float, p.split())) for p in re.findall(r"[\d.]+ [\d.]+", curve[0])]
middle = [sum(d[k] for d in dots) / len(dots) for k in (0, 1)]
sectors = {int(6 + 6 * math.atan2(p[1] - middle[1], p[0] - middle[0]) / math.pi) % 12 for p in points}
far = max(min(math.dist(p, d) for d in dots) for p in points)
print("the curve of a ring is among its dots:", far < 15, "all around:", len(sectors) == 12, "curves:", len(curve))
EOF
"$AGOP" ids ring.csv --measure dcor -o other.svg -q
grep -c 'mean over 20 parts of the rows' other.svg
grep -c 'correlate most' ring.svg other.svg
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
