"""Reads about one device and its wishes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Column, or_, select
from sqlalchemy.orm import Session

from citizen_api.core.db import Base
from citizen_api.people.device_models import Consent, Device, Preferences, Registration, Watch
from citizen_api.people.wishes import Profile

PURPOSES: Final = ("alerts", "campaigns", "reminders")
"""What a device may consent to, each by itself."""
_SHOWN_OF_SECRET: Final = 6


def shortened(secret: str) -> str:
    """Show enough of a secret to recognise it, not to use it: its last six letters."""
    return f"…{secret[-_SHOWN_OF_SECRET:]}" if secret else ""


def device_shown(session: Session, device_id: str) -> dict[str, Any]:
    """Give a device's dates, and how much there is of what it can list."""
    device = session.get_one(Device, device_id)
    counts = {
        "registrations": len(registrations(session, device_id)),
        "watches": len(watches(session, device_id)),
        "consents": sum(consent.withdrawn_at is None for consent in consents(session, device_id).values()),
    }
    return {"id": device.id, "created_on": device.created_on, "seen_on": device.seen_on, "counts": counts}


def registrations(session: Session, device_id: str) -> Sequence[Registration]:
    """List how a device is reached."""
    return session.scalars(
        select(Registration).where(Registration.device_id == device_id).order_by(Registration.kind, Registration.id)
    ).all()


def watches(session: Session, device_id: str) -> Sequence[Watch]:
    """List what a device watches, in the order of commune, hazard and when."""
    return session.scalars(
        select(Watch)
        .where(Watch.device_id == device_id)
        .order_by(Watch.commune_code, Watch.hazard, Watch.told_when.desc())
    ).all()


def preferences(session: Session, device_id: str) -> tuple[str, Profile]:
    """Give a device's language and its profile."""
    row = session.get_one(Preferences, device_id)
    return row.language, Profile.from_key(row.profile_key)


def consents(session: Session, device_id: str) -> dict[str, Consent]:
    """Give the consents of a device, standing or withdrawn, by purpose."""
    rows = session.scalars(select(Consent).where(Consent.device_id == device_id))
    return {row.purpose: row for row in rows}


def everything_about(session: Session, device_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that names a device, by table, whatever part of the product holds it; secrets are shortened."""
    device = Base.metadata.tables[Device.__tablename__].c.id
    held = {}
    for table in Base.metadata.sorted_tables:
        naming = [column for column in table.columns if _leads_to(column, device)]
        if naming:
            rows = session.execute(select(table).where(or_(*(column == device_id for column in naming))))
            held[table.name] = [
                {column.name: _plain(value, column) for column, value in zip(table.columns, row, strict=True)}
                for row in rows
            ]
    return held


def _leads_to(column: Column[Any], device: Column[Any]) -> bool:
    """Whether a column holds a device's id: as a foreign key to it, or to another column that holds it."""
    return column is device or any(_leads_to(key.column, device) for key in column.foreign_keys)


def _plain(value: Any, column: Column[Any]) -> Any:
    if column.info.get("secret") and value is not None:
        return shortened(value)
    return value.isoformat() if isinstance(value, date | datetime) else value
