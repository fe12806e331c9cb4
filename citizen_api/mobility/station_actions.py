"""Writes of bike share. None of them commits."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.mobility.models import BikeStation, BikeSystem
from citizen_api.mobility.station_rules import DEMO_SYSTEM
from citizen_api.sources.gbfs import BikeStationRecord, BikeSystemRecord

BATCH_ROWS: Final = 2_000
_KEY: Final = ("system_id", "code")


def keep_system(session: Session, system_id: str) -> BikeSystem:
    """Have the row of a system, titled as the settings name it until it says more of itself."""
    row = session.get(BikeSystem, system_id)
    if row is None:
        row = BikeSystem(id=system_id, title=system_id, failures=0)
        session.add(row)
        session.flush()
    return row


def describe_system(row: BikeSystem, said: BikeSystemRecord) -> None:
    """Write down what a system says of itself today."""
    row.title = said.title or row.id
    row.producer, row.licence, row.url = said.producer, said.licence, said.url


def store_stations(
    session: Session, system_id: str, stations: Iterable[BikeStationRecord], *, fetched_at: datetime
) -> int:
    """Store the stations of a system as they are now, and give how many; one that is not among them goes."""
    rows = [asdict(station) | {"system_id": system_id, "fetched_at": fetched_at} for station in stations]
    insert = insert_or_update(session, BikeStation)
    changed = {name: insert.excluded[name] for name in BikeStation.__table__.columns.keys() if name not in _KEY}  # noqa: SIM118 - of columns, not of names
    upsert = insert.on_conflict_do_update(index_elements=_KEY, set_=changed)
    for start in range(0, len(rows), BATCH_ROWS):
        session.execute(upsert, rows[start : start + BATCH_ROWS])
    gone = delete(BikeStation).where(BikeStation.system_id == system_id, BikeStation.fetched_at != fetched_at)
    session.execute(gone)
    return len(rows)


def keep_only(session: Session, system_ids: Collection[str]) -> None:
    """Remove the systems, with their stations, that are not among these; the demo city's is not touched."""
    session.execute(delete(BikeSystem).where(BikeSystem.id.not_in([*system_ids, DEMO_SYSTEM])))


def remove_system(session: Session, system_id: str) -> None:
    """Remove a system and its stations."""
    session.execute(delete(BikeSystem).where(BikeSystem.id == system_id))
