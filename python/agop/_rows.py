"""Rows that most of a table repeats, as one row with the sum of their weights.

A weight is to mean repetition: a fit of rows with weights 2 and 1 is a fit of three rows, to the last bit. So both
become the same table before the library sees it: rows equal in all columns and the target are joined, and come in an
order that only their cells decide. That is for tables that were written out from weights, and for bootstrap samples,
where copies would judge themselves. Where fewer rows have a twin, that is how these data are, rows to come will be like
them, and nothing is done. Rows are told apart by 64 bits, and joined by 128 (SplitMix64's finaliser over cells and
places: Steele, Lea, Flood, OOPSLA 2014, figure 14).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from agop._tables import Array, Columns, Texts

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
_BLOCK = 1 << 18  # cells that are looked at together: they stay in cache


def _mix(z: Words) -> Words:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _places(count: int, seed: int) -> Words:
    """A word for each column."""
    return _mix((np.arange(count, dtype=np.uint64) + np.uint64(1 + seed * 1000003)) * np.uint64(0x9E3779B97F4A7C15))


def _bits(values: Array) -> Words:
    """The cells of numbers as words; 0 and -0 are one, and so is all that is no number."""
    values = values + values.dtype.type(0)
    values[np.isnan(values)] = np.nan
    return values.view(np.uint32 if values.itemsize == 4 else np.uint64).astype(np.uint64, copy=False)


def _of_matrix(out: Words, X: Array, place: Words) -> None:
    step = max(1, _BLOCK // X.shape[1])
    for first in range(0, len(X), step):
        out[first:first + step] += _mix(_bits(X[first:first + step]) ^ place).sum(axis=1, dtype=np.uint64)


def _of_texts(texts: Texts) -> Words:
    names = [int.from_bytes(hashlib.blake2b(level.encode(), digest_size=8).digest(), "little") for level in texts.levels]
    return np.array([*names, 0], dtype=np.uint64)[texts.codes]


def fingerprints(columns: Columns, y: Array, seed: int) -> Words:
    """A word for each row; equal rows have the same. y: rows, or rows x targets, of numbers."""
    out = np.zeros(columns.rows, dtype=np.uint64)
    place = _places(columns.count, seed)
    if columns.matrix is not None:
        _of_matrix(out, columns.matrix, place)
    elif columns.sparse is not None:
        by_row = columns.sparse.tocsr(copy=True)
        by_row.sum_duplicates()
        by_row.eliminate_zeros()
        cells = _mix(_bits(by_row.data.astype(np.float64)) ^ place[by_row.indices])
        ends = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(cells, dtype=np.uint64)])
        out += ends[by_row.indptr[1:]] - ends[by_row.indptr[:-1]]
    for j, values in enumerate(columns.column or []):
        out += _mix((_of_texts(values) if isinstance(values, Texts) else _bits(values)) ^ place[j])
    targets = y.reshape(columns.rows, -1).astype(np.float64, copy=False)
    _of_matrix(out, targets, _places(targets.shape[1], seed + 7919))
    return out


def _mostly_repeated(words: Words) -> bool:
    """Has more than half of the rows a twin? Sorts the words: no copy of them."""
    words.sort()
    twin = np.zeros(len(words), dtype=bool)
    twin[1:] = words[1:] == words[:-1]
    twin[:-1] |= twin[1:]
    return bool(np.count_nonzero(twin) > len(words) / 2)


def merge(columns: Columns, y: Array, weight: Floats | None) -> tuple[Columns, Array, Floats | None]:
    """Each row once, with the sum of their weights (None: all the same), where most rows have a twin; with weights that
    differ, rows in the order that they would then have; else all as it is."""
    if weight is not None and np.ptp(weight) == 0:
        weight = None
    join = _mostly_repeated(fingerprints(columns, y, 0))
    if weight is None and not join:
        return columns, y, None
    both = np.stack([fingerprints(columns, y, seed) for seed in (0, 1)], axis=1)
    _, first, row = np.unique(both, axis=0, return_index=True, return_inverse=True)
    row = row.ravel()
    if weight is not None and not join:
        order = np.argsort(row, kind="stable")
        return columns.take(order), y[order], weight[order]
    total = np.bincount(row, weights=weight).astype(np.float64)
    return columns.take(first), y[first], total if np.ptp(total) > 0 else None
