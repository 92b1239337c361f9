"""The estimators are scikit-learn's, and say what the program says of the same table."""
import copy
import io
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import agop
import numpy as np
import pytest
from agop import RFMClassifier, RFMRegressor, _native
from agop._progress import Reporter
from conftest import ROOT, table

sklearn = pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")
from sklearn.base import clone  # noqa: E402
from sklearn.metrics import accuracy_score, r2_score  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import estimator_checks_generator  # noqa: E402


def checks():
    for kind in (RFMRegressor, RFMClassifier):
        for estimator, check in estimator_checks_generator(kind()):
            name = getattr(check, "func", check).__name__
            words = [str(v) for v in getattr(check, "keywords", {}).values()]
            yield pytest.param(estimator, check, id="-".join([kind.__name__, name, *words]))


@pytest.mark.parametrize("estimator, check", list(checks()))
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_check(estimator, check):
    check(estimator)


# ---- what xRFM's tests ask of it: regression, classes, categories, save and load, settings of one's own ----


def test_regression_finds_the_function_and_its_columns(numbers):
    X, y = numbers
    model = RFMRegressor().fit(X[:150], y[:150])
    assert model.score(X[150:], y[150:]) > 0.9
    assert set(np.argsort(-model.feature_importances_)[:2]) == {0, 1}
    assert model.feature_importances_.sum() == pytest.approx(1)
    vectors, values = model.eigenvectors(1)
    assert abs(vectors[0] @ [2, -1, 0, 0, 0]) / 5**0.5 > 0.97 and values[0] > 0.8
    assert np.trace(model.agop_) == pytest.approx(1)
    assert model.agop_feature_names_ == ["x1", "x2", "x3", "x4", "x5"]


def test_classes_have_probabilities(classes):
    X, y = classes
    model = RFMClassifier().fit(X[:150], y[:150])
    p = model.predict_proba(X[150:])
    assert list(model.classes_) == ["high", "low", "middle"]
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert accuracy_score(y[150:], model.predict(X[150:])) > 0.7
    assert (model.predict(X) == model.classes_[model.predict_proba(X).argmax(axis=1)]).all()


@pytest.mark.parametrize("labels", [[False, True], [3, 7], [-1.0, 1.0], ["b", "a"], [10, 9]])
def test_classes_come_back_as_they_were(numbers, labels):
    X, y = numbers
    y = np.array(labels)[(y > 0).astype(int)]
    model = RFMClassifier().fit(X, y)
    assert list(model.classes_) == sorted(labels)
    assert model.predict(X).dtype == y.dtype
    assert (model.predict(X) == y).mean() > 0.9


def test_categories_are_taken_as_they_are():
    generator = np.random.default_rng(1)
    town = generator.choice(["Ulm", "Bonn", "Kiel"], 300)
    x = generator.normal(size=300)
    y = np.where(town == "Ulm", x, -x)
    frame = pd.DataFrame({"town": pd.Categorical(town), "x": x, "noise": generator.normal(size=300)})
    model = RFMRegressor().fit(frame[:200], y[:200])
    assert model.score(frame[200:], y[200:]) > 0.9
    assert "town=Ulm" in model.agop_feature_names_
    assert model.feature_importances_[2] < 0.05
    texts = frame.assign(town=town)
    assert (RFMRegressor().fit(texts[:200], y[:200]).predict(texts) == model.predict(frame)).all()


def test_numbers_can_be_named_categories(numbers):
    X, y = numbers
    X = np.column_stack([X, np.arange(200) % 3])
    assert "x6=2" in RFMRegressor(categorical=[5]).fit(X, y).agop_feature_names_
    frame = pd.DataFrame(X, columns=list("abcdef"))
    assert "f=2" in RFMRegressor(categorical=["f"]).fit(frame, y).agop_feature_names_
    assert "f=2" in RFMRegressor(categorical="f").fit(frame, y).agop_feature_names_
    with pytest.raises(ValueError, match="comma"):
        RFMRegressor(categorical=["a,b"]).fit(frame, y)


def test_a_saved_model_is_read_by_every_one(tmp_path, numbers):
    X, y = numbers
    model = RFMRegressor().fit(X, y)
    model.save(tmp_path / "model.agop")
    loaded = RFMRegressor.load(tmp_path / "model.agop")
    assert loaded.report_["n"] == 200 and not hasattr(loaded, "feature_names_in_")
    assert (loaded.predict(X) == model.predict(X)).all()
    with pytest.raises(ValueError, match="holds a regression"):
        RFMClassifier.load(tmp_path / "model.agop")
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (copied.predict(X) == model.predict(X)).all()
        assert copied.report_ == model.report_
    with pytest.raises(agop.AgopIOError, match="nowhere"):
        model.save(tmp_path / "nowhere" / "model.agop")


