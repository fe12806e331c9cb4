"""Routes of trips."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from flask import Response

from citizen_api.air import queries as air_queries
from citizen_api.care.place import Place
from citizen_api.core.problems import NotAcceptable
from citizen_api.mobility.clock_fields import ByTheClock
from citizen_api.mobility.exposure import read_background
from citizen_api.mobility.maps import CONTENT_SECURITY_POLICY
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.sharing import stations_now
from citizen_api.mobility.transit import TransitLink, planners_of, transit_link
from citizen_api.mobility.trip_drawing import draw_trips
from citizen_api.mobility.trip_ends import END_PROBLEMS, PAST, check_ends, goal_of
from citizen_api.mobility.trip_parts import Found, Question
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trip_problems import (
    TripInThePast,
    TripTimesBoth,
)
from citizen_api.mobility.trip_schemas import TripsArgs, TripsView
from citizen_api.mobility.trips import find_trips
from citizen_api.people.wishes import local_day
from citizen_api.territory import queries as territory_queries
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.notices import notice
from citizen_api.web.pictures import SVG, svg_answer
from citizen_api.web.services import now, services, session

blp = Blueprint("mobility-trips", __name__, description="Trips on foot and by bike, breathing less.")
OFFERED: Final = ("application/json", SVG)
PROBLEMS: Final = (*END_PROBLEMS, TripTimesBoth, TripInThePast)


@blp.get("/v1/mobility/trips")
@blp.arguments(TripsArgs, location="query")
@blp.response(200, TripsView)
@blp.alt_response(200, schema={"type": "string", "description": "One trip as a map."}, content_type=SVG)
@blp.problems(*PROBLEMS, NotAcceptable)
def trips(args: dict[str, Any]) -> Any:
    """Find how to get there on foot or by bike: the fastest way, the cleanest, the balanced and the calm one.

    By each mode, no way that is offered is both slower and dirtier than another, and none nearly the same. Doses
    follow the air of each hour and of each street; where only an index of the air is known, none is told. Streets that
    are not known are a straight line made 30 % longer, marked `approximate`. Ask for `image/svg+xml` to get a map.
    """
    as_svg = preferred_type(OFFERED) == SVG
    presenter, goal = _find(args)
    if as_svg:
        return _map(presenter, args["show"])
    view = presenter.view(goal=goal, transit=transit_of(presenter.found))
    if goal["facility"] is not None and goal["facility"]["closed_for_good"]:
        view["notices"].insert(0, notice("closed_for_good"))
    return view


@blp.get("/v1/mobility/trips.svg")
@blp.arguments(TripsArgs, location="query")
@blp.response(200, {"type": "string", "description": "One trip as a map."}, content_type=SVG)
@blp.problems(*PROBLEMS)
def trips_map(args: dict[str, Any]) -> Any:
    """Draw one trip on a map without tiles: coloured by the air of its streets, its alternatives dashed."""
    presenter, _ = _find(args)
    return _map(presenter, args["show"])


def _map(presenter: TripPresenter, show: str) -> Response:
    drawn = draw_trips(services().port(Networks), presenter, show=show)
    return svg_answer(drawn, policy=CONTENT_SECURITY_POLICY)


def _find(args: dict[str, Any]) -> tuple[TripPresenter, dict[str, Any]]:
    to_lat, to_lon, place = goal_of(session(), args)
    from_lat, from_lon = args["start"]
    question = Question(
        from_lat=from_lat,
        from_lon=from_lon,
        to_lat=to_lat,
        to_lon=to_lon,
        modes=args["modes"],
        wishes=frozenset(args["profile"]),
        depart_at=now(),
    )
    question = replace(question, centre_m=check_ends(session(), question))
    background = read_background(session(), lat=from_lat, lon=from_lon, at=now())
    depart_at, arrive_by = _when(args, background.zone)
    question = replace(question, depart_at=depart_at, arrive_by=arrive_by)
    found = find_trips(
        services().port(Networks),
        question,
        background=background,
        stations=lambda: stations_now(session(), at=now(), silent_s=services().settings.mobility_station_silent_s),
    )
    sources = air_queries.sources(session())
    return TripPresenter(found, language(), at=now(), sources=sources), _told(place)


def _when(args: dict[str, Any], zone: str) -> tuple[datetime, datetime | None]:
    """Departure and arrival that are asked for. Raises TripTimesBoth, TripInThePast."""

    def moment(asked: ByTheClock | datetime | str) -> datetime:
        if isinstance(asked, ByTheClock):
            # Moments of the same zone are compared by its clock, which repeats an hour in autumn.
            return asked.at(local_day(now(), zone=zone), zone).astimezone(UTC)
        return asked if isinstance(asked, datetime) else now()

    given = {name: moment(args[name]) for name in ("depart_at", "arrive_by") if name in args}
    if len(given) > 1:
        raise TripTimesBoth
    if any(moment < now() - PAST for moment in given.values()):
        raise TripInThePast
    return given.get("depart_at", now()).replace(microsecond=0), given.get("arrive_by")


def _told(place: Place | None) -> dict[str, Any]:
    """What is said of the goal, where it is a place of care."""
    if place is None:
        return {"facility": None}
    closed = place.closed_at is not None and place.closed_at <= now()
    return {"facility": {"id": place.id, "name": place.name, "closed_for_good": closed}}


def transit_of(found: Found) -> TransitLink | None:
    """The planner of public transport that is offered; None where going by oneself is reasonable, or none is known."""
    if found.transit_reason() is None:
        return None
    question = found.question
    region = territory_queries.find_commune(session(), found.background.commune_code).region
    return transit_link(
        planners_of(services().settings.mobility_transit_links),
        region.code,
        from_lat=question.from_lat,
        from_lon=question.from_lon,
        to_lat=question.to_lat,
        to_lon=question.to_lon,
    )
