"""Synthetic residents and synthetic facts about their air, for measuring: as many as asked for, all drawn from a seed.

They are loaded as fast as a database can, but into its tables as they are in life: ids in random order, every index in
place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, cast

from sqlalchemy import Engine, Table, insert, select, text
from sqlalchemy.orm import Session

from citizen_api.air.models import AirFact, AirSource
from citizen_api.people.device_models import Consent, Device, Preferences, Registration, Watch
from citizen_api.people.wishes import DEFAULT_PROFILE, day_bounds, local_day
from citizen_api.territory.models import Commune

ZONE = DEFAULT_PROFILE.zone
BATCH = 50_000
SQLITE_CACHE_KB = 1_500_000
TOKEN_LETTERS = 142
"""As long as FCM's are."""
MARK = "marked-"
"""How the tokens of devices in groups begin."""
COMMUNES_OF_GROUP = 10
PROFILES = tuple(
    replace(DEFAULT_PROFILE, quiet=None, brief_at=DEFAULT_PROFILE.brief_at.replace(hour=hour), cap_per_day=cap)
    for hour in (6, 7, 8)
    for cap in (3, 5)
)
COLUMNS: dict[Table, tuple[str, ...]] = {
    cast("Table", model.__table__): names
    for model, names in (
        (Device, ("id", "token_hash", "created_on", "seen_on")),
        (Preferences, ("device_id", "language", "profile_key")),
        (Consent, ("device_id", "purpose", "version", "given_at")),
        (Registration, ("device_id", "kind", "value", "digest", "state", "created_at")),
        (Watch, ("id", "device_id", "commune_code", "hazard", "level", "told_when")),
    )
}
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """The first devices are in groups of `size`; the communes of a group nobody else watches."""

    count: int = 0
    size: int = 0

    def of(self, number: int) -> int | None:
        """The group of a device, by its number."""
        return number // self.size if self.size and number < self.count * self.size else None


NOBODY = Groups()


def alert_day(now: datetime) -> date:
    """The day about which everybody is told at once: today, from 17:00 on tomorrow."""
    return local_day(now + timedelta(hours=7), zone=ZONE)


def communes_of(session: Session, group: int) -> list[str]:
    """The communes of a group."""
    return _communes(session)[group * COMMUNES_OF_GROUP : (group + 1) * COMMUNES_OF_GROUP]


def make_residents(
    engine: Engine, *, devices: int, now: datetime, kind: str = "fcm_token", seed: int = 1, groups: Groups = NOBODY
) -> None:
    """Insert devices that consent to alerts, each with one registration and one watch of the air from level 3 on."""
    with Session(engine) as session:
        communes = _communes(session)
    made = _rows(communes, devices=devices, now=now, kind=kind, draw=Random(seed), groups=groups)
    if engine.dialect.name == "sqlite":
        engine.dispose()
        _load_sqlite(str(engine.url.database), made)
    else:
        _load_postgresql(engine, made)


def make_facts(
    engine: Engine, *, day: date, level: int, now: datetime, communes: Collection[str] | None = None
) -> None:
    """Insert an index of the air for communes, for every one of France when none are named."""
    starts_at, ends_at = day_bounds(day, zone=ZONE)
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        if session.get(AirSource, "synthetic") is None:
            session.add(AirSource(id="synthetic", title="Synthetic", producer="Synthetic", licence="none", failures=0))
            session.flush()
        same = {
            "source_id": "synthetic",
            "hazard": "air",
            "kind": "index",
            "zone_kind": "commune",
            "subject": "",
            "day": day,
            "level": level,
            "tier": None,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "details": {"levels": {"PM2.5": level}},
            "published_at": now,
            "known_at": now,
            "since": now,
        }
        codes = _communes(session) if communes is None else communes
        session.execute(insert(AirFact), [same | {"zone_code": code} for code in codes])


def _communes(session: Session) -> list[str]:
    return sorted(session.scalars(select(Commune.code)))


def _rows(
    communes: Sequence[str], *, devices: int, now: datetime, kind: str, draw: Random, groups: Groups
) -> Iterator[tuple[Row, ...]]:
    """For each device its row of each table of COLUMNS. Moments as text that both databases read."""
    day, moment = now.date().isoformat(), now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    keys = [profile.key for profile in PROFILES]
    own = groups.count * COMMUNES_OF_GROUP
    others = len(communes) - own
    for number in range(devices):
        identity = draw.randbytes(11).hex()
        group = groups.of(number)
        first, among = (own, others) if group is None else (group * COMMUNES_OF_GROUP, COMMUNES_OF_GROUP)
        commune = communes[first + int(draw.random() * among)]
        start = "synthetic-" if group is None else MARK
        value = "" if kind == "log" else f"{start}{draw.randbytes(TOKEN_LETTERS // 2).hex()}"[:TOKEN_LETTERS]
        digest = f"{identity}-{number}"
        yield (
            (identity, digest, day, day),
            (identity, "fr", keys[int(draw.random() * len(keys))]),
            (identity, "alerts", "1", moment),
            (identity, kind, value, digest, "alive", moment),
            (identity, identity, commune, "air", 3, "evening_before"),
        )


def _load_sqlite(path: str, made: Iterator[tuple[Row, ...]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Nobody else is here yet, and what is lost by a crash is made anew.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{SQLITE_CACHE_KB}"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute("BEGIN")
        while batch := list(islice(made, BATCH)):
            for (table, names), rows in zip(COLUMNS.items(), zip(*batch, strict=True), strict=True):
                places = ", ".join("?" * len(names))
                connection.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})", rows)  # noqa: S608 - our own names
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA journal_mode=WAL").close()
    finally:
        connection.close()


def _load_postgresql(engine: Engine, made: Iterator[tuple[Row, ...]]) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.scalar(text("SELECT current_setting('is_superuser')")) == "on":
            # No look-up of each device for each of its rows: they are made together.
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("SET synchronous_commit = off"))
        cursor = cast("Any", connection.connection.driver_connection).cursor()
        while batch := list(islice(made, BATCH)):
            for (table, names), rows in zip(COLUMNS.items(), zip(*batch, strict=True), strict=True):
                with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                    # What is made here holds no tab, backslash or line end.
                    copy.write("".join("\t".join(map(str, row)) + "\n" for row in rows))
        cursor.close()
        connection.execute(text("RESET session_replication_role"))
        connection.execute(text("VACUUM ANALYZE"))