@pytest.mark.parametrize("labels", [["b", "a", "c"], [3, 10, 9], [0.5, 1, 2]])
def test_a_loaded_classifier_has_its_classes_and_columns(tmp_path, classes, labels):
    X, y = classes
    frame = pd.DataFrame(X, columns=list("abcde"))
    y = np.array(labels)[np.unique(y, return_inverse=True)[1]]
    if 0.5 in labels:
        y = y * 2
    model = RFMClassifier().fit(frame, y)
    model.save(tmp_path / "model.agop")
    loaded = RFMClassifier.load(tmp_path / "model.agop")
    assert list(loaded.classes_) == list(model.classes_) and list(loaded.feature_names_in_) == list("abcde")
    assert (loaded.predict(frame) == model.predict(frame)).all()


def test_settings_of_ones_own_arrive(numbers):
    X, y = numbers
    model = RFMRegressor(kernel="l1", tune="off", ridge=0.5, iters=2, memory="1G", all_rows=True).fit(X, y)
    settings = model.report_["settings"]
    assert (settings["kernel"], settings["ridge"], settings["iters"]) == ("l1", 0.5, 2)
    assert settings["memory"] == 10**9 and settings["all_rows"] is True
    with pytest.raises(agop.AgopValueError, match="did you mean gaussian") as caught:
        RFMRegressor(kernel="gausian").fit(X, y)
    assert caught.value.name == "AGOP_E_PARAM"
    with pytest.raises(TypeError, match="kernels"):
        RFMRegressor(kernels="l1")


# ---- scikit-learn's ways ----


def test_it_works_in_pipelines_and_searches(numbers, classes):
    X, y = numbers
    pipeline = make_pipeline(StandardScaler(), RFMRegressor(tune="off"))
    search = GridSearchCV(pipeline, {"rfmregressor__ridge": [1e-3, 1e3]}, cv=3).fit(X, y)
    assert search.best_params_ == {"rfmregressor__ridge": 1e-3}
    assert cross_val_score(RFMClassifier(), *classes, cv=3, n_jobs=2).mean() > 0.7


def test_parameters_are_the_librarys_settings():
    model = clone(RFMClassifier(threshold="auto", seed=3))
    parameters = model.get_params()
    assert parameters["threshold"] == "auto" and parameters["seed"] == 3
    assert repr(RFMRegressor(ridge=2.0)) == "RFMRegressor(ridge=2.0)"
    assert "ridge : float in [0, 1e+12] or 'auto', default='auto'" in RFMRegressor.__doc__
    assert "target_transform" not in parameters and "threshold" not in RFMRegressor().get_params()


def test_transform_keeps_the_distances_of_the_agop(numbers):
    X, y = numbers
    model = RFMRegressor().fit(X, y)
    Z = model.transform(X)
    S = (X - X.mean(axis=0)) / X.std(axis=0)
    A = model.agop_
    d = S[0] - S[1]
    assert ((Z[0] - Z[1]) ** 2).sum() == pytest.approx(d @ A @ d)
    assert model.set_params(n_components=2).transform(X).shape == (200, 2)
    np.testing.assert_allclose(model.transform(X), Z[:, :2])
    frame = model.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == ["rfmregressor0", "rfmregressor1"]


def test_several_targets_are_fitted_together(numbers):
    X, y = numbers
    both = np.column_stack([y, X[:, 2]])
    model = RFMRegressor().fit(X, both)
    assert model.predict(X).shape == (200, 2)
    assert r2_score(both, model.predict(X)) > 0.9
    assert RFMRegressor().fit(X, y[:, None]).predict(X).shape == (200, 1)


def test_a_weight_is_a_repetition(numbers):
    X, y = numbers
    X, y, times = X[:60], y[:60], np.arange(60) % 4
    repeated = RFMRegressor().fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    weighted = RFMRegressor().fit(X, y, sample_weight=times)
    assert (repeated.predict(X) == weighted.predict(X)).all()
    assert repeated.report_["n"] == 45
    kept = RFMRegressor(merge_rows=False).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert kept.report_["n"] == times.sum()


def test_few_repeated_rows_stay(numbers):
    X, y = numbers
    for times, left in ((30, 130), (80, 100)):
        rows = np.concatenate([np.arange(100), np.arange(times)])
        assert RFMRegressor().fit(X[rows], y[rows]).report_["n"] == left


