"""Arrays, frames and sparse matrices as tables of the library.

A `Columns` holds what a table borrows: views of arrays that stay where they are, codes and texts of categories. It
knows nothing of scikit-learn; sentences about shapes are worded as scikit-learn's users (and its tests) expect them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agop._native import F32, F64, Context, Handle, Mat, Owned, lib

Array = NDArray[Any]


@dataclass
class Texts:
    """A column of texts: row i has levels[codes[i]], -1 is missing."""

    codes: NDArray[np.int32]
    levels: list[str]


@dataclass
class Columns:
    """The columns of X in one of three forms: a matrix whose rows are close together, columns, or a sparse matrix."""

    rows: int
    count: int
    names: list[str] | None = None  # None where X has none: the library's x1, x2, ...
    matrix: Array | None = None
    column: list[Array | Texts] | None = None
    sparse: Any = None  # csc

    def name(self, j: int) -> str:
        """What the table calls column j."""
        return self.names[j] if self.names else "x%d" % (j + 1)

    def all_names(self) -> list[str]:
        """What the table calls the columns."""
        return [self.name(j) for j in range(self.count)]

    def named(self, names: list[str] | None) -> Columns:
        """The same columns under other names; None: those of the library."""
        if self.matrix is None or names is None:
            return Columns(self.rows, self.count, names, self.matrix, self.column, self.sparse)
        return Columns(self.rows, self.count, names, column=[self.matrix[:, j] for j in range(self.count)])

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Some of the rows, copied."""
        column = None
        if self.column is not None:
            column = [Texts(c.codes[rows], c.levels) if isinstance(c, Texts) else c[rows] for c in self.column]
        return Columns(len(rows), self.count, self.names, None if self.matrix is None else self.matrix[rows], column,
                       None if self.sparse is None else self.sparse.tocsr()[rows].tocsc())


# ---- what X is ----


def is_sparse(X: Any) -> bool:
    """Is it one of SciPy's sparse matrices or arrays?"""
    return hasattr(X, "tocsc") and hasattr(X, "nnz")


def is_frame(X: Any) -> bool:
    """Is it a frame: columns that have names and types of their own?"""
    return hasattr(X, "columns") and hasattr(X, "__getitem__") and (hasattr(X, "iloc") or hasattr(X, "get_column"))


def is_annotated(X: Any) -> bool:
    """Is it an AnnData: a matrix of observations x variables with names of both?"""
    return hasattr(X, "var_names") and hasattr(X, "obs_names") and hasattr(X, "layers")


def names_of(X: Any) -> list[str] | None:
    """The names of the columns; None where there are none, or not all are texts."""
    if is_annotated(X):
        return [str(name) for name in X.var_names]
    if not is_frame(X):
        return None
    names = list(X.columns)
    texts = sum(isinstance(name, str) for name in names)
    if 0 < texts < len(names):
        raise TypeError("Feature names are only supported if all input features have string names, but X has others, "
                        "too: turn them all into str, by X.columns = X.columns.astype(str) for example")
    return names if names and texts else None


def columns_of(X: Any, layer: str | None = None) -> Columns:
    """What X holds, copied only where its type is none that the library reads. layer: of an AnnData."""
    if is_annotated(X):
        return columns_of(X.X if layer is None else X.layers[layer]).named(names_of(X))
    if is_sparse(X):
        return _of_sparse(X)
    if is_frame(X):
        return _of_frame(X)
    return _of_array(X)


def _of_sparse(X: Any) -> Columns:
    if X.ndim != 2:
        raise ValueError("a sparse matrix of one dimension: Reshape your data to rows and columns")
    if np.iscomplexobj(X.data if hasattr(X, "data") else X.tocsc().data):
        raise ValueError("Complex data not supported")
    by_column = X.tocsc(copy=False)
    _check_size(*by_column.shape)
    if not np.isfinite(by_column.data).all():
        raise ValueError("Input X contains infinity or NaN in a sparse matrix, where a missing cell cannot be told from 0")
    return Columns(by_column.shape[0], by_column.shape[1], sparse=by_column)


