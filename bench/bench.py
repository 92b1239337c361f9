#!/usr/bin/python3
"""Run the cases of cases.py, ours and the peers' interleaved, and write the table and the picture.

    bench.py [OPTION]... [CASE|GROUP|PATTERN]...      none: all of them

    --agop PROGRAM    our program (build/agop)
    --build FOLDER    data, peers and results (build/bench)
    --document FILE   the text whose table is rewritten (docs/performance.md)
    --picture FILE    the curves (docs/performance-scaling.svg)
    --runs N          of each row (3)
    --quick           without the rows that take many minutes
    --again           also the long rows of which a result is kept
    --no-peers        ours only
    --rewrite         measure nothing; write the document and the picture from the results that are kept
    --list            the cases, one a line

A run is a file in FOLDER/runs; the document shows the newest result of each row that this machine gave. This process
stays small, because the system counts the memory of whoever starts a program as that program's.
"""
import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import sys
import time

import cases
import picture
import table
from process import Failed, answer_of, installed, interruptible, machine_in_words, peers_python, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PEERS = {"xrfm": "xrfm", "sklearn": "scikit-learn"}  # module: what to install
PROBES = 3                                           # of the machine, at most, in a case


def data_of(case, folder):
    """The folder with the arrays of a case; two cases with the same arrays share it."""
    where = os.path.join(folder, "data", case.data.replace(" ", "-"))
    if not os.path.exists(os.path.join(where, "complete")):
        kind, rest = case.data.split(" ", 1)
        if answer_of(os.path.join(HERE, "data.py"), "make", where, kind, *rest.split()) is None:
            raise Failed("the data could not be written")
    return where


# ---- a case ----

