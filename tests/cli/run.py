#!/usr/bin/python3
"""Run tests of the program: shell scripts with sidecars.

    run.py PROGRAM SCRIPT... [--valgrind] [--update]

A script NAME.sh runs in an empty folder under `sh -eu` with $AGOP (the program), $DATA (tests/data), $EXAMPLES
(examples/data), $PYTHON and $ROOT. Beside it lie what it should do:

    NAME.exit      the exit status (none: 0); 77 means that it could not be run here, and says why
    NAME.stdout    what it prints; without this file: nothing
    NAME.stderr    the same for standard error

A line of a sidecar is taken as it stands, except that a line `re: EXPRESSION` is a regular expression for a whole
line, and a line `...` stands for any number of lines.  --update writes what was printed into the sidecars that
hold no such line.  --valgrind puts valgrind in front of the program: a leak or a wrong access becomes exit 99.
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEMCHECK = r"""#!/bin/sh
case $1 in # valgrind does not know the newest vector instructions
    fit | cv | predict | score | features | explain | ids | info | version) set -- "$@" --backend cpu:baseline ;;
esac
export OMP_WAIT_POLICY=passive # without it the program would start over, out of sight
exec '%s' -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    --suppressions='%s/tests/checks/valgrind.supp' '%s' "$@"
"""


def sidecar(script, kind):
    path = script[:-len(".sh")] + "." + kind
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def is_pattern(line):
    return line == "..." or line.startswith("re: ")


def fits(want, got):
    """Do the lines of a sidecar describe the lines printed? `...` is tried with every length."""
    if not want:
        return not got
    if want[0] == "...":
        return any(fits(want[1:], got[k:]) for k in range(len(got) + 1))
    if not got:
        return False
    one = re.fullmatch(want[0][4:], got[0]) if want[0].startswith("re: ") else want[0] == got[0]
    return bool(one) and fits(want[1:], got[1:])


def update(script, kind, got):
    want = sidecar(script, kind)
    if want is not None and any(is_pattern(line) for line in want.splitlines()):
        return
    path = script[:-len(".sh")] + "." + kind
    if got:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(got)
    elif want is not None:
        os.remove(path)


def environment(program, folder, valgrind):
    if valgrind:
        wrapper = os.path.join(folder, "agop-under-valgrind")
        with open(wrapper, "w") as f:
            f.write(MEMCHECK % (shutil.which("valgrind"), ROOT, program))
        os.chmod(wrapper, 0o755)
        program = wrapper
    return dict(os.environ, AGOP=program, DATA=os.path.join(ROOT, "tests", "data"), ROOT=ROOT,
                EXAMPLES=os.path.join(ROOT, "examples", "data"), PYTHON=sys.executable, LC_ALL="C.UTF-8")


def run(program, script, options):
    with tempfile.TemporaryDirectory() as outer:
        folder = os.path.join(outer, "here")
        os.mkdir(folder)
        env = environment(program, outer, "--valgrind" in options)
        done = subprocess.run(["sh", "-eu", script], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", errors="surrogateescape")
    printed = {"stdout": done.stdout, "stderr": done.stderr}
    if done.returncode == 77:
        print("skipped: " + (done.stdout + done.stderr).strip())
        return 77
    if "--update" in options:
        for kind, got in printed.items():
            update(script, kind, got)
    wrong = 0
    for kind, got in printed.items():
        want = sidecar(script, kind) or ""
        if not fits(want.splitlines(), got.splitlines()):
            wrong = 1
            print("".join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), "expected " + kind,
                                               "got " + kind)))
    code = int(sidecar(script, "exit") or 0)
    if done.returncode != code:
        wrong = 1
        print("exit %d, expected %d\n%s" % (done.returncode, code, done.stderr))
    print("%-4s %s" % ("FAIL" if wrong else "ok", os.path.basename(script)))
    return wrong


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    names = [os.path.abspath(a) for a in sys.argv[1:] if not a.startswith("--")]
    if len(names) < 2 or set(options) - {"--valgrind", "--update"}:
        sys.exit(__doc__)
    results = [run(names[0], script, options) for script in names[1:]]
    return 77 if all(r == 77 for r in results) else int(any(r == 1 for r in results))


if __name__ == "__main__":
    sys.exit(main())
