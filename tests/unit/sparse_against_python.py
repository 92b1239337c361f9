"""Compare agop_sparse_read with SciPy and NumPy: sparse_against_python.py SPARSE_DUMP"""
import gzip
import os
import re
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import scipy.io
    import scipy.sparse as sp
except ImportError:
    print("NumPy or SciPy is not there")
    sys.exit(77)

DUMP = sys.argv[1]


def dumped(path, **settings):
    """(matrix, names of columns, names of rows) as the library sees the file."""
    words = [w for name, value in settings.items() for w in (name, str(value))]
    out = subprocess.run([DUMP, path] + words, capture_output=True, encoding="utf-8", check=True).stdout.split("\n")
    rows, cols, count = map(int, out[0].split())
    entries = np.array([line.split() for line in out[3:-1]], dtype=float).reshape(-1, 3)
    assert len(entries) == count
    x = sp.coo_matrix((entries[:, 2], (entries[:, 0].astype(int), entries[:, 1].astype(int))), (rows, cols))
    return x.toarray(), out[1].split("\t"), out[2].split("\t")


def same(a, b, what):
    assert a.shape == b.shape, (what, a.shape, b.shape)
    assert np.all(np.abs(a - b) <= 1e-6 * np.abs(b)), (what, np.abs(a - b).max())


def scaled(x, total):
    """What normalize_total does: rows without counts stay."""
    sums = x.sum(1, keepdims=True)
    return x * (total / np.where(sums == 0, 1, sums))


def matrix_market(folder, rng):
    path = os.path.join(folder, "a.mtx")
    counts = sp.random(60, 17, 0.2, random_state=rng, data_rvs=lambda n: rng.poisson(3, n)).astype(int)
    reals = sp.random(60, 17, 0.2, random_state=rng, data_rvs=rng.standard_normal)
    square = sp.random(23, 23, 0.2, random_state=rng)
    for x, options in ((counts, {}), (reals, {}), (reals.astype(np.float32), {"precision": 9}),
                       (abs(reals) > 0, {"field": "pattern"}), (square + square.T, {}), (square, {})):
        scipy.io.mmwrite(path, x, **options)
        want = scipy.io.mmread(path).toarray().astype(float)
        same(dumped(path)[0], want, options)
        same(dumped(path, genes_in_rows="true")[0], want.T, options)
    scipy.io.mmwrite(path, counts)
    want = counts.toarray().astype(float)
    same(dumped(path, normalise=1e4, log1p="true")[0], np.log1p(scaled(want, 1e4)), "scaled")
    same(dumped(path, genes_in_rows="true", normalise=100)[0], scaled(want.T, 100), "turned and scaled")
    kept = (want != 0).sum(0) >= 12
    same(dumped(path, min_rows=12, log1p="true")[0], np.log1p(want[:, kept]), "frequent columns")
    assert dumped(path, min_rows=12)[1] == ["x%d" % (j + 1) for j in range(17) if kept[j]]
    return want


def ten_x(folder, want):
    with open(os.path.join(folder, "a.mtx"), "rb") as f, gzip.open(os.path.join(folder, "matrix.mtx.gz"), "wb") as g:
        g.write(f.read())
    with gzip.open(os.path.join(folder, "features.tsv.gz"), "wt") as f:
        f.write("".join("ENSG%d\tgene%d\tGene Expression\n" % (i, i) for i in range(60)))
    with open(os.path.join(folder, "barcodes.tsv"), "w") as f:
        f.write("".join("cell%d-1\n" % j for j in range(17)))
    x, cols, rows = dumped(os.path.join(folder, "matrix.mtx.gz"))
    same(x, want.T, "10x")
    assert cols == ["gene%d" % i for i in range(60)] and rows == ["cell%d-1" % j for j in range(17)]
    same(dumped(os.path.join(folder, "matrix.mtx.gz"), genes_in_rows="false")[0], want, "10x as it stands")


def dense_counts(folder, want):
    path = os.path.join(folder, "counts.csv.gz")
    genes, cells = ["g%d" % i for i in range(want.shape[0])], ["c,%d" % j for j in range(want.shape[1])]
    with gzip.open(path, "wt") as f:
        f.write(",".join('"%s"' % c for c in cells) + "\n")
        for gene, row in zip(genes, want):
            f.write(",".join(['"%s"' % gene] + ["%d" % v for v in row]) + "\n")
    x, cols, rows = dumped(path, genes_in_rows="true")
    same(x, want.T, "genes in rows")
    assert cols == genes and rows == cells
    x, cols, rows = dumped(path)
    same(x, want, "genes in columns")
    assert cols == cells and rows == genes


def documents(folder, rng):
    path = os.path.join(folder, "lines.txt")
    words = ["the", "Cat", "d\u00f6g", "x2", "42", "it"]
    lines = [", ".join(rng.choice(words, rng.randint(0, 30))) + "." for _ in range(50)]
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))
    x, cols, _ = dumped(path, text="true")
    assert sorted(cols) == sorted(w.lower() for w in words)
    same(x, np.array([[re.findall(r"\w+", line.lower()).count(w) for w in cols] for line in lines], float), "words")


with tempfile.TemporaryDirectory() as folder:
    counts = matrix_market(folder, np.random.RandomState(5))
    ten_x(folder, counts)
    dense_counts(folder, counts)
    documents(folder, np.random.RandomState(6))
print("the same as SciPy")
