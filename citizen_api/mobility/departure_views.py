"""Routes of departures: when to leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Response

from citizen_api.air import queries as air_queries
from citizen_api.air.outlook import outlook
from citizen_api.care.place import Place
from citizen_api.core.problems import NotAcceptable, Problem
from citizen_api.mobility import departure_rules as rules
from citizen_api.mobility.clock_fields import ByTheClock
from citizen_api.mobility.daylight import sun
from citizen_api.mobility.departure_drawing import CONTENT_SECURITY_POLICY, draw
from citizen_api.mobility.departure_present import DeparturePresenter
from citizen_api.mobility.departure_rules import Bounds
from citizen_api.mobility.departure_schemas import DeparturesArgs, DeparturesView
from citizen_api.mobility.departure_strip import strip_of
from citizen_api.mobility.departure_ways import Question, all_ways, trips_of
from citizen_api.mobility.departures import plan
from citizen_api.mobility.exposure import Background, read_background
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.trip_ends import END_PROBLEMS, PAST, check_ends, goal_of
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trip_views import transit_of
from citizen_api.mobility.trips import Found
from citizen_api.mobility.trips import Question as TripQuestion
from citizen_api.people.wishes import day_bounds, local_day
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.pictures import SVG, svg_answer
from citizen_api.web.services import now, services, session

blp = Blueprint("mobility-departures", __name__, description="When to leave, breathing less.")
OFFERED: Final = ("application/json", SVG)


class DeparturesWindow(Problem):
    """See `content/problems.yaml`."""

    name, status = "departures-window", 422


class DeparturesInThePast(Problem):
    """See `content/problems.yaml`."""

    name, status = "departures-in-the-past", 422


PROBLEMS: Final = (*END_PROBLEMS, DeparturesInThePast, DeparturesWindow)


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
    known is never better. Where nobody knows that one can walk or ride at all, hours are told and no departure. Ask
    for `image/svg+xml` to get a strip to be read at a glance.
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
    return svg_answer(draw(strip_of(presenter)), policy=CONTENT_SECURITY_POLICY)


def _find(args: dict[str, Any]) -> DeparturePresenter:
    to_lat, to_lon, place = goal_of(session(), args)
    from_lat, from_lon = args["start"]
    modes = list(dict.fromkeys(args["modes"]))
    trip = TripQuestion(
        from_lat=from_lat,
        from_lon=from_lon,
        to_lat=to_lat,
        to_lon=to_lon,
        modes=modes,
        wishes=frozenset(args["profile"]),
        depart_at=now(),
    )
    centre_m = check_ends(session(), trip)
    background = read_background(session(), lat=from_lat, lon=from_lon, at=now())
    after, before = _when(args, background.zone)
    until, cut = rules.until_of(after, before)
    trip = replace(trip, depart_at=after, centre_m=centre_m)
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
    found = Found(
        question=trip,
        background=background,
        trips=trips_of(ways, question),
        missing=missing,
    )
    doubtful = any(found.land_unknown(one) for one in found.trips)
    compared = plan(ways, question, background, advised=not doubtful)
    found = replace(found, dark=compared.only_advised_against and "dark" in compared.reasons)
    says = TripPresenter(found, language(), at=now(), sources=sources)
    return DeparturePresenter(
        compared, says, place=place, missing=missing, snap_m=snap_m, cut=cut, transit=transit_of(found)
    )


def _when(args: dict[str, Any], zone: str) -> tuple[datetime, datetime | None]:
    """From when on, to the next whole minute, and by when. Raises DeparturesInThePast, DeparturesWindow."""

    def moment(given: Any) -> datetime:
        if given == "now":
            return now()
        told = given.at(local_day(now(), zone=zone), zone) if isinstance(given, ByTheClock) else given
        # Moments of the same zone are compared by its clock, which repeats an hour in autumn.
        return told.astimezone(UTC)

    after = moment(args["after"])
    before = moment(args["before"]) if "before" in args else None
    if after < now() - PAST:
        raise DeparturesInThePast
    after = rules.whole_minute(after)
    if before is not None and before <= after:
        raise DeparturesWindow
    return after, before


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
