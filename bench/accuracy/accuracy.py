#!/usr/bin/python3
"""Run our program and the peers over a folder of tables, and write down who predicts best.

    accuracy.py [OPTION]...

    --tables FOLDER    manifest.csv, NAME.train.csv.gz, NAME.test.csv.gz (../shared/data/tabular)
    --only A,B         these tables; patterns are understood
    --methods A,B      these methods, or default, tuned; patterns are understood
    --rows N           the first N training rows (0: all)
    --folds K          judge by K folds of the training rows; the test rows are not touched (0: the table's test rows)
    --budget S         seconds of a tuned method at a table, start to end (120)
    --limit S          the longest that a run may take (3600); a tuned one: four times its budget
    --threads N        of every program (all cores)
    --redo WHAT        measure again: loaded (what was measured beside other work), failed, older (than this program, or
                       than the versions of the peers in methods.py), all
    --agop PROGRAM     our program (build/agop)
    --build FOLDER     the peers' environment, runs, cut tables (build/bench/accuracy)
    --results FILE     what is kept (bench/accuracy/results.csv)
    --document FILE    the text that is rewritten (docs/accuracy.md)
    --picture FILE     critical differences (docs/accuracy.svg)
    --merge            measure nothing; put the runs into the kept results and write the document again
    --rewrite          measure nothing; write the document again from the kept results
    --list             tables and methods

A run that has a result, in the build folder or among the kept ones, is not repeated, whatever it says: a study can be
interrupted and continued. This process stays small, because the system counts the memory of whoever starts a program as
that program's.
"""
import argparse
import csv
import fnmatch
import gzip
import json
import os
import shlex
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
ROOT = os.path.dirname(BENCH)
sys.path.insert(0, BENCH)

import document
import results
from methods import METHODS, PEERS
from process import Failed, answer_of, installed, interruptible, machine_in_words, peers_python, run

QUIET = 0.05 # of the processors' time at most is others', or the seconds are marked


# ---- tables ----

def manifest(folder):
    with open(os.path.join(folder, "manifest.csv"), newline="") as f:
        return list(csv.DictReader(f))


def cut(source, path, wanted):
    """The header, and the rows whose number is wanted."""
    with gzip.open(source, "rt") as f, open(path + ".new", "w") as out:
        out.write(f.readline())
        for i, line in enumerate(f):
            if wanted(i):
                out.write(line)
    os.replace(path + ".new", path)


def files_of(args, table, fold):
    """Paths of the rows to learn from and of those to answer; cut where less than the whole table is asked for."""
    train, test = (os.path.join(args.tables, "%s.%s.csv.gz" % (table, part)) for part in ("train", "test"))
    if not args.rows and not args.folds:
        return train, test
    folder = os.path.join(args.build, "tables")
    os.makedirs(folder, exist_ok=True)
    name = "%s.rows%d" % (table, args.rows) + (".fold%dof%d" % (fold, args.folds) if args.folds else "")
    parts = [os.path.join(folder, "%s.%s.csv" % (name, part)) for part in ("train", "test")]

    def inside(i):
        return not args.rows or i < args.rows
    if not os.path.exists(parts[0]):
        cut(train, parts[0], lambda i: inside(i) and not (args.folds and i % args.folds == fold))
    if not args.folds:
        return parts[0], test
    if not os.path.exists(parts[1]):
        cut(train, parts[1], lambda i: inside(i) and i % args.folds == fold)
    return parts


# ---- a run ----

def commands_of(args, method, task, files, out):
    train, test = (shlex.quote(path) for path in files)
    if method.peer:
        return ["%s %s %s %s %s %s %d %s" % (
            shlex.quote(args.python), shlex.quote(os.path.join(HERE, "learner.py")), method.peer, train, test, task,
            args.budget if method.tuned else 0, out)]
    return ["%s fit %s --target target --task %s -o %s/model.agop --json %s/report.json -q %s" % (
        shlex.quote(args.agop), train, task, out, out, method.options.format(budget=args.budget)),
            "%s predict %s/model.agop %s %s -o %s/answers.csv -q" % (
                shlex.quote(args.agop), out, test, "--proba" if task == "classification" else "", out)]


def version_of(args, method):
    if method.peer:
        return PEERS[method.module()].replace("==", " ")
    return "agop %s (%s)" % (args.machine["version"], args.machine["commit"])


