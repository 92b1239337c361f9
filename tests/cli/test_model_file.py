#!/usr/bin/python3
"""A model file is open to any language: read it by the published layout of safetensors, predict in NumPy, compare.

    test_model_file.py PROGRAM

Nothing of the library is used but the file it wrote: an 8-byte length, a JSON header, tensors at the offsets told there,
and one JSON text of ours under "agop". Where the package safetensors is installed, it must read the same tensors.
"""
import csv
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0, "tensors are not aligned"
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    ours = json.loads(header.pop("__metadata__")["agop"])
    tensors = {}
    for name, t in header.items():
        first, last = t["data_offsets"]
        tensors[name] = np.frombuffer(body[first:last], TYPES[t["dtype"]]).reshape(t["shape"])
    return ours, tensors


def predict(ours, tensors, rows):
    """f(x) = sum_k w_k sum_j alpha_kj exp(-(d_k(x, x_j) / L_k)^q_k) over machines k, columns coded by value and score.

    d_k is the Mahalanobis distance (kind 1), or d_k^q the sum of |sqrt(m_i) (x_i - z_i)|^q (kind 2)."""
    columns, target, machine = ours["schema"]["fields"], ours["target"], ours["machine"]
    x = []
    for c in columns:
        v = np.array([float(r[c["name"]]) for r in rows])
        x.append(ours["schema"]["factor"] * (v - c["centre"]) / c["spread"])
        if ours["schema"]["normal_scores"]:
            x.append(ours["schema"]["factor"] * np.interp(v, c["knots"], c["scores"]))
    x, z, f = np.stack(x, 1), tensors["centres"].astype(float), 0
    step = x[:, None, :] - z[None, :, :]
    for k, one in enumerate([machine] + machine.get("others", [])):
        of, q = "member.%d." % k if k else "", one["exponent"]
        M = tensors[of + "metric.0"]
        if one["kind"] == 2:
            power = (np.abs(step * np.sqrt(M.ravel())) ** q).sum(2)
        else:
            power = np.sqrt(np.einsum("ijk,kl,ijl->ij", step, M, step, optimize=True)) ** q
        f = f + one.get("weight", 1) * np.exp(-power / one["bandwidth"] ** q) @ tensors[of + "alpha"]
    return np.array(target["mean"]) + np.array(target["spread"]) * f


def main():
    agop, data = os.path.abspath(sys.argv[1]), os.path.join(ROOT, "examples", "data")
    test = os.path.join(data, "diabetes.test.csv")
    with tempfile.TemporaryDirectory() as folder:
        for options in ([], ["--tune", "off"], ["--exponent", "1.5", "--precision", "double"]):
            model, out = os.path.join(folder, "m.agop"), os.path.join(folder, "out.csv")
            subprocess.run([agop, "fit", os.path.join(data, "diabetes.train.csv"), "--target", "progression", "-o", model,
                            "-q", *options], check=True)
            subprocess.run([agop, "predict", model, test, "-o", out, "-q"], check=True)
            ours, tensors = read(model)
            with open(test, newline="") as f:
                want = predict(ours, tensors, list(csv.DictReader(f)))
            with open(out, newline="") as f:
                got = np.array([[float(r["prediction"])] for r in csv.DictReader(f)])
            apart = np.abs(got - want).max() / np.abs(want).max()
            print(options, "differ by", apart)
            assert apart < (1e-10 if "double" in options else 1e-4), options
            try:
                from safetensors.numpy import load_file
            except ImportError:
                continue
            theirs = load_file(model)
            assert theirs.keys() == tensors.keys()
            assert all((theirs[k] == tensors[k]).all() for k in theirs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
