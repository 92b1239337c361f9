#!/usr/bin/env python3
"""What Python adds to the library: time of a fit of 10,000 x 100 beside the same call in C, memory beside X, and
whether predictions are those of the program.

    overhead.py [--repeats N]               time and memory
    overhead.py --tables FOLDER             NAME.train.csv(.gz) and NAME.test.csv(.gz): Python against the program
                                            (AGOP_PROGRAM names it; manifest.csv, if there, says the task)

The C half is the same library through ctypes with a matrix and settings only: agop_table_from_mat, agop_fit.
"""
import argparse
import csv
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import agop
import numpy as np
from agop import _native, _tables


def data(n, d):
    X = np.random.default_rng(0).standard_normal(size=(n, d), dtype=np.float32)
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2]


def clock():
    """Wall and processor time: the latter does not see what else the machine does."""
    return np.array([time.perf_counter(), time.process_time()])


def in_c(X, y, settings):
    """Seconds of the calls that a program in C would make."""
    first = clock()
    with _native.Context() as ctx:
        table, model, view = _native.Handle(), _native.Handle(), _tables.mat(X)
        ctx.check(_native.lib.agop_table_from_mat(ctypes.byref(table), ctx.handle, ctypes.byref(view)))
        wide = y.astype(np.float64)
        ctx.check(_native.lib.agop_table_add_numeric(table, ctx.handle, b"y",
                                                     wide.ctypes.data_as(ctypes.POINTER(ctypes.c_double))))
        ctx.check(_native.lib.agop_fit(ctypes.byref(model), ctx.handle, table, None,
                                       ctx.settings({"target": "y", "task": "regression", **settings})))
        _native.lib.agop_model_free(model)
        _native.lib.agop_table_free(table)
    return clock() - first


def in_python(X, y, settings):
    first = clock()
    agop.RFMRegressor(**settings).fit(X, y)
    return clock() - first


def overhead(repeats):
    """In turn, so that what else the machine does meets both; the medians, and what Python does without the fit."""
    X, y = data(10_000, 100)
    settings = {"tune": "off", "kernel": "l2"}
    in_c(X, y, settings)
    runs = np.array([(in_c(X, y, settings), in_python(X, y, settings)) for _ in range(repeats)])
    (c, python), (c_cpu, python_cpu) = np.median(runs, axis=0).T
    print("fit of 10,000 x 100, medians of %d: C %.3f s, Python %.3f s; processor C %.3f s, Python %.3f s"
          % (repeats, c, python, c_cpu, python_cpu))
    first = clock()
    for _ in range(10):
        _ = agop._rows.merge(_tables.columns_of(X), y, None)
        with _native.Context() as ctx:
            ctx.settings(agop.RFMRegressor(**settings)._texts())
    alone = ((clock() - first) / 10)[1]
    print("what Python does besides, alone: %.4f s of processor, %.2f %% of the fit" % (alone, 100 * alone / c_cpu))


def memory():
    """Memory of a table over X, and of finding equal rows in it, beside X itself."""
    X, y = data(2_000_000, 50)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    columns, _, _ = agop._rows.merge(_tables.columns_of(X), y, None)
    with _native.Context() as ctx:
        _tables.table_of(ctx, columns)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print("X of %.0f MB: %.0f MB more at the peak, %.1f %% of X" % (X.nbytes / 1e6, more / 1e6, 100 * more / X.nbytes))


def manifest(folder):
    path = Path(folder, "manifest.csv")
    if not path.exists():
        return {}
    with open(path, newline="") as lines:
        return {row["name"]: row for row in csv.DictReader(lines)}


def compare(folder, only, rows):
    """Default fits of the first rows of every table, by both."""
    import pandas as pd

    program, known, worst = os.environ["AGOP_PROGRAM"], manifest(folder), 0
    for path in sorted(Path(folder).glob("*.train.csv*")):
        name = path.name.split(".train")[0]
        if only and name not in only.split(","):
            continue
        train, test = (pd.read_csv(p, nrows=rows, low_memory=False, float_precision="round_trip")
                       for p in (path, path.with_name(path.name.replace(".train", ".test"))))
        row = known.get(name, {})
        target = train.columns[-1]
        classes = row.get("task", "regression") != "regression"
        with tempfile.TemporaryDirectory() as at:
            train.to_csv(Path(at, "train.csv"), index=False)
            test.to_csv(Path(at, "test.csv"), index=False)
            train, test = (pd.read_csv(Path(at, p), low_memory=False, float_precision="round_trip") for p in ("train.csv", "test.csv"))
            subprocess.run([program, "fit", Path(at, "train.csv"), "--target", target, "-o", Path(at, "m"), "-q", "--task",
                            "classification" if classes else "regression"], check=True)
            subprocess.run([program, "predict", Path(at, "m"), Path(at, "test.csv"), "-o", Path(at, "p.csv"), "-q",
                            *(["--proba"] if classes else [])], check=True)
            told = pd.read_csv(Path(at, "p.csv"), float_precision="round_trip")
        kind = agop.RFMClassifier if classes else agop.RFMRegressor
        model = kind().fit(train.drop(columns=target), train[target])
        X = test.drop(columns=target)
        mine = model.predict_proba(X) if classes else model.predict(X)[:, None]
        apart = np.abs(mine - told.to_numpy()[:, -mine.shape[1]:].astype(float)).max()
        worst = max(worst, apart)
        print("%-16s %6d rows  %s" % (name, len(train), "identical" if apart == 0 else "apart by %g" % apart), flush=True)
    return worst


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--repeats", type=int, default=5)
    words.add_argument("--tables")
    words.add_argument("--only")
    words.add_argument("--rows", type=int, default=1000, help="of every table")
    given = words.parse_args()
    if given.tables:
        return int(compare(given.tables, given.only, given.rows) > 0)
    overhead(given.repeats)
    memory()
    return 0


if __name__ == "__main__":
    sys.exit(main())
