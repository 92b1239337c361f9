#!/usr/bin/python3
"""Do programs of genes tell kinds of cells apart? The adjusted Rand index of the subpopulations that
`agop ids --programs --activities` finds, and of k-means on principal components, against what is known.

    programs.py AGOP COUNTS.csv[.gz] METADATA.csv[.gz] COLUMN [OPTION...]

COUNTS: genes in rows; METADATA: a line per cell, COLUMN of which says what it is. Further options are given to agop. Both
look at the same numbers: counts of each cell scaled to the sum 10,000, log(1 + value), genes that 60 cells have.
k-means gets the true number of kinds, the programs do not.
"""
import csv
import gzip
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

LEAST, SEEDS, COMPONENTS = 60, 10, 10


def rows_of(path):
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as f:
        return list(csv.reader(f))


def truth(path, column):
    """What each cell is, by its name; the first line has no name for the names of cells."""
    rows = rows_of(path)
    at = rows[0].index(column) + len(rows[1]) - len(rows[0])
    return {row[0]: row[at] for row in rows[1:]}


def expression(path):
    rows = rows_of(path)
    counts = np.array([row[1:] for row in rows[1:]], float).T
    counts = counts[:, (counts > 0).sum(axis=0) >= LEAST]
    return rows[0][-len(counts):], np.log1p(counts * (1e4 / counts.sum(axis=1, keepdims=True)))


def programs(agop, counts, options, folder):
    out = os.path.join(folder, "activities.csv")
    subprocess.run([agop, "ids", counts, "--genes-in-rows", "--min-rows", str(LEAST), "--normalise", "1e4", "--log1p",
                    "--programs", "--activities", out, "-q"] + options, check=True, stdout=subprocess.DEVNULL)
    rows = rows_of(out)
    return len(rows[0]) - 2, [row[0] for row in rows[1:]], [row[-1] for row in rows[1:]]


def main():
    agop, counts, metadata, column = sys.argv[1:5]
    kinds = truth(metadata, column)
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        count, names, found = programs(agop, counts, sys.argv[5:], folder)
        print("%d programs: %d subpopulations, %d of %d cells in none, ARI %.3f, %.0f s" % (
            count, len(set(found) - {""}), found.count(""), len(found),
            adjusted_rand_score([kinds[n] for n in names], found), time.time() - started))
    names, x = expression(counts)
    x = PCA(COMPONENTS, random_state=0).fit_transform(x)
    true = [kinds[n] for n in names]
    scores = [adjusted_rand_score(true, KMeans(len(set(true)), n_init=10, random_state=s).fit_predict(x))
              for s in range(SEEDS)]
    print("k-means on %d principal components: ARI %.3f (%.3f to %.3f, %d seeds)" % (
        COMPONENTS, np.mean(scores), min(scores), max(scores), SEEDS))


if __name__ == "__main__":
    main()
