"""The whole product, ledger included: `alentours background` sends a wave to the double. And planning by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.load import BINARIES, ROOT
from bench.push_double import Double
from bench.push_store import Residents, fresh_copy, url_of
from bench.residents import alert_day, make_facts
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from notifications.audit import audit
from notifications.models import Mark, Wave
from notifications.planning import EVERYBODY, Planner, open_wave
from notifications.triggers.air import Finder

LEVEL = 4
RAISED_RATE_PER_S, CONNECTIONS = 40_000, 16
LEAST_RATE_PER_S = 500
"""Slower than that a wave is given up."""
FIRST_SECONDS = 5
"""Of a wave, in which memory may still grow."""
_POLL_S = 0.02


@contextmanager
def product(
    database: Database, double: Double, folder: Path, *, rate_per_s: int, connections: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the background process of the product on a database for the length of a block."""
    settings = {
        "ALENTOURS_DATA_DIR": str(folder / "var"),
        "ALENTOURS_DATABASE_URL": url_of(database),
        "ALENTOURS_PUSH_RATE_PER_S": str(rate_per_s),
        "ALENTOURS_PUSH_FCM_CONNECTIONS": str(connections),
        **double.settings,
    }
    # It ends when its input does: this process, however it ends, leaves none behind. BENCH_BACKGROUND: a program to
    # start in its place, a profiler for instance.
    command = [os.environ.get("BENCH_BACKGROUND") or BINARIES / "alentours", "background"]
    with (folder / "background.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=os.environ | settings, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    assert process.stdin is not None
    try:
        wait_until(lambda: process.poll() is not None or _has_looked(database), patience_s=120)
        if process.returncode is not None:
            raise RuntimeError((folder / "background.log").read_text(encoding="utf-8")[-2_000:])
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()


def plan_alone(of: Residents) -> dict[str, Any]:
    """Plan a wave for everybody over all communes, while nothing is sent: seconds from its opening."""
    with fresh_copy(of) as database:
        now = system_clock()
        make_facts(database.engine, day=alert_day(now), level=LEVEL, now=now)
        slices: list[float] = []
        planner = Planner(database, clock=system_clock, find=Finder)
        started_s = time.perf_counter()
        with database.session() as session:
            open_wave(session, key="bench", day=alert_day(now), scope=EVERYBODY, now=system_clock())
        planner.plan_next(planned=lambda: slices.append(time.perf_counter() - started_s))
        took_s = time.perf_counter() - started_s
        with database.session(write=False) as session:
            eligible = audit(session, session.scalars(select(Wave)).one()).eligible
    assert eligible == of.devices, eligible
    return {"devices": of.devices, "planned_s": took_s, "first_slice_s": slices[0]}


def send_wave(of: Residents, double: Double, folder: Path) -> dict[str, Any]:
    """Let facts come in, and the product tell everybody: from noticing them to the last acceptance."""
    with (
        fresh_copy(of) as database,
        product(database, double, folder, rate_per_s=RAISED_RATE_PER_S, connections=CONNECTIONS) as process,
        sampled_rss_mb(process.pid) as memory,
    ):
        double.reset()
        now = system_clock()
        make_facts(database.engine, day=alert_day(now), level=LEVEL, now=now)
        samples = _acceptances(double, of.devices)
        end_at = samples[-1][0]
        wait_until(lambda: _wave(database).settled_at is not None, patience_s=60)
        wave = _wave(database)
        with database.session(write=False) as session:
            balance = audit(session, wave)
        refused = double.counts()["refused"]
    assert balance.eligible == of.devices == balance.counts["accepted"], balance
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    opened_at, later = wave.opened_at.timestamp(), [mb for at, mb in memory if first_at + FIRST_SECONDS < at < end_at]
    return {
        "messages": of.devices,
        "accepted": samples[-1][1],
        "refused": refused,
        "messages_per_s": (last - first) / (last_at - first_at),
        "first_acceptance_s": first_at - opened_at,
        "planned_s": _seconds_between(wave.opened_at, wave.planned_at),
        "settled_s": _seconds_between(wave.opened_at, wave.settled_at),
        "rss_mb": [round(mb, 1) for at, mb in memory if at < end_at],
        "least_rss_mb": min(later, default=None),
        "most_rss_mb": max(later, default=None),
    }


@contextmanager
def sampled_rss_mb(pid: int) -> Iterator[list[tuple[float, float]]]:
    """Note (when, MB resident) of a process each second for the length of a block."""
    samples: list[tuple[float, float]] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(1.0):
            try:
                lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
            except OSError:
                return
            kib = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
            samples.append((time.time(), kib * 1024 / 1e6))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _acceptances(double: Double, messages: int) -> list[tuple[float, int]]:
    """Look how many were accepted, from the first on to the last: (when, how many). Raises TimeoutError."""
    samples: list[tuple[float, int]] = []
    ends_at = time.time() + 60 + messages / LEAST_RATE_PER_S
    while not samples or samples[-1][1] < messages:
        now = time.time()
        if now > ends_at:
            raise TimeoutError(f"only {samples[-1:]} of {messages} messages were accepted")
        accepted = double.accepted()
        if accepted:
            samples.append((now, accepted))
        # At first often, to see the first; then seldom, since the double shares the machine.
        time.sleep(10 * _POLL_S if samples and messages - accepted > messages / 50 else _POLL_S)
    return samples


def _wave(database: Database) -> Wave:
    """The wave that tells everybody."""
    with database.session(write=False) as session:
        return session.scalars(select(Wave).order_by(Wave.id)).first() or Wave()


def _has_looked(database: Database) -> bool:
    with database.session(write=False) as session:
        return bool(session.scalar(select(func.count()).select_from(Mark)))


def wait_until(is_so: Callable[[], bool], *, patience_s: float) -> None:
    """Wait until something is so. Raises TimeoutError."""
    ends_at = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > ends_at:
            raise TimeoutError("the product does not get on")
        time.sleep(0.1)


def _seconds_between(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds()
