"""Who sends what: a chunk is claimed by a short lease, which its sender renews while it lives.

A claim writes that the chunk is unsettled before anything of it is sent. Whoever finds it so later knows that its
sender died, and that what is still pending may have reached a phone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from citizen_api.core.db import Database, Instant, changed_rows
from citizen_api.people.wishes import local_day
from notifications import ledger
from notifications.models import Chunk, Message, Wave
from notifications.steps import reached

CHUNK: Final = 500
"""Messages of a chunk."""
LEASE: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)
"""How long a message waits at most until it is tried again, whatever a service asks for."""
_FAR: Final = 2
"""A moment that lies so many times its longest distance ahead was written by a clock that has jumped back since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A chunk that is ours, by `owner`, which no other claim has.

    `code`, `tag`, `day`: those of its wave. `starts_s`: of the appointment that it reminds of, in seconds since 1970;
    None of another wave. `is_stopped`: its wave is stopped: the chunk was closed, not claimed.
    """

    chunk_id: int
    wave_id: int
    lane: str
    first_device: str
    last_device: str
    owner: str
    code: str
    tag: str
    day: date
    starts_s: int | None
    is_stopped: bool

    def day_in(self, zone: str) -> date:
        """The day that its wave is about, by the clock of a zone."""
        return self.day if self.starts_s is None else local_day(datetime.fromtimestamp(self.starts_s, UTC), zone=zone)

    @property
    def bounds(self) -> dict[str, Any]:
        """Values of the parameters of `MESSAGES`."""
        return {"of_wave": self.wave_id, "from_device": self.first_device, "to_device": self.last_device}


# Statements are put together once: that takes longer than to run them.
MESSAGES: Final = and_(
    Message.wave_id == bindparam("of_wave"),
    Message.device_id >= bindparam("from_device"),
    Message.device_id <= bindparam("to_device"),
)
"""Whether a message is of a chunk."""
PENDING: Final = and_(MESSAGES, Message.state == ledger.PENDING)


def is_due(moment: Any) -> ColumnElement[bool]:
    """Whether a moment has come at which something is tried again. An absurd one has. Its parameters: `moments`."""
    return or_(moment <= bindparam("now", type_=Instant), moment > bindparam("far", type_=Instant))


def moments(now: datetime) -> dict[str, datetime]:
    """Values of the parameters of `is_due`."""
    return {"now": now, "far": now + _FAR * LONGEST_RETRY}


_CLAIMABLE: Final = and_(
    Chunk.lane == bindparam("lane"),
    is_due(Chunk.next_at),
    or_(
        Chunk.lease_until.is_(None),
        Chunk.lease_until <= bindparam("now", type_=Instant),
        Chunk.lease_until > bindparam("absurd", type_=Instant),
    ),
)
_DUE: Final = (
    select(
        Chunk.id,
        Chunk.wave_id,
        Chunk.lane,
        Chunk.first_device,
        Chunk.last_device,
        Chunk.unsettled,
        Wave.code,
        Wave.tag,
        Wave.day,
        Wave.opened_at,
        Wave.stopped_at,
        # That of an alert may name every commune.
        case((Wave.lane == ledger.REMINDERS, Wave.scope)).label("scope"),
    )
    .join(Wave, Wave.id == Chunk.wave_id)
    .where(_CLAIMABLE)
    .order_by(Chunk.id)
    .limit(1)
)
_DUE_IDS: Final = select(Chunk.id).where(_CLAIMABLE).order_by(Chunk.id)
_CLAIMING: Final = _DUE.with_for_update(of=Chunk, skip_locked=True)
_DOUBTING: Final = (
    update(Message)
    .where(PENDING, or_(Message.again_at.is_(None), is_due(Message.again_at)))
    .values(maybe_delivered=True)
    .execution_options(synchronize_session=False)
)


def claim(
    database: Database, *, owner: str, now: datetime, campaigns: bool = True, chunk_id: int | None = None
) -> Claim | None:
    """Claim a chunk that is due, in the order of the lanes; None when there is none.

    `campaigns` False: only alerts. `chunk_id`: this chunk, if it is due. A chunk of a stopped wave is closed.
    """
    with database.session() as session:
        claiming = _CLAIMING if chunk_id is None else _CLAIMING.where(Chunk.id == chunk_id)
        for lane in ledger.LANES if campaigns else ledger.LANES[:1]:
            row = session.execute(claiming, _moments(lane, now)).first()
            if row is not None:
                break
        else:
            return None
        claimed = Claim(
            chunk_id=row.id,
            wave_id=row.wave_id,
            lane=row.lane,
            first_device=row.first_device,
            last_device=row.last_device,
            owner=owner,
            code=row.code,
            tag=row.tag,
            day=row.day or row.opened_at.date(),
            starts_s=ledger.starts_s_of(row.scope or {}),
            is_stopped=row.stopped_at is not None,
        )
        if row.unsettled:
            # Its last sender never settled: what was due then may have been sent.
            session.execute(_DOUBTING, {**claimed.bounds, **moments(now)})
        if claimed.is_stopped:
            stop_chunk(session, claimed)
        else:
            session.execute(
                update(Chunk)
                .where(Chunk.id == row.id)
                .values(lease_until=now + LEASE, owner=owner, unsettled=True)
                .execution_options(synchronize_session=False)
            )
        reached("claim.written")
    reached("claim.committed")
    return claimed


def anything_due(database: Database, now: datetime, *, campaigns: bool = True) -> bool:
    """Whether there is a chunk to claim: asked without taking a lock."""
    with database.session(write=False) as session:
        lanes = ledger.LANES if campaigns else ledger.LANES[:1]
        return any(session.execute(_DUE, _moments(lane, now)).first() is not None for lane in lanes)


def due_ids(database: Database, now: datetime, *, most: int) -> dict[str, list[int]]:
    """Chunks that could be claimed, by lane, the oldest first, at most so many of each."""
    with database.session(write=False) as session:
        return {lane: list(session.scalars(_DUE_IDS.limit(most), _moments(lane, now))) for lane in ledger.LANES}


def unless_delivered(state: Any) -> Any:
    """Say the state of a message that is not sent any more: what may have reached a phone before is uncertain."""
    return case((Message.maybe_delivered.is_(True), ledger.UNCERTAIN), else_=state)


def _moments(lane: str, now: datetime) -> dict[str, Any]:
    return {"lane": lane, "absurd": now + _FAR * LEASE, **moments(now)}


def is_near(moment: Any, now: datetime, most: timedelta) -> ColumnElement[bool]:
    """Whether a moment is ahead, and no farther than a clock that never jumped would put it."""
    return and_(moment > now, moment <= now + _FAR * most)


def stop_chunk(session: Session, claimed: Claim) -> None:
    """Close a chunk of a stopped wave."""
    session.execute(
        update(Message)
        .where(MESSAGES, Message.state.in_(ledger.OPEN))
        .values(state=unless_delivered(ledger.STOPPED), again_at=None)
        .execution_options(synchronize_session=False),
        claimed.bounds,
    )
    session.execute(
        update(Chunk)
        .where(Chunk.id == claimed.chunk_id)
        .values(next_at=None, lease_until=None, owner=None, unsettled=False)
        .execution_options(synchronize_session=False)
    )


def renew(database: Database, claims: Collection[Claim], *, now: datetime) -> set[str]:
    """Renew leases, and give the owners that still have theirs."""
    owners = [claimed.owner for claimed in claims]
    with database.session() as session:
        renewing = (
            update(Chunk)
            .where(Chunk.id.in_([claimed.chunk_id for claimed in claims]), Chunk.owner.in_(owners))
            .values(lease_until=now + LEASE)
            .returning(Chunk.owner)
            .execution_options(synchronize_session=False)
        )
        return {str(owner) for owner in session.scalars(renewing)}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What else is known of a wave at the last moment: `newest` is the newest wave with its tag."""

    is_stopped: bool
    newest: int


