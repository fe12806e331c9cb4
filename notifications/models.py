"""The wave ledger: who was told what, and what came of it (DESIGN, decision 6).

A wave is planned in slices, sent in chunks. One device in one wave is one message; each of its registrations that was
tried is an attempt. Whatever names a device goes with it (ON DELETE CASCADE); a trigger of the database counts what
goes so on its wave (migration 0009), in the erasing transaction.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import JSON, Date, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant
from citizen_api.people.device_models import Device

CODE_LENGTH: Final = 16
HAZARD_LENGTH: Final = 10


class Wave(Base):
    """One thing to tell, and everybody whom it concerns.

    `key` says what it is about, so that nothing is planned twice. `code` is its public name. `lane`: of ledger.LANES.
    `day`: of an alert only. `tag` is where it stands on a screen: a later message with the same tag replaces an earlier
    one. `scope` narrows whom it may concern (`planning.Scope`), or says what it reminds of, until that is past.
    `planning_until` is the planner's lease. `planned_at`: every slice is in; `settled_at`: nothing is held or pending
    any more; `stopped_at`: nothing more is sent. `erased` counts the messages of devices that erased themselves;
    `shown` and `opened` what phones reported. `counts` is what is left of its messages after `keeping.KEPT_FOR`.
    `audited_at`: when it was first audited after it settled; `ailing`: why the last audit found it out of balance.
    """

    __tablename__ = "notifications_wave"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id that is gone is never another's

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    lane: Mapped[str] = mapped_column(String(10))
    day: Mapped[date | None] = mapped_column(Date, index=True)
    tag: Mapped[str] = mapped_column(String(40))
    scope: Mapped[dict[str, Any]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(Instant, index=True)
    planning_until: Mapped[datetime | None] = mapped_column(Instant)
    planned_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    stopped_at: Mapped[datetime | None] = mapped_column(Instant)
    stop_reason: Mapped[str | None] = mapped_column(String(100))
    erased: Mapped[int] = mapped_column(default=0)
    shown: Mapped[int] = mapped_column(default=0)
    opened: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))
    audited_at: Mapped[datetime | None] = mapped_column(Instant)
    ailing: Mapped[str | None] = mapped_column(String(200))


class Slice(Base):
    """A part of a wave that was planned in one transaction: the devices after `after`, up to and with `until`.

    Its key is what makes a replay change nothing. `no_consent` devices are counted here and nowhere else: what
    somebody has not agreed to leaves no row that names them.
    """

    __tablename__ = "notifications_slice"

    wave_id: Mapped[int] = mapped_column(ForeignKey(Wave.id, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    after: Mapped[str] = mapped_column(String(22))
    until: Mapped[str] = mapped_column(String(22))
    eligible: Mapped[int]
    no_consent: Mapped[int]
    planned_at: Mapped[datetime] = mapped_column(Instant)


class Chunk(Base):
    """The messages of a wave from `first_device` to `last_device` (both included): what one sender works on.

    `next_at`: when it is due; None when nothing in it is pending. `lease_until` and `owner`: who has it. `unsettled`:
    somebody claimed it and never settled what was sent.
    """

    __tablename__ = "notifications_chunk"
    __table_args__ = (Index("ix_notifications_chunk_due", "lane", "next_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    wave_id: Mapped[int] = mapped_column(ForeignKey(Wave.id, ondelete="CASCADE"), index=True)
    lane: Mapped[str] = mapped_column(String(10))
    first_device: Mapped[str] = mapped_column(String(22))
    last_device: Mapped[str] = mapped_column(String(22))
    next_at: Mapped[datetime | None] = mapped_column(Instant)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    owner: Mapped[str | None] = mapped_column(String(40))
    unsettled: Mapped[bool] = mapped_column(default=False)


class Outcome(Base):
    """What was decided for many devices of a wave alike: `notifications.rules.Decision` without its places.

    `kind` and `reason` are those of the decision, `counts` whether it counts towards caps.
    """

    __tablename__ = "notifications_outcome"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id that is gone is never another's

    id: Mapped[int] = mapped_column(primary_key=True)
    wave_id: Mapped[int] = mapped_column(ForeignKey(Wave.id, ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(20))
    counts: Mapped[bool]
    expires_at: Mapped[datetime] = mapped_column(Instant)


class Part(Base):
    """What a message may say of one hazard in one commune (`content.push.Part`): a dictionary that all waves share."""

    __tablename__ = "notifications_part"
    __table_args__ = (
        UniqueConstraint(
            "commune_code", "hazard", "level", "cause", "tier", "is_demo", name="uq_notifications_part_said"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    commune_code: Mapped[str] = mapped_column(String(5))
    hazard: Mapped[str] = mapped_column(String(HAZARD_LENGTH))
    level: Mapped[int]
    cause: Mapped[str] = mapped_column(String(10), default="")
    tier: Mapped[str] = mapped_column(String(12), default="")
    is_demo: Mapped[bool] = mapped_column(default=False)


class Message(Base):
    """One device in one wave.

    `state`: one of `ledger.STATES`. `air` to `uv`: what is said of each hazard (a `Part`); of an all-clear, what was
    said before. `counted_at`: when it was told, of one that counts towards caps. `again_at`: when a held message is
    decided again, or a pending one tried again. `tried`: how often it
    went out without a final answer; `maybe_delivered`: one of those may have reached the phone. `receipts`: which
    reports of the phone were counted (1 shown, 2 opened), so that none counts twice; no moment is kept.
    """

    __tablename__ = "notifications_message"
    __table_args__ = (
        Index("ix_notifications_message_device", "device_id", "wave_id"),
        Index(
            "ix_notifications_message_held",
            "again_at",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        # Clustered by its key: a chunk is one range of pages. PostgreSQL has no such tables.
        {"sqlite_with_rowid": False},
    )

    wave_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    device_id: Mapped[str] = mapped_column(ForeignKey(Device.id, ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(15))
    outcome_id: Mapped[int]
    air: Mapped[int | None]
    pollen: Mapped[int | None]
    heat: Mapped[int | None]
    uv: Mapped[int | None]
    counted_at: Mapped[datetime | None] = mapped_column(Instant)
    again_at: Mapped[datetime | None] = mapped_column(Instant)
    tried: Mapped[int] = mapped_column(default=0)
    maybe_delivered: Mapped[bool] = mapped_column(default=False)
    receipts: Mapped[int] = mapped_column(default=0)


class Attempt(Base):
    """A registration that was tried for a message: how often, and the last answer (`transports.base.Answer.code`)."""

    __tablename__ = "notifications_attempt"
    __table_args__ = (
        ForeignKeyConstraint(
            ["wave_id", "device_id"],
            [Message.wave_id, Message.device_id],
            ondelete="CASCADE",
            name="fk_notifications_attempt_message",
        ),
        {"sqlite_with_rowid": False},
    )

    wave_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    device_id: Mapped[str] = mapped_column(String(22), primary_key=True)
    registration_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    platform: Mapped[str] = mapped_column(String(10))
    verdict: Mapped[str] = mapped_column(String(15))
    code: Mapped[str] = mapped_column(String(40))
    tries: Mapped[int] = mapped_column(default=1)


class Pace(Base):
    """How fast everything together is sent; one row. A virtual clock: `free_at` is when the next message may go.

    `rate_per_s` is at most the setting; lowered where a service says so, raised again slowly. `campaigns_free_at` is
    the clock of the campaigns, which may use a part of it only.
    """

    __tablename__ = "notifications_pace"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rate_per_s: Mapped[float]
    changed_at: Mapped[datetime] = mapped_column(Instant)
    free_at: Mapped[datetime] = mapped_column(Instant)
    campaigns_free_at: Mapped[datetime] = mapped_column(Instant)
    paused_until: Mapped[datetime | None] = mapped_column(Instant)


class Platform(Base):
    """A push service that refuses our credentials: nothing goes out on it until `stopped_until`, then it is tried."""

    __tablename__ = "notifications_platform"

    name: Mapped[str] = mapped_column(String(10), primary_key=True)
    stopped_until: Mapped[datetime] = mapped_column(Instant)
    code: Mapped[str] = mapped_column(String(40))


class Mark(Base):
    """How far the facts of a subject have been looked at: moved in the transaction that opens their waves.

    Facts up to `upto` are done, and those of `beyond` above it: on PostgreSQL a fact may become visible after one with
    a higher id. `looked_at`: moments up to it have been looked for watches that fall due and levels that settle.
    """

    __tablename__ = "notifications_mark"

    subject: Mapped[str] = mapped_column(String(20), primary_key=True)
    upto: Mapped[int]
    beyond: Mapped[list[int]] = mapped_column(JSON)
    looked_at: Mapped[datetime] = mapped_column(Instant)
