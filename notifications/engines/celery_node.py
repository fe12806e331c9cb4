"""A Celery worker of this installation: a process that takes ids from the broker, and its children, which send."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any, Final

from celery import signals
from celery.exceptions import CPendingDeprecationWarning
from celery.platforms import set_pdeathsig

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.web.logs import configure_logs
from content.catalogue import catalogue
from notifications.engines.celery_app import make_app, queue_name
from notifications.engines.embedded import for_threads
from notifications.sending import Sender
from notifications.telling import told
from notifications.transports.choose import transports_from

ALERTS_FIRST: Final = 50
"""Chunks of alerts that are sent at most before the one whose id came: a task must come to an end."""
STOP_S: Final = 5.0
"""How long what is under way may take to finish at the end; then it is left to others."""
_log = logging.getLogger("alentours.sending")


class Desk:
    """What a child of the worker sends with: a database, transports and leases of its own, opened after the fork."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sender: Sender | None = None
        self._database: Database | None = None
        self._ails = False
        # Its end is the end of all: when the parent closes it, or is gone, the children read that.
        self._told, self._tells = os.pipe()

    def open(self, **_: Any) -> None:
        """Open everything, in a child."""
        os.close(self._tells)
        self._database = for_threads(Database.from_settings(self._settings))
        transports = transports_from(self._settings, clock=self._clock)
        self._sender = Sender(self._database, transports, rate_per_s=self._settings.push_rate_per_s, clock=self._clock)
        self._sender.start()
        threading.Thread(target=self._wait_for_end, args=(self._sender,), daemon=True, name="end").start()

    def end(self, **_: Any) -> None:
        """Tell the children, in the parent, to begin nothing new."""
        if self._tells >= 0:
            os.close(self._tells)
            self._tells = -1

    def close(self, **_: Any) -> None:
        """Close everything, in a child."""
        if self._sender is not None:
            self._sender.stop()
        if self._database is not None:
            self._database.engine.dispose()

    def send(self, chunk_id: int) -> None:
        """Send the alerts that are due, whoever's id came, then the chunk.

        Raises nothing: what was not sent is handed over again.
        """
        sender = self._sender
        if sender is None or sender.stopping.is_set():
            return
        try:
            for _ in range(ALERTS_FIRST):
                if not sender.send_next(campaigns=False) or sender.stopping.is_set():
                    break
            if not sender.stopping.is_set():
                sender.send_next(chunk_id=chunk_id)
            self._ails = False
        except Exception as error:  # noqa: BLE001 - what was claimed is free for others when its lease is over
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Say once that sending fails."""
        if not self._ails:
            self._ails = True
            _log.error("sending failed (%s): tried again", told(error))

    def _wait_for_end(self, sender: Sender) -> None:
        os.read(self._told, 1)
        sender.stopping.set()
        time.sleep(STOP_S)
        sender.abandon()


def run_node(settings: Settings, clock: Clock, *, lanes: Sequence[str], concurrency: int) -> int:
    """Take ids of some lanes until told to end; give the exit code. For the main thread of a process."""
    set_pdeathsig("SIGTERM")  # with whoever started it (Linux)
    _configure_logs(settings.log_level)
    catalogue()  # read once, before the children part
    desk = Desk(settings, clock)
    app = make_app(settings, desk.send)
    connected = (
        (signals.setup_logging, lambda **_: _configure_logs(settings.log_level)),
        (signals.worker_process_init, desk.open),
        (signals.worker_process_shutdown, desk.close),
        (signals.worker_shutting_down, desk.end),
        (signals.worker_ready, lambda **_: _ready(lanes, concurrency)),
    )
    for its_signal, does in connected:
        its_signal.connect(does, weak=False)
    node = app.Worker(
        hostname=f"{'-'.join(lanes)}-{os.getpid()}@%h",
        queues=[queue_name(settings, lane) for lane in lanes],
        concurrency=concurrency,
        pool="prefork",
        optimization="fair",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    node.start()
    return int(node.exitcode or 0)


def _configure_logs(level: str) -> None:
    configure_logs(level)
    # A line for each id would say nothing that the ledger does not.
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("kombu").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _ready(lanes: Sequence[str], concurrency: int) -> None:
    # What goes on after a lost connection meets the lease: nothing there needs to be cancelled.
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
    # Celery would start the command line again, in the place of this process.
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    _log.info("worker ready", extra={"lanes": list(lanes), "processes": concurrency})
