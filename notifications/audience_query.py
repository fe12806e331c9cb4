"""The question that an audience asks of the database: each device, with all on which its decision rests."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from citizen_api.air.models import AirFact
from citizen_api.people.device_models import ALIVE, Consent, Preferences, Registration, Watch
from content.hazards import WATCHED
from notifications import audience_codes as codes
from notifications import ledger
from notifications.audience_tables import DUE, PROFILE, SCOPE, STANDING
from notifications.models import Message, Part, Wave
from notifications.rules import WEEK, State

_HELD_MOST: Final = timedelta(days=2)
"""Longer than any quiet hours: a message that counts was planned at most so long before it was told."""


def hazards_in_play(session: Session, day: date) -> tuple[str, ...]:
    """The hazards of which anything was ever said about a day: of the rest there is nothing to decide."""
    known = set(session.scalars(select(AirFact.hazard).where(AirFact.day == day).distinct()))
    return tuple(hazard for hazard in WATCHED if hazard in known)


def cases(
    day: date, hazards: Collection[str], after: str, until: str | None, *, scoped: bool, now: datetime
) -> Select[Any]:
    """Columns of CASE for the devices after `after`, up to and with `until`, that watch any of `hazards`."""
    states = _states(hazards, after, until, scoped=scoped).c
    told, sent = _told(day, after, until).c, _sent(after, until, now).c
    query = (
        select(states.device_id)
        .select_from(states.device_id.table)
        .outerjoin(told.device_id.table, told.device_id == states.device_id)
        .outerjoin(sent.device_id.table, sent.device_id == states.device_id)
        .outerjoin(
            Consent,
            and_(
                Consent.device_id == states.device_id,
                Consent.purpose == ledger.ALERTS,
                Consent.withdrawn_at.is_(None),
                *_range(Consent.device_id, after, until),
            ),
        )
    )
    who = (
        states.profile
        + _most(sent.today) * codes.TODAY
        + _most(sent.in_week) * codes.IN_WEEK
        + cast(func.coalesce(told.outcome_id, 0), BigInteger) * codes.SAID
    )
    # Not correlated: PostgreSQL hashes it once instead of looking up each device.
    alive = select(Registration.device_id).where(Registration.state == ALIVE)
    reachable = states.device_id.in_(_between(alive, Registration.device_id, after, until))
    query = query.add_columns(
        who.label("who"),
        case((Consent.device_id.is_(None), 0), else_=1).label("consents"),
        case((reachable, 1), else_=0).label("reachable"),
    )
    for hazard in WATCHED:
        if hazard not in hazards:
            query = query.add_columns(
                literal(0, BigInteger).label(hazard),
                cast(null(), BigInteger).label(f"{hazard}_part"),
                cast(null(), Integer).label(f"{hazard}_before"),
            )
            continue
        before = aliased(Part)
        query = query.outerjoin(before, before.id == told[hazard])
        own = states[hazard]
        said = case((own > 0, own + func.coalesce(before.level + 1, 0) * codes.TOLD), else_=0)
        query = query.add_columns(
            said.label(hazard),
            (states[f"{hazard}_worst"] % codes.PART).label(f"{hazard}_part"),
            told[hazard].label(f"{hazard}_before"),
        )
    return query


def _most(count: ColumnElement[Any]) -> ColumnElement[int]:
    known = cast(func.coalesce(count, 0), BigInteger)
    return case((known > codes.MOST_SENT, codes.MOST_SENT), else_=known)


def _between(query: Select[*tuple[Any, ...]], column: Any, after: str, until: str | None) -> Select[*tuple[Any, ...]]:
    return query.where(*_range(column, after, until))


def _range(column: Any, after: str, until: str | None) -> list[ColumnElement[bool]]:
    """The devices at hand. It is said of every table: PostgreSQL does not conclude it from one to the other."""
    return [column > after] if until is None else [column > after, column <= until]


def _states(hazards: Collection[str], after: str, until: str | None, *, scoped: bool) -> Subquery:
    """A row for each device: how each of its hazards stands (as `rules.look` says), and the worst part of each."""
    level, calm = STANDING.c.level, STANDING.c.level < Watch.level
    speaks = DUE.c.starts.is_not(None)
    # As `rules.watch_state` says.
    state = case(
        (speaks, State.SPEAKING.value),
        (calm, State.CALM.value),
        (level.is_(None), State.UNKNOWN.value),
        else_=State.WAITING.value,
    )
    columns: list[ColumnElement[Any]] = []
    for hazard in hazards:
        here = Watch.hazard == hazard if len(hazards) > 1 else true()
        spoken = and_(here, speaks)
        worst = func.max(case((spoken, level * cast(codes.PART, BigInteger) + func.coalesce(STANDING.c.part_id, 0))))
        packed = (
            func.max(case((here, state), else_=0))
            + func.min(case((and_(here, ~or_(speaks, func.coalesce(calm, false()))), 0), else_=1)) * codes.WHOLE
            + func.coalesce(worst // codes.PART, 0) * codes.LEVEL
            + func.max(case((spoken, STANDING.c.is_alert), else_=0)) * codes.ALERT
            + func.max(case((here, func.coalesce(STANDING.c.since, 0)), else_=0)) * cast(codes.SINCE, BigInteger)
            + func.max(case((spoken, STANDING.c.ends), else_=0)) * cast(codes.ENDS, BigInteger)
        )
        watched = packed if len(hazards) == 1 else case((func.max(case((here, 1), else_=0)) == 1, packed), else_=0)
        columns += [watched.label(hazard), worst.label(f"{hazard}_worst")]
    query = (
        select(Preferences.device_id, func.min(PROFILE.c.number).label("profile"), *columns)
        .join(PROFILE, PROFILE.c.profile_key == Preferences.profile_key)
        .join(Watch, Watch.device_id == Preferences.device_id)
        .outerjoin(
            STANDING,
            and_(STANDING.c.commune_code == Watch.commune_code, STANDING.c.hazard == Watch.hazard),
        )
        .outerjoin(
            DUE,
            and_(
                DUE.c.profile == PROFILE.c.number,
                DUE.c.told_when == Watch.told_when,
                DUE.c.starts == STANDING.c.starts,
                STANDING.c.level >= Watch.level,
            ),
        )
        .where(Watch.hazard.in_(hazards))
        .group_by(Preferences.device_id)
    )
    if scoped:
        query = query.join(SCOPE, SCOPE.c.device_id == Preferences.device_id)
    query = _between(query, Watch.device_id, after, until)
    return _between(query, Preferences.device_id, after, until).subquery()


def _told(day: date, after: str, until: str | None) -> Subquery:
    """A row for each device that was told of a day: its last word about it."""
    waves = select(Wave.id).where(Wave.day == day)
    query = (
        select(Message.device_id, func.max(Message.wave_id).label("wave_id"))
        .where(Message.wave_id.in_(waves), Message.state.in_(ledger.TOLD))
        .group_by(Message.device_id)
    )
    last = _between(query, Message.device_id, after, until).subquery()
    return (
        select(Message.device_id, Message.outcome_id, *(getattr(Message, hazard) for hazard in WATCHED))
        .join(last, and_(last.c.device_id == Message.device_id, last.c.wave_id == Message.wave_id))
        .subquery()
    )


def _sent(after: str, until: str | None, now: datetime) -> Subquery:
    """A row for each device that was disturbed within a week: how often, and how often on its local day."""
    recent = select(Wave.id).where(Wave.opened_at > now - WEEK - _HELD_MOST)
    query = (
        select(
            Message.device_id,
            func.sum(case((Message.counted_at >= PROFILE.c.day_starts_at, 1), else_=0)).label("today"),
            func.sum(case((Message.counted_at > PROFILE.c.week_starts_at, 1), else_=0)).label("in_week"),
        )
        .join(Preferences, Preferences.device_id == Message.device_id)
        .join(PROFILE, PROFILE.c.profile_key == Preferences.profile_key)
        .where(Message.wave_id.in_(recent), Message.state.in_(ledger.TOLD), Message.counted_at.is_not(None))
        .group_by(Message.device_id)
    )
    return _between(query, Message.device_id, after, until).subquery()
