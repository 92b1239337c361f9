# The same numbers as .csv, .npy (target: a column number, or a file of its own), .npz and libsvm: the same answers.
"$PYTHON" - <<'END'
import numpy as np
X = np.round(np.random.RandomState(0).randn(60, 3), 3)
y = np.round(X[:, 0] * X[:, 1] + X[:, 2], 3)
both = np.column_stack([X, y])
np.savetxt("t.csv", both, fmt="%.17g", delimiter=",", header="x1,x2,x3,x4", comments="")
np.save("t.npy", both)
np.save("X.npy", X)
np.save("y.npy", y)
np.savez("t.npz", X=X)
with open("t.svm", "w") as f:
    for row, label in zip(X, y):
        f.write("%.17g %s\n" % (label, " ".join("%d:%.17g" % (j + 1, v) for j, v in enumerate(row))))
END
fit() { "$AGOP" fit "$@" -q --precision double --seed 1; }
fit t.csv --target x4 -o csv.agop
fit t.npy --target 3 -o npy.agop
fit X.npy --target y.npy -o two.agop
fit t.npz --target y.npy -o npz.agop
fit t.svm -o svm.agop
"$AGOP" predict csv.agop t.csv -o csv.out
"$AGOP" predict npy.agop t.npy -o npy.out
"$AGOP" predict two.agop X.npy -o two.out
"$AGOP" predict npz.agop t.npz -o npz.out
"$AGOP" predict svm.agop t.svm -o svm.out
for k in npy two npz svm; do cmp csv.out $k.out; done
