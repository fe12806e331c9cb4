"""The worker: notices facts, plans waves, releases what was held, and looks after the ledger.

Any number may run, on any hosts: what must be done once is decided in the database. How planned chunks get sent is the
engine's matter.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from notifications.audit import audit_open
from notifications.holding import Releaser, look_after
from notifications.keeping import keep
from notifications.planning import Planner
from notifications.steps import reached
from notifications.telling import told
from notifications.triggers.air import Finder
from notifications.triggers.handoffs import Handoffs
from notifications.triggers.noticing import is_quiet, newest_fact, notice

TICK_S: Final = 0.5
SWEEP_S: Final = 5.0
AUDIT_S: Final = 1.0
KEEP_S: Final = 3_600.0
_LONGEST_PAUSE_S: Final = 30.0
_SHARE: Final = 20
"""A chore rests so many times as long as it took."""
_log = logging.getLogger("alentours.worker")


class Engine(Protocol):
    """What gets planned chunks sent."""

    def start(self) -> None:
        """Begin to send."""

    def notify(self) -> None:
        """Say that chunks were planned or opened."""

    def stop(self) -> None:
        """Let what is under way finish for some seconds, then leave it."""


class Worker:
    """Ticks until told to stop."""

    def __init__(self, database: Database, engine: Engine, *, clock: Clock) -> None:
        self._database = database
        self._engine = engine
        self._clock = clock
        self._planner = Planner(database, clock=clock, find=Finder)
        self._releaser = Releaser(database, clock=clock, find=Finder)
        self._handoffs = Handoffs(database, clock=clock, planned=engine.notify)
        self._looked: tuple[int | None, datetime | None] = (None, None)
        self._chores = (
            Chore(self._sweep, every_s=SWEEP_S),
            Chore(self._audit, every_s=AUDIT_S),
            Chore(self._keep, every_s=KEEP_S),
        )

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. A database that is gone is waited for."""
        self._engine.start()
        # Counting a great wave takes a moment: nobody waits for it to be told.
        keeping = threading.Thread(target=self._repeat, args=(self.keep_house, stop), daemon=True, name="ledger")
        keeping.start()
        try:
            self._repeat(self.tick, stop)
        finally:
            self._engine.stop()
            keeping.join(TICK_S)

    def tick(self) -> None:
        """Tell whatever is to be told now, alerts first."""
        self._notice()
        while self._planner.plan_next(planned=self._engine.notify):
            pass
        while self._releaser.release():
            self._engine.notify()
        self._handoffs.tell()

    def keep_house(self) -> None:
        """Do whatever chore is due: find what was left, audit, forget what is old."""
        for chore in self._chores:
            chore.run_if_due()

    def _repeat(self, job: Callable[[], None], stop: threading.Event) -> None:
        pause_s = TICK_S
        while not stop.is_set():
            try:
                job()
                pause_s = TICK_S
            except Exception as error:  # noqa: BLE001 - a restarted database is back in a moment; nothing is lost
                if pause_s == TICK_S:
                    _log.error("the worker failed (%s): it goes on", told(error))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            stop.wait(pause_s)

    def _notice(self) -> None:
        now = self._clock()
        fact_id, looked_at = self._looked
        with self._database.session(write=False) as session:
            if is_quiet(session, last_fact_id=fact_id, looked_at=looked_at, now=now):
                return
            newest = newest_fact(session)
        with self._database.session() as session:
            notice(session, now=now)
        reached("plan.opened")
        # What came in between is newer than `newest`, and is looked for at the next tick.
        self._looked = newest, now

    def _sweep(self) -> None:
        if look_after(self._database, self._clock()):
            self._engine.notify()

    def _audit(self) -> None:
        audit_open(self._database, now=self._clock())

    def _keep(self) -> None:
        while keep(self._database, now=self._clock()):
            pass


class Chore:
    """Something done every now and then, by a clock that never jumps; what takes long is done less often."""

    def __init__(self, job: Callable[[], object], *, every_s: float) -> None:
        self._job = job
        self._every_s = every_s
        self._due_at_s = 0.0

    def run_if_due(self) -> None:
        """Do it, if it is time."""
        began_s = time.monotonic()
        if began_s < self._due_at_s:
            return
        self._job()
        ended_s = time.monotonic()
        self._due_at_s = ended_s + max(self._every_s, _SHARE * (ended_s - began_s))
