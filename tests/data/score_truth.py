#!/usr/bin/python3
"""Scores of fixed predictions by scikit-learn and NumPy: the constants in tests/unit/test_scores.c.

    /usr/bin/python3 tests/data/score_truth.py
"""
import numpy as np
from sklearn import metrics as sk


def show(name, value):
    print("%-32s %.17g" % (name, value))


# numbers, two targets, weights
t = np.array([[1.5, 10], [2, 30], [-1, 20], [4, 25], [0.5, 5], [3, 40]])
p = np.array([[1.25, 12], [2.5, 28], [-2, 15], [4, 35], [1, 5], [2, 20]])
w = np.array([1, 2, .5, 3, 1, 4])
for name, weight in (("", None), ("weighted ", w)):
    for k in range(2):
        a, b = t[:, k], p[:, k]
        show("%sr2[%d]" % (name, k), sk.r2_score(a, b, sample_weight=weight))
        show("%srmse[%d]" % (name, k), np.sqrt(sk.mean_squared_error(a, b, sample_weight=weight)))
        show("%smae[%d]" % (name, k), sk.mean_absolute_error(a, b, sample_weight=weight))
    show(name + "r2", sk.r2_score(t, p, sample_weight=weight))
    show(name + "mse", sk.mean_squared_error(t, p, sample_weight=weight))

# two classes, ties
t = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 0])
p = np.array([.1, .4, .35, .8, .8, .4, .2, .9, .4, .6])
w = np.array([1, 2, .5, 3, 1, 1, 2, 1, .25, 1])
for name, weight in (("", None), ("weighted ", w)):
    show("binary " + name + "accuracy", sk.accuracy_score(t, p > .5, sample_weight=weight))
    show("binary " + name + "log_loss", sk.log_loss(t, p, sample_weight=weight))
    show("binary " + name + "brier", sk.brier_score_loss(t, p, sample_weight=weight))
    show("binary " + name + "auc", sk.roc_auc_score(t, p, sample_weight=weight))
    show("binary " + name + "f1", sk.f1_score(t, p > .5, sample_weight=weight))

# three classes
t = np.array([0, 1, 2, 2, 1, 0, 0, 1])
p = np.array([[.6, .3, .1], [.2, .5, .3], [.1, .2, .7], [.3, .3, .4], [.5, .25, .25], [.4, .3, .3], [.1, .8, .1], [.2, .5, .3]])
w = np.array([1, 2, .5, 3, 1, 1, 2, 1])
for name, weight in (("", None), ("weighted ", w)):
    guess = p.argmax(axis=1)
    one = np.eye(3)[t]
    show("three " + name + "accuracy", sk.accuracy_score(t, guess, sample_weight=weight))
    show("three " + name + "log_loss", sk.log_loss(t, p, sample_weight=weight))
    show("three " + name + "brier", np.average(((p - one) ** 2).sum(axis=1), weights=weight))
    show("three " + name + "auc", np.mean([sk.roc_auc_score(t == k, p[:, k], sample_weight=weight) for k in range(3)]))
    show("three " + name + "f1", sk.f1_score(t, guess, average="macro", sample_weight=weight))

# a class that does not occur, and is never said: four classes known, the last one idle
q = np.hstack([.99 * p, np.full((8, 1), .01)])
show("idle class auc", np.mean([sk.roc_auc_score(t == k, q[:, k]) for k in range(3)]))
show("idle class f1", sk.f1_score(t, q.argmax(axis=1), average="macro"))
show("idle class log_loss", sk.log_loss(t, q, labels=[0, 1, 2, 3]))
# a class that does not occur and is said once
q[0] = [.1, .1, .1, .7]
show("false class f1", sk.f1_score(t, q.argmax(axis=1), average="macro"))
# an unknown class in the truth, row 3: wrong, and negative for every known class
t2 = np.where(np.arange(8) == 3, 9, t)
show("unknown accuracy", sk.accuracy_score(t2, p.argmax(axis=1)))
show("unknown auc", np.mean([sk.roc_auc_score(t2 == k, p[:, k]) for k in range(3)]))
one = np.eye(10)[t2][:, :3]
show("unknown brier", np.mean(((p - one) ** 2).sum(axis=1)))
show("unknown log_loss", np.mean([-np.log(p[i, t2[i]] if t2[i] < 3 else 1e-15) for i in range(8)]))
show("unknown f1", np.mean([sk.f1_score(t2 == k, p.argmax(axis=1) == k) for k in range(3)]))