def _of_frame(X: Any) -> Columns:
    rows, count = X.shape
    _check_size(rows, count)
    polars = hasattr(X, "get_column")
    series = [X.to_series(j) if polars else X.iloc[:, j] for j in range(count)]
    return Columns(rows, count, names_of(X), column=[_of_series(s, str(name)) for s, name in zip(series, X.columns)])


def _of_array(X: Any) -> Columns:
    X = np.asarray(X)
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    if X.ndim != 2:
        raise ValueError("Expected 2D array, got %dD array instead. Reshape your data either using array.reshape(-1, 1) "
                         "if your data has a single feature or array.reshape(1, -1) if it contains a single sample."
                         % X.ndim)
    _check_size(*X.shape)
    if X.dtype.kind in "OUS":
        return _of_objects(X)
    X = _readable(X)
    if X.strides[1] == X.itemsize and X.strides[0] >= X.shape[1] * X.itemsize:
        return Columns(X.shape[0], X.shape[1], matrix=X)
    return Columns(X.shape[0], X.shape[1], column=[X[:, j] for j in range(X.shape[1])])


def _of_objects(X: Array) -> Columns:
    """Numbers where all are, else columns of numbers and columns of texts."""
    try:
        return Columns(X.shape[0], X.shape[1], matrix=X.astype(np.float64, order="C"))
    except ValueError:  # a text; what is neither is a TypeError, and stays one
        return Columns(X.shape[0], X.shape[1], column=[_of_cells(X[:, j]) for j in range(X.shape[1])])


def _check_size(rows: int, columns: int) -> None:
    if rows < 1:
        raise ValueError("Found array with 0 sample(s) (shape=(%d, %d)) while a minimum of 1 is required." % (rows, columns))
    if columns < 1:
        raise ValueError("Found array with 0 feature(s) (shape=(%d, %d)) while a minimum of 1 is required."
                         % (rows, columns))


def _readable(X: Array) -> Array:
    """X itself where the library can read it by strides, else a copy in a type that it has."""
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative:
        return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
    aligned = X.flags.aligned and all(step > 0 and step % X.itemsize == 0 for step in X.strides)
    return X if aligned else X.copy()


# ---- columns of frames ----


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)


def _text(value: Any) -> str:
    """A value as a category's name: whole numbers without a point, as the library writes them."""
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
    return str(value)


def _of_texts(values: Sequence[Any]) -> Texts:
    """Levels by first appearance."""
    known: dict[str, int] = {}
    codes = np.fromiter((-1 if _is_missing(v) else known.setdefault(_text(v), len(known)) for v in values), np.int32,
                        len(values))
    return Texts(codes, list(known))


def _of_cells(values: Array) -> Array | Texts:
    """Objects: numbers where all that is there are numbers, else texts."""
    if any(isinstance(v, str) for v in values):
        return _of_texts(values.tolist())
    if values.dtype.kind in "US":
        return _of_texts(values.astype(str).tolist())
    return np.array([np.nan if _is_missing(v) else float(v) for v in values])


def _of_categories(codes: Array, categories: Sequence[Any]) -> Texts:
    """A categorical dtype. Categories may have one text ("1" and 1): then they are one level."""
    names = [_text(v) for v in categories]
    level = {name: k for k, name in enumerate(dict.fromkeys(names))}
    lookup = np.array([level[name] for name in names] + [-1], dtype=np.int32)
    return Texts(lookup[np.asarray(codes)], list(level))


