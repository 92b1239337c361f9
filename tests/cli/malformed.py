#!/usr/bin/python3
"""Malformed tables, models and command lines: what the program says to each.

    malformed.py PROGRAM [NAME...]      run all rows, or those named
    malformed.py PROGRAM --update       write what is printed now into the rows that say "?"

Every row makes its files in a folder of its own (beside good ones: good.csv with columns a, b, noise, city, y; test.csv;
m.agop, a regression fitted on good.csv; c.agop, classes fitted on kinds.csv), runs one command there, and is right when

  - the exit status is the one expected: 2 usage, 3 data or file, 4 numbers, 1 the rest;
  - standard error is exactly one line, the sentence expected (numbers of bytes or versions: a regular expression
    after "re: ");
  - standard output is empty, and no file is new or changed.
"""
import gzip
import io
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")


# ---- makers of files ----

def table(*lines, rows=40):
    """A good table (x, y) with the lines given after its first rows."""
    head = ["x,y"] + ["%d,%d.5" % (i, 3 * i) for i in range(rows)]
    return "\n".join(head + list(lines)) + "\n"


def npy(array, **kind):
    f = io.BytesIO()
    np.save(f, array, **kind)
    return f.getvalue()


def npz(**arrays):
    f = io.BytesIO()
    np.savez(f, **arrays)
    return f.getvalue()


def zipped(**files):
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w") as z:
        for name, raw in files.items():
            z.writestr(name, raw)
    return f.getvalue()


