#!/usr/bin/python3
"""The harness of bench/ keeps its promises, shown on cases of no size.

    bench_table.py PROGRAM      a case is measured and its row appears in a copy of the document, the rest of which stays;
                                a row that fails or takes too long says so, and the others go on
"""
import contextlib
import io
import os
import re
import sys
import tempfile
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
sys.dont_write_bytecode = True

import bench
import cases
import table

DATA = "step 200 4 1 1 20 100"
WRONG = cases.Row("misspelt", ("{agop} fit {data}/missing.npy --target y -o {out}/m.agop",))
NEVER = cases.Row("endless", ("sleep 60",))
PEER = cases.Row("a peer", ("{peer} rfm {data} {out} 1 solve",), peer="xrfm")
TINY = [
    cases.Case("tiny", "test", "200 x 4", DATA, (WRONG, cases.ours("agop", "--iters 1 " + cases.SAME), PEER),
               cases.rfm(200, 4, 1, 1)),
    cases.Case("late", "test", "too long", DATA, (NEVER,), seconds=1, runs=1),
    cases.Case("classes", "test", "200 x 6, three classes", "classes 300 6 3 1 20 100",
               (cases.ours("agop", "--iters 1 --task classification " + cases.SAME),), runs=1),
]


def run(folder, *arguments):
    sys.argv = ["bench.py", "--probe=1", "--runs", "2", *("--%s=%s" % place for place in folder.items()), *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()):
        bench.main(TINY)
    return printed.getvalue()


def cells(text, program):
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return next((r for r in rows if len(r) == 7 and program in r[1]), None)


def main():
    wrong = []

    def check(fact, true):
        if not true:
            wrong.append(fact)
    with tempfile.TemporaryDirectory() as there:
        folder = {name: os.path.join(there, name) for name in ("build", "document", "picture")}
        folder["agop"] = os.path.abspath(sys.argv[1])
        original = open(os.path.join(ROOT, "docs", "performance.md")).read()
        with open(folder["document"], "w") as f:
            f.write(original)
        printed = run(folder, "--no-peers")
        text = open(folder["document"]).read()
        begin, end = table.MARKS
        head, tail = original.split(begin)[0], original.split(end)[1]
        check("the text around the table stays", text.startswith(head + begin) and text.endswith(end + tail))
        check("what is printed is what is written", printed.strip() in text)
        row = cells(text, "**agop**, twice")
        check("our row is there: %r" % row, bool(row))
        if row:
            check("seconds and memory are numbers", re.fullmatch(r"[0-9.]+", row[2]) and 1 < int(row[3]) < 2000)
            check("the quality is an R2 of something learned", 0.05 < float(row[4]) <= 1)
            check("the floor is below", float(row[6].split()[0]) > 1)
        failure = (cells(text, "misspelt") or [""] * 3)[2]
        check("a failure is told without folders: %s" % failure, "failed: " in failure and "/" not in failure)
        check("a late one is told", "longer than 1 s" in (cells(text, "endless") or [""] * 3)[2])
        late = text.split("`classes`")[1] if "`classes`" in text else ""
        check("what follows is still measured", late and float(late.split("|")[4]) > 0.5)
        check("the phases are told", "Seconds inside our fits" in text)
        check("no peer, no row", "a peer" not in text and "a peer" not in printed)
        run(folder, "--no-peers", "tiny")
        again = open(folder["document"]).read()
        check("a part of the cases keeps the rest", "`classes`" in again and "endless" in again)
        run(folder, "--rewrite")
        check("the document can be written again without measuring", open(folder["document"]).read() == again)
    print("\n".join("not so: " + fact for fact in wrong) or "all as promised")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
