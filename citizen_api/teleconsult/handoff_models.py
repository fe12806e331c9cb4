"""Tables of handoffs: one resident, once, handed over to one booking service. Only counts outlive their end.

A handoff may name a device (for reminders) and a specialty until it ends; then both, the slot and the link are dropped
from it, and what is left is a state that counts nobody. Of one whose slot is gone only the specialty and the modality
are kept, for as long as others are offered instead.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant
from citizen_api.people.device_models import Device
from citizen_api.sources.slot_records import LINK_LENGTH
from citizen_api.teleconsult.models import MODALITY_LENGTH, PROVIDER_ID_LENGTH, SPECIALTY_LENGTH, Provider

HANDOFF_ID_LENGTH: Final = 22
HASH_LENGTH: Final = 64
REFERRAL_LENGTH: Final = 36
STATE_LENGTH: Final = 12
_SECRET: Final[dict[str, Any]] = {"secret": True}


class Handoff(Base):
    """One handing over. `state`: of handoff_rules.STATES.

    `token_hash`: of the token in its short link. `key_hash`, `key_salt`, `asked`: of the Idempotency-Key under which
    it was asked for, what makes its token out of that key again, and a keyed digest of the question (an end forgets
    them). `feed_id`, `slot_key`: the slot; None: the provider itself. `starts_s`, `ends_s`: of the appointment, as far
    as it is known, in seconds since 1970. `link`: where it leads, without referral. `territory_code`: INSEE code of the
    commune of the place, "" where there is none: of the place, never of a resident. `remind`: the resident agreed to
    reminders. `sequence`: how often its appointment changed (RFC 5545). `was_stale`: the slot was shown as stale.
    """

    __tablename__ = "teleconsult_handoff"
    __table_args__ = (
        Index("ix_teleconsult_handoff_expires", "state", "expires_at"),
        CheckConstraint("(feed_id IS NULL) = (slot_key IS NULL)", name="slot"),
    )

    id: Mapped[str] = mapped_column(String(HANDOFF_ID_LENGTH), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True, info=_SECRET)
    key_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True, info=_SECRET)
    key_salt: Mapped[str] = mapped_column(String(44), info=_SECRET)
    asked: Mapped[str] = mapped_column(String(HASH_LENGTH), info=_SECRET)
    device_id: Mapped[str | None] = mapped_column(ForeignKey(Device.id, ondelete="CASCADE"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey(Provider.id, ondelete="CASCADE"), index=True)
    referral: Mapped[str] = mapped_column(String(REFERRAL_LENGTH), unique=True, info=_SECRET)
    state: Mapped[str] = mapped_column(String(STATE_LENGTH))
    feed_id: Mapped[int | None]
    slot_key: Mapped[int | None] = mapped_column(BigInteger)
    specialty: Mapped[str | None] = mapped_column(String(SPECIALTY_LENGTH))
    modality: Mapped[str | None] = mapped_column(String(MODALITY_LENGTH))
    granularity: Mapped[str] = mapped_column(String(10))
    link: Mapped[str | None] = mapped_column(String(LINK_LENGTH), info=_SECRET)
    starts_s: Mapped[int | None] = mapped_column(BigInteger)
    ends_s: Mapped[int | None] = mapped_column(BigInteger)
    territory_code: Mapped[str] = mapped_column(String(5))
    remind: Mapped[bool]
    sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class HandoffEvent(Base):
    """One move of a handoff from a state (None: it was made) to another. `by`: resident, provider or system."""

    __tablename__ = "teleconsult_handoff_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    handoff_id: Mapped[str] = mapped_column(ForeignKey(Handoff.id, ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    was: Mapped[str | None] = mapped_column(String(STATE_LENGTH))
    became: Mapped[str] = mapped_column(String(STATE_LENGTH))
    by: Mapped[str] = mapped_column(String(10))


class WebhookSeen(Base):
    """A signed message that was taken: the same once more changes nothing. `digest`: of its id."""

    __tablename__ = "teleconsult_webhook_seen"

    provider_id: Mapped[str] = mapped_column(ForeignKey(Provider.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(HASH_LENGTH), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Instant, index=True)


class HandoffCount(Base):
    """How many handoffs of a provider became what, by week and commune of the place. Names nobody.

    `week`: its Monday. `feed_id`: 0 without a slot. Each counts once in `made`, and once in each state that it reached.
    """

    __tablename__ = "teleconsult_count"

    provider_id: Mapped[str] = mapped_column(String(PROVIDER_ID_LENGTH), primary_key=True)
    feed_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    territory_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    week: Mapped[date] = mapped_column(Date, primary_key=True)
    made: Mapped[int] = mapped_column(default=0)
    opened: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    too_late: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    booked: Mapped[int] = mapped_column(default=0)
    cancelled: Mapped[int] = mapped_column(default=0)
    completed: Mapped[int] = mapped_column(default=0)
