"""Notices what there may be to tell about the air: new facts, watches that fall due, better levels that have stood.

Each is noticed once: the mark of how far was looked moves in the transaction that opens the waves. What it opens is
only a question ("does anybody want to know?"); the planner answers it, and a wave that concerns nobody goes again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from citizen_api.air.models import AirFact
from citizen_api.core.db import insert_or_update
from citizen_api.people.device_models import Preferences, Watch
from citizen_api.people.wishes import Profile
from citizen_api.territory.models import Commune
from content.hazards import WATCHED
from notifications import rules
from notifications.models import Mark, Wave
from notifications.planning import EVERYBODY, Scope, open_wave
from notifications.steps import reached
from notifications.triggers.air import alert_days

SUBJECT: Final = "air"
VISIBLE_AFTER: Final = timedelta(minutes=10)
"""No transaction that stores facts lasts so long: below the id of an older fact none will appear any more."""
_MANY: Final = 500
_LONGEST_LEAP: Final = timedelta(days=1)
"""A mark farther ahead than this was written by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class NewFact:
    """What decides whom a new revision may concern."""

    id: int
    day: date
    zone_kind: str
    zone_code: str
    known_at: datetime


def is_quiet(session: Session, *, last_fact_id: int | None, looked_at: datetime | None, now: datetime) -> bool:
    """Whether nothing can be new since a look that saw `last_fact_id`: watches fall due at whole minutes."""
    if last_fact_id is None or looked_at is None or _minute(now) != _minute(looked_at):
        return False
    return newest_fact(session) == last_fact_id


def newest_fact(session: Session) -> int:
    """Id of the newest fact, 0 without one."""
    return session.scalar(select(func.max(AirFact.id))) or 0


def notice(session: Session, *, now: datetime) -> int:
    """Open the waves for what is new, and give how many."""
    mark = _mark(session, now)
    new = _new_facts(session, mark)
    looked_at = mark.looked_at if mark.looked_at <= now + _LONGEST_LEAP else now
    scopes: list[tuple[str, date, Scope]] = []
    for day in alert_days(now):
        facts = [fact for fact in new if fact.day == day]
        if facts:
            ids = [fact.id for fact in facts]
            scopes.append((f"air {day} facts {min(ids)}-{max(ids)}", day, scope_of(session, facts)))
        if _speaks(session, day):
            moment = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            due = due_between(session, day, looked_at, now)
            if due is not None:
                scopes.append((f"air {day} due {moment}", day, due))
            settled = _settled_between(session, day, looked_at, now)
            if settled:
                better = replace(scope_of(session, settled), told=True)
                scopes.append((f"air {day} settled {moment}", day, better))
    _move(session, mark, new, now=now, looked_at=max(looked_at, now))
    opened = sum(open_wave(session, key=key, day=day, scope=scope, now=now) for key, day, scope in scopes)
    session.flush()
    reached("plan.noticed")
    return opened


def scope_of(session: Session, facts: Collection[NewFact]) -> Scope:
    """The communes about which facts of these zones may say something: the inverse of `air.queries.zones_of`."""
    codes: dict[str, set[str]] = {}
    for fact in facts:
        codes.setdefault(fact.zone_kind, set()).add(fact.zone_code)
    if sum(map(len, codes.values())) > _MANY:
        return EVERYBODY
    communes = codes.get("commune", set())
    parents = select(Commune.parent_code).where(Commune.code.in_(communes), Commune.parent_code.is_not(None))
    found = select(Commune.code).where(
        or_(
            Commune.code.in_(communes),
            Commune.parent_code.in_(communes),
            Commune.code.in_(parents),
            Commune.epci_code.in_(codes.get("epci", ())),
            Commune.ept_code.in_(codes.get("epci", ())),
            Commune.departement_code.in_(codes.get("departement", ())),
            Commune.region_code.in_(codes.get("region", ())),
        )
    )
    return Scope(communes=frozenset(session.scalars(found)))


