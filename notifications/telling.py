"""How a failure is said in a log: its kind and its place, and not its words, which may name somebody."""

from __future__ import annotations

import traceback


def told(error: BaseException) -> str:
    """Say where a failure came up: `IntegrityError in _write_down, line 210`."""
    places = traceback.extract_tb(error.__traceback__)
    place = f" in {places[-1].name}, line {places[-1].lineno}" if places else ""
    return f"{type(error).__name__}{place}"