def tensors(header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


class Model:
    """A change to the good model m.agop: of the header, of the description in its metadata, or of the bytes."""

    def __init__(self, change):
        self.change = change

    def make(self, raw):
        length = struct.unpack("<Q", raw[:8])[0]
        head, body = json.loads(raw[8:8 + length]), bytearray(raw[8 + length:])
        about = json.loads(head["__metadata__"]["agop"])
        made = self.change(head, about, body)
        if made is not None:
            return made
        head["__metadata__"]["agop"] = json.dumps(about)
        return tensors(head, bytes(body))


def poke(name, form, value):
    """Overwrite the first element of a tensor."""
    def change(head, about, body):
        begin = head[name]["data_offsets"][0]
        body[begin:begin + struct.calcsize(form)] = struct.pack(form, value)
    return Model(change)


def retell(path, value):
    """Set about[path[0]][path[1]]... = value in the description; value ... (Ellipsis) deletes."""
    def change(head, about, body):
        at = about
        for key in path[:-1]:
            at = at[key]
        if value is ...:
            del at[path[-1]]
        else:
            at[path[-1]] = value
    return Model(change)


def rehead(name, key, value):
    def change(head, about, body):
        head[name][key] = value
    return Model(change)


def drop(name):
    """Take a tensor out, bytes and all, so that the rest is a well-formed file."""
    def change(head, about, body):
        begin, end = head.pop(name)["data_offsets"]
        del body[begin:end]
        for one in head.values():
            if "data_offsets" in one and one["data_offsets"][0] >= end:
                one["data_offsets"] = [o - (end - begin) for o in one["data_offsets"]]
    return Model(change)


def raw(change):
    """Of the whole file as bytes."""
    return Model(lambda head, about, body: change(rebuilt(head, about, body)))


def rebuilt(head, about, body):
    head["__metadata__"]["agop"] = json.dumps(about)
    return tensors(head, bytes(body))


FIT = "fit bad.csv --target y -o out.agop"
PREDICT = "predict bad.agop test.csv -o out.csv"
GOOD = "fit good.csv --target y -o out.agop "

# name, {file: content}, command, exit status, sentence
ROWS = [
    # ---- tables of text ----
    ("empty file", {"bad.csv": ""}, FIT, 3, "?"),
    ("no such file", {}, FIT, 3, "?"),
    ("a folder as a table", {"bad.csv": None}, FIT, 3, "?"),
    ("only a header", {"bad.csv": "x,y\n"}, FIT, 3, "?"),
    ("empty first line", {"bad.csv": "\nx,y\n1,2\n"}, FIT, 3, "?"),
    ("a row too short", {"bad.csv": table("5")}, FIT, 3, "?"),
    ("a row too long", {"bad.csv": table("5,6,7")}, FIT, 3, "?"),
    ("two columns of one name", {"bad.csv": "x,x,y\n1,2,3\n"}, FIT, 3, "?"),
    ("a column without a name", {"bad.csv": "x,,y\n1,2,3\n"}, FIT, 3, "?"),
    ("a quote never closed", {"bad.csv": table('5,"6')}, FIT, 3, "?"),
    ("text after a closing quote", {"bad.csv": table('"5"x,6')}, FIT, 3, "?"),
    ("a NUL byte", {"bad.csv": table("5\0,6")}, FIT, 3, "?"),
    ("UTF-16", {"bad.csv": table().encode("utf-16")}, FIT, 3, "?"),
    ("an infinite number", {"bad.csv": table("inf,6")}, FIT, 3, "?"),
    ("a number too large", {"bad.csv": table("1e999,6")}, FIT, 3, "?"),
    ("a word among numbers", {"bad.csv": table("three,6")}, FIT, 3, "?"),
    ("a word where --numeric says number", {}, GOOD + "--numeric city", 3, "?"),
    ("truncated gzip", {"bad.csv": gzip.compress(table(rows=5000).encode())[:-200]}, FIT, 3, "?"),
    ("gzip with a wrong sum", {"bad.csv": gzip.compress(table().encode(), mtime=0)[:-8] + b"12345678"}, FIT, 3, "?"),
    ("zstd of garbage", {"bad.csv": b"\x28\xb5\x2f\xfd" + b"garbage" * 9}, FIT, 3, "?"),
    ("too few rows", {"bad.csv": "x,y\n1,2\n"}, FIT, 3, "?"),
    ("nothing but the target", {"bad.csv": "y\n" + "1.5\n2.5\n3.5\n" * 20}, FIT, 3, "?"),
    ("a target without a value", {"bad.csv": "x,y\n" + "1,\n2,\n" * 20}, FIT, 3, "?"),
    ("a constant target", {"bad.csv": "x,y\n" + "1,7.5\n2,7.5\n3,7.5\n" * 20}, FIT, 3, "?"),
    ("one class", {"bad.csv": "x,y\n" + "1,yes\n2,yes\n3,yes\n" * 20}, FIT, 3, "?"),
    ("every text its own class", {"bad.csv": "x,y\n" + "".join("%d,name%d\n" % (i, i) for i in range(60))}, FIT, 3, "?"),
    ("text as a regression", {}, GOOD.replace("target y", "target city") + "--task regression", 3, "?"),
    ("only constant columns", {"bad.csv": "x,y\n" + "".join("1,%d.5\n" % i for i in range(60))}, FIT, 3, "?"),
    # ---- columns ----
    ("no such target", {}, "fit good.csv --target why -o out.agop", 3, "?"),
    ("a target near a name", {}, "fit good.csv --target nose -o out.agop", 3, "?"),
    ("no target", {}, "fit good.csv -o out.agop", 2, "?"),
    ("a target twice", {}, "fit good.csv --target y,y -o out.agop", 3, "?"),
    ("several targets, one of text", {}, "fit good.csv --target y,city -o out.agop", 3, "?"),
    ("dropping what is not there", {}, GOOD + "--drop citty", 3, "?"),
    ("dropping the target", {}, GOOD + "--drop y", 3, "?"),
    ("weights that are not there", {}, GOOD + "--weights w", 3, "?"),
    ("weights below zero", {}, GOOD + "--weights noise", 3, "?"),
    ("weights of text", {}, GOOD + "--weights city", 3, "?"),
    ("number and category", {}, GOOD + "--numeric a --categorical a", 3, "?"),
    ("predict without a column", {"bad.csv": "b,noise,city\n1,2,Oslo\n"}, "predict m.agop bad.csv", 3, "?"),
    ("predict with text for numbers", {"bad.csv": "a,b,noise,city\nx,1,2,Oslo\n"}, "predict m.agop bad.csv -o out.csv", 3, "?"),
    ("predict with a misspelt column", {"bad.csv": "a,b,noize,city\n1,1,2,Oslo\n"}, "predict m.agop bad.csv -o out.csv", 3, "?"),
    ("score without the target", {"bad.csv": "a,b,noise,city\n1,1,2,Oslo\n"}, "score m.agop bad.csv", 3, "?"),
    ("score with an unknown class", {"bad.csv": "x,kind\n1,blue\n"}, "score c.agop bad.csv", 3, "?"),
    ("score of no rows", {"bad.csv": "a,b,noise,city,y\n"}, "score m.agop bad.csv", 3, "?"),
    ("validation of no rows", {"bad.csv": "a,b,noise,city,y\n"}, GOOD + "--valid bad.csv", 3, "?"),
    ("validation without a column", {"bad.csv": "b,noise,city,y\n1,2,Oslo,3\n2,2,Oslo,4\n"}, GOOD + "--valid bad.csv", 3, "?"),
    # ---- arrays ----
    ("npy cut in its data", {"bad.npy": npy(np.arange(200.0).reshape(50, 4))[:-40]}, "fit bad.npy --target 4 -o out.agop", 3, "?"),
    ("npy cut in its header", {"bad.npy": npy(np.arange(200.0))[:40]}, "info bad.npy", 3, "?"),
    ("npy of a strange version", {"bad.npy": b"\x93NUMPY\x09\x00" + npy(np.arange(9.0))[8:]}, "info bad.npy", 3, "?"),
    ("npy of complex numbers", {"bad.npy": npy(np.ones((9, 2), complex))}, "info bad.npy", 3, "?"),
    ("npy of objects", {"bad.npy": npy(np.array([{}, {}], dtype=object), allow_pickle=True)}, "info bad.npy", 3, "?"),
    ("npy of big-endian numbers", {"bad.npy": npy(np.ones((9, 2), ">f8"))}, "info bad.npy", 3, "?"),
    ("npy of three dimensions", {"bad.npy": npy(np.ones((9, 2, 2)))}, "info bad.npy", 3, "?"),
    ("npy with a negative shape", {"bad.npy": npy(np.ones((9, 2))).replace(b"(9, 2)", b"(-9,2)")}, "info bad.npy", 3, "?"),
    ("npy with a huge shape", {"bad.npy": npy(np.ones((9, 2))).replace(b"(9, 2), }      ", b"(9999999999, 2)}")}, "info bad.npy", 3, "?"),
    ("npy holding infinity", {"bad.npy": npy(np.array([[1.0, np.inf]] * 9))}, "info bad.npy", 3, "?"),
    ("npy and no such column", {"bad.npy": npy(np.arange(200.0).reshape(50, 4))}, "fit bad.npy --target 9 -o out.agop", 3, "?"),
    ("npy and a target of other length", {"bad.npy": npy(np.arange(200.0).reshape(50, 4)), "y.npy": npy(np.arange(49.0))},
     "fit bad.npy --target y.npy -o out.agop", 3, "?"),
    ("npz with nothing in it", {"bad.npz": zipped()}, "info bad.npz", 3, "?"),
    ("npz of two arrays", {"bad.npz": npz(a=np.ones(3), b=np.ones(3))}, "info bad.npz", 3, "?"),
    ("npz cut short", {"bad.npz": npz(X=np.ones((30, 3)))[:-30]}, "info bad.npz", 3, "?"),
    ("npz holding no npy", {"bad.npz": zipped(**{"X.npy": b"hello"})}, "info bad.npz", 3, "?"),
    ("libsvm with an index of zero", {"bad.svm": "1 1:2 2:3\n-1 0:4\n"}, "info bad.svm", 3, "?"),
    ("libsvm with falling indices", {"bad.svm": "1 1:2 2:3\n-1 3:4 2:1\n"}, "info bad.svm", 3, "?"),
    ("libsvm with a word", {"bad.svm": "1 1:2 2:3\n-1 1:four\n"}, "info bad.svm", 3, "?"),
    ("libsvm with a huge index", {"bad.svm": "1 1:2 2:3\n-1 1:4 99999999999999999999:1\n"}, "info bad.svm", 3, "?"),
    # ---- models ----
    ("no such model", {}, PREDICT, 3, "?"),
    ("a table as a model", {}, "predict good.csv test.csv -o out.csv", 3, "?"),
    ("a model as a table", {}, "fit m.agop --target y -o out.agop", 3, "?"),
    ("an empty model", {"bad.agop": b""}, PREDICT, 3, "?"),
    ("a model of five bytes", {"bad.agop": b"12345"}, PREDICT, 3, "?"),
    ("a header longer than the file", {"bad.agop": raw(lambda r: struct.pack("<Q", 10 ** 12) + r[8:])}, PREDICT, 3, "?"),
    ("a header length of all ones", {"bad.agop": raw(lambda r: b"\xff" * 8 + r[8:])}, PREDICT, 3, "?"),
    ("a header that is no JSON", {"bad.agop": raw(lambda r: r[:8] + b"[" + r[9:])}, PREDICT, 3, "?"),
    ("a header that is a list", {"bad.agop": tensors(b"[1, 2]", b"")}, PREDICT, 3, "?"),
    ("a model cut short", {"bad.agop": raw(lambda r: r[:-16])}, PREDICT, 3, "?"),
    ("a model with bytes to spare", {"bad.agop": raw(lambda r: r + b"more")}, PREDICT, 3, "?"),
    ("overlapping tensors", {"bad.agop": Model(lambda h, a, b: h["alpha"].update(data_offsets=h["centres"]["data_offsets"]))}, PREDICT, 3, "?"),
    ("offsets outside the file", {"bad.agop": rehead("alpha", "data_offsets", [0, 10 ** 15])}, PREDICT, 3, "?"),
    ("offsets that run backwards", {"bad.agop": Model(lambda h, a, b: h["alpha"].update(data_offsets=h["alpha"]["data_offsets"][::-1]))}, PREDICT, 3, "?"),
    ("negative offsets", {"bad.agop": rehead("alpha", "data_offsets", [-8, 8])}, PREDICT, 3, "?"),
    ("a tensor of another type", {"bad.agop": rehead("alpha", "dtype", "I64")}, PREDICT, 3, "?"),
    ("a tensor of no type", {"bad.agop": rehead("alpha", "dtype", "F8")}, PREDICT, 3, "?"),
    ("a negative shape", {"bad.agop": rehead("alpha", "shape", [-90, 1])}, PREDICT, 3, "?"),
    ("a shape that overflows", {"bad.agop": rehead("alpha", "shape", [2 ** 62, 8])}, PREDICT, 3, "?"),
    ("a shape turned round", {"bad.agop": Model(lambda h, a, b: h["alpha"].update(shape=h["alpha"]["shape"][::-1]))}, PREDICT, 3, "?"),
    ("a tensor is missing", {"bad.agop": drop("alpha")}, PREDICT, 3, "?"),
    ("no metadata", {"bad.agop": Model(lambda h, a, b: (h.pop("__metadata__"), tensors(h, bytes(b)))[1])}, PREDICT, 3, "?"),
    ("metadata of another program", {"bad.agop": retell(["format"], "pt")}, PREDICT, 3, "?"),
    ("metadata cut short", {"bad.agop": Model(lambda h, a, b: (h["__metadata__"].update(agop=json.dumps(a)[:-9]), tensors(h, bytes(b)))[1])}, PREDICT, 3, "?"),
    ("a model of the future", {"bad.agop": retell(["version"], 99)}, PREDICT, 3, "?"),
    ("a model without a version", {"bad.agop": retell(["version"], ...)}, PREDICT, 3, "?"),
    ("NaN in alpha", {"bad.agop": poke("alpha", "<d", float("nan"))}, PREDICT, 3, "?"),
    ("infinity in the centres", {"bad.agop": poke("centres", "<f", float("inf"))}, PREDICT, 3, "?"),
    ("a category that is not there", {"bad.agop": poke("codes", "<i", 1000)}, PREDICT, 3, "?"),
    ("a metric below zero", {"bad.agop": poke("metric.0", "<d", -1.0)}, PREDICT, 3, "?"),
    ("fewer rows than tensors", {"bad.agop": retell(["machine", "rows"], 5)}, PREDICT, 3, "?"),
    ("minus one row", {"bad.agop": retell(["machine", "rows"], -1)}, PREDICT, 3, "?"),
    ("a bandwidth of zero", {"bad.agop": retell(["machine", "bandwidth"], 0)}, PREDICT, 3, "?"),
    ("a kernel of no kind", {"bad.agop": retell(["machine", "kind"], 7)}, PREDICT, 3, "?"),
    ("a schema without fields", {"bad.agop": retell(["schema", "fields"], [])}, PREDICT, 3, "?"),
    ("a column without a type", {"bad.agop": retell(["schema", "fields", 0, "type"], ...)}, PREDICT, 3, "?"),
    ("a spread of zero", {"bad.agop": retell(["schema", "fields", 0, "spread"], 0)}, PREDICT, 3, "?"),
    ("a model without a target", {"bad.agop": retell(["target"], {})}, PREDICT, 3, "?"),
    ("a model without a report", {"bad.agop": retell(["report"], 5)}, PREDICT, 3, "?"),
    ("info of a broken model", {"bad.agop": raw(lambda r: r[:100])}, "info bad.agop", 3, "?"),
    ("features of a broken model", {"bad.agop": raw(lambda r: r[:-1])}, "features bad.agop -o out.svg", 3, "?"),
    # ---- settings ----
    ("a ridge below zero", {}, GOOD + "--ridge -1", 2, "?"),
    ("a ridge that is no number", {}, GOOD + "--ridge big", 2, "?"),
    ("a ridge of nan", {}, GOOD + "--ridge nan", 2, "?"),
    ("an exponent of three", {}, GOOD + "--exponent 3", 2, "?"),
    ("an exponent of zero", {}, GOOD + "--exponent 0", 2, "?"),
    ("half an iteration", {}, GOOD + "--iters 2.5", 2, "?"),
    ("too many iterations", {}, GOOD + "--iters 1000000", 2, "?"),
    ("no such kernel", {}, GOOD + "--kernel cosine", 2, "?"),
    ("a misspelt kernel", {}, GOOD + "--kernel gausian", 2, "?"),
    ("a flag with a word", {}, GOOD + "--all-rows=perhaps", 2, "?"),
    ("a holdout of all rows", {}, GOOD + "--holdout 1", 2, "?"),
    ("a seed below zero", {}, GOOD + "--seed -3", 2, "?"),
    ("a bad time limit", {}, GOOD + "--time-limit soon", 2, "?"),
    ("a time limit of zero", {}, GOOD + "--time-limit 0s", 2, "?"),
    ("memory of no size", {}, GOOD + "--memory lots", 2, "?"),
    ("too little memory", {}, GOOD + "--memory 1k", 1, "?"),
    ("l1 with a full metric", {}, GOOD + "--kernel l1 --metric full --tune off", 0, ""),
    ("score of classes for numbers", {}, GOOD + "--metric-score auc", 2, "?"),
    ("no such backend", {}, GOOD + "--backend tpu", 1, "?"),
    # ---- command lines ----
    ("a misspelt verb", {}, "fitt good.csv", 2, "?"),
    ("no such verb", {}, "dance", 2, "?"),
    ("no data", {}, "fit --target y -o out.agop", 2, "?"),
    ("too many operands", {}, "score m.agop test.csv more.csv", 2, "?"),
    ("a misspelt option", {}, GOOD + "--brandwidth 3", 2, "?"),
    ("one dash too few", {}, GOOD + "-ridge 3", 2, "?"),
    ("no such option", {}, GOOD + "--colour red", 2, "?"),
    ("an option of fit", {}, "predict m.agop test.csv --kernel l1", 2, "?"),
    ("an option without its value", {}, GOOD + "--ridge", 2, "?"),
    ("an option for a value", {}, "fit good.csv --target --ridge 1 -o out.agop", 2, "?"),
    ("an option twice", {}, GOOD + "--ridge 1 --ridge=2", 2, "?"),
    ("a flag and its opposite", {}, GOOD + "--all-rows --no-all-rows", 2, "?"),
    ("threads below zero", {}, GOOD + "--threads -2", 2, "?"),
    ("no output", {}, "fit good.csv --target y", 2, "?"),
    ("a model on standard output", {}, "fit good.csv --target y -o -", 2, "?"),
    ("an output in no folder", {}, "fit good.csv --target y -o none/out.agop", 3, "?"),
    ("an output that is a folder", {"there": None}, "fit good.csv --target y -o there", 3, "?"),
    ("an output under a file", {}, "fit good.csv --target y -o good.csv/out.agop", 3, "?"),
    ("the data as output", {}, "fit good.csv --target y -o good.csv", 2, "?"),
    ("one file for model and report", {}, GOOD + "--json out.agop", 2, "?"),
    ("a report over the data", {}, "score m.agop test.csv --json test.csv", 2, "?"),
    ("two results on standard output", {}, "predict m.agop test.csv --json -", 2, "?"),
    ("standard input twice", {}, "fit - --target y -o out.agop --valid -", 2, "?"),
    ("two ways to judge", {}, GOOD + "--valid test.csv --holdout 0.5", 2, "?"),
    ("probabilities of a regression", {}, "predict m.agop test.csv --proba", 2, "?"),
    ("a picture of no kind", {}, "features m.agop -o out.pdf", 2, "?"),
    ("an image shape without a picture", {}, "features m.agop --image-shape 2x2", 2, "?"),
    ("an image shape of one number", {}, "features m.agop -o out.svg --image-shape 4", 2, "?"),
    ("an image shape that does not fit", {}, "features m.agop -o out.svg --image-shape 3x3", 2, "?"),
    ("an image of categories", {}, "features m.agop -o out.svg --image-shape 2x2", 2, "?"),
    ("no columns at all", {}, "features m.agop --top 0", 2, "?"),
    # ---- a disk without room, a closed output ----
    ("answers on a full disk", {}, "predict m.agop test.csv -o /dev/full", 3, "?"),
    ("a report on a full disk", {}, "score m.agop test.csv --json /dev/full", 3, "?"),
    ("a picture on a full disk", {}, "features m.agop -o /dev/full", 2, "?"),
    ("a table of features on a full disk", {}, "features m.agop >/dev/full", 3, "?"),
    ("answers to a closed output", {}, "predict m.agop test.csv >&-", 3, "?"),
    ("info to a closed output", {}, "info good.csv >&-", 3, "?"),
]


# ---- running ----

def make_good(program, folder):
    for source, name in (("mixed.train.csv", "good.csv"), ("mixed.test.csv", "test.csv")):
        shutil.copy(os.path.join(DATA, source), os.path.join(folder, name))
    with open(os.path.join(folder, "kinds.csv"), "w") as f:
        f.write("x,kind\n" + "".join("%d,%s\n" % (i, "low" if i < 20 else "high") for i in range(40)))
    for data, target, model in (("good.csv", "y", "m.agop"), ("kinds.csv", "kind", "c.agop")):
        subprocess.run([program, "fit", data, "--target", target, "-o", model, "-q", "--iters", "1"], cwd=folder,
                       check=True)


def make_files(folder, files):
    for name, content in files.items():
        path = os.path.join(folder, name)
        if content is None:
            os.mkdir(path)
            continue
        if isinstance(content, Model):
            with open(os.path.join(folder, "m.agop"), "rb") as f:
                content = content.make(f.read())
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)


