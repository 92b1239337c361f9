#!/usr/bin/python3
"""The option sections of the manual pages say what `agop VERB --help` says.

    test_man_matches_help.py PROGRAM            compare, and let scdoc and mandoc look at the pages where they are there
    test_man_matches_help.py PROGRAM --update   write the sections anew

A section lies between the comments `; options` and `; end of options` of docs/man/agop-VERB.1.scd.
"""
import os
import re
import shutil
import subprocess
import sys

MAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "man")
VERBS = ["fit", "cv", "predict", "score", "features", "explain", "ids", "info", "version"]
BEGIN, END = "; options (from agop VERB --help; do not edit)\n", "; end of options\n"


def parse(text):
    """--help as [(heading, [(option, help)])]."""
    sections, option = [], None
    for line in text.splitlines():
        if re.match(r"(Usage: |\S)", line) and not re.match(r"(Options|Data|Learning|Folds|Limits|Every verb)$", line):
            continue
        if line and not line.startswith(" "):
            sections.append((line, []))
        elif re.match(r" {2,6}(-\w, )?--\w", line):
            left = re.match(r" +((?:-\w, )?--\S+(?: \S+)?)(?: {2,}(.*))?$", line)
            option = [left.group(1), left.group(2) or ""]
            sections[-1][1].append(option)
        elif option and line.startswith(" " * 30):
            option[1] = (option[1] + " " + line.strip()).strip()
    return sections


def escaped(text):
    return re.sub(r"([\\_*<>#|\[\]])", r"\\\1", text)


def section(program, verb):
    text = subprocess.run([program, verb, "--help"], capture_output=True, encoding="utf-8", check=True).stdout
    out = []
    for heading, options in parse(text):
        out.append("# %s\n\n" % heading.upper())
        for option, what in options:
            names, _, value = option.rpartition(" ") if re.search(r"--\S+ ", option) else (option, "", "")
            line = ", ".join("*%s*" % escaped(n) for n in names.split(", "))
            out.append("%s%s\n\t%s\n\n" % (line, " " + escaped(value) if value else "", escaped(what)))
    return "".join(out)


def check(program, verb, update):
    path = os.path.join(MAN, "agop-%s.1.scd" % verb)
    with open(path, encoding="utf-8") as f:
        page = f.read()
    head, rest = page.split(BEGIN)
    old, tail = rest.split(END)
    new = section(program, verb)
    assert new.count("\n\t") >= 6, "the help of agop %s could not be read" % verb
    if update:
        with open(path, "w", encoding="utf-8") as f:
            f.write(head + BEGIN + new + END + tail)
        return 0
    if old == new:
        return 0
    print("agop-%s.1.scd differs from agop %s --help: run test_man_matches_help.py PROGRAM --update" % (verb, verb))
    return 1


def renders(name):
    """scdoc takes the page, and mandoc finds no error in what it makes of it."""
    if not shutil.which("scdoc"):
        return 0
    with open(os.path.join(MAN, name), encoding="utf-8") as f:
        done = subprocess.run(["scdoc"], stdin=f, capture_output=True)
    if done.returncode:
        print("%s: %s" % (name, done.stderr.decode()))
        return 1
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-Tlint", "-Werror"], input=done.stdout, capture_output=True)
        if lint.returncode > 2:
            print("%s: %s" % (name, lint.stdout.decode()))
            return 1
    return 0


def main():
    program, update = os.path.abspath(sys.argv[1]), "--update" in sys.argv
    wrong = sum(check(program, verb, update) for verb in VERBS)
    wrong += sum(renders(n) for n in sorted(os.listdir(MAN)) if n.endswith(".scd"))
    print("%d verbs, %d wrong" % (len(VERBS), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
