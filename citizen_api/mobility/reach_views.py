"""Routes of what is within reach: areas in minutes, places of care by travel time, and their maps."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response

from citizen_api.care import nearest as care_nearest
from citizen_api.care.directory import Directory
from citizen_api.care.picture import NearestPicture
from citizen_api.care.schemas import NearestArgs
from citizen_api.care.views import (
    NEAREST_PROBLEMS,
    CategoryUnknown,
    current_directory,
    find_nearest,
    known_categories,
    ready_json,
)
from citizen_api.core.geo import check_position
from citizen_api.core.problems import NotAcceptable, PositionOutOfRange, PositionSwapped, Problem
from citizen_api.mobility.care_map import nearest_picture, reachable_picture
from citizen_api.mobility.daylight import is_dark
from citizen_api.mobility.isochrones import Isochrone, isochrones_around, isochrones_on
from citizen_api.mobility.maps import CONTENT_SECURITY_POLICY, Picture, draw_map
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.profiles import STEP_FREE, ends_near
from citizen_api.mobility.reach import ReachAnswer, ReachQuestion, find_reachable
from citizen_api.mobility.reach_present import isochrone_picture, isochrone_view, reachable_json
from citizen_api.mobility.reach_schemas import IsochroneArgs, IsochroneView, ReachableArgs, ReachableView
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.trip_ends import PAST
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.pictures import SVG, svg_answer
from citizen_api.web.services import Services, now, services

blp = Blueprint("mobility-reach", __name__, description="What is within reach on foot or by bike, and maps of it.")
GEOJSON: Final = "application/geo+json"
AREAS_OFFERED: Final = (GEOJSON, "application/json", SVG)
PLACES_OFFERED: Final = ("application/json", SVG)
_A_MAP: Final = {"type": "string", "description": "A map."}


class ProfileNotByBike(Problem):
    """See `content/problems.yaml`."""

    name, status = "profile-not-by-bike", 422


class ReachableInThePast(Problem):
    """See `content/problems.yaml`."""

    name, status = "reachable-in-the-past", 422


WHERE_PROBLEMS: Final = (PositionOutOfRange, PositionSwapped, ProfileNotByBike)


def install(services: Services) -> None:
    """Let `/v1/care/nearest` be drawn."""
    services.ports.setdefault(NearestPicture, NearestPicture(draw_nearest))


@blp.get("/v1/mobility/isochrone")
@blp.arguments(IsochroneArgs, location="query")
@blp.response(200, IsochroneView, content_type=GEOJSON)
@blp.alt_response(200, schema=_A_MAP, content_type=SVG)
@blp.problems(*WHERE_PROBLEMS, NotAcceptable)
def isochrone(args: dict[str, Any]) -> Any:
    """Show how far one gets on foot or by bike: a GeoJSON area for each limit in minutes, the shortest first.

    Streets that are reached in part are cut where the time ends; what lies within 28 m of a street reached is in its
    area, and so is a hole of less than a hectare. Outlines are simplified by up to 6 m, and each area holds the
    smaller ones. What one takes to the street, `snap_m` away, is taken from every limit. Where no street is known the
    areas are circles, marked `approximate`. Ask for `image/svg+xml` to get a map.
    """
    wanted = preferred_type(AREAS_OFFERED)
    found, snap_m, attribution = _isochrones(args)
    if wanted == SVG:
        return _isochrone_map(args, found)
    view = isochrone_view(
        found, by=args["by"], snap_m=snap_m, attribution=attribution, wishes=args["profile"], lang=language()
    )
    return Response(orjson.dumps(view), content_type=wanted)


@blp.get("/v1/mobility/isochrone.svg")
@blp.arguments(IsochroneArgs, location="query")
@blp.response(200, _A_MAP, content_type=SVG)
@blp.problems(*WHERE_PROBLEMS)
def isochrone_map(args: dict[str, Any]) -> Response:
    """Draw how far one gets on foot or by bike."""
    found, _, _ = _isochrones(args)
    return _isochrone_map(args, found)


@blp.get("/v1/care/reachable")
@blp.arguments(ReachableArgs, location="query")
@blp.response(200, ReachableView)
@blp.alt_response(200, schema=_A_MAP, content_type=SVG)
@blp.problems(*WHERE_PROBLEMS, CategoryUnknown, ReachableInThePast, NotAcceptable)
def reachable(args: dict[str, Any]) -> Any:
    """Find places of care within some minutes over the streets, the soonest reached first.

    Unless `open=any` they are known to be open when one arrives, which is later than when one leaves; `opening` is
    that on arrival. `trip` leads to the way there. The order is time, then distance, then id: nobody can pay for a
    place. Ask for `image/svg+xml` to get a map.
    """
    wanted = preferred_type(PLACES_OFFERED)
    directory, question, answer = _reachable(args)
    if wanted == SVG:
        return _drawn(reachable_picture(directory, question, answer, at=now(), lang=language()))
    return ready_json(reachable_json(directory, question, answer, at=now(), lang=language()))


@blp.get("/v1/care/reachable.svg")
@blp.arguments(ReachableArgs, location="query")
@blp.response(200, _A_MAP, content_type=SVG)
@blp.problems(*WHERE_PROBLEMS, CategoryUnknown, ReachableInThePast)
def reachable_map(args: dict[str, Any]) -> Response:
    """Draw places of care within some minutes over the streets."""
    directory, question, answer = _reachable(args)
    return _drawn(reachable_picture(directory, question, answer, at=now(), lang=language()))


@blp.get("/v1/care/nearest.svg")
@blp.arguments(NearestArgs, location="query")
@blp.response(200, _A_MAP, content_type=SVG)
@blp.problems(*NEAREST_PROBLEMS)
def nearest_map(args: dict[str, Any]) -> Response:
    """Draw the nearest places of care, as `/v1/care/nearest` finds them."""
    return draw_nearest(*find_nearest(args))


def draw_nearest(directory: Directory, question: care_nearest.Question, answer: care_nearest.Answer) -> Response:
    """Answer to "nearest" with a map."""
    return _drawn(nearest_picture(directory, question, answer, lang=language()))


def _drawn(picture: Picture) -> Response:
    drawing = draw_map(services().port(Networks).all(), picture, lang=language())
    return svg_answer(drawing, policy=CONTENT_SECURITY_POLICY)


def _check(args: dict[str, Any]) -> None:
    check_position(lat=args["lat"], lon=args["lon"])
    unfit = STEP_FREE.intersection(args["profile"])
    if args["by"] != "walk" and unfit:
        raise ProfileNotByBike(profile=", ".join(sorted(unfit)))


def _isochrones(args: dict[str, Any]) -> tuple[list[Isochrone], float | None, str]:
    """Areas, how far their street is, and whose streets these are."""
    _check(args)
    lat, lon, mode, wishes = args["lat"], args["lon"], MODES[args["by"]], args["profile"]
    starts = [
        (start, network)
        for network in services().port(Networks).around(lat=lat, lon=lon)
        for start in ends_near(network, mode, lat=lat, lon=lon, wishes=wishes)[:1]
    ]
    if not starts:
        return isochrones_around(mode, lat=lat, lon=lon, minutes=args["minutes"], wishes=wishes), None, ""
    start, network = min(starts, key=lambda found: found[0].distance_m)
    found = isochrones_on(
        network, mode, start, minutes=args["minutes"], wishes=wishes, dark=is_dark(now(), lat=lat, lon=lon)
    )
    return found, start.distance_m, network.attribution


def _isochrone_map(args: dict[str, Any], found: list[Isochrone]) -> Response:
    return _drawn(
        isochrone_picture(
            found, lat=args["lat"], lon=args["lon"], by=args["by"], wishes=args["profile"], lang=language()
        )
    )


def _reachable(args: dict[str, Any]) -> tuple[Directory, ReachQuestion, ReachAnswer]:
    _check(args)
    leave_at = now() if args["open"] in ("now", "any") else args["open"]
    if leave_at < now() - PAST:
        raise ReachableInThePast
    question = ReachQuestion(
        lat=args["lat"],
        lon=args["lon"],
        categories=known_categories(args["category"]),
        mode=MODES[args["by"]],
        wishes=args["profile"],
        within_s=60.0 * args["within_min"],
        leave_at=leave_at,
        only_open=args["open"] != "any",
        dark=is_dark(leave_at, lat=args["lat"], lon=args["lon"]),
        limit=args["limit"],
    )
    directory = current_directory()
    return directory, question, find_reachable(directory, services().port(Networks), question)
