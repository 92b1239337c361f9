#!/usr/bin/python3
"""Write a generated table: generate.py ROWS COLS SEED FILE.csv|FILE.npy  (the target is the last column, `y`).

y = u^2 / 2 + sin(3 v) + noise, where u and v are directions over the first ten columns: a target of two features
hidden in many.
"""
import sys

import numpy as np


def main():
    rows, cols, seed, path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    g = np.random.default_rng(seed)
    X = g.standard_normal((rows, cols)).astype(np.float32)
    directions = np.random.default_rng(7).standard_normal((min(10, cols), 2)) # the same for every seed
    directions /= np.linalg.norm(directions, axis=0)
    U = X[:, :len(directions)] @ directions
    y = 0.5 * U[:, 0] ** 2 + np.sin(3 * U[:, 1]) + 0.1 * g.standard_normal(rows)
    if path.endswith(".npy"):
        np.save(path, X)
        return
    with open(path, "w") as f:
        f.write(",".join("x%d" % (j + 1) for j in range(cols)) + ",y\n")
        for i in range(0, rows, 100000):  # blocks: a long table does not fit as text
            np.savetxt(f, np.column_stack([X[i:i + 100000], y[i:i + 100000]]), fmt="%.6g", delimiter=",")


if __name__ == "__main__":
    main()
