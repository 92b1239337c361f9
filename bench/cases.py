"""Every case of `make bench`, in one list: its data, our commands, the peers' commands, and its floor.

A row is one program at one case: commands that run one after another, each a whole process, timed together. In a
command {agop} is our program, {peer} the peers' Python and peer.py, {data} the folder that data.py filled, {out} an
empty folder for this row; answers for the test rows go to {out}/answers.csv or .npy, the report to {out}/report.json.

The floor is what the method cannot do without: floating-point operations of products (gemm) and of factorisations
(potrf), exponentials, bytes from memory. machine.py measures what the machine does of each, in the same minutes.
"""
from collections import Counter
from typing import NamedTuple, Optional


class Row(NamedTuple):
    label: str
    commands: tuple
    before: tuple = ()            # the same, not timed
    peer: Optional[str] = None    # the package it needs; None: it is ours
    runs: int = 99                # at most so many
    long: bool = False            # minutes: measured once and kept, left out by --quick
    other: bool = False           # another method: "the best peer" does not count it
    floor: object = None          # where it is not that of the case


class Case(NamedTuple):
    name: str
    group: str
    what: str
    data: str                     # arguments of data.py make
    rows: tuple
    floor: object = None          # Counter(gemm=, potrf=, exp=, bytes=), or a function of our report that gives it
    seconds: int = 900            # the longest that a command may take
    runs: int = 99
    at: Optional[float] = None    # a point of a curve: its abscissa


# ---- floors ----

def solve(n, d):
    """A triangle of the kernel matrix and its Cholesky factor."""
    return Counter(gemm=n * n * d, exp=n * n / 2, potrf=n**3 / 3)


def agop(n, d, c):
    """By gradients or by the Gram matrix, whichever is cheaper; then the metric into the rows (docs/rfm.md)."""
    return Counter(gemm=min(2 * n * n * d * c, n**3 + 2 * n * n * d) + n * d * d)


def total(parts):
    return sum(parts, Counter())


def iterate(n, d, steps, rank):
    """A triangle of the kernel matrix, read once per step of conjugate gradients; the preconditioner's columns, their
    products with each other, and both ways through them in every step."""
    return Counter(gemm=n * n * d + 2 * n * rank**2, exp=n * n / 2, bytes=steps * (2 * n * n + 8 * n * rank))


def fitted(report, n, d, c):
    """What the report says was done: the rows of every iteration, directly or by steps, and its AGOP."""
    last = report.get("solver", {})
    done = Counter(bytes=4 * n * (d + c))
    for i in report.get("iterations", []):
        steps, final = i.get("cg_steps", 0), i["agop_route"] == "none"
        done += iterate(i["rows"], d, steps, last["rank"] or 500) if steps else solve(i["rows"], d)
        if not final:
            done += agop(i["rows"], d, c)
    return done


def rfm(n, d, c=1, iters=5):
    """As fitted; for a peer, every iteration on all rows and directly."""
    plain = total([solve(n, d)] * (iters + 1) + [agop(n, d, c)] * iters) + Counter(bytes=4 * n * (d + c))
    return lambda report: fitted(report, n, d, c) if report.get("iterations") else plain


def dual(n, d, iters):
    """n < d, everything but X X' is n x n, in double (which counts twice): a solve and six products an iteration."""
    one = Counter(gemm=2 * 6 * n**3, potrf=2 * n**3 / 3, exp=n * n / 2)
    return total([one] * (iters + 1)) + Counter(gemm=n * n * d, bytes=4 * n * d)


def answer(m, n, d):
    return Counter(gemm=2 * m * n * d, exp=m * n, bytes=4 * m * d)


def products(report, n, d):
    """One kernel matrix times a vector for each step of conjugate gradients, by symmetry half of it computed."""
    steps = report.get("solver", {}).get("steps") or 1
    return Counter(gemm=steps * n * n * d, exp=steps * n * n / 2, bytes=4 * n * d)


def leaves(n, d, leaf=10000):
    """One solve on half the rows and one on all of them, and an AGOP, for every leaf; directions and routing are free."""
    count = max(1, round(n / leaf))
    m = n / count
    return total([solve(m / 2, d) + agop(m / 2, d, 1) + solve(m, d)] * count)


def scores(n, d, terms=6):
    """Half of the products of all functions of all columns, and an exponential for each value."""
    return Counter(gemm=n * (terms * d)**2, exp=n * d, bytes=4 * n * d)


