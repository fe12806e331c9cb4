"""Makes reminders and slot watches that are due, with the handoffs and devices that they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from citizen_api.people.device_models import Preferences
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.watch_models import Reminder, SlotWatch
from notifications import steps
from notifications.audit import audits
from notifications.models import Message, Outcome, Wave
from notifications.triggers.handoffs import Handoffs
from tests.notifications.ledger_makers import make_devices
from tests.notifications.makers import PARIS, at, make_profile
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot

NOON = at("25 12:00")
"""Nobody has quiet hours."""
TOMORROW = at("26 14:20")
NEVER_QUIET = make_profile(quiet=None)
MINUTE = timedelta(minutes=1)
DUE_AT = TOMORROW - timedelta(days=1)
AHEAD = {"day": timedelta(days=1), "hour": timedelta(hours=1)}


def make_resident(session: Session, identity: str, *, profile=None, language="fr", agrees=True, registrations=("log",)):
    """Make a device that agrees to reminders and can be reached. Its quiet hours are 22:00-07:00 unless told."""
    make_devices(
        session, [identity], registrations=registrations, purpose="reminders" if agrees else "alerts", now=NOON
    )
    values = {"language": language, "profile_key": (profile or make_profile()).key}
    session.execute(update(Preferences).where(Preferences.device_id == identity).values(values))
    return identity


def make_reminder(session: Session, device_id: str, kind="day", *, starts_at=TOMORROW, due_at=None, handoff_id=None):
    """Make a reminder of an appointment, due 24 h or 1 h before it."""
    handoff_id = handoff_id or make_handoff(session, device_id)
    reminder = Reminder(
        handoff_id=handoff_id,
        kind=kind,
        device_id=device_id,
        due_at=due_at or starts_at - AHEAD[kind],
        starts_s=int(starts_at.timestamp()),
    )
    session.add(reminder)
    session.flush()
    return reminder


def make_handoff(session: Session, device_id: str) -> str:
    if session.get(Provider, "synthetic-clinic") is None:
        make_provider(session)
    number = session.scalar(select(func.count()).select_from(Handoff))
    identity = f"handoff-{number}"
    values = {
        "id": identity,
        **{name: f"{name}-{number}" for name in ("token_hash", "key_hash", "key_salt", "asked", "referral")},
        "device_id": device_id,
        "provider_id": "synthetic-clinic",
        "state": "booked",
        "granularity": "practice",
        "territory_code": "",
        "remind": True,
        "sequence": 0,
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=30),
    }
    session.execute(insert(Handoff), [values])
    return identity


def make_calendar(session: Session, *, new_at: datetime, specialty="general-practice", name="synthetic-clinic"):
    """Make a calendar by video whose newest slot, free in two days, appeared at a moment."""
    provider = session.get(Provider, "synthetic-clinic") or make_provider(session)
    feed = make_feed(session, provider, name)
    schedule = make_schedule(session, feed, specialties=(specialty,), last_new_at=new_at)
    make_slot(session, schedule, new_at + timedelta(days=2))
    return schedule


def make_slot_watch(session: Session, device_id: str, *, specialty="general-practice", number=1) -> str:
    identity = f"{device_id}-w{number}"
    session.add(
        SlotWatch(
            id=identity,
            device_id=device_id,
            specialty=specialty,
            modality=None,
            commune_code=PARIS,
            within_km=20,
            created_at=NOON - timedelta(days=1),
            until=NOON + timedelta(days=30),
        )
    )
    session.flush()
    return identity


def reminders_of(session: Session) -> list[tuple[str, str, datetime]]:
    """(device, kind, when it is due) of each reminder that is left."""
    session.expire_all()
    query = select(Reminder.device_id, Reminder.kind, Reminder.due_at).order_by(Reminder.device_id, Reminder.kind)
    return [tuple(row) for row in session.execute(query)]


def watches_of(session: Session) -> list[str]:
    return list(session.scalars(select(SlotWatch.id).order_by(SlotWatch.id)))


class Desk:
    """The trigger of one worker, on a clock that stands still."""

    def __init__(self, database, session, clock):
        self.database, self.session, self.clock = database, session, clock
        self.clock.moment = NOON
        self.planned = 0
        self.handoffs = self.another()

    def another(self) -> Handoffs:
        return Handoffs(self.database, clock=self.clock, planned=self._count)

    def tell(self, moment: datetime | None = None) -> None:
        self.session.commit()
        self.clock.moment = moment or self.clock.moment
        self.handoffs.tell()

    def told(self) -> list[tuple[str, str, str, str]]:
        """(device, kind, reason, state) of each message, wave by wave."""
        self.session.expire_all()
        query = (
            select(Message.device_id, Outcome.kind, Outcome.reason, Message.state)
            .join(Outcome, Outcome.id == Message.outcome_id)
            .order_by(Message.wave_id, Message.device_id)
        )
        return [tuple(row) for row in self.session.execute(query)]

    def waves(self) -> list[Wave]:
        self.session.expire_all()
        return list(self.session.scalars(select(Wave).order_by(Wave.id)))

    def _count(self) -> None:
        self.planned += 1


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@contextmanager
def at_desk(database, session, clock) -> Iterator[Desk]:
    """Make a trigger beside an appointment that is not near and a watch for something else: both are left alone."""
    made = Desk(database, session, clock)
    make_reminder(session, make_resident(session, "bystander"), starts_at=at("30 10:00"))
    make_slot_watch(session, "bystander", specialty="dermatology")
    yield made
    assert reminders_of(session)[0][0] == "bystander"
    assert "bystander-w1" in watches_of(session)
    with database.session(write=False) as looking:
        found = audits(looking, list(looking.scalars(select(Wave.id))))
    assert [one.ailing for one in found.values() if one.ailing] == []


class KilledError(Exception):
    """As if the process was killed."""


@contextmanager
def killed_at(step: str) -> Iterator[None]:
    """Let what runs end at the first time that it reaches a step, which it does."""

    def watch(reached: str) -> None:
        if reached == step:
            raise KilledError

    steps.watchers.append(watch)
    try:
        with pytest.raises(KilledError):
            yield
    finally:
        steps.watchers.remove(watch)
