#!/usr/bin/python3
"""What a case asks of a peer, one process from reading to writing, as a user of that package would write it.

    peer.py rfm FOLDER OUT ITERS SOLVER [KERNEL]    xRFM's machine; solver: solve, cholesky; kernel: l2, l2_high_dim
    peer.py tree FOLDER OUT LEAF                    xRFM's tree; its split directions from LEAF rows, not from 50,000
    peer.py rfm-model FOLDER OUT                    learns OUT/model.npz; then
    peer.py rfm-predict FOLDER OUT                  answers Xtest with it
    peer.py ridge FOLDER OUT                        scikit-learn's KernelRidge, rbf
    peer.py ridge-model, ridge-predict FOLDER OUT   the same in two processes, in blocks of 10,000 rows
    peer.py boost FOLDER OUT TREES                  scikit-learn's HistGradientBoostingRegressor
    peer.py ids FOLDER OUT numpy|torch [SHUFFLES]   InterDependence Scores of the columns of X, by the formula of the
                                                    paper; p-values by so many permutations

Writes OUT/answers.npy (for Xtest) and OUT/report.json: seconds of import, read, fit, predict; versions.
"""
import importlib.metadata
import json
import os
import pickle
import resource
import sys
import time

import numpy as np

clock = {"last": time.perf_counter()}
report = {}


