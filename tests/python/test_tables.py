"""Arrays, frames and sparse matrices arrive in the library as they are, and are not copied where they need not be."""
import subprocess
import sys

import numpy as np
import pytest
from agop import RFMRegressor, _native, _rows, _tables
from agop._tables import Texts, columns_of

pd = pytest.importorskip("pandas")


def told(X):
    """What the library has: a list of (name, cells), a text by itself, None where missing."""
    columns = columns_of(X)
    lib = _native.lib
    lib.agop_table_cols.restype = lib.agop_table_rows.restype = _native.c_int64
    lib.agop_table_name.restype = lib.agop_table_level.restype = _native.c_char_p
    lib.agop_table_number.restype = _native.c_double
    integer = _native.c_int64
    with _native.Context(1) as ctx:
        table = _tables.table_of(ctx, columns)
        out = []
        for j in range(lib.agop_table_cols(table)):
            cells = [lib.agop_table_number(table, integer(i), integer(j)) for i in range(columns.rows)]
            if lib.agop_table_is_text(table, integer(j)):
                cells = [None if c < 0 else lib.agop_table_level(table, integer(j), integer(int(c))).decode()
                         for c in cells]
            else:
                cells = [None if c != c else c for c in cells]
            out.append((lib.agop_table_name(table, integer(j)).decode(), cells))
    return out


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_reals_are_not_copied(kind, order):
    X = np.array([[1, 2], [3, np.nan]], dtype=kind, order=order)
    columns = columns_of(X)
    views = [columns.matrix] if columns.matrix is not None else columns.column
    assert all(np.shares_memory(view, X) for view in views)
    assert views[0].ctypes.data == X.ctypes.data
    assert told(X) == [("x1", [1, 3]), ("x2", [2, None])]


@pytest.mark.parametrize("cut", [np.s_[::2], np.s_[:, 1:3], np.s_[::2, ::2]])
def test_views_with_steps_are_not_copied(cut):
    X = np.arange(24.0).reshape(6, 4)
    columns = columns_of(X[cut])
    views = [columns.matrix] if columns.matrix is not None else columns.column
    assert all(np.shares_memory(view, X) for view in views)
    assert [cells for _, cells in told(X[cut])] == X[cut].T.tolist()


@pytest.mark.parametrize("X", [np.arange(6.0).reshape(3, 2)[::-1], np.broadcast_to(np.float32([1, 2]), (3, 2)),
                               np.array([[1, 2], [3, 4]], dtype=">f8"), np.array([[1, 2], [3, 4]], dtype=np.uint8),
                               np.array([[True, False]]), np.array([[1, 2]], dtype=np.float16), [[1, 2], [3, 4]]])
def test_what_cannot_be_viewed_is_copied(X):
    assert [cells for _, cells in told(X)] == np.asarray(X, dtype=float).T.tolist()


def test_objects_are_taken_column_by_column():
    X = np.array([[1, "a", None], [2.5, "b", "c"], [None, None, "c"]], dtype=object)
    assert told(X) == [("x1", [1, 2.5, None]), ("x2", ["a", "b", None]), ("x3", [None, "c", "c"])]
    assert told(np.array([["1.5", "2"]])) == [("x1", [1.5]), ("x2", [2])]
    with pytest.raises(TypeError):
        columns_of(np.array([[{}, 1]], dtype=object))


def test_pandas_columns_keep_their_types():
    frame = pd.DataFrame({
        "real": [1.5, np.nan, 2], "single": np.float32([1, 2, 3]), "whole": [1, 2, 3],
        "nullable": pd.array([1, None, 3], dtype="Int64"), "thin": pd.arrays.SparseArray([0, 1, 0]), "truth": [True, False, True],
        "maybe": pd.array([True, None, False], dtype="boolean"), "text": ["b", None, "a"],
        "string": pd.array(["x", None, "y"], dtype="string"), "level": pd.Categorical(["q", None, "p"]),
        "number": pd.Categorical([2, 10, None]), "nothing": [None, None, None]})
    assert dict(told(frame)) == {
        "real": [1.5, None, 2], "single": [1, 2, 3], "whole": [1, 2, 3], "nullable": [1, None, 3], "thin": [0, 1, 0],
        "truth": [1, 0, 1], "maybe": [1, None, 0], "text": ["b", None, "a"], "string": ["x", None, "y"],
        "level": ["q", None, "p"], "number": ["2", "10", None], "nothing": [None, None, None]}
    with pytest.raises(TypeError, match="column 'when' is of type datetime64"):
        columns_of(pd.DataFrame({"when": pd.to_datetime(["2020-01-01"])}))


def test_arrow_columns_keep_their_types():
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"real": pd.array([1.5, None], dtype="double[pyarrow]"),
                          "whole": pd.array([1, None], dtype="int64[pyarrow]"),
                          "text": pd.array(["a", None], dtype="string[pyarrow]")})
    assert dict(told(frame)) == {"real": [1.5, None], "whole": [1, None], "text": ["a", None]}


def test_pandas_reals_are_not_copied():
    X = np.arange(6.0).reshape(3, 2)
    frame = pd.DataFrame(X, columns=["a", "b"], copy=False)
    assert all(np.shares_memory(view, X) for view in columns_of(frame).column)


