"""Makes planned waves ready to be sent, with their devices, and counts what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from citizen_api.people.device_models import ALIVE, Consent, Device, Preferences, Registration
from citizen_api.people.wishes import DEFAULT_PROFILE
from notifications.audit import audit
from notifications.ledger import Balance
from notifications.models import Attempt, Chunk, Message, Outcome, Pace, Part, Platform, Slice, Wave
from notifications.outbox import CHUNK
from tests.notifications.makers import DAY, PARIS, at

NOW = at("25 18:00")
LATER = at("27 00:00")


def make_wave(
    session: Session,
    key: str = "wave",
    *,
    devices: int | Sequence[str] = 3,
    state: str = "pending",
    lane: str = "alerts",
    expires_at: datetime = LATER,
    registrations: Sequence[str] = ("log",),
    no_consent: int = 1,
    chunk: int = CHUNK,
    now: datetime = NOW,
    noise: bool = True,
    **changed: Any,
) -> Wave:
    """Make a planned wave. `devices`: how many are made (`key-0000000` and on), or the ids of such that exist.

    Each device made has `registrations` of these kinds, whose values are `device/kind`. `noise`: beside them, a device
    and a wave that have nothing to do with it.
    """
    ids = [f"{key}-{number:07d}" for number in range(devices)] if isinstance(devices, int) else sorted(devices)
    if isinstance(devices, int):
        make_devices(session, ids, registrations=registrations, purpose=lane, now=now)
    values = {"day": DAY, "tag": f"alert-{DAY}", "opened_at": now, "planned_at": now, "scope": {}} | changed
    wave = Wave(code=f"code-{key}"[:16], key=key, lane=lane, **values)
    session.add(wave)
    session.flush()
    outcome = Outcome(wave_id=wave.id, kind="alert", reason="above_wish", counts=True, expires_at=expires_at)
    session.add(outcome)
    session.flush()
    fixed = {"wave_id": wave.id, "state": state, "outcome_id": outcome.id, "air": make_part(session)}
    fixed |= {"counted_at": now, "again_at": now + timedelta(hours=9) if state == "held" else None}
    if ids:
        session.execute(insert(Message.__table__), [{"device_id": one, **fixed, **_UNTRIED} for one in ids])
    total = len(ids) + no_consent
    session.add(
        Slice(wave_id=wave.id, number=1, after="", until="~", eligible=total, no_consent=no_consent, planned_at=now)
    )
    for start in range(0, len(ids), chunk):
        part = ids[start : start + chunk]
        due = now if state == "pending" else None
        session.add(Chunk(wave_id=wave.id, lane=lane, first_device=part[0], last_device=part[-1], next_at=due))
    session.flush()
    if noise:
        make_wave(session, f"z{key}", devices=1, state="accepted", tag="other", settled_at=now, now=now, noise=False)
        make_devices(session, [f"{key}-bystander"], now=now)
    return wave


_UNTRIED = {"tried": 0, "maybe_delivered": False, "receipts": 0}


def make_devices(
    session: Session,
    ids: Sequence[str],
    *,
    registrations: Sequence[str] = ("log",),
    purpose: str = "alerts",
    now: datetime = NOW,
) -> None:
    """Make devices that consent and can be reached."""
    day = now.date()
    tables = {
        Device: [{"id": one, "token_hash": one, "created_on": day, "seen_on": day} for one in ids],
        Preferences: [{"device_id": one, "language": "fr", "profile_key": DEFAULT_PROFILE.key} for one in ids],
        Consent: [{"device_id": one, "purpose": purpose, "version": "1", "given_at": now} for one in ids],
        Registration: [registration(one, kind, now=now) for one in ids for kind in registrations],
    }
    for table, rows in tables.items():
        if rows:
            session.execute(insert(table.__table__), rows)


def registration(device_id: str, kind: str, *, now: datetime = NOW, name: str = "") -> dict[str, Any]:
    """Values of a registration; `name` tells several of one kind apart."""
    value = f"{device_id}/{kind}{name}"
    keys = ("p" * 87, "a" * 22) if kind == "webpush" else (None, None)
    values = {"device_id": device_id, "kind": kind, "value": value, "digest": value, "state": ALIVE}
    return values | {"p256dh": keys[0], "auth": keys[1], "created_at": now}


def make_part(session: Session) -> int:
    """Make what is said of bad air in Paris 4e, once: its id."""
    values = {"commune_code": PARIS, "hazard": "air", "level": 4, "cause": "", "tier": "", "is_demo": False}
    found = session.scalar(select(Part.id).filter_by(**values))
    if found is not None:
        return found
    part = Part(**values)
    session.add(part)
    session.flush()
    return part.id


def balance_of(session: Session, wave: Wave) -> Balance:
    """Count a wave anew."""
    session.expire_all()
    return audit(session, wave)


def states_of(session: Session, wave: Wave) -> dict[str, int]:
    """How many messages of a wave are in each state, erased ones too; the wave balances."""
    balance = balance_of(session, wave)
    assert balance.missing == 0
    return {state: count for state, count in balance.counts.items() if count and state != "no_consent"}


def attempts_of(session: Session, wave: Wave) -> list[tuple[str, str, str, int]]:
    """(value of the registration, verdict, code, tries) of each attempt of a wave."""
    query = (
        select(Registration.value, Attempt.verdict, Attempt.code, Attempt.tries)
        .join(Registration, Registration.id == Attempt.registration_id)
        .where(Attempt.wave_id == wave.id)
    )
    return sorted(tuple(row) for row in session.execute(query))


def registrations_of(session: Session, device_id: str) -> dict[str, str]:
    """State of each registration of a device, by its kind."""
    query = select(Registration.kind, Registration.state).where(Registration.device_id == device_id)
    return {row.kind: row.state for row in session.execute(query)}


def empty(session: Session) -> None:
    """Take everything away that these makers make, for tests that commit."""
    session.execute(delete(Device))
    for table in (Wave, Pace, Platform, Part):
        session.execute(delete(table))
    assert session.scalar(select(func.count()).select_from(Message)) == 0
