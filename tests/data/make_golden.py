"""Write golden_rfm.json: Recursive Feature Machines by the textbook, in NumPy, float64, one loop per sum.

The truth that tests/unit/test_golden.c compares with. Every gradient is formed as the definition has it; nothing is shared with
the library but the formulas of docs/rfm.md. Run from this folder: python3 make_golden.py
"""
import json

import numpy as np

HEIGHT = np.sqrt(0.5)  # of one-hot coordinates


def onehot(code, levels):
    return np.concatenate([HEIGHT * (code[:, g][:, None] == np.arange(L)) for g, L in enumerate(levels)], axis=1)


def kernel_and_gradient(x, z, M, kind, q, L):
    """k(x, z) and its gradient with respect to x, for one pair of rows."""
    step = x - z
    if kind == "l2":
        d = np.sqrt(max(0.0, step @ M @ step))
        k = np.exp(-((d / L) ** q))
        return k, (-(q / L**q) * d ** (q - 2) * k * (M @ step) if d > 1e-10 else 0 * x)
    root = np.sqrt(np.diag(M))
    size = np.abs(root * step)
    k = np.exp(-np.sum(size**q) / L**q)
    with np.errstate(divide="ignore"):
        slope = np.where(size > 0, size ** (q - 1), 0.0)
    return k, -(q / L**q) * k * slope * np.sign(step) * root


def rfm(X, Y, blocks, iters, kind="l2", bandwidth=10.0, ridge=1e-3, exponent=1.0, diag=False, centre=False):
    """[(M_t, alpha_t)]; the metric keeps only the given diagonal blocks (lists of coordinates)."""
    n, d = X.shape
    mask = np.zeros((d, d))
    for b in blocks:
        mask[np.ix_(b, b)] = 1
    if diag or kind == "l1":
        mask = np.eye(d)
    M, path = np.eye(d), []
    for t in range(iters + 1):
        K, G = np.zeros((n, n)), np.zeros((n, n, d))
        for i in range(n):
            for j in range(n):
                K[i, j], G[i, j] = kernel_and_gradient(X[i], X[j], M, kind, exponent, bandwidth)
        alpha = np.linalg.solve(K + ridge * np.eye(n), Y)
        path.append((M, alpha))
        grad = np.einsum("jc,ijd->icd", alpha, G)
        if centre:
            grad = grad - grad.mean(0, keepdims=True)
        A = np.einsum("icd,ice->de", grad, grad) / n * mask
        M = A / A.max()
    return path


def predict(Z, X, M, alpha, kind="l2", bandwidth=10.0, exponent=1.0):
    K = np.array([[kernel_and_gradient(z, x, M, kind, exponent, bandwidth)[0] for x in X] for z in Z])
    return K @ alpha


def main():
    rng = np.random.default_rng(11)
    n, m, p, levels = 45, 12, 4, [3, 2]
    num, num_test = rng.normal(size=(n, p)), rng.normal(size=(m, p))
    num[7] = num[3]  # coincident rows
    code = np.stack([rng.integers(0, L, n) for L in levels], 1)
    code_test = np.stack([rng.integers(0, L, m) for L in levels], 1)
    code[7] = code[3]
    Y = np.stack([num[:, 0] * num[:, 1] + (code[:, 0] == 1), np.sin(2 * num[:, 2]) * (code[:, 1] - 0.5)], 1)
    out = {"numeric": num.tolist(), "code": code.tolist(), "levels": levels, "Y": Y.tolist(), "height": HEIGHT,
           "numeric_test": num_test.tolist(), "code_test": code_test.tolist(), "cases": []}
    for name, groups, options in (
        ("laplace", False, dict(bandwidth=10.0)),
        ("laplace, diagonal", False, dict(bandwidth=3.0, diag=True)),
        ("exponent 0.7", False, dict(bandwidth=5.0, exponent=0.7)),
        ("exponent 2", False, dict(bandwidth=4.0, exponent=2.0, ridge=1e-2)),
        ("centred gradients", False, dict(bandwidth=5.0, centre=True)),
        ("l1", False, dict(kind="l1", bandwidth=5.0)),
        ("l1, exponent 1.4", False, dict(kind="l1", bandwidth=5.0, exponent=1.4)),
        ("categories", True, dict(bandwidth=3.0)),
        ("categories, exponent 1.3, centred", True, dict(bandwidth=3.0, exponent=1.3, centre=True)),
        ("categories, diagonal", True, dict(bandwidth=3.0, diag=True)),
        ("categories, l1", True, dict(kind="l1", bandwidth=3.0)),
        ("categories, l1, exponent 0.8", True, dict(kind="l1", bandwidth=3.0, exponent=0.8)),
    ):
        X, Z, blocks = num, num_test, [list(range(p))]
        if groups:
            X, Z = np.hstack([num, onehot(code, levels)]), np.hstack([num_test, onehot(code_test, levels)])
            at = p
            for L in levels:
                blocks.append(list(range(at, at + L)))
                at += L
        path = rfm(X, Y, blocks, 3, **options)
        shape = {k: v for k, v in options.items() if k in ("kind", "bandwidth", "exponent")}
        out["cases"].append({
            "name": name, "groups": groups, "kind": options.get("kind", "l2"), "bandwidth": options["bandwidth"],
            "exponent": options.get("exponent", 1.0), "ridge": options.get("ridge", 1e-3),
            "diag": options.get("diag", False) or options.get("kind") == "l1", "centre": options.get("centre", False),
            "iterations": [{"M": [M[np.ix_(b, b)].tolist() for b in blocks], "alpha": a.tolist(),
                            "prediction": predict(Z, X, M, a, **shape).tolist()} for M, a in path]})
    with open("golden_rfm.json", "w") as f:
        json.dump(out, f, separators=(",", ":"))


if __name__ == "__main__":
    main()
