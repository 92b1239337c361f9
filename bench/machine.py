#!/usr/bin/python3
"""machine.py RUNS RESULTS.csv: what this machine's own BLAS does, in the same minutes: sgemm 4096^3, spotrf 10,000."""
import csv
import statistics
import sys
import time

import numpy as np
from scipy.linalg.lapack import spotrf


def timed(runs, make, work):
    seconds = []
    for _ in range(runs):
        data = make()
        started = time.perf_counter()
        work(data)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def definite():
    A = np.asfortranarray(np.full((10000, 10000), 0.5, np.float32))
    np.fill_diagonal(A, 10.0)
    return A


def main():
    runs = int(sys.argv[1])
    A = np.random.default_rng(0).standard_normal((4096, 4096)).astype(np.float32)
    A @ A  # threads and clocks awake
    sgemm = timed(runs, lambda: A, lambda a: a @ a)
    potrf = timed(runs, definite, lambda a: spotrf(a, overwrite_a=True, clean=False))
    with open(sys.argv[2], "a", newline="") as f:
        for name, s, flops in (("sgemm 4096", sgemm, 2 * 4096.0**3), ("spotrf 10000", potrf, 10000.0**3 / 3)):
            print("%-16s %8.2f s %9.0f GFLOP/s   (median of %d)" % (name, s, flops / s / 1e9, runs), flush=True)
            csv.writer(f).writerow([name, "%.3f" % s, "", "", runs])


if __name__ == "__main__":
    main()