def test_polars_columns_keep_their_types():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({
        "real": [1.5, None, 2.0], "whole": [1, None, 3], "truth": [True, None, False], "text": ["b", None, "a"],
        "level": pl.Series(["q", None, "p"], dtype=pl.Categorical),
        "listed": pl.Series(["q", None, "p"], dtype=pl.Enum(["p", "q"]))})
    assert dict(told(frame)) == {
        "real": [1.5, None, 2], "whole": [1, None, 3], "truth": [1, None, 0], "text": ["b", None, "a"],
        "level": ["q", None, "p"], "listed": ["q", None, "p"]}


def test_sparse_matrices_are_their_dense_ones():
    sparse = pytest.importorskip("scipy.sparse")
    X = np.array([[0, 1.5, 0], [2, 0, 0], [0, 0, 0]])
    for form in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        assert [cells for _, cells in told(form(X))] == X.T.tolist()
    with pytest.raises(ValueError, match="infinity or NaN"):
        columns_of(sparse.csr_array(np.array([[np.nan, 1]])))


def test_a_column_may_be_called_as_a_target(numbers):
    X, y = numbers
    frame = pd.DataFrame(X, columns=["y", "_y", "weight", "a", "b"])
    assert RFMRegressor().fit(frame, y, sample_weight=np.arange(200)).score(frame, y) > 0.5


MEASURE = """
import numpy as np, resource, sys
from agop import _native, _tables
X = np.ones((1000000, 50), dtype=np.%s, order="%s")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with _native.Context(1) as ctx:
    table = _tables.table_of(ctx, _tables.columns_of(X))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / X.nbytes)
"""


@pytest.mark.parametrize("kind, order", [("float32", "C"), ("float64", "F")])
def test_a_table_of_an_array_takes_no_memory(kind, order):
    out = subprocess.run([sys.executable, "-c", MEASURE % (kind, order)], capture_output=True, text=True, check=True)
    assert float(out.stdout) < 0.1


# ---- equal rows ----


def merged(X, y=None, weight=None):
    columns = columns_of(X)
    return _rows.merge(columns, np.zeros(columns.rows) if y is None else y, weight)


def test_rows_without_a_twin_stay_as_they_are():
    X = np.array([[1.0, 2], [2, 1], [1, 1]])
    columns, y, weight = merged(X)
    assert columns.matrix is X and weight is None


def test_few_equal_rows_stay_as_they_are():
    X = np.array([[1.0, 2], [2, 1], [1, 1], [2, 1]])
    columns, y, weight = merged(X)
    assert columns.matrix is X and weight is None
    columns, y, weight = merged(X, np.arange(4.0), np.array([1.0, 2, 3, 4]))
    assert columns.rows == 4 and sorted(zip(y, weight)) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert (columns.matrix == X[y.astype(int)]).all()


def test_equal_rows_become_one():
    X = np.array([[1, np.nan], [0.0, 2], [1, np.nan], [-0.0, 2], [1, 3]])
    columns, y, weight = merged(X, np.array([5.0, 6, 5, 6, 5]))
    cells = {(*np.nan_to_num(row, nan=-1), target): w for row, target, w in zip(columns.matrix, y, weight)}
    assert cells == {(1, -1, 5): 2, (0, 2, 6): 2, (1, 3, 5): 1}


def test_rows_of_other_targets_are_others():
    columns, y, weight = merged(np.ones((3, 2)), np.array([1.0, 2, 3]))
    assert columns.rows == 3 and weight is None


@pytest.mark.parametrize("seed", range(3))
def test_their_order_is_decided_by_their_cells(seed):
    generator = np.random.default_rng(seed)
    X = generator.integers(0, 3, size=(40, 3)).astype(float)
    order = generator.permutation(40)
    (a, _, w), (b, _, v) = merged(X), merged(X[order])
    assert (a.matrix == b.matrix).all() and (w == v).all() and w.sum() == 40
    assert a.rows == len(np.unique(X, axis=0))
    frame = pd.DataFrame(X.astype(int).astype(str), columns=["a", "b", "c"])
    (c, _, w), (d, _, v) = merged(frame), merged(frame.iloc[order])
    for one, other in zip(c.column, d.column):
        assert isinstance(one, Texts)
        assert [one.levels[k] for k in one.codes] == [other.levels[k] for k in other.codes]
    assert (w == v).all()


def test_sparse_rows_are_joined_too():
    sparse = pytest.importorskip("scipy.sparse")
    X = np.array([[0, 1.0], [2, 0], [0, 1], [0, 0], [0, 0]])
    columns, _, weight = merged(sparse.csr_array(X))
    assert {tuple(row): w for row, w in zip(columns.sparse.toarray(), weight)} == {(0, 1): 2, (2, 0): 1, (0, 0): 2}


def test_cells_with_few_digits_are_told_apart():
    X = np.array([[a, b, c, 2.0**k] for a in range(8) for b in range(8) for c in range(8) for k in range(8)])
    assert len(np.unique(_rows.fingerprints(columns_of(X), np.zeros(len(X)), 0))) == len(X)