_NEWER: Final = aliased(Wave)
_LOOKING: Final = select(
    Wave.stopped_at,
    select(func.max(_NEWER.id))
    .where(_NEWER.id >= bindparam("of_wave"), _NEWER.tag == bindparam("tag"))
    .scalar_subquery(),
).where(Wave.id == bindparam("of_wave"))


def look(database: Database, claimed: Claim) -> Outlook:
    """Look at a wave once more before something of it is sent. One that is gone is stopped."""
    with database.session(write=False) as session:
        row = session.execute(_LOOKING, {"of_wave": claimed.wave_id, "tag": claimed.tag}).first()
        return Outlook(row is None or row[0] is not None, claimed.wave_id if row is None else row[1])


_SUPERSEDING: Final = select(Message.device_id).where(
    Message.wave_id.in_(bindparam("newer", expanding=True)),
    Message.device_id >= bindparam("from_device"),
    Message.device_id <= bindparam("to_device"),
    Message.state.in_((*ledger.TOLD, ledger.HELD)),
)
_WITH_TAG: Final = select(Wave.id).where(Wave.id > bindparam("of_wave"), Wave.tag == bindparam("tag"))


def superseded(session: Session, claimed: Claim) -> set[str]:
    """Devices of a chunk for which there is a newer word with the same tag: it has been told, or will be."""
    newer = list(session.scalars(_WITH_TAG, {"of_wave": claimed.wave_id, "tag": claimed.tag}))
    if not newer:
        return set()
    bounds = {"from_device": claimed.first_device, "to_device": claimed.last_device}
    return set(session.scalars(_SUPERSEDING, {"newer": newer, **bounds}))