class Measured:
    """A row while it is measured."""

    def __init__(self, case, row, fill, out, log):
        self.case, self.row, self.out, self.log = case, row, out, log
        self.fill = dict(fill, out=shlex.quote(out))
        self.runs, self.state = [], "ok"
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)

    def command(self, text):
        return text.format(**self.fill)

    def prepare(self):
        self.attempt(lambda: [run(self.command(c), self.case.seconds, self.log) for c in self.row.before])

    def once(self):
        def all_commands():
            parts = [run(self.command(c), self.case.seconds, self.log) for c in self.row.commands]
            self.runs.append((sum(p.seconds for p in parts), max(p.peak_mb for p in parts), sum(p.cpu for p in parts)))
        self.attempt(all_commands)

    def attempt(self, work):
        if self.state == "ok":
            try:
                work()
            except Failed as failure:
                self.state = str(failure)

    def quality(self):
        truth = os.path.join(self.fill["data"], "ytest.npy")
        for name in ("answers.csv", "answers.npy"):
            answers = os.path.join(self.out, name)
            if os.path.exists(answers) and os.path.exists(truth):
                printed = answer_of(os.path.join(HERE, "data.py"), "score", truth, answers)
                return float(printed) if printed else None
        return None

    def report(self):
        path = os.path.join(self.out, "report.json")
        if not os.path.exists(path):
            return {}
        with open(path) as f:
            found = json.load(f)
        return {k: v for k, v in found.items() if k not in ("columns", "settings", "classes")}

    def result(self, rates):
        case, row = self.case, self.row
        new = {"case": case.name, "row": row.label, "peer": row.peer, "other": row.other, "what": case.what,
               "group": case.group, "at": case.at, "state": self.state,
               "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}
        if self.runs and self.state == "ok":
            report = self.report()
            floor = row.floor or case.floor
            floor = floor(report) if callable(floor) else floor
            asked = re.search(r"--iters (\d+).*--select last", row.commands[0])
            new["short"] = asked and "iterations" in report and len(report["iterations"]) - 1 < int(asked[1]) and (
                "%d of %s iterations" % (len(report["iterations"]) - 1, asked[1]))
            new.update(seconds=[round(r[0], 3) for r in self.runs], peak_mb=round(max(r[1] for r in self.runs)),
                       cpu=[round(r[2], 2) for r in self.runs], quality=self.quality(), report=report, rates=rates,
                       floor=dict(floor) if floor else None)
        return new


def measure(case, rows, args, fill, log):
    """A B A B: every row once, then every row again; the machine in between."""
    fill = dict(fill, data=data_of(case, args.build))
    out = os.path.join(args.build, "out", case.name)
    measured = [Measured(case, row, fill, os.path.join(out, str(i)), log) for i, row in enumerate(rows)]
    rates = []
    for m in measured:
        m.prepare()
    for turn in range(min(args.runs, case.runs)):
        if turn < PROBES and case.floor:
            rates.append(json.loads(answer_of(os.path.join(HERE, "machine.py"), *args.probe) or "{}"))
        for m in measured:
            if turn < m.row.runs and not (turn and m.row.long):
                m.once()
                print("bench: %s: %s: %s" % (case.name, m.row.label, "%.2f s" % m.runs[-1][0] if m.state == "ok"
                                             else m.state), file=sys.stderr, flush=True)
    rates = [r for r in rates if r]
    rates = {k: max(r[k] for r in rates) for k in rates[0]} if rates else None # the floor is what the machine can do
    results = [m.result(rates) for m in measured]
    shutil.rmtree(out, ignore_errors=True)
    return results


def wanted(args, every):
    """The cases that are asked for, by name, group or pattern."""
    unknown = [a for a in args.cases if not any(fnmatch.fnmatch(n, a) for c in every for n in (c.name, c.group))]
    if unknown:
        sys.exit("bench: no case or group %s; see --list" % ", ".join(unknown))
    return [c for c in every if not args.cases
            or any(fnmatch.fnmatch(n, a) for a in args.cases for n in (c.name, c.group))]


def rows_of(case, args, kept, there):
    """The rows to measure now; and results for those that cannot be."""
    now, absent = [], []
    for row in case.rows:
        if row.long and (args.quick or ((case.name, row.label) in kept and row.peer and not args.again)):
            continue
        if row.peer and args.no_peers:
            continue
        if row.peer and row.peer not in there:
            absent.append({"case": case.name, "row": row.label, "peer": row.peer, "other": row.other, "at": case.at,
                           "what": case.what, "group": case.group, "state": "not installed",
                           "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime())})
        else:
            now.append(row)
    return now, absent


def all_cases(args, every):
    machine = machine_in_words(args.agop)
    os.makedirs(os.path.join(args.build, "runs"), exist_ok=True)
    kept = {key for key, r in table.newest(args.build, machine)[0].items() if r["state"] == "ok"}
    asked = wanted(args, every)
    with_peers = not args.no_peers and any(row.peer for case in asked for row in case.rows)
    python = peers_python(args.build, PEERS.values()) if with_peers else ""
    there = installed(python, PEERS) if with_peers else set()
    fill = {"agop": shlex.quote(args.agop), "peer": shlex.join([python, os.path.join(HERE, "peer.py")])}
    record = {"machine": machine, "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "rows": []}
    path = os.path.join(args.build, "runs", time.strftime("%Y%m%dT%H%M%SZ.json", time.gmtime()))
    log = os.path.join(args.build, "log.txt")
    for case in asked:
        now, absent = rows_of(case, args, kept, there)
        try:
            record["rows"] += absent + (measure(case, now, args, fill, log) if now else [])
        except Failed as failure:
            print("bench: %s: %s" % (case.name, failure), file=sys.stderr)
        with open(path + ".new", "w") as f: # after every case: what is measured is not lost
            json.dump(record, f, indent=1)
        os.replace(path + ".new", path)
    return machine


def main(every=tuple(cases.CASES)):
    parser = argparse.ArgumentParser(usage=__doc__)
    for name, default in (("agop", os.path.join(ROOT, "build", "agop")),
                          ("build", os.path.join(ROOT, "build", "bench")),
                          ("document", os.path.join(ROOT, "docs", "performance.md")),
                          ("picture", os.path.join(ROOT, "docs", "performance-scaling.svg"))):
        parser.add_argument("--" + name, default=default, type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=3)
    for name in ("quick", "again", "no-peers", "rewrite", "list"):
        parser.add_argument("--" + name, action="store_true")
    parser.add_argument("--probe", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    if args.list:
        for case in every:
            print("%-14s %-8s %s" % (case.name, case.group, case.what))
        return
    machine = None if args.rewrite else all_cases(args, every)
    results, machine = table.newest(args.build, machine)
    order = [(c.name, r.label) for c in every for r in c.rows]
    results = [results[key] for key in order if key in results]
    text = table.markdown(results, machine, args.picture)
    print(text)
    table.into(args.document, text)
    picture.write(args.picture, results)


if __name__ == "__main__":
    try:
        interruptible()
        main()
    except KeyboardInterrupt:
        sys.exit("bench: interrupted; what is complete is kept, see --rewrite")
