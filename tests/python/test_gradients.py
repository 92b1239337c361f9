"""AGOPs of gradients, functions and estimators, against closed forms."""
import agop
import numpy as np
import pytest


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(300, 4)) * [1, 10, 0.1, 1]


def test_gradients_are_averaged():
    G = np.random.default_rng(1).normal(size=(50, 2, 3))
    w = np.arange(1.0, 51)
    wanted = np.einsum("i,ioj,iok->jk", w, G, G) / w.sum()
    np.testing.assert_allclose(agop.agop(G, w), wanted)
    np.testing.assert_allclose(agop.agop(G[:, 0]), G[:, 0].T @ G[:, 0] / 50)
    np.testing.assert_allclose(agop.agop(G[k:k + 7] for k in range(0, 50, 7)), agop.agop(G))
    centred = G - np.average(G, axis=0, weights=w)
    np.testing.assert_allclose(agop.agop(G, w, centre=True),
                               np.einsum("i,ioj,iok->jk", w, centred, centred) / w.sum())


@pytest.mark.parametrize("bad, words", [(np.ones(3), "of shape"), (np.full((2, 2), np.nan), "NaN"), (iter([]), "no gradients")])
def test_what_is_no_gradient_is_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        agop.agop(bad)


def test_a_function_by_differences(rows):
    def function(x):
        return np.column_stack([np.sin(x[:, 0]) * x[:, 1], x[:, 2] ** 2])

    def slopes(x):
        zero = np.zeros(len(x))
        return np.stack([np.column_stack([np.cos(x[:, 0]) * x[:, 1], np.sin(x[:, 0]), zero, zero]),
                         np.column_stack([zero, zero, 2 * x[:, 2], zero])], axis=1)

    wanted = agop.agop(slopes(rows))
    np.testing.assert_allclose(agop.agop_of(function, rows, step=1e-4), wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(agop.agop_of(function, rows, gradient=slopes), wanted)
    np.testing.assert_allclose(agop.agop_of(function, rows, gradient=slopes, batch=17), wanted)
    spread = rows.std(axis=0)
    np.testing.assert_allclose(agop.agop_of(function, rows, gradient=slopes, standardise=True),
                               wanted * np.outer(spread, spread))
    weight = np.arange(300.0)
    np.testing.assert_allclose(agop.agop_of(function, rows, weight, gradient=slopes, batch=31),
                               agop.agop(slopes(rows), weight))


def test_estimators(rows):
    linear = pytest.importorskip("sklearn.linear_model")
    y = rows @ [1, 0.1, 10, 0]
    model = linear.LinearRegression().fit(rows, y)
    np.testing.assert_allclose(agop.agop_of(model, rows), np.outer(model.coef_, model.coef_), atol=1e-8)
    logistic = linear.LogisticRegression().fit(rows, y > 0)
    p = logistic.predict_proba(rows)[:, 1]
    wanted = 2 * np.mean((p * (1 - p)) ** 2) * np.outer(logistic.coef_[0], logistic.coef_[0])
    np.testing.assert_allclose(agop.agop_of(logistic, rows, step=1e-4), wanted, rtol=1e-4, atol=1e-9)


def test_of_our_own_machine_it_is_the_agop_that_it_tells():
    X = np.random.default_rng(0).normal(size=(300, 3))
    model = agop.RFMRegressor(kernel="gaussian", normal_scores=False).fit(X, np.sin(2 * X[:, 0] - X[:, 1]))
    M = agop.agop_of(model, X, standardise=True, step=0.05)
    np.testing.assert_allclose(M / np.trace(M), model.agop_, atol=0.02)


def test_what_is_no_function_is_refused(rows):
    with pytest.raises(TypeError, match="not of"):
        agop.agop_of(3, rows)
    with pytest.raises(ValueError, match="layer"):
        agop.agop_of(lambda x: x[:, 0], rows, layer=1)
    with pytest.raises(ValueError, match="missing"):
        agop.agop_of(lambda x: x[:, 0], np.where(rows > 1, np.nan, rows))
    with pytest.raises(ValueError, match="by shape"):
        agop.agop_of(lambda x: 1.0, rows)