def passed(what):
    now = time.perf_counter()
    report[what] = round(now - clock["last"], 3)
    clock["last"] = now
    if what == "import":
        report["import_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def versions(*packages):
    report["versions"] = ", ".join("%s %s" % (p, importlib.metadata.version(p)) for p in packages)


def arrays(folder, *names):
    found = [np.load(os.path.join(folder, name + ".npy")) for name in names]
    passed("read")
    return found


def onehot(y):
    """Classes as columns of 0 and 1, which is how xRFM's machine takes them; real outputs as they are."""
    return np.eye(y.max() + 1, dtype=np.float32)[y] if y.dtype.kind == "i" else y


def tensors(*found):
    import torch
    return tuple(torch.from_numpy(a) for a in found)


def finish(out, answers=None):
    if answers is not None:
        np.save(os.path.join(out, "answers.npy"), answers)
    with open(os.path.join(out, "report.json"), "w") as f:
        json.dump(report, f)


def machine(kernel="l2"):
    from xrfm.rfm_src import RFM
    versions("xrfm", "torch")
    return RFM(kernel=kernel, bandwidth=10.0, exponent=1.0, device="cpu", verbose=False, tuning_metric="mse")


def learn(model, data, iters, solver):
    X, y, Xval, yval = data
    model.fit(tensors(X, onehot(y)), tensors(Xval, onehot(yval)), reg=1e-3, iters=int(iters), solver=solver,
              early_stop_rfm=False, return_best_params=False)
    passed("fit")


def rfm(folder, out, iters, solver, kernel="l2"):
    model = machine(kernel)
    passed("import")
    *data, Xtest = arrays(folder, "X", "y", "Xval", "yval", "Xtest")
    learn(model, data, iters, solver)
    answers = model.predict(Xtest)
    passed("predict")
    finish(out, answers)


def tree(folder, out, leaf):
    import xrfm
    versions("xrfm", "torch")

    class Cut(xrfm.xRFM):
        def _get_agop_on_subset(self, X, y, subset_size=0, **more): # 50,000 rows are 125 times the work
            return super()._get_agop_on_subset(X, y, subset_size=int(leaf), **more)
    settings = {"model": {"kernel": "l2", "bandwidth": 10.0, "exponent": 1.0, "diag": False,
                          "bandwidth_mode": "constant"},
                "fit": {"reg": 1e-3, "iters": 5, "verbose": False, "early_stop_rfm": True}}
    model = Cut(rfm_params=settings, max_leaf_size=int(leaf), device="cpu", tuning_metric="mse", random_state=0,
                verbose=False)
    passed("import")
    X, y, Xval, yval, Xtest = arrays(folder, "X", "y", "Xval", "yval", "Xtest")
    model.fit(X, y, Xval, yval)
    passed("fit")
    answers = model.predict(Xtest)
    passed("predict")
    finish(out, answers)


def rfm_model(folder, out):
    model = machine()
    learn(model, arrays(folder, "X", "y", "Xval", "yval"), 1, "cholesky")
    parts = {name: getattr(model, name) for name in ("centers", "weights", "M", "sqrtM")}
    np.savez(os.path.join(out, "model.npz"), **{name: part.numpy() for name, part in parts.items() if part is not None})


def rfm_predict(folder, out):
    model = machine()
    passed("import")
    for name, array in np.load(os.path.join(out, "model.npz")).items():
        setattr(model, name, tensors(array)[0])
    Xtest, = arrays(folder, "Xtest")
    answers = model.predict(Xtest, max_batch_size=10000)
    passed("predict")
    finish(out, answers)


def ridge_of():
    from sklearn.kernel_ridge import KernelRidge
    versions("scikit-learn")
    return KernelRidge(alpha=1e-3, kernel="rbf", gamma=0.005) # 1 / (2 L^2) of bandwidth 10


def ridge(folder, out):
    model = ridge_of()
    passed("import")
    X, y, Xtest = arrays(folder, "X", "y", "Xtest")
    model.fit(X, y)
    passed("fit")
    answers = model.predict(Xtest)
    passed("predict")
    finish(out, answers)


def ridge_model(folder, out):
    model = ridge_of().fit(*arrays(folder, "X", "y"))
    with open(os.path.join(out, "model.pickle"), "wb") as f:
        pickle.dump(model, f)


def ridge_predict(folder, out):
    ridge_of()
    passed("import")
    with open(os.path.join(out, "model.pickle"), "rb") as f:
        model = pickle.load(f)
    Xtest, = arrays(folder, "Xtest")
    answers = np.concatenate([model.predict(Xtest[i:i + 10000]) for i in range(0, len(Xtest), 10000)])
    passed("predict")
    finish(out, answers)


def boost(folder, out, trees):
    from sklearn.ensemble import HistGradientBoostingRegressor
    versions("scikit-learn")
    passed("import")
    X, y, Xtest = arrays(folder, "X", "y", "Xtest")
    model = HistGradientBoostingRegressor(max_iter=int(trees), early_stopping=False, random_state=0).fit(X, y.ravel())
    passed("fit")
    answers = model.predict(Xtest)
    passed("predict")
    finish(out, answers)


def scores_of(F, terms, numpy):
    """The largest correlation of any two functions, function k of column j being column k d + j of F."""
    if numpy:
        C = np.abs(np.corrcoef(F.T))
    else:
        F = F - F.mean(0)
        F /= F.norm(dim=0)
        C = (F.T @ F).abs()
    C = C.reshape(terms, -1, terms, F.shape[1] // terms)
    return C.max(axis=(0, 2)) if numpy else C.amax(dim=(0, 2))


def ids(folder, out, package, shuffles=0):
    from math import factorial
    numpy = package == "numpy"
    if not numpy:
        import torch
    versions(package)
    passed("import")
    X, = arrays(folder, "X")
    r = np.random.default_rng(0)

    def functions(X):
        e = np.exp(-X * X / 2) if numpy else torch.exp(-X * X / 2)
        parts = [e * X**k / factorial(k)**.5 for k in range(6)]
        return np.concatenate(parts, 1) if numpy else torch.cat(parts, 1)
    there = X if numpy else torch.from_numpy(X)
    found = scores_of(functions(there), 6, numpy)
    greater = 0 * found
    for _ in range(int(shuffles)): # every column in an order of its own
        order = np.argsort(r.random(X.shape, dtype=np.float32), axis=0)
        mixed = np.take_along_axis(X, order, 0)
        greater += scores_of(functions(mixed if numpy else torch.from_numpy(mixed)), 6, numpy) > found
    passed("score")
    np.save(os.path.join(out, "scores.npy"), found)
    if int(shuffles):
        np.save(os.path.join(out, "p.npy"), greater / int(shuffles))
    finish(out)


if __name__ == "__main__":
    {"rfm": rfm, "tree": tree, "rfm-model": rfm_model, "rfm-predict": rfm_predict, "ridge": ridge, "boost": boost, "ids": ids,
     "ridge-model": ridge_model, "ridge-predict": ridge_predict}[sys.argv[1]](*sys.argv[2:])
