"""The C library: where it is, its prototypes, its errors, and a context to call it by.

Everything is ctypes over the public header agop.h. The prototypes below are compared with the header by
tests/python/test_prototypes.py. ctypes releases the interpreter's lock during a call; the library calls back between
steps, which is where a stop by Ctrl-C or by the caller gets in.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import threading
import weakref
from collections.abc import Callable
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t,
                    c_void_p)
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from agop._progress import Reporter

logger = logging.getLogger("agop")

Handle = c_void_p  # agop_ctx, agop_table, ...: only the library knows what is inside
Status = c_int
F32, F64 = 1, 2  # AGOP_F32, AGOP_F64


class Mat(Structure):
    """agop_mat: element (i,j) is data[i*ld + j]."""

    _fields_ = [("data", c_void_p), ("rows", c_int64), ("cols", c_int64), ("ld", c_int64), ("dtype", c_int32)]


class Progress(Structure):
    """agop_progress: how far a call is."""

    _fields_ = [("phase", c_char_p), ("done", c_int64), ("total", c_int64), ("seconds", c_double),
                ("detail", c_char_p)]


class Judged(Structure):
    """agop_judged: what a score of one's own is told."""

    _fields_ = [("truth", POINTER(c_double)), ("predicted", POINTER(c_double)), ("weight", POINTER(c_double)),
                ("rows", c_int64), ("targets", c_int64), ("columns", c_int64)]


class Setting(Structure):
    """agop_setting: a row of the table of settings."""

    _fields_ = [("name", c_char_p), ("type", c_int), ("fallback", c_char_p), ("low", c_double), ("high", c_double),
                ("low_open", c_int), ("choices", c_char_p), ("placeholder", c_char_p), ("verbs", c_char_p),
                ("help", c_char_p)]


class Pair(Structure):
    """agop_pair: two variables and how much they depend on each other."""

    _fields_ = [("a", c_int64), ("b", c_int64), ("score", c_double), ("spearman", c_double), ("log10_p", c_double),
                ("log10_q", c_double), ("permuted", c_double)]


class Program(Structure):
    """agop_program: variables that rise and fall together."""

    _fields_ = [("members", c_int64), ("member", POINTER(c_int64)), ("within", POINTER(c_double)),
                ("sign", POINTER(c_double)), ("strength", c_double)]


class Winner(Structure):
    """agop_winner: which functions of two variables correlate most."""

    _fields_ = [("a", c_int64), ("b", c_int64), ("rows", c_int64), ("k", c_int32), ("l", c_int32), ("r", c_double),
                ("mean_a", c_double), ("deviation_a", c_double), ("mean_b", c_double), ("deviation_b", c_double)]


ProgressFn = CFUNCTYPE(c_int, c_void_p, POINTER(Progress))
NoteFn = CFUNCTYPE(None, c_void_p, c_char_p)
ScoreFn = CFUNCTYPE(c_double, c_void_p, POINTER(Judged))

OUT = POINTER(Handle)
MAT = POINTER(Mat)
TEXTS = POINTER(c_char_p)
DOUBLES = POINTER(c_double)
CODES = POINTER(c_int32)
INDICES = POINTER(c_int64)

PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "agop_status_name": (c_char_p, [Status]),
    "agop_open": (Status, [OUT, c_char_p, c_int]),
    "agop_close": (None, [Handle]),
    "agop_errmsg": (c_char_p, [Handle]),
    "agop_version": (c_char_p, []),
    "agop_build_info": (c_char_p, []),
    "agop_free": (None, [c_void_p]),
    "agop_on_progress": (None, [Handle, ProgressFn, c_void_p]),
    "agop_on_note": (None, [Handle, NoteFn, c_void_p]),
    "agop_on_score": (None, [Handle, ScoreFn, c_void_p, c_int]),
    "agop_setting_at": (POINTER(Setting), [c_int]),
    "agop_settings_new": (Status, [OUT, Handle]),
    "agop_settings_free": (None, [Handle]),
    "agop_settings_set": (Status, [Handle, Handle, c_char_p, c_char_p]),
    "agop_closest": (c_char_p, [c_char_p, c_char_p, c_void_p, c_size_t]),
    "agop_table_new": (Status, [OUT, Handle, c_int64]),
    "agop_table_from_mat": (Status, [OUT, Handle, MAT]),
    "agop_table_add_numeric": (Status, [Handle, Handle, c_char_p, DOUBLES]),
    "agop_table_add_view": (Status, [Handle, Handle, c_char_p, c_void_p, c_int64, c_int32]),
    "agop_table_add_codes": (Status, [Handle, Handle, c_char_p, CODES, TEXTS, c_int64]),
    "agop_table_free": (None, [Handle]),
    "agop_sparse_new": (Status, [OUT, Handle, c_int64, c_int64, INDICES, CODES, POINTER(ctypes.c_float), TEXTS, TEXTS]),
    "agop_sparse_free": (None, [Handle]),
    "agop_table_from_sparse": (Status, [OUT, Handle, Handle, Handle]),
    "agop_fit": (Status, [OUT, Handle, Handle, Handle, Handle]),
    "agop_model_outputs": (c_int64, [Handle, c_int]),
    "agop_model_output_name": (c_char_p, [Handle, c_int, c_int64]),
    "agop_model_features": (c_int64, [Handle]),
    "agop_model_feature_name": (c_char_p, [Handle, c_int64]),
    "agop_model_columns": (c_int64, [Handle]),
    "agop_model_column_name": (c_char_p, [Handle, c_int64]),
    "agop_model_info": (c_char_p, [Handle]),
    "agop_model_stopped": (c_int, [Handle]),
    "agop_model_save": (Status, [Handle, Handle, c_char_p]),
    "agop_model_load": (Status, [OUT, Handle, c_char_p]),
    "agop_model_free": (None, [Handle]),
    "agop_predict": (Status, [MAT, Handle, Handle, Handle, c_int]),
    "agop_predict_interval": (Status, [MAT, MAT, MAT, Handle, Handle, Handle, c_double, c_int]),
    "agop_predict_set": (Status, [MAT, MAT, Handle, Handle, Handle, c_double]),
    "agop_features": (Status, [MAT, Handle, Handle]),
    "agop_importance": (Status, [DOUBLES, Handle, Handle]),
    "agop_vectors": (Status, [MAT, DOUBLES, Handle, Handle]),
    "agop_feature_values": (Status, [MAT, Handle, Handle, Handle]),
    "agop_contributions": (Status, [MAT, DOUBLES, DOUBLES, Handle, Handle, Handle, INDICES, c_int]),
    "agop_ids_score": (Status, [OUT, Handle, Handle, Handle, Handle]),
    "agop_ids_variables": (c_int64, [Handle, c_int]),
    "agop_ids_name": (c_char_p, [Handle, c_int, c_int64]),
    "agop_ids_matrix": (Status, [MAT, Handle, Handle]),
    "agop_ids_pairs": (Status, [POINTER(Pair), INDICES, Handle, Handle, c_int64]),
    "agop_ids_winner": (Status, [POINTER(Winner), Handle, Handle, c_int64, c_int64]),
    "agop_ids_winning": (None, [DOUBLES, Handle, POINTER(Winner), c_int, DOUBLES, c_int64]),
    "agop_ids_info": (c_char_p, [Handle]),
    "agop_ids_free": (None, [Handle]),
    "agop_ids_programs": (Status, [OUT, Handle, Handle, Handle]),
    "agop_programs_count": (c_int64, [Handle]),
    "agop_programs_at": (Program, [Handle, c_int64]),
    "agop_programs_activity": (Status, [MAT, INDICES, Handle, Handle]),
    "agop_programs_free": (None, [Handle]),
}


def _find_library() -> str:
    """The library inside the package, or the one that AGOP_LIBRARY names (a build folder's, for the tests)."""
    named = os.environ.get("AGOP_LIBRARY")
    if named:
        return named
    found = sorted(Path(__file__).with_name("lib").glob("libagop.so*"))
    if not found:
        raise ImportError("the package agop holds no libagop.so: install it with pip, or let AGOP_LIBRARY name one")
    return str(found[0])


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(_find_library())
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()


# ---- errors ----


class AgopError(Exception):
    """What the library could not do.

    Attributes
    ----------
    code : int
        The status, such as -12; negative.
    name : str
        Its name, such as ``"AGOP_E_PARAM"``.
    sentence : str
        What is wrong and what to do.
    """

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.name: str = lib.agop_status_name(code).decode()

    def __reduce__(self) -> tuple[type[AgopError], tuple[int, str]]:
        return type(self), (self.code, self.sentence)


class AgopValueError(AgopError, ValueError):
    """An argument, a setting, a shape or the data cannot be used."""


class AgopMemoryError(AgopError, MemoryError):
    """There is not enough memory, or not within the setting ``memory``."""


class AgopIOError(AgopError, OSError):
    """The system refused a file."""


class AgopStoppedError(AgopError, TimeoutError):
    """The call was stopped before there was anything to return."""


class AgopUnsupportedError(AgopError, NotImplementedError):
    """This build, this machine or this kind of model cannot do it."""


