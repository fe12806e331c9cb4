"""Routes of communes and places."""

from __future__ import annotations

from typing import Any

from citizen_api.core.problems import CursorInvalid, PositionOutOfRange, PositionSwapped
from citizen_api.territory import queries, schemas
from citizen_api.territory.geocoding import GeocoderState, geocoder_from
from citizen_api.territory.places import Places, merged
from citizen_api.territory.problems import CommuneUnknown, FarFromCommunes
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.notices import notice
from citizen_api.web.services import Services, end_session, services, session

blp = Blueprint("territory", __name__, description="Communes, and finding a place by what one types.")
CACHED_S = 3600


def install(services: Services) -> None:
    """Give the app its gazetteers and its geocoder. Called before capabilities that add a gazetteer."""
    services.ports.setdefault(Places, Places(geocoder=geocoder_from(services.settings)))


@blp.get("/v1/communes")
@blp.arguments(schemas.CommunesArgs, location="query")
@blp.response(200, schemas.CommunesView)
@blp.problems(CursorInvalid)
@blp.cacheable(CACHED_S)
def communes(args: dict[str, Any]) -> dict[str, Any]:
    """Find communes by name, INSEE code or postcode: best first, the larger first among equals."""
    items, following = queries.search_communes(session(), args["q"], limit=args["limit"], cursor=args["cursor"])
    return {"notices": [], "items": items, "next": following}


@blp.get("/v1/communes/at")
@blp.arguments(schemas.PositionArgs, location="query")
@blp.response(200, schemas.CommuneAtView)
@blp.problems(PositionOutOfRange, PositionSwapped, FarFromCommunes)
def commune_at(args: dict[str, Any]) -> dict[str, Any]:
    """Name the commune whose centre is nearest to a position: approximate near boundaries.

    In Paris it is the arrondissement. Overseas, where centres are not known, there is none to name.
    """
    commune, distance_m = queries.nearest_commune(session(), **args)
    return {"commune": commune, "distance_m": round(distance_m, 3), "notices": [notice("nearest_centre")]}


@blp.get("/v1/communes/<string(maxlength=10):code>")
@blp.response(200, schemas.CommunePageView)
@blp.problems(CommuneUnknown)
@blp.cacheable(CACHED_S)
def commune(code: str) -> dict[str, Any]:
    """Show a commune with its EPCI, département and région. An old code answers with the commune of today."""
    found = queries.find_commune(session(), code)
    ancestors = {
        "commune": found.parent,
        "ept": found.ept,
        "epci": found.epci,
        "departement": found.commune.departement,
        "region": found.region,
    }
    return {
        **{name: getattr(found.commune, name) for name in schemas.COMMUNE_FIELDS},
        "ancestors": ancestors,
        "arrondissements": found.arrondissements,
        "notices": [notice("old_code", code=found.former_code)] if found.former_code else [],
    }


@blp.get("/v1/places")
@blp.arguments(schemas.PlacesArgs, location="query")
@blp.response(200, schemas.PlacesView)
@blp.problems(PositionOutOfRange, PositionSwapped)
def places(args: dict[str, Any]) -> dict[str, Any]:
    """Find addresses, communes and places of care by what one types.

    What this installation knows comes first; the national address base is asked for the rest where the city
    allows it (a setting), and a notice says when it was not. What is typed is neither stored nor logged.
    """
    port = services().port(Places)
    here = port.known_here(session(), args["q"], limit=args["limit"])
    end_session(success=True)  # the outside geocoder may be slow
    outside = port.known_outside(args["q"], here)
    near = (args["lat"], args["lon"]) if "lat" in args else None
    items = merged(here, outside.addresses, limit=args["limit"], near=near)
    codes = [_NOTICES[outside.state]] if outside.state in _NOTICES else []
    codes += ["commune_only"] if any(place.only_commune for place in items) else []
    return {"notices": [notice(code) for code in codes], "items": items, "next": None}


_NOTICES = {
    GeocoderState.OFF: "geocoder_off",
    GeocoderState.UNAVAILABLE: "geocoder_unavailable",
}
