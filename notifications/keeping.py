"""How long messages are kept: 60 days after the end of their wave, then only its counts.

What a reminder said goes once its appointment has begun: no handoff that has ended is found through it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from citizen_api.core.db import Database, changed_rows
from notifications import ledger
from notifications.audit import ELIGIBLE, audit
from notifications.models import Chunk, Message, Outcome, Slice, Wave
from notifications.queries import ATTEMPTS, attempts

KEPT_FOR: Final = timedelta(days=60)
AT_ONCE: Final = 20_000
"""Messages that go in one transaction."""
REMINDERS_AT_ONCE: Final = 500
"""Waves of reminders of which is forgotten, in one transaction, what they said."""
FORGOTTEN: Final = "appointment"
"""The tag of those: no wave that is still sent has it."""
_REMINDER_KINDS: Final = ("day", "hour")


def keep(database: Database, *, now: datetime) -> bool:
    """Count the waves that ended long ago, and let some of what they left go; True when more is to go.

    A wave is counted in one transaction; from then on everything is answered from its counts, and what goes is no
    longer counted as erased. Parts are a dictionary of all waves, and stay.
    """
    while _forget_appointments(database, now):
        pass
    _count_old(database, now)
    with database.session() as session:
        # Its slices go last: a wave that has none is done with.
        wave_id = session.scalar(select(Slice.wave_id).join(Wave).where(Wave.counts.is_not(None)).limit(1))
        if wave_id is None:
            return False
        if not _forget_messages(session, wave_id):
            for table in (Outcome, Chunk, Slice):
                session.execute(delete(table).where(table.wave_id == wave_id))
        return True


def _forget_appointments(database: Database, now: datetime) -> bool:
    """Let some waves of reminders forget which appointment they were about; True when there may be more.

    Their messages stay and are counted, and say nothing any more: an outcome holds the time as well, and without it a
    message is not shown to its device.
    """
    starts_s = Wave.scope["reminder", "starts_s"].as_float()
    over = (
        select(Wave.id)
        .where(Wave.lane == ledger.REMINDERS, Wave.settled_at.is_not(None), starts_s <= now.timestamp())
        .limit(REMINDERS_AT_ONCE)
    )
    with database.session(write=False) as session:
        ids = session.scalars(over).all()
    if not ids:
        return False
    with database.session() as session:
        session.execute(delete(Outcome).where(Outcome.wave_id.in_(ids)))
        for kind in _REMINDER_KINDS:
            is_such = Wave.id.in_(ids), Wave.scope["reminder", "kind"].as_string() == kind
            session.execute(
                update(Wave).where(*is_such).values(scope={"reminder": {"kind": kind}}, tag=FORGOTTEN),
                execution_options={"synchronize_session": False},
            )
    return len(ids) == REMINDERS_AT_ONCE


def _count_old(database: Database, now: datetime) -> None:
    old = (
        select(Wave.id)
        .where(Wave.counts.is_(None), func.coalesce(Wave.settled_at, Wave.stopped_at) < now - KEPT_FOR)
        .order_by(Wave.id)
    )
    with database.session(write=False) as session:
        ids = session.scalars(old).all()
    for wave_id in ids:
        with database.session() as session:
            # Locked before it is counted: whoever erases a device meanwhile waits, and finds it counted.
            wave = session.get(Wave, wave_id, with_for_update=True)
            if wave is not None and wave.counts is None:
                wave.counts = _counts(session, wave)


def _counts(session: Session, wave: Wave) -> dict[str, int]:
    balance = audit(session, wave)
    return {
        ELIGIBLE: balance.eligible,
        **balance.counts,
        **{f"{ATTEMPTS} {one.platform} {one.verdict} {one.code}": one.count for one in attempts(session, wave)},
    }


def _forget_messages(session: Session, wave_id: int) -> int:
    """Delete some messages of a wave, their attempts with them; give how many."""
    ids = (
        select(Message.device_id)
        .where(Message.wave_id == wave_id)
        .order_by(Message.device_id)
        .limit(AT_ONCE)
        .subquery()
    )
    last = session.scalar(select(func.max(ids.c.device_id)))
    if last is None:
        return 0
    return changed_rows(session.execute(delete(Message).where(Message.wave_id == wave_id, Message.device_id <= last)))
