"""Routes of providers of appointments: for residents to read, for staff to keep."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from citizen_api.care.present import emergency_view
from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.core.geo import check_position
from citizen_api.core.problems import (
    Conflict,
    CursorInvalid,
    InvalidArguments,
    NotFound,
    OutsideTerritory,
    PositionMissing,
    PositionOutOfRange,
    PositionSwapped,
)
from citizen_api.people import actions as people_actions
from citizen_api.people import rules as people_rules
from citizen_api.teleconsult import provider_actions as actions
from citizen_api.teleconsult import provider_present as present
from citizen_api.teleconsult import provider_queries as queries
from citizen_api.teleconsult.models import PROVIDER_ID_LENGTH, Provider
from citizen_api.teleconsult.provider_problems import ProviderOfAnother, ProviderUnknown
from citizen_api.teleconsult.provider_rules import DEMO, PUBLIC_SERVICE, ProviderFacts
from citizen_api.teleconsult.provider_schemas import ProviderBody, ProviderIdBody, ProvidersArgs
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.problems import CommuneUnknown, CommuneWithoutPosition
from citizen_api.web.auth import Staff, current_staff
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.fields import check_one_place
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from citizen_api.web.services import now, session

blp = Blueprint(
    "providers",
    __name__,
    url_prefix="/v1/teleconsultations/providers",
    description="Who offers appointments: platforms, practices, booths, public services.",
)
PROVIDER: Final = f"<string(maxlength={PROVIDER_ID_LENGTH}):provider_id>"
KEEPING_PROBLEMS: Final = (NotFound, ProviderUnknown, ProviderOfAnother, OutsideTerritory)
"""What can be wrong with keeping a provider that exists."""
NOT_YOURS: Final = "Only an administrator keeps a public service."
_WITHIN_KM: Final = 30.0
_ID: Final = ProviderIdBody()


@blp.get("")
@blp.arguments(ProvidersArgs, location="query")
@blp.response(200, present.ProvidersView)
@blp.problems(
    PositionMissing, PositionOutOfRange, PositionSwapped, CommuneUnknown, CommuneWithoutPosition, CursorInvalid
)
def providers(args: dict[str, Any]) -> dict[str, Any]:
    """List who offers appointments: public services first, then the nearest, then by id.

    From somewhere (`lat` and `lon`, or `commune`), only those that are offered there, and of those that have a place
    only those within `within_km`. Links are given only by a handoff.
    """
    search = ("providers", *(args.get(name) for name in _SEARCHED_BY))
    cursor, limit = args["cursor"], args["limit"]
    after: Any = None if cursor is None else tuple(read_cursor(cursor, search, queries.KEY_KINDS))
    found = queries.find_providers(session(), _wanted(args), after=after, limit=limit + 1)
    page = found[:limit]
    known = queries.slots_known(session(), [one.provider.id for one in page])
    notices = [notice("demo_providers")] if any(one.provider.origin == DEMO for one in page) else []
    if not page:
        notices.append(notice("no_provider"))
    if "commune" in args and any(one.distance_m is not None for one in page):
        notices.append(notice("approximate_centroid"))
    return {
        "items": [present.provider_shown(one, known.get(one.provider.id), lang=language(), now=now()) for one in page],
        "next": write_cursor(search, page[-1].key) if len(found) > len(page) else None,
        "notices": notices,
        "emergency": emergency_view(language(), short=True),
    }


@blp.get(f"/{PROVIDER}")
@blp.response(200, present.ProviderPageView)
@blp.problems(NotFound, ProviderUnknown)
def provider(provider_id: str) -> dict[str, Any]:
    """Show a provider. One that is offered no more is unknown."""
    row = queries.provider(session(), provider_id)
    if row is None:
        raise ProviderUnknown
    known = queries.slots_known(session(), [row.id]).get(row.id)
    return present.provider_shown(queries.ProviderFound(row, None), known, lang=language(), now=now()) | {
        "notices": [notice("demo_providers")] if row.origin == DEMO else [],
        "emergency": emergency_view(language(), short=True),
    }


@blp.put(f"/{PROVIDER}")
@blp.arguments(ProviderBody)
@blp.response(200, present.StaffProviderView)
@blp.staff("provider")
@blp.problems(NotFound, ProviderOfAnother, OutsideTerritory, Conflict)
def put_provider(facts: ProviderFacts, provider_id: str) -> dict[str, Any]:
    """Create a provider or replace what is said of it, inside the territory of one's organisation.

    A key of a provider changes only those of its own organisation; an administrator any in the territory.
    """
    if wrong := _ID.validate({"id": provider_id}):
        raise InvalidArguments(fields={"provider_id": wrong["id"]})
    staff, row = current_staff(), queries.provider_to_change(session(), provider_id)
    if row is not None:
        check_keeps(staff, row)
    facts = _checked(staff, facts)
    if row is None:
        row = actions.create_provider(session(), provider_id, facts, organisation_id=staff.organisation_id, now=now())
        record(row, "provider.create", {"kind": row.kind, "name": row.name, "territory": _territory(row)})
    else:
        changed = actions.replace_provider(session(), row, facts, organisation_id=staff.organisation_id, now=now())
        if changed:
            record(row, "provider.replace", {"changed": changed})
    known = queries.slots_known(session(), [row.id]).get(row.id)
    return present.staff_provider_shown(row, known, lang=language(), now=now())


@blp.delete(f"/{PROVIDER}")
@blp.response(204)
@blp.staff("provider")
@blp.problems(*KEEPING_PROBLEMS)
def retire_provider(provider_id: str) -> Response:
    """Offer a provider no more: its slots are shown to nobody. A later PUT brings it back."""
    row = kept_provider(provider_id)
    actions.retire_provider(session(), row, now=now())
    record(row, "provider.retire", {})
    return Response(status=204)


@blp.post(f"/{PROVIDER}/webhook-secrets")
@blp.response(201, present.WebhookSecretView)
@blp.staff("provider")
@blp.problems(*KEEPING_PROBLEMS)
def add_webhook_secret(provider_id: str) -> dict[str, Any]:
    """Make a secret with which the provider signs its webhooks. It is shown once, here; the two newest are valid."""
    row = kept_provider(provider_id)
    secret = actions.add_webhook_secret(session(), row)
    record(row, "provider.webhook_secret.add", {"valid": len(row.webhook_secrets)})
    return {"secret": secret, "valid": len(row.webhook_secrets)}


@blp.delete(f"/{PROVIDER}/webhook-secrets")
@blp.response(204)
@blp.staff("provider")
@blp.problems(*KEEPING_PROBLEMS)
def revoke_older_secret(provider_id: str) -> Response:
    """Revoke the older of two secrets. Again, or with only one, it changes nothing."""
    row = kept_provider(provider_id)
    if actions.revoke_older_secret(session(), row):
        record(row, "provider.webhook_secret.revoke", {"valid": len(row.webhook_secrets)})
    return Response(status=204)


def kept_provider(provider_id: str) -> Provider:
    """Give a provider that the staff of this request may change. Raises KEEPING_PROBLEMS."""
    row = queries.provider_to_change(session(), provider_id)
    if row is None or row.retired_at is not None:
        raise ProviderUnknown
    check_keeps(current_staff(), row)
    return row


def check_keeps(staff: Staff, row: Provider) -> None:
    """Check that staff may change a provider. Raises ProviderOfAnother, OutsideTerritory."""
    if staff.role == "provider" and row.organisation_id != staff.organisation_id:
        raise ProviderOfAnother
    _check_inside(staff, queries.territory_lies_in(session(), row.territory_kind, row.territory_code))


def record(row: Provider, action: str, details: dict[str, object]) -> None:
    """Write to the audit log what the staff of this request changed of a provider."""
    people_actions.record_staff_change(
        session(), current_staff(), action=action, subject=f"provider {row.id}", details=details, now=now()
    )


_SEARCHED_BY: Final = ("kind", "modality", "specialty", "language", "lat", "lon", "commune", "within_km")


def _wanted(args: dict[str, Any]) -> queries.ProvidersWanted:
    wanted = {name: args[name] for name in ("kind", "modality", "specialty", "language")}
    if args.keys().isdisjoint(("lat", "lon", "commune", "within_km")):
        return queries.ProvidersWanted(**wanted)
    check_one_place(args)
    if "commune" in args:
        centre = territory_queries.position_of_commune(session(), args["commune"])
        position, commune_code = (centre.lat, centre.lon), centre.code
    else:
        check_position(lat=args["lat"], lon=args["lon"])
        position = (args["lat"], args["lon"])
        commune_code = queries.commune_at(session(), *position) or ""
    within_km = args.get("within_km", _WITHIN_KM)
    return queries.ProvidersWanted(**wanted, position=position, within_km=within_km, commune_code=commune_code)


def _checked(staff: Staff, facts: ProviderFacts) -> ProviderFacts:
    """Check what staff says of a provider, and complete it. Raises InvalidArguments, OutsideTerritory."""
    wrong = actions.faults(session(), facts, now=now())
    if staff.role == "provider" and facts.kind == PUBLIC_SERVICE:
        wrong["kind"] = [NOT_YOURS]
    if wrong:
        raise InvalidArguments(fields=wrong)
    facts = actions.located(session(), facts)
    _check_inside(staff, queries.territory_lies_in(session(), facts.territory_kind, facts.territory_code))
    for commune_code in {facts.commune_code, queries.commune_at(session(), facts.lat, facts.lon)} - {None}:
        _check_inside(staff, queries.territory_lies_in(session(), "commune", commune_code))
    return facts


def _check_inside(staff: Staff, place: set[tuple[str, str]]) -> None:
    if not people_rules.covers(staff.territory_kind, staff.territory_code, place):
        raise OutsideTerritory


def _territory(row: Provider) -> str:
    return ":".join(filter(None, (row.territory_kind, row.territory_code)))