_OLDER_WITH_TAG: Final = select(Wave.id).where(Wave.id < bindparam("of_wave"), Wave.tag == bindparam("tag"))
_HEARING: Final = select(Message.device_id).where(
    Message.wave_id.in_(bindparam("older", expanding=True)),
    Message.device_id >= bindparam("from_device"),
    Message.device_id <= bindparam("to_device"),
    or_(
        Message.state.in_((ledger.ACCEPTED, ledger.UNCERTAIN)),
        Message.maybe_delivered.is_(True),
        # Somebody is sending it at this moment, or died over it.
        and_(
            Message.state == ledger.PENDING,
            select(Chunk.id)
            .where(
                Chunk.wave_id == Message.wave_id,
                Chunk.first_device <= Message.device_id,
                Chunk.last_device >= Message.device_id,
                Chunk.unsettled.is_(True),
            )
            .exists(),
        ),
    ),
)


def heard(session: Session, claimed: Claim) -> set[str]:
    """Devices of a chunk that an older word with the same tag has reached, or may have."""
    older = list(session.scalars(_OLDER_WITH_TAG, {"of_wave": claimed.wave_id, "tag": claimed.tag}))
    if not older:
        return set()
    bounds = {"from_device": claimed.first_device, "to_device": claimed.last_device}
    return set(session.scalars(_HEARING, {"older": older, **bounds}))


def settle_wave(database: Database, wave_id: int, *, now: datetime) -> bool:
    """Note that a wave is done, if it is: planned, no chunk due any more, nothing held."""
    due = select(Chunk.id).where(Chunk.wave_id == wave_id, Chunk.next_at.is_not(None))
    # Written out: a prepared statement of PostgreSQL would not find the index of what is held.
    held: ColumnElement[str] = bindparam(None, ledger.HELD, literal_execute=True)
    holding = select(Message.device_id).where(Message.wave_id == wave_id, Message.state == held)
    open_ = (Wave.id == wave_id, Wave.planned_at.is_not(None), Wave.settled_at.is_(None))
    with database.session(write=False) as session:
        if session.execute(due.limit(1)).first() or not session.execute(select(Wave.id).where(*open_)).first():
            return False
    with database.session() as session:
        settling = update(Wave).where(*open_, ~due.exists(), ~holding.exists()).values(settled_at=now)
        settled = changed_rows(session.execute(settling.execution_options(synchronize_session=False))) > 0
    if settled:
        reached("wave.settled")
    return settled
