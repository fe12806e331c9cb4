"""Sends planned chunks, one after the other. Any number of threads, processes and hosts may: the leases part them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from itertools import count

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from notifications.delivery import Delivery, Office
from notifications.leases import Leases
from notifications.notes import Notes
from notifications.outbox import claim, settle_wave
from notifications.pace import Pacer
from notifications.transports.base import Transport


class Sender:
    """Sends chunks, from several threads at once. Its leases are renewed between `start` and `stop`.

    `rate_per_s`: of everything together, all processes.
    """

    def __init__(self, database: Database, transports: Iterable[Transport], *, rate_per_s: float, clock: Clock) -> None:
        self._office = Office(
            database=database,
            transports={transport.platform: transport for transport in transports},
            notes=Notes(database),
            pacer=Pacer(database, rate_per_s=rate_per_s, clock=clock),
            clock=clock,
        )
        self.leases = Leases(database, clock=clock)
        self._name = secrets.token_hex(8)
        self._numbers = count()

    def start(self) -> None:
        """Begin to renew leases."""
        self.leases.start()

    @property
    def stopping(self) -> threading.Event:
        """Set, to begin nothing new: what is under way is finished."""
        return self._office.stopping

    def abandon(self) -> None:
        """Wait for nothing any more: what went out without an answer may be sent again by somebody else."""
        self._office.stopping.set()
        self._office.abandoning.set()

    def stop(self) -> None:
        """Renew no lease any more, and close the transports."""
        self.leases.stop()
        for transport in self._office.transports.values():
            transport.close()

    def send_next(self, *, campaigns: bool = True, chunk_id: int | None = None) -> bool:
        """Claim a chunk that is due, and send it; False when there is none.

        `campaigns` False: only alerts. `chunk_id`: this chunk, if it is due and free.
        """
        office = self._office
        owner = f"{self._name}-{next(self._numbers)}"
        claimed = claim(office.database, owner=owner, now=office.clock(), campaigns=campaigns, chunk_id=chunk_id)
        if claimed is None:
            return False
        is_closed = claimed.is_stopped
        if not is_closed:
            with self.leases.hold(claimed) as lease:
                is_closed = Delivery(office, lease).run()
        if is_closed:
            settle_wave(office.database, claimed.wave_id, now=office.clock())
        return True
