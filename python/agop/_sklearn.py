"""The one place that knows whether scikit-learn is there: its base classes, or as much of them as is needed."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

try:
    from sklearn.base import (BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, MultiOutputMixin,
                              RegressorMixin, TransformerMixin)
    from sklearn.exceptions import DataConversionWarning, NotFittedError

except ImportError:

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """The estimator has to be fitted first."""

    class DataConversionWarning(UserWarning):  # type: ignore[no-redef]
        """The form of the data was changed."""

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by name."""

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """All parameters."""
            names = [name for name in inspect.signature(type(self)).parameters]
            return {name: getattr(self, name) for name in names}

        def set_params(self, **params: Any) -> Any:
            """Change parameters."""
            known = self.get_params()
            for name, value in params.items():
                if name not in known:
                    raise ValueError("Invalid parameter %r for estimator %s" % (name, type(self).__name__))
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            new = inspect.signature(type(self)).parameters
            told = ["%s=%r" % (k, v) for k, v in self.get_params().items() if v != new[k].default]
            return "%s(%s)" % (type(self).__name__, ", ".join(told))

    class ClassifierMixin:  # type: ignore[no-redef]
        """The share of rows whose class is right."""

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """Accuracy."""
            right = np.asarray(self.predict(X)) == np.asarray(y)  # type: ignore[attr-defined]
            return float(np.average(right, weights=sample_weight))

    class RegressorMixin:  # type: ignore[no-redef]
        """The share of the variance that is explained."""

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """R squared, the mean over targets."""
            y = np.asarray(y, dtype=np.float64)
            error = (y - self.predict(X)) ** 2  # type: ignore[attr-defined]
            spread = (y - np.average(y, axis=0, weights=sample_weight)) ** 2
            return float(np.mean(1 - np.average(error, axis=0, weights=sample_weight)
                                 / np.average(spread, axis=0, weights=sample_weight)))

    class TransformerMixin:  # type: ignore[no-redef]
        """Fit and transform."""

        def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
            """Fit, then transform the same rows."""
            return self.fit(X, y, **fit_params).transform(X)  # type: ignore[attr-defined]

    class MultiOutputMixin:  # type: ignore[no-redef]
        """Several targets."""

    class ClassNamePrefixFeaturesOutMixin:  # type: ignore[no-redef]
        """Names of the columns that transform makes."""

        def get_feature_names_out(self, input_features: Any = None) -> Any:
            """The class in lower case, and a number."""
            width: int = self._n_features_out  # type: ignore[attr-defined]
            return np.asarray([type(self).__name__.lower() + str(k) for k in range(width)], dtype=object)


__all__ = ["BaseEstimator", "ClassifierMixin", "ClassNamePrefixFeaturesOutMixin", "DataConversionWarning",
           "MultiOutputMixin", "NotFittedError", "RegressorMixin", "TransformerMixin"]