@pytest.mark.parametrize("by", [1, 1 / 7])
def test_weights_do_not_make_rows_judge_themselves(by):
    generator = np.random.default_rng(0)
    X, weight = generator.normal(size=(160, 4)), generator.integers(1, 4, 160) * by
    noise = RFMRegressor().fit(X, generator.normal(size=160), sample_weight=weight)
    assert noise.report_["validation"]["r2"] < 0.2


def test_equal_weights_are_no_weights(numbers):
    X, y = numbers
    plain = RFMRegressor().fit(X, y).predict(X)
    assert (RFMRegressor().fit(X, y, sample_weight=np.full(200, 3)).predict(X) == plain).all()


def test_a_class_that_only_rows_without_weight_have_is_none(classes):
    X, y = classes
    model = RFMClassifier().fit(X, y, sample_weight=y != "low")
    assert list(model.classes_) == ["high", "middle"]
    assert model.predict_proba(X).shape == (200, 2)


def test_validation_rows_judge(classes):
    X, y = classes
    model = RFMClassifier().fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    assert model.report_["validation"]["rows"] == 50
    with pytest.raises(ValueError, match="y_val"):
        RFMClassifier().fit(X, y, X_val=X[:2], y_val=["low", "lower"])


def test_a_score_of_ones_own_judges(numbers):
    X, y = numbers
    seen = []

    def minus_error(truth, predicted, weight):
        seen.append(truth.shape)
        return -np.abs(truth - predicted).mean()

    RFMRegressor(metric_score=minus_error, divisions=1).fit(X, y)
    assert seen and seen[0][1] == 1

    def broken(truth, predicted, weight):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        RFMRegressor(metric_score=broken).fit(X, y)


def test_intervals_and_sets_hold_the_truth(numbers, classes):
    X, y = numbers
    noisy = y + np.random.default_rng(5).normal(size=200)
    model = RFMRegressor().fit(X[:150], noisy[:150])
    lower, upper = model.predict_interval(X[150:], level=0.9)
    assert 0.7 < ((lower <= noisy[150:]) & (noisy[150:] <= upper)).mean() <= 1
    assert (lower < upper).all()
    X, y = classes
    machine = RFMClassifier().fit(X[:150], y[:150])
    member = machine.predict_set(X[150:], level=0.9)
    assert member.dtype == bool and member.any(axis=1).all()
    assert member[np.arange(50), np.searchsorted(machine.classes_, y[150:])].mean() > 0.75


def test_contributions_sum_to_the_prediction(numbers, classes):
    X, y = numbers
    model = RFMRegressor().fit(X, y)
    parts, base = model.contributions(X[:5])
    np.testing.assert_allclose(parts.sum(axis=1) + base, model.predict(X[:5]), atol=1e-3)
    X, y = classes
    machine = RFMClassifier(calibrate=False).fit(X, y)
    parts, base = machine.contributions(X[:5], output="low")
    assert parts.shape == (5, 5) and np.isfinite(base).all()


# ---- the program says the same ----


@pytest.mark.parametrize("task, kind", [("diabetes", RFMRegressor), ("digits", RFMClassifier)])
def test_predictions_are_those_of_the_program(tmp_path, task, kind):
    program = os.environ.get("AGOP_PROGRAM")
    if not program:
        pytest.skip("AGOP_PROGRAM names no program")
    X, y = table("train", task)
    other, _ = table("test", task)
    numbers = kind is RFMRegressor
    model = kind().fit(X, y)
    data, path = ROOT / "examples" / "data", tmp_path / "model.agop"
    subprocess.run([program, "fit", data / ("%s.train.csv" % task), "--target", y.name, "-o", path, "-q"], check=True)
    told = subprocess.run([program, "predict", path, data / ("%s.test.csv" % task), *([] if numbers else ["--proba"])],
                          check=True, capture_output=True, text=True).stdout
    told = np.array([line.split(",") for line in told.split()[1:]], dtype=float)
    mine = model.predict(other)[:, None] if numbers else model.predict_proba(other)
    np.testing.assert_array_equal(mine, told[:, -mine.shape[1]:])
    assert (kind.load(path).predict(other) == model.predict(other)).all()


# ---- stopping, threads, notes ----


STOP = """
import numpy as np, os, signal, threading, time
from agop import RFMRegressor
X = np.random.default_rng(0).normal(size=(3000, 20))
model = RFMRegressor(tune="300s")
threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.fit(X, np.sin(X[:, 0]))
    print("it was not stopped")
except KeyboardInterrupt:
    print("stopped", signal.getsignal(signal.SIGINT) is signal.default_int_handler, hasattr(model, "model_"))
"""


