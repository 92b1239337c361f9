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
    text += b" " * (-len(text) % 8) # tensors begin at a multiple of eight
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


IDS = "ids bad.mtx"
MTX = "%%MatrixMarket matrix coordinate real general\n"
FIT = "fit bad.csv --target y -o out.agop"
PREDICT = "predict bad.agop test.csv -o out.csv"
KINDS = "fit kinds.csv --target kind -o bad.agop "
GOOD = "fit good.csv --target y -o out.agop "

# name, {file: content}, command, exit status, sentence
ROWS = [
    # ---- tables of text ----
    ("empty file", {"bad.csv": ""}, FIT, 3,
     "agop fit: bad.csv: the file is empty"),
    ("no such file", {}, FIT, 3,
     "agop fit: cannot open bad.csv: No such file or directory"),
    ("a folder as a table", {"bad.csv": None}, FIT, 3,
     "agop fit: cannot read bad.csv: Is a directory"),
    ("only a header", {"bad.csv": "x,y\n"}, FIT, 3,
     "agop fit: bad.csv: no rows"),
    ("empty first line", {"bad.csv": "\nx,y\n1,2\n"}, FIT, 3,
     "agop fit: bad.csv:1: the first line is empty; it must hold the names of the columns"),
    ("a row too short", {"bad.csv": table("5")}, FIT, 3,
     "agop fit: bad.csv:42: 1 cell where the header has 2"),
    ("a row too long", {"bad.csv": table("5,6,7")}, FIT, 3,
     "agop fit: bad.csv:42: 3 cells where the header has 2"),
    ("two columns of one name", {"bad.csv": "x,x,y\n1,2,3\n"}, FIT, 3,
     "agop fit: bad.csv:1: columns 1 and 2 are both named 'x'"),
    ("a column without a name", {"bad.csv": "x,,y\n1,2,3\n"}, FIT, 3,
     "agop fit: bad.csv:1: column 2 has no name (row numbers? write the table without them)"),
    ("a quote never closed", {"bad.csv": table('5,"6')}, FIT, 3,
     "agop fit: bad.csv:42: a quote is opened and never closed"),
    ("text after a closing quote", {"bad.csv": table('"5"x,6')}, FIT, 3,
     "agop fit: bad.csv:42: column 'x': '5x' is not a number (use --categorical x)"),
    ("a NUL byte", {"bad.csv": table("5\0,6")}, FIT, 3,
     "agop fit: bad.csv:42: a NUL byte; this is no table of text"),
    ("UTF-16", {"bad.csv": table().encode("utf-16")}, FIT, 3,
     "agop fit: bad.csv: this is UTF-16 text; convert it to UTF-8"),
    ("an infinite number", {"bad.csv": table("inf,6")}, FIT, 3,
     "agop fit: bad.csv:42: column 'x': 'inf' is infinite; leave the cell empty if it is missing"),
    ("a number too large", {"bad.csv": table("1e999,6")}, FIT, 3,
     "agop fit: bad.csv:42: column 'x': '1e999' is infinite; leave the cell empty if it is missing"),
    ("a word among numbers", {"bad.csv": table("three,6")}, FIT, 3,
     "agop fit: bad.csv:42: column 'x': 'three' is not a number (use --categorical x)"),
    ("a word where --numeric says number", {}, GOOD + "--numeric city", 3,
     "agop fit: good.csv:2: column 'city': 'Oslo' is not a number (use --categorical city)"),
    ("truncated gzip", {"bad.csv": gzip.compress(table(rows=5000).encode())[:-200]}, FIT, 3,
     "agop fit: bad.csv: the compressed data end too early (an incomplete copy?)"),
    ("gzip with a wrong sum", {"bad.csv": gzip.compress(table().encode(), mtime=0)[:-8] + b"12345678"}, FIT, 3,
     "agop fit: bad.csv: the compressed data are corrupt"),
    ("zstd of garbage", {"bad.csv": b"\x28\xb5\x2f\xfd" + b"garbage" * 9}, FIT, 3,
     "agop fit: bad.csv: the compressed data are corrupt"),
    ("too few rows", {"bad.csv": "x,y\n1,2\n"}, FIT + " -q", 3,
     "agop fit: 1 usable row: a fit needs at least two"),
    ("nothing but the target", {"bad.csv": "y\n" + "1.5\n2.5\n3.5\n" * 20}, FIT, 3,
     "agop fit: there is no column to learn from: all are targets, weights or dropped"),
    ("a target without a value", {"bad.csv": "x,y\n" + "1,\n2,\n" * 20}, FIT, 3,
     "agop fit: no row has a target in column 'y'"),
    ("one class", {"bad.csv": "x,y\n" + "1,yes\n2,yes\n3,yes\n" * 20}, FIT, 3,
     "agop fit: target 'y' has only one class: two classes are needed"),
    ("text as a regression", {}, GOOD.replace("target y", "target city") + "--task regression", 3,
     "agop fit: target 'city' holds text: a regression needs numbers"),
    # ---- columns ----
    ("no such target", {}, "fit good.csv --target why -o out.agop", 3,
     "agop fit: good.csv: there is no column 'why' (target, nor such a file) among 5"),
    ("a target near a name", {}, "fit good.csv --target nose -o out.agop", 3,
     "agop fit: good.csv: there is no column 'nose' (target, nor such a file): did you mean 'noise'?"),
    ("no target", {}, "fit good.csv -o out.agop", 2,
     "agop fit: no target is named: use --target COL"),
    ("a target twice", {}, "fit good.csv --target y,y -o out.agop", 2,
     "agop fit: target names 'y' twice"),
    ("several targets, one of text", {}, "fit good.csv --target y,city -o out.agop", 3,
     "agop fit: classification takes one target column, not 2"),
    ("dropping what is not there", {}, GOOD + "--drop citty", 3,
     "agop fit: good.csv: there is no column 'citty' (drop): did you mean 'city'?"),
    ("dropping the target", {}, GOOD + "--drop y", 2,
     "agop fit: column 'y' is in both target and drop: name it in one"),
    ("weights that are not there", {}, GOOD + "--weights w", 3,
     "agop fit: good.csv: there is no column 'w' (weights) among 5"),
    ("weights below zero", {}, GOOD + "--weights noise", 3,
     "agop fit: weight column 'noise': row 1 is not a positive number"),
    ("weights of text", {}, GOOD + "--weights city", 3,
     "agop fit: good.csv:2: column 'city': 'Oslo' is not a number (use --categorical city)"),
    ("number and category", {}, GOOD + "--numeric a --categorical a", 2,
     "agop fit: column 'a' is to be both text and numbers (numeric): name it once"),
    ("predict without a column", {"bad.csv": "b,noise,city\n1,2,Oslo\n"}, "predict m.agop bad.csv", 3,
     "agop predict: bad.csv: column 'a' is missing (the model was fitted with it)"),
    ("predict with text for numbers", {"bad.csv": "a,b,noise,city\nx,1,2,Oslo\n"}, "predict m.agop bad.csv -o out.csv", 3,
     "agop predict: bad.csv:2: column 'a': 'x' is not a number: the model was fitted with numbers there"),
    ("predict with a misspelt column", {"bad.csv": "a,b,noize,city\n1,1,2,Oslo\n"}, "predict m.agop bad.csv -o out.csv", 3,
     "agop predict: bad.csv: column 'noise' is missing (the model was fitted with it); is it the one called 'noize'?"),
    ("score without the target", {"bad.csv": "a,b,noise,city\n1,1,2,Oslo\n"}, "score m.agop bad.csv", 3,
     "agop score: target column 'y' is missing"),
    ("score of no rows", {"bad.csv": "a,b,noise,city,y\n"}, "score m.agop bad.csv", 3,
     "agop score: bad.csv: no rows"),
    ("validation of no rows", {"bad.csv": "a,b,noise,city,y\n"}, GOOD + "--valid bad.csv", 3,
     "agop fit: bad.csv: no rows"),
    ("validation without a column", {"bad.csv": "b,noise,city,y\n1,2,Oslo,3\n2,2,Oslo,4\n"}, GOOD + "--valid bad.csv", 3,
     "agop fit: the validation table: column 'a' is missing (the model was fitted with it)"),
    # ---- arrays ----
    ("npy cut in its data", {"bad.npy": npy(np.arange(200.0).reshape(50, 4))[:-40]}, "fit bad.npy --target 4 -o out.agop", 3,
     "agop fit: bad.npy: the array ends too early (an incomplete copy?)"),
    ("npy cut in its header", {"bad.npy": npy(np.arange(200.0))[:40]}, "info bad.npy", 3,
     "agop info: bad.npy: the array ends too early (an incomplete copy?)"),
    ("npy of a strange version", {"bad.npy": b"\x93NUMPY\x09\x00" + npy(np.arange(9.0))[8:]}, "info bad.npy", 3,
     "agop info: bad.npy: version 9 of the .npy format; 1 to 3 are read"),
    ("npy of complex numbers", {"bad.npy": npy(np.ones((9, 2), complex))}, "info bad.npy", 3,
     "agop info: bad.npy: elements of type <c16, which is not read; save array.astype('<f8')"),
    ("npy of objects", {"bad.npy": npy(np.array([{}, {}], dtype=object), allow_pickle=True)}, "info bad.npy", 3,
     "agop info: bad.npy: an array of Python objects; save array.astype(float) or astype(str)"),
    ("npy of big-endian numbers", {"bad.npy": npy(np.ones((9, 2), ">f8"))}, "info bad.npy", 3,
     "agop info: bad.npy: big-endian numbers (>f8); save array.astype('<f8')"),
    ("npy of three dimensions", {"bad.npy": npy(np.ones((9, 2, 2)))}, "info bad.npy", 3,
     "agop info: bad.npy: 3 dimensions where a table has one or two"),
    ("npy with a negative shape", {"bad.npy": npy(np.ones((9, 2))).replace(b"(9, 2)", b"(-9,2)")}, "info bad.npy", 3,
     "agop info: bad.npy: a damaged .npy header (shape)"),
    ("npy with a huge shape", {"bad.npy": npy(np.ones((9, 2))).replace(b"(9, 2), }      ", b"(9999999999, 2)}")}, "info bad.npy", 3,
     "agop info: bad.npy: the array ends too early (an incomplete copy?)"),
    ("npy holding infinity", {"bad.npy": npy(np.array([[1.0, np.inf]] * 9))}, "info bad.npy", 3,
     "agop info: bad.npy: row 1, column 'x2': infinite; use NaN for what is missing"),
    ("npy and no such column", {"bad.npy": npy(np.arange(200.0).reshape(50, 4))}, "fit bad.npy --target 9 -o out.agop", 3,
     "agop fit: bad.npy: there is no column 9 (target): it has 4, counted from 0"),
    ("npy and a target of other length", {"bad.npy": npy(np.arange(200.0).reshape(50, 4)), "y.npy": npy(np.arange(49.0))},
     "fit bad.npy --target y.npy -o out.agop", 3,
     "agop fit: bad.npy has 50 rows, the file of the target has 49"),
    ("npz with nothing in it", {"bad.npz": zipped()}, "info bad.npz", 3,
     "agop info: bad.npz: no array is in this archive"),
    ("npz of two arrays", {"bad.npz": npz(a=np.ones(3), b=np.ones(3))}, "info bad.npz", 3,
     "agop info: bad.npz: several arrays (a, b) and none is called X"),
    ("npz cut short", {"bad.npz": npz(X=np.ones((30, 3)))[:-30]}, "info bad.npz", 3,
     "agop info: bad.npz: a damaged ZIP archive (an incomplete copy?)"),
    ("npz holding no npy", {"bad.npz": zipped(**{"X.npy": b"hello"})}, "info bad.npz", 3,
     "agop info: bad.npz: array 'X': the array ends too early (an incomplete copy?)"),
    ("libsvm with an index of zero", {"bad.svm": "1 1:2 2:3\n-1 0:4\n"}, "info bad.svm", 3,
     "agop info: bad.svm:2: '0:4' has index 0; indices count from 1"),
    ("libsvm with falling indices", {"bad.svm": "1 1:2 2:3\n-1 3:4 2:1\n"}, "info bad.svm", 3,
     "agop info: bad.svm:2: '2:1' does not have a larger index than the one before it"),
    ("libsvm with a word", {"bad.svm": "1 1:2 2:3\n-1 1:four\n"}, "info bad.svm", 3,
     "agop info: bad.svm:2: '1:four' has no number behind its colon"),
    ("libsvm with a huge index", {"bad.svm": "1 1:2 2:3\n-1 1:4 99999999999999999999:1\n"}, "info bad.svm", 3,
     "agop info: bad.svm:2: '99999999999999999999:1' has an index beyond the number of columns"),
    # ---- models ----
    ("no such model", {}, PREDICT, 3,
     "agop predict: cannot open bad.agop: No such file or directory"),
    ("a table as a model", {}, "predict good.csv test.csv -o out.csv", 3,
     "agop predict: good.csv: not a safetensors file (its first 8 bytes are no header length)"),
    ("a model as a table", {}, "fit m.agop --target y -o out.agop", 3,
     "agop fit: m.agop is a model, and DATA must be a table"),
    ("an empty model", {"bad.agop": b""}, PREDICT, 3,
     "agop predict: bad.agop: too short for a safetensors file"),
    ("a model of five bytes", {"bad.agop": b"12345"}, PREDICT, 3,
     "agop predict: bad.agop: too short for a safetensors file"),
    ("a header longer than the file", {"bad.agop": raw(lambda r: struct.pack("<Q", 10 ** 12) + r[8:])}, PREDICT, 3,
     "agop predict: bad.agop: not a safetensors file (its first 8 bytes are no header length)"),
    ("a header length of all ones", {"bad.agop": raw(lambda r: b"\xff" * 8 + r[8:])}, PREDICT, 3,
     "agop predict: bad.agop: not a safetensors file (its first 8 bytes are no header length)"),
    ("a header that is no JSON", {"bad.agop": raw(lambda r: r[:8] + b"[" + r[9:])}, PREDICT, 3,
     "agop predict: bad.agop: not a safetensors file (its first 8 bytes are no header length)"),
    ("a header that is a list", {"bad.agop": tensors(b"[1, 2]", b"")}, PREDICT, 3,
     "agop predict: bad.agop: not a safetensors file (its first 8 bytes are no header length)"),
    ("a model cut short", {"bad.agop": raw(lambda r: r[:-16])}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'scale.codes' lies outside the file (an incomplete copy?)"),
    ("a model with bytes to spare", {"bad.agop": raw(lambda r: r + b"more")}, PREDICT, 3,
     "agop predict: bad.agop: bytes that belong to no tensor are at its end"),
    ("overlapping tensors", {"bad.agop": Model(lambda h, a, b: h["agop.0"].update(data_offsets=[v - 8 for v in h["agop.0"]["data_offsets"]]))}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'agop.0' overlaps another, or leaves a gap"),
    ("offsets outside the file", {"bad.agop": rehead("alpha", "data_offsets", [0, 10 ** 15])}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' lies outside the file (an incomplete copy?)"),
    ("offsets that run backwards", {"bad.agop": Model(lambda h, a, b: h["alpha"].update(data_offsets=h["alpha"]["data_offsets"][::-1]))}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' lies outside the file (an incomplete copy?)"),
    ("negative offsets", {"bad.agop": rehead("alpha", "data_offsets", [-8, 8])}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' lies outside the file (an incomplete copy?)"),
    ("a tensor of another type", {"bad.agop": rehead("alpha", "dtype", "I64")}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' is I64 where F64 is needed"),
    ("a tensor of no type", {"bad.agop": rehead("alpha", "dtype", "F8")}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' has a type other than F64, F32, I64, I32, U8"),
    ("a negative shape", {"bad.agop": rehead("alpha", "shape", [-90, 1])}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' has a shape that is no list of sizes"),
    ("a shape that overflows", {"bad.agop": rehead("alpha", "shape", [2 ** 62, 8])}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' has a shape that does not fit its bytes"),
    ("a shape turned round", {"bad.agop": Model(lambda h, a, b: h["alpha"].update(shape=h["alpha"]["shape"][::-1]))}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' has 2 dimensions, 1 x 90, where 90 x 1 is needed (-1: any, x 0: a vector)"),
    ("a tensor is missing", {"bad.agop": drop("alpha")}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'alpha' is missing"),
    ("intervals without their numbers", {"bad.agop": drop("interval.constant")}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'interval.constant' is missing"),
    ("intervals of no rows", {"bad.agop": retell(["intervals", "rows"], 0)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its intervals cannot be read"),
    ("intervals in disorder", {"bad.agop": poke("interval.constant", "<d", 1e9)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its intervals are in disorder"),
    ("an interval below zero", {"bad.agop": poke("interval.scaled", "<d", -1)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its intervals are in disorder"),
    ("local intervals without a machine", {"bad.agop": drop("scale.alpha")}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'scale.alpha' is missing"),
    ("local intervals of a kernel that is not there", {"bad.agop": retell(["intervals", "scale", "kind"], 9)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its kernel cannot be read"),
    ("no metadata", {"bad.agop": Model(lambda h, a, b: (h.pop("__metadata__"), tensors(h, bytes(b)))[1])}, PREDICT, 3,
     "agop predict: bad.agop: a safetensors file, but not a model of agop"),
    ("metadata of another program", {"bad.agop": retell(["format"], "pt")}, PREDICT, 3,
     "agop predict: bad.agop: a safetensors file, but not a model of agop"),
    ("metadata cut short", {"bad.agop": Model(lambda h, a, b: (h["__metadata__"].update(agop='{"version": 1, "schema": {'), tensors(h, bytes(b)))[1])}, PREDICT, 3,
     "agop predict: bad.agop: line 1, column 27 of its JSON: a key in quotes is expected"),
    ("a model of the future", {"bad.agop": retell(["version"], 99)}, PREDICT, 3,
     "agop predict: bad.agop: a model of format 99; this agop reads up to 5: take a newer one"),
    ("a model without a version", {"bad.agop": retell(["version"], ...)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: it names no version"),
    ("NaN in alpha", {"bad.agop": poke("alpha", "<d", float("nan"))}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: 'alpha' holds a value that is not finite"),
    ("infinity in the centres", {"bad.agop": poke("centres", "<f", float("inf"))}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: 'centres' holds a value that is not finite"),
    ("a category that is not there", {"bad.agop": poke("codes", "<i", 1000)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: 'codes' holds a category that is not there"),
    ("a metric below zero", {"bad.agop": poke("metric.0", "<d", -1.0)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: a metric with a negative diagonal"),
    ("fewer rows than tensors", {"bad.agop": retell(["machine", "rows"], 5)}, PREDICT, 3,
     "agop predict: bad.agop: tensor 'centres' has 2 dimensions, 90 x 7, where 5 x 7 is needed (-1: any, x 0: a vector)"),
    ("minus one row", {"bad.agop": retell(["machine", "rows"], -1)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its kernel cannot be read"),
    ("a bandwidth of zero", {"bad.agop": retell(["machine", "bandwidth"], 0)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its kernel cannot be read"),
    ("a transform of no kind", {"bad.agop": retell(["machine", "curve"], [{"transform": "root", "low": -1, "high": 1}])},
     PREDICT, 3,
     "agop predict: bad.agop: damaged model: the transform of its target cannot be read"),
    ("a logarithm that overflows", {"bad.agop": retell(["machine", "curve"], [
        {"transform": "log", "low": -1, "high": 1000, "rate": 1, "scale": 1, "shift": 0}])}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: the transform of its target cannot be read"),
    ("normal scores with few knots", {"bad.agop": retell(["machine", "curve"], [
        {"transform": "normal", "low": -1, "high": 1, "values": [0, 1]}])}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: the transform of its target cannot be read"),
    ("more transforms than targets", {"bad.agop": retell(["machine", "curve"], [
        {"transform": "log", "low": -1, "high": 1, "rate": 1, "scale": 1, "shift": 0}] * 2)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: the transform of its target cannot be read"),
    ("a kernel of no kind", {"bad.agop": retell(["machine", "kind"], 7)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its kernel cannot be read"),
    ("a schema without fields", {"bad.agop": retell(["schema", "fields"], [])}, PREDICT, 3,
     "agop predict: bad.agop: the schema in this model is damaged: fields"),
    ("a column without a type", {"bad.agop": retell(["schema", "fields", 0, "type"], ...)}, PREDICT, 3,
     "agop predict: bad.agop: the schema in this model is damaged: column 'a': type"),
    ("a spread of zero", {"bad.agop": retell(["schema", "fields", 0, "spread"], 0)}, PREDICT, 3,
     "agop predict: bad.agop: the schema in this model is damaged: column 'a': spread"),
    ("a model without a target", {"bad.agop": retell(["target"], {})}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: it names no target"),
    ("a model without a report", {"bad.agop": retell(["report"], 5)}, PREDICT, 3,
     "agop predict: bad.agop: damaged model: its report is missing"),
    ("info of a broken model", {"bad.agop": raw(lambda r: r[:100])}, "info bad.agop", 3,
     "agop info: bad.agop: not a safetensors file (its first 8 bytes are no header length)"),
    ("features of a broken model", {"bad.agop": raw(lambda r: r[:-1])}, "features bad.agop -o out.svg", 3,
     "agop features: bad.agop: tensor 'scale.codes' lies outside the file (an incomplete copy?)"),
    # ---- settings ----
    ("a ridge below zero", {}, GOOD + "--ridge -1", 2,
     "agop fit: ridge must be at least 0 and at most 1e+12, not -1"),
    ("a ridge that is no number", {}, GOOD + "--ridge big", 2,
     "agop fit: ridge must be a number or auto, not 'big'"),
    ("a ridge of nan", {}, GOOD + "--ridge nan", 2,
     "agop fit: ridge must be a number or auto, not 'nan'"),
    ("an exponent of three", {}, GOOD + "--exponent 3", 2,
     "agop fit: exponent must be more than 0 and at most 2, not 3"),
    ("an exponent of zero", {}, GOOD + "--exponent 0", 2,
     "agop fit: exponent must be more than 0 and at most 2, not 0"),
    ("half an iteration", {}, GOOD + "--iters 2.5", 2,
     "agop fit: iters must be a whole number or auto, not '2.5'"),
    ("too many iterations", {}, GOOD + "--iters 1000000", 2,
     "agop fit: iters must be at least 0 and at most 1000, not 1000000"),
    ("no such kernel", {}, GOOD + "--kernel cosine", 2,
     "agop fit: kernel has no choice 'cosine': take one of auto|l2|gaussian|l1|lpq|sum_power"),
    ("a misspelt kernel", {}, GOOD + "--kernel gausian", 2,
     "agop fit: kernel has no choice 'gausian': did you mean gaussian? (auto|l2|gaussian|l1|lpq|sum_power)"),
    ("a norm below the exponent", {}, GOOD + "--kernel lpq --norm 0.8", 2,
     "agop fit: the lpq kernel is positive definite only where q is at most p: --exponent 1 is above --norm 0.8"),
    ("a norm above 2", {}, GOOD + "--kernel lpq --norm 3", 2,
     "agop fit: norm must be more than 0 and at most 2, not 3"),
    ("a norm for another kernel", {}, GOOD + "--kernel l1 --norm 1.5", 2,
     "agop fit: --norm belongs to the kernel lpq: leave it away, or take --kernel lpq"),
    ("a constant for another kernel", {}, GOOD + "--const-mix 0.5", 2,
     "agop fit: --const-mix belongs to the kernel sum_power: leave it away, or take --kernel sum_power"),
    ("nothing but a constant", {}, GOOD + "--kernel sum_power --const-mix 1", 2,
     "agop fit: const_mix must be at least 0 and at most 0.999, not 1"),
    ("a power for another kernel", {}, GOOD + "--kernel lpq --power 2", 2,
     "agop fit: --power belongs to the kernel sum_power: leave it away, or take --kernel sum_power"),
    ("half a power", {}, GOOD + "--kernel sum_power --power 1.5", 2,
     "agop fit: power must be a whole number or auto, not '1.5'"),
    ("the Gram route of a p-norm", {}, GOOD + "--kernel lpq --agop-route gram", 2,
     "agop fit: the lpq kernel has no Gram route: its weights differ from column to column; take --agop-route gradients"),
    ("the dual of a mean", {}, GOOD + "--kernel sum_power --dual on", 2,
     "agop fit: the sum_power kernel has no dual: leave --dual away"),
    ("a flag with a word", {}, GOOD + "--all-rows=perhaps", 2,
     "agop fit: all_rows must be true or false, not 'perhaps'"),
    ("a logistic loss of numbers", {}, GOOD + "--loss logistic", 2,
     "agop fit: the logistic loss is for classes, and the target holds numbers: leave --loss away, or say --task classification"),
    ("a score of a calling program, and none calls", {}, GOOD + "--metric-score callback", 2,
     "agop fit: metric_score callback needs a function of the calling program (agop_on_score): take another score"),
    ("class weights of numbers", {}, GOOD + "--class-weight balanced", 2,
     "agop fit: class weights are for classes, and the target holds numbers: leave --class-weight away, or say --task "
     "classification"),
    ("the logarithm of classes", {}, KINDS + "--target-transform log", 2,
     "agop fit: classes have no logarithm: leave --target-transform away, or say --task regression"),
    ("the logarithm of what is not above zero", {"bad.csv": "x,y\n1,2.5\n2,0\n3,1.5\n4,3.5\n"},
     FIT + " --target-transform log", 3,
     "agop fit: target 'y' holds 0, which has no logarithm: take --target-transform normal, or none"),
    ("a dual of normal scores", {}, GOOD + "--target-transform normal --dual on", 2,
     "agop fit: the dual knows no transform of the target: leave --dual away"),
    ("a logistic loss without a ridge", {}, KINDS + "--loss logistic --ridge 0", 2,
     "agop fit: the logistic loss has no minimum without a ridge: take one above 0"),
    ("a logistic loss by conjugate gradients", {}, KINDS + "--loss logistic --solver cg --tune off", 2,
     "agop fit: the logistic loss is solved directly: leave --solver away"),
    ("a logistic loss in a code of 0 and 1", {}, KINDS + "--loss logistic --class-code onehot", 2,
     "agop fit: the logistic loss has a code of classes of its own: leave --class-code away"),
    ("a holdout of all rows", {}, GOOD + "--holdout 1", 2,
     "agop fit: holdout must be at least 0 and at most 0.9, not 1"),
    ("a seed below zero", {}, GOOD + "--seed -3", 2,
     "agop fit: seed must be at least 0 and at most 9e+15, not -3"),
    ("a bad time limit", {}, GOOD + "--time-limit soon", 2,
     "agop fit: time_limit must be a number or auto, not 'soon'"),
    ("a search for no time", {}, GOOD + "--tune 0s", 2,
     "agop fit: tune must be more than 0 and at most 1e+12 seconds, not 0s"),
    ("a search for a while", {}, GOOD + "--tune 5min", 2,
     "agop fit: tune has no choice '5min': take one of quick|full|SECONDS|off"),
    ("no division of the rows", {}, GOOD + "--divisions 0", 2,
     "agop fit: divisions must be at least 1 and at most 16, not 0"),
    ("a time limit of zero", {}, GOOD + "--time-limit 0s", 2,
     "agop fit: time_limit must be more than 0 and at most 1e+12, not 0s"),
    ("memory of no size", {}, GOOD + "--memory lots", 2,
     "agop fit: memory must be an amount of memory such as 8G or auto, not 'lots'"),
    ("too little memory", {}, GOOD + "--memory 1M", 1,
     r"re: agop fit: a fit needs \d+ MB at least, the memory limit is 1 MB: raise --memory"),
    ("score of classes for numbers", {}, GOOD + "--metric-score auc", 2,
     "agop fit: metric_score auc does not fit a regression: take one of mse, rmse, mae, r2, agop_pearson, agop_r2"),
    ("a threshold above 1", {}, GOOD + "--threshold 1.5", 2,
     "agop fit: threshold must be at least 0 and at most 1, not 1.5"),
    ("a threshold of no number", {}, GOOD + "--threshold half", 2,
     "agop fit: threshold must be a number or auto, not 'half'"),
    ("a threshold for numbers", {}, GOOD + "--threshold 0.3", 2,
     "agop fit: a threshold is for two classes: leave --threshold away"),
    ("no such backend", {}, GOOD + "--backend tpu", 1,
     "agop fit: no backend \"tpu\": did you mean \"cpu\"?"),
    # ---- command lines ----
    ("a misspelt verb", {}, "fitt good.csv", 2,
     "agop: no verb 'fitt': did you mean agop fit?"),
    ("no such verb", {}, "dance", 2,
     "agop: no verb 'dance': see agop --help"),
    ("no data", {}, "fit --target y -o out.agop", 2,
     "agop fit: usage is agop fit DATA --target COL[,COL...] -o MODEL (see agop fit --help)"),
    ("too many operands", {}, "score m.agop test.csv more.csv", 2,
     "agop score: 'more.csv' is one too many: usage is agop score MODEL DATA"),
    ("a misspelt option", {}, GOOD + "--brandwidth 3", 2,
     "agop fit: no option --brandwidth: did you mean --bandwidth?"),
    ("one dash too few", {}, GOOD + "-ridge 3", 2,
     "agop fit: no option -ridge: did you mean --ridge?"),
    ("no such option", {}, GOOD + "--colour red", 2,
     "agop fit: no option --colour: see agop fit --help"),
    ("an option of fit", {}, "predict m.agop test.csv --kernel l1", 2,
     "agop predict: --kernel is an option of agop fit: see agop predict --help"),
    ("an option without its value", {}, GOOD + "--ridge", 2,
     "agop fit: --ridge needs a value (R)"),
    ("an option for a value", {}, "fit good.csv --target --ridge 1 -o out.agop", 2,
     "agop fit: --target needs a value (COL[,COL...])"),
    ("an option twice", {}, GOOD + "--ridge 1 --ridge=2", 2,
     "agop fit: --ridge is given twice (1, then 2): keep one"),
    ("a flag and its opposite", {}, GOOD + "--all-rows --no-all-rows", 2,
     "agop fit: --all-rows is given twice (true, then false): keep one"),
    ("threads below zero", {}, GOOD + "--threads -2", 2,
     "agop fit: --threads must be a whole number from 0 to 4096, not '-2'"),
    ("a state that is data", {}, GOOD + "--resume good.csv", 3,
     "agop fit: good.csv does not hold the state of a run: name another file, or remove it"),
    ("a state in the place of the model", {}, GOOD + "--resume out.agop", 2,
     "agop fit: the state of the fit needs a file of its own: out.agop is written otherwise"),
    ("a state in no folder", {}, GOOD + "--resume none/state", 3,
     "agop fit: cannot open none/state: No such file or directory"),
    ("a cross-validation that is to go on", {}, "cv good.csv --target y --resume state", 2,
     "agop cv: a cross-validation is not taken up again: leave --resume away"),
    ("no output", {}, "fit good.csv --target y", 2,
     "agop fit: where should the model go? give -o MODEL"),
    ("a model on standard output", {}, "fit good.csv --target y -o -", 2,
     "agop fit: a model cannot go to standard output: give -o a file"),
    ("an output in no folder", {}, "fit good.csv --target y -o none/out.agop", 3,
     "agop fit: cannot write none/out.agop: there is no folder none"),
    ("an output that is a folder", {"there": None}, "fit good.csv --target y -o there", 3,
     "agop fit: cannot write there: it is a folder; name a file in it"),
    ("an output under a file", {}, "fit good.csv --target y -o good.csv/out.agop", 3,
     "agop fit: cannot write good.csv/out.agop: there is no folder good.csv"),
    ("the data as output", {}, "fit good.csv --target y -o good.csv", 2,
     "agop fit: the model would overwrite the data in good.csv: name another file"),
    ("one file for model and report", {}, GOOD + "--json out.agop", 2,
     "agop fit: the model and the report cannot be the same file out.agop"),
    ("a report over the data", {}, "score m.agop test.csv --json test.csv", 2,
     "agop score: the report would overwrite test.csv: name another file"),
    ("two results on standard output", {}, "predict m.agop test.csv --json -", 2,
     "agop predict: the answers and the report cannot both go to standard output: give -o a file"),
    ("standard input twice", {}, "fit - --target y -o out.agop --valid -", 2,
     "agop fit: only one of DATA and --valid can be standard input"),
    ("one fold", {}, "cv good.csv --target y --folds 1", 2,
     "agop cv: folds must be at least 2 and at most 1e+06, not 1"),
    ("more folds than rows", {}, "cv good.csv --target y --folds 5000", 3,
     "agop cv: 5000 folds of 90 usable rows: take --folds 90 or fewer"),
    ("groups by a column that is not there", {}, "cv good.csv --target y --groups citty", 3,
     "agop cv: there is no column 'citty' (groups): did you mean 'city'?"),
    ("more folds than groups", {}, "cv good.csv --target y --groups city --folds 9", 3,
     "agop cv: 9 folds of 5 groups: take --folds 5 or fewer"),
    ("groups by the target", {}, "cv good.csv --target y --groups y", 2,
     "agop cv: column 'y' cannot be both the target and the groups"),
    ("a cross-validation without a target", {}, "cv good.csv", 2,
     "agop cv: no target is named: use --target COL"),
    ("a cross-validation of a model", {}, "cv m.agop --target y", 3,
     "agop cv: m.agop is a model, and DATA must be a table"),
    ("probabilities for no file", {}, "cv good.csv --target city --proba", 2,
     "agop cv: --proba adds columns to the file of -o: name one"),
    ("predictions over the data", {}, "cv good.csv --target y -o good.csv", 2,
     "agop cv: the predictions would overwrite the data in good.csv: name another file"),
    ("predictions and report on standard output", {}, "cv good.csv --target y -o - --json -", 2,
     "agop cv: the predictions and the report cannot both go to the same file: name another"),
    ("a class too rare for the other folds", {"one.csv": "x,y\n1,a\n2,b\n" + "3,a\n" * 8},
     "cv one.csv --target y --folds 2", 3,
     "agop cv: without part 2 of 2: target 'y' has only one class: two classes are needed"),
    ("two ways to judge", {}, GOOD + "--valid test.csv --holdout 0.5", 2,
     "agop fit: --valid and --holdout both say how to judge: keep one"),
    ("probabilities of a regression", {}, "predict m.agop test.csv --proba", 2,
     "agop predict: --proba needs a model of classes: m.agop is a regression"),
    ("an interval of level 0", {}, "predict m.agop test.csv --interval 0", 2,
     "agop predict: --interval must be a number between 0 and 1, not '0'"),
    ("an interval of level 1", {}, "predict m.agop test.csv --interval 1", 2,
     "agop predict: --interval must be a number between 0 and 1, not '1'"),
    ("an interval of more than all", {}, "predict m.agop test.csv --interval 1.5", 2,
     "agop predict: --interval must be a number between 0 and 1, not '1.5'"),
    ("an interval of no number", {}, "predict m.agop test.csv --interval nan", 2,
     "agop predict: --interval must be a number between 0 and 1, not 'nan'"),
    ("an interval of too high a level", {}, "predict m.agop test.csv --interval 0.9999", 2,
     "agop predict: an interval of level 0.9999 needs more than the 90 rows that judged the fit: "
     "take a level of at most 0.98901"),
    ("intervals of no kind", {}, "predict m.agop test.csv --interval 0.9 --interval-kind wide", 2,
     "agop predict: --interval-kind is constant, local or auto, not 'wide'"),
    ("a kind of no intervals", {}, "predict m.agop test.csv --interval-kind local", 2,
     "agop predict: --interval-kind says of which kind intervals are: add --interval 0.9"),
    ("a score of intervals of level 1", {}, "score m.agop test.csv --interval 1", 2,
     "agop score: --interval must be a number between 0 and 1, not '1'"),
    ("a kind of sets of classes", {}, "predict c.agop kinds.csv --interval 0.9 --interval-kind local", 2,
     "agop predict: --interval-kind is for numbers: c.agop tells classes, whose sets are of one kind"),
    ("a picture of no kind", {}, "features m.agop -o out.pdf", 2,
     "agop features: what should out.pdf be? its name must end in .csv, .json, .svg or .png"),
    ("an image shape without a picture", {}, "features m.agop --image-shape 2x2", 2,
     "agop features: --image-shape is for pictures: give -o FILE.png or FILE.svg"),
    ("an image shape of one number", {}, "features m.agop -o out.svg --image-shape 4", 2,
     "agop features: --image-shape must be HEIGHTxWIDTH such as 8x8, not '4'"),
    ("an image shape that does not fit", {}, "features m.agop -o out.svg --image-shape 3x3", 2,
     "agop features: --image-shape 3x3 has 9 cells, but m.agop has 4 columns"),
    ("an image of categories", {}, "features m.agop -o out.svg --image-shape 2x2", 2,
     "agop features: --image-shape needs plain numeric columns: m.agop has categories or missing cells"),
    ("a curve along no column", {}, "explain m.agop test.csv --partial a,zz", 2,
     "agop explain: --partial: m.agop has no column 'zz'"),
    ("a curve of no class", {}, "explain c.agop kinds.csv --partial a", 2,
     "agop explain: --partial of classes follows one: name it by --of"),
    ("a curve along a direction of no class", {}, "explain c.agop kinds.csv --partial-directions 1", 2,
     "agop explain: --partial-directions of classes follows one: name it by --of"),
    ("curves along columns and directions", {}, "explain m.agop test.csv --partial a --partial-directions 1", 2,
     "agop explain: --partial follows columns, --partial-directions directions: take one of them"),
    ("curves along no directions", {}, "explain m.agop test.csv --partial-directions 0", 2,
     "agop explain: --partial-directions must be a whole number from 1 to 1000000, not '0'"),
    ("no neighbours", {}, "explain m.agop test.csv --neighbours 0", 2,
     "agop explain: --neighbours must be a whole number from 1 to 1000000, not '0'"),
    ("rows that are no list", {}, "explain m.agop test.csv --rows 1,x", 2,
     "agop explain: --rows must be a list such as 1,5,10-20, not '1,x'"),
    ("rows from large to small", {}, "explain m.agop test.csv --rows 5-2", 2,
     "agop explain: --rows must be a list such as 1,5,10-20, not '5-2'"),
    ("rows counted from 0", {}, "explain m.agop test.csv --rows 0", 2,
     "agop explain: --rows must be a list such as 1,5,10-20, not '0'"),
    ("a list of rows that goes on", {}, "explain m.agop test.csv --rows 1,", 2,
     "agop explain: --rows must be a list such as 1,5,10-20, not '1,'"),
    ("rows that are not there", {}, "explain m.agop test.csv --rows 2-9000", 2,
     "agop explain: --rows asks for row 9000, but test.csv has 30"),
    ("no rows to explain", {"empty.csv": "a,b,noise,city,y\n"}, "explain m.agop empty.csv", 3,
     "agop explain: empty.csv: no rows"),
    ("a class that is not there", {}, "explain c.agop kinds.csv --of purple", 2,
     "agop explain: --of: c.agop has no class 'purple'"),
    ("a target that is not there", {}, "explain m.agop test.csv --of z", 2,
     "agop explain: --of: m.agop has no target 'z'"),
    ("a method of no kind", {}, "explain m.agop test.csv --method shap", 2,
     "agop explain: --method must be integrated or gradient, not 'shap'"),
    ("an explanation over the data", {}, "explain m.agop test.csv -o test.csv", 2,
     "agop explain: the explanation would overwrite test.csv: name another file"),
    ("an explanation of no kind", {}, "explain m.agop test.csv -o why.txt", 2,
     "agop explain: what should why.txt be? its name must end in .csv, .json, .svg or .png"),
    ("an explanation of a table without a column", {"less.csv": "a,b,city\n1,2,Paris\n"}, "explain m.agop less.csv", 3,
     "agop explain: less.csv: column 'noise' is missing (the model was fitted with it)"),
    ("an explanation by a table", {}, "explain good.csv test.csv", 3,
     "agop explain: good.csv: not a safetensors file (its first 8 bytes are no header length)"),
    ("no columns at all", {}, "features m.agop --top 0", 2,
     "agop features: --top must be a whole number from 1 to 1000000000, not '0'"),
    # ---- a disk without room, a closed output ----
    ("a model on a full disk", {}, "fit good.csv --target y -o /dev/full", 3,
     "agop fit: cannot write /dev/full: No space left on device"),
    ("answers on a full disk", {}, "predict m.agop test.csv -o /dev/full", 3,
     "agop predict: cannot write /dev/full: No space left on device"),
    ("a report on a full disk", {}, "score m.agop test.csv --json /dev/full", 3,
     "agop score: cannot write /dev/full: No space left on device"),
    ("a picture on a full disk", {}, "features m.agop -o /dev/full", 2,
     "agop features: what should /dev/full be? its name must end in .csv, .json, .svg or .png"),
    ("a table of features on a full disk", {}, "features m.agop >/dev/full", 3,
     "agop features: cannot write standard output: No space left on device"),
    ("answers to a closed output", {}, "predict m.agop test.csv >&-", 3,
     "agop predict: cannot write standard output: Bad file descriptor"),
    ("info to a closed output", {}, "info good.csv >&-", 3,
     "agop info: cannot write standard output: Bad file descriptor"),
    # ---- sparse matrices ----
    ("mtx of another form", {"bad.mtx": "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n"}, IDS, 3,
     "agop ids: bad.mtx:1: 'array' is not read, only the coordinate form of Matrix Market is"),
    ("mtx with a broken first line", {"bad.mtx": "%%MatrixMarket matrix coordinate\n2 2 1\n1 1 1\n"}, IDS, 3,
     "agop ids: bad.mtx:1: '' is not read as a field; it must be real, integer or pattern"),
    ("mtx without sizes", {"bad.mtx": MTX}, IDS, 3,
     "agop ids: bad.mtx: the file ends before the size of the matrix"),
    ("mtx with negative sizes", {"bad.mtx": MTX + "3 -2 1\n1 1 1\n"}, IDS, 3,
     "agop ids: bad.mtx:2: this line must be: rows columns entries"),
    ("mtx that promises too much", {"bad.mtx": MTX + "2 2 999999999999999\n1 1 1\n"}, IDS, 3,
     "agop ids: bad.mtx: the file ends after 1 of 999999999999999 entries (an incomplete copy?)"),
    ("mtx with an index out of range", {"bad.mtx": MTX + "4 2 2\n1 1 1\n5 2 1\n"}, IDS, 3,
     "agop ids: bad.mtx:4: '5' is an index outside the matrix; they count from 1"),
    ("mtx with the index 0", {"bad.mtx": MTX + "4 2 2\n1 1 1\n0 2 1\n"}, IDS, 3,
     "agop ids: bad.mtx:4: '0' is an index outside the matrix; they count from 1"),
    ("mtx with a word", {"bad.mtx": MTX + "4 2 2\n1 1 1\n2 two 1\n"}, IDS, 3,
     "agop ids: bad.mtx:4: 'two' is no index; a line is: row column value"),
    ("mtx with a missing value", {"bad.mtx": MTX + "4 2 2\n1 1 1\n2 2 nan\n"}, IDS, 3,
     "agop ids: bad.mtx:4: 'nan' is not a number, with which this line must end"),
    ("mtx with too few entries", {"bad.mtx": MTX + "4 2 3\n1 1 1\n2 2 1\n"}, IDS, 3,
     "agop ids: bad.mtx: the file ends after 2 of 3 entries (an incomplete copy?)"),
    ("mtx with too many entries", {"bad.mtx": MTX + "4 2 1\n1 1 1\n2 2 1\n"}, IDS, 3,
     "agop ids: bad.mtx:4: more than the 1 entries that the file promises"),
    ("mtx of one cell's counts", {"bad.mtx": MTX + "1 2 2\n1 1 1\n1 2 1\n"}, IDS, 3,
     "agop ids: 1 rows say nothing of what depends on what"),
    ("mtx of nothing", {"bad.mtx": MTX + "0 0 0\n"}, IDS, 3,
     "agop ids: bad.mtx: no observations"),
    ("mtx whose gzip is cut short", {"bad.mtx.gz": gzip.compress((MTX + "4 2 2\n1 1 1\n2 2 1\n").encode())[:-12]},
     "ids bad.mtx.gz", 3,
     "agop ids: bad.mtx.gz: the compressed data end too early (an incomplete copy?)"),
    ("names for fewer lines than the mtx has", {"badmatrix.mtx": MTX + "2 4 2\n1 1 1\n2 2 1\n",
                                                "badgenes.tsv": "A\n"}, "ids badmatrix.mtx", 3,
     "agop ids: badgenes.tsv: 1 lines for the 2 of the matrix beside it"),
    ("counts with a word", {"bad.csv": "cell,A,B\nx,1,2\ny,many,3\nz,0,1\n"}, "ids bad.csv --log1p", 3,
     "agop ids: bad.csv:3: column 'A': 'many' is not a number"),
    ("counts with a short line", {"bad.csv": "cell,A,B\nx,1,2\ny,3\nz,0,1\n"}, "ids bad.csv --log1p", 3,
     "agop ids: bad.csv:3: fewer than the 2 numbers that the first line asks for"),
    ("counts below zero", {"bad.mtx": MTX + "4 2 2\n1 1 1\n2 2 -3\n"}, IDS + " --log1p", 3,
     "agop ids: bad.mtx: column 'x2', row 2: -3 is negative, and log1p needs counts"),
    ("a layer of an mtx file", {"bad.mtx": MTX + "4 2 1\n1 1 1\n"}, IDS + " --layer counts", 3,
     "agop ids: bad.mtx: no layer is called 'counts': only .h5ad files have layers"),
    ("HDF5 cut short", {"bad.h5": b"\x89HDF\r\n\x1a\n" + bytes(40)}, "ids bad.h5", 3,
     "re: agop ids: bad.h5: (a damaged HDF5 file .an incomplete copy.*|an HDF5 file, which this build cannot read.*)"),
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
