"""What a long call says meanwhile: a line on standard error that is written over, in terminals and notebooks; elsewhere,
where it would stay, a new line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

_WIDTH = 24
_OFTEN, _SELDOM = 0.1, 10.0  # seconds


class Reporter:
    """Shows progress from verbose 1 on, and notes from 2 on.

    >>> Reporter(0).note("nothing is said")
    """

    def __init__(self, verbose: int) -> None:
        self.verbose = int(verbose)
        self._stream = sys.stderr
        self._overwrites = "ipykernel" in sys.modules or bool(getattr(self._stream, "isatty", lambda: False)())
        self._next = time.monotonic() + (0 if self._overwrites else _SELDOM)
        self._shown = 0

    def step(self, progress: Any) -> None:
        """How far it is: an agop_progress."""
        now = time.monotonic()
        if self.verbose < 1 or progress.total <= 0 or now < self._next:
            return
        self._next = now + (_OFTEN if self._overwrites else _SELDOM)
        filled = min(_WIDTH, int(_WIDTH * progress.done / progress.total))
        detail = " " + progress.detail.decode() if progress.detail else ""
        self._say("%-8s [%s%s] %d/%d %.1f s%s" % (progress.phase.decode(), "#" * filled, "." * (_WIDTH - filled),
                                                   progress.done, progress.total, progress.seconds, detail))

    def note(self, sentence: str) -> None:
        """What the library notes."""
        if self.verbose >= 2:
            self.clear()
            print(sentence, file=self._stream)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r%s\r" % (" " * self._shown), end="", file=self._stream, flush=True)
            self._shown = 0

    def _say(self, line: str) -> None:
        if self._overwrites:
            self.clear()
            print(line, end="", file=self._stream, flush=True)
            self._shown = len(line)
        else:
            print(line, file=self._stream, flush=True)
