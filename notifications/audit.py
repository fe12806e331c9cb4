"""Does every wave balance? Counted from the ledger itself, in one statement: one instant, whoever writes meanwhile.

A slice is planned in one transaction with its messages, and a device that erases itself is counted on the wave in the
erasing one: a wave balances at every instant, also while it is planned and sent.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from citizen_api.core.db import Database
from notifications import ledger
from notifications.ledger import Balance
from notifications.models import Message, Slice, Wave

ELIGIBLE: Final = "eligible"
"""Beside the categories in `Wave.counts`."""
_log = logging.getLogger("alentours.audit")
_settled_log = logging.getLogger("alentours.waves")


@dataclass(frozen=True, slots=True)
class Audited:
    """A wave at the instant of its audit."""

    wave_id: int
    balance: Balance
    is_settled: bool

    @property
    def ailing(self) -> str | None:
        """What is wrong with it, in one sentence; None: nothing is."""
        missing, unfinished = self.balance.missing, self.balance.open
        wrongs = []
        if missing > 0:
            wrongs.append(f"{missing} of {self.balance.eligible} eligible devices are in no category")
        if missing < 0:
            wrongs.append(f"{-missing} more than its {self.balance.eligible} eligible devices are in a category")
        if self.is_settled and unfinished:
            wrongs.append(f"it is settled, and {unfinished} of its messages are not")
        return "; ".join(wrongs) or None


def audit(session: Session, wave: Wave) -> Balance:
    """Count a wave."""
    return audits(session, [wave.id])[wave.id].balance


def audits(session: Session, wave_ids: Collection[int]) -> dict[int, Audited]:
    """Count some waves, all at one instant."""
    planned = (
        select(
            Slice.wave_id,
            func.sum(Slice.eligible).label("eligible"),
            func.sum(Slice.no_consent).label("no_consent"),
        )
        .where(Slice.wave_id.in_(wave_ids))
        .group_by(Slice.wave_id)
        .subquery()
    )
    found = (
        select(Message.wave_id, Message.state, func.count().label("messages"))
        .where(Message.wave_id.in_(wave_ids))
        .group_by(Message.wave_id, Message.state)
        .subquery()
    )
    query = (
        select(
            Wave.id,
            Wave.settled_at,
            Wave.erased,
            Wave.counts,
            planned.c.eligible,
            planned.c.no_consent,
            found.c.state,
            found.c.messages,
        )
        .outerjoin(planned, planned.c.wave_id == Wave.id)
        .outerjoin(found, found.c.wave_id == Wave.id)
        .where(Wave.id.in_(wave_ids))
    )
    rows: dict[int, list[Any]] = {}
    for row in session.execute(query):
        rows.setdefault(row.id, []).append(row)
    return {wave_id: Audited(wave_id, _balance(of), of[0].settled_at is not None) for wave_id, of in rows.items()}


def audit_open(database: Database, *, now: datetime) -> int:
    """Audit every wave that is open, each settled one once more, and those that ail; give how many do not balance.

    What ails is written on the wave and logged as an error; a wave that balances again is healed.
    """
    due = select(Wave.id, Wave.code, Wave.ailing, Wave.audited_at).where(
        Wave.counts.is_(None), or_(Wave.settled_at.is_(None), Wave.audited_at.is_(None), Wave.ailing.is_not(None))
    )
    with database.session(write=False) as session:
        before = {row.id: row for row in session.execute(due)}
        audited = audits(session, before.keys()) if before else {}
    changed = {
        wave_id: one
        for wave_id, one in audited.items()
        if one.ailing != before[wave_id].ailing or (one.is_settled and before[wave_id].audited_at is None)
    }
    if changed:
        with database.session() as session:
            for wave_id, one in changed.items():
                values: Mapping[str, Any] = {"ailing": one.ailing} | ({"audited_at": now} if one.is_settled else {})
                session.execute(update(Wave).where(Wave.id == wave_id).values(**values))
        for wave_id, one in changed.items():
            _tell(wave_id, before[wave_id].ailing, one.ailing)
            if one.is_settled and before[wave_id].audited_at is None:
                _say_settled(before[wave_id].code, one)
    return sum(one.ailing is not None for one in audited.values())


def _balance(rows: Sequence[Any]) -> Balance:
    """What the rows of one wave say, one for each state of its messages; from its counts where only they are left."""
    wave = rows[0]
    if wave.counts is not None:
        kept = {category: wave.counts.get(category, 0) for category in ledger.CATEGORIES}
        return Balance(eligible=wave.counts.get(ELIGIBLE, 0), counts=kept)
    # A state that the ledger does not know is left out, and so the wave does not balance.
    messages = {row.state: row.messages for row in rows if row.state in ledger.STATES}
    counts = {ledger.NO_CONSENT: int(wave.no_consent or 0), ledger.ERASED: wave.erased}
    return Balance(
        eligible=int(wave.eligible or 0),
        counts=dict.fromkeys(ledger.CATEGORIES, 0) | messages | counts,
    )


def _tell(wave_id: int, before: str | None, ailing: str | None) -> None:
    if ailing is not None and ailing != before:
        _log.error("WAVE %d DOES NOT BALANCE: %s", wave_id, ailing)
    if ailing is None and before is not None:
        _log.warning("wave %d balances again", wave_id)


def _say_settled(code: str, one: Audited) -> None:
    """Say once what became of everybody in a wave: counts, and nobody's name."""
    counts = {category: count for category, count in one.balance.counts.items() if count}
    said = {"wave": one.wave_id, "code": code, "eligible": one.balance.eligible, **counts}
    _settled_log.info("wave settled", extra=said | {"balances": one.balance.missing == 0})
