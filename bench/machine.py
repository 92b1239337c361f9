#!/usr/bin/python3
"""machine.py [SMALL]: what this machine does, all cores, in these seconds, as one line of JSON.

sgemm and spotrf in GFLOP/s, exp of single precision in 10^9/s (in cache), stream (c = a + b, all three read or written
once) in GB/s. The floor of a case (cases.py) is its operations divided by these. An argument of 1 takes sizes of a
tenth, for tests.
"""
import json
import os
import sys
import threading
import time

import numpy as np
from scipy.linalg.lapack import spotrf

CORES = len(os.sched_getaffinity(0))


def best(work, make=lambda: None, runs=3):
    """The shortest of `runs`: what the machine can do, not what else it had to do."""
    seconds = []
    for _ in range(runs):
        data = make()
        started = time.perf_counter()
        work(data)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def definite(n):
    A = np.full((n, n), 0.5, np.float32, order="F")
    np.fill_diagonal(A, 10.0)
    return A


def on_all_cores(work):
    """work(core) in as many threads as cores: NumPy gives the interpreter back while it computes."""
    threads = [threading.Thread(target=work, args=(core,)) for core in range(CORES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def factor(A):
    spotrf(A, overwrite_a=True, clean=False)


def exponentials(size, repeats):
    X = [-5 * np.random.default_rng(core).random(size, dtype=np.float32) for core in range(CORES)]
    Y = [np.empty_like(x) for x in X]

    def work(core):
        for _ in range(repeats):
            np.exp(X[core], out=Y[core])
    return CORES * size * repeats / best(lambda _: on_all_cores(work))


def stream(size):
    A, B, C = ([np.ones(size, np.float32) for _ in range(CORES)] for _ in range(3))
    return CORES * size * 12 / best(lambda _: on_all_cores(lambda core: np.add(A[core], B[core], out=C[core])))


def main():
    scale = 10 if len(sys.argv) > 1 else 1
    n, m = 4096 // scale, 8000 // scale
    A = np.random.default_rng(0).standard_normal((n, n)).astype(np.float32)
    rates = {"sgemm": 2.0 * n**3 / best(lambda _: A @ A) / 1e9,
             "spotrf": m**3 / 3.0 / best(factor, lambda: definite(m), 2) / 1e9,
             "exp": exponentials(1 << 17, 200 // scale) / 1e9,
             "stream": stream((1 << 25) // scale) / 1e9}
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