def _of_series(s: Any, name: str) -> Array | Texts:
    kind = str(s.dtype).lower()
    if kind.startswith(("datetime", "timedelta", "duration", "date", "time", "period", "interval", "list", "struct")):
        raise TypeError("column %r is of type %s: turn it into numbers or texts first" % (name, s.dtype))
    if kind == "category":  # pandas
        return _of_categories(s.cat.codes.to_numpy(), list(s.cat.categories))
    if kind.startswith(("categorical", "enum", "string", "str", "utf8", "object")):
        return _of_cells(np.array(s.to_list(), dtype=object))
    if hasattr(s, "to_physical"):  # polars: of numbers, what is missing becomes NaN
        values = (s if kind.startswith(("f", "i", "u")) else s.cast(float)).to_numpy()
    elif str(s.dtype)[0].isupper() or kind.startswith("boolean") or "[" in kind:  # Int64, Sparse[int], double[pyarrow]
        values = s.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = s.to_numpy()
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    return _readable(values)


# ---- tables ----


def mat(X: Array) -> Mat:
    """A view of an array for the length of a call; the cells of a row are close together."""
    ld = X.strides[0] // X.itemsize if len(X) > 1 else X.shape[1]
    return Mat(X.ctypes.data, X.shape[0], X.shape[1], ld, F32 if X.dtype == np.float32 else F64)


def _texts(names: list[str] | None) -> Any:
    return None if names is None else (c_char_p * len(names))(*[name.encode() for name in names])


def add_numbers(ctx: Context, table: Owned, name: str, values: Array) -> None:
    """A column of numbers, copied."""
    values = np.ascontiguousarray(values, dtype=np.float64)
    ctx.check(lib.agop_table_add_numeric(table, ctx.handle, name.encode(),
                                         values.ctypes.data_as(POINTER(ctypes.c_double))))


def add_texts(ctx: Context, table: Owned, name: str, texts: Texts) -> None:
    """A column of texts, copied."""
    levels = _texts(texts.levels)
    codes = np.ascontiguousarray(texts.codes, dtype=np.int32)
    ctx.check(lib.agop_table_add_codes(table, ctx.handle, name.encode(),
                                       codes.ctypes.data_as(POINTER(ctypes.c_int32)), levels, len(texts.levels)))


def _add_view(ctx: Context, table: Owned, name: str, values: Array) -> None:
    step = values.strides[0] // values.itemsize if len(values) > 1 else 1
    ctx.check(lib.agop_table_add_view(table, ctx.handle, name.encode(), values.ctypes.data, step,
                                      F32 if values.dtype == np.float32 else F64))


def _from_sparse(ctx: Context, X: Any, names: list[str] | None) -> Owned:
    start, row, value = X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data.astype(np.float32)
    matrix, table = Handle(), Handle()
    ctx.check(lib.agop_sparse_new(byref(matrix), ctx.handle, X.shape[0], X.shape[1],
                                  start.ctypes.data_as(POINTER(ctypes.c_int64)),
                                  row.ctypes.data_as(POINTER(ctypes.c_int32)),
                                  value.ctypes.data_as(POINTER(ctypes.c_float)), _texts(names), None))
    owned, settings = Owned(matrix.value, lib.agop_sparse_free), ctx.settings({})
    ctx.check(lib.agop_table_from_sparse(byref(table), ctx.handle, owned, settings))
    return Owned(table.value, lib.agop_table_free)


def table_of(ctx: Context, columns: Columns) -> Owned:
    """A table over the columns, which it keeps."""
    if columns.sparse is not None:
        return _from_sparse(ctx, columns.sparse, columns.names)
    table = Handle()
    if columns.matrix is not None:
        view = mat(columns.matrix)
        ctx.check(lib.agop_table_from_mat(byref(table), ctx.handle, byref(view)))
        return Owned(table.value, lib.agop_table_free, columns)
    ctx.check(lib.agop_table_new(byref(table), ctx.handle, columns.rows))
    owned = Owned(table.value, lib.agop_table_free, columns)
    for j, values in enumerate(columns.column or []):
        if isinstance(values, Texts):
            add_texts(ctx, owned, columns.name(j), values)
        else:
            _add_view(ctx, owned, columns.name(j), values)
    return owned