def test_control_c_stops_a_fit():
    out = subprocess.run([sys.executable, "-c", STOP], capture_output=True, text=True, timeout=120)
    assert out.stdout.startswith("stopped True"), out.stderr


def test_a_callback_that_raises_stops_the_call_and_is_raised(numbers):
    X, y = numbers

    class Refusing(Reporter):
        def step(self, progress):
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        with _native.Context(1, Refusing(0)) as ctx:
            t = agop._tables.table_of(ctx, agop._tables.columns_of(X))
            agop._tables.add_numbers(ctx, t, "y", y)
            agop._estimators.Model.fit(ctx, t, None, ctx.settings({"target": "y"}))


def test_other_threads_go_on_during_a_fit(numbers):
    X = np.random.default_rng(0).normal(size=(1500, 10))
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    first = time.perf_counter()
    RFMRegressor(n_jobs=1).fit(X, X[:, 0])
    last = time.perf_counter()
    done.set()
    thread.join()
    assert len([t for t in ticks if first < t < last]) >= 5


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_one_line_that_goes_away(numbers, monkeypatch):
    X = np.column_stack([np.random.default_rng(0).normal(size=(1500, 10)), np.ones(1500)])
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    RFMRegressor(verbose=2).fit(X, X[:, 0])
    text = screen.getvalue()
    assert "[" in text and "#" in text
    assert text.count("\n") == 1 and "x11" in text  # the note
    assert not text.split("\r")[-1].strip()
    RFMRegressor().fit(X, X[:, 0])
    assert screen.getvalue() == text


def test_progress_in_a_file_has_lines(monkeypatch):
    class Step:
        phase, done, total, seconds, detail = b"solve", 1, 2, 12.5, b"leaf 1"

    paper = io.StringIO()
    monkeypatch.setattr(sys, "stderr", paper)
    reporter = Reporter(1)
    reporter.step(Step)
    assert paper.getvalue() == ""
    reporter._next = 0
    reporter.step(Step)
    assert paper.getvalue() == "solve    [############............] 1/2 12.5 s leaf 1\n"


def test_notes_go_to_the_logger(numbers, caplog):
    X, y = numbers
    X = np.column_stack([X, np.ones(200)])
    with caplog.at_level(logging.INFO, logger="agop"):
        RFMRegressor().fit(X, y)
    assert "x6" in caplog.text


def test_the_time_limit_keeps_the_best(numbers):
    X = np.random.default_rng(0).normal(size=(2000, 20))
    model = RFMRegressor(tune="full", time_limit="1s").fit(X, np.sin(X[:, 0]))
    assert json.dumps(model.report_["stopped"]) and model.predict(X).shape == (2000,)


# ---- refusals ----


def test_what_cannot_be_used_is_told(numbers):
    X, y = numbers
    with pytest.raises(ValueError, match="infinite"):
        RFMRegressor().fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match="NaN or infinity"):
        RFMRegressor().fit(X, np.where(X[:, 0] > 1, np.nan, y))
    with pytest.raises(ValueError, match="one class only"):
        RFMClassifier().fit(X, np.ones(200))
    with pytest.raises(ValueError, match="negative"):
        RFMRegressor().fit(X, y, sample_weight=-np.ones(200))
    with pytest.raises(ValueError, match="method is 'shap'"):
        RFMRegressor().fit(X, y).contributions(X, method="shap")
    with pytest.raises(ValueError, match="n_components is 9"):
        RFMRegressor(n_components=9).fit(X, y).transform(X)


def test_without_scikit_learn_the_stand_ins_serve():
    code = """
import sys
sys.modules["sklearn"] = None
import numpy as np, pickle, agop
X = np.random.default_rng(0).normal(size=(100, 3))
m = agop.RFMRegressor(ridge=1.0).fit(X, X[:, 0])
assert m.score(X, X[:, 0]) > .9 and m.get_params()["ridge"] == 1 and repr(m) == "RFMRegressor(ridge=1.0)"
assert m.fit_transform(X, X[:, 0]).shape == (100, 3) and len(m.get_feature_names_out()) == 3
c = agop.RFMClassifier().set_params(seed=2).fit(X, X[:, 0] > 0)
assert c.score(X, X[:, 0] > 0) > .9 and c.seed == 2
try:
    agop.RFMRegressor().predict(X)
except agop._sklearn.NotFittedError:
    print("good")
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "good\n"
