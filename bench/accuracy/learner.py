#!/usr/bin/python3
"""A peer at a table, one process from reading to writing, as a user of that package would write it.

    learner.py NAME TRAIN TEST TASK BUDGET OUT

NAME is hgb, rf, lightgbm, xgboost, catboost or xrfm; TASK regression or classification. BUDGET 0: the package's own
defaults. Otherwise random search over the customary space of that package (SPACES below) until so many seconds of the
wall clock have passed since this process began, reading and importing included: every trial learns from four fifths
of the rows and is judged on the last fifth (mean squared error, or Brier score), which also chooses the number of
trees; the first trial is the defaults; the best is learned again from all rows, for which time is kept back. Not
so xRFM, which cannot learn without rows to judge by: its best trial is what answers, as in its authors' tuner.

Text columns are categories: codes for those packages that know them, one column of 0 and 1 for each level for the
others. Missing cells stay missing, but for xRFM, which gets the mean. Writes OUT/answers.csv (as `agop predict --proba`
does) and OUT/report.json.
"""
import time

BEGAN = time.monotonic()

import importlib.metadata
import json
import os
import signal
import sys
import warnings

import numpy as np
import pandas as pd

from methods import BY_NAME, PEERS

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]
THREADS = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
TREES, PATIENCE = 10000, 50   # most trees of a trial; it ends when so many did not help
REFIT = 1.4                   # of a trial's seconds: all rows instead of four fifths, and a reserve


class OutOfTime(Exception):
    pass


# ---- the table ----

class Table:
    """Columns as the packages want them. A category that training did not show is a missing one."""

    def __init__(self, train, test, task):
        self.classification = task == "classification"
        rows, unseen = (pd.read_csv(path, keep_default_na=False, na_values=MISSING, low_memory=False, dtype=(
            {"target": str} if self.classification else None)) for path in (train, test))
        y = rows.pop("target")
        unseen.pop("target")
        self.classes = sorted(y.unique()) if self.classification else None
        self.y = np.searchsorted(self.classes, y) if self.classification else y.to_numpy(np.float64)
        text = [not pd.api.types.is_numeric_dtype(rows[name]) for name in rows]
        self.categorical = [j for j, is_text in enumerate(text) if is_text]
        self.levels = {j: pd.Index(sorted(rows.iloc[:, j].dropna().unique())) for j in self.categorical}
        self.X, self.Xtest = self.codes(rows), self.codes(unseen)

    def codes(self, frame):
        X = np.empty(frame.shape, np.float64)
        for j in range(X.shape[1]):
            column = frame.iloc[:, j]
            if j in self.levels:
                code = self.levels[j].get_indexer(column).astype(np.float64)
                X[:, j] = np.where(code < 0, np.nan, code)
            else:
                X[:, j] = pd.to_numeric(column, errors="coerce")
        return X

    def onehot(self, X):
        """Numbers first, then the levels of each category; of a missing one all are 0."""
        numbers = [j for j in range(X.shape[1]) if j not in self.levels]
        blocks = [X[:, j, None] == np.arange(len(self.levels[j])) for j in self.categorical]
        return np.hstack([X[:, numbers]] + blocks).astype(np.float32), len(numbers)


