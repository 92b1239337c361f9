#!/usr/bin/python3
"""The repository speaks of itself alone: no word about how, where or by what it was made.

    words.py ROOT      looks through every tracked file (every file where there is no git)
    words.py --trip    proves that each pattern is noticed, and that innocent text is not

The patterns are written in pieces so that this file passes its own check.
"""
import os
import re
import subprocess
import sys

PATTERNS = [
    r"\b(this|last|next|previous|other|each|every|a) ses" r"sion\b", r"\bses" r"sion (log|id|note)",
    r"\bsub-?ag" r"ents?\b", r"\bAI ag" r"ents?\b", r"\b(an|the|this|other|another|helper) ag" r"ents?\b",
    r"\bhelper ag" r"ent", r"\b(cl" r"aude|anth" r"ropic|chat" r"gpt|cop" r"ilot|open" r"ai)\b",
    r"\blanguage model (wrote|made|generated)", r"\bco-authored-by\b",
    r"(^|[\s\"'(=:])/wo" r"rk/", r"/home/[a-z]", r"/ro" r"ot/", r"(^|[^$A-Z_\"{}])/tmp/bu" r"ild",
    r"\b(issues?|pull request|PR|ticket) #\d+", r"\(#\d+\)", r"\bbri" r"ef\.md\b", r"\bsha" r"red/design\b",
    r"\b(arti" r"factory|pypi\.org|registry\.npm)\b", r"\bthe le" r"ad\b(?! time)", r"\bwork" r"place\b",
]
FORBIDDEN = [re.compile(p, re.IGNORECASE | re.MULTILINE) for p in PATTERNS]
INNOCENT = ["leading dimension", "a table at work", "agreement", "/tmp is full", "issue a warning", "the leader",
            "reagent", "language models", "build/agop", "working tree"]
GUILTY = ["in this ses" "sion", "the ag" "ent", "see issue " "#12", "fixed (" "#3)", "/wo" "rk/main", "/home" "/someone",
          "/ro" "ot/.bashrc", "cl" "aude", "sub" "agents", "Co-Authored-" "By: x", "the le" "ad decides", "/tmp/bu" "ild-x"]


def files(root):
    try:
        out = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], capture_output=True,
                             check=True).stdout
        return [f for f in out.decode().split("\0") if f]
    except (OSError, subprocess.CalledProcessError):
        return [os.path.relpath(os.path.join(d, n), root) for d, folders, names in os.walk(root)
                for n in names if not re.search(r"/(\.git|build[^/]*|demo)(/|$)", d)]


def check(root):
    found = looked = 0
    for name in files(root):
        path = os.path.join(root, name)
        if not os.path.isfile(path) or os.path.islink(path):
            continue
        raw = open(path, "rb").read()
        if b"\0" in raw[:8192]:
            continue
        text = raw.decode("utf-8", "replace")
        looked += 1
        for pattern in FORBIDDEN:
            for m in pattern.finditer(text):
                print("%s:%d: %r" % (name, text.count("\n", 0, m.start()) + 1, m.group(0).strip()))
                found += 1
    print("%d files, %d complaints" % (looked, found))
    return found if looked else 1


def trip():
    missed = [t for t in GUILTY if not any(p.search(t) for p in FORBIDDEN)]
    wrong = [t for t in INNOCENT if any(p.search(t) for p in FORBIDDEN)]
    print("missed: %r; wrongly noticed: %r" % (missed, wrong))
    return len(missed) + len(wrong)


if __name__ == "__main__":
    sys.exit(1 if (trip() if sys.argv[1] == "--trip" else check(sys.argv[1])) else 0)
