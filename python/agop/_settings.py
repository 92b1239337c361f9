"""Keywords from the library's one table of settings: names, defaults, bounds and help are written there only."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from agop._native import lib

INT, REAL, BOOL, CHOICE, TEXT, BYTES = range(6)  # agop_type


@dataclass(frozen=True)
class Row:
    """A setting."""

    name: str
    type: int
    default: Any
    doc: str  # its type, choices and bounds in words
    help: str
    verbs: tuple[str, ...]


def _value(kind: int, text: str) -> Any:
    """The default as a Python value."""
    if text == "":
        return None
    if kind == BOOL and text in ("true", "false"):
        return text == "true"
    if kind == INT and text != "auto":
        return int(text)
    if kind == REAL and text != "auto":
        return float(text)
    return text


def _words(row: Any) -> str:
    """"float in (0, 2] or 'auto'"."""
    choices = row.choices.decode().split("|") if row.choices else []
    if row.type in (INT, REAL, BYTES):
        words = {INT: "int", REAL: "float", BYTES: "int or str such as '8G'"}[row.type]
        if row.type != BYTES:
            words += " in %s%g, %g]" % ("(" if row.low_open else "[", row.low, row.high)
        besides = set(choices) | ({"auto"} if row.fallback == b"auto" else set())
        return words + "".join(" or %r" % one for one in sorted(besides))
    if row.type == BOOL:
        return "bool" + (" or 'auto'" if row.fallback == b"auto" else "")
    if row.type == CHOICE:
        seconds = " or seconds" if row.placeholder and b"SECONDS" in row.placeholder else ""
        return "{%s}%s" % (", ".join(repr(one) for one in choices), seconds)
    return "str or list of str"


def _read() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    i = 0
    while pointer := lib.agop_setting_at(i):
        row = pointer.contents
        name = row.name.decode()
        rows[name] = Row(name, row.type, _value(row.type, row.fallback.decode()), _words(row), row.help.decode(),
                         tuple(row.verbs.decode().split()))
        i += 1
    return rows


TABLE = _read()


def names_of(verb: str, besides: Iterable[str] = ()) -> list[str]:
    """The settings of a verb, without some that have another form in Python."""
    return [row.name for row in TABLE.values() if verb in row.verbs and row.name not in besides]


def refuse_unknown(function: str, names: Iterable[str], settings: Iterable[str]) -> None:
    """What Python itself says of a keyword that a function does not have."""
    unknown = sorted(set(settings) - set(names))
    if unknown:
        raise TypeError("%s() got an unexpected keyword argument %r" % (function, unknown[0]))


def as_text(value: Any) -> str | None:
    """A value as the library reads it; None leaves the default."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return ",".join(str(one) for one in value)
    if hasattr(value, "item"):  # a scalar of NumPy
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def texts_of(values: dict[str, Any]) -> dict[str, str]:
    """Settings as the library reads them."""
    return {name: text for name, value in values.items() if (text := as_text(value)) is not None}


def _sentence(help: str) -> str:
    """Help for the program as a sentence of a docstring: --solver-tolerance is solver_tolerance."""
    told = re.sub(r"--([a-z][a-z-]*)", lambda option: "``%s``" % option[1].replace("-", "_"), help)
    return told[0].upper() + told[1:] + "."


def describe(names: Iterable[str]) -> str:
    """The "Parameters" entries of some settings, in NumPy's style."""
    lines = []
    for name in names:
        row = TABLE[name]
        lines.append("%s : %s, default=%r" % (name, row.doc, row.default))
        lines += textwrap.wrap(_sentence(row.help), 100, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def with_keywords(names: Iterable[str]) -> Callable[[Any], Any]:
    """Give a function that ends in ``**settings`` these settings as keywords, with their defaults, in its signature.

    The rest is as if they had been written out: an unknown keyword is a TypeError.
    """
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=TABLE[name].default) for name in names]

    def decorate(function: Any) -> Any:
        own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
        function.__signature__ = inspect.Signature(own + added)
        return function

    return decorate
