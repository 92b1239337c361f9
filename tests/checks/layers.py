#!/usr/bin/python3
"""Data flows one way: a file may include its own folder, folders of a lower rank, and agop/*.h.

    layers.py ROOT      prints file:line: sentence, and exits 1, where that is broken
    layers.py --trip    proves on a made-up tree that each rule is noticed
"""
import os
import re
import sys
import tempfile

RANK = {"base": 0, "io": 1, "backend": 1, "table": 2, "kernel": 2, "solve": 3, "rfm": 4, "depend": 4}
OUTSIDE = ("cli", "bench", "examples")  # see the public header only
ARITHMETIC = re.compile(r"cblas|lapack|omp\.h|immintrin|cuda|mpi\.h")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)')
PRAGMA = re.compile(r"\s*#\s*pragma\s+omp\b")


def complaint(where, line):
    """What is wrong with this line of a file in folder `where`, or None. `where` is a module or one of OUTSIDE."""
    if PRAGMA.match(line) and where != "backend":
        return "OpenMP appears under src/backend only"
    m = INCLUDE.match(line)
    if not m:
        return None
    quoted, path = m.group(1) == '"', m.group(2)
    if ARITHMETIC.search(path) and where != "backend" and not quoted:
        return "<%s> appears under src/backend only" % path
    folder = path.split("/")[0] if "/" in path else None
    if not quoted or folder == "agop":
        if folder == "agop" and where in OUTSIDE and path != "agop/agop.h":
            return "%s may include agop/agop.h and nothing else of ours" % where
        return None
    if where in OUTSIDE:
        return "%s may include agop/agop.h and nothing else of ours" % where if folder else None
    if folder is None:
        return None if path == "build_info.h" else 'write "%s" from src/: "%s/%s"' % (path, where, path)
    if folder not in RANK:
        return "%s has no rank in tests/checks/layers.py" % folder
    if folder != where and RANK[folder] >= RANK[where]:
        return "%s may not include %s" % (where, folder)
    return None


def check(root):
    found = files = 0
    for top in ("src",) + OUTSIDE:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if not name.endswith((".c", ".h", ".inc")):
                    continue
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, root)
                where = relative.split(os.sep)[1] if top == "src" else top
                files += 1
                if where not in RANK and where not in OUTSIDE:
                    print("%s:1: src/%s has no rank in tests/checks/layers.py" % (relative, where))
                    found += 1
                    continue
                for number, line in enumerate(open(path, encoding="utf-8"), 1):
                    wrong = complaint(where, line)
                    if wrong:
                        print("%s:%d: %s" % (relative, number, wrong))
                        found += 1
    print("%d files, %d complaints" % (files, found))
    return found if files else 1


def trip():
    """Each line must be noticed in a tree that holds nothing else."""
    bad = [("src/base/a.c", '#include "io/csv.h"'), ("src/io/a.c", '#include "backend/backend.h"'),
           ("src/kernel/a.c", '#include "solve/solve.h"'), ("src/solve/a.c", "#include <cblas.h>"),
           ("src/rfm/a.c", "#include <omp.h>"), ("src/table/a.c", "#include <immintrin.h>"),
           ("src/rfm/a.c", "    #pragma omp parallel for"), ("src/rfm/a.c", '#include "depend/depend.h"'),
           ("src/io/a.c", '#include "csv.h"'), ("cli/a.c", '#include "base/text.h"'),
           ("cli/a.c", '#include "agop/export.h"'), ("src/misc/a.c", "int x;")]
    good = [("src/solve/a.c", '#include "kernel/kernel.h"\n#include "agop/agop.h"\n#include <math.h>'),
            ("src/backend/cpu/a.c", "#include <cblas.h>\n#pragma omp parallel"), ("cli/a.c", '#include "opt.h"')]
    missed = 0
    for wanted, cases in ((True, bad), (False, good)):
        for path, text in cases:
            with tempfile.TemporaryDirectory() as root:
                os.makedirs(os.path.join(root, os.path.dirname(path)))
                with open(os.path.join(root, path), "w") as f:
                    f.write(text + "\n")
                if (check(root) > 0) != wanted:
                    print("not as it should be: %s: %s" % (path, text))
                    missed += 1
    return missed


if __name__ == "__main__":
    sys.exit(1 if (trip() if sys.argv[1] == "--trip" else check(sys.argv[1])) else 0)
