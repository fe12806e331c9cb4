"""Route of advice."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_api.advice.schemas import AdviceArgs, AdviceView
from citizen_api.core.problems import LevelOutsideScale
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from citizen_api.web.services import now
from content.catalogue import catalogue
from content.hazards import SCALES

blp = Blueprint("advice", __name__, description="What to do at a level of air, pollen, heat or UV.")
CACHED_S = 3600
_PARIS = ZoneInfo("Europe/Paris")
_NUMBERS: Final = ("15", "112", "114")


@blp.get("/v1/advice")
@blp.arguments(AdviceArgs, location="query")
@blp.response(200, AdviceView)
@blp.problems(LevelOutsideScale)
@blp.cacheable(CACHED_S)
def advice(args: dict[str, Any]) -> dict[str, Any]:
    """Tell what to do at a level of a hazard, for an audience, with the tip of the day.

    It is general advice with the source of its fact and a review date, never a diagnosis.
    """
    hazard, level, audience = args["hazard"], args["level"], args["audience"]
    scale = SCALES[hazard]
    if level not in scale.levels:
        raise LevelOutsideScale(hazard=hazard, least=scale.least, most=scale.most)
    words, lang = catalogue(), language()
    found = words.advice.find(hazard, level, audience)
    on = args["on"] if "on" in args else now().astimezone(_PARIS).date()
    names = words.names.hazards[hazard]
    return {
        "notices": [notice("general_advice")],
        "hazard": hazard,
        "hazard_name": names.name.say(lang),
        "level": level,
        "level_name": names.levels[level].name.say(lang),
        "level_colour": names.levels[level].colour,
        "audience": audience,
        "audience_name": words.names.audiences[audience].say(lang),
        "short": found.short.say(lang),
        "long": found.long.say(lang),
        "easy_read": found.easy.say(lang),
        "tip": words.push.tip(hazard, level, on).say(lang),
        "source": {"name": found.source_name, "url": found.source_url},
        "reviewed_on": found.reviewed_on,
        "emergency": [
            {"number": known.number, "tel": known.tel, "channel": known.channel, "name": known.name.say(lang)}
            for known in words.emergency
            if known.number in _NUMBERS
        ],
    }
