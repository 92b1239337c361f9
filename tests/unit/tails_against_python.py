"""How often independent columns are called significant.

    tails_against_python.py TAILS_DUMP [PAIRS DRAWS]

Columns are drawn from seven laws, standardised, and turned into the six features of a score. For every pair TAILS_DUMP
tells from which score on p is below .05, 1e-3 and 1e-4. Rows of one column are then permuted DRAWS times, which makes
them independent, and scores above are counted. A line per law and number of rows: false positives over the level, with
twice their standard error (between pairs), for the three norms. Without PAIRS few are drawn, and rates that
no chance explains are an error.
"""
import math
import subprocess
import sys

import numpy as np

TERMS, LEVELS, NORMS = 6, (.05, 1e-3, 1e-4), ("max", "l1", "l2")
LAWS = {
    "normal": lambda g, n: g.normal(size=n),
    "uniform": lambda g, n: g.uniform(size=n),
    "Cauchy": lambda g, n: g.standard_cauchy(n),
    "log-normal": lambda g, n: np.exp(g.normal(size=n)),
    "Poisson 1": lambda g, n: g.poisson(1, n).astype(float),
    "Bernoulli .1": lambda g, n: (g.random(n) < .1).astype(float),
    "95 % zeros": lambda g, n: np.where(g.random(n) < .05, np.exp(g.normal(size=n)), 0),
}
MOST = 2 # times the level, at .05, that any law may have with 200 rows; at 1e-3 twice that


def features(x):
    """terms x n: centred, of length 1; zeros where constant."""
    x = (x - x.mean()) / (x.std() or 1)
    f = np.stack([np.exp(-x * x / 2) * x ** k / math.sqrt(math.factorial(k)) for k in range(TERMS)])
    f -= f.mean(1, keepdims=True)
    length = np.sqrt((f ** 2).sum(1, keepdims=True))
    return np.where(length > 1e-9, f / np.maximum(length, 1e-300), 0)


def least_scores(program, a, b):
    """norms x levels"""
    n = a.shape[1]
    numbers = [v for f in (a, b) for v in (*(f @ f.T).ravel(), *(math.sqrt(n) * (f ** 3).sum(1)))]
    program.stdin.write("%d %d %s\n" % (n, TERMS, " ".join("%.17g" % v for v in numbers)))
    program.stdin.flush()
    return np.array(program.stdout.readline().split(), float).reshape(3, 3)


def rates(program, law, n, pairs, draws, g):
    """False positives over the level, and their standard errors: norms x levels each."""
    share = np.zeros((pairs, 3, 3))
    for p in range(pairs):
        a, b = features(law(g, n)), features(law(g, n))
        least = least_scores(program, a, b)
        for first in range(0, draws, 500):
            m = min(500, draws - first)
            order = g.permuted(np.tile(np.arange(n), (m, 1)), axis=1)
            r = np.abs(a @ b[:, order].reshape(TERMS * m, n).T).reshape(TERMS * TERMS, m)
            score = np.stack([r.max(0), r.mean(0), np.sqrt((r ** 2).mean(0))])
            share[p] += (score[:, None, :] >= least[:, :, None] - 1e-12).sum(2)
    share /= draws * np.array(LEVELS)
    return share.mean(0), share.std(0) / math.sqrt(pairs)


def main():
    program = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    quick = len(sys.argv) < 3
    pairs, draws = (12, 500) if quick else map(int, sys.argv[2:4])
    g, wrong = np.random.default_rng(7), 0
    for n in (200,) if quick else (50, 200, 1000):
        for name, law in LAWS.items():
            mean, error = rates(program, law, n, pairs, draws, g)
            print("| %s | %d | %s |" % (name, n, " | ".join("%.2f ± %.2f" % (mean[i, k], 2 * error[i, k])
                                                            for i in range(3) for k in range(3))), flush=True)
            if quick:
                chance = np.sqrt(1 / (pairs * draws * np.array(LEVELS)))
                high = mean - 5 * np.maximum(error, chance) > np.array([MOST, 2 * MOST, 2 * MOST])
                low = mean[:, 0] + 5 * error[:, 0] < .5
                wrong += high.sum() + low.sum()
    program.stdin.close()
    return wrong > 0 or program.wait()


sys.exit(main())
