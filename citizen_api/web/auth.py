"""Who asks: staff keys as Bearer tokens. The keys themselves live in `people/`, found through a port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from flask import g, request
from sqlalchemy.orm import Session

from citizen_api.core.problems import Forbidden, Unauthorised
from citizen_api.web.services import now, services, session


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
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorised
    keys: StaffKeys = services().port(StaffKeys)  # type: ignore[type-abstract]
    staff = keys.find(session(), token.strip(), now=now())
    if staff is None:
        raise Unauthorised(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    if staff.role not in roles and staff.role != "administrator":
        raise Forbidden
    g.staff = staff
    return staff


def current_staff() -> Staff:
    """Give the staff that `require_staff` let in."""
    staff: Staff = g.staff
    return staff
