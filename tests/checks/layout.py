#!/usr/bin/python3
"""Layout that holds everywhere: no tabs (but in Makefile and *.scd), no trailing blanks, LF, one newline at the end;
C lines of at most 120 columns (a text may be longer); C files open with a comment that names them. No two files have
one name.

    layout.py ROOT      prints file:line: sentence, and exits 1, where that is broken
    layout.py --trip    proves that each rule is noticed
"""
import os
import sys

TEXT = (".c", ".h", ".inc", ".py", ".sh", ".cmake", ".txt", ".in", ".md", ".json", ".scd")
FOLDERS = ("include", "src", "cli", "cmake", "tests", "examples", "bench", "docs", "scripts", "python")
DATA = ("tests/data", "tests/cli", "tests/fuzz/corpus", "examples/data") # whatever bytes a test needs
WIDTH = 120
EVERYWHERE = ("CMakeLists.txt", "README.md") # names that tools look for


def complaints(name, raw):
    text = raw.decode("utf-8", "replace")
    c = name.endswith((".c", ".h", ".inc"))
    if "\r" in text:
        yield 1, "a carriage return"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield text.count("\n") + 1, "the file ends with one newline"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield number, "trailing blanks"
        if "\t" in line and not name.endswith(".scd"):
            yield number, "a tab"
        if c and len(line) > WIDTH and not line.lstrip().startswith('"'):
            yield number, "%d columns, more than %d" % (len(line), WIDTH)
    if c and not text.startswith(("/* %s - " % os.path.basename(name), "#ifdef", "#if ")):
        yield 1, "the file opens with: /* %s - what it is" % os.path.basename(name)


def namesakes(paths):
    """Pairs (path, the earlier path of the same name)."""
    first = {}
    for path in paths:
        name = os.path.basename(path)
        if name not in EVERYWHERE and first.setdefault(name, path) != path:
            yield path, first[name]


def check(root):
    found = looked = 0
    paths = []
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            relative = os.path.relpath(folder, root)
            for name in sorted(names):
                path = os.path.join(folder, name)
                if not name.endswith(TEXT) or (relative.startswith(DATA) and not name.endswith(".py")):
                    continue
                looked += 1
                paths.append(os.path.join(relative, name))
                for number, sentence in complaints(name, open(path, "rb").read()):
                    print("%s/%s:%d: %s" % (relative, name, number, sentence))
                    found += 1
    for path, earlier in namesakes(paths):
        print("%s:1: %s has the same name" % (path, earlier))
        found += 1
    print("%d files, %d complaints" % (looked, found))
    return found if looked else 1


def trip():
    good = b"/* a.c - a file. */\nint x;\n"
    bad = [good + b"\n", good[:-1], good.replace(b"\n", b"\r\n"), good + b"int y; \n", good + b"\tint y;\n",
           good + b"/*" + b"x" * WIDTH + b"*/\n", b"int x;\n"]
    wrong = sum(not list(complaints("a.c", b)) for b in bad) + len(list(complaints("a.c", good)))
    wrong += list(namesakes(["src/a.c", "cli/b.c", "cli/a.c"])) != [("cli/a.c", "src/a.c")]
    wrong += list(namesakes(["src/a.c", "cli/a.h", "docs/README.md", "bench/README.md"])) != []
    print("%d not as they should be" % wrong)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if (trip() if sys.argv[1] == "--trip" else check(sys.argv[1])) else 0)
