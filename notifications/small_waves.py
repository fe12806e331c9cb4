"""Plans a wave for devices that are known beforehand, in one transaction: the caller's.

The planner looks for whom a wave concerns, slice by slice; here whoever asked for the word is named by the fact itself,
which goes in the same transaction. So a small wave is there with everything, or not at all.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from citizen_api.people.device_models import ALIVE, Consent, Device, Registration
from content.push import PlainKind
from notifications import ledger
from notifications.audience import Bounds
from notifications.bulk import is_one_of, is_postgresql, values
from notifications.models import Message, Outcome, Slice, Wave
from notifications.planning import cut_chunks

_UNTRIED: Final = {"tried": 0, "maybe_delivered": False, "receipts": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallWave:
    """One thing to tell. `tag`, `scope`: as on `Wave`; `kind`, `reason`, `expires_at`: as on `Outcome`.

    `devices`: who is told. `quiet`: others, who are not, because of their quiet hours.
    """

    tag: str
    kind: PlainKind
    reason: str
    scope: dict[str, Any]
    expires_at: datetime
    devices: frozenset[str]
    quiet: frozenset[str] = frozenset()


def plan_small(session: Session, small: SmallWave, *, now: datetime) -> bool:
    """Plan a wave in the lane of the reminders; False when nobody is left.

    It counts towards no cap. Who has not agreed to reminders is counted, and named nowhere. Its key says nothing: a
    replay changes nothing because the fact is gone, and nobody finds out later which fact it was.
    """
    found = _look_up(session, small.devices | small.quiet)
    if not found:
        return False
    # Without a day: nothing that looks for the messages of an alert day finds it.
    wave = Wave(
        code=secrets.token_urlsafe(12),
        key=f"{ledger.REMINDERS} {secrets.token_urlsafe(16)}",
        lane=ledger.REMINDERS,
        day=None,
        tag=small.tag,
        scope=small.scope,
        opened_at=now,
        planned_at=now,
    )
    session.add(wave)
    session.flush()
    agreed = {device_id: is_reachable for device_id, (agrees, is_reachable) in found.items() if agrees}
    _write_messages(session, wave, small, agreed)
    until = session.scalar(select(func.max(Message.device_id)).where(Message.wave_id == wave.id)) or ""
    counted = {"eligible": len(found), "no_consent": len(found) - len(agreed)}
    session.add(Slice(wave_id=wave.id, number=1, after="", until=until, planned_at=now, **counted))
    cut_chunks(session, wave, Bounds("", until), now)
    session.flush()
    return True


def _look_up(session: Session, devices: Collection[str]) -> dict[str, tuple[bool, bool]]:
    """{device: (whether it agrees to reminders, whether it can be reached)}; one that is gone has no entry."""
    here = is_postgresql(session)
    agreed = select(Consent.device_id).where(
        Consent.device_id == Device.id, Consent.purpose == ledger.REMINDERS, Consent.withdrawn_at.is_(None)
    )
    reached = select(Registration.id).where(Registration.device_id == Device.id, Registration.state == ALIVE)
    query = select(Device.id, agreed.exists(), reached.exists()).where(
        is_one_of(Device.id, "devices", on_postgresql=here)
    )
    rows = session.execute(query, {"devices": values(sorted(devices), on_postgresql=here)})
    return {row[0]: (bool(row[1]), bool(row[2])) for row in rows}


def _write_messages(session: Session, wave: Wave, small: SmallWave, agreed: dict[str, bool]) -> None:
    rows = []
    for is_told, devices in ((True, small.devices), (False, small.quiet - small.devices)):
        concerned = sorted(devices & agreed.keys())
        if concerned:
            outcome_id = _write_outcome(session, wave, small, is_told=is_told)
            told = ledger.PENDING if is_told else ledger.QUIET_DROPPED
            rows += [
                {
                    "wave_id": wave.id,
                    "device_id": one,
                    "state": told if agreed[one] else ledger.NO_REGISTRATION,
                    "outcome_id": outcome_id,
                    **_UNTRIED,
                }
                for one in concerned
            ]
    if rows:
        session.execute(insert(Message), rows)


def _write_outcome(session: Session, wave: Wave, small: SmallWave, *, is_told: bool) -> int:
    reason = small.reason if is_told else ledger.QUIET_DROPPED
    outcome = Outcome(wave_id=wave.id, kind=small.kind, reason=reason, counts=False, expires_at=small.expires_at)
    session.add(outcome)
    session.flush()
    return outcome.id
