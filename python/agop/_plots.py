"""Plots in the manner of scikit-learn's displays: from_... makes one and draws it, plot draws it again elsewhere.

matplotlib is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots()[1]


def _shorten(names: Sequence[str], most: int = 28) -> list[str]:
    return [name if len(name) <= most else name[:most - 1] + "…" for name in names]


class ImportancesDisplay:
    """Shares of columns in the trace of the AGOP, as bars.

    Parameters
    ----------
    importances : ndarray of shape (n_features,)
        The shares.
    names : list of str
        The columns.

    Attributes
    ----------
    ax_, figure_ : matplotlib's axes and figure
    bars_ : matplotlib's BarContainer
    """

    def __init__(self, importances: Floats, names: Sequence[str]) -> None:
        self.importances = importances
        self.names = names

    @classmethod
    def from_estimator(cls, estimator: Any, *, top: int = 20, ax: Any = None, **bar_kwargs: Any) -> ImportancesDisplay:
        """Of a fitted RFMRegressor or RFMClassifier.

        Parameters
        ----------
        estimator : RFMRegressor or RFMClassifier
            Fitted.
        top : int, default=20
            The largest so many.
        ax : matplotlib axes, optional
            Where to.
        **bar_kwargs
            For matplotlib's ``barh``.

        Returns
        -------
        ImportancesDisplay
            Drawn.
        """
        shares = estimator.feature_importances_
        names = getattr(estimator, "feature_names_in_", ["x%d" % (j + 1) for j in range(len(shares))])
        return cls(shares, [str(name) for name in names]).plot(top=top, ax=ax, **bar_kwargs)

    def plot(self, *, top: int = 20, ax: Any = None, **bar_kwargs: Any) -> ImportancesDisplay:
        """Draw."""
        self.ax_ = _axes(ax)
        self.figure_ = self.ax_.figure
        order = np.argsort(-self.importances, kind="stable")[:top][::-1]
        self.bars_ = self.ax_.barh(_shorten([self.names[j] for j in order]), 100 * self.importances[order], **bar_kwargs)
        self.ax_.set_xlabel("share of the AGOP's trace, %")
        return self


class EigenvectorsDisplay:
    """Leading eigenvectors of an AGOP: their largest loadings as bars, or, of pixels, as images.

    Parameters
    ----------
    vectors : ndarray of shape (k, n_features)
        As rows.
    eigenvalues : ndarray of shape (k,)
        Shares of the trace.
    names : list of str
        The features.

    Attributes
    ----------
    axes_ : ndarray of matplotlib axes
    figure_ : matplotlib figure
    """

    def __init__(self, vectors: Floats, eigenvalues: Floats, names: Sequence[str]) -> None:
        self.vectors = vectors
        self.eigenvalues = eigenvalues
        self.names = names

    @classmethod
    def from_estimator(cls, estimator: Any, k: int = 3, *, shape: tuple[int, int] | None = None, top: int = 10,
                       axes: Any = None) -> EigenvectorsDisplay:
        """Of a fitted RFMRegressor or RFMClassifier.

        Parameters
        ----------
        estimator : RFMRegressor or RFMClassifier
            Fitted.
        k : int, default=3
            How many.
        shape : (height, width), optional
            Draw images: the features are their pixels, row by row.
        top : int, default=10
            Without `shape`: the largest so many loadings.
        axes : sequence of k matplotlib axes, optional
            Where to.

        Returns
        -------
        EigenvectorsDisplay
            Drawn.
        """
        vectors, values = estimator.eigenvectors(k)
        return cls(vectors, values, estimator.agop_feature_names_).plot(shape=shape, top=top, axes=axes)

    def plot(self, *, shape: tuple[int, int] | None = None, top: int = 10, axes: Any = None) -> EigenvectorsDisplay:
        """Draw."""
        k = len(self.vectors)
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.subplots(1, k, squeeze=False, figsize=(3.2 * k, 3.2), layout="constrained")[1]
        self.axes_ = np.asarray(axes).ravel()
        if len(self.axes_) != k:
            raise ValueError("there are %d axes for %d eigenvectors" % (len(self.axes_), k))
        if shape is not None and shape[0] * shape[1] != self.vectors.shape[1]:
            raise ValueError("an image of %d x %d does not have %d pixels" % (*shape, self.vectors.shape[1]))
        self.figure_ = self.axes_[0].figure
        for number, (ax, vector, value) in enumerate(zip(self.axes_, self.vectors, self.eigenvalues), 1):
            ax.set_title("%d: %.1f %%" % (number, 100 * value))
            if shape is not None:
                most = np.abs(vector).max() or 1
                ax.imshow(vector.reshape(shape), cmap="RdBu_r", vmin=-most, vmax=most)
                ax.set_axis_off()
                continue
            order = np.argsort(-np.abs(vector), kind="stable")[:top][::-1]
            ax.barh(_shorten([self.names[j] for j in order], 18), vector[order])
            ax.axvline(0, color="0.6", linewidth=0.8)
        return self


class LearningPathDisplay:
    """What the iterations were judged by, one after the other: how the metric was learned.

    Parameters
    ----------
    iterations : list of int
        Their numbers; 0 has the metric that was begun with.
    validation : list of float
        What they were judged by.
    score : str
        Its name.
    best : int
        The one that was kept.

    Attributes
    ----------
    ax_, figure_ : matplotlib's axes and figure
    line_ : matplotlib's Line2D
    """

    def __init__(self, iterations: Sequence[int], validation: Sequence[float], score: str, best: int) -> None:
        self.iterations = iterations
        self.validation = validation
        self.score = score
        self.best = best

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **line_kwargs: Any) -> LearningPathDisplay:
        """Of a fitted RFMRegressor or RFMClassifier.

        Parameters
        ----------
        estimator : RFMRegressor or RFMClassifier
            Fitted.
        ax : matplotlib axes, optional
            Where to.
        **line_kwargs
            For matplotlib's ``plot``.

        Returns
        -------
        LearningPathDisplay
            Drawn.
        """
        report = estimator.report_
        steps = [one for one in report["iterations"] if one.get("validation") is not None]
        if not steps:
            raise ValueError("this fit tells no iterations: it is a tree, or nothing judged them")
        return cls([one["iter"] for one in steps], [one["validation"] for one in steps],
                   str(report["settings"]["metric_score"]), int(report["best_iter"])).plot(ax=ax, **line_kwargs)

    def plot(self, *, ax: Any = None, **line_kwargs: Any) -> LearningPathDisplay:
        """Draw."""
        self.ax_ = _axes(ax)
        self.figure_ = self.ax_.figure
        (self.line_,) = self.ax_.plot(self.iterations, self.validation, **({"marker": "o"} | line_kwargs))
        if self.best in self.iterations:
            self.ax_.axvline(self.best, color="0.6", linestyle="--", linewidth=0.8)
        self.ax_.set_xticks(list(self.iterations))
        self.ax_.set_xlabel("iteration")
        self.ax_.set_ylabel(self.score)
        return self


class DependenceDisplay:
    """Scores of pairs of columns as a heat map.

    Parameters
    ----------
    scores : ndarray of shape (n_variables, n_variables_y)
        From 0 to 1.
    names, names_y : list of str
        The variables of the rows, and of the columns.

    Attributes
    ----------
    ax_, figure_ : matplotlib's axes and figure
    image_ : matplotlib's AxesImage
    """

    def __init__(self, scores: Floats, names: Sequence[str], names_y: Sequence[str]) -> None:
        self.scores = scores
        self.names = names
        self.names_y = names_y

    @classmethod
    def from_scores(cls, found: Any, *, ax: Any = None, **image_kwargs: Any) -> DependenceDisplay:
        """Of what `agop.ids` answered.

        Parameters
        ----------
        found : Dependence
            With all scores.
        ax : matplotlib axes, optional
            Where to.
        **image_kwargs
            For matplotlib's ``imshow``.

        Returns
        -------
        DependenceDisplay
            Drawn.
        """
        return cls(found.scores, found.names, found.names_y).plot(ax=ax, **image_kwargs)

    @classmethod
    def from_data(cls, X: Any, Y: Any = None, *, ax: Any = None, **settings: Any) -> DependenceDisplay:
        """Of columns: `agop.ids` with its settings, drawn.

        Parameters
        ----------
        X, Y : as `agop.ids` takes them
            Columns.
        ax : matplotlib axes, optional
            Where to.
        **settings
            Those of `agop.ids`.

        Returns
        -------
        DependenceDisplay
            Drawn.
        """
        from agop._dependence import ids

        return cls.from_scores(ids(X, Y, **settings), ax=ax)

    def plot(self, *, ax: Any = None, **image_kwargs: Any) -> DependenceDisplay:
        """Draw."""
        self.ax_ = _axes(ax)
        self.figure_ = self.ax_.figure
        self.image_ = self.ax_.imshow(self.scores, **({"vmin": 0, "vmax": 1, "cmap": "viridis"} | image_kwargs))
        self.figure_.colorbar(self.image_, ax=self.ax_, label="InterDependence Score")
        if len(self.names) <= 60:
            self.ax_.set_yticks(range(len(self.names)), _shorten(self.names))
        if len(self.names_y) <= 60:
            self.ax_.set_xticks(range(len(self.names_y)), _shorten(self.names_y), rotation=90)
        return self
