#!/usr/bin/python3
"""Accuracy on sets of the UCI collection under its published folds, beside the published accuracies of 179 classifiers.

    uci.py [OPTION]...

    --sets FOLDER      manifest.csv, NAME.csv.gz, NAME.folds.txt.gz (../shared/data/uci121)
    --published FILE   accuracies in per cent, a set a line (../shared/data/published/uci121_179_classifiers.txt)
    --only A,B         these sets
    --agop PROGRAM     our program (build/agop)
    --results FILE     what is kept; a set that is in it is not measured again (bench/accuracy/uci.csv)
    --document FILE    the text that is rewritten (docs/accuracy.md)
    --again            measure again
    --rewrite          measure nothing; write the document again

A set has four pairs of rows to learn from and rows to answer, lines 3 to 10 of its file of folds (0-based); the figure
of a set is the mean accuracy over the four. Lines 1 and 2, on which the published classifiers were tuned, are not used:
the program has only its defaults, and tunes itself on the rows it learns from.

M. Fernandez-Delgado, E. Cernadas, S. Barro, D. Amorim, Do we need hundreds of classifiers to solve real world
classification problems?, JMLR 15 (2014) 3133-3181.
"""
import argparse
import csv
import gzip
import json
import os
import shlex
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

import document
import table
from process import Failed, interruptible, machine_in_words, run

COLUMNS = ("set", "rows", "features", "classes", "accuracy", "seconds", "state", "agop")
MARKS = document.marks("UCI")
# Of these the collection has a test part, by which the published figures were taken; the folds are of the other part.
OWN_TEST = {"conn-bench-vowel-deterding", "horse-colic", "image-segmentation", "monks-1", "monks-3", "optical",
            "pendigits", "soybean", "spect", "statlog-landsat"}
SHOWN = 10      # of the published
MOST = 0.95     # of the sets that a published classifier must have


# ---- our accuracies ----

def write_rows(path, head, body, rows):
    with open(path, "w") as f:
        f.writelines([head] + [body[i] for i in rows])


def one_fold(args, out, head, body, rows, unseen):
    """Accuracy and seconds of one pair."""
    train, test, model, score = (shlex.quote(os.path.join(out, name))
                                 for name in ("train.csv", "test.csv", "model.agop", "score.json"))
    write_rows(os.path.join(out, "train.csv"), head, body, rows)
    write_rows(os.path.join(out, "test.csv"), head, body, unseen)
    agop, log = shlex.quote(args.agop), os.path.join(out, "log.txt")
    fit = run("%s fit %s --target target --task classification -o %s -q" % (agop, train, model), 3600, log)
    run("%s score %s %s --json %s -q" % (agop, model, test, score), 600, log)
    with open(os.path.join(out, "score.json")) as f:
        return json.load(f)["accuracy"], fit.seconds


def one_set(args, name):
    with gzip.open(os.path.join(args.sets, name + ".csv.gz"), "rt") as f:
        head, *body = f.readlines()
    with gzip.open(os.path.join(args.sets, name + ".folds.txt.gz"), "rt") as f:
        folds = [[int(i) for i in line.split()] for line in f]
    with tempfile.TemporaryDirectory() as out:
        pairs = [one_fold(args, out, head, body, folds[k], folds[k + 1]) for k in range(2, 10, 2)]
    return 100 * sum(a for a, _ in pairs) / 4, sum(s for _, s in pairs)


def kept(path):
    if not os.path.exists(path):
        return {}
    with open(path, newline="") as f:
        return {line["set"]: line for line in csv.DictReader(f)}


def keep(path, found):
    with open(path + ".new", "w", newline="") as f:
        lines = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        lines.writeheader()
        lines.writerows(found[name] for name in sorted(found))
    os.replace(path + ".new", path)


def study(args):
    found, commit = kept(args.results), machine_in_words(args.agop)["commit"]
    with open(os.path.join(args.sets, "manifest.csv"), newline="") as f:
        sets = sorted(csv.DictReader(f), key=lambda s: int(s["rows"])) # the small ones first
    for s in sets:
        name = s["name"]
        if (args.only and name not in args.only.split(",")) or (name in found and not args.again):
            continue
        new = {"set": name, "rows": s["rows"], "features": s["features"], "classes": s["classes"], "state": "ok",
               "agop": commit, "accuracy": "", "seconds": ""}
        try:
            accuracy, seconds = one_set(args, name)
            new.update(accuracy="%.2f" % accuracy, seconds="%.1f" % seconds)
        except Failed as failure:
            new["state"] = str(failure)
        found[name] = new
        keep(args.results, found) # after every set: what is measured is not lost
        print("uci: %s: %s" % (name, new["accuracy"] or new["state"]), file=sys.stderr, flush=True)
    return found


