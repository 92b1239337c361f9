"""A weight is to mean repetition: a row of weight 3 is three rows, and one of weight 0 is none.

The library puts a table with equal rows into an order that its cells decide, so a fit is the same, to the last bit,
wherever the repetitions stand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agop._tables import Array, Columns

Floats = NDArray[np.float64]
_MOST = 4  # times as many rows; beyond, weights stay weights


def _times(weight: Floats) -> NDArray[np.int64] | None:
    """How often each row is there, in lowest terms; None where weights are no whole numbers, or too many rows."""
    if (weight != np.rint(weight)).any() or weight.max() > 2.0**53:
        return None
    whole = weight.astype(np.int64)
    whole //= np.gcd.reduce(whole)
    return whole if whole.sum(dtype=np.float64) <= _MOST * len(whole) else None


def repeat(columns: Columns, y: Array, weight: Floats | None) -> tuple[Columns, Array, Floats | None]:
    """Rows as often as their weights say, where these are whole numbers; else those that have a weight, with it."""
    if weight is None or np.ptp(weight) == 0:
        return columns, y, None
    times = _times(weight)
    rows = np.flatnonzero(weight) if times is None else np.repeat(np.arange(columns.rows), times)
    return columns.take(rows), y[rows], weight[rows] if times is None else None
