"""Writes of providers of appointments. None of them commits."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import String, cast, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.core.problems import Conflict
from citizen_api.teleconsult import provider_queries as queries
from citizen_api.teleconsult.models import Feed, Provider, Schedule, Service
from citizen_api.teleconsult.provider_rules import FILE, STAFF, ProviderFacts, next_secrets
from citizen_api.teleconsult.schedule_store import between_commas
from citizen_api.territory import queries as territory_queries

NO_TERRITORY: Final = "No such territory."
NO_COMMUNE: Final = "No commune has this INSEE code."
IN_THE_FUTURE: Final = "Not in the future."
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what tells a secret, not one
"""Standard Webhooks 1.0."""
SECRET_BYTES: Final = 32
_FIRST_TO_WAKE: Final = timedelta(hours=14)
"""Ahead of UTC: a day that has begun nowhere yet lies in the future."""
_SEARCHED_BY: Final = ("languages", "sector", "third_party", "audience")
"""What a calendar that does not say it has from its provider."""


def faults(session: Session, facts: ProviderFacts, *, now: datetime) -> dict[str, list[str]]:
    """Say what of a provider cannot be, by field, as far as only the tables and the clock know."""
    found = {}
    if not territory_queries.knows_territory(session, facts.territory_kind, facts.territory_code):
        found["territory"] = [NO_TERRITORY]
    if facts.commune_code is not None and territory_queries.present_code(session, facts.commune_code) is None:
        found["commune"] = [NO_COMMUNE]
    if facts.as_of > (now + _FIRST_TO_WAKE).date():
        found["as_of"] = [IN_THE_FUTURE]
    return found


def located(session: Session, facts: ProviderFacts) -> ProviderFacts:
    """Give the facts with the present code of the commune, which is found by the position where nobody says it."""
    if facts.commune_code is not None:
        return replace(facts, commune_code=territory_queries.present_code(session, facts.commune_code))
    return replace(facts, commune_code=queries.commune_at(session, facts.lat, facts.lon))


def create_provider(
    session: Session, provider_id: str, facts: ProviderFacts, *, organisation_id: int, now: datetime
) -> Provider:
    """Add a provider that staff keeps. Raises Conflict when somebody else added it at the same moment."""
    row = Provider(
        id=provider_id,
        **facts.columns(),
        origin=STAFF,
        organisation_id=organisation_id,
        webhook_secrets=[],
        updated_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict from error
    return row


def replace_provider(
    session: Session, row: Provider, facts: ProviderFacts, *, organisation_id: int, now: datetime
) -> dict[str, list[Any]]:
    """Replace what is said of a provider; give what changed, {column: [before, after]}.

    One that was retired is offered again; one of a file is kept by staff from now on, by those of `organisation_id`.
    """
    columns = facts.columns() | {"origin": STAFF, "retired_at": None}
    if row.organisation_id is None:
        columns["organisation_id"] = organisation_id
    changed = {
        name: [_shown(getattr(row, name)), _shown(value)]
        for name, value in columns.items()
        if getattr(row, name) != value
    }
    if changed:
        for name, value in columns.items():
            setattr(row, name, value)
        row.updated_at = now
        session.flush()
    if not changed.keys().isdisjoint(_SEARCHED_BY):
        pass_on(session, [row.id])
    return changed


def retire_provider(session: Session, row: Provider, *, now: datetime) -> None:
    """Offer a provider no more. What it is known by stays, so that handoffs that are under way end well."""
    row.retired_at = row.updated_at = now
    session.flush()


def keep_files_provider(session: Session, provider_id: str, facts: ProviderFacts, *, now: datetime) -> None:
    """Write a provider as a file says it. One that staff keeps meanwhile stays as it is."""
    columns = facts.columns() | {"updated_at": now, "retired_at": None}
    session.execute(
        insert_or_update(session, Provider)
        .values(id=provider_id, origin=FILE, webhook_secrets=[], **columns)
        .on_conflict_do_update(index_elements=[Provider.id], set_=columns, where=Provider.origin == FILE)
    )
    session.expire_all()
    pass_on(session, [provider_id])


def retire_files_providers(session: Session, provider_ids: Collection[str], *, now: datetime) -> None:
    """Retire providers that left the files."""
    session.execute(
        update(Provider)
        .where(Provider.id.in_(provider_ids), Provider.origin == FILE)
        .values(retired_at=now, updated_at=now)
    )


def add_webhook_secret(session: Session, row: Provider) -> str:
    """Make a secret for signed webhooks and give it; it is never shown again. The two newest are valid."""
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    row.webhook_secrets = next_secrets(secret, row.webhook_secrets)
    session.flush()
    return secret


def revoke_older_secret(session: Session, row: Provider) -> bool:
    """Leave only the newest secret valid; tell whether an older one was."""
    had_older = len(row.webhook_secrets) > 1
    row.webhook_secrets = row.webhook_secrets[:1]
    session.flush()
    return had_older


def pass_on(session: Session, provider_ids: Collection[str]) -> None:
    """Bring the rows by which slots are searched in line with providers, where a calendar leaves it open."""
    for row in session.scalars(select(Provider).where(Provider.id.in_(provider_ids))):
        calendars = select(Schedule.id).join(Feed, Feed.id == Schedule.feed_id).where(Feed.provider_id == row.id)
        for silent, said in (
            # The two databases compare JSON only as text.
            (cast(Schedule.languages, String) == "[]", {"languages": between_commas(row.languages)}),
            (Schedule.sector.is_(None), {"sector": row.sector}),
            (Schedule.third_party.is_(None), {"third_party": row.third_party}),
            (Schedule.audience.is_(None), {"audience": row.audience}),
        ):
            session.execute(
                update(Service)
                .where(Service.schedule_id.in_(calendars.where(silent)))
                .values(**said)
                .execution_options(synchronize_session=False)
            )


def _shown(value: Any) -> Any:
    """What the audit log holds of a value: JSON."""
    return value.isoformat() if hasattr(value, "isoformat") else value
