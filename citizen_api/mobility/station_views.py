"""Routes of bike share stations."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
from flask import Response

from citizen_api.air.hours import clock_of_commune
from citizen_api.care.present import collection
from citizen_api.core.geo import check_position
from citizen_api.core.problems import NotAcceptable, PositionOutOfRange, PositionSwapped
from citizen_api.mobility import station_queries as queries
from citizen_api.mobility.maps import CONTENT_SECURITY_POLICY, draw_map
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.station_present import StationsPresenter
from citizen_api.mobility.station_schemas import StationsArgs, StationsView
from citizen_api.territory.problems import FarFromCommunes
from citizen_api.territory.queries import nearest_commune
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.pictures import SVG, svg_answer
from citizen_api.web.services import Services, now, services, session

blp = Blueprint("mobility-stations", __name__, description="Bike share stations.")
GEOJSON = "application/geo+json"
OFFERED = ("application/json", GEOJSON, SVG)
_VIEW = StationsView()


def install(services: Services) -> None:
    """Have `/readyz` tell how old what each system said is; one that is down does not make the process less ready."""

    def check_bikes() -> dict[str, Any]:
        at = services.clock()
        with services.database.session(write=False) as session:
            return {
                "systems": {
                    system.id: {
                        "age_s": None if system.fetched_at is None else int((at - system.fetched_at).total_seconds()),
                        "failures": system.failures,
                        "problem": system.problem,
                    }
                    for system in queries.systems(session).values()
                }
            }

    services.readiness["bikes"] = check_bikes


@blp.get("/v1/mobility/stations/nearest")
@blp.arguments(StationsArgs, location="query")
@blp.response(200, StationsView)
@blp.alt_response(
    200, schema={"type": "object", "description": "The same as a FeatureCollection."}, content_type=GEOJSON
)
@blp.alt_response(200, schema={"type": "string", "description": "The same on a map."}, content_type=SVG)
@blp.problems(PositionOutOfRange, PositionSwapped, NotAcceptable)
def nearest(args: dict[str, Any]) -> Any:
    """Tell the nearest bike share stations that have a bike, an e-bike or a free dock, as they last reported.

    Each says how old its numbers are and how likely one is still there on arrival (a rule of thumb, `chance_basis`).
    Stations silent for too long are left out, and counted in a notice. Ask for `application/geo+json` to get a GeoJSON
    FeatureCollection, for `image/svg+xml` to get a map.
    """
    chosen = preferred_type(OFFERED)
    presenter = _presenter(args)
    if chosen == SVG:
        return _picture(args, presenter)
    view = presenter.view()
    if chosen == GEOJSON:
        return Response(orjson.dumps(collection(_VIEW.dump(view))), content_type=GEOJSON)
    return view


@blp.get("/v1/mobility/stations/nearest.svg")
@blp.arguments(StationsArgs, location="query")
@blp.response(200, {"type": "string"}, content_type=SVG)
@blp.problems(PositionOutOfRange, PositionSwapped)
def nearest_picture(args: dict[str, Any]) -> Any:
    """Draw the nearest bike share stations on a map, for a place where no header can be sent."""
    return _picture(args, _presenter(args))


def _presenter(args: dict[str, Any]) -> StationsPresenter:
    check_position(lat=args["lat"], lon=args["lon"])
    silent_s = services().settings.mobility_station_silent_s
    near = queries.nearest_stations(session(), **args, at=now(), silent_s=silent_s)
    return StationsPresenter(near, want=args["want"], at=now(), clock=_clock(args), lang=language())


def _clock(args: dict[str, Any]) -> ZoneInfo:
    """The clock of the commune nearest to the place; Paris' far from all."""
    try:
        commune, _ = nearest_commune(session(), lat=args["lat"], lon=args["lon"])
    except FarFromCommunes:
        return ZoneInfo("Europe/Paris")
    return ZoneInfo(clock_of_commune(commune.code))


def _picture(args: dict[str, Any], presenter: StationsPresenter) -> Response:
    networks, position = services().port(Networks), {"lat": args["lat"], "lon": args["lon"]}
    streets = [network.attribution for network in networks.around(**position)]
    drawing = draw_map(networks.all(), presenter.picture(**position, streets=streets), lang=language())
    return svg_answer(drawing, policy=CONTENT_SECURITY_POLICY)
