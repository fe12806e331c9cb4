"""Keeps bike share in step: each system in its turn, whichever process takes it.

A system that is down is asked more and more seldom, at last every quarter of an hour: what its stations said last
stays, with its age, until they count as silent.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import httpx
from sqlalchemy import or_, update

from citizen_api.air.keeping import REPORTS
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, changed_rows
from citizen_api.core.settings import PREFIX, Settings, SettingsError
from citizen_api.mobility import station_actions as actions
from citizen_api.mobility.models import SYSTEM_ID_LENGTH, BikeSystem
from citizen_api.mobility.station_rules import DEMO_SYSTEM
from citizen_api.sources.air_fetch import AirSourceError, BusyError, CredentialsError, UnreadableError
from citizen_api.sources.gbfs import BikeReading, BikeStationRecord, Gbfs
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.rejected import RejectedFile, remove_earlier

LEASE: Final = timedelta(minutes=3)
"""How long a system is left to the process that took its turn: five calls as long as one may be, and a storing."""
LEAST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(minutes=15)
JITTER: Final = 0.1
"""Share of a wait by which it is longer, so that cities do not ask a system in the same second."""
_PROBLEMS: Final = {BusyError: "busy", CredentialsError: "credentials", UnreadableError: "unreadable"}
_log = logging.getLogger("alentours.bikes")


class Source(Protocol):
    """Where a system is read."""

    def read(self, now: datetime) -> BikeReading:
        """Read it. Raises AirSourceError."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one turn: stations stored, rows rejected by code, or the code of what went wrong and why."""

    stations: int
    rejected: Counter[str]
    problem: str | None = None
    why: str = ""


class BikeKeeper:
    """Reads one system when it is due. Several processes may run one each: a turn is taken in the database."""

    def __init__(
        self,
        database: Database,
        system_id: str,
        source: Source,
        *,
        clock: Clock,
        reports_dir: Path,
        silent_s: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`silent_s`: of the settings. `draw` gives a number in [0, 1) for the jitter."""
        self._database = database
        self._id = system_id
        self._source = source
        self._clock = clock
        self._reports_dir = reports_dir
        self._most_wait = max(LEAST_WAIT, timedelta(seconds=silent_s / 2))
        self._draw = draw

    def turn(self) -> Turn | None:
        """Read the system, if it is due and nobody else took the turn; None if not.

        What nobody expected is raised, but counts as a failure: the system is asked more seldom, and it is seen.
        """
        lease = self._take()
        if lease is None:
            return None
        try:
            return self._read(lease)
        except Exception as error:
            self._failed(lease, "failed", type(error).__name__, None)
            raise

    def _take(self) -> datetime | None:
        now = self._clock()
        lease = now + LEASE
        with self._database.session() as session:
            actions.keep_system(session, self._id)
            taken = session.execute(
                update(BikeSystem)
                .where(BikeSystem.id == self._id)
                .where(or_(BikeSystem.next_try_at.is_(None), BikeSystem.next_try_at <= now))
                .values(next_try_at=lease)
            )
            return lease if changed_rows(taken) == 1 else None

    def _read(self, lease: datetime) -> Turn:
        now = self._clock()
        try:
            # No transaction is open while the outside is asked.
            reading = self._source.read(now)
        except AirSourceError as error:
            problem = next((code for kind, code in _PROBLEMS.items() if isinstance(error, kind)), "down")
            wait_s = error.retry_after_s if isinstance(error, BusyError) else None
            return self._failed(lease, problem, str(error), wait_s)
        stations = [item for item in reading.items if isinstance(item, BikeStationRecord)]
        rejected = self._report([item for item in reading.items if isinstance(item, RejectedRow)], now)
        if not stations:
            return self._failed(lease, "empty", "no usable station in the answer", None, rejected)
        with self._database.session() as session:
            row = actions.keep_system(session, self._id)
            was_well = row.failures == 0 and row.fetched_at is not None
            actions.describe_system(row, reading.system)
            row.fetched_at, row.failures, row.problem = now, 0, None
            actions.store_stations(session, self._id, stations, fetched_at=now)
            self._wait(row, lease, min(max(timedelta(seconds=reading.ttl_s), LEAST_WAIT), self._most_wait))
        made_at = reading.updated_at
        _log.log(
            # Once a minute for each system, all is well: that is not said every time.
            logging.DEBUG if was_well and not rejected else logging.INFO,
            "bike share read",
            extra={
                "source": self._id,
                "stations": len(stations),
                "rejected": rejected.total(),
                # A feed that stands still looks well until its stations are silent.
                "feed_age_s": None if made_at is None else int((now - made_at).total_seconds()),
            },
        )
        return Turn(len(stations), rejected)

    def _report(self, rows: list[RejectedRow], now: datetime) -> Counter[str]:
        name = f"bikes-{self._id}"
        with RejectedFile(self._reports_dir, name, now) as file:
            for row in rows:
                file.write(row)
        remove_earlier(self._reports_dir, name, kept=file.path)
        return Counter(row.code for row in rows)

    def _failed(
        self, lease: datetime, problem: str, why: str, wait_s: float | None, rejected: Counter[str] | None = None
    ) -> Turn:
        with self._database.session() as session:
            row = actions.keep_system(session, self._id)
            row.failures += 1
            row.problem = problem
            wait = min(LEAST_WAIT * 2 ** min(row.failures - 1, 10), LONGEST_WAIT)
            self._wait(row, lease, max(wait, timedelta(seconds=wait_s or 0)))
        _log.warning("bike share not read", extra={"source": self._id, "problem": problem, "why": why})
        return Turn(0, rejected or Counter(), problem, why)

    def _wait(self, row: BikeSystem, lease: datetime, wait: timedelta) -> None:
        """Say when the next turn is due, unless somebody else said so while this one was under way."""
        if row.next_try_at == lease:
            row.next_try_at = self._clock() + wait * (1 + JITTER * self._draw())


def check_systems(settings: Settings) -> dict[str, str]:
    """Give the address of each system by its name. Raises SettingsError; it shows no address, which may hold a key."""
    found: dict[str, str] = {}
    for named in settings.mobility_gbfs:
        name, _, url = named.partition("=")
        if name == DEMO_SYSTEM or name in found or len(name) > SYSTEM_ID_LENGTH:
            raise SettingsError(
                f"{PREFIX}MOBILITY_GBFS: {name[:SYSTEM_ID_LENGTH]!r} is taken or too long; names differ, "
                f"none is {DEMO_SYSTEM!r}"
            )
        found[name] = url
    return found


def bike_turns(
    settings: Settings, database: Database, client: httpx.Client, clock: Clock
) -> list[Callable[[], object]]:
    """Give a turn of each system of the settings, to be called again and again; systems that left them are removed.

    Raises SettingsError.
    """
    systems = check_systems(settings)
    with database.session() as session:
        actions.keep_only(session, systems)
    return [keeper_of(settings, database, name, Gbfs(client, url), clock=clock).turn for name, url in systems.items()]


def keeper_of(settings: Settings, database: Database, name: str, source: Source, *, clock: Clock) -> BikeKeeper:
    """Make the keeper of a system, as the settings say."""
    return BikeKeeper(
        database,
        name,
        source,
        clock=clock,
        reports_dir=settings.data_dir / REPORTS,
        silent_s=settings.mobility_station_silent_s,
    )


def forget_demo_bikes(database: Database) -> None:
    """Without --demo nothing of the demo city exists, not even what an earlier run left in the tables."""
    with database.session() as session:
        actions.remove_system(session, DEMO_SYSTEM)
