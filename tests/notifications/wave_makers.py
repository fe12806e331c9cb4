"""Makes waves in any state, straight into the ledger, with devices of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.people.device_models import Device, Preferences
from citizen_api.people.wishes import DEFAULT_PROFILE
from notifications.models import Attempt, Chunk, Message, Outcome, Part, Slice, Wave
from tests.notifications.makers import DAY, PARIS, at

OPENED_AT = at("25 18:00")


@dataclass
class MadeWave:
    """A wave and its devices, by state."""

    wave: Wave
    outcome: Outcome
    devices: dict[str, list[str]] = field(default_factory=dict)


def make_wave(
    session: Session,
    states: Mapping[str, int] | None = None,
    *,
    no_consent: int = 0,
    opened_at: datetime = OPENED_AT,
    reason: str = "above_wish",
    kind: str = "alert",
    **changed: Any,
) -> MadeWave:
    """Make a wave with so many messages in each state, in one slice and one chunk. It balances, unless made not to."""
    states = {"accepted": 2} if states is None else states
    day: date = changed.pop("day", DAY)
    wave = Wave(
        **{
            "code": f"synthetic-{len(session.scalars(select(Wave.id)).all()) + 1}",
            "key": f"synthetic {opened_at} {kind} {len(session.scalars(select(Wave.id)).all())}",
            "lane": "alerts",
            "day": day,
            "tag": f"alert-{day}",
            "scope": {},
            "opened_at": opened_at,
            "planned_at": opened_at,
            **changed,
        }
    )
    session.add(wave)
    session.flush()
    outcome = Outcome(
        wave_id=wave.id, kind=kind, reason=reason, counts=True, expires_at=opened_at + timedelta(hours=30)
    )
    session.add(outcome)
    session.flush()
    made = MadeWave(wave, outcome)
    for state, number in states.items():
        made.devices[state] = [make_told_device(session, made, state, index) for index in range(number)]
    total = sum(states.values()) + no_consent
    session.add(
        Slice(
            wave_id=wave.id,
            number=1,
            after="",
            until="~",
            eligible=total,
            no_consent=no_consent,
            planned_at=opened_at,
        )
    )
    pends = states.get("pending", 0) > 0
    session.add(
        Chunk(wave_id=wave.id, lane="alerts", first_device="", last_device="~", next_at=opened_at if pends else None)
    )
    session.flush()
    return made


def make_told_device(session: Session, made: MadeWave, state: str, index: int) -> str:
    """Make a device with one message of a wave."""
    identity = f"w{made.wave.id}-{state[:10]}-{index}"
    seen_on = made.wave.opened_at.date()
    session.add(Device(id=identity, token_hash=identity, created_on=seen_on, seen_on=seen_on))
    session.flush()
    session.add(Preferences(device_id=identity, language="fr", profile_key=DEFAULT_PROFILE.key))
    make_message(session, made, identity, state=state)
    return identity


def make_message(session: Session, made: MadeWave, device_id: str, *, state: str = "accepted", **changed: Any) -> None:
    """Make a message of a wave about bad air in Paris 4e, for a device that exists."""
    changed = {"air": make_part(session).id} | changed
    session.add(Message(wave_id=made.wave.id, device_id=device_id, state=state, outcome_id=made.outcome.id, **changed))
    session.flush()


def make_part(session: Session, commune: str = PARIS, hazard: str = "air", level: int = 4, **changed: Any) -> Part:
    values = {"commune_code": commune, "hazard": hazard, "level": level, "cause": "", "tier": "", "is_demo": False}
    values |= changed
    found = session.scalar(select(Part).filter_by(**values))
    if found is None:
        found = Part(**values)
        session.add(found)
        session.flush()
    return found


def make_attempt(session: Session, made: MadeWave, device_id: str, number: int = 1, **changed: Any) -> None:
    values = {"platform": "fcm", "verdict": "accepted", "code": "ok", "tries": 1} | changed
    session.add(Attempt(wave_id=made.wave.id, device_id=device_id, registration_id=number, **values))
    session.flush()
