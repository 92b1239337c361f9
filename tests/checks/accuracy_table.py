#!/usr/bin/python3
"""The study of accuracy keeps its promises, shown on published figures and on tables of no size.

    accuracy_table.py PROGRAM      the statistics give what Demsar (2006) prints; answers are scored as by hand; a
                                   study goes on where it was interrupted, tells of failures, and keeps the text around
"""
import contextlib
import csv
import gzip
import io
import json
import os
import random
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "bench"), os.path.join(ROOT, "bench", "accuracy")]
sys.dont_write_bytecode = True

import accuracy
import document
import ranks
import results
import score
import uci

# Demsar (2006): q of Nemenyi's test for 2 to 10 methods (table 5)
Q = {0.05: (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164),
     0.10: (1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920)}

wrong = []


def check(fact, true):
    if not true:
        wrong.append(fact)


def near(a, b, far=1e-9):
    return abs(a - b) <= far


# ---- the statistics ----

def statistics():
    check("ties share a rank, failures are last", ranks.ranks([.9, .8, .9, None]) == [1.5, 3, 1.5, 4])
    check("two failures share the last rank", ranks.ranks([None, .2, None]) == [2.5, 1, 2.5])
    check("normalised", ranks.normalised([2, 4, None, 3]) == [0, 1, 0, .5])
    check("equal scores are all the best", ranks.normalised([.5, .5]) == [1, 1])
    check("what is equal to four digits wins together", ranks.wins([.90001, .9, .8999, None]) == [
        True, True, False, False])
    check("mean ranks by hand", ranks.mean_ranks([(.1, .2, .3), (.5, .5, .4)]) == [2.25, 1.75, 2])
    chi, f, p = ranks.friedman((3.143, 2.000, 2.893, 1.964), 14) # the example of section 3.2.4
    check("Friedman as published: %.2f, %.2f" % (chi, f), near(chi, 9.28, .01) and near(f, 3.69, .01))
    check("its p-value: %.4f" % p, near(p, 0.0258, 2e-4)) # chi-square, three degrees of freedom
    for level, published in Q.items():
        for k, q in enumerate(published, 2):
            found = ranks.studentised_range(k, level) / 2**.5
            check("q of %d methods at %g: %.4f" % (k, level, found), near(found, q, 2e-3))
    check("the critical difference as published", near(ranks.critical_difference(4, 14), 1.25, .01))
    check("cliques overlap, and none is inside another", ranks.cliques([3, 1.5, 2, 4.5], 1.2) == [[1, 2], [2, 0]])
    check("one win in one pair proves nothing", ranks.wilcoxon([1], [0]) == 1)
    check("five wins out of five", near(ranks.wilcoxon([1, 2, 3, 4, 5], [0] * 5), 2 / 2**5))
    check("a failure counts as the largest loss", near(ranks.wilcoxon([.1] * 4, [.2, .3, .4, None]), 2 * 7 / 2**4))
    check("nothing differs", ranks.wilcoxon([1, 2], [1, 2]) == 1)
    check("Holm", ranks.holm([.01, .04, .03]) == [.03, .06, .06])


def scores():
    half = score.regression(["1", "2", "3"], [{"prediction": x} for x in ("1", "2", "2")])
    check("R2 by hand", near(half["r2"], .5))
    got = score.classification(["a", "b"], [{"prediction": "a", "p_a": ".75", "p_b": ".25"},
                                            {"prediction": "a", "p_a": "1", "p_b": "0"}])
    check("accuracy by hand", got["accuracy"] == .5)
    check("log-loss by hand, clipped", near(got["log_loss"], (0.2876820724517809 + 16.11809565095832) / 2))
    check("Brier score by hand", near(got["brier"], (2 * .0625 + 2) / 2))
    unknown = score.classification(["c"], [{"prediction": "a", "p_a": ".5", "p_b": ".5"}])
    check("a class that was never seen", unknown["accuracy"] == 0 and near(unknown["brier"], 1.5))


def keeping(there):
    os.makedirs(there)
    old = {"table": "t", "method": "m", "rows": 0, "budget": 0, "fold": 0, "folds": 0, "state": "ok", "r2": .5,
           "seconds": 1.0, "quiet": 1, "date": "2026-01-01 00:00", "versions": "m 1"}
    loaded = dict(old, quiet=0, date="2026-01-02 00:00")
    check("disturbed seconds do not replace others", results.newer(old, loaded) is old)
    check("nor the other way round", results.newer(loaded, dict(old, date="2026-01-03 00:00"))["quiet"] == 1)
    check("a newer version does", results.newer(old, dict(loaded, versions="m 2"))["versions"] == "m 2")
    path = os.path.join(there, "kept.csv")
    results.write(path, {results.key(old): old})
    back = results.read(path)[results.key(old)]
    check("what is written is what is read", all(back[k] == v for k, v in old.items()) and back["accuracy"] is None)
    results.save(there, dict(loaded, versions="m 2", r2=.75))
    check("a run is merged", results.merge(there, path)[results.key(old)]["r2"] == .75)


