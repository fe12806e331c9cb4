"""Makes organisations and their keys."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from citizen_api.people import actions, queries
from citizen_api.people.models import StaffKey

NOW = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)


def make_key(
    session: Session, role: str = "moderator", *, name: str = "Ville d'essai", territory: tuple = ("departement", "75")
) -> tuple[StaffKey, str]:
    """Make a key of an organisation, made when it is new; give its row and the key itself."""
    organisation = queries.organisation_named(session, name) or actions.create_organisation(
        session, name=name, territory=territory, now=NOW
    )
    return actions.issue_key(session, organisation=organisation, role=role, label="", now=NOW)


def bearer(key: str) -> dict[str, str]:
    """Make the header that carries a key."""
    return {"Authorization": f"Bearer {key}"}