def sparse_scores(n, d, share, terms=6):
    """The same of those cells alone that are not zero."""
    return Counter(gemm=n * (terms * share * d)**2, exp=n * d * share, bytes=8 * n * d * share)


# ---- commands ----

SAME = "--bandwidth 10 --ridge 1e-3 --scale none --scale-target none --tune off --select last"  # as the peers have it
ANSWER = "{agop} predict {out}/model.agop {data}/Xtest.npy -o {out}/answers.csv -q"


def fit(options):
    return "{agop} fit {data}/X.npy --target {data}/y.npy -o {out}/model.agop --json {out}/report.json -q " + options


def ours(label, options, **more):
    return Row(label, (fit(options), ANSWER), **more)


def xrfm(label, arguments, **more):
    return Row(label, ("{peer} rfm {data} {out} " + arguments,), peer="xrfm", **more)


def fixed(name, what, data, n, d, c=1, options="", **more):
    """The same settings as xRFM's, all rows in every iteration; and coarse to fine, which has no counterpart there."""
    return Case(name, "rfm", what, data, (
        ours("agop, coarse to fine", "--iters 5 %s %s" % (SAME, options)),
        ours("agop, all rows", "--iters 5 --all-rows %s %s" % (SAME, options)),
        xrfm("xRFM, LU", "5 solve"),
        xrfm("xRFM, Cholesky", "5 cholesky"),
    ), rfm(n, d, c), **more)


def wide(d):
    return Case("wide%d" % d, "wide", "500 x %s, 10 iterations" % thousands(d), "factors 500 %d 1 6 500 500" % d, (
        ours("agop", "--iters 10 %s" % SAME),
        xrfm("xRFM, l2_high_dim", "10 cholesky l2_high_dim"),
    ), dual(500, d, 10))


def curve(axis, n, d, c, kernel="l2", **more):
    at = {"n": n, "d": d, "c": c}[axis]
    return Case("curve-%s%d" % (axis, at), "curves", "%s x %d, %d outputs, one iteration" % (thousands(n), d, c),
                "step %d %d %d 9 500 500" % (n, d, c), (
                    ours("agop", "--iters 1 --all-rows %s" % SAME),
                    xrfm("xRFM", "1 cholesky %s" % kernel),
                ), runs=1, at=at, **more)


def thousands(n):
    return "{:,}".format(n)


def dependence(n, d):
    command = "{agop} ids {data}/X.npy --scale none -o {out}/scores.npy -q"
    return Case("ids%d" % d, "ids", "%s x %s, the scores of all pairs" % (thousands(n), thousands(d)),
                "step %d %d 1 12 10 10" % (n, d), (
                    Row("agop", (command,)),
                    Row("agop, all correlations in float32", (command + " --matrix-units off",)),
                    Row("agop, all in bf16", (command + " --matrix-units on",)),
                    Row("the formula in NumPy", ("{peer} ids {data} {out} numpy",), peer="sklearn", runs=1),
                    Row("the formula in PyTorch", ("{peer} ids {data} {out} torch",), peer="xrfm", runs=1),
                ), scores(n, d))


SPARSE = "{agop} ids {data}/%s --top %d --pairs 1000 -o {out}/pairs.csv -q"


def genes(name, n, what):
    return Case(name, "ids", what, "counts %d 20000 5 12" % n,
                (Row("agop", (SPARSE % ("counts.h5", 100),)),),
                sparse_scores(n, 20000, .05))


TREE = "--tune off"
KRR = "--iters 0 --leaf-size 1000000 --solver-tolerance 1e-4 " + SAME

