#!/usr/bin/python3
"""The arrays of the cases, from fixed seeds; and the quality of answers.

    data.py make FOLDER KIND ROWS COLS [OUTPUTS [SEED [VALIDATION TEST]]]
        writes X, y, Xval, yval, Xtest, ytest as FOLDER/*.npy, single precision, rows first
    data.py make FOLDER counts ROWS COLS PERCENT [SEED [dense]]
        writes a matrix of counts, so many percent of which are not zero, as 10x Genomics' programs do: FOLDER/counts.h5;
        dense: and FOLDER/X.npy
    data.py score YTEST.npy ANSWERS.csv|.npy
        prints the mean R2 of real outputs, or the share of right classes where YTEST holds integers

KIND is
    step        normal columns; y_k = (x_k > 0) + x_{k+1} x_{k+2}: three columns matter for an output, the others do not
    classes     normal columns; y is the largest of OUTPUTS random linear functions of the first five columns
    factors     columns are noisy mixtures of five hidden factors, y = (z_1 > 0) + z_2 z_3: wide data, as genes are;
                rows are about 10 apart, the bandwidth of the cases: exp(-100) has no gradient to learn from
    csv         step, X and y together, as the one text file FOLDER/table.csv
    counts      of genes in cells: a tenth to nineteen tenths of PERCENT for a gene, twice that in every fifth cell, where
                its own group is
"""
import ctypes
import ctypes.util
import os
import sys

import numpy as np


def target(X, k=0):
    a, b, c = (X[:, (k + j) % X.shape[1]].astype(np.float64) for j in range(3))
    return (a > 0) + b * c


def step(r, n, d, c):
    X = r.standard_normal((n, d), dtype=np.float32)
    return X, np.column_stack([target(X, k) for k in range(c)]).astype(np.float32)


def classes(r, n, d, c):
    X = r.standard_normal((n, d), dtype=np.float32)
    W = r.standard_normal((5, c))
    return X, (X[:, :5].astype(np.float64) @ W).argmax(1)


def factors(r, n, d, c):
    Z = r.standard_normal((n, 5), dtype=np.float32)
    X = Z @ r.standard_normal((5, d), dtype=np.float32) + r.standard_normal((n, d), dtype=np.float32)
    X *= np.float32(10 / np.sqrt(12 * d)) # |x - z|^2 is 2 (5 + 1) d before
    return X, np.column_stack([target(Z, k) for k in range(c)]).astype(np.float32)


def text(path, X, y):
    with open(path, "w") as f:
        f.write(",".join("x%d" % (j + 1) for j in range(X.shape[1])) + ",y\n")
        for i in range(0, len(X), 100000): # blocks: a long table does not fit as text
            np.savetxt(f, np.column_stack([X[i:i + 100000], y[i:i + 100000]]), fmt="%.6g", delimiter=",")


def cells(r, n, d, share):
    """Cells in pieces: how many genes each has, which, and the counts."""
    often = (share * np.linspace(.1, 1.9, d)).astype(np.float32)
    for first in range(0, n, 4096):
        m = min(4096, n - first)
        own = (first + np.arange(m))[:, None] % 5 == np.arange(d)[None] % 5
        found = r.random((m, d), dtype=np.float32) < often * np.where(own, np.float32(2), np.float32(.75))
        which = np.nonzero(found)[1].astype(np.int32)
        yield found.sum(1), which, r.geometric(.6, len(which)).astype(np.int32)


def hdf5(path, arrays):
    """Arrays in the group matrix of a new file, through the C library."""
    h = ctypes.CDLL(ctypes.util.find_library("hdf5_serial") or ctypes.util.find_library("hdf5"))
    i64, types = ctypes.c_int64, {np.dtype(np.int32): "H5T_NATIVE_INT32_g", np.dtype(np.int64): "H5T_NATIVE_INT64_g"}
    for name in ("H5Fcreate", "H5Gcreate2", "H5Screate_simple", "H5Dcreate2"):
        getattr(h, name).restype = i64
    h.H5open()
    file = i64(h.H5Fcreate(path.encode(), 2, i64(0), i64(0)))
    group = i64(h.H5Gcreate2(file, b"matrix", i64(0), i64(0), i64(0)))
    for name, a in arrays.items():
        kind = i64.in_dll(h, types[a.dtype])
        space = i64(h.H5Screate_simple(1, (ctypes.c_uint64 * 1)(len(a)), None))
        data = i64(h.H5Dcreate2(group, name.encode(), kind, space, i64(0), i64(0), i64(0)))
        if h.H5Dwrite(data, kind, i64(0), i64(0), i64(0), a.ctypes.data_as(ctypes.c_void_p)) < 0:
            sys.exit("cannot write " + path)
        h.H5Dclose(data)
    h.H5Gclose(group)
    h.H5Fclose(file)


def make_counts(folder, rows, cols, percent, seed=0, dense=""):
    n, d = int(rows), int(cols)
    count, gene, value = map(np.concatenate, zip(*cells(np.random.default_rng(int(seed)), n, d, float(percent) / 100)))
    hdf5(os.path.join(folder, "counts.h5"), {"shape": np.array([d, n], np.int32),
                                             "indptr": np.append(0, count.cumsum()), "indices": gene, "data": value})
    if dense:
        X = np.zeros((n, d), np.float32)
        X[np.repeat(np.arange(n), count), gene] = value
        np.save(os.path.join(folder, "X.npy"), X)


def make(folder, kind, rows, cols, outputs=1, seed=0, validation="", test=2000):
    os.makedirs(folder, exist_ok=True)
    if kind == "counts":
        make_counts(folder, rows, cols, outputs, seed, validation)
    else:
        make_rows(folder, kind, rows, cols, outputs, seed, validation or 2000, test)
    open(os.path.join(folder, "complete"), "w").close()


def make_rows(folder, kind, rows, cols, outputs, seed, validation, test):
    n, v, t = int(rows), int(validation), int(test)
    function = {"classes": classes, "factors": factors}.get(kind, step)
    X, y = function(np.random.default_rng(int(seed)), n + v + t, int(cols), int(outputs))
    if kind == "csv":
        text(os.path.join(folder, "table.csv"), X[:n], y[:n])
    else:
        for name, rows in (("", slice(n)), ("val", slice(n, n + v)), ("test", slice(n + v, None))):
            np.save(os.path.join(folder, "X%s.npy" % name), X[rows])
            np.save(os.path.join(folder, "y%s.npy" % name), y[rows])


def score(truth, answers):
    y = np.load(truth)
    y = y[:, None] if y.ndim == 1 else y
    got = np.load(answers) if answers.endswith(".npy") else np.loadtxt(answers, delimiter=",", skiprows=1)
    got = got.reshape(len(y), -1)
    if y.dtype.kind == "i":
        got = got.argmax(1)[:, None] if got.shape[1] > 1 else got
        print("%.6f" % (got == y).mean())
    else:
        print("%.6f" % (1 - ((got - y) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).mean())


if __name__ == "__main__":
    {"make": make, "score": score}[sys.argv[1]](*sys.argv[2:])
