"""Writes about residents' devices. None of them commits, and none leaves a line in the audit log, which keeps all.

What one device asks for at the same time happens one after the other: each write locks its row first.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from citizen_api.core.db import changed_rows
from citizen_api.core.problems import Unauthorised
from citizen_api.people import device_secrets as secrets
from citizen_api.people.device_models import Device, Preferences, Registration, Transfer
from citizen_api.people.device_problems import TransferCodeInvalid
from citizen_api.people.wishes import Profile
from citizen_api.web.auth import CurrentDevice

RETIRED_AFTER: Final = timedelta(days=270)
"""A device that was silent for longer is erased, and its token opens nothing any more."""
CODE_LASTS: Final = timedelta(minutes=10)


class StoredDevices:
    """The `Devices` port, on the tables."""

    def find(self, session: Session, token: str, *, today: date) -> CurrentDevice | None:
        """Give the device of a token, unless it was silent for so long that it is as good as erased."""
        if not token.startswith(secrets.TOKEN_PREFIX):
            return None
        device = session.execute(
            select(Device.id, Device.seen_on).where(
                Device.token_hash == secrets.digest(token), Device.seen_on >= today - RETIRED_AFTER
            )
        ).one_or_none()
        return CurrentDevice(*device) if device else None

    def mark_seen(self, session: Session, device_id: str, *, today: date) -> None:
        """Note that a device was there today."""
        session.execute(update(Device).where(Device.id == device_id).values(seen_on=today))


def create_device(session: Session, *, language: str, profile: Profile, now: datetime) -> tuple[str, str]:
    """Make a device with its preferences: its id, and its token, which can never be read again."""
    device_id, token, today = secrets.new_id(), secrets.new_token(), now.date()
    session.add(Device(id=device_id, token_hash=secrets.digest(token), created_on=today, seen_on=today))
    session.flush()
    session.add(Preferences(device_id=device_id, language=language, profile_key=profile.key))
    session.flush()
    return device_id, token


def lock_device(session: Session, device_id: str) -> Device:
    """Hold a device's row until the transaction ends. Raises Unauthorised when it was erased meanwhile."""
    device = session.scalar(select(Device).where(Device.id == device_id).with_for_update())
    if device is None:
        raise Unauthorised
    return device


def rotate_token(session: Session, device_id: str) -> str:
    """Give a device a fresh token; the one before opens nothing from now on."""
    token = secrets.new_token()
    lock_device(session, device_id).token_hash = secrets.digest(token)
    session.flush()
    return token


def start_transfer(session: Session, device_id: str, *, now: datetime) -> tuple[str, datetime]:
    """Give the code that moves a device to a new phone, and until when it works. A code before it is void."""
    lock_device(session, device_id)
    session.execute(delete(Transfer).where(Transfer.device_id == device_id))
    code, expires_at = secrets.new_code(), now + CODE_LASTS
    session.add(Transfer(device_id=device_id, code_hash=secrets.digest(secrets.read_code(code)), expires_at=expires_at))
    session.flush()
    return code, expires_at


def finish_transfer(session: Session, typed: str, *, now: datetime) -> tuple[str, str]:
    """Move a device to the phone on which its code was typed: its id, and its fresh token.

    Its wishes and consents stay, the ways to reach the phone before go. Raises TransferCodeInvalid.
    """
    code_hash = secrets.digest(secrets.read_code(typed))
    valid = (Transfer.code_hash == code_hash, Transfer.expires_at > now)
    device_id = session.scalar(select(Transfer.device_id).where(*valid))
    if device_id is None:
        raise TransferCodeInvalid
    token = rotate_token(session, device_id)
    if not changed_rows(session.execute(delete(Transfer).where(*valid))):
        raise TransferCodeInvalid  # it was used between the look at it and the lock
    session.execute(delete(Registration).where(Registration.device_id == device_id))
    session.execute(update(Device).where(Device.id == device_id).values(seen_on=now.date()))
    return device_id, token


def erase_device(session: Session, device_id: str) -> None:
    """Erase a device; whatever names it goes with it, by its foreign key."""
    session.execute(delete(Device).where(Device.id == device_id))


def retire_silent(session: Session, now: datetime) -> int:
    """Erase every device silent for longer than `RETIRED_AFTER`, and codes that have expired: how many devices."""
    session.execute(delete(Transfer).where(Transfer.expires_at <= now))
    return changed_rows(session.execute(delete(Device).where(Device.seen_on < now.date() - RETIRED_AFTER)))
