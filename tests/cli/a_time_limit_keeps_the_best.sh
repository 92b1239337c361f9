# --time-limit is no failure: the model so far is written and says so.
"$PYTHON" - <<'END'
import random
random.seed(1)
with open("big.csv", "w") as f:
    f.write(",".join("x%d" % j for j in range(30)) + ",y\n")
    for i in range(1000):
        x = [random.gauss(0, 1) for j in range(30)]
        f.write(",".join("%.4f" % v for v in x) + ",%.4f\n" % (x[0] * x[1] + random.gauss(0, .1)))
END
begin=$(date +%s)
"$AGOP" fit big.csv --target y -o m.agop --iters 1000 --tune off --early-stop 1e9 --time-limit 5s -q
end=$(date +%s)
test $((end - begin)) -lt 40
"$AGOP" score m.agop big.csv >/dev/null
