"""Route of the air of a commune."""

from __future__ import annotations

from typing import Any

from citizen_api.air import queries
from citizen_api.air.card import card_of
from citizen_api.air.drawing import CONTENT_SECURITY_POLICY, draw
from citizen_api.air.page import air_page
from citizen_api.air.present import Presenter
from citizen_api.air.rules import age_s
from citizen_api.air.schemas import AirArgs, AirView
from citizen_api.core.problems import NotAcceptable, PositionMissing, PositionOutOfRange, PositionSwapped
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.problems import CommuneUnknown, FarFromCommunes
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.fields import check_one_place
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.notices import notice
from citizen_api.web.pictures import SVG, svg_answer
from citizen_api.web.services import Services, now, services, session

blp = Blueprint("air", __name__, description="The air, pollen, UV and weather warnings of a commune.")
OFFERED = ("application/json", SVG)
CACHED_S = 60


def install(services: Services) -> None:
    """Have `/readyz` tell how old what each source said is; one that is down does not make the process less ready."""

    def check_air() -> dict[str, Any]:
        now = services.clock()
        with services.database.session(write=False) as session:
            found = queries.sources(session)
        return {
            "sources": {
                source.id: {
                    "age_s": None if source.fetched_at is None else age_s(source.fetched_at, now),
                    "failures": source.failures,
                    "problem": source.problem,
                }
                for source in found.values()
            }
        }

    services.readiness["air"] = check_air


@blp.get("/v1/air")
@blp.arguments(AirArgs, location="query")
@blp.response(200, AirView)
@blp.alt_response(200, schema={"type": "string", "description": "The same as a picture."}, content_type=SVG)
@blp.problems(PositionMissing, PositionOutOfRange, PositionSwapped, CommuneUnknown, FarFromCommunes, NotAcceptable)
@blp.cacheable(CACHED_S, unless="lat")
def air(args: dict[str, Any]) -> Any:
    """Tell how the air is, was and will be in a commune: index, hours, episodes, pollen, UV, heat.

    Each fact has its source, its age and the area for which it stands. What is not known is null, never good. Ask for
    `image/svg+xml` to get a picture of 390 px.
    """
    as_svg = preferred_type(OFFERED) == SVG
    check_one_place(args)
    notices = []
    code = args.get("commune")
    if code is None:
        commune, _ = territory_queries.nearest_commune(session(), lat=args["lat"], lon=args["lon"])
        code, notices = commune.code, [notice("nearest_centre")]
    page = air_page(
        session(),
        code,
        at=now() if args["at"] == "now" else args["at"],
        eu_thresholds_on=services().settings.air_eu_thresholds_on,
    )
    presenter = Presenter(page, language())
    if as_svg:
        return svg_answer(draw(card_of(presenter)), policy=CONTENT_SECURITY_POLICY)
    view = presenter.view()
    return view | {"notices": notices + view["notices"]}