def split(table):
    """Rows to learn from and a fifth to judge by, of every class a fifth; a class of one row is learned from."""
    order = np.random.default_rng(0).permutation(len(table.y))
    if not table.classification:
        return order[len(order) // 5:], order[:len(order) // 5]
    order = order[np.argsort(table.y[order], kind="stable")]
    judges = (np.arange(len(order)) % 5 == 2) & (np.bincount(table.y)[table.y[order]] > 1)
    return order[~judges], order[judges]


# ---- what is searched ----

def log_uniform(low, high):
    return lambda r: float(np.exp(r.uniform(np.log(low), np.log(high))))


def log_integer(low, high):
    return lambda r: int(np.clip(np.floor(np.exp(r.uniform(np.log(low), np.log(high + 1)))), low, high))


def uniform(low, high):
    return lambda r: float(r.uniform(low, high))


def one_of(*values):
    return lambda r: values[r.integers(len(values))]


SPACES = {
    # LightGBM, XGBoost, CatBoost: Erickson et al., TabArena (2025)
    "lightgbm": {
        "learning_rate": log_uniform(5e-3, 0.1), "num_leaves": log_integer(2, 200),
        "min_child_samples": log_integer(1, 64), "colsample_bytree": uniform(0.4, 1), "subsample": uniform(0.7, 1),
        "subsample_freq": one_of(1), "extra_trees": one_of(False, True), "reg_alpha": uniform(1e-4, 1),
        "reg_lambda": uniform(1e-4, 2), "min_data_per_group": log_integer(2, 100), "cat_l2": log_uniform(5e-3, 2),
        "cat_smooth": log_uniform(1e-3, 100), "max_cat_to_onehot": log_integer(8, 100)},
    "xgboost": {
        "learning_rate": log_uniform(5e-3, 0.1), "max_depth": log_integer(4, 10),
        "min_child_weight": log_uniform(1e-3, 5), "subsample": uniform(0.6, 1), "colsample_bylevel": uniform(0.6, 1),
        "colsample_bynode": uniform(0.6, 1), "reg_alpha": uniform(1e-4, 5), "reg_lambda": uniform(1e-4, 5),
        "grow_policy": one_of("depthwise", "lossguide"), "max_cat_to_onehot": log_integer(8, 100),
        "max_leaves": log_integer(8, 1024)},
    "catboost": {
        "learning_rate": log_uniform(5e-3, 0.1), "bootstrap_type": one_of("Bernoulli"), "subsample": uniform(0.7, 1),
        "grow_policy": one_of("SymmetricTree", "Depthwise"), "depth": lambda r: int(r.integers(4, 9)),
        "colsample_bylevel": uniform(0.85, 1), "l2_leaf_reg": log_uniform(1e-4, 5),
        "leaf_estimation_iterations": log_integer(1, 20), "one_hot_max_size": log_integer(8, 100),
        "model_size_reg": log_uniform(0.1, 1.5), "max_ctr_complexity": lambda r: int(r.integers(2, 6)),
        "boosting_type": one_of("Plain")},
    # HistGradientBoosting: the quantities of Grinsztajn et al. (2022), in the ranges of the three above
    "hgb": {
        "learning_rate": log_uniform(5e-3, 0.3), "max_leaf_nodes": log_integer(4, 200),
        "min_samples_leaf": log_integer(1, 64), "l2_regularization": log_uniform(1e-4, 5),
        "max_features": uniform(0.4, 1)},
    # random forest: the quantities of Grinsztajn et al. (2022)
    "rf": {
        "max_features": one_of("sqrt", "log2", 0.3, 0.5, 0.7, 1.0), "min_samples_leaf": log_integer(1, 50),
        "min_samples_split": one_of(2, 2, 2, 3), "max_samples": uniform(0.5, 1),
        "min_impurity_decrease": one_of(0.0, 0.0, 0.0, 1e-5, 1e-4, 1e-3)},
    # xRFM: the default space of its authors' own tuner (pytabkit), "similar or identical to TabArena's"
    "xrfm": {
        "bandwidth": log_uniform(0.5, 200), "reg": log_uniform(1e-6, 10), "exponent": uniform(0.7, 1.4),
        "between": uniform(0, 0.8), "diag": one_of(False, True), "kernel": one_of("lpq", "lpq", "lpq", "lpq", "l2"),
        "classes": one_of("prevalence")},
}


# ---- the packages ----
# Each: learn(params, rows, judge, until): a fitted model and its size (trees), judged on the rows `judge` until then,
# or, where `judge` is a number, of that size; answer(model, X): real numbers, or a probability for each class.

class Learner:
    alarm = True   # a trial that takes too long is broken off by an exception; or it stops itself, and counts
    again = True   # the best is learned again from all rows

    def __init__(self, table):
        self.table, self.kind = table, "Classifier" if table.classification else "Regressor"
        self.X, self.Xtest = self.encoded(table.X), self.encoded(table.Xtest)

    def encoded(self, X):
        return X

    def rows(self, X, which):
        return X[which]

    def answer(self, model, X):
        return model.predict_proba(X) if self.table.classification else model.predict(X)


class Hgb(Learner):
    def learn(self, params, rows, judge, until):
        from sklearn import ensemble
        made = getattr(ensemble, "HistGradientBoosting" + self.kind)
        few = [j for j in self.table.categorical if len(self.table.levels[j]) < 255] # it takes no more levels
        fixed = dict(params, categorical_features=few or None, random_state=0)
        X, y = self.X[rows], self.table.y[rows]
        if judge is None:
            return made(**fixed).fit(X, y), None
        if isinstance(judge, int):
            return made(max_iter=judge, early_stopping=False, **fixed).fit(X, y), judge
        # its tolerance is absolute: without tol=0 a small target would end it at once
        model = made(max_iter=TREES, early_stopping=True, n_iter_no_change=PATIENCE, tol=0, **fixed)
        model.fit(X, y, X_val=self.X[judge], y_val=self.table.y[judge])
        # judged with the trees after its best, which cannot be taken away; learned again without them
        return model, max(1, int(np.argmax(model.validation_score_)))


class LightGbm(Learner):
    alarm = False

    def learn(self, params, rows, judge, until):
        import lightgbm
        made = getattr(lightgbm, "LGBM" + self.kind)
        fixed = dict(params, n_jobs=THREADS, random_state=0, verbosity=-1)
        X, y = self.X[rows], self.table.y[rows]
        more = {"categorical_feature": self.table.categorical} if self.table.categorical else {}
        if judge is None or isinstance(judge, int):
            return made(**fixed, **({"n_estimators": judge} if judge else {})).fit(X, y, **more), judge

        def clock(at):
            if time.monotonic() > until:
                raise lightgbm.callback.EarlyStopException(at.iteration, at.evaluation_result_list)
        model = made(n_estimators=TREES, **fixed)
        model.fit(X, y, eval_X=(self.X[judge],), eval_y=(self.table.y[judge],),
                  callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False), clock], **more)
        return model, model.best_iteration_ or model.n_estimators_


