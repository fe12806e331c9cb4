"""Tells of appointments that come near, and of slots that somebody was waiting for.

The fact goes in the transaction that plans its wave, so it is told once, and a crash repeats all or nothing. A wave
says when an appointment is, and never with whom: least knowledge. For the same reason nothing asks again whether the
appointment stands once its wave is planned. It is sent within seconds; an appointment that is moved or cancelled in
them, or while a push service is away, is still reminded of at its old time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, insert_or_update
from citizen_api.people.device_models import Device, Preferences
from citizen_api.people.wishes import DEFAULT_PROFILE, Profile, is_quiet, local_day, local_instant, quiet_ends_at
from citizen_api.teleconsult import watch_actions, watch_queries
from citizen_api.teleconsult.models import Schedule
from citizen_api.teleconsult.watch_models import Reminder, SlotWatch
from content.push import PlainKind
from notifications import ledger
from notifications.bulk import is_one_of, is_postgresql, values
from notifications.models import Mark
from notifications.small_waves import SmallWave, plan_small
from notifications.steps import reached

SUBJECT: Final = ledger.REMINDERS
AT_ONCE: Final = 2_000
"""Reminders, or watches, of one transaction."""
LEAST_AHEAD: Final = timedelta(minutes=10)
"""A reminder that quiet hours put off goes at least so long before its appointment."""
SLOT_LASTS: Final = timedelta(hours=12)
"""How long the word of a slot may still reach a phone: its watch is over, so a late word is better than none."""
VISIBLE_AFTER: Final = timedelta(minutes=10)
"""No transaction that stores slots lasts so long: a new one that is older will not appear any more."""
LONGEST_AWAY: Final = timedelta(days=1)
"""What appeared longer ago is no news: who was asleep, or a worker that was away, looks back so far at most."""
_DAY: Final = timedelta(days=1)
_KINDS: Final[dict[str, PlainKind]] = {"day": "day_ahead", "hour": "hour_ahead"}
"""Kinds of reminders. The hour comes last: planned together, it takes the place of the day."""
Fired = tuple[str, str]
"""A watch that has fired, and its device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A reminder that is due, and the wishes of its device."""

    handoff_id: str
    kind: str
    device_id: str
    starts_at: datetime
    profile: Profile


def told_at(due: Due, now: datetime) -> datetime | None:
    """When a reminder that is due is told: `now`, or later; None: quiet hours leave no moment for it.

    It waits for the end of quiet hours, if that leaves LEAST_AHEAD. The day's waits for the day before as well:
    24 hours are not always one day of the calendar.
    """
    zone, quiet = due.profile.zone, due.profile.quiet
    at = now
    if due.kind == "day":
        day_before = local_day(due.starts_at, zone=zone) - _DAY
        at = max(now, local_instant(day_before, time(), zone=zone))
    if quiet is not None and is_quiet(at, quiet, zone=zone):
        at = quiet_ends_at(at, quiet, zone=zone)
    return at if at == now or at + LEAST_AHEAD <= due.starts_at else None


class Handoffs:
    """Looks for what is due, again and again: one for each worker. `planned` is called after each transaction."""

    def __init__(self, database: Database, *, clock: Clock, planned: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._planned = planned
        self._looked: tuple[datetime, datetime | None] | None = None
        self._since: datetime | None = None

    def tell(self) -> None:
        """Plan a wave for everything that is due."""
        self._remind()
        self._tell_of_slots()

    def _remind(self) -> None:
        now = self._clock()
        due = select(Reminder.handoff_id).where(Reminder.due_at <= now).limit(1)
        while True:
            with self._database.session(write=False) as session:
                if session.scalar(due) is None:
                    return
            with self._database.session() as session:
                _take_turn(session, now)
                remind(session, now=now)
                reached("plan.slice_written")
            reached("plan.slice_committed")
            self._planned()

    def _tell_of_slots(self) -> None:
        """Look once a minute, and whenever some slot is new."""
        now = self._clock()
        earliest = now - LONGEST_AWAY
        since = max(earliest, min(self._since or earliest, now))
        with self._database.session(write=False) as session:
            looked = now.replace(second=0, microsecond=0), session.scalar(select(func.max(Schedule.last_new_at)))
            if looked == self._looked:
                return
            fired = watch_queries.fired(session, since=since - VISIBLE_AFTER, now=now)
            awake = _awake(session, fired, now)
        for start in range(0, len(awake), AT_ONCE):
            with self._database.session() as session:
                _take_turn(session, now)
                tell_of_slots(session, awake[start : start + AT_ONCE], now=now)
                reached("plan.slice_written")
            reached("plan.slice_committed")
            self._planned()
        # Who is asleep hears of it in the morning: until then each look reaches back as far as this one.
        self._since = since if len(awake) < len(fired) else now
        self._looked = looked


def remind(session: Session, *, now: datetime) -> None:
    """Plan the waves of some reminders that are due, and put off those that have to wait."""
    later: dict[datetime, list[Due]] = {}
    over: list[Due] = []
    groups: dict[tuple[str, datetime], tuple[list[Due], list[Due]]] = {}
    for due in _due(session, now):
        at = told_at(due, now)
        if at is not None and at > now:
            later.setdefault(at, []).append(due)
            continue
        over.append(due)
        if due.starts_at > now:
            groups.setdefault((due.kind, due.starts_at), ([], []))[at is None].append(due)
    for at, waiting in later.items():
        session.execute(update(Reminder).where(_is_one_of(waiting)).values(due_at=at))
    session.execute(delete(Reminder).where(_is_one_of(over)))
    order = list(_KINDS)
    for kind, starts_at in sorted(groups, key=lambda group: (order.index(group[0]), group[1])):
        plan_small(session, _reminding(kind, starts_at, *groups[kind, starts_at]), now=now)


def tell_of_slots(session: Session, fired: Collection[Fired], *, now: datetime) -> None:
    """Plan one wave for watches that have fired, and end them. One that somebody else ended meanwhile tells nothing."""
    there = _hold_devices(session, {device_id for _, device_id in fired})
    query = (
        select(SlotWatch.id, SlotWatch.device_id)
        .where(SlotWatch.id.in_([watch_id for watch_id, _ in fired]), SlotWatch.device_id.in_(there))
        .order_by(SlotWatch.id)
        .with_for_update()
    )
    devices = {row.id: row.device_id for row in session.execute(query)}
    if not devices:
        return
    watch_actions.end_watches(session, list(devices))
    small = SmallWave(
        tag="slot",
        kind="slot_found",
        reason="slot_watched",
        scope={"slot": True},
        expires_at=now + SLOT_LASTS,
        devices=frozenset(devices.values()),
    )
    plan_small(session, small, now=now)


def _reminding(kind: str, starts_at: datetime, told: Collection[Due], dropped: Collection[Due]) -> SmallWave:
    starts_s = int(starts_at.timestamp())
    return SmallWave(
        # Of the hour and of the day alike: the one replaces the other on the screen. `keeping` drops it afterwards.
        tag=f"appointment-{_digest(str(starts_s))}",
        kind=_KINDS[kind],
        reason="reminder_asked",
        scope={"reminder": {"kind": kind, "starts_s": starts_s}},
        expires_at=starts_at,
        devices=frozenset(due.device_id for due in told),
        quiet=frozenset(due.device_id for due in dropped),
    )


def _due(session: Session, now: datetime) -> list[Due]:
    """Some reminders that are due, with their devices locked first, as whoever erases one does."""
    is_due = Reminder.due_at <= now
    ids = select(Reminder.device_id).where(is_due).order_by(Reminder.due_at).limit(AT_ONCE)
    there = _hold_devices(session, set(session.scalars(ids)))
    # One that somebody is moving at this moment is waited for, and is due no more.
    query = (
        select(Reminder.handoff_id, Reminder.kind, Reminder.device_id, Reminder.starts_s, Preferences.profile_key)
        .outerjoin(Preferences, Preferences.device_id == Reminder.device_id)
        .where(is_due, Reminder.device_id.in_(there))
        .order_by(Reminder.handoff_id, Reminder.kind)
        .with_for_update(of=Reminder)
    )
    return [
        Due(
            handoff_id=row.handoff_id,
            kind=row.kind,
            device_id=row.device_id,
            starts_at=datetime.fromtimestamp(row.starts_s, UTC),
            profile=_profile(row.profile_key),
        )
        for row in session.execute(query)
    ]


def _is_one_of(reminders: Iterable[Due]) -> ColumnElement[bool]:
    keys = [(due.handoff_id, due.kind) for due in reminders]
    return tuple_(Reminder.handoff_id, Reminder.kind).in_(keys)


def _hold_devices(session: Session, device_ids: Collection[str]) -> set[str]:
    """The devices that are not erased, kept from being so until the transaction ends."""
    holding = select(Device.id).where(Device.id.in_(device_ids)).order_by(Device.id)
    return set(session.scalars(holding.with_for_update(read=True, key_share=True)))


def _awake(session: Session, fired: Collection[Fired], now: datetime) -> list[Fired]:
    """Those whose devices are not in quiet hours; what is of one device stands together."""
    here = is_postgresql(session)
    device_ids = sorted({device_id for _, device_id in fired})
    wished = select(Preferences.device_id, Preferences.profile_key).where(
        is_one_of(Preferences.device_id, "devices", on_postgresql=here)
    )
    rows = session.execute(wished, {"devices": values(device_ids, on_postgresql=here)})
    quiet = {row.device_id for row in rows if _is_quiet(_profile(row.profile_key), now)}
    return sorted((one for one in fired if one[1] not in quiet), key=lambda one: one[1])


def _is_quiet(profile: Profile, now: datetime) -> bool:
    return profile.quiet is not None and is_quiet(now, profile.quiet, zone=profile.zone)


@lru_cache(maxsize=4_096)
def _profile(key: str | None) -> Profile:
    """Read a profile; a device without a readable one has the default."""
    try:
        return Profile.from_key(key or DEFAULT_PROFILE.key)
    except (ValueError, KeyError, TypeError):
        return DEFAULT_PROFILE


def _take_turn(session: Session, now: datetime) -> None:
    """One worker at a time: who comes at the same moment waits, and finds nothing left."""
    first = {"subject": SUBJECT, "upto": 0, "beyond": [], "looked_at": now}
    session.execute(insert_or_update(session, Mark).values(first).on_conflict_do_nothing())
    session.execute(select(Mark.subject).where(Mark.subject == SUBJECT).with_for_update())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
