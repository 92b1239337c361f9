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


# ---- weights as repetitions ----


def spelled_out(weight, rows=4):
    columns = columns_of(np.arange(2.0 * rows).reshape(rows, 2))
    columns, y, weight = _rows.repeat(columns, np.arange(rows), np.array(weight, dtype=float))
    assert columns.rows == len(y) and (columns.matrix[:, 0] == 2 * y).all()
    return y.tolist(), weight if weight is None else weight.tolist()


def test_whole_numbers_are_repetitions():
    assert spelled_out([1, 0, 3, 2]) == ([0, 2, 2, 2, 3, 3], None)
    assert spelled_out([10, 0, 30, 20]) == ([0, 2, 2, 2, 3, 3], None)  # in lowest terms


def test_other_weights_stay():
    assert spelled_out([1, 0, 2.5, 1]) == ([0, 2, 3], [1, 2.5, 1])
    assert spelled_out([1, 0, 16, 1]) == ([0, 2, 3], [1, 16, 1])  # too many rows
    assert spelled_out([1, 0, 1e300, 1]) == ([0, 2, 3], [1, 1e300, 1])


def test_equal_weights_are_none():
    X = np.ones((3, 2))
    columns, _, weight = _rows.repeat(columns_of(X), np.zeros(3), np.full(3, 7.0))
    assert columns.matrix is X and weight is None
