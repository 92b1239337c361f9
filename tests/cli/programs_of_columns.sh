# Groups of columns as a table, as CSV, as JSON, their activities; what cannot be is told.
if "$AGOP" version --build | grep -q "^igraph: none"; then
    echo "built without igraph"
    exit 77
fi
"$PYTHON" - <<'EOF'
import random
random.seed(3)
with open("groups.csv", "w") as f:
    print("a1,b1,a2,b2,a3,b3,a4,lone", file=f)
    for i in range(120):
        a, b = random.gauss(0, 1) + 3 * (i % 4 == 0), random.gauss(0, 1)
        print(*["%.3f" % (v + random.gauss(0, .4)) for v in (a, b, a, b, a, b, a, 0)], sep=",", file=f)
EOF
"$AGOP" ids groups.csv --programs -q
"$AGOP" ids groups.csv --programs --least-members 4 -o programs.csv --activities activities.csv --json report.json -q
cut -d, -f1,2,4,6 programs.csv | sort
head -n 1 activities.csv
cut -d, -f3 activities.csv | sort | uniq -c | sed 's/^ *//'
grep -c '"within"' report.json
"$AGOP" ids groups.csv --programs -o network.svg -q
grep -o '>[^<]*members[^<]*' network.svg | sort
head -n 40 groups.csv | cut -d, -f1,2,8 > none.csv
"$AGOP" ids none.csv --programs -q
for wrong in "--activities rows.csv" "--programs --activities rows.json" "--programs -o all.npy" "--programs --target a1"; do
    "$AGOP" ids groups.csv $wrong -q 2>&1 && exit 1 || echo "exit $?"
done
