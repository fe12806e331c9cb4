"""Plans a wave: whom it concerns, slice by slice, each in a transaction of its own that a replay finds done.

The first slice is small, so that sending begins at once. What is decided holds for the moment at which its slice is
planned: a wave whose planner died an hour ago goes on with what is true now.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, cast, delete, func, insert, literal, null, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, Instant, changed_rows, insert_or_update
from citizen_api.people.device_models import Preferences, Watch
from content.hazards import WATCHED
from notifications import ledger
from notifications.audience import Audience, Bounds, Standings, same_case
from notifications.audience_tables import BEFORE, CASE, NOW, OUTCOME, SCOPE
from notifications.models import Chunk, Mark, Message, Outcome, Slice, Wave
from notifications.outbox import CHUNK, LEASE, is_near, unless_delivered
from notifications.rules import Decision
from notifications.steps import reached

FIRST_SLICE: Final = 100
SLICE: Final = 50_000
"""Devices of the first slice, and of the others."""
_PATIENCE: Final = 5
_FEW_COMMUNES: Final = 1_000
OF_ALERTS: Final = Mark.subject != ledger.REMINDERS
"""Whether a mark is of facts that this planner tells: it waits for no other."""
Find = Callable[[Session, Collection[str]], Standings]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a wave may concern: who watches one of `communes`, or has one of `profiles`; None: no matter.

    `told`: only who was told of the day, since it is about what has got better.
    """

    communes: frozenset[str] | None = None
    profiles: frozenset[str] | None = None
    told: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `Wave.scope` keeps it."""
        chosen = {"communes": self.communes, "profiles": self.profiles}
        stored: dict[str, Any] = {name: sorted(values) for name, values in chosen.items() if values is not None}
        return stored | ({"told": True} if self.told else {})

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Scope:
        """Read it back."""
        chosen = {name: frozenset(values) for name, values in stored.items() if name != "told"}
        return cls(**chosen, told=bool(stored.get("told")))

    @property
    def few_communes(self) -> frozenset[str] | None:
        """`communes`, where they are so few that it is quicker to look for who watches them than at everybody."""
        return self.communes if self.communes is not None and len(self.communes) <= _FEW_COMMUNES else None


EVERYBODY: Final = Scope()


def open_wave(session: Session, *, key: str, day: date, scope: Scope, now: datetime) -> bool:
    """Write that a day is to be told, once for each key; False when it was written before."""
    row = {
        "code": secrets.token_urlsafe(12),
        "key": key,
        "lane": ledger.ALERTS,
        "day": day,
        "tag": tag_of(day),
        "scope": scope.to_json(),
        "opened_at": now,
        **dict.fromkeys(("erased", "shown", "opened"), 0),
    }
    writing = insert_or_update(session, Wave).values(row).on_conflict_do_nothing()
    return changed_rows(session.execute(writing.execution_options(preserve_rowcount=True))) > 0


def tag_of(day: date) -> str:
    """Where the words about a day stand on a screen: every later one replaces the one before."""
    return f"alert-{day.isoformat()}"


class Planner:
    """Plans waves. `find` gives what is known of communes on a day: {(commune, hazard): standing}."""

    def __init__(
        self, database: Database, *, clock: Clock, find: Callable[[date, datetime], Find], slice_size: int = SLICE
    ) -> None:
        self._database = database
        self._clock = clock
        self._find = find
        self._slice = slice_size

    def plan_next(self, *, planned: Callable[[], None] = lambda: None) -> bool:
        """Plan the oldest wave that nobody plans, to its end; False when there is none. `planned`: after each slice."""
        wave_id = self._claim()
        if wave_id is None:
            return False
        with self._database.pinned() as database:
            self._plan(database, wave_id, planned)
        return True

    def _claim(self) -> int | None:
        now = self._clock()
        unplanned = (Wave.planned_at.is_(None), Wave.stopped_at.is_(None), Wave.lane == ledger.ALERTS)
        other = aliased(Wave)
        busy = select(other.id).where(
            other.day == Wave.day, other.planned_at.is_(None), is_near(other.planning_until, now, LEASE)
        )
        query = select(Wave.id).where(*unplanned, ~busy.exists()).order_by(Wave.id).limit(1)
        with self._database.session(write=False) as session:
            if session.scalar(select(Wave.id).where(*unplanned).limit(1)) is None:
                return None
        with self._database.session() as session:
            # One after the other: two waves about one day, planned at once, would not see each other's messages.
            session.execute(select(Mark.subject).where(OF_ALERTS).with_for_update())
            wave_id = session.scalar(query)
            if wave_id is not None:
                session.execute(update(Wave).where(Wave.id == wave_id).values(planning_until=now + LEASE))
            return wave_id

    def _plan(self, database: Database, wave_id: int, planned: Callable[[], None]) -> None:
        with database.session() as session:
            wave = session.get_one(Wave, wave_id)
            day, scope, now = wave.day or wave.opened_at.date(), Scope.from_json(wave.scope), self._clock()
            audience = Audience(
                session,
                day=day,
                standings=self._find(day, now),
                now=now,
                scoped=scope.told or scope.few_communes is not None,
                profiles=scope.profiles,
            )
            if audience.scoped:
                _fill_scope(session, scope, day)
        try:
            failures = 0
            while True:
                try:
                    if not self._plan_slice(database, wave_id, audience):
                        break
                except IntegrityError:
                    # Somebody planned the same slice, or a device was erased meanwhile: what is there now decides.
                    failures += 1
                    if failures > _PATIENCE:
                        raise
                    continue
                failures = 0
                reached("plan.slice_committed")
                planned()
        finally:
            with database.session() as session:
                audience.close(session)
        reached("plan.closed")

    def _plan_slice(self, database: Database, wave_id: int, audience: Audience) -> bool:
        """Plan the next slice; False when the wave is closed, by this call or by somebody else's.

        What is decided lies in the connection's own tables: the database is locked only to write it down.
        """
        with database.session(write=False) as session:
            audience.now = self._clock()
            if not _is_open(session, wave_id):
                return False
            number, after = _last_slice(session, wave_id)
            size = self._slice if number else FIRST_SLICE
            bounds = Bounds(after, _end_of_slice(session, after, size, scoped=audience.scoped))
            is_new = bounds.until is not None and audience.learn(session, bounds)
        if bounds.until is None:
            with database.session() as session:
                close_planning(session, wave_id, self._clock())
            return False
        if is_new:
            with database.session() as session:
                audience.name_parts(session)
        with database.session(write=False) as session:
            audience.decide(session, bounds)
        with database.session() as session:
            # Not locked: whoever erases a device counts it on the wave's row, and must not wait for a slice.
            if _is_open(session, wave_id) and _last_slice(session, wave_id) == (number, after):
                _write_down(session, wave_id, number + 1, bounds, audience)
                reached("plan.slice_written")
        return True


def _is_open(session: Session, wave_id: int) -> bool:
    """Whether a wave is still to be planned."""
    query = select(Wave.id).where(Wave.id == wave_id, Wave.planned_at.is_(None), Wave.stopped_at.is_(None))
    return session.scalar(query) is not None


def _last_slice(session: Session, wave_id: int) -> tuple[int, str]:
    """Number and end of the last slice of a wave: 0 and "" before the first."""
    query = select(Slice.number, Slice.until).where(Slice.wave_id == wave_id).order_by(Slice.number.desc()).limit(1)
    last = session.execute(query).first()
    return (last.number, last.until) if last else (0, "")


def _write_down(session: Session, wave_id: int, number: int, bounds: Bounds, audience: Audience) -> None:
    wave, now = session.get_one(Wave, wave_id), audience.now
    no_consent, eligible = write_slice(session, wave_id, audience, now)
    _supersede_held(session, wave)
    session.add(
        Slice(
            wave_id=wave_id,
            number=number,
            after=bounds.after,
            until=bounds.until,
            eligible=eligible,
            no_consent=no_consent,
            planned_at=now,
        )
    )
    cut_chunks(session, wave, bounds, now)
    wave.planning_until = now + LEASE
    session.flush()


def close_planning(session: Session, wave_id: int, now: datetime) -> None:
    """Every slice is in. A wave that concerned nobody goes: there was nothing to say."""
    if session.scalar(select(func.sum(Slice.eligible)).where(Slice.wave_id == wave_id)):
        session.execute(update(Wave).where(Wave.id == wave_id).values(planned_at=now, planning_until=None))
    else:
        session.execute(delete(Wave).where(Wave.id == wave_id))


def write_slice(session: Session, wave_id: int, audience: Audience, now: datetime) -> tuple[int, int]:
    """Write a message for each device that the wave concerns, as the audience decided.

    Gives how many it concerns without their consent, of whom nothing is written, and how many in all.
    """
    concerned = [number for number, decision in enumerate(audience.decided) if is_concerned(decision)]
    if not concerned:
        return 0, 0
    decided = OUTCOME.c.number.in_(concerned)
    silent = select(func.count()).select_from(CASE).join(OUTCOME, same_case()).where(decided, CASE.c.consents == 0)
    no_consent = session.scalar(silent) or 0
    ids = write_outcomes(session, wave_id, audience, concerned)
    names = ["wave_id", "device_id", "tried", "maybe_delivered", "receipts"]
    rows = select(literal(wave_id), CASE.c.device_id, literal(0), literal(value=False), literal(0)).join(
        OUTCOME, same_case()
    )
    values = message_values(audience, ids, now)
    rows = rows.add_columns(*values.values()).where(decided, CASE.c.consents == 1).order_by(CASE.c.device_id)
    writing = insert(Message).from_select([*names, *values], rows).execution_options(preserve_rowcount=True)
    written = session.execute(writing)
    return no_consent, no_consent + changed_rows(written)


def is_concerned(decision: Decision) -> bool:
    """Whether there is a word for the device, which goes now, later, or not because of its own wishes."""
    return decision.action == "tell" or decision.reason in {"quiet", "quiet_dropped", "capped"}


def write_outcomes(session: Session, wave_id: int, audience: Audience, numbers: Collection[int]) -> dict[int, int]:
    """Write decisions as outcomes of a wave: {number of the decision: id of the outcome}."""
    # Slices of a wave decide alike: what is the same is one outcome, and so one wording.
    known = {
        (row.kind, row.reason, row.counts, row.expires_at): row.id
        for row in session.execute(select(*Outcome.__table__.columns).where(Outcome.wave_id == wave_id))
    }
    ids = {}
    for number in numbers:
        decision = audience.decided[number]
        key = (str(decision.kind), decision.reason, decision.counts, decision.expires_at)
        if key not in known:
            kind, reason, counts, expires_at = key
            outcome = Outcome(wave_id=wave_id, kind=kind, reason=reason, counts=counts, expires_at=expires_at)
            session.add(outcome)
            session.flush()
            known[key] = outcome.id
        ids[number] = known[key]
    return ids


def message_values(audience: Audience, ids: dict[int, int], now: datetime) -> dict[str, ColumnElement[Any]]:
    """What a message becomes by its decision: columns of Message out of CASE and OUTCOME."""
    decided, number = audience.decided, OUTCOME.c.number

    def by_number(values: dict[int, Any], kind: Any) -> ColumnElement[Any]:
        whens = [(number == key, literal(value, kind)) for key, value in values.items() if value is not None]
        return case(*whens) if whens else cast(null(), kind)

    state = {
        "tell": ledger.PENDING,
        "hold": ledger.HELD,
    }
    states = {key: state.get(decided[key].action, decided[key].reason) for key in ids}
    counting = [key for key in ids if decided[key].counts]
    told = and_(number.in_(counting), CASE.c.reachable == 1)
    return {
        "state": case(
            (CASE.c.reachable == 0, literal(ledger.NO_REGISTRATION)),
            else_=by_number(states, Message.state.type),
        ),
        "outcome_id": by_number(dict(ids), Message.outcome_id.type),
        "counted_at": case((told, literal(now, Instant)), else_=cast(null(), Instant)),
        "again_at": by_number({key: decided[key].again_at for key in ids}, Message.again_at.type),
        **{
            hazard: case(
                (OUTCOME.c[f"{hazard}_from"] == NOW, CASE.c[f"{hazard}_part"]),
                (OUTCOME.c[f"{hazard}_from"] == BEFORE, CASE.c[f"{hazard}_before"]),
            )
            for hazard in WATCHED
        },
    }


def _fill_scope(session: Session, scope: Scope, day: date) -> None:
    """Note the devices that may be concerned."""
    query = select(Watch.device_id).distinct()
    if scope.few_communes is not None:
        query = query.where(Watch.commune_code.in_(sorted(scope.few_communes)))
    if scope.told:
        waves = select(Wave.id).where(Wave.day == day)
        told = select(Message.device_id).where(Message.wave_id.in_(waves), Message.state.in_(ledger.TOLD))
        query = query.where(Watch.device_id.in_(told))
    session.execute(insert(SCOPE).from_select(["device_id"], query))


def _end_of_slice(session: Session, after: str, size: int, *, scoped: bool) -> str | None:
    """The last device of the slice after `after`; None when there is none. The order is that of the database."""
    column = SCOPE.c.device_id if scoped else Preferences.__table__.c.device_id
    ids = select(column).where(column > after).order_by(column).limit(size).subquery()
    end: str | None = session.scalar(select(func.max(ids.c.device_id)))
    return end


def _supersede_held(session: Session, wave: Wave) -> None:
    """What an older wave still holds for the same day and device is not sent any more: the newer word has it."""
    older = select(Wave.id).where(Wave.day == wave.day, Wave.id < wave.id, Wave.settled_at.is_(None))
    ids = list(session.scalars(older))
    if ids:
        newer = select(CASE.c.device_id).join(
            Message, and_(Message.device_id == CASE.c.device_id, Message.wave_id == wave.id)
        )
        session.execute(
            update(Message)
            .where(Message.wave_id.in_(ids), Message.state == ledger.HELD, Message.device_id.in_(newer))
            .values(state=unless_delivered(ledger.QUIET_DROPPED), again_at=None)
        )


def cut_chunks(session: Session, wave: Wave, bounds: Bounds, now: datetime) -> None:
    """Cut a slice's messages into chunks. One in which nothing is pending is closed from the start."""
    rows: list[dict[str, Any]] = []
    last = bounds.after
    while True:
        here = (Message.wave_id == wave.id, Message.device_id > last, Message.device_id <= bounds.until)
        ids = select(Message.device_id, Message.state).where(*here).order_by(Message.device_id).limit(CHUNK).subquery()
        pending = func.max(case((ids.c.state == ledger.PENDING, 1), else_=0))
        query = select(func.min(ids.c.device_id), func.max(ids.c.device_id), pending)
        first, last, pends = session.execute(query).one()
        if first is None:
            break
        rows.append(
            {
                "wave_id": wave.id,
                "lane": wave.lane,
                "first_device": first,
                "last_device": last,
                "next_at": now if pends else None,
                "unsettled": False,
            }
        )
    if rows:
        session.execute(insert(Chunk), rows)
