"""Tables of residents: a device, how it is reached, and what it wishes. Nothing here says who holds it.

Every table that names a device has a foreign key to it with ON DELETE CASCADE: erasing the device is one statement.
A column whose `info` says `secret` is shown shortened, in an export too (`queries.shortened`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant

ID_LENGTH: Final = 22
HASH_LENGTH: Final = 64
"""Hexadecimal digits of a SHA-256."""
VERSION_LENGTH: Final = 20
ALIVE: Final = "alive"
RETIRED: Final = "retired"
QUARANTINED: Final = "quarantine"
"""States of a registration. `retired`: the push service says that it is gone. `quarantined`: that it is another
sender's; it is kept, and not used."""
_SECRET: Final[dict[str, Any]] = {"secret": True}


def _device(*, primary_key: bool = False, index: bool = False) -> Mapped[str]:
    return mapped_column(ForeignKey("people_device.id", ondelete="CASCADE"), primary_key=primary_key, index=index)


class Device(Base):
    """A resident's phone or browser. `seen_on` is only a day (UTC): nobody needs to know the hour."""

    __tablename__ = "people_device"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True, info=_SECRET)
    created_on: Mapped[date]
    seen_on: Mapped[date] = mapped_column(index=True)


class Registration(Base):
    """One way to reach a device.

    `kind`: fcm_token, fcm_fid, webpush or log. `value`: the token, the installation's id, the endpoint, or "" (log).
    `p256dh` and `auth`: keys of a Web Push subscription, base64url without padding. `digest` is of kind and value, so
    that one subscription belongs to one device. `state`: alive, retired or in quarantine.
    """

    __tablename__ = "people_registration"
    __table_args__ = (
        # These indexes hold all that the planning of a wave asks of a device: it reads no row of the tables.
        Index("ix_people_registration_device_state", "device_id", "state"),
        CheckConstraint(
            "(kind = 'webpush') = (p256dh IS NOT NULL) AND (p256dh IS NULL) = (auth IS NULL)", name="keys_of_webpush"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[str] = _device()
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(Text, info=_SECRET)
    p256dh: Mapped[str | None] = mapped_column(String(87), info=_SECRET)
    auth: Mapped[str | None] = mapped_column(String(22), info=_SECRET)
    digest: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True, info=_SECRET)
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(Instant)


class Watch(Base):
    """What a device wants to be told of: a hazard at a level or worse in a commune (its present INSEE code).

    `level` is on the hazard's own scale (`content.hazards.SCALES`). `told_when`: today or evening_before.
    """

    __tablename__ = "people_watch"
    __table_args__ = (
        UniqueConstraint("device_id", "commune_code", "hazard", "told_when"),
        Index("ix_people_watch_place", "commune_code", "hazard", "level"),
        Index("ix_people_watch_of_device", "device_id", "hazard", "commune_code", "level", "told_when"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    device_id: Mapped[str] = _device()
    commune_code: Mapped[str] = mapped_column(String(5))
    hazard: Mapped[str] = mapped_column(String(10))
    level: Mapped[int]
    told_when: Mapped[str] = mapped_column(String(15))


class Preferences(Base):
    """Language, and when a device may be told. Made with the device, so that every device has its row.

    `profile_key` is the key of a `wishes.Profile` and holds all of it: many devices share one profile.
    """

    __tablename__ = "people_preferences"
    __table_args__ = (Index("ix_people_preferences_of_device", "device_id", "profile_key"),)

    device_id: Mapped[str] = _device(primary_key=True)
    language: Mapped[str] = mapped_column(String(2))
    profile_key: Mapped[str] = mapped_column(String(100), index=True)


class Consent(Base):
    """Consent to one purpose: alerts, campaigns or reminders. It stands while `withdrawn_at` is empty.

    A withdrawn one is kept, as the proof of what was agreed to while it stood, until the device consents anew or is
    erased: only the last consent to a purpose is known.
    """

    __tablename__ = "people_consent"
    __table_args__ = ({"sqlite_with_rowid": False},)  # the row is found with its key

    device_id: Mapped[str] = _device(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[str] = mapped_column(String(VERSION_LENGTH))
    given_at: Mapped[datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)


class Transfer(Base):
    """The code with which a device moves to a new phone: at most one, used once."""

    __tablename__ = "people_transfer"

    device_id: Mapped[str] = _device(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True, info=_SECRET)
    expires_at: Mapped[datetime] = mapped_column(Instant)
