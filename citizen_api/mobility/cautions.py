"""What a day says beside the concentrations of its hours: its index, official episodes, warnings of heat, cold, storms.

Moving wins over the air on usual days and is encouraged then. On the days on which the authorities ask to take it easy
nothing cheers: what they ask is told instead, and nobody is told to stay at home for the air of a usual day.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from citizen_api.mobility.exposure import HOUR, WARNED, Background
from citizen_api.mobility.rules import HOT_HOURS, Mode, moving_wins
from content.catalogue import catalogue
from content.hazards import SCALES

Moving = Literal["encourage", "none", "ease", "shorter", "indoors"]
EASE_LEVEL: Final = 5
"""ATMO index from which official advice is to keep outings short and easy; an open episode says so at any index."""
ENCOURAGED_S: Final = 7_200.0
"""A longer trip is nobody's daily way, and not cheered."""
USUAL_UG_M3: Final = 25.0
"""PM2.5 up to which nothing is made shorter for the air: the upper end of the classes 1 to 3 of the ATMO index."""
RED: Final = 4
_AUDIENCE: Final = "everyone"
_ORDER: Final[tuple[Moving, ...]] = ("encourage", "none", "ease", "shorter", "indoors")


def moving_advice(background: Background, *, depart_at: datetime, mode: Mode, duration_s: float) -> Moving:
    """What to say of moving by `mode` for `duration_s` from a moment (aware) on; the strictest of what holds.

    "indoors": storms, orange or red, in some hour of it, or red heat in its hot hours; or air in which not even ten
    minutes are worth it (`rules.moving_wins`). "shorter": beyond the tipping point in air that is not usual
    (USUAL_UG_M3). "ease": keep it short and easy: EASE_LEVEL or an episode, orange heat in its hot hours, cold, orange
    or red. "none": nothing is said: heat outside of its hot hours, a long trip (ENCOURAGED_S), one beyond the tipping
    point in usual air, or PM2.5 of the hour not known. Else "encourage".
    """
    hours = _hours(background, depart_at, duration_s)
    if not hours:
        return "none"
    found: list[Moving] = [_by_air(background, hours[0], mode, duration_s)]
    if duration_s > ENCOURAGED_S:
        found.append("none")
    if _eased(background, hours):
        found.append("ease")
    found += [_by_heat(background, hour) for hour in hours]
    if _warned(background, "cold", hours):
        found.append("ease")
    if _warned(background, "storms", hours):
        found.append("indoors")
    return max(found, key=_ORDER.index)


def caution_notices(background: Background, *, depart_at: datetime, duration_s: float = 0.0) -> list[str]:
    """Codes of notices to stand beside a trip: an open episode, and warnings, orange or red, of its hours."""
    hours = _hours(background, depart_at, duration_s)
    codes = ["air_episode"] if any(_tier(background, hour) is not None for hour in hours) else []
    return codes + [f"warning_{hazard}" for hazard in background.warnings if _warned(background, hazard, hours)]


def caution_texts(background: Background, *, depart_at: datetime, lang: str, duration_s: float = 0.0) -> list[str]:
    """The short advice of `content/advice` for a trip: of the air (EASE_LEVEL, an episode), of heat (orange, red).

    None where nothing is to be minded, so that nothing discourages on a usual day.
    """
    hours = _hours(background, depart_at, duration_s)
    levels = {
        "air": max((_air_level(background, hour) for hour in hours), default=0) if _eased(background, hours) else 0,
        "heat": _level(background, "heat", hours) if _warned(background, "heat", hours) else 0,
    }
    book = catalogue().advice
    return [book.find(hazard, level, _AUDIENCE).short.say(lang) for hazard, level in levels.items() if level]


def moving_text(
    code: Moving, background: Background, *, depart_at: datetime, duration_s: float, lang: str
) -> str | None:
    """Words for what `moving_advice` says of a trip, by their cause; None where nothing is said."""
    if code == "none":
        return None
    notices, hours = catalogue().notices, _hours(background, depart_at, duration_s)
    if code == "indoors" and _warned(background, "storms", hours):
        return notices["warning_storms"].say(lang)
    if code == "indoors" and any(_by_heat(background, hour) == "indoors" for hour in hours):
        return notices["warning_heat"].say(lang)
    if code == "ease":
        texts = caution_texts(background, depart_at=depart_at, duration_s=duration_s, lang=lang)
        return " ".join(texts) or notices["warning_cold"].say(lang)
    return notices[f"trip_{code}"].say(lang)


def _hours(background: Background, depart_at: datetime, duration_s: float) -> list[int]:
    """Numbers of the known hours that a trip touches; none when it begins outside of them."""
    first = background.hour(depart_at)
    if first is None:
        return []
    last = background.hour(depart_at + timedelta(seconds=duration_s))
    return list(range(first, (len(background.levels) - 1 if last is None else last) + 1))


def _by_air(background: Background, hour: int, mode: Mode, duration_s: float) -> Moving:
    value = float(background.values_ug_m3["pm25"][hour])
    if math.isnan(value):
        return "none"
    advice = moving_wins(value, mode=mode, hours=duration_s / 3600)
    return advice if advice == "encourage" or value > USUAL_UG_M3 else "none"


def _by_heat(background: Background, hour: int) -> Moving:
    level = _level(background, "heat", [hour])
    if level < WARNED:
        return "encourage"
    clock = (background.starts_at + hour * HOUR).astimezone(ZoneInfo(background.zone)).hour
    first, past = HOT_HOURS[level]
    if not first <= clock < past:
        return "none"
    return "indoors" if level >= RED else "ease"


def _eased(background: Background, hours: list[int]) -> bool:
    """Whether the air of the day asks to keep it short and easy."""
    return any(background.levels[hour] >= EASE_LEVEL or _tier(background, hour) is not None for hour in hours)


def _air_level(background: Background, hour: int) -> int:
    """The level for whose advice to look, at least that to which an episode raises it."""
    return SCALES["air"].raised(int(background.levels[hour]), _tier(background, hour)) or 0


def _tier(background: Background, hour: int) -> str | None:
    return background.tiers[hour] if background.tiers else None


def _level(background: Background, hazard: str, hours: list[int]) -> int:
    levels = background.warnings.get(hazard)
    return 0 if levels is None else max((int(levels[hour]) for hour in hours), default=0)


def _warned(background: Background, hazard: str, hours: list[int]) -> bool:
    return _level(background, hazard, hours) >= WARNED
