# A tree: fitted, told of, read back, and as good as the exact fit where columns are alike everywhere.
"$PYTHON" - <<'END'
import numpy as np
r = np.random.RandomState(0)
X = r.rand(3000, 4)
y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + .05 * r.randn(3000)
np.save("X.npy", X[:2400]), np.save("y.npy", y[:2400]), np.save("Xt.npy", X[2400:]), np.save("yt.npy", y[2400:])
END
"$AGOP" fit X.npy --target y.npy --leaf-size 700 --tune off -o tree.agop -q --json fit.json
"$AGOP" fit X.npy --target y.npy --tune off -o one.agop -q
for m in tree one; do "$AGOP" score $m.agop Xt.npy --target yt.npy -q --json $m.json >score.txt; done
"$AGOP" info tree.agop > info.txt
grep -E "^  (leaves|rows of a leaf) " info.txt
"$PYTHON" - <<'END'
import json
fit, tree, one = (json.load(open(n + ".json")) for n in ("fit", "tree", "one"))
assert fit["tree"]["leaves"] == 4 and [f["rows"] for f in fit["tree"]["fits"]] == [600] * 4, fit["tree"]
assert tree["r2"] > .97 and abs(tree["r2"] - one["r2"]) < .01, (tree["r2"], one["r2"])
END
"$AGOP" fit X.npy --target y.npy --split-vector 1,2 -o bad.agop --leaf-size 700 -q 2>&1 || echo "exit $?"