def state(folder):
    return {name: None if os.path.isdir(os.path.join(folder, name)) else open(os.path.join(folder, name), "rb").read()
            for name in sorted(os.listdir(folder))}


def run(program, good, row):
    """(exit status, standard output, standard error, what changed) of one row."""
    _, files, command, _, _ = row
    with tempfile.TemporaryDirectory() as outer:
        folder = os.path.join(outer, "here")
        shutil.copytree(good, folder)
        make_files(folder, files)
        before = state(folder)
        done = subprocess.run(["sh", "-c", shlex.quote(program) + " " + command], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", errors="backslashreplace", timeout=120)
        after = state(folder)
    changed = [n for n in sorted(set(before) | set(after)) if before.get(n, 0) != after.get(n, 0)]
    return done.returncode, done.stdout, done.stderr, changed


def complaints(row, result):
    _, _, _, code, sentence = row
    got, out, err, changed = result
    lines = err.splitlines()
    if got != code:
        yield "exit %d, expected %d" % (got, code)
    if code == 0:
        return
    if len(lines) != 1:
        yield "%d lines on standard error" % len(lines)
    elif sentence.startswith("re: ") and not re.fullmatch(sentence[4:], lines[0]):
        yield "another sentence"
    elif not sentence.startswith("re: ") and sentence != lines[0]:
        yield "another sentence"
    if out:
        yield "standard output: %r" % out[:80]
    if changed:
        yield "files changed: %s" % ", ".join(changed)


def update(results):
    path = os.path.abspath(__file__)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for row, result in results:
        lines = result[2].splitlines()
        begin = text.index('("%s", ' % row[0])
        hole = text.find('"?")', begin)
        if row[4] == "?" and len(lines) == 1 and not list(complaints(row[:4] + (lines[0],), result)):
            text = text[:hole] + '\n     "%s")' % lines[0].replace("\\", "\\\\").replace('"', '\\"') + text[hole + 4:]
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r", \n     \"", ",\n     \"", text))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, names = os.path.abspath(sys.argv[1]), [a for a in sys.argv[2:] if a != "--update"]
    assert len({row[0] for row in ROWS}) == len(ROWS) and len(ROWS) >= 70
    results, wrong = [], 0
    with tempfile.TemporaryDirectory() as good:
        make_good(program, good)
        for row in ROWS:
            if names and row[0] not in names:
                continue
            result = run(program, good, row)
            results.append((row, result))
            found = list(complaints(row, result))
            wrong += bool(found)
            if found:
                print("%s: %s\n    $ agop %s\n    got      %s\n    expected %s" % (
                    row[0], "; ".join(found), row[2], result[2].rstrip().replace("\n", "\n             "), row[4]))
    print("%d rows, %d wrong" % (len(results), wrong))
    if "--update" in sys.argv:
        update(results)
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
