"""RFMRegressor and RFMClassifier: Recursive Feature Machines as scikit-learn's estimators."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from ctypes import POINTER, byref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agop._native import Context, Handle, Judged, Owned, lib
from agop._progress import Reporter
from agop._rows import merge
from agop._settings import describe, names_of, texts_of, with_keywords
from agop._sklearn import (BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, DataConversionWarning,
                           MultiOutputMixin, NotFittedError, RegressorMixin, TransformerMixin)
from agop._tables import Array, Columns, Texts, add_numbers, add_texts, columns_of, mat, names_of as column_names, table_of

Floats = NDArray[np.float64]
_VALUE, _PROBA = 0, 1  # AGOP_VALUE, AGOP_PROBA
_FORMS = {"auto": 0, "constant": 1, "local": 2}  # AGOP_INTERVAL_...
_METHODS = {"integrated": 0, "gradient": 1}  # AGOP_INTEGRATED, AGOP_GRADIENT


def _doubles(values: Array) -> Any:
    return values.ctypes.data_as(POINTER(ctypes.c_double))


# ---- a fitted model ----


class Model:
    """A model of the library: pickled as the bytes of its file, freed with the object."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._map: Floats | None = None

    @property
    def _as_parameter_(self) -> Owned:
        return self._owned

    @classmethod
    def fit(cls, ctx: Context, train: Owned, valid: Owned | None, settings: Owned) -> Model:
        """agop_fit."""
        handle = Handle()
        ctx.check(lib.agop_fit(byref(handle), ctx.handle, train, valid, settings))
        return cls(Owned(handle.value, lib.agop_model_free))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """agop_model_load."""
        handle = Handle()
        with Context(1) as ctx:
            ctx.check(lib.agop_model_load(byref(handle), ctx.handle, os.fsencode(path)))
        return cls(Owned(handle.value, lib.agop_model_free))

    def save(self, path: str | os.PathLike[str]) -> None:
        """agop_model_save."""
        with Context(1) as ctx:
            ctx.check(lib.agop_model_save(ctx.handle, self, os.fsencode(path)))

    def __getstate__(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.agop")
            self.save(path)
            return path.read_bytes()

    def __setstate__(self, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.agop")
            path.write_bytes(content)
            self.__init__(Model.load(path)._owned)  # type: ignore[misc]

    @property
    def info(self) -> dict[str, Any]:
        """What is known of the fit."""
        report: dict[str, Any] = json.loads(lib.agop_model_info(self).decode())
        return report

    @property
    def feature_names(self) -> list[str]:
        """Of the AGOP's rows and columns."""
        count = lib.agop_model_features(self)
        return [lib.agop_model_feature_name(self, j).decode() for j in range(count)]

    @property
    def columns(self) -> list[str]:
        """The input columns."""
        count = lib.agop_model_columns(self)
        return [lib.agop_model_column_name(self, j).decode() for j in range(count)]

    def outputs(self, what: int) -> list[str]:
        """Names of the targets, or of the classes."""
        count = lib.agop_model_outputs(self, what)
        return [lib.agop_model_output_name(self, what, j).decode() for j in range(count)]

    def agop(self) -> Floats:
        """The AGOP over the features, trace 1."""
        d = lib.agop_model_features(self)
        out = np.empty((d, d))
        with Context() as ctx:
            ctx.check(lib.agop_features(byref(mat(out)), ctx.handle, self))
        return out

    def importance(self) -> Floats:
        """Share of each input column."""
        out = np.empty(lib.agop_model_columns(self))
        with Context() as ctx:
            ctx.check(lib.agop_importance(_doubles(out), ctx.handle, self))
        return out

    def vectors(self, count: int | None) -> tuple[Floats, Floats]:
        """The leading eigenvectors of the AGOP as rows, and their eigenvalues."""
        d = lib.agop_model_features(self)
        count = d if count is None else count
        if not 1 <= count <= d:
            raise ValueError("n_components is %d, but there are 1 to %d" % (count, d))
        vectors, values = np.empty((count, d)), np.empty(count)
        with Context() as ctx:
            ctx.check(lib.agop_vectors(byref(mat(vectors)), _doubles(values), ctx.handle, self))
        return vectors, values

    def map(self, count: int | None) -> Floats:
        """Features to what was learned of them: features x count, eigenvectors times roots of eigenvalues."""
        if self._map is None or (count is not None and self._map.shape[1] != count):
            vectors, values = self.vectors(count)
            self._map = np.ascontiguousarray(vectors.T * np.sqrt(np.maximum(values, 0)))
        return self._map


# ---- what both have in common ----

_IN_PYTHON = ("target", "task", "weights", "drop", "numeric", "cache", "groups")  # arguments of fit, or done to the frame
_OF_CLASSES = ("class_code", "class_weight", "loss", "calibrate", "threshold")
_OF_NUMBERS = ("scale_target", "target_transform")
_REGRESSION = names_of("fit", _IN_PYTHON + _OF_CLASSES)
_CLASSIFICATION = names_of("fit", _IN_PYTHON + _OF_NUMBERS)

_OWN_DOC = """\
n_components : int or None, default=None
    How many directions ``transform`` gives, the strongest first; None: as many as there are features.
merge_rows : bool, default=True
    Where more than half of the rows have a twin, equal rows become one row with the sum of their weights before the
    fit, so that a weight means repetition. False: never.
n_jobs : int or None, default=None
    Threads; None and -1: all that OpenMP offers.
verbose : int, default=0
    1: a progress bar, 2: what the library notes, too."""

_ATTRIBUTES = """\
n_features_in_ : int
    Columns of the fit.
feature_names_in_ : ndarray of str
    Their names, where all have one.
feature_importances_ : ndarray of shape (n_features_in_,)
    Share of each column in the trace of the AGOP.
agop_ : ndarray of shape (n_agop_features, n_agop_features)
    The average gradient outer product of the fitted function.
agop_feature_names_ : list of str
    What its rows stand for.
report_ : dict
    All that the library knows of the fit."""


class _Machine(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Parameters, fitting, and what does not depend on the kind of the target."""

    _settings: list[str]
    _task: str
    n_components: int | None
    merge_rows: bool
    n_jobs: int | None
    verbose: int

    def _keep(self, given: dict[str, Any]) -> None:
        """The parameters of ``__init__`` as attributes."""
        signature = type(self).__init__.__signature__  # type: ignore[attr-defined]
        bound = signature.bind(self, **given)
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)

    # -- X --

    def _check_names(self, X: Any) -> None:
        """Are these the columns of the fit, in their order?"""
        fitted, given = getattr(self, "feature_names_in_", None), column_names(X)
        name = type(self).__name__
        if fitted is None and given is not None:
            warnings.warn("X has feature names, but %s was fitted without feature names" % name, stacklevel=4)
        if fitted is not None and given is None:
            warnings.warn("X does not have valid feature names, but %s was fitted with feature names" % name, stacklevel=4)
        if fitted is None or given is None or list(fitted) == given:
            return
        message = "The feature names should match those that were passed during fit.\n"
        for what, names in (("Feature names unseen at fit time:\n", sorted(set(given) - set(fitted))),
                            ("Feature names seen at fit time, yet now missing:\n", sorted(set(fitted) - set(given)))):
            if names:
                message += what + "".join("- %s\n" % one for one in names[:5]) + ("- ...\n" if names[5:] else "")
        if set(given) == set(fitted):
            message += "Feature names must be in the same order as they were in fit.\n"
        raise ValueError(message)

    def _columns(self, X: Any) -> Columns:
        """X as columns for a question to the fitted model."""
        self._fitted()
        self._check_names(X)
        columns = columns_of(X)
        if columns.count != self.n_features_in_:
            raise ValueError("X has %d features, but %s is expecting %d features as input"
                             % (columns.count, type(self).__name__, self.n_features_in_))
        fitted = getattr(self, "feature_names_in_", None)
        return columns.named(None if fitted is None else [str(name) for name in fitted])

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            raise NotFittedError("This %s instance is not fitted yet: call 'fit' with appropriate arguments before "
                                 "using this estimator." % type(self).__name__)
        model: Model = self.model_
        return model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _context(self) -> Context:
        return Context(self.n_jobs, Reporter(self.verbose))

    # -- fit --

    def _texts(self) -> dict[str, str]:
        """The settings as the library reads them."""
        values = {name: getattr(self, name) for name in self._settings}
        if callable(values["metric_score"]):
            values["metric_score"] = "callback"
        if isinstance(values.get("class_weight"), dict):
            values["class_weight"] = None  # in the weights of the rows
        if isinstance(values["categorical"], (list, tuple)):
            names = getattr(self, "feature_names_in_", None)
            values["categorical"] = [self._name_of(one, names) for one in values["categorical"]]
        return texts_of(values) | {"task": self._task}

    def _name_of(self, column: Any, names: Any) -> str:
        """The table's name of a column given by name or number."""
        if isinstance(column, str):
            name = column
        elif names is None:
            name = "x%d" % (int(column) + 1)
        else:
            name = str(names[int(column)])
        if "," in name:
            raise ValueError("categorical names %r, which holds a comma: give the column a categorical dtype" % name)
        return name

    def _targets(self, y: Any) -> Array:
        """y as numbers: rows, or rows x targets."""
        raise NotImplementedError

    def _add_targets(self, ctx: Context, table: Owned, y: Array, names: list[str]) -> None:
        raise NotImplementedError

    def _weigh(self, y: Array, weight: Floats | None) -> Floats | None:
        """The weights, and what the class of a row does to them."""
        return weight

    def _score_of_judged(self, judged: Judged) -> float:
        truth = np.ctypeslib.as_array(judged.truth, (judged.rows, judged.targets))
        predicted = np.ctypeslib.as_array(judged.predicted, (judged.rows, judged.columns))
        weight = np.ctypeslib.as_array(judged.weight, (judged.rows,)) if judged.weight else None
        return float(self.metric_score(truth, predicted, weight))

    def _table(self, ctx: Context, columns: Columns, y: Array, weight: Floats | None, own: list[str]) -> Owned:
        """A table of the columns, the targets and the weights; own: names of the latter."""
        table = table_of(ctx, columns)
        self._add_targets(ctx, table, y, own[:-1])
        if weight is not None:
            add_numbers(ctx, table, own[-1], weight)
        return table

    def _fit(self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any) -> None:
        if y is None:
            raise ValueError("%s requires y to be passed, but the target y is None" % type(self).__name__)
        columns = columns_of(X)
        for name in ("model_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if columns.names is not None:
            self.feature_names_in_ = np.asarray(columns.names, dtype=object)
        self.n_features_in_ = columns.count
        y = np.asarray(y)
        if y.shape[:1] != (columns.rows,):
            raise ValueError("Found input variables with inconsistent numbers of samples: X has %d, y has shape %r"
                             % (columns.rows, y.shape))
        weight = _weights(sample_weight, columns.rows)
        if weight is not None and not weight.all():  # such a row is not there, and nor is a class that only they have
            kept = np.flatnonzero(weight)
            columns, y, weight = columns.take(kept), y[kept], weight[kept]
        targets = self._targets(y)
        weight = self._weigh(targets, weight)
        if self.merge_rows:
            columns, targets, weight = merge(columns, targets, weight)
        if columns.rows < 2:
            raise ValueError("n_samples=1: a machine is fitted to two different rows or more")
        own = _free_names(columns, 1 if targets.ndim == 1 else targets.shape[1])
        texts = self._texts() | {"target": ",".join(own[:-1])}
        if weight is not None:
            texts["weights"] = own[-1]
        with self._context() as ctx:
            if callable(self.metric_score):
                ctx.judge_by(self._score_of_judged)
            train = self._table(ctx, columns, targets, weight, own)
            valid = None
            if X_val is not None:
                self._check_names(X_val)
                judging = columns_of(X_val)
                valid = self._table(ctx, judging, self._targets_again(y_val), None, own)
            self.model_ = Model.fit(ctx, train, valid, ctx.settings(texts))

    def _targets_again(self, y: Any) -> Array:
        """The targets of validation rows."""
        return self._targets(y)

    # -- after the fit --

    def _ask(self, X: Any, what: int) -> Floats:
        columns, model = self._columns(X), self._fitted()
        out = np.empty((columns.rows, lib.agop_model_outputs(model, what)))
        with self._context() as ctx:
            table = table_of(ctx, columns)
            ctx.check(lib.agop_predict(byref(mat(out)), ctx.handle, model, table, what))
        return out

    @property
    def feature_importances_(self) -> Floats:
        """Share of each input column in the trace of the AGOP; they sum to 1."""
        return self._fitted().importance()

    @property
    def agop_(self) -> Floats:
        """The AGOP over ``agop_feature_names_``, trace 1."""
        return self._fitted().agop()

    @property
    def agop_feature_names_(self) -> list[str]:
        """Numeric columns, "COLUMN (missing)" where cells were missing, "COLUMN=LEVEL" of categories."""
        return self._fitted().feature_names

    @property
    def report_(self) -> dict[str, Any]:
        """All that the library knows of the fit: iterations, settings as used, validation scores, seconds."""
        return self._fitted().info

    @property
    def _n_features_out(self) -> int:
        return int(self._fitted().map(self.n_components).shape[1])

    def eigenvectors(self, k: int = 3) -> tuple[Floats, Floats]:
        """The k leading eigenvectors of the AGOP.

        Returns
        -------
        vectors : ndarray of shape (k, n_agop_features)
            As rows, the largest loading positive.
        eigenvalues : ndarray of shape (k,)
            Shares of the trace, largest first.
        """
        return self._fitted().vectors(k)

    def transform(self, X: Any) -> Floats:
        """Rows as the machine looks at them.

        Columns in standard deviations (categories by presence) are projected on the eigenvectors of the AGOP, each
        times the root of its eigenvalue: distances are then those under the AGOP.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Coordinates.
        """
        columns, model = self._columns(X), self._fitted()
        features = np.empty((columns.rows, lib.agop_model_features(model)))
        with self._context() as ctx:
            table = table_of(ctx, columns)
            ctx.check(lib.agop_feature_values(byref(mat(features)), ctx.handle, model, table))
        out: Floats = features @ model.map(self.n_components)
        return out

    def _contributions(self, X: Any, output: int | None, method: str) -> tuple[Floats, Floats]:
        """Of one output; None: of the class that is predicted for the row."""
        columns, model = self._columns(X), self._fitted()
        if method not in _METHODS:
            raise ValueError("method is %r, but there are %s" % (method, " and ".join(_METHODS)))
        out, base = np.empty((columns.rows, columns.count)), np.empty(columns.rows)
        of = None if output is None else np.full(columns.rows, output, dtype=np.int64)
        asked = None if of is None else of.ctypes.data_as(POINTER(ctypes.c_int64))
        with self._context() as ctx:
            table = table_of(ctx, columns)
            ctx.check(lib.agop_contributions(byref(mat(out)), _doubles(base), None, ctx.handle, model,
                                             table, asked, _METHODS[method]))
        return out, base

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, which the program ``agop`` reads, too.

        Parameters
        ----------
        path : str or path
            Where to; what was there stays until all is written.
        """
        self._fitted().save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Any:
        """An estimator of a file that `save` or the program ``agop`` wrote.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        RFMRegressor or RFMClassifier
            Fitted; its parameters are the defaults, and ``report_`` tells those of the fit. Classes that read as numbers
            are numbers.
        """
        estimator, model = cls(), Model.load(path)
        if model.info["task"] != cls._task:
            raise ValueError("%s holds a %s, which is none for %s" % (os.fspath(path), model.info["task"], cls.__name__))
        names = model.columns
        estimator.n_features_in_ = len(names)
        if names != Columns(0, len(names)).all_names():
            estimator.feature_names_in_ = np.asarray(names, dtype=object)
        estimator._take_outputs(model)
        estimator.model_ = model
        return estimator

    def _take_outputs(self, model: Model) -> None:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags


def _free_names(columns: Columns, targets: int) -> list[str]:
    """Names for the targets and, last, the weights that no column has."""
    taken = set(columns.all_names())
    names = ["y"] if targets == 1 else ["y%d" % (k + 1) for k in range(targets)]
    prefix = ""
    while any(prefix + name in taken for name in [*names, "weight"]):
        prefix += "_"
    return [prefix + name for name in [*names, "weight"]]


def _weights(sample_weight: Any, rows: int) -> Floats | None:
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape == ():
        weight = np.full(rows, float(weight))
    if weight.shape != (rows,):
        raise ValueError("sample_weight has shape %r, but there are %d rows" % (weight.shape, rows))
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight holds a weight that is negative, infinite or NaN")
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number: all weights are zero")
    return weight


# ---- the two ----


class RFMRegressor(RegressorMixin, MultiOutputMixin, _Machine):  # type: ignore[misc]
    """Recursive Feature Machine for numbers: a kernel machine whose metric is learned from its own gradients.

    Columns of numbers and categories, missing cells, several targets, row weights; no validation rows are needed.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    RFMClassifier : The same for classes.

    Examples
    --------
    >>> import numpy as np
    >>> from agop import RFMRegressor
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> y = np.sin(2 * X[:, 0]) + X[:, 1]
    >>> model = RFMRegressor().fit(X[:200], y[:200])
    >>> bool(model.score(X[200:], y[200:]) > 0.9)
    True
    >>> np.argsort(-model.feature_importances_)[:2].tolist()
    [0, 1]
    """

    _settings = _REGRESSION
    _task = "regression"

    @with_keywords(_REGRESSION)
    def __init__(self, *, n_components: int | None = None, merge_rows: bool = True, n_jobs: int | None = None,
                 verbose: int = 0, **settings: Any) -> None:
        self._keep({"n_components": n_components, "merge_rows": merge_rows, "n_jobs": n_jobs, "verbose": verbose}
                   | settings)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None) -> RFMRegressor:
        """Learn from rows.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is missing, texts and categorical dtypes are categories.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), optional
            What the squared error of each row counts; 0: the row is not there.
        X_val, y_val : optional
            Rows that judge the iterations. Without them one half of the rows judges what the other learns.

        Returns
        -------
        RFMRegressor
            Itself.
        """
        self._fit(X, y, sample_weight, X_val, y_val)
        return self

    def _targets(self, y: Any) -> Array:
        values = np.asarray(y)
        if values.dtype.kind == "c":
            raise ValueError("Complex data not supported")
        values = values.astype(np.float64)
        if values.ndim not in (1, 2) or values.size == 0:
            raise ValueError("y should be a 1d array or rows x targets, but has shape %r" % (values.shape,))
        if not np.isfinite(values).all():
            raise ValueError("Input y contains NaN or infinity")
        self._one_column = values.ndim == 2 and values.shape[1] == 1
        return values

    def _add_targets(self, ctx: Context, table: Owned, y: Array, names: list[str]) -> None:
        for name, values in zip(names, y.reshape(len(y), -1).T):
            add_numbers(ctx, table, name, values)

    def _take_outputs(self, model: Model) -> None:
        self._one_column = False

    def _shaped(self, out: Floats) -> Floats:
        return out[:, 0] if out.shape[1] == 1 and not self._one_column else out

    def predict(self, X: Any) -> Floats:
        """What the targets of rows are.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        return self._shaped(self._ask(X, _VALUE))

    def predict_interval(self, X: Any, level: float = 0.9, form: str = "auto") -> tuple[Floats, Floats]:
        """Where the truth lies with a probability.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.
        level : float, default=0.9
            The probability.
        form : {'auto', 'constant', 'local'}, default='auto'
            As wide everywhere, or wider where errors are larger; auto: what the fit found to be better.

        Returns
        -------
        lower, upper : ndarray of shape (n_samples,) or (n_samples, n_targets)
            The ends.
        """
        columns, model = self._columns(X), self._fitted()
        if form not in _FORMS:
            raise ValueError("form is %r, but there are %s" % (form, ", ".join(_FORMS)))
        lower = np.empty((columns.rows, lib.agop_model_outputs(model, _VALUE)))
        upper = np.empty_like(lower)
        with self._context() as ctx:
            table = table_of(ctx, columns)
            ctx.check(lib.agop_predict_interval(None, byref(mat(lower)), byref(mat(upper)), ctx.handle, model,
                                                table, level, _FORMS[form]))
        return self._shaped(lower), self._shaped(upper)

    def contributions(self, X: Any, target: int = 0, method: str = "integrated") -> tuple[Floats, Floats]:
        """What each column adds to the prediction for each row.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.
        target : int, default=0
            Which of several targets.
        method : {'integrated', 'gradient'}, default='integrated'
            Integrated gradients from the mean row, or gradient times difference.

        Returns
        -------
        contributions : ndarray of shape (n_samples, n_features)
            By integrated gradients they and ``base`` sum to the prediction.
        base : ndarray of shape (n_samples,)
            What is predicted for the mean row.
        """
        return self._contributions(X, target, method)


class RFMClassifier(ClassifierMixin, _Machine):  # type: ignore[misc]
    """Recursive Feature Machine for classes: a kernel machine whose metric is learned from its own gradients.

    Columns of numbers and categories, missing cells, row weights, calibrated probabilities; no validation rows are
    needed.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray
        The classes, in order.
    {attributes}

    See Also
    --------
    RFMRegressor : The same for numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from agop import RFMClassifier
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    >>> model = RFMClassifier().fit(X[:200], y[:200])
    >>> bool(model.score(X[200:], y[200:]) > 0.8)
    True
    >>> model.classes_.tolist()
    ['other', 'same']
    >>> model.predict_proba(X[:3]).shape
    (3, 2)
    """

    _settings = _CLASSIFICATION
    _task = "classification"
    class_weight: str | dict[Any, float] | None

    @with_keywords(_CLASSIFICATION)
    def __init__(self, *, n_components: int | None = None, merge_rows: bool = True, n_jobs: int | None = None,
                 verbose: int = 0, **settings: Any) -> None:
        self._keep({"n_components": n_components, "merge_rows": merge_rows, "n_jobs": n_jobs, "verbose": verbose}
                   | settings)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None) -> RFMClassifier:
        """Learn from rows.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows; NaN is missing, texts and categorical dtypes are categories.
        y : array-like of shape (n_samples,)
            Classes: texts, whole numbers or truth values.
        sample_weight : array-like of shape (n_samples,), optional
            What the squared error of each row counts; 0: the row is not there.
        X_val, y_val : optional
            Rows that judge the iterations. Without them one half of the rows judges what the other learns.

        Returns
        -------
        RFMClassifier
            Itself.
        """
        self._fit(X, y, sample_weight, X_val, y_val)
        return self

    def _targets(self, y: Any) -> Array:
        """Classes by number."""
        values = _classes_of(y)
        self.classes_, code = np.unique(values, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has one class only, %r: at least two classes are needed" % self.classes_[0])
        return code.ravel()

    def _targets_again(self, y: Any) -> Array:
        values = _classes_of(y)
        code = np.searchsorted(self.classes_, values)
        code = np.minimum(code, len(self.classes_) - 1)
        if (self.classes_[code] != values).any():
            raise ValueError("y_val holds a class that y has not")
        return code

    def _add_targets(self, ctx: Context, table: Owned, y: Array, names: list[str]) -> None:
        if self.classes_.dtype.kind in "OUS":
            add_texts(ctx, table, names[0], Texts(y.astype(np.int32), [str(one) for one in self.classes_]))
        else:
            add_numbers(ctx, table, names[0], self.classes_[y].astype(np.float64))

    def _take_outputs(self, model: Model) -> None:
        names = model.outputs(_PROBA)
        try:
            numbers = np.array([float(name) for name in names])
        except ValueError:
            self.classes_ = np.array(names)
        else:
            self.classes_ = numbers.astype(np.int64) if (numbers == np.floor(numbers)).all() else numbers

    def _weigh(self, y: Array, weight: Floats | None) -> Floats | None:
        given = self.class_weight
        if not isinstance(given, dict):
            return weight
        by_class = np.array([float(given.get(one, 1)) for one in self.classes_.tolist()])
        if not (np.isfinite(by_class) & (by_class > 0)).all():
            raise ValueError("class_weight holds a weight that is no positive number")
        return by_class[y] if weight is None else by_class[y] * weight

    def predict_proba(self, X: Any) -> Floats:
        """The probabilities of classes.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; each row sums to 1.
        """
        return self._ask(X, _PROBA)

    def predict(self, X: Any) -> Array:
        """The classes of rows.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            From ``classes_``.
        """
        number = self._ask(X, _VALUE)[:, 0].astype(np.int64)
        answer: Array = self.classes_[number]
        return answer

    def predict_set(self, X: Any, level: float = 0.9) -> NDArray[np.bool_]:
        """The classes that hold the truth with a probability.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.
        level : float, default=0.9
            The probability.

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes)
            Which classes are in the set; never none.
        """
        columns, model = self._columns(X), self._fitted()
        member = np.empty((columns.rows, lib.agop_model_outputs(model, _PROBA)))
        with self._context() as ctx:
            table = table_of(ctx, columns)
            ctx.check(lib.agop_predict_set(None, byref(mat(member)), ctx.handle, model, table, level))
        return member > 0

    def contributions(self, X: Any, output: Any = None, method: str = "integrated") -> tuple[Floats, Floats]:
        """What each column adds to the score of a class for each row.

        Parameters
        ----------
        X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
            Rows.
        output : class, optional
            Which class; the one that is predicted for each row.
        method : {'integrated', 'gradient'}, default='integrated'
            Integrated gradients from the mean row, or gradient times difference.

        Returns
        -------
        contributions : ndarray of shape (n_samples, n_features)
            By integrated gradients they and ``base`` sum to the score of the class.
        base : ndarray of shape (n_samples,)
            The score of the mean row.
        """
        self._fitted()
        return self._contributions(X, None if output is None else int(self._targets_again([output])[0]), method)


def _classes_of(y: Any) -> Array:
    """A vector of classes."""
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        warnings.warn("A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                      "(n_samples,), for example using ravel().", DataConversionWarning, stacklevel=4)
        values = values.ravel()
    if values.ndim != 1:
        raise ValueError("y should be a 1d array, but has shape %r" % (values.shape,))
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("Input y contains NaN or infinity")
        if (values != np.floor(values)).any():
            raise ValueError("Unknown label type: continuous. Classes are whole numbers, texts or truth values: take "
                             "RFMRegressor for numbers")
    return values


for _class in (RFMRegressor, RFMClassifier):
    for _mark, _text in (("{parameters}", _OWN_DOC + "\n" + describe(_class._settings)), ("{attributes}", _ATTRIBUTES)):
        _class.__doc__ = (_class.__doc__ or "").replace(_mark, _text.replace("\n", "\n    "))
