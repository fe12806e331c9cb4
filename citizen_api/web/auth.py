"""Who asks: staff keys and device tokens, as Bearer tokens. They live in `people/`, found through two ports."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from flask import g, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from citizen_api.core.problems import Forbidden, Unauthorised
from citizen_api.web.services import end_session, now, services, session


@dataclass(frozen=True, slots=True)
class Staff:
    """Who acts with a staff key, for whom, and where.

    `territory_kind`: commune, epci, departement, region, or country (everywhere).
    """

    key_id: int
    role: str
    organisation_id: int
    organisation: str
    territory_kind: str
    territory_code: str | None


class StaffKeys(Protocol):
    """Port: finds who holds a key."""

    def find(self, session: Session, token: str, *, now: object) -> Staff | None:
        """Give the holder of a valid, unrevoked key."""
        ...


def require_staff(*roles: str) -> Staff:
    """Give the staff of this request. Raises Unauthorised without a valid key, Forbidden without the role."""
    keys: StaffKeys = services().port(StaffKeys)  # type: ignore[type-abstract]
    staff = keys.find(session(), _bearer_token(), now=now())
    if staff is None:
        raise _unknown_token()
    if staff.role not in roles and staff.role != "administrator":
        raise Forbidden
    g.staff = staff
    return staff


def current_staff() -> Staff:
    """Give the staff that `require_staff` let in."""
    staff: Staff = g.staff
    return staff


@dataclass(frozen=True, slots=True)
class CurrentDevice:
    """The device that asks. `seen_on`: the day (UTC) of its last request before this one."""

    id: str
    seen_on: date


class Devices(Protocol):
    """Port: finds whose token it is."""

    def find(self, session: Session, token: str, *, today: date) -> CurrentDevice | None:
        """Give the device of a valid token."""
        ...

    def mark_seen(self, session: Session, device_id: str, *, today: date) -> None:
        """Note that a device was there today."""
        ...


def require_device() -> CurrentDevice:
    """Give the device of this request, seen today from now on. Raises Unauthorised without a valid token.

    The first request of a day notes the day in a transaction of its own, because a reading one cannot write.
    """
    token, today = _bearer_token(), now().date()
    devices: Devices = services().port(Devices)  # type: ignore[type-abstract]
    device = devices.find(session(), token, today=today)
    if device is not None and device.seen_on < today:
        end_session(success=False)
        # A database that takes no writes for a while still answers: the next request notes the day.
        with suppress(OperationalError), services().database.session() as own:
            devices.mark_seen(own, device.id, today=today)
        device = devices.find(session(), token, today=today)
    if device is None:
        raise _unknown_token()
    g.device = device
    return device


def current_device() -> CurrentDevice:
    """Give the device that `require_device` let in."""
    device: CurrentDevice = g.device
    return device


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised
    return token.strip()


def _unknown_token() -> Unauthorised:
    return Unauthorised(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
