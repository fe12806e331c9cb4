"""Writes about waves and messages by people: stopping, and what a phone reports. Sending is the outbox's matter."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from citizen_api.core.db import Database, changed_rows
from notifications import ledger
from notifications.models import Chunk, Message, Wave
from notifications.outbox import unless_delivered
from notifications.problems import MessageUnknown, WaveSettled

SHOWN: Final = "shown"
OPENED: Final = "opened"
REASON_LENGTH: Final = 100
"""Of `Wave.stop_reason`."""
RECEIPTS: Final = (SHOWN, OPENED)
_SHOWN_BIT, _OPENED_BIT = 1, 2
"""Of `Message.receipts`."""
_CHUNKS_AT_ONCE: Final = 40
"""Chunks that are stopped in one transaction: nobody else who writes waits for long."""


def stop_wave(session: Session, wave: Wave, *, reason: str | None, now: datetime) -> bool:
    """Decide that nothing more of a wave is sent; False when that was decided before. Raises WaveSettled.

    `stop_messages` then does it.
    """
    session.refresh(wave, with_for_update=True)
    if wave.stopped_at is not None:
        return False
    if wave.settled_at is not None:
        raise WaveSettled
    wave.stopped_at, wave.stop_reason = now, reason
    session.flush()
    return True


def stop_messages(database: Database, wave_id: int, *, now: datetime) -> int:
    """Stop what is left of a stopped wave, some chunks in each transaction; give how many messages were stopped.

    What somebody is sending at this moment, or died over, is left to whoever claims its chunk next: only there is
    known what went out. Interrupted, it is called again.
    """
    stopped, after = 0, 0
    while True:
        with database.session() as session:
            chunks = session.scalars(
                select(Chunk)
                .where(Chunk.wave_id == wave_id, Chunk.id > after)
                .order_by(Chunk.id)
                .limit(_CHUNKS_AT_ONCE)
                .with_for_update()
            ).all()
            if not chunks:
                return stopped
            after = chunks[-1].id
            for chunk in chunks:
                stopped += _stop_chunk(session, chunk, now)


def _stop_chunk(session: Session, chunk: Chunk, now: datetime) -> int:
    being_sent = chunk.unsettled or (chunk.lease_until is not None and chunk.lease_until > now)
    states = [ledger.HELD] if being_sent else list(ledger.OPEN)
    stopping = (
        update(Message)
        .where(
            Message.wave_id == chunk.wave_id,
            Message.device_id >= chunk.first_device,
            Message.device_id <= chunk.last_device,
            Message.state.in_(states),
        )
        .values(state=unless_delivered(ledger.STOPPED), again_at=None)
        .execution_options(synchronize_session=False)
    )
    if not being_sent:
        chunk.next_at = None
        session.flush()
    return changed_rows(session.execute(stopping))


def count_receipt(session: Session, device_id: str, wave_id: int, kind: str) -> None:
    """Count what a phone reports of its message: each kind once, and an opened message was shown. No moment is kept.

    Raises MessageUnknown.
    """
    here = (Message.wave_id == wave_id, Message.device_id == device_id)
    # The answer that it was accepted may still be on its way to us. What never went out was not shown.
    went_out = Message.state.in_(ledger.TOLD)
    counted: dict[str, int] = {}
    for name, bit in ((SHOWN, _SHOWN_BIT), (OPENED, _OPENED_BIT)):
        if name in {kind, SHOWN}:
            # Of two reports at once the second finds the bit set: it waits for the row, and looks again.
            noting = update(Message).where(*here, went_out, Message.receipts.bitwise_and(bit) == 0)
            counted[name] = changed_rows(
                session.execute(
                    noting.values(receipts=Message.receipts + bit).execution_options(synchronize_session=False)
                )
            )
    if any(counted.values()):
        session.execute(
            update(Wave)
            .where(Wave.id == wave_id)
            .values({getattr(Wave, name): getattr(Wave, name) + count for name, count in counted.items()})
            .execution_options(synchronize_session=False)
        )
    elif session.scalar(select(Message.state).where(*here)) is None:
        raise MessageUnknown
