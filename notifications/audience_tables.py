"""The temporary tables in which an audience is decided. They belong to one connection, and go with it.

All on which a decision rests is packed into a few whole numbers (`audience_codes`): databases compare those fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table
from sqlalchemy.orm import Session

from citizen_api.core.db import Instant
from content.hazards import WATCHED

METADATA: Final = MetaData()
_BATCH: Final = 10_000


def _temporary(name: str, *columns: Column[Any]) -> Table:
    # Tables of more than one transaction: see `Database.pinned`.
    return Table(
        name, METADATA, *columns, prefixes=["TEMPORARY"], sqlite_with_rowid=not any(c.primary_key for c in columns)
    )


STANDING: Final = _temporary(
    "audience_standing",
    Column("commune_code", String(5), primary_key=True),
    Column("hazard", String(10), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("is_alert", Integer, nullable=False),
    Column("since", Integer, nullable=False),
    Column("starts", Integer, nullable=False),
    Column("ends", Integer, nullable=False),
    Column("cause", String(10), nullable=False),
    Column("tier", String(12), nullable=False),
    Column("is_demo", Boolean, nullable=False),
    Column("part_id", Integer),
)
"""What is known. `since` and `ends` are seconds (`Codes`), `starts` the number of a moment."""
PROFILE: Final = _temporary(
    "audience_profile",
    Column("profile_key", String(100), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("day_starts_at", Instant, nullable=False),
    Column("week_starts_at", Instant, nullable=False),
)
DUE: Final = _temporary(
    "audience_due",
    Column("profile", Integer, primary_key=True, autoincrement=False),
    Column("told_when", String(15), primary_key=True),
    Column("starts", Integer, primary_key=True, autoincrement=False),
)
"""The watches whose moment has come: what is not in it has not."""
SCOPE: Final = _temporary("audience_scope", Column("device_id", String(22), primary_key=True))
"""The devices that are decided about, where that is not everybody."""
CASE: Final = _temporary(
    "audience_case",
    Column("device_id", String(22), nullable=False),
    Column("who", BigInteger, nullable=False),
    Column("consents", Integer, nullable=False),
    Column("reachable", Integer, nullable=False),
    *(Column(hazard, BigInteger, nullable=False) for hazard in WATCHED),
    *(Column(f"{hazard}_part", BigInteger) for hazard in WATCHED),
    *(Column(f"{hazard}_before", Integer) for hazard in WATCHED),
)
"""A device, with all on which its decision rests: `who` and, for each hazard that it watches, one number."""
OUTCOME: Final = _temporary(
    "audience_outcome",
    Column("who", BigInteger, nullable=False, index=True),
    *(Column(hazard, BigInteger, nullable=False) for hazard in WATCHED),
    Column("number", Integer, nullable=False),
    *(Column(f"{hazard}_from", Integer) for hazard in WATCHED),
)
"""What was decided for a case: the number of its decision, and whose word each hazard has (NOW, BEFORE or neither)."""
NOW: Final = 1
BEFORE: Final = 2


def insert(session: Session, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows in batches."""
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            session.execute(table.insert(), batch)
            batch.clear()
    if batch:
        session.execute(table.insert(), batch)
