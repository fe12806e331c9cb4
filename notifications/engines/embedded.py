"""The embedded engine: threads of this process send. One of them is for alerts only: a campaign never holds all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import Final

from citizen_api.background import Queueing
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from notifications.outbox import anything_due
from notifications.sending import Sender
from notifications.telling import told
from notifications.transports.base import Transport

THREADS: Final = 6
IDLE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_log = logging.getLogger("alentours.sending")


class EmbeddedEngine:
    """Sends in threads, from `start` to `stop`. It closes the transports."""

    def __init__(
        self,
        database: Database,
        transports: Iterable[Transport],
        *,
        rate_per_s: float,
        clock: Clock,
        threads: int = THREADS,
    ) -> None:
        self._database = for_threads(database)
        self._clock = clock
        self._sender = Sender(self._database, transports, rate_per_s=rate_per_s, clock=clock)
        self._threads = [
            threading.Thread(target=self._run, args=(number > 0,), daemon=True, name=f"sender-{number}")
            for number in range(max(2, threads))
        ]
        self._called = threading.Condition()
        self._calls = 0
        self._ails = False

    def start(self) -> None:
        """Begin to send."""
        self._sender.start()
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """Say that there may be something to send."""
        with self._called:
            self._calls += 1
            self._called.notify_all()

    def stop(self, *, patience_s: float = 5.0) -> None:
        """Begin nothing new, and let what is under way finish for so long; then leave it."""
        self._sender.stopping.set()
        self.notify()
        self._join(patience_s)
        self._sender.abandon()
        self._join(1.0)
        self._sender.stop()

    def _join(self, patience_s: float) -> None:
        ends_at_s = time.monotonic() + patience_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, ends_at_s - time.monotonic()))

    def _run(self, campaigns: bool) -> None:  # noqa: FBT001 - argument of a thread
        pause_s = IDLE_S
        while not self._sender.stopping.is_set():
            calls = self._calls
            try:
                busy = self._send(campaigns=campaigns)
                pause_s, self._ails = IDLE_S, False
            except Exception as error:  # noqa: BLE001 - what was claimed is free for others when its lease is over
                self._tell(error)
                busy, pause_s = False, min(2 * pause_s, _LONGEST_PAUSE_S)
            if not busy:
                self._wait(calls, pause_s)

    def _wait(self, calls: int, pause_s: float) -> None:
        """Wait until somebody calls: there were `calls` when we looked."""
        with self._called:
            self._called.wait_for(lambda: self._calls != calls, pause_s)

    def _tell(self, error: Exception) -> None:
        """Say once that sending fails."""
        if not self._ails:
            self._ails = True
            _log.error("sending failed (%s): tried again", told(error))

    def _send(self, *, campaigns: bool) -> bool:
        if not anything_due(self._database, self._clock(), campaigns=campaigns):
            return False
        return self._sender.send_next(campaigns=campaigns)


def for_threads(database: Database) -> Database:
    """Give the database as several threads write to it: on SQLite they wait for each other, elsewhere they need not."""
    if database.engine.dialect.name != "sqlite":
        return Database(database.engine)
    return database if isinstance(database, Queueing) else Queueing(database.engine)
