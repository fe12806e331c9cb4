"""Places of care on a map without tiles: an answer to "nearest", and one to what is within reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from citizen_api.care import present
from citizen_api.care.directory import Directory
from citizen_api.care.hours import Opening
from citizen_api.care.nearest import Answer, Notice, Question
from citizen_api.mobility.maps import Marker, Picture
from citizen_api.mobility.reach import ReachAnswer, Reached, ReachQuestion
from citizen_api.mobility.reach_present import reach_notices, say
from content.catalogue import catalogue

_FAR_TIMES: Final = 4.0
_NEAR_M: Final = 2_000.0
"""A map shows what is within this, or within _FAR_TIMES the distance of the nearest; more would hide the streets."""
_ONE_DAY: Final = timedelta(days=1)
_KM: Final = 1_000.0
_ROUNDED_FROM_M: Final = 100.0
"""From here on metres are told in tens."""
_FIRST: Final = frozenset(
    {"demo_data", "call_15_first", "cardiac_arrest", "regulated_emergency", "no_emergency_department_known"}
)
"""Notices that stand above a map; the others stand below it."""
_FAR_OFF: Final = timedelta(days=6)
"""Beyond this a day of the week alone would not tell which day."""


def nearest_picture(directory: Directory, question: Question, answer: Answer, *, lang: str) -> Picture:
    """The nearest places on a map, then those of unknown hours; where there are none near, what is offered instead."""
    shown = [item.found for item in chain(answer.items, answer.hours_unknown or (), answer.instead)]
    far_m = max(_NEAR_M, _FAR_TIMES * min((found.distance_m for found in shown), default=0.0))
    near = [found for found in shown if found.distance_m <= far_m]
    places = [
        (
            found.number,
            say(
                "place",
                lang,
                name=_name(directory, found.number),
                distance=_distance(found.distance_m, lang),
                opening=_opening(directory.opening(found.number, question.moment), question.moment, lang),
            ),
        )
        for found in near
    ]
    return _picture(
        directory,
        places,
        lat=question.lat,
        lon=question.lon,
        title=say("places_title", lang),
        notices=answer.notices,
        farther=len(shown) - len(near),
        lang=lang,
    )


def reachable_picture(
    directory: Directory, question: ReachQuestion, answer: ReachAnswer, *, at: datetime, lang: str
) -> Picture:
    """The places within reach on a map, then those of unknown hours."""

    def told(reached: Reached) -> str:
        return say(
            "place_in",
            lang,
            name=_name(directory, reached.number),
            minutes=max(1, round(reached.duration_s / 60)),
            distance=_distance(reached.distance_m, lang),
            opening=_opening(reached.opening, reached.arrives_at, lang),
        )

    by = catalogue().moving["trips"][question.mode.name].say(lang)
    return _picture(
        directory,
        [(reached.number, told(reached)) for reached in chain(answer.items, answer.hours_unknown or ())],
        lat=question.lat,
        lon=question.lon,
        title=say("reached_title", lang, by=by, minutes=round(question.within_s / 60)),
        notices=reach_notices(directory, question, answer, at=at),
        farther=0,
        lang=lang,
    )


def _picture(
    directory: Directory,
    places: Sequence[tuple[int, str]],
    *,
    lat: float,
    lon: float,
    title: str,
    notices: Sequence[Notice],
    farther: int,
    lang: str,
) -> Picture:
    markers = [Marker(lat=lat, lon=lon, kind="here", text=say("here", lang))]
    for number, text in places:
        place_lat, place_lon = directory.position(number)
        markers.append(Marker(lat=place_lat, lon=place_lon, kind="place", text=text))
    said = present.notices_view(list(notices), lang)
    remarks = [notice["text"] for notice in said if notice["code"] not in _FIRST]
    if farther:
        remarks.insert(0, say("farther", lang, count=farther))
    if not places:
        remarks.insert(0, say("no_place", lang))
    return Picture(
        title=title,
        description=say("places_description", lang, count=len(places)),
        markers=markers,
        notices=[notice["text"] for notice in said if notice["code"] in _FIRST],
        remarks=[*remarks, say("emergency", lang)],
    )


def _name(directory: Directory, number: int) -> str:
    name: str = directory.facts(number)["name"]
    return name


def _distance(distance_m: float, lang: str) -> str:
    words = catalogue().moving["trips"]
    if distance_m < _KM:
        metres = round(distance_m / 10) * 10 if distance_m > _ROUNDED_FROM_M else round(distance_m)
        return words["metres"].say(lang, count=metres)
    count = f"{distance_m / _KM:.1f}"
    return words["kilometres"].say(lang, count=count.replace(".", ",") if lang == "fr" else count)


def _opening(opening: Opening, at: datetime, lang: str) -> str:
    if opening.state == "unknown":
        return say("hours_unknown", lang)
    is_open = opening.state == "open"
    until = opening.until
    if until is None:
        return say("open_always" if is_open else "closed", lang)
    if not is_open and until.timestamp() - at.timestamp() > _FAR_OFF.total_seconds():
        return say("closed", lang)
    if is_open and until.timestamp() - at.timestamp() > _ONE_DAY.total_seconds():
        return say("open_always", lang)
    return say("open_until" if is_open else "closed_until", lang, time=_clock(until, at, lang))


def _clock(until: datetime, at: datetime, lang: str) -> str:
    """A time of the place's own clock, with its day where that is not the day of `at`."""
    here = at.astimezone(until.tzinfo)
    if (until.hour, until.minute) == (0, 0) and until.date() == here.date() + _ONE_DAY:
        return say("midnight", lang)
    minutes = f"\N{NO-BREAK SPACE}{until.minute:02}" if until.minute else ""
    hour = f"{until.hour}\N{NO-BREAK SPACE}h{minutes}" if lang == "fr" else f"{until:%H:%M}"
    return hour if until.date() == here.date() else f"{say(f'weekday_{until.weekday()}', lang)} {hour}"
