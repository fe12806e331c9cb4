"""Reads of the wave ledger: waves for staff, messages for the device whose they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from citizen_api.territory.models import Commune, FormerCommune
from content.hazards import WATCHED
from notifications.audit import ELIGIBLE, audit
from notifications.ledger import ACCEPTED, Balance
from notifications.models import Attempt, Chunk, Message, Outcome, Part, Slice, Wave

WaveState = Literal["open", "settled", "stopped"]
WAVE_STATES: Final[tuple[WaveState, ...]] = get_args(WaveState)
ATTEMPTS: Final = "attempts"
"""First word of what `Wave.counts` keeps of attempts."""
_STATES: Final[Mapping[str, ColumnElement[bool]]] = {
    "open": and_(Wave.stopped_at.is_(None), Wave.settled_at.is_(None)),
    "settled": and_(Wave.stopped_at.is_(None), Wave.settled_at.is_not(None)),
    "stopped": Wave.stopped_at.is_not(None),
}


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """How many registrations of a platform got this as their last answer."""

    platform: str
    verdict: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class WaveShown:
    """All that is told of one wave. None of it names a device.

    `accepted_per_s`: since the wave opened, None before a second has passed. `is_demo`: it says what is made up.
    """

    wave: Wave
    balance: Balance
    open_chunks: int
    attempts: Sequence[AttemptCount]
    accepted_per_s: float | None
    is_demo: bool


@dataclass(frozen=True, slots=True)
class MyMessage:
    """One message of a device, with what it says: at most one part of each hazard."""

    message: Message
    outcome: Outcome
    wave: Wave
    parts: Sequence[Part]


def state_of(wave: Wave) -> WaveState:
    """Whether anything may still be sent; a wave that was stopped stays so, whether anything of it is open or not."""
    if wave.stopped_at is not None:
        return "stopped"
    return "open" if wave.settled_at is None else "settled"


def waves(
    session: Session,
    *,
    lane: str | None = None,
    state: WaveState | None = None,
    before_id: int | None = None,
    limit: int,
) -> Sequence[Wave]:
    """List waves, newest first, those before `before_id`."""
    query = select(Wave).order_by(Wave.id.desc()).limit(limit)
    if lane is not None:
        query = query.where(Wave.lane == lane)
    if state is not None:
        query = query.where(_STATES[state])
    if before_id is not None:
        query = query.where(Wave.id < before_id)
    return session.scalars(query).all()


def eligible(session: Session, waves: Collection[Wave]) -> dict[int, int]:
    """How many devices each wave concerns, by its number: cheap, whatever their number."""
    query = (
        select(Slice.wave_id, func.sum(Slice.eligible))
        .where(Slice.wave_id.in_([wave.id for wave in waves]))
        .group_by(Slice.wave_id)
    )
    planned = {wave_id: int(devices) for wave_id, devices in session.execute(query)}
    return {wave.id: planned.get(wave.id, 0) if wave.counts is None else wave.counts[ELIGIBLE] for wave in waves}


def wave_with_code(session: Session, code: str) -> Wave | None:
    """Find a wave by its public name."""
    return session.scalar(select(Wave).where(Wave.code == code))


def wave_numbered(session: Session, number: int) -> Wave | None:
    """Find a wave by its number."""
    return session.get(Wave, number)


def show(session: Session, wave: Wave, *, now: datetime) -> WaveShown:
    """Count everything of one wave."""
    balance = audit(session, wave)
    sending = select(func.count()).where(Chunk.wave_id == wave.id, Chunk.next_at.is_not(None))
    return WaveShown(
        wave=wave,
        balance=balance,
        open_chunks=session.scalar(sending) or 0,
        attempts=attempts(session, wave),
        accepted_per_s=accepted_per_s(wave, balance, now=now),
        is_demo=is_demo(session, wave),
    )


def is_demo(session: Session, wave: Wave) -> bool:
    """Whether a wave says what the demo city made up: its first message tells."""
    first = func.coalesce(Message.air, Message.pollen, Message.heat, Message.uv)
    query = select(Part.is_demo).join(Message, first == Part.id).where(Message.wave_id == wave.id)
    return bool(session.scalar(query.order_by(Message.device_id).limit(1)))


def accepted_per_s(wave: Wave, balance: Balance, *, now: datetime) -> float | None:
    """How fast a wave was taken on the average of its life, quiet hours included: no moment of a message is kept."""
    ends = [moment for moment in (wave.settled_at, wave.stopped_at) if moment is not None]
    elapsed_s = (min(ends, default=now) - wave.opened_at).total_seconds()
    return balance.counts[ACCEPTED] / elapsed_s if elapsed_s >= 1 else None


def attempts(session: Session, wave: Wave) -> list[AttemptCount]:
    """How registrations answered, by platform and code, the most frequent first."""
    if wave.counts is not None:
        kept = [(key.split(" ", 3), count) for key, count in wave.counts.items() if key.startswith(f"{ATTEMPTS} ")]
        counted = [AttemptCount(platform, verdict, code, n) for (_, platform, verdict, code), n in kept]
    else:
        kinds = (Attempt.platform, Attempt.verdict, Attempt.code)
        query = select(*kinds, func.count()).where(Attempt.wave_id == wave.id).group_by(*kinds)
        counted = [AttemptCount(*row) for row in session.execute(query)]
    return sorted(counted, key=lambda one: (-one.count, one.platform, one.code, one.verdict))


def my_messages(session: Session, device_id: str, *, before_id: int | None, limit: int) -> list[MyMessage]:
    """List every message of a device, newest first, also those that did not go out: of waves before `before_id`."""
    query = (
        select(Message, Outcome, Wave)
        .join(Wave, Wave.id == Message.wave_id)
        .join(Outcome, Outcome.id == Message.outcome_id)
        .where(Message.device_id == device_id)
        .order_by(Message.wave_id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(Message.wave_id < before_id)
    rows = session.execute(query).all()
    ids = {part_id for message, _, _ in rows for part_id in _part_ids(message)}
    parts = {part.id: part for part in session.scalars(select(Part).where(Part.id.in_(ids)))}
    return [
        MyMessage(message, outcome, wave, [parts[part_id] for part_id in _part_ids(message) if part_id in parts])
        for message, outcome, wave in rows
    ]


def commune_names(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Names of communes, by present or old code."""
    former = (
        select(FormerCommune.code, Commune.name)
        .join(Commune, Commune.code == FormerCommune.commune_code)
        .where(FormerCommune.code.in_(codes))
    )
    present = select(Commune.code, Commune.name).where(Commune.code.in_(codes))
    return {row[0]: row[1] for query in (former, present) for row in session.execute(query)}


def ailing(session: Session) -> Sequence[int]:
    """Numbers of the waves that the last audit found out of balance."""
    return session.scalars(select(Wave.id).where(Wave.ailing.is_not(None)).order_by(Wave.id)).all()


def wave_ids_with_messages(session: Session) -> Sequence[int]:
    """Numbers of the waves whose messages are still there."""
    return session.scalars(select(Wave.id).where(Wave.counts.is_(None)).order_by(Wave.id)).all()


def _part_ids(message: Message) -> list[int]:
    found = [getattr(message, hazard) for hazard in WATCHED]
    return [part_id for part_id in found if part_id is not None]
