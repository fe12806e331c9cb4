"""Routes of outings: the best time to be active, and round walks."""

from __future__ import annotations

from typing import Any

from flask import Response

from citizen_api.core.geo import check_position
from citizen_api.core.problems import NotAcceptable, PositionOutOfRange, PositionSwapped, Problem
from citizen_api.mobility.maps import CONTENT_SECURITY_POLICY, draw_map
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.outing_plan import Outing, plan_outing
from citizen_api.mobility.outing_present import OutingPresenter
from citizen_api.mobility.outing_schemas import SuggestionsArgs, SuggestionsView
from citizen_api.mobility.outings import WALKS
from citizen_api.territory.problems import FarFromCommunes
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.pictures import SVG, svg_answer
from citizen_api.web.services import now, services, session

blp = Blueprint("mobility-outings", __name__, description="When to be active outdoors, and round walks.")
OFFERED = ("application/json", SVG)


class WalkUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "walk-unknown", 404


@blp.get("/v1/mobility/suggestions")
@blp.arguments(SuggestionsArgs, location="query")
@blp.response(200, SuggestionsView)
@blp.alt_response(200, schema={"type": "string", "description": "One of the walks on a map."}, content_type=SVG)
@blp.problems(PositionOutOfRange, PositionSwapped, FarFromCommunes, WalkUnknown, NotAcceptable)
def suggestions(args: dict[str, Any]) -> Any:
    """Tell the best hours to be active outdoors today and tomorrow, and two or three round walks from a place.

    Walks keep to clean, calm, green streets; they change from day to day and stay the same all day. What is not known
    is null, and no gain is told of it. Ask for `image/svg+xml` to get one of them on a map (`walk=1`).
    """
    if preferred_type(OFFERED) == SVG:
        return _picture(args)
    return OutingPresenter(_plan(args), language()).view(asked=WALKS)


@blp.get("/v1/mobility/suggestions.svg")
@blp.arguments(SuggestionsArgs, location="query")
@blp.response(200, {"type": "string"}, content_type=SVG)
@blp.problems(PositionOutOfRange, PositionSwapped, FarFromCommunes, WalkUnknown)
def suggestions_picture(args: dict[str, Any]) -> Any:
    """Draw one of the walks on a map, for a place where no header can be sent."""
    return _picture(args)


def _plan(args: dict[str, Any]) -> Outing:
    check_position(lat=args["lat"], lon=args["lon"])
    networks = services().port(Networks).around(lat=args["lat"], lon=args["lon"])
    return plan_outing(
        session(),
        networks,
        lat=args["lat"],
        lon=args["lon"],
        minutes=args["minutes"],
        wishes=args["profile"],
        at=now(),
    )


def _picture(args: dict[str, Any]) -> Response:
    outing = _plan(args)
    if args["walk"] > len(outing.walks):
        raise WalkUnknown(count=len(outing.walks))
    picture = OutingPresenter(outing, language()).picture(args["walk"])
    drawing = draw_map(services().port(Networks).all(), picture, lang=language())
    return svg_answer(drawing, policy=CONTENT_SECURITY_POLICY)
