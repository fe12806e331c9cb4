"""Reads of feeds, and of what readings compare with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from citizen_api.care.models import FacilityIdentifier
from citizen_api.core.db import Instant
from citizen_api.teleconsult.feed_rules import is_broken
from citizen_api.teleconsult.models import Feed, Provider, Schedule, Service, Slot, SlotPlace

_ASKED_AT_ONCE: Final = 500
# Put together once: 2,000 feeds a minute ask them.
_FEED: Final[Any] = bindparam("feed")
_NOW: Final[Any] = bindparam("now", type_=Instant())
_IS_DUE: Final = or_(Feed.next_try_at.is_(None), Feed.next_try_at <= _NOW)
# Who is offered no more is not asked.
_OFFERED: Final = and_(Provider.id == Feed.provider_id, Provider.retired_at.is_(None))
_ANY_DUE: Final = select(Feed.id).join(Provider, _OFFERED).where(_IS_DUE).limit(1)
_DUE: Final = (
    select(Feed, Provider)
    .join(Provider, _OFFERED)
    .where(_IS_DUE)
    .order_by(Feed.next_try_at.is_not(None), Feed.next_try_at, Feed.id)
    .limit(bindparam("most"))
    .with_for_update(of=Feed, skip_locked=True)
)
_PLACES: Final = select(SlotPlace.__table__).where(SlotPlace.feed_id == _FEED)
_SCHEDULES: Final = select(Schedule.__table__).where(Schedule.feed_id == _FEED)
_SCHEDULE_IDS: Final = select(Schedule.source_id, Schedule.id).where(Schedule.feed_id == _FEED)
_SERVICES: Final = select(Service.__table__).where(Service.feed_id == _FEED)
_COUNT_SLOTS: Final = select(func.count()).where(Slot.feed_id == _FEED)
_IDLE_SCHEDULES: Final = select(Schedule.id).where(
    Schedule.feed_id == _FEED, ~select(Slot.key).where(Slot.schedule_id == Schedule.id).exists()
)
_IDLE_PLACES: Final = select(SlotPlace.source_id, SlotPlace.id).where(
    SlotPlace.feed_id == _FEED, ~select(Schedule.id).where(Schedule.place_id == SlotPlace.id).exists()
)


def due_feeds(session: Session, now: datetime, *, limit: int) -> list[tuple[Feed, Provider]]:
    """The feeds that are due and whose they are, those that wait the longest first; kept from others meanwhile."""
    return [(row[0], row[1]) for row in session.execute(_DUE, {"now": now, "most": limit})]


def is_any_due(session: Session, now: datetime) -> bool:
    """Whether any feed is due."""
    return session.execute(_ANY_DUE, {"now": now}).first() is not None


def feed_named(session: Session, name: str) -> Feed | None:
    """The feed of a name."""
    return session.scalar(select(Feed).where(Feed.name == name))


def feed_with_provider(session: Session, feed_id: int) -> tuple[Feed, Provider] | None:
    """A feed and whose it is, as they stand now; None when it was removed."""
    row = session.execute(
        select(Feed, Provider)
        .join(Provider, Provider.id == Feed.provider_id)
        .where(Feed.id == feed_id)
        .execution_options(populate_existing=True)
    ).first()
    return None if row is None else (row[0], row[1])


def readiness(session: Session, now: datetime) -> dict[str, dict[str, Any]]:
    """For `/readyz`, by the name of the feed: how old what it says is, and what is wrong with it. Never its address."""
    columns = select(Feed.name, Feed.checked_at, Feed.failures, Feed.problem)
    return {
        row.name: {
            "age_s": None if row.checked_at is None else int((now - row.checked_at).total_seconds()),
            "failures": row.failures,
            "broken": is_broken(row.failures),
            "problem": row.problem,
        }
        for row in session.execute(columns.order_by(Feed.name))
    }


def count_slots(session: Session, feed_id: int) -> int:
    """How many slots of a feed are known."""
    return session.connection().execute(_COUNT_SLOTS, {"feed": feed_id}).scalar() or 0


def places_of(session: Session, feed_id: int) -> dict[str, Any]:
    """Columns of each place of a feed, by its publisher's id."""
    return {row.source_id: row for row in session.connection().execute(_PLACES, {"feed": feed_id})}


def schedules_of(session: Session, feed_id: int) -> dict[str, Any]:
    """Columns of each calendar of a feed, by its publisher's id."""
    return {row.source_id: row for row in session.connection().execute(_SCHEDULES, {"feed": feed_id})}


def schedule_ids_of(session: Session, feed_id: int) -> dict[str, int]:
    """Id of each calendar of a feed, by its publisher's."""
    return dict(session.connection().execute(_SCHEDULE_IDS, {"feed": feed_id}).all())


def services_of(session: Session, feed_id: int) -> Iterator[Any]:
    """Columns of what the calendars of a feed are searched by."""
    return iter(session.connection().execute(_SERVICES, {"feed": feed_id}))


def idle_schedules(session: Session, feed_id: int) -> set[int]:
    """Ids of the calendars of a feed that have no slot."""
    return set(session.connection().execute(_IDLE_SCHEDULES, {"feed": feed_id}).scalars())


def idle_places(session: Session, feed_id: int) -> dict[str, int]:
    """Id of each place of a feed that has no calendar, by its publisher's."""
    return dict(session.connection().execute(_IDLE_PLACES, {"feed": feed_id}).all())


def facilities_by_finess(session: Session, numbers: Collection[str]) -> dict[str, str]:
    """The place of care of each FINESS number that is known."""
    row = FacilityIdentifier
    found: dict[str, str] = {}
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _ASKED_AT_ONCE):
        some = ordered[start : start + _ASKED_AT_ONCE]
        rows = session.execute(select(row.value, row.facility_id).where(row.scheme == "finess", row.value.in_(some)))
        found |= dict(rows.all())
    return found
