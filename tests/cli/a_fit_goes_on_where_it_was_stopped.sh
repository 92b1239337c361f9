# --resume: killed anywhere and asked once more, a fit gives the model of one that was not; then the file goes.
# (Stopped by a timeout in the foreground, which waits until the program is gone and its lock free.)
"$PYTHON" - <<'END'
import random
random.seed(1)
with open("big.csv", "w") as f:
    f.write(",".join("x%d" % j for j in range(10)) + ",y\n")
    for i in range(500):
        x = [random.gauss(0, 1) for j in range(10)]
        f.write(",".join("%.4f" % v for v in x) + ",%.4f\n" % (x[0] * x[1] + random.gauss(0, .1)))
END
fit="fit big.csv --target y --tune full -q"
"$AGOP" $fit -o whole.agop
for seconds in 0.1 0.2 0.4; do
    { timeout --foreground -s KILL $seconds "$AGOP" $fit -o m.agop --resume state || true; } 2>/dev/null
done
"$AGOP" $fit -o m.agop --resume state
test ! -e state
"$AGOP" predict whole.agop big.csv -o whole.csv
"$AGOP" predict m.agop big.csv -o m.csv
cmp whole.csv m.csv