class XgBoost(Learner):
    alarm = False

    def learn(self, params, rows, judge, until):
        import xgboost
        made = getattr(xgboost, "XGB" + self.kind)
        fixed = dict(params, n_jobs=THREADS, random_state=0, verbosity=0, enable_categorical=True,
                     feature_types=["c" if j in self.table.levels else "q" for j in range(self.X.shape[1])])
        X, y = self.X[rows], self.table.y[rows]
        if judge is None or isinstance(judge, int):
            return made(**fixed, **({"n_estimators": judge} if judge else {})).fit(X, y), judge

        class Clock(xgboost.callback.TrainingCallback):
            def after_iteration(self, *_):
                return time.monotonic() > until
        model = made(n_estimators=TREES, early_stopping_rounds=PATIENCE, callbacks=[Clock()], **fixed)
        model.fit(X, y, eval_set=[(self.X[judge], self.table.y[judge])], verbose=False)
        return model, model.best_iteration + 1


class CatBoost(Learner):
    alarm = False

    def encoded(self, X):
        frame = pd.DataFrame(X)
        for j in self.table.categorical:
            frame[j] = frame[j].fillna(-1).astype(int)
        return frame

    def rows(self, X, which):
        return X.iloc[which]

    def learn(self, params, rows, judge, until):
        import catboost

        class Clock:
            def after_iteration(self, _):
                return time.monotonic() < until
        made = getattr(catboost, "CatBoost" + self.kind)
        fixed = dict(params, thread_count=THREADS, random_seed=0, verbose=False, allow_writing_files=False,
                     cat_features=self.table.categorical)
        X, y = self.X.iloc[rows], self.table.y[rows]
        if judge is None or isinstance(judge, int):
            return made(**fixed, **({"iterations": judge} if judge else {})).fit(X, y), judge
        model = made(iterations=TREES if params else 1000, early_stopping_rounds=PATIENCE, **fixed)
        model.fit(X, y, eval_set=(self.X.iloc[judge], self.table.y[judge]), callbacks=[Clock()])
        params.setdefault("learning_rate", model.learning_rate_) # its default depends on the number of trees
        return model, model.tree_count_