# ---- a study ----

def make_tables(folder):
    """Two tables to learn from, and one that nothing can be learned from."""
    os.makedirs(folder)
    draw = random.Random(1)
    with open(os.path.join(folder, "manifest.csv"), "w") as f:
        f.write("name,task\nsum,regression\ncolour,binary\nbroken,regression\n")
    for part, rows in (("train", 120), ("test", 40)):
        for name in ("sum", "colour", "broken"):
            with gzip.open(os.path.join(folder, "%s.%s.csv.gz" % (name, part)), "wt") as f:
                f.write("a,b,target\n")
                for _ in range(rows):
                    a, b = draw.gauss(0, 1), draw.choice(("red", "blue"))
                    y = {"sum": "%.4f" % (a + (b == "red")), "colour": "yes" if (a > 0) == (b == "red") else "no",
                         "broken": "one"}[name]
                    f.write("%s,%s,%s\n" % ("" if draw.random() < .05 else "%.4f" % a, b, y))


def run(module, *arguments):
    sys.argv = ["study", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as told:
        module.main()
    return printed.getvalue(), told.getvalue()


def study(there, program):
    make_tables(os.path.join(there, "tables"))
    original = open(os.path.join(ROOT, "docs", "accuracy.md")).read()
    text_of = lambda: open(os.path.join(there, "accuracy.md")).read()
    with open(os.path.join(there, "accuracy.md"), "w") as f:
        f.write(original)
    places = ["--%s=%s" % (name, os.path.join(there, file)) for name, file in (
        ("tables", "tables"), ("build", "build"), ("results", "results.csv"), ("document", "accuracy.md"),
        ("picture", "accuracy.svg"))] + ["--agop=" + program]
    printed, told = run(accuracy, *places, "--methods=agop", "--only=sum")
    check("a table is measured: %s" % told, told.startswith("accuracy: sum, agop: 0."))
    printed, told = run(accuracy, *places, "--methods=agop", "--threads=1")
    check("what has a result is not measured again", "sum" not in told and "colour, agop: " in told)
    check("a failure is told, without folders", "broken, agop: failed: " in told and "/" not in told)
    found = results.read(os.path.join(there, "results.csv"))
    check("three results are kept", len(found) == 3)
    r = found["colour", "agop", 0, 0, 0, 0]
    check("with scores, seconds and memory", r["accuracy"] > .6 and 0 < r["log_loss"] < 1 and 0 < r["brier"] < 1
          and r["seconds"] > 0 and r["peak_mb"] > 1 and r["versions"].startswith("agop "))
    head, tail = original.split(document.marks("whole tables")[0])[0], original.split(document.marks("UCI")[1])[1]
    check("the text around stays", text_of().startswith(head) and text_of().endswith(tail))
    check("the failure is in the table", "| broken | failed |" in text_of())
    check("what is printed is what is written", printed.split("\n\n")[0] in text_of())
    run(accuracy, *places, "--methods=agop", "--only=sum,colour", "--rows=60", "--folds=2")
    check("folds are runs of their own", len(results.read(os.path.join(there, "results.csv"))) == 7)
    check("and no row of the document", "first 60" not in text_of())
    run(accuracy, *places, "--methods=agop", "--only=colour", "--rows=60")
    check("fewer rows have their own section", "### The first 60 training rows" in text_of())
    fake(there)
    before = text_of()
    run(accuracy, *places, "--rewrite")
    check("several methods are ranked", "| **agop** | 1.50 |" in text_of() and "Friedman" in text_of() != before)
    check("the picture shows them", "LightGBM  1.50" in open(os.path.join(there, "accuracy.svg")).read())


def fake(there):
    """Another method that is as good on one table, better on one, and worse on one."""
    path = os.path.join(there, "results.csv")
    found = results.read(path)
    found["broken", "agop", 0, 0, 0, 0].update(state="ok", r2=.5, seconds=1.0, peak_mb=10, log_loss=None)
    for (name, *rest), r in list(found.items()):
        if rest == ["agop", 0, 0, 0, 0]:
            other = dict(r, method="lightgbm")
            if name != "broken":
                other["r2" if r["accuracy"] is None else "accuracy"] = -1.0 if name == "sum" else 1.1
            found[results.key(other)] = other
    results.write(path, found)


def uci_sets(there, program):
    """One set of 40 rows, each fold a half of them."""
    folder = os.path.join(there, "sets")
    os.makedirs(folder)
    with open(os.path.join(folder, "manifest.csv"), "w") as f:
        f.write("name,rows,features,classes\nsides,40,1,2\n")
    with gzip.open(os.path.join(folder, "sides.csv.gz"), "wt") as f:
        f.write("x,target\n" + "".join("%.2f,%d\n" % (i - 19.5, i > 19) for i in range(40)))
    even, odd = (" ".join(map(str, range(start, 40, 2))) for start in (0, 1))
    with gzip.open(os.path.join(folder, "sides.folds.txt.gz"), "wt") as f:
        f.write("\n".join([even, odd] * 5) + "\n")
    with open(os.path.join(there, "published.txt"), "w") as f:
        f.write("problem good bad rare max\nsides 100.0 50 -- 100\nother 1 2 3 3\n")
    places = ["--sets=" + folder, "--agop=" + program, "--document=" + os.path.join(there, "accuracy.md")] + [
        "--%s=%s" % (name, os.path.join(there, file)) for name, file in (
            ("published", "published.txt"), ("results", "uci.csv"))]
    printed, told = run(uci, *places)
    ours = float(next(csv.DictReader(open(os.path.join(there, "uci.csv"))))["accuracy"])
    check("the sides are told apart: %s" % ours, ours > 85)
    check("classifiers with enough sets, the better first, none of their summaries", [
        line.split("`")[1] for line in printed.splitlines() if line.startswith("| `")] == ["good", "bad"])
    check("a set is measured once", "sides" in told and not run(uci, *places)[1])
    check("it is in the document", "| sides | 40 |" in open(os.path.join(there, "accuracy.md")).read())


# ---- the search, with a package whose loss is known ----

def search(there):
    try:
        import numpy as np
        import learner
    except ImportError:
        return # no pandas
    make_tables(os.path.join(there, "more"))
    paths = [os.path.join(there, "more", "colour.%s.csv.gz" % part) for part in ("train", "test")]
    table = learner.Table(*paths, "classification")
    check("text is a category, a missing number stays one", table.categorical == [1] and np.isnan(table.X[:, 0]).any()
          and table.classes == ["no", "yes"] and set(table.X[:, 1]) == {0, 1})
    table.levels[1] = table.levels[1][:1]
    import pandas
    unseen = table.codes(pandas.DataFrame({"a": [1, None], "b": ["blue", "green"]}))
    check("a level that training did not show is missing", unseen[0, 1] == 0 and np.isnan(unseen[1, 1]))
    check("levels as columns of 0 and 1", table.onehot(unseen)[0][:, 1:].tolist() == [[1], [0]])
    rows, judge = learner.split(table)
    check("every class is in both parts", len(judge) == 24 and set(table.y[judge]) == set(table.y[rows]) == {0, 1})

    class Known(learner.Learner):
        """Sure of the truth by p; the third candidate fails."""
        alarm = False

        def __init__(self):
            self.table, self.X, self.calls = table, table.y, 0

        def learn(self, params, rows, judge, until):
            self.calls += 1
            if self.calls == 3:
                raise ValueError("no")
            return params.get("p", .5), 7

        def answer(self, model, y):
            return np.where(np.eye(2)[y] == 1, model, 1 - model)
    known = Known()
    with contextlib.redirect_stderr(io.StringIO()) as told:
        learner.BEGAN = learner.time.monotonic()
        best, tried = learner.search(known, {"p": learner.uniform(0, 1)}, .5)
    check("the best of many candidates: %s" % best.params, best.params["p"] > .9 and best.size == 7)
    check("all are counted", tried == known.calls)
    check("a failure is told, and the search goes on", "trial:" in told.getvalue() and tried > 3)
    check("the seconds are kept", learner.time.monotonic() - learner.BEGAN < 2)
    draws = np.random.default_rng(0)
    check("integers are within their bounds", {learner.log_integer(1, 4)(draws) for _ in range(500)} == {1, 2, 3, 4})


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as there:
        statistics()
        scores()
        keeping(os.path.join(there, "keeping"))
        study(there, program)
        uci_sets(there, program)
        search(there)
    print("\n".join("not so: " + fact for fact in wrong) or "all as promised")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
