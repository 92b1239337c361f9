"""The statistics of several methods over several tables, as Demsar (2006) has them, in plain Python.

Scores are larger-is-better numbers; None is a method that failed on a table, which is worse than every number.

    ranks(scores)                  1 is the best; ties share the mean of their ranks
    normalised(scores)             (score - worst) / (best - worst), of the numbers; 0 for a failure
    mean_ranks(rows)               of each method, over rows of scores, one for each table
    friedman(means, n)             chi-square of mean ranks over n tables, Iman and Davenport's F, p-value of the former
    critical_difference(k, n)      Nemenyi: two of k methods differ when their mean ranks over n tables do by that much
    cliques(means, difference)     the groups of methods, best first, that do not differ
    wilcoxon(a, b)                 two-sided p-value of the signed ranks of a - b
    holm(ps)                       p-values of a family, adjusted

J. Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006) 1-30.
"""
import math


def ranks(scores):
    values = [-math.inf if s is None else s for s in scores]
    return [1 + sum(v > mine for v in values) + (values.count(mine) - 1) / 2 for mine in values]


def normalised(scores):
    numbers = [s for s in scores if s is not None]
    best, worst = max(numbers, default=0), min(numbers, default=0)
    return [0.0 if s is None else 1.0 if best == worst else (s - worst) / (best - worst) for s in scores]


def wins(scores):
    """Who has the best score, to the four digits that are shown."""
    shown = [None if s is None else round(s, 4) for s in scores]
    best = max((s for s in shown if s is not None), default=None)
    return [s is not None and s == best for s in shown]


def mean_ranks(rows):
    each = [ranks(row) for row in rows]
    return [sum(column) / len(rows) for column in zip(*each)]


# ---- all methods together ----

def chi_square_tail(x, freedom):
    """The upper tail, 1 - P(freedom / 2, x / 2), by the series of the lower incomplete gamma function."""
    if x <= 0:
        return 1.0
    a, half = freedom / 2, x / 2
    term = total = 1 / a
    n = a
    while term > total * 1e-17:
        n += 1
        term *= half / n
        total += term
    return max(0.0, 1 - total * math.exp(a * math.log(half) - half - math.lgamma(a)))


def friedman(means, n):
    k = len(means)
    chi = 12 * n / (k * (k + 1)) * (sum(r * r for r in means) - k * (k + 1) ** 2 / 4)
    rest = n * (k - 1) - chi
    return chi, (n - 1) * chi / rest if rest > 1e-9 else math.inf, chi_square_tail(chi, k - 1)


def normal(z):
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def below(z):
    return (1 + math.erf(z / math.sqrt(2))) / 2


def range_below(q, k):
    """P(the range of k standard normal values < q) = k * integral of phi(z) (Phi(z) - Phi(z - q))^(k-1), by Simpson."""
    steps, low, high = 400, -8.0, 8.0 + q
    h = (high - low) / steps

    def at(i):
        z = low + i * h
        return normal(z) * (below(z) - below(z - q)) ** (k - 1)
    inner = sum((4 if i % 2 else 2) * at(i) for i in range(1, steps))
    return k * h / 3 * (at(0) + inner + at(steps))


def studentised_range(k, level=0.05):
    """The value that the range of k standard normal values exceeds with probability `level`."""
    low, high = 0.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if range_below(middle, k) < 1 - level else (low, middle)
    return low


def critical_difference(k, n, level=0.05):
    return studentised_range(k, level) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))


def cliques(means, difference):
    """Runs of indices, by rank, whose ends differ by less; only those that are in no longer one."""
    order = sorted(range(len(means)), key=lambda i: means[i])
    found, reached = [], 0
    for first in range(len(order)):
        last = max(j for j in range(len(order)) if means[order[j]] - means[order[first]] < difference)
        if last > first and last > reached:
            found.append([order[j] for j in range(first, last + 1)])
            reached = last
    return found


# ---- two methods ----

def wilcoxon(a, b):
    """Exact, given the ranks, ties and all; tables where both are equal, or both failed, say nothing."""
    pairs = [(x, y) for x, y in zip(a, b) if x != y]
    if not pairs:
        return 1.0
    gaps = [math.inf if None in pair else abs(pair[0] - pair[1]) for pair in pairs]
    doubled = [round(2 * r) for r in ranks([-g for g in gaps])] # the smallest gap has rank 1; halves become whole
    won = sum(r for r, (x, y) in zip(doubled, pairs) if y is None or (x is not None and x > y))
    ways = [1] + [0] * sum(doubled)                             # how many of the 2^n signs give each sum
    for r in doubled:
        for s in range(len(ways) - 1, r - 1, -1):
            ways[s] += ways[s - r]
    least = min(won, sum(doubled) - won)
    return min(1.0, 2 * sum(ways[:least + 1]) / 2 ** len(doubled))


def holm(ps):
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, so_far = [0.0] * len(ps), 0.0
    for place, i in enumerate(order):
        so_far = max(so_far, min(1.0, (len(ps) - place) * ps[i]))
        adjusted[i] = so_far
    return adjusted