_CLASSES = {
    "AGOP_E_ARG": AgopValueError,
    "AGOP_E_SHAPE": AgopValueError,
    "AGOP_E_PARAM": AgopValueError,
    "AGOP_E_DATA": AgopValueError,
    "AGOP_E_NUMERIC": AgopValueError,
    "AGOP_E_FORMAT": AgopValueError,
    "AGOP_E_STOPPED": AgopStoppedError,
    "AGOP_E_IO": AgopIOError,
    "AGOP_E_NOMEM": AgopMemoryError,
    "AGOP_E_UNSUPPORTED": AgopUnsupportedError,
}


def error_of(code: int, sentence: str) -> AgopError:
    """The exception for a status and its sentence."""
    return _CLASSES.get(lib.agop_status_name(code).decode(), AgopError)(code, sentence)


# ---- contexts and what they make ----


class Owned:
    """A handle that is freed with the object that holds it. Functions of the library take the object itself, which
    therefore lives as long as the call. keeps: what the library borrows, which has to live as long as the handle."""

    def __init__(self, pointer: int | None, free: Callable[[int | None], None], keeps: object = None) -> None:
        self._as_parameter_ = Handle(pointer)
        self._keeps = keeps
        self.close = weakref.finalize(self, free, pointer)


class Context:
    """An open context for one call or a few: ``with Context() as ctx: ctx.check(lib.agop_fit(...))``.

    threads: None and -1 take all that OpenMP offers.

    Ctrl-C asks the library to stop, and is raised as KeyboardInterrupt when the block ends, so that what the library
    made until then (its best model so far) can be kept. An exception in a callback does the same.
    """

    def __init__(self, threads: int | None = None, reporter: Reporter | None = None) -> None:
        self._threads = 0 if threads in (None, -1) else int(threads or 0)
        self._reporter = reporter or Reporter(0)
        self._raised: BaseException | None = None
        self._interrupted = False
        self._callbacks: list[object] = []  # the library holds no reference
        self._before: Any = None

    def __enter__(self) -> Context:
        handle = Handle()
        code = lib.agop_open(byref(handle), os.environ.get("AGOP_BACKEND", "auto").encode(), self._threads)
        if code != 0:
            raise error_of(code, lib.agop_errmsg(None).decode())
        self.handle = handle
        self._listen()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 where: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        self._reporter.clear()
        lib.agop_close(self.handle)
        if self._raised is not None:
            raise self._raised
        if self._interrupted:
            raise KeyboardInterrupt

    def _listen(self) -> None:
        on_progress, on_note = ProgressFn(self._step), NoteFn(self._note)
        self._callbacks += [on_progress, on_note]
        lib.agop_on_progress(self.handle, on_progress, None)
        lib.agop_on_note(self.handle, on_note, None)
        # Python's own handler would raise somewhere inside ctypes' callback, where exceptions are lost.
        if (threading.current_thread() is threading.main_thread()
                and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
            self._before = signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True

    def _step(self, user: int | None, progress: Any) -> int:
        try:
            self._reporter.step(progress.contents)
        except BaseException as raised:  # given to the caller when the call is over
            self._raised = self._raised or raised
        return int(self._interrupted or self._raised is not None)

    def _note(self, user: int | None, sentence: bytes) -> None:
        try:
            logger.info(sentence.decode())
            self._reporter.note(sentence.decode())
        except BaseException as raised:
            self._raised = self._raised or raised

    def judge_by(self, score: Callable[[Judged], float]) -> None:
        """Let ``score``, where larger is better, judge what is fitted with metric_score "callback"."""

        def judge(user: int | None, judged: Any) -> float:
            try:
                return float(score(judged.contents))
            except BaseException as raised:
                self._raised = self._raised or raised
                return float("nan")

        callback = ScoreFn(judge)
        self._callbacks.append(callback)
        lib.agop_on_score(self.handle, callback, None, 1)

    def check(self, code: int) -> None:
        """Raise what a status other than AGOP_OK stands for; after Ctrl-C the block's end raises instead."""
        if code != 0:
            sentence = lib.agop_errmsg(self.handle).decode()
            if self._raised is not None:
                raise self._raised
            if self._interrupted:
                raise KeyboardInterrupt
            raise error_of(code, sentence)

    def settings(self, values: dict[str, str]) -> Owned:
        """A set of settings, each checked by the library."""
        handle = Handle()
        self.check(lib.agop_settings_new(byref(handle), self.handle))
        owned = Owned(handle.value, lib.agop_settings_free)
        for name, value in values.items():
            self.check(lib.agop_settings_set(handle, self.handle, name.encode(), value.encode()))
        return owned


def version() -> str:
    """The version of the library."""
    return str(lib.agop_version().decode())
