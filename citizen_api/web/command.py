"""What commands of every capability share: settings, the database, and how they speak."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Never

from sqlalchemy.orm import Session
from tqdm import tqdm

from citizen_api.core.clock import Clock, system_clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings

Beside = Callable[[Settings, Database, Clock, threading.Event], None]
"""Works in a thread of its own until the event is set."""
EXIT_REJECTED_ROWS = 3
EXIT_REFUSED = 4


@dataclass(frozen=True)
class Above:
    """What is above `citizen_api`: what the background process does besides, and blueprints (asked for when used)."""

    beside: Sequence[Beside] = ()
    blueprints: Callable[[], Sequence[Any]] = tuple


@dataclass
class Context:
    """Handed by the command group to each command.

    `above`: what the packages above add; whoever puts the product together says what.
    `prepare` brings a database to the newest schema. `knows_territory` tells whether a (kind, code) exists, for the
    capabilities that may not import `territory`.
    """

    settings: Settings
    prepare: Callable[[Database], None]
    knows_territory: Callable[[Session, str, str | None], bool]
    clock: Clock = field(default=system_clock)
    above: Above = field(default_factory=Above)

    @cached_property
    def database(self) -> Database:
        """The settings' database, with the newest schema and the territories of France."""
        database = Database.from_settings(self.settings)
        self.prepare(database)
        return database


class Progress:
    """Tells how far long work is: a bar on a terminal, a plain line now and then elsewhere.

    `unit` is what is counted; a plain line comes every `plain_every` of it.
    """

    def __init__(self, unit: str = "rows", *, plain_every: int = 50_000) -> None:
        self._unit = unit
        self._plain_every = plain_every
        self._bar: tqdm[Never] | None = None
        self._what = ""
        self._told = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell that `done` of `total` (0: not known) are through `what`."""
        if not sys.stderr.isatty():
            if what != self._what or done - self._told >= self._plain_every:
                self._what, self._told = what, done
                # What has just begun has nothing to count yet.
                far = f": {done}{f' of {total}' if total else ''} {self._unit}" if done else ""
                sys.stderr.write(f"{what}{far}\n")
            return
        bar = self._bar
        if bar is None or what != self._what:
            self.close()
            bar = tqdm(
                total=total or None,
                desc=what,
                unit=f" {self._unit}",
                unit_scale=self._unit == "bytes",
                # A terminal that tells no width gets one, instead of no bar at all.
                ncols=shutil.get_terminal_size().columns,
                file=sys.stderr,
                leave=False,
            )
            self._what, self._bar = what, bar
        bar.update(done - bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
