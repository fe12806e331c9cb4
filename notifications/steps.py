"""The steps between a fact and a settled wave, named, so that a test can end the process at each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

STEPS: Final = (
    "plan.noticed",
    "plan.opened",
    "plan.slice_written",
    "plan.slice_committed",
    "plan.closed",
    "hold.released",
    "claim.written",
    "claim.committed",
    "send.loaded",
    "send.first_answer",
    "send.all_answered",
    "settle.written",
    "settle.committed",
    "wave.settled",
)
"""Before each commit of a transition (`…written`, `…noticed`) and after it, and around what leaves the house."""

watchers: list[Callable[[str], None]] = []
"""Called with each step that is reached: empty but in fault tests."""


def reached(step: str) -> None:
    """Say that a step is reached."""
    for watcher in watchers:
        watcher(step)
