"""Writes about what devices were told. None of them commits."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from content.hazards import WATCHED
from notifications import rules
from notifications.models import Disturbance, ToldDay
from notifications.rules import Decision


def record_told(session: Session, device_id: str, decision: Decision, *, day: date, now: datetime) -> None:
    """Note what a device was just told about an alert day. Raises ValueError for a decision to tell nothing."""
    if decision.action != "tell" or decision.kind is None or decision.expires_at is None:
        raise ValueError("only what was told is noted")
    row = session.get(ToldDay, (device_id, day)) or ToldDay(device_id=device_id, day=day)
    for hazard in WATCHED:
        setattr(row, hazard, decision.levels.get(hazard))
    row.expires_at, row.told_at = decision.expires_at, now
    session.add(row)
    if decision.counts:
        session.add(Disturbance(device_id=device_id, kind=decision.kind, told_at=now))


def forget_told(session: Session, *, now: datetime) -> None:
    """Forget what decides nothing any more: words that are over since a week, disturbances older than one."""
    session.execute(delete(ToldDay).where(ToldDay.expires_at < now - rules.WEEK))
    session.execute(delete(Disturbance).where(Disturbance.told_at <= now - rules.WEEK))
