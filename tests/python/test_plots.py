"""Displays draw what the estimators and agop.ids say."""
import agop
import numpy as np
import pytest
from conftest import table

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def diabetes():
    X, y = table("train")
    return agop.RFMRegressor().fit(X, y)


def test_importances_are_bars_largest_on_top(diabetes, tmp_path):
    display = agop.ImportancesDisplay.from_estimator(diabetes, top=3, color="C1")
    assert [t.get_text() for t in display.ax_.get_yticklabels()][-1] == "log_triglycerides"
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, 100 * np.sort(diabetes.feature_importances_)[-3:])
    display.figure_.savefig(tmp_path / "importances.png")
    ax = pyplot.subplots()[1]
    assert display.plot(ax=ax).ax_ is ax


def test_eigenvectors_are_bars_or_images(diabetes):
    display = agop.EigenvectorsDisplay.from_estimator(diabetes, 2, top=4)
    assert len(display.axes_) == 2 and len(display.axes_[0].patches) == 4
    images = display.plot(shape=(2, 5))
    np.testing.assert_allclose(images.axes_[0].images[0].get_array().ravel(), display.vectors[0])
    with pytest.raises(ValueError, match="3 x 3 does not have 10"):
        display.plot(shape=(3, 3))
    with pytest.raises(ValueError, match="1 axes for 2"):
        display.plot(axes=pyplot.subplots()[1])


def test_the_learning_path_is_what_the_report_says(diabetes):
    display = agop.LearningPathDisplay.from_estimator(diabetes)
    told = [step["validation"] for step in diabetes.report_["iterations"]]
    assert list(display.line_.get_ydata()) == told and len(told) >= 2
    assert display.ax_.get_ylabel() == "mse"


def test_dependence_is_a_heat_map():
    X, _ = table("train")
    display = agop.DependenceDisplay.from_data(X, precision="double")
    np.testing.assert_allclose(display.image_.get_array(), agop.ids(X, precision="double").scores)
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == list(X.columns)
