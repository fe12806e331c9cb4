"""Decides again about messages that were held for quiet hours: what is still true then goes, the rest is dropped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, changed_rows
from notifications import ledger
from notifications.audience import Audience, Bounds, same_case
from notifications.audience_tables import CASE, OUTCOME, SCOPE
from notifications.models import Chunk, Mark, Message, Wave
from notifications.outbox import LEASE, is_near, unless_delivered
from notifications.planning import OF_ALERTS, Find, is_concerned, message_values, write_outcomes
from notifications.steps import reached
from notifications.wave_actions import stop_messages

AT_ONCE: Final = 20_000
"""Messages decided again in one transaction."""


class Releaser:
    """Releases held messages. `find` is the planner's."""

    def __init__(self, database: Database, *, clock: Clock, find: Callable[[date, datetime], Find]) -> None:
        self._database = database
        self._clock = clock
        self._find = find

    def release(self) -> int:
        """Decide again about some messages whose quiet hours are over, all of one wave; give how many."""
        with self._database.session(write=False) as session:
            if _due_wave(session, self._clock()) is None:
                return 0
        with self._database.pinned() as database, database.session() as session:
            now = self._clock()
            # A planner waits until this is done, and this for a planner: what one decides the other must know.
            session.execute(select(Mark.subject).where(OF_ALERTS).with_for_update())
            wave = _due_wave(session, now)
            if wave is None or wave.day is None or _is_planned_now(session, wave.day, now):
                return 0
            # Locked before their messages, as a sender does: who closes one at this moment sees what is released.
            session.execute(select(Chunk.id).where(Chunk.wave_id == wave.id).order_by(Chunk.id).with_for_update())
            audience = Audience(session, day=wave.day, standings=self._find(wave.day, now), now=now, scoped=True)
            due = (
                select(Message.device_id)
                .where(Message.wave_id == wave.id, Message.state == ledger.HELD, Message.again_at <= now)
                .order_by(Message.device_id)
                .limit(AT_ONCE)
            )
            session.execute(insert(SCOPE).from_select(["device_id"], due))
            audience.learn(session, Bounds())
            audience.name_parts(session)
            audience.decide(session, Bounds())
            released = _release(session, wave, audience, now)
            _reopen(session, [wave.id], now)
            audience.close(session)
            session.flush()
            reached("hold.released")
        return released


def look_after(database: Database, now: datetime) -> int:
    """Find what senders and planners left: closed chunks with something pending, stops half done, waves that are done.

    A sender that closes a chunk does not see what another transaction is releasing in it at the same moment. Gives how
    many chunks were opened.
    """
    sending = select(Chunk.id).where(Chunk.wave_id == Wave.id, Chunk.next_at.is_not(None)).exists()
    # A slice that is being planned at this moment comes in after a stop.
    abandoned = or_(Wave.planning_until.is_(None), Wave.planning_until < now)
    ended = or_(Wave.planned_at.is_not(None), and_(Wave.stopped_at.is_not(None), abandoned))
    idle = select(Wave.id).where(Wave.settled_at.is_(None), ended, ~sending)
    stopped = select(Wave.id).where(Wave.settled_at.is_(None), Wave.stopped_at.is_not(None))
    with database.session(write=False) as session:
        half_done = list(session.scalars(stopped))
    for wave_id in half_done:
        stop_messages(database, wave_id, now=now)
    with database.session(write=False) as session:
        waves = {wave_id: _unfinished(session, wave_id) for wave_id in session.scalars(idle)}
    forgotten = [wave_id for wave_id, states in waves.items() if ledger.PENDING in states]
    done = [wave_id for wave_id, states in waves.items() if not states]
    if not forgotten and not done:  # what is held waits, and nobody writes for it
        return 0
    with database.session() as session:
        opened = _reopen(session, forgotten, now)
        for wave_id in done:
            if not _unfinished(session, wave_id):
                session.execute(
                    update(Wave).where(Wave.id == wave_id, Wave.settled_at.is_(None)).values(settled_at=now)
                )
    if done:
        reached("wave.settled")
    return opened


def _unfinished(session: Session, wave_id: int) -> set[str]:
    """Which of the states that are not final occur in a wave."""
    query = select(Message.state).where(Message.wave_id == wave_id, Message.state.in_(ledger.OPEN)).distinct()
    return set(session.scalars(query))


def _is_planned_now(session: Session, day: date, now: datetime) -> bool:
    planning = is_near(Wave.planning_until, now, LEASE)
    return session.scalar(select(Wave.id).where(Wave.day == day, Wave.planned_at.is_(None), planning)) is not None


def _due_wave(session: Session, now: datetime) -> Wave | None:
    held = select(Message.wave_id).where(Message.state == ledger.HELD, Message.again_at <= now).limit(1)
    wave_id = session.scalar(held)
    return None if wave_id is None else session.get(Wave, wave_id)


def _release(session: Session, wave: Wave, audience: Audience, now: datetime) -> int:
    concerned = [number for number, decision in enumerate(audience.decided) if is_concerned(decision)]
    values = message_values(audience, write_outcomes(session, wave.id, audience, concerned), now)
    dropped = OUTCOME.c.number.not_in(concerned)
    decided_state: ColumnElement[str] = case(
        (CASE.c.consents == 0, literal(ledger.STOPPED)),
        (dropped, literal(ledger.QUIET_DROPPED)),
        else_=values.pop("state"),
    )
    state = case((decided_state.in_(ledger.OPEN), decided_state), else_=unless_delivered(decided_state))
    kept: dict[str, ColumnElement[Any]] = {
        name: case((dropped, getattr(Message, name)), else_=value) for name, value in values.items()
    }
    kept["again_at"] = values["again_at"]
    held = and_(Message.wave_id == wave.id, Message.state == ledger.HELD)
    decided = session.execute(
        update(Message)
        .where(held, Message.device_id == CASE.c.device_id, same_case())
        .values(state=state, **kept)
        .execution_options(synchronize_session=False)
    )
    # Who watches nothing any more is in no case.
    rest = session.execute(
        update(Message)
        .where(held, Message.again_at <= now, Message.device_id.in_(select(SCOPE.c.device_id)))
        .where(Message.device_id.not_in(select(CASE.c.device_id)))
        .values(state=unless_delivered(ledger.QUIET_DROPPED), again_at=None)
        .execution_options(synchronize_session=False)
    )
    return changed_rows(decided) + changed_rows(rest)


def _reopen(session: Session, wave_ids: list[int], now: datetime) -> int:
    pending = (
        select(Message.wave_id)
        .where(
            Message.wave_id == Chunk.wave_id,
            Message.device_id >= Chunk.first_device,
            Message.device_id <= Chunk.last_device,
            Message.state == ledger.PENDING,
        )
        .exists()
    )
    opened = session.execute(
        update(Chunk)
        .where(Chunk.wave_id.in_(wave_ids), Chunk.next_at.is_(None), pending)
        .values(next_at=now)
        .execution_options(synchronize_session=False)
    )
    return changed_rows(opened)
