# One column of answers each, named after its target; the score tells the mean and each.
"$PYTHON" - <<'END'
import random
random.seed(2)
with open("t.csv", "w") as f:
    f.write("a,b,up,down\n")
    for i in range(80):
        a, b = random.gauss(0, 1), random.gauss(0, 1)
        f.write("%.4f,%.4f,%.4f,%.4f\n" % (a, b, a + b, a - 2 * b))
END
"$AGOP" fit t.csv --target up,down -o m.agop -q
"$AGOP" predict m.agop t.csv | head -n 1
"$AGOP" score m.agop t.csv --json score.json | tr -s ' ' | cut -d ' ' -f 1,2 | sed 's/ [0-9.]*$//'
"$PYTHON" -c '
import json
j = json.load(open("score.json"))
assert abs(j["r2"] - (j["targets"]["up"]["r2"] + j["targets"]["down"]["r2"]) / 2) < 1e-12 and j["r2"] > 0.9, j'