def due_between(session: Session, day: date, after: datetime, until: datetime) -> Scope | None:
    """The profiles some of whose watches fall due after `after`, up to and with `until`; None when none has."""
    if _minute(after) == _minute(until) or after >= until:
        return None
    starts = set(
        session.scalars(select(AirFact.starts_at).where(AirFact.day == day, AirFact.ends_at > until).distinct())
    )
    if not starts:
        return None
    keys = set(session.scalars(select(Preferences.profile_key).distinct()))
    due = {key for key in keys if _falls_due(Profile.from_key(key), starts, after, until)}
    if not due:
        return None
    return EVERYBODY if due == keys else Scope(profiles=frozenset(due))


def _falls_due(profile: Profile, starts: Iterable[datetime], after: datetime, until: datetime) -> bool:
    return any(
        after < rules.due_at(when, starts_at, profile) <= until
        for starts_at in starts
        for when in ("today", "evening_before")
    )


def _mark(session: Session, now: datetime) -> Mark:
    """The mark, locked: who looks at the same time waits, and then finds it moved."""
    first = {"subject": SUBJECT, "upto": 0, "beyond": [], "looked_at": now}
    session.execute(insert_or_update(session, Mark).values(first).on_conflict_do_nothing())
    return session.scalars(select(Mark).where(Mark.subject == SUBJECT).with_for_update()).one()


def _move(session: Session, mark: Mark, new: Collection[NewFact], *, now: datetime, looked_at: datetime) -> None:
    old = select(func.max(AirFact.id)).where(AirFact.id > mark.upto, AirFact.known_at < now - VISIBLE_AFTER)
    noticed = {*mark.beyond, *(fact.id for fact in new)}
    mark.upto = max(session.scalar(old) or 0, mark.upto)
    mark.beyond = sorted(fact_id for fact_id in noticed if fact_id > mark.upto)
    mark.looked_at = looked_at


def _new_facts(session: Session, mark: Mark) -> list[NewFact]:
    query = (
        select(AirFact.id, AirFact.day, AirFact.zone_kind, AirFact.zone_code, AirFact.known_at)
        .where(AirFact.id > mark.upto, AirFact.hazard.in_(WATCHED))
        .order_by(AirFact.id)
    )
    seen = set(mark.beyond)
    return [NewFact(*row) for row in session.execute(query) if row.id not in seen]


def _settled_between(session: Session, day: date, after: datetime, until: datetime) -> list[NewFact]:
    """Facts whose level has stood long enough since a moment of this stretch, where somebody was told of the day."""
    if session.scalar(select(Wave.id).where(Wave.day == day).limit(1)) is None:
        return []
    shift = rules.SETTLES_AFTER
    query = select(AirFact.id, AirFact.day, AirFact.zone_kind, AirFact.zone_code, AirFact.known_at).where(
        AirFact.day == day, AirFact.since > after - shift, AirFact.since <= until - shift
    )
    return [NewFact(*row) for row in session.execute(query)]


def _speaks(session: Session, day: date) -> bool:
    """Whether anything about a day is high enough for anybody, or anybody was told of it."""
    if session.scalar(select(Wave.id).where(Wave.day == day).limit(1)) is not None:
        return True
    known = select(AirFact.hazard, func.max(AirFact.level)).where(AirFact.day == day).group_by(AirFact.hazard)
    worst = {hazard: level for hazard, level in session.execute(known)}  # noqa: C416 - a Row is no tuple
    if not worst:
        return False
    if session.scalar(select(AirFact.id).where(AirFact.day == day, AirFact.tier.is_not(None)).limit(1)) is not None:
        return True
    wished = select(Watch.hazard, func.min(Watch.level)).group_by(Watch.hazard)
    least = {hazard: level for hazard, level in session.execute(wished)}  # noqa: C416
    return any((worst.get(hazard) or 0) >= level for hazard, level in least.items())


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
