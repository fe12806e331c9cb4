"""Synthetic residents and synthetic facts about their air, for measuring: as many as asked for, all drawn from a seed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import Engine, Table, select, text
from sqlalchemy.orm import Session

from citizen_api.air.models import AirFact, AirSource
from citizen_api.people.device_models import Consent, Device, Preferences, Registration, Watch
from citizen_api.people.wishes import DEFAULT_PROFILE, QuietHours, day_bounds
from citizen_api.territory.models import Commune
from dataclasses import replace

BATCH = 20_000
PROFILES = tuple(
    replace(DEFAULT_PROFILE, quiet=None, brief_at=DEFAULT_PROFILE.brief_at.replace(hour=hour), cap_per_day=cap)
    for hour in (6, 7, 8)
    for cap in (3, 5)
)


def make_residents(engine: Engine, *, devices: int, now: datetime, kind: str = "fcm_token", seed: int = 1) -> None:
    """Insert devices that consent to alerts, each with one registration and one watch of the air from level 3 on."""
    draw = Random(seed)
    with Session(engine) as session:
        communes = sorted(session.scalars(select(Commune.code)))
    day = now.date()

    def rows() -> Iterator[tuple[dict[str, Any], ...]]:
        for number in range(devices):
            identity = draw.randbytes(11).hex()
            value = f"synthetic-{number:08d}-{secrets.token_hex(60)}" if kind != "log" else ""
            yield (
                {"id": identity, "token_hash": f"{identity}-{number}", "created_on": day, "seen_on": day},
                {"device_id": identity, "language": "fr", "profile_key": draw.choice(PROFILES).key},
                {"device_id": identity, "purpose": "alerts", "version": "1", "given_at": now, "withdrawn_at": None},
                {
                    "device_id": identity,
                    "kind": kind,
                    "value": value,
                    "digest": f"{identity}-{number}",
                    "state": "alive",
                    "created_at": now,
                },
                {
                    "id": identity,
                    "device_id": identity,
                    "commune_code": communes[draw.randrange(len(communes))],
                    "hazard": "air",
                    "level": 3,
                    "told_when": "evening_before",
                },
            )

    made = rows()
    tables = [model.__table__ for model in (Device, Preferences, Consent, Registration, Watch)]
    while batch := list(islice(made, BATCH)):
        with engine.begin() as connection:
            for table, inserted in zip(tables, zip(*batch, strict=True), strict=True):
                connection.execute(table.insert(), list(inserted))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def make_facts(engine: Engine, *, day: date, level: int, now: datetime) -> None:
    """Insert an index of the air for every commune of France."""
    starts_at, ends_at = day_bounds(day, zone="Europe/Paris")
    with Session(engine) as session, session.begin():
        if session.get(AirSource, "synthetic") is None:
            session.add(
                AirSource(id="synthetic", title="Synthetic", producer="Synthetic", licence="none", failures=0)
            )
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
        session.execute(AirFact.__table__.insert(), [same | {"zone_code": code} for code in session.scalars(select(Commune.code))])
