"""Writes about staff. None of them commits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from citizen_api.people import rules
from citizen_api.people.models import AuditEntry, Organisation, StaffKey
from citizen_api.web.auth import Staff

COMMAND_LINE = "command line"


def create_organisation(
    session: Session, *, name: str, territory: tuple[str, str | None], now: datetime
) -> Organisation:
    """Add an organisation that acts in `territory` (kind, code)."""
    kind, code = territory
    organisation = Organisation(name=name, territory_kind=kind, territory_code=code, created_at=now)
    session.add(organisation)
    session.flush()
    record_change(
        session,
        actor=COMMAND_LINE,
        organisation=name,
        action="organisation.create",
        subject=f"organisation {organisation.id}",
        details={"name": name, "territory": kind if code is None else f"{kind}:{code}"},
        now=now,
    )
    return organisation


def issue_key(
    session: Session, *, organisation: Organisation, role: str, label: str, now: datetime
) -> tuple[StaffKey, str]:
    """Make a key and give it with its row; it can never be read again. Raises ValueError for an unknown role."""
    if role not in rules.ROLES:
        raise ValueError(f"unknown role {role!r}: one of {', '.join(rules.ROLES)}")
    key = rules.new_key()
    row = StaffKey(
        organisation_id=organisation.id, role=role, label=label, key_hash=rules.key_hash(key), created_at=now
    )
    session.add(row)
    session.flush()
    record_change(
        session,
        actor=COMMAND_LINE,
        organisation=organisation.name,
        action="staff_key.issue",
        subject=f"key {row.id}",
        details={"role": role, "label": label},
        now=now,
    )
    return row, key


def revoke_key(session: Session, key: StaffKey, *, now: datetime) -> None:
    """Make a key useless from now on. Revoking twice changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = now
        record_change(
            session,
            actor=COMMAND_LINE,
            organisation=key.organisation.name,
            action="staff_key.revoke",
            subject=f"key {key.id}",
            details={},
            now=now,
        )


def record_staff_change(
    session: Session, staff: Staff, *, action: str, subject: str, details: dict[str, object], now: datetime
) -> None:
    """Write to the audit log what a member of staff changed."""
    record_change(
        session,
        actor=f"key {staff.key_id} ({staff.role})",
        organisation=staff.organisation,
        action=action,
        subject=subject,
        details=details,
        now=now,
    )


def record_change(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    details: dict[str, object],
    now: datetime,
    organisation: str | None = None,
) -> None:
    """Write one line of the audit log."""
    session.add(
        AuditEntry(at=now, actor=actor, organisation=organisation, action=action, subject=subject, details=details)
    )
