#!/usr/bin/env python3
"""Steps that iterative solvers take for (K + ridge I) alpha = y with a Laplace kernel, until the residual is small.

    steps.py [ROWS COLUMNS]...          the default: 10000 100 16000 20

Conjugate gradients by preconditioner (randomly pivoted Cholesky of rank 1,000, with three diagonals, and none), and
ASkotch (arXiv 2407.10070, algorithm 1, blocks of n/100 rows, Nystrom rank 100), whose block updates are counted in
passes over the matrix. Plain NumPy and SciPy, independent of the library. Takes minutes.
"""
import sys

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

RIDGE, BANDWIDTH, RANK, BLOCK = 1e-3, 10.0, 1000, 256
GOAL = 1e-4
rng = np.random.default_rng(0)


def data(n, d):
    X = rng.standard_normal((n, d)).astype(np.float32)
    y = np.sin(2 * X[:, 0]) * X[:, 1] + np.abs(X[:, 2]) + 0.1 * rng.standard_normal(n)
    return X, (y - y.mean()) / y.std()


def laplace(X):
    square = (X * X).sum(1)
    K = square[:, None] + square[None] - 2 * X @ X.T
    np.maximum(K, 0, out=K)
    np.sqrt(K, out=K)
    K *= -1 / BANDWIDTH
    return np.exp(K, out=K)


def pivoted(K, rank):
    """F with K ~ F F', and the diagonal of what is left."""
    n = len(K)
    F, left = np.zeros((n, 0), np.float32), np.ones(n)
    while F.shape[1] < rank:
        rows = rng.choice(n, min(BLOCK, rank - F.shape[1]), p=left / left.sum(), replace=False)
        G = K[:, rows] - F @ F[rows].T
        core = G[rows] + 1e-6 * np.trace(G[rows]) / len(rows) * np.eye(len(rows))
        new = solve_triangular(cholesky(core, lower=True), G.T, lower=True).T.astype(np.float32)
        F, left = np.hstack([F, new]), np.maximum(left - (new * new).sum(1), 0)
    return F, left


def steps(K, y, F, D):
    """Of conjugate gradients with the preconditioner F F' + diag(D)."""
    scaled = F / np.sqrt(D)[:, None].astype(np.float32)
    core = cho_factor(np.eye(F.shape[1]) + (scaled.T @ scaled).astype(float), lower=True)

    def solve(r):
        q = r / D
        return q - F @ cho_solve(core, F.T @ q) / D

    r = y.copy()
    z = solve(r)
    p, rz = z.copy(), r @ z
    for step in range(1, 1000):
        q = K @ p.astype(np.float32) + RIDGE * p
        r -= rz / (p @ q) * q
        if np.linalg.norm(r) < GOAL * np.linalg.norm(y):
            return step
        z = solve(r)
        rz, old = r @ z, rz
        p = z + rz / old * p
    return None


def askotch(K, y, most=60):
    n = len(y)
    b, rank = n // 100, 100
    mu, nu = RIDGE, n / b
    beta, gamma = 1 - np.sqrt(mu / nu), 1 / np.sqrt(mu * nu)
    alpha = 1 / (1 + gamma * nu)
    w, v, z = np.zeros(n), np.zeros(n), np.zeros(n)
    for k in range(1, most * n // b + 1):
        rows = rng.choice(n, b, replace=False)
        KB = K[np.ix_(rows, rows)].astype(float)
        basis = np.linalg.qr(rng.standard_normal((b, rank)))[0]
        shift = np.finfo(float).eps * np.trace(KB)
        Y = KB @ basis + shift * basis
        root = solve_triangular(cholesky(basis.T @ Y, lower=True), Y.T, lower=True).T
        U, S, _ = np.linalg.svd(root, full_matrices=False)
        S = np.maximum(S * S - shift, 0)
        rho = RIDGE + S[-1]

        def solve(g):
            return U @ ((U.T @ g) / (S + rho)) + (g - U @ (U.T @ g)) / rho

        u = rng.standard_normal(b)
        for _ in range(10):  # the step: the largest eigenvalue of the preconditioned block
            u = solve(KB @ u + RIDGE * u)
            top = np.linalg.norm(u)
            u /= top
        move = solve(K[rows] @ z.astype(np.float32) + RIDGE * z[rows] - y[rows]) / top
        w = z.copy()
        w[rows] -= move
        v = beta * v + (1 - beta) * z
        v[rows] -= gamma * move
        z = alpha * v + (1 - alpha) * w
        if k % 25 == 0 and np.linalg.norm(y - K @ w.astype(np.float32) - RIDGE * w) < GOAL * np.linalg.norm(y):
            return round(k * b / n, 1)
    return None


def main(sizes):
    print("| rows x columns | no preconditioner | D = ridge | D = ridge + what is left of each row | D = ridge + its mean |"
          " ASkotch, passes |")
    for n, d in sizes:
        X, y = data(n, d)
        K = laplace(X)
        F, left = pivoted(K, RANK)
        none = steps(K, y, np.zeros((n, 1), np.float32), np.full(n, 1.0))
        found = [steps(K, y, F, D) for D in (np.full(n, RIDGE), left + RIDGE, np.full(n, left.mean() + RIDGE))]
        print("|", f"{n:,} x {d}", "|", " | ".join(str(s) for s in [none] + found + [askotch(K, y)]), "|", flush=True)


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:]] or [10000, 100, 16000, 20]
    main(list(zip(numbers[::2], numbers[1::2])))
