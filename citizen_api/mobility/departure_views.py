"""Routes of departures: when to leave."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Response

from citizen_api.air import queries as air_queries
from citizen_api.air.outlook import outlook
from citizen_api.care import queries as care_queries
from citizen_api.care.place import Place
from citizen_api.care.views import FacilityUnknown
from citizen_api.core.geo import check_position
from citizen_api.core.problems import NotAcceptable, PositionOutOfRange, PositionSwapped, Problem
from citizen_api.mobility import departure_rules as rules
from citizen_api.mobility.daylight import sun
from citizen_api.mobility.departure_drawing import CONTENT_SECURITY_POLICY, draw
from citizen_api.mobility.departure_present import DeparturePresenter
from citizen_api.mobility.departure_rules import Bounds
from citizen_api.mobility.departure_schemas import ByTheClock, DeparturesArgs, DeparturesView
from citizen_api.mobility.departure_strip import strip_of
from citizen_api.mobility.departure_ways import Question, all_ways
from citizen_api.mobility.departures import plan
from citizen_api.mobility.exposure import Background, read_background
from citizen_api.mobility.maps import SVG
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trip_problems import (
    FacilityWithoutPosition,
    TripGoalMissing,
    TripSamePoint,
    TripTooFar,
)
from citizen_api.mobility.trip_views import FAR_KM, PAST, SAME_POINT_M
from citizen_api.mobility.trips import Found
from citizen_api.mobility.trips import Question as TripQuestion
from citizen_api.people.wishes import day_bounds, local_day
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.problems import FarFromCommunes
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.services import now, services, session

blp = Blueprint("mobility-departures", __name__, description="When to leave, breathing less.")
OFFERED: Final = ("application/json", SVG)


class DeparturesWindow(Problem):
    """See `content/problems.yaml`."""

    name, status = "departures-window", 422


class DeparturesInThePast(Problem):
    """See `content/problems.yaml`."""

    name, status = "departures-in-the-past", 422


PROBLEMS: Final = (
    PositionOutOfRange,
    PositionSwapped,
    FarFromCommunes,
    FacilityUnknown,
    FacilityWithoutPosition,
    TripGoalMissing,
    TripSamePoint,
    TripTooFar,
    DeparturesInThePast,
    DeparturesWindow,
)


@blp.get("/v1/mobility/departures")
@blp.arguments(DeparturesArgs, location="query")
@blp.response(200, DeparturesView)
@blp.alt_response(200, schema={"type": "string", "description": "The hours as a strip."}, content_type=SVG)
@blp.problems(*PROBLEMS, NotAcceptable)
def departures(args: dict[str, Any]) -> Any:
    """Tell when to leave in the coming 24 hours: the departures that are worth it, against leaving at once.

    By each mode, none that is told is as early, as short and about as clean as another; less than 5 % is no
    difference. Hours at which the goal is closed, of great heat, very high UV, or darkness for who avoids unlit
    streets are left out and said. Where only an index is known it helps to choose the day, not the street; what is not
    known is never better. Ask for `image/svg+xml` to get a strip to be read at a glance.
    """
    as_svg = preferred_type(OFFERED) == SVG
    presenter = _find(args)
    return _strip(presenter) if as_svg else presenter.view()


@blp.get("/v1/mobility/departures.svg")
@blp.arguments(DeparturesArgs, location="query")
@blp.response(200, {"type": "string", "description": "The hours as a strip."}, content_type=SVG)
@blp.problems(*PROBLEMS)
def departures_strip(args: dict[str, Any]) -> Any:
    """Draw the coming hours as a strip, for a place where no header can be sent."""
    return _strip(_find(args))


def _strip(presenter: DeparturePresenter) -> Response:
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return Response(draw(strip_of(presenter)), content_type=f"{SVG}; charset=utf-8", headers=headers)


def _find(args: dict[str, Any]) -> DeparturePresenter:
    to_lat, to_lon, place = _goal(args)
    from_lat, from_lon = args["start"]
    with _speaking_of("from"):
        check_position(lat=from_lat, lon=from_lon)
        background = read_background(session(), lat=from_lat, lon=from_lon, at=now())
    with _speaking_of("to"):
        check_position(lat=to_lat, lon=to_lon)
        territory_queries.nearest_commune(session(), lat=to_lat, lon=to_lon)
    after, before = _when(args, background.zone)
    until, cut = rules.until_of(after, before)
    modes = list(dict.fromkeys(args["modes"]))
    trip = TripQuestion(
        from_lat=from_lat,
        from_lon=from_lon,
        to_lat=to_lat,
        to_lon=to_lon,
        modes=modes,
        wishes=frozenset(args["profile"]),
        depart_at=after,
    )
    if trip.straight_m < SAME_POINT_M:
        raise TripSamePoint(least_m=round(SAME_POINT_M))
    if trip.straight_m > FAR_KM * 1000:
        raise TripTooFar(distance_km=round(trip.straight_m / 1000), most_km=FAR_KM)
    question = Question(
        modes=[MODES[mode] for mode in modes],
        after=after,
        until=until,
        zone=background.zone,
        lat=(from_lat + to_lat) / 2,
        lon=(from_lon + to_lon) / 2,
        wishes=trip.wishes,
        bounds=_bounds(background, after, until, before=before, place=place, lat=from_lat, lon=from_lon),
    )
    sources = air_queries.sources(session())
    ways, missing, snap_m = all_ways(services().port(Networks), trip, question, background)
    says = TripPresenter(Found(question=trip, background=background), language(), at=now(), sources=sources)
    compared = plan(ways, question, background)
    return DeparturePresenter(compared, says, place=place, missing=missing, snap_m=snap_m, cut=cut)


def _when(args: dict[str, Any], zone: str) -> tuple[datetime, datetime | None]:
    """From when on and by when. Raises DeparturesInThePast, DeparturesWindow."""

    def moment(given: Any) -> datetime:
        if given == "now":
            return now()
        return given.at(local_day(now(), zone=zone), zone) if isinstance(given, ByTheClock) else given

    after = moment(args["after"])
    before = moment(args["before"]) if "before" in args else None
    if after < now() - PAST:
        raise DeparturesInThePast
    if before is not None and before <= after:
        raise DeparturesWindow
    return after.replace(second=0, microsecond=0), before


def _goal(args: dict[str, Any]) -> tuple[float, float, Place | None]:
    """Where to. Raises TripGoalMissing, FacilityUnknown, FacilityWithoutPosition."""
    if ("goal" in args) == ("to_facility" in args):
        raise TripGoalMissing
    if "goal" in args:
        lat, lon = args["goal"]
        return lat, lon, None
    place = care_queries.place(session(), args["to_facility"])
    if place is None:
        raise FacilityUnknown
    if math.isnan(place.lat) or math.isnan(place.lon):
        raise FacilityWithoutPosition
    return place.lat, place.lon, place


def _bounds(
    background: Background,
    after: datetime,
    until: datetime,
    *,
    before: datetime | None,
    place: Place | None,
    lat: float,
    lon: float,
) -> Bounds:
    """What speaks against hours, whoever goes and by whatever way: hours of the goal, heat, sun, night."""
    code, zone = background.commune_code, background.zone
    zones = air_queries.zones_of(session(), [code])[code]
    first, last = local_day(after, zone=zone), local_day(until, zone=zone)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    facts = air_queries.facts(
        session(),
        zones,
        at=now(),
        ends_after=day_bounds(first, zone=zone)[0],
        starts_before=day_bounds(last, zone=zone)[1],
    )
    heat = [found for day in days if (found := outlook("heat", day, facts, zones, at=now())) is not None]
    uv = {day: outlook("uv", day, facts, zones, at=now()) for day in days}
    return Bounds(
        until=before,
        hot=rules.hot_spans([(found.level, found.starts_at, found.ends_at) for found in heat], zone=zone),
        sunny=rules.sunny_spans(
            [(None if found is None else found.level, sun(day, zone, lat=lat, lon=lon)) for day, found in uv.items()]
        ),
        nights=rules.night_spans(after, until, zone=zone),
        opening=None if place is None else place.opening_at,
    )


@contextmanager
def _speaking_of(parameter: str) -> Iterator[None]:
    """Have a problem of a position say which of the two it means."""
    try:
        yield
    except (PositionOutOfRange, PositionSwapped, FarFromCommunes) as problem:
        problem.fields = {parameter: ["Invalid value."]}
        raise