class Forest(Learner):
    def encoded(self, X):
        return self.table.onehot(X)[0]

    def learn(self, params, rows, judge, until):
        from sklearn import ensemble
        trees = {} if judge is None else {"n_estimators": judge if isinstance(judge, int) else 300}
        model = getattr(ensemble, "RandomForest" + self.kind)(n_jobs=THREADS, random_state=0, **trees, **params)
        return model.fit(self.X[rows], self.table.y[rows]), trees.get("n_estimators")


class Xrfm(Learner):
    """Numeric columns and target standardised, as its documentation recommends; it always needs rows to judge by."""
    again = False

    def __init__(self, table):
        import torch
        torch.set_num_threads(THREADS)
        self.torch, self.table = torch, table
        X, self.numbers = table.onehot(table.X)
        Xtest, _ = table.onehot(table.Xtest)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore") # a column of nothing but missing cells has no mean
            mean, spread = (np.nan_to_num(f(X[:, :self.numbers], axis=0)) for f in (np.nanmean, np.nanstd))
        for block in (X[:, :self.numbers], Xtest[:, :self.numbers]):
            block -= mean
            block /= np.where(spread > 0, spread, 1)
        self.X, self.Xtest = np.nan_to_num(X), np.nan_to_num(Xtest)
        self.middle, self.spread = (0, 1) if table.classification else (table.y.mean(), table.y.std() or 1)
        self.y = table.y if table.classification else ((table.y - self.middle) / self.spread).astype(np.float32)

    def categories(self):
        """Where the levels of each category are; tables of distances for them instead of columns."""
        torch, at, indices, vectors = self.torch, self.numbers, [], []
        for j in self.table.categorical:
            size = len(self.table.levels[j])
            indices.append(torch.arange(at, at + size))
            vectors.append(torch.eye(size))
            at += size
        return {"numerical_indices": torch.arange(self.numbers), "categorical_indices": indices,
                "categorical_vectors": vectors} if indices else None

    def settings(self, p):
        if not p:
            return None # its own
        kernel = "l2" if len(self.y) ** 2 * self.X.shape[1] > LPQ_MOST else p["kernel"]
        fit = {"reg": p["reg"], "iters": 5, "verbose": False, "early_stop_rfm": True}
        if kernel == "lpq": # it makes arrays of rows x batch x columns
            fit["M_batch_size"] = int(np.clip(2e8 / self.X.size, 1, 1000))
        return {"fit": fit, "model": {
            "kernel": kernel, "bandwidth": p["bandwidth"], "exponent": p["exponent"], "diag": p["diag"],
            "bandwidth_mode": "constant", "norm_p": p["exponent"] + (2 - p["exponent"]) * p["between"]}}

    def learn(self, params, rows, judge, until):
        import xrfm
        if judge is None:
            rows, judge = split(self.table)
        model = xrfm.xRFM(rfm_params=self.settings(params), device="cpu", random_state=0, n_threads=THREADS,
                          categorical_info=self.categories(), verbose=False,
                          classification_mode=params.get("classes", "zero_one"))
        model.fit(self.X[rows], self.y[rows], self.X[judge], self.y[judge])
        return model, None

    def answer(self, model, X):
        if self.table.classification:
            return model.predict_proba(X)
        return model.predict(X).ravel().astype(np.float64) * self.spread + self.middle


