# Both solvers, and one that may not hold the matrix, give the same answers; what contradicts is refused.
"$PYTHON" - <<'END'
import numpy as np
r = np.random.RandomState(0)
X = r.randn(5000, 6)
np.save("X.npy", X), np.save("y.npy", np.sin(X[:, 0]) + X[:, 1] * X[:, 2])
END
fit="$AGOP fit X.npy --target y.npy --tune off --iters 0 --select last --solver-tolerance 1e-6 -q"
$fit --solver direct -o direct.agop --json direct.json
$fit --solver cg -o cg.agop --json cg.json
$fit --memory 90M -o free.agop --json free.json
for m in direct cg free; do "$AGOP" predict $m.agop X.npy -o $m.csv -q; done
"$PYTHON" - <<'END'
import json
import numpy as np
direct, cg, free = (json.load(open(n + ".json"))["solver"] for n in ("direct", "cg", "free"))
assert direct["method"] == "direct" and direct["steps"] == 0, direct
assert cg["method"] == "cg" and cg["steps"] > 3 and not cg["matrix_free"], cg
assert free["method"] == "cg" and free["matrix_free"], free
assert max(s["residual"] for s in (direct, cg, free)) <= 1e-6
a, b, c = (np.loadtxt(n + ".csv", skiprows=1) for n in ("direct", "cg", "free"))
assert abs(a - b).max() < 1e-4 and abs(a - c).max() < 1e-4, (abs(a - b).max(), abs(a - c).max())
END
"$AGOP" fit X.npy --target y.npy --solver cg -o bad.agop -q 2>&1 || echo "exit $?"