CASES = [
    fixed("r10k100", "10,000 x 100, 5 iterations", "step 10000 100 1 2", 10000, 100),
    fixed("r10k500", "10,000 x 500, 5 iterations", "step 10000 500 1 3", 10000, 500),
    fixed("c5k784", "5,000 x 784, ten classes, 5 iterations", "classes 5000 784 10 5", 5000, 784, 10,
          "--task classification --class-code onehot"),
    wide(4096),
    wide(8192),
    Case("quick", "recipes", "10,000 x 100, no option at all", "step 10000 100 1 2", (
        ours("agop", ""),
        Row("HistGradientBoosting, 400 trees", ("{peer} boost {data} {out} 400",), peer="sklearn", other=True),
    ), total(([solve(5000, 100) + Counter(potrf=5000**3 / 3)] * 14 + [agop(5000, 100, 1)] * 3
              + [solve(10000, 100)] * 3 + [Counter(potrf=10000**3 / 3 / 8)] * 3) * 2)), # of two machines
    Case("predict", "predict", "1,000,000 rows asked of a model of 10,000 x 20", "step 10000 20 1 8 2000 1000000", (
        Row("agop", (ANSWER + " --json {out}/report.json",), before=(fit("--iters 1 --all-rows " + SAME),)),
        Row("xRFM", ("{peer} rfm-predict {data} {out}",), before=("{peer} rfm-model {data} {out}",), peer="xrfm"),
        Row("KernelRidge, rbf", ("{peer} ridge-predict {data} {out}",), before=("{peer} ridge-model {data} {out}",),
            peer="sklearn", runs=1),
    ), answer(1000000, 10000, 20)),
    Case("tree50k", "tree", "50,000 x 20, a tree of machines", "step 50000 20 1 4 10000 10000", (
        ours("agop", TREE),
        ours("agop, overlapping leaves", TREE + " --overlap .1"),
        Row("xRFM, leaves of 10,000", ("{peer} tree {data} {out} 10000",), peer="xrfm", long=True),
        Row("HistGradientBoosting, 404 trees", ("{peer} boost {data} {out} 404",), peer="sklearn", other=True),
    ), leaves(50000, 20), at=50000),
    Case("tree100k", "tree", "100,000 x 20, a tree of machines", "step 100000 20 1 4 10000 10000",
         (ours("agop", TREE, runs=1),), leaves(100000, 20), at=100000),
    Case("tree1M", "tree", "1,000,000 x 20, a tree of machines", "step 1000000 20 1 4 10000 10000",
         (ours("agop", TREE, runs=1, long=True),), leaves(1000000, 20), seconds=3600, at=1000000),
    Case("krr20k", "krr", "20,000 x 20, kernel ridge regression", "step 20000 20 1 10 100 10000", (
        ours("agop, direct", "--solver direct " + KRR),
        ours("agop, conjugate gradients", "--solver cg " + KRR, floor=rfm(20000, 20)),
        xrfm("xRFM, Cholesky", "0 cholesky", runs=1),
        Row("KernelRidge, rbf", ("{peer} ridge {data} {out}",), peer="sklearn", runs=1, long=True),
    ), solve(20000, 20)),
    Case("krr100k", "krr", "100,000 x 20, kernel ridge regression in 8 GB", "step 100000 20 1 10 100 10000",
         (ours("agop, conjugate gradients", "--memory 8G " + KRR, runs=1),),
         lambda report: products(report, 100000, 20), seconds=1800),
    dependence(100000, 200),
    dependence(20000, 2000),
    dependence(10000, 5000),
    Case("ids-p", "ids", "10,000 x 100, the scores and p-values of all pairs", "step 10000 100 1 12 10 10", (
        Row("agop", ("{agop} ids {data}/X.npy --scale none --p-values -o {out}/pairs.csv -q",)),
        Row("PyTorch, 100 permutations", ("{peer} ids {data} {out} torch 100",), peer="xrfm", runs=1),
    ), scores(10000, 100)),
    Case("ids-sparse", "ids", "1,000,000 x 2,000 counts, 5 % not zero, the strongest scores", "counts 1000000 2000 5 12",
         (Row("agop", (SPARSE % ("counts.h5", 20),)),), sparse_scores(1000000, 2000, .05)),
    Case("ids-sparse-part", "ids", "a twentieth of these rows", "counts 50000 2000 5 12 dense", (
        Row("agop", (SPARSE % ("counts.h5", 20),)),
        Row("agop, zeros as numbers", (SPARSE % ("X.npy", 20),), floor=scores(50000, 2000)),
    ), sparse_scores(50000, 2000, .05)),
    genes("ids-sparse-wide", 50000, "50,000 x 20,000 counts, 5 % not zero, the 100 strongest of each"),
    genes("ids-sparse-wide-half", 25000, "half of these rows"),
    genes("ids-sparse-wide-quarter", 12500, "a quarter of them"),
    Case("read", "read", "a text file of 5,000,000 x 21, read and described", "csv 5000000 20 1 11 0 0",
         (Row("agop", ("{agop} info {data}/table.csv -q",)),)),
] + [curve("n", n, 100, 1) for n in (1000, 2000, 4000, 8000, 16000)] \
  + [curve("d", 2000, d, 1, "l2" if d < 1000 else "l2_high_dim") for d in (16, 64, 256, 1024, 4096)] \
  + [curve("c", 4000, 100, c) for c in (1, 4, 16, 64)]
