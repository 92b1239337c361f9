"""Programs: groups of variables that rise and fall together, and how active they are. Made by `Dependence.programs`."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from ctypes import POINTER, byref
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from agop._native import Context, Handle, Owned, lib
from agop._native import Program as NativeProgram
from agop._settings import texts_of
from agop._tables import mat

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
_SHOWN = 10  # members, in a line


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """A group of variables that rise and fall together; its length is the number of its members.

    Attributes
    ----------
    members : list of str
        Their names, the strongest first.
    columns : ndarray of shape (n_members,)
        Which columns of X they are, from 0.
    within : ndarray of shape (n_members,)
        Of each the sum of its scores with the members that it is tied to.
    sign : ndarray of shape (n_members,)
        1, or with ``any_sign`` -1 where a member falls as the program rises.
    strength : float
        The mean score of the pairs that are tied.
    """

    members: list[str]
    columns: Indices
    within: Floats
    sign: Indices
    strength: float

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        shown = ["-" * bool(sign < 0) + name for name, sign in zip(self.members[:_SHOWN], self.sign)]
        return "Program(%s: %d members, strength %.4f)" % (" ".join(shown) + " ..." * (len(self) > _SHOWN), len(self),
                                                           self.strength)


@dataclass(frozen=True, eq=False, repr=False)
class Programs(Sequence[Program]):
    """The programs of a table, the largest first: a sequence of `Program`. All numbers are copies.

    Attributes
    ----------
    names : list of str
        The variables of the table.
    activity : ndarray of shape (n_samples, n_programs)
        How active each program is in each row: the mean of its members, each standardised (missing: 0) and with its
        sign; and this mean standardised.
    most_active : ndarray of shape (n_samples,)
        Subpopulations: which program is most active in each row, among those that mark kinds of rows; -1 where none
        is above its mean. A program marks kinds of rows when it holds a fiftieth of all members, and its activity is
        skewed to the right by more than two standard errors.
    settings : dict
        Those that they were made by.
    """

    names: list[str]
    activity: Floats
    most_active: Indices
    settings: dict[str, Any]
    _programs: list[Program]

    def __len__(self) -> int:
        return len(self._programs)

    @overload
    def __getitem__(self, k: int) -> Program: ...

    @overload
    def __getitem__(self, k: slice) -> list[Program]: ...

    def __getitem__(self, k: int | slice) -> Program | list[Program]:
        return self._programs[k]

    def __iter__(self) -> Iterator[Program]:
        return iter(self._programs)

    def __repr__(self) -> str:
        return "\n".join(["Programs(%d of %d variables)" % (len(self), len(self.names)), *map(repr, self)])

    @property
    def labels(self) -> Indices:
        """Of each variable the number of its program, from 0; -1 where it has none."""
        out = np.full(len(self.names), -1)
        for k, program in enumerate(self):
            out[program.columns] = k
        return out

    def to_frame(self) -> Any:
        """A pandas frame with a line per member."""
        import pandas

        lines = [(k, len(program), program.strength, *member) for k, program in enumerate(self)
                 for member in zip(program.members, program.within, program.sign)]
        return pandas.DataFrame(lines, columns=["program", "members", "strength", "member", "within", "sign"])

    def add_to(self, adata: Any, key: str = "programs") -> Any:
        """Write them to an AnnData.

        ``obsm[key]`` has the activities, ``obs[key]`` the program that is most active in an observation, ``var[key]``
        the program of a variable, both as categories "0", "1", ..., missing where there is none; ``var[key +
        "_within"]`` and ``var[key + "_sign"]`` tell the place of a member (0 where there is none), ``uns[key]`` sizes,
        strengths and settings.

        Parameters
        ----------
        adata : anndata.AnnData
            What was given to `ids`.
        key : str, default="programs"
            The name there.

        Returns
        -------
        anndata.AnnData
            The same.
        """
        from pandas import Categorical

        if (len(self.activity), len(self.names)) != adata.shape:
            raise ValueError("the programs are those of %d rows and %d variables, but adata has %d and %d"
                             % (len(self.activity), len(self.names), *adata.shape))
        numbers = [str(k) for k in range(len(self))]
        within, sign = np.zeros(adata.n_vars), np.zeros(adata.n_vars, dtype=np.int64)
        for program in self:
            within[program.columns], sign[program.columns] = program.within, program.sign
        adata.obsm[key] = self.activity
        adata.obs[key] = Categorical.from_codes(self.most_active, numbers).remove_unused_categories()
        adata.var[key] = Categorical.from_codes(self.labels, numbers)
        adata.var[key + "_within"], adata.var[key + "_sign"] = within, sign
        adata.uns[key] = {"members": np.array([len(program) for program in self], dtype=np.int64),
                          "strength": np.array([program.strength for program in self]),
                          **{name: value for name, value in self.settings.items() if value is not None}}
        return adata


def _copy_of(program: NativeProgram, names: list[str]) -> Program:
    columns, within, sign = (np.array(getattr(program, field)[:program.members])
                             for field in ("member", "within", "sign"))
    return Program([names[j] for j in columns], columns, within, sign.astype(np.int64), program.strength)


def programs_of(ctx: Context, scores: Owned, names: list[str], rows: int, settings: dict[str, Any]) -> Programs:
    """The programs of scores, copied."""
    handle = Handle()
    ctx.check(lib.agop_ids_programs(byref(handle), ctx.handle, scores, ctx.settings(texts_of(settings))))
    owned = Owned(handle.value, lib.agop_programs_free)
    count = lib.agop_programs_count(owned)
    activity, most = np.empty((rows, count)), np.empty(rows, dtype=np.int64)
    ctx.check(lib.agop_programs_activity(byref(mat(activity)), most.ctypes.data_as(POINTER(ctypes.c_int64)), ctx.handle,
                                         owned))
    return Programs(names, activity, most, settings, [_copy_of(lib.agop_programs_at(owned, k), names)
                                                      for k in range(count)])
