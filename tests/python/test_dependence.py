"""agop.ids finds what depends on what, in whatever holds the columns."""
import agop
import numpy as np
import pytest

pd = pytest.importorskip("pandas")


@pytest.fixture
def related():
    generator = np.random.default_rng(2)
    x, z = generator.normal(size=(2, 400))
    return np.column_stack([x, x**2, z, np.sin(3 * z) + 0.1 * generator.normal(size=400)])


def by_hand(x, y, terms=6):
    """The score by its definition: docs/ids.md."""
    scaled = [(v - v.mean()) / v.std() for v in (x, y)]
    features = [np.column_stack([np.exp(-v**2 / 2) * v**k for k in range(terms)]) for v in scaled]
    return np.abs(np.corrcoef(features[0].T, features[1].T)[:terms, terms:]).max()


def test_scores_are_those_of_the_definition(related):
    scores = agop.ids(related, scale="zscore", precision="double").scores
    for a in range(4):
        for b in range(4):
            if a != b:
                assert scores[a, b] == pytest.approx(by_hand(related[:, a], related[:, b]), abs=1e-9)


def test_pairs_come_strongest_first(related):
    found = agop.ids(related, p_values=True)
    pairs = found.pairs()
    assert [(p.a, p.b) for p in pairs[:2]] == [("x1", "x2"), ("x3", "x4")]
    assert len(pairs) == 6 and sorted([p.score for p in pairs], reverse=True) == [p.score for p in pairs]
    assert pairs[0].log10_p < -10 and [p[:6] for p in found.pairs(1)] == [pairs[0][:6]] == [next(iter(found))[:6]]
    assert list(found.to_frame().columns) == ["a", "b", "score", "spearman", "log10_p", "log10_q", "permuted"]
    assert found.info["n"] == 400 and np.isnan(pairs[0].permuted)
    shuffled = agop.ids(related, permutations=50).pairs(1)[0]
    assert shuffled.permuted == pytest.approx(1 / 51)


def test_the_winning_functions_are_standardised_and_correlate_as_the_score_says(related):
    found = agop.ids(related, scale="zscore", precision="double")
    won = found.winner("x1", "x2")
    f, g = won.f(related[:, 0]), won.g(related[:, 1])
    assert (won.a, won.b, won.k % 2) == ("x1", "x2", 0) and abs(won.r) == pytest.approx(found.scores[0, 1], abs=1e-9)
    x = (related[:, 0] - related[:, 0].mean()) / related[:, 0].std()
    by_definition = np.exp(-x**2 / 2) * x**won.k
    np.testing.assert_allclose(f, (by_definition - by_definition.mean()) / by_definition.std(), atol=1e-9)
    assert (f * g).mean() == pytest.approx(won.r) and won.f([[0.0, np.nan]]).shape == (1, 2)
    with pytest.raises(ValueError, match="measure ids"):
        agop.ids(related, measure="pearson").winner("x1", "x2")


def test_two_tables_and_categories(related):
    frame = pd.DataFrame(related[:, :2], columns=["a", "b"])
    other = pd.DataFrame({"sign": np.where(related[:, 0] > 0, "plus", "minus"), "noise": related[:, 2]})
    found = agop.ids(frame, other)
    assert found.scores.shape == (2, 2) and found.names == ["a", "b"] and found.names_y == ["sign", "noise"]
    assert found.scores[0, 0] > 0.7 and np.isnan(found.pairs(1)[0].spearman)


def test_settings_are_checked(related):
    with pytest.raises(TypeError, match="'tops'"):
        agop.ids(related, tops=3)
    with pytest.raises(ValueError, match="terms must be at least 1"):
        agop.ids(related, terms=0)
    with pytest.raises(ValueError, match="only some scores were kept"):
        _ = agop.ids(related, top=1).scores
    assert len(agop.ids(related, top=1).pairs()) < 6
    with pytest.raises(ValueError, match="no AnnData"):
        agop.ids(related, layer="counts")


def test_sparse_and_dense_agree():
    sparse = pytest.importorskip("scipy.sparse")
    X = np.random.default_rng(0).poisson(0.5, size=(300, 5)).astype(float)
    np.testing.assert_allclose(agop.ids(sparse.csc_array(X)).scores, agop.ids(X).scores, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_anndata_in_anndata_out():
    anndata = pytest.importorskip("anndata")
    sparse = pytest.importorskip("scipy.sparse")
    X = np.random.default_rng(0).poisson(0.5, size=(300, 5)).astype(np.float32)
    adata = anndata.AnnData(sparse.csr_matrix(X), layers={"log": np.log1p(X)})
    adata.var_names = ["TP53", "MYC", "ACTB", "GAPDH", "CD4"]
    found = agop.ids(adata)
    assert found.names == list(adata.var_names)
    assert found.add_to(adata) is adata
    np.testing.assert_array_equal(adata.varp["ids"], found.scores)
    assert adata.uns["ids"]["n"] == 300
    agop.ids(adata, top=1).add_to(adata, key="strongest")
    strongest = adata.varp["strongest"].toarray()
    assert (strongest == strongest.T).all() and 0 < (strongest > 0).sum() < 20
    inside = strongest > 0
    np.testing.assert_allclose(strongest[inside], found.scores[inside])
    np.testing.assert_allclose(agop.ids(adata, layer="log").scores, agop.ids(np.log1p(X)).scores, atol=1e-6)
    with pytest.raises(ValueError, match="2 x 2 variables"):
        agop.ids(X[:, :2]).add_to(adata)
    y = X[:, 0] + X[:, 1]
    assert agop.RFMRegressor().fit(adata, y).score(adata, y) > 0.9