# ---- beside the published ----

def published(path):
    """{classifier: {set: accuracy}}."""
    with open(path) as f:
        lines = [line.split() for line in f if line.strip()]
    found = {name: {} for name in lines[0][1:] if name not in ("max", "mean", "std")}
    for name, *values in lines[1:]:
        for classifier, value in zip(lines[0][1:], values):
            if classifier in found and value.replace(".", "", 1).isdigit():
                found[classifier][name] = float(value)
    return found


def means(mine, others):
    """(mean, ours, sets, how often ours is better, name) of those that have nearly all sets, on the sets they have."""
    rows = []
    for name, of in others.items():
        both = [s for s in mine if s in of]
        if len(both) >= MOST * len(mine):
            rows.append((sum(of[s] for s in both) / len(both), sum(mine[s] for s in both) / len(both), len(both),
                         sum(mine[s] > of[s] for s in both) + sum(mine[s] == of[s] for s in both) / 2, name))
    return sorted(rows, reverse=True)


def markdown(found, others):
    ok = {name: float(line["accuracy"]) for name, line in found.items() if line["state"] == "ok"}
    fair = {name: accuracy for name, accuracy in ok.items() if name not in OWN_TEST}
    rows = means(fair, others)
    best = {s: max((of[s] for of in others.values() if s in of), default=None) for s in ok}
    apart = sorted(set(ok) - set(fair))
    text = ["%d sets; agop %s, its defaults. A published classifier that lacks a set is compared on those it has; one "
            "that lacks more than %d %% of them is left out." % (
                len(ok), ", ".join(sorted({f["agop"] for f in found.values()})), 100 - 100 * MOST), ""]
    if apart:
        text += ["Not in the means, but in the list below: %s. Their published figures were taken on a test part that "
                 "the folds do not have." % ", ".join(apart), ""]
    failed = ["%s (%s)" % (name, line["state"]) for name, line in sorted(found.items()) if line["state"] != "ok"]
    text += ["Failed: %s." % ", ".join(failed), ""] if failed else []
    mean = "**%.2f**" % (sum(fair.values()) / max(1, len(fair)))
    lines = [["classifier", "mean accuracy, %", "agop on the same sets", "sets", "agop is better on"],
             ["---"] + ["---:"] * 4, ["**agop**", mean, "", str(len(fair)), ""]]
    lines += [["`%s`" % name, "%.2f" % theirs, "%.2f" % ours, str(n), "%g" % better]
              for theirs, ours, n, better, name in rows[:SHOWN]]
    text += table.aligned(lines)
    lines = [["set", "rows", "columns", "classes", "agop", "seconds", "`%s`" % rows[0][-1] if rows else "",
              "best of all published"], ["---"] + ["---:"] * 7]
    for name in sorted(ok):
        f, first = found[name], others[rows[0][-1]].get(name) if rows else None
        won = name in fair and best[name] is not None and ok[name] >= best[name]
        lines.append([name, f["rows"], f["features"], f["classes"], document.bold("%.2f" % ok[name], won), f["seconds"],
                      "" if first is None else "%.1f" % first, "" if best[name] is None else "%.1f" % best[name]])
    text += ["", "Every set; seconds are those of four fits, taken in passing:", "", *table.aligned(lines)]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    data = os.path.join(ROOT, "..", "shared", "data")
    for name, default in (("sets", os.path.join(data, "uci121")), ("agop", os.path.join(ROOT, "build", "agop")),
                          ("published", os.path.join(data, "published", "uci121_179_classifiers.txt")),
                          ("results", os.path.join(HERE, "uci.csv")),
                          ("document", os.path.join(ROOT, "docs", "accuracy.md"))):
        parser.add_argument("--" + name, default=default, type=os.path.abspath)
    parser.add_argument("--only", default="")
    for name in ("again", "rewrite"):
        parser.add_argument("--" + name, action="store_true")
    args = parser.parse_args()
    try:
        found = kept(args.results) if args.rewrite else study(args)
        text = markdown(found, published(args.published))
    except FileNotFoundError as missing:
        sys.exit("uci: there is no %s: see --sets, --published and --agop" % missing.filename)
    print(text)
    table.into(args.document, text, MARKS)


if __name__ == "__main__":
    try:
        interruptible()
        main()
    except KeyboardInterrupt:
        sys.exit("uci: interrupted; what is complete is kept: say the same again to go on")
