"""agop.ids: which columns depend on each other."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterable, Iterator
from ctypes import byref
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agop._native import Context, Handle, Owned, lib
from agop._native import Pair as NativePair
from agop._native import Winner as NativeWinner
from agop._programs import Programs, programs_of
from agop._progress import Reporter
from agop._settings import TABLE, describe, names_of, refuse_unknown, texts_of, with_keywords
from agop._tables import columns_of, is_annotated, mat, table_of

# done to X itself, or asked of files only
_IN_PYTHON = ("target", "drop", "numeric", "cache", "genes_in_rows", "layer", "text", "min_rows", "normalise", "log1p")
_OF_PROGRAMS = ("partners", "resolution", "least_members", "any_sign")
_SETTINGS = names_of("ids", _IN_PYTHON + _OF_PROGRAMS)
_SETTINGS_OF_PROGRAMS = (*_OF_PROGRAMS, "seed")


class Pair(NamedTuple):
    """Two variables, and how much they depend on each other."""

    a: str
    b: str
    score: float
    spearman: float
    log10_p: float
    log10_q: float
    permuted: float


@dataclass(frozen=True)
class Winner:
    """The functions of two variables whose correlation is the largest in size: phi_k of a and phi_l of b.

    Where ``f(x)`` and ``g(y)``, one of them times the sign of r, are equal, is the curve that a high score speaks of.

    Attributes
    ----------
    a, b : str
        The variables.
    k, l : int
        The powers of their functions.
    r : float
        The correlation.
    """

    a: str
    b: str
    k: int
    l: int
    r: float
    _native: NativeWinner = field(repr=False)
    _handle: Owned = field(repr=False)

    def f(self, x: Any) -> NDArray[np.float64]:
        """phi_k of a at values x of it, less its mean, over its deviation."""
        return self._at(0, x)

    def g(self, y: Any) -> NDArray[np.float64]:
        """phi_l of b at values y of it, less its mean, over its deviation."""
        return self._at(1, y)

    def _at(self, side: int, values: Any) -> NDArray[np.float64]:
        out = np.array(values, dtype=np.float64, order="C")
        start = out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        lib.agop_ids_winning(start, self._handle, byref(self._native), side, start, out.size)
        return out


def _place(names: list[str], name: str) -> int:
    if name not in names:
        raise ValueError("there is no variable %r" % name)
    return names.index(name)


@dataclass(frozen=True)
class Dependence:
    """What `ids` found.

    Attributes
    ----------
    names, names_y : list of str
        The variables of either side.
    info : dict
        What was computed, and how.
    """

    names: list[str]
    names_y: list[str]
    info: dict[str, Any]
    _handle: Owned

    @property
    def scores(self) -> NDArray[np.float64]:
        """All scores, variables x variables of the other side; a ValueError where only some were kept."""
        out = np.empty((len(self.names), len(self.names_y)))
        with Context() as ctx:
            ctx.check(lib.agop_ids_matrix(byref(mat(out)), ctx.handle, self._handle))
        return out

    def _strongest(self, most: int | None) -> Any:
        count = ctypes.c_int64()
        with Context() as ctx:
            ctx.check(lib.agop_ids_pairs(None, byref(count), ctx.handle, self._handle, 0))
            room = count.value if most is None else min(most, count.value)
            pairs = (NativePair * max(room, 1))()
            ctx.check(lib.agop_ids_pairs(pairs, byref(count), ctx.handle, self._handle, room))
        return pairs[:count.value]

    def pairs(self, most: int | None = None) -> list[Pair]:
        """The strongest pairs of different variables.

        Parameters
        ----------
        most : int, optional
            At most so many; all that were kept.

        Returns
        -------
        list of Pair
            The strongest first. ``spearman`` has the sign, NaN with a category; ``log10_p`` and ``log10_q`` are NaN
            without ``p_values``, ``permuted`` without ``permutations``.
        """
        return [Pair(self.names[p.a], self.names_y[p.b], p.score, p.spearman, p.log10_p, p.log10_q, p.permuted)
                for p in self._strongest(most)]

    def winner(self, a: str, b: str) -> Winner:
        """Which functions of two numeric variables correlate most.

        Parameters
        ----------
        a : str
            One of ``names``.
        b : str
            One of ``names_y``.

        Returns
        -------
        Winner
            The functions, and how much they correlate.
        """
        native = NativeWinner()
        with Context() as ctx:
            ctx.check(lib.agop_ids_winner(byref(native), ctx.handle, self._handle, _place(self.names, a),
                                          _place(self.names_y, b)))
        return Winner(a, b, native.k, native.l, native.r, native, self._handle)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs())

    def to_frame(self, most: int | None = None) -> Any:
        """The strongest pairs as a pandas frame."""
        import pandas

        return pandas.DataFrame(self.pairs(most), columns=list(Pair._fields))

    @with_keywords(_SETTINGS_OF_PROGRAMS)
    def programs(self, *, fdr: float | None = None, n_jobs: int | None = None, verbose: int = 0,
                 **settings: Any) -> Programs:
        """Groups of variables that rise and fall together (gene programs, topics of words), and how active they are.

        They are communities, by the Leiden algorithm, of a graph that ties each numeric variable to its strongest
        partners. Of thousands of variables ask `ids` for ``top=15`` (as many as ``partners``): then it keeps no more
        than this graph needs.

        Parameters
        ----------
        fdr : float in (0, 1], optional
            Pairs are tied that rise together at this false discovery rate; without it that of the scores, or .05. Where
            these have p-values, they are significant at that rate, too.
        n_jobs : int, optional
            Threads; None and -1: all that OpenMP offers.
        verbose : int, default=0
            1: a progress bar, 2: what the library notes, too.
        {parameters}

        Returns
        -------
        Programs
            The largest first, with their members, activities and subpopulations; perhaps none.

        Notes
        -----
        Needs a library that was built with igraph, which that of wheels is not (docs/python.md tells how): others
        raise `AgopUnsupportedError`. The columns of X are read once more, so they have to be as they were.

        Examples
        --------
        >>> import numpy as np, agop
        >>> generator = np.random.default_rng(0)
        >>> a, b = generator.normal(size=(2, 500, 1))
        >>> X = np.hstack([a, a, a, b, b, b, b]) + 0.5 * generator.normal(size=(500, 7))
        >>> programs = agop.ids(X).programs()
        >>> [sorted(program.members) for program in programs]
        [['x4', 'x5', 'x6', 'x7'], ['x1', 'x2', 'x3']]
        >>> bool(np.corrcoef(programs.activity[:, 0], b[:, 0])[0, 1] > 0.9)
        True
        """
        refuse_unknown("programs", _SETTINGS_OF_PROGRAMS, settings)
        asked = {name: TABLE[name].default for name in _SETTINGS_OF_PROGRAMS} | {"fdr": fdr} | settings
        with Context(n_jobs, Reporter(verbose)) as ctx:
            return programs_of(ctx, self._handle, self.names, self.info["n"], asked)

    def add_to(self, adata: Any, key: str = "ids") -> Any:
        """Write the scores of an AnnData's variables to ``adata.varp[key]``, and how they came about to ``adata.uns[key]``.

        Where only some were kept (``top``, ``min_score``), ``varp[key]`` is a sparse matrix.

        Parameters
        ----------
        adata : anndata.AnnData
            What was given to `ids`.
        key : str, default="ids"
            The name there.

        Returns
        -------
        anndata.AnnData
            The same.
        """
        if len(self.names) != adata.n_vars or self.names != self.names_y:
            raise ValueError("the scores are those of %d x %d variables, but adata has %d"
                             % (len(self.names), len(self.names_y), adata.n_vars))
        try:
            adata.varp[key] = self.scores
        except ValueError:
            from scipy import sparse

            pairs = self._strongest(None)
            a, b, score = ([getattr(p, name) for p in pairs] for name in ("a", "b", "score"))
            adata.varp[key] = sparse.csr_matrix((score + score, (a + b, b + a)), shape=(adata.n_vars, adata.n_vars))
        adata.uns[key] = {name: value for name, value in self.info.items() if isinstance(value, (str, int, float))}
        return adata


@with_keywords(_SETTINGS)
def ids(X: Any, Y: Any = None, *, layer: str | None = None, n_jobs: int | None = None, verbose: int = 0,
        **settings: Any) -> Dependence:
    """InterDependence Scores of all pairs of columns of X, or of the columns of X with those of Y.

    0 where two columns have nothing to do with each other, 1 where one decides the other, linearly or not.

    Parameters
    ----------
    X : {array-like, frame, sparse matrix, AnnData} of shape (n_samples, n_variables)
        Numbers, categories, missing cells.
    Y : the same, optional
        Columns of the same rows.
    layer : str, optional
        Of an AnnData, the layer to take instead of ``X``.
    n_jobs : int, optional
        Threads; None and -1: all that OpenMP offers.
    verbose : int, default=0
        1: a progress bar, 2: what the library notes, too.
    {parameters}

    Returns
    -------
    Dependence
        The scores; its method ``programs`` makes groups of variables of them.

    Examples
    --------
    >>> import numpy as np, agop
    >>> generator = np.random.default_rng(0)
    >>> x, z = generator.normal(size=(2, 500))
    >>> found = agop.ids(np.column_stack([x, x**2, z]), p_values=True)
    >>> [(pair.a, pair.b) for pair in found.pairs(1)]
    [('x1', 'x2')]
    >>> bool(found.scores[0, 1] > 0.9 > 0.3 > found.scores[0, 2])
    True
    """
    refuse_unknown("ids", _SETTINGS, settings)
    if layer is not None and not is_annotated(X):
        raise ValueError("layer is %r, but X is no AnnData" % layer)
    with Context(n_jobs, Reporter(verbose)) as ctx:
        tables = [table_of(ctx, columns_of(X, layer))] + ([] if Y is None else [table_of(ctx, columns_of(Y))])
        handle = Handle()
        ctx.check(lib.agop_ids_score(byref(handle), ctx.handle, tables[0],
                                     tables[1] if Y is not None else None,
                                     ctx.settings(texts_of(settings))))
        owned = Owned(handle.value, lib.agop_ids_free, tables)
    names = [[lib.agop_ids_name(handle, side, j).decode() for j in range(lib.agop_ids_variables(handle, side))]
             for side in (0, 1)]
    info = json.loads(lib.agop_ids_info(handle).decode())
    return Dependence(names[0], names[1], info, owned)


def _document(function: Any, names: Iterable[str], indent: str) -> None:
    function.__doc__ = (function.__doc__ or "").replace("{parameters}", describe(names).replace("\n", "\n" + indent))


_document(ids, _SETTINGS, " " * 4)
_document(Dependence.programs, _SETTINGS_OF_PROGRAMS, " " * 8)