LPQ_MOST = 2e9 # rows^2 columns: above, its generalised kernel takes longer than any budget on processors
PACKAGES = {"hgb": Hgb, "lightgbm": LightGbm, "xgboost": XgBoost, "catboost": CatBoost, "rf": Forest, "xrfm": Xrfm}


# ---- the search ----

def loss(answers, truth, classification):
    if not np.all(np.isfinite(answers)):
        return np.inf
    if classification:
        return float(((answers - np.eye(answers.shape[1])[truth]) ** 2).sum(1).mean())
    return float(((answers - truth) ** 2).mean())


def ring(*_):
    raise OutOfTime


class Trial:
    """One candidate: its loss, model, size and seconds; a loss of None where it fails or takes longer than it may."""

    def __init__(self, learner, params, rows, judge, seconds):
        began = time.monotonic()
        self.params, self.loss = params, None
        if learner.alarm:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            self.model, self.size = learner.learn(params, rows, judge, began + seconds)
            answers = learner.answer(self.model, learner.rows(learner.X, judge))
            self.loss = loss(answers, learner.table.y[judge], learner.table.classification)
        except OutOfTime:
            pass
        except Exception as failure: # a candidate that its package cannot compute; whoever reads the log sees why
            print("trial:", params, failure, file=sys.stderr)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.seconds = time.monotonic() - began


def search(learner, space, budget):
    """The best trial or None, and how many there were."""
    signal.signal(signal.SIGALRM, ring)
    random = np.random.default_rng(0)
    rows, judge = split(learner.table)
    refit = REFIT if learner.again else 0
    best, fastest, tried, in_vain = None, 0, 0, 0
    while in_vain < 20:
        left = budget - (time.monotonic() - BEGAN)
        slot = min(left - (refit * best.seconds if best else 0), left / (1 + refit)) # it, too, must be learned again
        if slot <= 0 or slot < fastest / 2:
            break
        now = Trial(learner, {name: draw(random) for name, draw in space.items()} if tried else {}, rows, judge, slot)
        tried += 1
        in_vain = in_vain + 1 if now.loss is None else 0
        if now.loss is not None:
            fastest = min(fastest or now.seconds, now.seconds)
            if best is None or now.loss < best.loss:
                best = now
    return best, tried


def write(out, answers, classes):
    if classes is None:
        frame = pd.DataFrame({"prediction": answers})
    else:
        frame = pd.DataFrame(answers, columns=["p_" + c for c in classes])
        frame.insert(0, "prediction", np.array(classes, object)[answers.argmax(1)])
    frame.to_csv(os.path.join(out, "answers.csv"), index=False, float_format="%.9g")


def main():
    name, train, test, task, budget, out = sys.argv[1:]
    with open("/proc/self/oom_score_adj", "w") as f:
        f.write("1000") # where memory runs out, it is this process that ends
    table = Table(train, test, task)
    learner = PACKAGES[name](table)
    package = PEERS[BY_NAME[name].module()].split("==")[0]
    best, report = None, {"versions": "%s %s" % (package, importlib.metadata.version(package))}
    if float(budget) > 0:
        best, report["trials"] = search(learner, SPACES[name], float(budget))
        if best:
            report.update(best=best.params, size=best.size, loss=best.loss)
    if best and not learner.again:
        model = best.model
    else: # where no trial came to an end: the defaults
        params, size = (best.params, best.size) if best else ({}, None)
        model, _ = learner.learn(params, np.arange(len(table.y)), size, np.inf)
    write(out, learner.answer(model, learner.Xtest), table.classes)
    with open(os.path.join(out, "report.json"), "w") as f:
        json.dump(report, f)


if __name__ == "__main__":
    main()
