"""What is done beside answering, in its own process: air, bike share and slots kept in step, old rows let go."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Final

import httpx
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from citizen_api.air.feeds import Feed, check_feeds, feeds_from
from citizen_api.air.keeping import REPORTS, AirKeeper
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import PREFIX, Settings
from citizen_api.mobility.station_sync import bike_turns, check_systems
from citizen_api.people.device_actions import retire_silent
from citizen_api.teleconsult.chores import chores
from citizen_api.teleconsult.feed_sync import feed_turns
from citizen_api.web.command import Beside

TICK_S: Final = 20.0
DEMO_TICK_S: Final = 0.5
"""So that what is asked of the demo city is seen at once."""
_CHORES_EVERY: Final = timedelta(hours=6)
_PATIENCE_MS: Final = 2_000
"""How long SQLite's log waits for its readers, so that what an erased device left in it goes within a tick."""
_READING_ENDS_S: Final = 5.0
"""How long a reading that is under way may hold up the end."""
_WORK_ENDS_S: Final = 8.0
"""How long what works beside may take to end: messages that are under way are settled."""
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_GOOD_LIFE_S: Final = 60.0
"""A process that lived so long is well: the next pause is the first again."""
_log = logging.getLogger("alentours.background")


def run_background(
    settings: Settings, database: Database, *, clock: Clock, demo: bool, beside: Sequence[Beside] = ()
) -> None:
    """Work until told to stop: by a signal, or because whoever started this process (and holds its input) is gone.

    Each of `beside` works in a thread of its own.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_wait_for_parent, args=(stop,), daemon=True, name="parent").start()
    with make_client(settings) as client, ExitStack() as stack:
        jobs: list[Callable[[], object]] = [
            *_chores(database, clock),
            partial(database.forget_deleted, patience_ms=_PATIENCE_MS),
        ]
        queueing = Queueing(database.engine)
        made_up, demo_bikes = _demo(stack, settings, queueing, client, clock) if demo else ([], [])

        def turns(feeds: Iterable[Feed]) -> list[Callable[[], object]]:
            reports_dir = settings.data_dir / REPORTS
            return [
                AirKeeper(queueing, group, clock=clock, reports_dir=reports_dir).turn for group in by_publisher(feeds)
            ]

        working = [
            threading.Thread(target=work_on, args=(settings, queueing, clock, stop), daemon=True, name="beside")
            for work_on in beside
        ]
        for thread in working:
            thread.start()
        work_beside(
            [
                *turns(feeds_from(settings, database, client)),
                *bike_turns(settings, queueing, client, clock),
                *feed_turns(settings, queueing, client, clock),
            ],
            jobs,
            stop,
            demo_turns=[*turns(made_up), *demo_bikes],
        )
        for thread in working:
            thread.join(_WORK_ENDS_S)


class Queueing(Database):
    """A database where writers of this process wait for each other, however long: SQLite would make them give up."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._writing = threading.Lock()

    @contextmanager
    def session(self, *, write: bool = True) -> Iterator[Session]:
        """Run a block in one transaction. A writing one must not be opened inside another."""
        with self._writing if write else nullcontext(), super().session(write=write) as session:
            yield session


def by_publisher(feeds: Iterable[Feed]) -> list[list[Feed]]:
    """The feeds by the first word of their id: those that share an interface, and its log-in, stay together."""
    ordered = sorted(feeds, key=_publisher)
    return [list(group) for _, group in groupby(ordered, key=_publisher)]


def _publisher(feed: Feed) -> str:
    return feed.info.id.partition("-")[0]


def work_beside(
    turns: Sequence[Callable[[], object]],
    jobs: Sequence[Callable[[], object]],
    stop: threading.Event,
    *,
    demo_turns: Sequence[Callable[[], object]] = (),
    tick_s: float = TICK_S,
    patience_s: float = _READING_ENDS_S,
) -> None:
    """Do the jobs here and each turn in a thread of its own, so that one that hangs holds up nothing else.

    The turns of the demo city come every `DEMO_TICK_S`.
    Told to stop, what is still under way after `patience_s` is abandoned.
    """
    threads = [
        threading.Thread(
            target=work, args=([_carefully(turn)], stop), kwargs={"tick_s": every_s}, daemon=True, name="air"
        )
        for some, every_s in ((turns, tick_s), (demo_turns, DEMO_TICK_S))
        for turn in some
    ]
    for thread in threads:
        thread.start()
    work([_carefully(job) for job in jobs], stop, tick_s=tick_s)
    ends_at = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))


