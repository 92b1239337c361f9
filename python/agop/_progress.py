"""A progress bar for terminals and notebooks."""
from __future__ import annotations
from typing import Any
def bar(verbose: int) -> Any:
    return None
