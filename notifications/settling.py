"""Writes down what came of a chunk: states, attempts, registrations that are gone, and when it is due again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Integer, String, bindparam, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from citizen_api.core.db import Database, Instant
from citizen_api.people.device_models import ALIVE, Registration
from notifications import ledger
from notifications.bulk import is_one_of, is_postgresql, numbered_texts, pairs, values
from notifications.models import Attempt, Chunk, Message, Wave
from notifications.outbox import PENDING, Claim, stop_chunk
from notifications.steps import reached

_SILENT: Any = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Again:
    """When messages are tried again. `went_out`: they were sent, and the answer was: not now."""

    at: datetime
    went_out: bool
    maybe_delivered: bool


@dataclass(slots=True)
class Results:
    """What is known of a chunk and not written yet: device ids and registrations by what came of them.

    `attempts` by (platform, verdict, code): ids of registrations, and their devices. `gone` by the new state of the
    registrations: their ids and digests, as they were sent.
    """

    states: dict[str, list[str]] = field(default_factory=dict)
    again: dict[Again, list[str]] = field(default_factory=dict)
    attempts: dict[tuple[str, str, str], tuple[list[int], list[str]]] = field(default_factory=dict)
    gone: dict[str, tuple[list[int], list[str]]] = field(default_factory=dict)
    count: int = 0

    def finish(self, state: str, device_id: str) -> None:
        """A message has its last state."""
        self.states.setdefault(state, []).append(device_id)

    def retry(self, again: Again, device_id: str) -> None:
        """A message stays pending."""
        self.again.setdefault(again, []).append(device_id)

    def tried(self, platform: str, verdict: str, code: str, *, registration_id: int, device_id: str) -> None:
        """A registration was tried."""
        ids, devices = self.attempts.setdefault((platform, verdict, code), ([], []))
        ids.append(registration_id)
        devices.append(device_id)
        self.count += 1

    def lose(self, state: str, registration_id: int, digest: str) -> None:
        """A registration is not used any more."""
        ids, digests = self.gone.setdefault(state, ([], []))
        ids.append(registration_id)
        digests.append(digest)


@dataclass(frozen=True, slots=True)
class Settled:
    """`is_ours`: the lease is still ours. `is_closed`: nothing in the chunk is pending any more."""

    is_ours: bool
    is_closed: bool = False


def settle(
    database: Database, claimed: Claim, results: Results, *, now: datetime, last: bool, unanswered: bool = False
) -> Settled:
    """Write what is known. `last`: give the chunk back. `unanswered`: something of it went out, and nobody waits.

    Where somebody else has the chunk, only facts are written, and only where the message is still pending.
    """
    if results.gone:
        # In a transaction of its own: whoever erases a device locks both, in an order of their own.
        with database.session() as session:
            _lose(session, results)
    with database.session() as session:
        owner = session.scalar(select(Chunk.owner).where(Chunk.id == claimed.chunk_id).with_for_update())
        settled = Settled(is_ours=owner == claimed.owner)
        _write(session, claimed, results, is_ours=settled.is_ours)
        if last and settled.is_ours:
            settled = Settled(is_ours=True, is_closed=_give_back(session, claimed, now, unanswered=unanswered))
        reached("settle.written")
    reached("settle.committed")
    return settled


def _lose(session: Session, results: Results) -> None:
    here = is_postgresql(session)
    losing = (
        update(Registration)
        .where(
            is_one_of(Registration.id, "ids", on_postgresql=here),
            # As it was sent to: one that was replaced meanwhile is another.
            is_one_of(Registration.digest, "digests", on_postgresql=here),
            Registration.state == ALIVE,
        )
        .execution_options(**_SILENT)
    )
    for state, (ids, digests) in results.gone.items():
        lost = {"ids": values(ids, on_postgresql=here), "digests": values(digests, on_postgresql=here)}
        session.execute(losing.values(state=state), lost)


def _write(session: Session, claimed: Claim, results: Results, *, is_ours: bool) -> None:
    here = is_postgresql(session)

    def change(statement: Any, devices: Sequence[str], **changed: Any) -> None:
        session.execute(
            statement, {"of_wave": claimed.wave_id, "devices": values(devices, on_postgresql=here), **changed}
        )

    for state, devices in results.states.items():
        if is_ours or state == ledger.ACCEPTED:
            change(_finishing(on_postgresql=here), devices, to_state=state)
    for again, devices in results.again.items() if is_ours else ():
        change(_retrying(again.maybe_delivered, on_postgresql=here), devices, at=again.at, times=int(again.went_out))
    for (platform, verdict, code), (ids, devices) in results.attempts.items():
        session.execute(
            _attempting(on_postgresql=here),
            {
                "of_wave": claimed.wave_id,
                "on": platform,
                "said": verdict,
                "coded": code,
                **pairs(ids, devices, on_postgresql=here),
            },
        )


@cache
def _finishing(*, on_postgresql: bool) -> Any:
    return _pending(on_postgresql).values(state=bindparam("to_state"), again_at=None)


@cache
def _retrying(maybe_delivered: bool, *, on_postgresql: bool) -> Any:  # noqa: FBT001 - part of the key
    changed: dict[str, Any] = {"maybe_delivered": True} if maybe_delivered else {}
    return _pending(on_postgresql).values(again_at=bindparam("at"), tried=Message.tried + bindparam("times"), **changed)


def _pending(on_postgresql: bool) -> Any:  # noqa: FBT001
    return (
        update(Message)
        .where(
            Message.wave_id == bindparam("of_wave"),
            Message.state == ledger.PENDING,
            is_one_of(Message.device_id, "devices", on_postgresql=on_postgresql),
        )
        .execution_options(**_SILENT)
    )


@cache
def _attempting(*, on_postgresql: bool) -> Any:
    """Note attempts; those of devices that erased themselves meanwhile leave nothing."""
    tried = numbered_texts(on_postgresql=on_postgresql)
    # For each pair by the whole key, whatever a database believes to know of the sizes of tables.
    there = (
        select(Message.wave_id)
        .where(Message.wave_id == bindparam("of_wave"), Message.device_id == tried.c.text)
        .with_for_update(read=True, key_share=True)
        .exists()
    )
    platform, verdict, code = (bindparam(name, type_=String) for name in ("on", "said", "coded"))
    rows = select(
        bindparam("of_wave", type_=Integer), tried.c.text, tried.c.number, platform, verdict, code, literal(1)
    ).where(there)
    names = ["wave_id", "device_id", "registration_id", "platform", "verdict", "code", "tries"]
    changed = {"tries": Attempt.tries + 1, "verdict": verdict, "code": code}
    key = [Attempt.wave_id, Attempt.device_id, Attempt.registration_id]
    dialect = postgresql if on_postgresql else sqlite
    writing = dialect.insert(Attempt.__table__).from_select(names, rows)
    return writing.on_conflict_do_update(index_elements=key, set_=changed)


_EARLIEST: Final = select(
    func.min(func.coalesce(Message.again_at, bindparam("now", type_=Instant), type_=Instant), type_=Instant)
).where(PENDING)


def _give_back(session: Session, claimed: Claim, now: datetime, *, unanswered: bool) -> bool:
    """Say when the chunk is due again; True when it is not."""
    wave = session.execute(select(Wave.stopped_at).where(Wave.id == claimed.wave_id)).first()
    if not unanswered and wave is not None and wave.stopped_at is not None:
        stop_chunk(session, claimed)
        return True
    next_at: datetime | None = now
    if not unanswered:
        next_at = session.scalar(_EARLIEST, {"now": now, **claimed.bounds})
    session.execute(
        update(Chunk)
        .where(Chunk.id == claimed.chunk_id)
        .values(next_at=next_at, lease_until=None, owner=None, unsettled=unanswered)
        .execution_options(**_SILENT)
    )
    return next_at is None