def measure(args, method, table, new, fold):
    """Fills in `new`: what was answered, and what it took."""
    task = "regression" if table["task"] == "regression" else "classification"
    files = files_of(args, table["name"], fold)
    limit = 4 * args.budget + 60 if method.tuned else args.limit
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), OMP_WAIT_POLICY="passive")
    with tempfile.TemporaryDirectory(dir=args.build) as out:
        try:
            parts = [run(c, limit, os.path.join(args.build, "log.txt"), environment)
                     for c in commands_of(args, method, task, files, shlex.quote(out))]
            score = answer_of(os.path.join(HERE, "score.py"), task, files[1], os.path.join(out, "answers.csv"))
            if score is None:
                raise Failed("its answers cannot be scored")
            seconds, others = (sum(getattr(p, name) for p in parts) for name in ("seconds", "others"))
            new.update(json.loads(score), state="ok", seconds=round(seconds, 2),
                       peak_mb=round(max(p.peak_mb for p in parts)),
                       quiet=int(others < QUIET * seconds * args.machine["cores"]))
        except Failed as failure:
            new.update(state=str(failure), quiet=0)
        new.update(versions=version_of(args, method), threads=args.threads, cpu=args.machine["cpu"],
                   cores=args.machine["cores"], date=time.strftime("%Y-%m-%d %H:%M", time.gmtime()))
        if method.peer and os.path.exists(os.path.join(out, "report.json")):
            with open(os.path.join(out, "report.json")) as f:
                new.update(json.load(f)) # the version that was there; how many trials, and the best


def wanted_again(args, method, old):
    return {"all": True, "failed": old["state"] != "ok", "loaded": not old["quiet"],
            "older": old["versions"] != version_of(args, method)}.get(args.redo, False)


def plan(args, methods, tables):
    """The runs that are asked for and have no result yet: the methods take turns within a table."""
    known = results.merge(args.build, args.results)
    for table in tables:
        for fold in range(args.folds or 1):
            for method in methods:
                new = {"table": table["name"], "method": method.name, "rows": args.rows,
                       "budget": args.budget if method.tuned else 0, "fold": fold, "folds": args.folds}
                old = known.get(results.key(new))
                if old is None or wanted_again(args, method, old):
                    yield method, table, new, fold


def study(args, methods, tables):
    os.makedirs(args.build, exist_ok=True)
    args.machine = machine_in_words(args.agop)
    peers = any(m.peer for m in methods)
    args.python = peers_python(args.build, PEERS.values()) if peers else ""
    there = installed(args.python, PEERS) if peers else set()
    for method, table, new, fold in plan(args, methods, tables):
        if method.peer and method.module() not in there:
            print("accuracy: %s is not installed" % method.label, file=sys.stderr)
            continue
        measure(args, method, table, new, fold)
        results.save(args.build, new)
        value = new.get("r2", new.get("accuracy"))
        print("accuracy: %s, %s: %s" % (table["name"], method.label, "%.4f, %.1f s" % (value, new["seconds"])
                                        if new["state"] == "ok" else new["state"]), file=sys.stderr, flush=True)


# ---- what is asked for ----

def chosen(names, wish, what):
    """Those of `names` (each a name, or several) that the wish, names and patterns with commas, asks for."""
    wishes = [w for w in wish.split(",") if w]
    for w in wishes:
        if not any(fnmatch.fnmatch(n, w) for several in names for n in several):
            sys.exit("accuracy: no %s %s; see --list" % (what, w))
    return [not wishes or any(fnmatch.fnmatch(n, w) for w in wishes for n in several) for several in names]


def options():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name, *default in (("tables", ROOT, "..", "shared", "data", "tabular"), ("agop", ROOT, "build", "agop"),
                           ("build", ROOT, "build", "bench", "accuracy"), ("results", HERE, "results.csv"),
                           ("document", ROOT, "docs", "accuracy.md"), ("picture", ROOT, "docs", "accuracy.svg")):
        parser.add_argument("--" + name, default=os.path.join(*default), type=os.path.abspath)
    for name in ("only", "methods"):
        parser.add_argument("--" + name, default="")
    for name, number in (("rows", 0), ("folds", 0), ("budget", 120), ("limit", 3600),
                         ("threads", len(os.sched_getaffinity(0)))):
        parser.add_argument("--" + name, type=int, default=number)
    parser.add_argument("--redo", choices=("loaded", "failed", "older", "all"))
    for name in ("merge", "rewrite", "list"):
        parser.add_argument("--" + name, action="store_true")
    return parser.parse_args()


def main():
    args = options()
    if not args.rewrite and not args.merge:
        try:
            tables = manifest(args.tables)
        except FileNotFoundError:
            sys.exit("accuracy: no tables in %s: give --tables FOLDER" % args.tables)
        tables = [t for t, yes in zip(tables, chosen([(t["name"],) for t in tables], args.only, "table")) if yes]
        methods = [m for m, yes in zip(METHODS, chosen([(m.name, m.group()) for m in METHODS], args.methods, "method"))
                   if yes]
        if args.list:
            print("\n".join([t["name"] for t in tables] + [""] + [m.name for m in methods]))
            return
        study(args, methods, tables)
    found = results.read(args.results) if args.rewrite else results.merge(args.build, args.results)
    print(document.write(args.document, args.picture, found))


if __name__ == "__main__":
    try:
        interruptible()
        main()
    except KeyboardInterrupt:
        sys.exit("accuracy: interrupted; what is complete is kept: say the same again to go on")
