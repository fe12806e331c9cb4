"""Renews the leases of everything that this process sends, also while a push service hangs: one thread for all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from notifications.outbox import LEASE, Claim, renew

BEAT_S: Final = LEASE.total_seconds() / 3
_log = logging.getLogger("alentours.sending")


class Lease:
    """A claim that is being worked on."""

    def __init__(self, claimed: Claim) -> None:
        self.claim = claimed
        self.lost = False
        """Somebody else has the chunk: send nothing more of it."""


class Leases:
    """The leases of a process. Between `start` and `stop` a thread renews them; `beat` does so once."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to renew."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="leases")
        self._thread.start()

    def stop(self) -> None:
        """Renew nothing any more: what is still held is free for others when its lease is over."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def hold(self, claimed: Claim) -> Iterator[Lease]:
        """Keep a claim's lease while a block runs."""
        lease = self._held[claimed.owner] = Lease(claimed)
        try:
            yield lease
        finally:
            del self._held[claimed.owner]

    def beat(self) -> None:
        """Renew everything that is held."""
        held = [lease for lease in list(self._held.values()) if not lease.lost]
        if not held:
            return
        ours = renew(self._database, [lease.claim for lease in held], now=self._clock())
        for lease in held:
            # One that was given back in between is not lost; it is not asked either.
            lease.lost = lease.claim.owner not in ours

    def _run(self) -> None:
        ails = False
        while not self._stop.wait(BEAT_S / 4 if ails else BEAT_S):
            try:
                self.beat()
                ails = False
            except Exception as error:  # noqa: BLE001 - a restarted database is back in a moment
                if not ails:
                    _log.warning("leases cannot be renewed (%s): tried again", type(error).__name__)
                ails = True
