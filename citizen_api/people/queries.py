"""Reads about staff."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from citizen_api.people import rules
from citizen_api.people.models import AuditEntry, Organisation, StaffKey
from citizen_api.web.auth import Staff


class StoredStaffKeys:
    """The `StaffKeys` port, on the tables."""

    def find(self, session: Session, token: str, *, now: object) -> Staff | None:  # noqa: ARG002 - keys do not expire
        """Give the holder of a key that exists and is not revoked."""
        if not token.startswith(rules.KEY_PREFIX):
            return None
        key = session.scalar(
            select(StaffKey)
            .where(StaffKey.key_hash == rules.key_hash(token), StaffKey.revoked_at.is_(None))
            .options(joinedload(StaffKey.organisation))
        )
        if key is None:
            return None
        return Staff(
            key_id=key.id,
            role=key.role,
            organisation_id=key.organisation_id,
            organisation=key.organisation.name,
            territory_kind=key.organisation.territory_kind,
            territory_code=key.organisation.territory_code,
        )


def organisation_named(session: Session, name: str) -> Organisation | None:
    """Find an organisation by its name, exactly."""
    return session.scalar(select(Organisation).where(Organisation.name == name))


def staff_key(session: Session, key_id: int) -> StaffKey | None:
    """Find a key by its number."""
    return session.get(StaffKey, key_id, options=[joinedload(StaffKey.organisation)])


def staff_keys(session: Session) -> list[StaffKey]:
    """List every key, oldest first."""
    return list(session.scalars(select(StaffKey).order_by(StaffKey.id).options(joinedload(StaffKey.organisation))))


def audit_entries(session: Session, *, organisation: str | None, before_id: int | None, limit: int) -> list[AuditEntry]:
    """List audit entries of an organisation (None: of all), newest first, those before `before_id`."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if organisation is not None:
        query = query.where(AuditEntry.organisation == organisation)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return list(session.scalars(query))