def work(jobs: Sequence[Callable[[], object]], stop: threading.Event, *, tick_s: float = TICK_S) -> None:
    """Do every job again and again until told to stop."""
    while not stop.is_set():
        for job in jobs:
            job()
        stop.wait(tick_s)


@contextmanager
def background(settings: Settings, *, demo: bool, stopping: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Have a process do all this while a block runs: one that ends is started again, unless this one is `stopping`.

    It ends with this process, however that ends. Raises SettingsError.
    """
    check_feeds(settings)
    check_systems(settings)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    # -P: a stranger's app.py in the working directory is not ours.
    command = [sys.executable, "-P", "-m", "app", "background", *(["--demo"] if demo else [])]
    supervisor = _Supervisor(command, ours | settings.to_environment(), stopping)
    supervisor.start()
    try:
        yield
    finally:
        supervisor.stop()


class _Supervisor:
    """Keeps one process running until told to stop. Its pause before each new start doubles, up to a minute."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], stopping: Callable[[], bool]) -> None:
        self._command = command
        self._stopping = stopping
        self._environment = environment
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True, name="supervisor")

    def start(self) -> None:
        """Start the process. Raises OSError."""
        # Workers that are forked from this process would hold its end of the pipe open after it is gone. None is
        # forked while a pipe is made.
        os.register_at_fork(before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._let_go)
        self._start()
        self._thread.start()

    def stop(self) -> None:
        """End the supervision, then the process."""
        self._stop.set()
        with self._lock:  # after it none is started
            process = self._process
        if process is not None:
            process.terminate()
            self._thread.join(10)
            process.kill()  # nothing, if it has ended
        self._thread.join()

    def _start(self) -> None:
        with self._lock:
            if not self._stop.is_set():
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    self._command, env=self._environment, stdin=subprocess.PIPE
                )

    def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            code = self._wait()
            if time.monotonic() - began_s >= _GOOD_LIFE_S:
                pause_s = _FIRST_PAUSE_S
            # Ctrl-C reaches both processes, and the other may well end before this one knows that it stops.
            if self._stop.wait(pause_s) or self._stopping():
                return
            _log.error("the background process was gone: started again", extra={"exit_code": code, "after_s": pause_s})
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            try:
                self._start()
            except OSError:  # no memory, say: it may be there after the next pause
                _log.exception("the background process does not start")

    def _wait(self) -> int | None:
        """Wait for the end of the process, if there is one, and take in its exit code."""
        process = self._process
        if process is None:
            return None
        code = process.wait()
        with self._lock:
            self._process = None
            _close(process)
        return code

    def _let_go(self) -> None:
        if self._process is not None:
            _close(self._process)
        self._lock.release()


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _demo(
    stack: ExitStack, settings: Settings, database: Database, client: httpx.Client, clock: Clock
) -> tuple[list[Feed], list[Callable[[], object]]]:
    """The made-up feeds of air, and the turns that read made-up bikes and slots, published until the stack is left."""
    # Without --demo nothing of it exists.
    from citizen_api.demo.air import serving_demo_air  # noqa: PLC0415
    from citizen_api.demo.bikes import serving_demo_bikes  # noqa: PLC0415
    from citizen_api.demo.clinic import serving_demo_clinic  # noqa: PLC0415

    feed = stack.enter_context(serving_demo_air(settings, database, client, clock))
    bikes = stack.enter_context(serving_demo_bikes(settings, database, client, clock))
    clinics = stack.enter_context(serving_demo_clinic(settings, database, client, clock))
    return [feed], [*bikes, *clinics]


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


def _chores(database: Database, clock: Clock) -> list[Callable[[], object]]:
    every: list[tuple[timedelta, Callable[[Database, datetime], object]]] = [(_CHORES_EVERY, _retire), *chores()]
    return [_every(pause, chore, database, clock) for pause, chore in every]


def _every(
    pause: timedelta, chore: Callable[[Database, datetime], object], database: Database, clock: Clock
) -> Callable[[], object]:
    done_at: datetime | None = None

    def run() -> None:
        nonlocal done_at
        now = clock()
        if done_at is None or now - done_at >= pause:
            chore(database, now)
            done_at = now

    return run


def _retire(database: Database, now: datetime) -> None:
    with database.session() as session:
        retired = retire_silent(session, now)
    if retired:
        _log.info("silent devices retired", extra={"devices": retired})
