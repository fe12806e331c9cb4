"""The route of what became of handoffs, for providers and for the city."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from citizen_api.core.problems import InvalidArguments, OutsideTerritory
from citizen_api.people import rules as people_rules
from citizen_api.teleconsult import insight_queries as queries
from citizen_api.teleconsult import insight_schemas as schemas
from citizen_api.teleconsult.handoff_counts import week_of
from citizen_api.teleconsult.insight_rules import LEAST, weeks_asked
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.provider_actions import NO_TERRITORY
from citizen_api.teleconsult.provider_problems import ProviderOfAnother, ProviderUnknown
from citizen_api.teleconsult.provider_queries import territory_lies_in
from citizen_api.territory.queries import knows_territory
from citizen_api.web.auth import Staff, current_staff
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.notices import notice
from citizen_api.web.services import now, session

blp = Blueprint(
    "insight",
    __name__,
    url_prefix="/v1/teleconsultations/insight",
    description="For staff: what became of handoffs. Never of a few.",
)
PROVIDER_ROLE = "provider"
_COUNTRY = queries.Area(kind="country", code=None)


@blp.get("")
@blp.arguments(schemas.InsightArgs, location="query")
@blp.response(200, schemas.InsightView)
@blp.staff(PROVIDER_ROLE, "communication", "reader")
@blp.problems(OutsideTerritory, ProviderUnknown, ProviderOfAnother)
def insight(args: dict[str, Any]) -> dict[str, Any]:
    """Tell how many handoffs there were, gone on arrival and booked, by week and territory; never of fewer than 11.

    A provider's key sees one of its own providers; other keys see all providers together, in their territory. Only
    weeks that are over have numbers. What would give a hidden number away is hidden, too.
    """
    staff = current_staff()
    provider_id = _provider_id(staff, args["provider"])
    rows = queries.insight(session(), _area(staff, args["territory"]), _weeks(args), provider_id=provider_id)
    return {
        "items": [schemas.row_shown(row) for row in rows],
        "least": LEAST,
        # Always: whether something is hidden would tell whether there was something.
        "notices": [notice("insight_hidden")],
    }


def _provider_id(staff: Staff, asked: str | None) -> str | None:
    """The provider whose handoffs are counted; None: all together. Raises the problems of the route."""
    if staff.role != PROVIDER_ROLE:
        if asked is not None:
            raise InvalidArguments(fields={"provider": [schemas.ALL_PROVIDERS]})
        return None
    if asked is None:
        raise InvalidArguments(fields={"provider": [schemas.OWN_PROVIDER]})
    row = session().get(Provider, asked)
    if row is None:
        raise ProviderUnknown
    if row.organisation_id != staff.organisation_id:
        raise ProviderOfAnother
    return row.id


def _area(staff: Staff, asked: str | None) -> queries.Area:
    """Where the places are. A provider's own handoffs are its own everywhere. Raises the problems of the route."""
    if asked is None:
        if staff.role == PROVIDER_ROLE:
            return _COUNTRY
        return queries.Area(kind=staff.territory_kind, code=staff.territory_code)
    kind, code = people_rules.parse_territory(asked)
    if not knows_territory(session(), kind, code):
        raise InvalidArguments(fields={"territory": [NO_TERRITORY]})
    place = territory_lies_in(session(), kind, code)
    if staff.role != PROVIDER_ROLE and not people_rules.covers(staff.territory_kind, staff.territory_code, place):
        raise OutsideTerritory
    return queries.Area(kind=kind, code=code)


def _weeks(args: dict[str, Any]) -> Sequence[date]:
    weeks = weeks_asked(args["first"], args["last"], this_week=week_of(now()))
    if weeks is None:
        raise InvalidArguments(fields={"until": [schemas.WEEKS]})
    return weeks
