"""What is done beside answering, in a process of its own: the air kept in step, silent devices retired."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import httpx

from citizen_api.air.feeds import Feed, check_feeds, feeds_from
from citizen_api.air.keeping import AirKeeper
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import PREFIX, Settings
from citizen_api.people.device_actions import retire_silent

TICK_S: Final = 20.0
_CHORES_EVERY: Final = timedelta(hours=6)
_PATIENCE_MS: Final = 2_000
"""How long SQLite's log waits for its readers, so that what an erased device left in it goes within a tick."""
_log = logging.getLogger("alentours.background")


def run_background(settings: Settings, database: Database, *, clock: Clock, demo: bool) -> None:
    """Work until told to stop: by a signal, or because whoever started this process (and holds its input) is gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_wait_for_parent, args=(stop,), daemon=True, name="parent").start()
    with make_client(settings) as client, _demo_feeds(database, client, clock, demo=demo) as made_up:
        feeds = [*feeds_from(settings, database, client), *made_up]
        keeper = AirKeeper(database, feeds, clock=clock, reports_dir=settings.data_dir / "imports")
        jobs = (keeper.turn, _chores(database, clock), partial(database.forget_deleted, patience_ms=_PATIENCE_MS))
        work([_carefully(job) for job in jobs], stop)


def work(jobs: Sequence[Callable[[], object]], stop: threading.Event, *, tick_s: float = TICK_S) -> None:
    """Do every job again and again until told to stop."""
    while not stop.is_set():
        for job in jobs:
            job()
        stop.wait(tick_s)


@contextmanager
def background(settings: Settings, *, demo: bool) -> Iterator[None]:
    """Have a process do all this while a block runs. It ends with this one, however that ends. Raises SettingsError."""
    check_feeds(settings)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    # -P: a stranger's app.py in the working directory is not ours.
    command = [sys.executable, "-P", "-m", "app", "background", *(["--demo"] if demo else [])]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, env=ours | settings.to_environment(), stdin=subprocess.PIPE
    )
    # Workers that are forked from this process would hold its end of the pipe open after it is gone.
    os.register_at_fork(after_in_child=partial(_let_go, process))
    with process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _let_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


@contextmanager
def _demo_feeds(database: Database, client: httpx.Client, clock: Clock, *, demo: bool) -> Iterator[list[Feed]]:
    if not demo:
        yield []
        return
    from citizen_api.demo.air import serving_demo_air  # noqa: PLC0415 - without --demo nothing of it exists

    with serving_demo_air(database, client, clock) as feed:
        yield [feed]


def _wait_for_parent(stop: threading.Event) -> None:
    # Below Python's own buffers: a thread that waits inside them would hold their lock when the interpreter ends.
    with suppress(OSError):  # it has no input at all
        while os.read(0, 4096):
            pass
    stop.set()


def _carefully(job: Callable[[], object]) -> Callable[[], object]:
    """A job whose failure is logged and does not end the others: a busy database is free again in a moment."""

    def run() -> None:
        try:
            job()
        except Exception:  # noqa: BLE001 - it is logged whole
            _log.exception("a background job failed")

    return run


def _chores(database: Database, clock: Clock) -> Callable[[], object]:
    done_at: datetime | None = None

    def run() -> None:
        nonlocal done_at
        now = clock()
        if done_at is not None and now - done_at < _CHORES_EVERY:
            return
        with database.session() as session:
            retired = retire_silent(session, now)
        done_at = now
        if retired:
            _log.info("silent devices retired", extra={"devices": retired})

    return run
