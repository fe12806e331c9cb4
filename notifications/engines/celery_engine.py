"""The Celery engine: hands the ids of due chunks to a broker, from which workers on any host take them.

It looks every second at what is due, and when it is called. Few ids are handed over ahead: whatever was due for long,
such as the chunk of a worker that died, is among the next.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, suppress
from typing import Any, Final

from kombu import Connection, Producer, Queue
from sqlalchemy import select

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from notifications.engines.celery_app import CONNECT_TIMEOUT_S, TASK, make_app, queue_name, transport_options
from notifications.ledger import LANES
from notifications.models import Chunk
from notifications.outbox import LEASE, due_ids, is_near
from notifications.telling import told

SWEEP_S: Final = 1.0
AHEAD: Final = 100
"""Ids of a lane that wait at the broker at most."""
LOST_S: Final = 5.0
"""A chunk that is still due so long after its id was handed over gets another."""
ALONE_S: Final = 30.0
"""When nothing that is due was taken for so long, there is no worker."""
_BUSY_S: Final = 0.2
"""The next look, where more was due than may be handed over."""
_LONGEST_PAUSE_S: Final = 5.0
_log = logging.getLogger("alentours.sending")


class CeleryEngine:
    """Hands over in a thread of its own, from `start` to `stop`. Several may, on any hosts."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._app = make_app(settings)
        self._called = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="celery-engine")
        self._handed: dict[str, dict[int, float]] = {lane: {} for lane in LANES}
        self._untouched: tuple[list[int], float] = ([], 0.0)
        self._says_alone = False

    def start(self) -> None:
        """Begin to hand over."""
        self._thread.start()

    def notify(self) -> None:
        """Look now."""
        self._called.set()

    def stop(self) -> None:
        """Hand nothing over any more. What the broker has, workers still take."""
        self._stopping.set()
        self._called.set()
        if self._thread.ident is not None:
            self._thread.join(2 * CONNECT_TIMEOUT_S)
        self._app.close()

    def _run(self) -> None:
        pause_s = SWEEP_S
        while not self._stopping.is_set():
            try:
                with closing(_Broker(self._connection(), self._settings, self._app.tasks[TASK])) as broker:
                    self._sweep(broker)
                    if pause_s > SWEEP_S:
                        _log.warning("chunks are handed to the broker again")
                    pause_s = SWEEP_S
                    self._sweep_on(broker)
            except Exception as error:  # noqa: BLE001 - a broker or a database that is gone comes back; nothing is lost
                if pause_s == SWEEP_S:
                    _tell(error)
                # What was handed over may have gone with the broker.
                self._handed = {lane: {} for lane in LANES}
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _connection(self) -> Connection:
        """A connection where nothing waits for ever for a broker that has fallen silent."""
        options = transport_options(self._settings)
        if self._settings.broker_url.startswith("redis"):
            options["socket_timeout"] = CONNECT_TIMEOUT_S
        else:
            options |= {"read_timeout": CONNECT_TIMEOUT_S, "write_timeout": CONNECT_TIMEOUT_S}
        return self._app.connection_for_write(heartbeat=0, transport_options=options)

    def _sweep_on(self, broker: _Broker) -> None:
        while not self._stopping.is_set():
            self._called.clear()
            is_busy = self._sweep(broker)
            # Whoever calls often is answered a few times a second.
            self._stopping.wait(_BUSY_S / 4)
            self._called.wait(_BUSY_S if is_busy else SWEEP_S)

    def _sweep(self, broker: _Broker) -> bool:
        """Hand over what is due and not handed over yet; True when there is more."""
        due = self._due()
        for lane, ids in due.items():
            now_s = time.monotonic()
            handed = self._handed[lane]
            # One that is not due any more was taken: when it is due again, it is as new.
            handed = self._handed[lane] = {one: handed[one] for one in ids if one in handed}
            wanted = [one for one in ids if now_s - handed.get(one, -LOST_S) >= LOST_S]
            for one in wanted[: max(0, AHEAD - broker.waiting(lane))] if wanted else ():
                broker.hand_over(lane, one)
                handed[one] = now_s
        self._mind(due)
        return any(len(ids) >= AHEAD for ids in due.values())

    def _due(self) -> dict[str, list[int]]:
        """Ids of chunks that somebody should send, by lane, the oldest first."""
        return due_ids(self._database, self._clock(), most=AHEAD)

    def _mind(self, due: dict[str, list[int]]) -> None:
        """Say once when nobody takes what is due."""
        now_s = time.monotonic()
        all_ids = [one for ids in due.values() for one in ids]
        before, since_s = self._untouched
        if not all_ids or all_ids != before:
            self._untouched, self._says_alone = (all_ids, now_s), False
        elif now_s - since_s >= ALONE_S and not self._says_alone and not self._is_sending():
            self._says_alone = True
            _log.error(
                "chunks are due and no worker takes them: is `alentours worker` running, with the same broker and the "
                "same address of the database?",
                extra={"chunks": len(all_ids)},
            )

    def _is_sending(self) -> bool:
        leased = is_near(Chunk.lease_until, self._clock(), LEASE)
        with self._database.session(write=False) as session:
            return session.execute(select(Chunk.id).where(leased).limit(1)).first() is not None


class _Broker:
    """An open connection to the broker, with a queue for each lane."""

    def __init__(self, connection: Connection, settings: Settings, task: Any) -> None:
        self._connection = connection
        self._task = task
        self._queues: dict[str, Queue] = {}
        try:
            connection.connect()
            channel = connection.channel()
            self._producer = Producer(channel)
            for lane in LANES:
                self._queues[lane] = task.app.amqp.queues[queue_name(settings, lane)].bind(channel)
                self._queues[lane].declare()
        except BaseException:
            self.close()
            raise

    def waiting(self, lane: str) -> int:
        """How many ids wait in a lane for a worker to take them."""
        # Not passively: to Redis a queue that is empty is none.
        return int(self._queues[lane].queue_declare().message_count)

    def hand_over(self, lane: str, chunk_id: int) -> None:
        """Hand over an id."""
        self._task.apply_async((chunk_id,), queue=self._queues[lane].name, producer=self._producer, retry=False)

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        with suppress(Exception):
            self._connection.collect(socket_timeout=1)


def _tell(error: Exception) -> None:
    """Say it without the error's words: an address may hold a password."""
    _log.error("chunks cannot be handed to the broker (%s): tried again; nothing is lost meanwhile", told(error))
