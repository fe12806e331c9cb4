"""What is within reach as data for the wire, and as pictures, in one language."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson

from citizen_api.air.hours import clock_of_commune
from citizen_api.care import present
from citizen_api.care.directory import Directory
from citizen_api.care.fragments import why_part
from citizen_api.care.nearest import Notice, category_notices, shown_notices
from citizen_api.mobility.isochrones import BESIDE_M, SIMPLER_M, Isochrone
from citizen_api.mobility.maps import Area, Marker, Picture
from citizen_api.mobility.network import FloatArray
from citizen_api.mobility.profiles import STEP_FREE
from citizen_api.mobility.reach import MOST_LOOKED_AT, ReachAnswer, Reached, ReachQuestion
from content.catalogue import catalogue

_HALF_A_SECOND: Final = timedelta(milliseconds=500)


def say(code: str, lang: str, **values: object) -> str:
    """Say a label of `reach.yaml`."""
    return catalogue().moving["reach"][code].say(lang, **values)


# ---- Areas


def isochrone_view(
    found: Sequence[Isochrone], *, by: str, snap_m: float | None, attribution: str, wishes: Collection[str], lang: str
) -> dict[str, Any]:
    """A FeatureCollection, one area for each limit."""
    return {
        "type": "FeatureCollection",
        "features": [_feature(area, by, lang) for area in found],
        "notices": present.notices_view(_area_notices(found, wishes), lang),
        "snap_m": None if snap_m is None else round(snap_m, 1),
        "beside_m": BESIDE_M,
        "simplified_m": SIMPLER_M,
        "attribution": attribution,
    }


def _feature(area: Isochrone, by: str, lang: str) -> dict[str, Any]:
    polygons = [[_positions(ring) for ring in rings] for rings in area.rings]
    single = len(polygons) == 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if single else "MultiPolygon",
            "coordinates": polygons[0] if single else polygons,
        },
        "properties": {
            "minutes": area.minutes,
            "by": by,
            "label": catalogue().moving["maps"]["area"].say(lang, minutes=area.minutes),
            "approximate": area.approximate,
            "cut": area.cut,
        },
    }


def _positions(ring: FloatArray) -> list[list[float]]:
    found: list[list[float]] = ring[:, ::-1].tolist()
    return found


def _area_notices(found: Sequence[Isochrone], wishes: Collection[str]) -> list[Notice]:
    too_short = [area.minutes for area in found if not area.rings]
    notices: list[Notice] = [("isochrone_none", {"minutes": max(too_short)})] if too_short else []
    codes = []
    if any(area.approximate for area in found):
        codes.append("isochrone_approximate")
    if any(area.cut for area in found):
        codes.append("isochrone_cut")
    if STEP_FREE & frozenset(wishes):
        codes.append("trip_kerbs_unknown")
    return notices + [(code, {}) for code in codes]


def isochrone_picture(
    found: Sequence[Isochrone], *, lat: float, lon: float, by: str, wishes: Collection[str], lang: str
) -> Picture:
    """The same as a map."""
    values = {"by": catalogue().moving["trips"][by].say(lang), "minutes": found[-1].minutes}
    return Picture(
        title=say("area_title", lang, **values),
        description=say("area_description", lang, **values),
        areas=[
            Area(minutes=area.minutes, rings=[ring for rings in area.rings for ring in rings])
            for area in found
            if area.rings
        ],
        markers=[Marker(lat=lat, lon=lon, kind="here", text=say("here", lang))],
        notices=[shown["text"] for shown in present.notices_view(_area_notices(found, wishes), lang)],
    )


# ---- Places


def reachable_json(
    directory: Directory, question: ReachQuestion, answer: ReachAnswer, *, at: datetime, lang: str
) -> bytes:
    """The whole answer; each place's constant part is ready-made. `at`: now."""

    def items(chosen: Sequence[Reached], *, known: bool) -> bytes:
        return b",".join(
            _item(directory, question, reached, rank if known else None, at=at, lang=lang)
            for rank, reached in enumerate(chosen, start=1)
        )

    parts = [
        b'{"notices":',
        orjson.dumps(present.notices_view(reach_notices(directory, question, answer, at=at), lang)),
        b',"items":[',
        items(answer.items, known=True),
        b'],"next":null',
    ]
    if answer.hours_unknown is not None:
        parts += [b',"hours_unknown":[', items(answer.hours_unknown, known=False), b"]"]
    snap_m = None if answer.snap_m is None else round(answer.snap_m, 1)
    emergency = orjson.dumps(present.emergency_view(lang, short=True))
    return b"".join([*parts, b',"snap_m":', orjson.dumps(snap_m), b',"emergency":', emergency, b"}"])


def _item(
    directory: Directory, question: ReachQuestion, reached: Reached, rank: int | None, *, at: datetime, lang: str
) -> bytes:
    facts = {
        "duration_s": round(reached.duration_s),
        "distance_m": round(reached.distance_m, 1),
        "approximate": reached.approximate,
        "arrives_at": _by_its_clock(directory, reached),
        "closing_soon": reached.closing_soon,
        "trip": _trip(directory.id_of(reached.number), question, at),
    }
    why = say("why_hours_unknown", lang) if rank is None else say("why", lang, rank=rank)
    ends = why_part(why, call_first=False), why_part(why, call_first=True)
    more = b"," + orjson.dumps(facts)[1:-1]
    return directory.items_json([reached.number], reached.arrives_at, lang, ends=[(more, *ends)])


def _by_its_clock(directory: Directory, reached: Reached) -> datetime:
    """When one is there, to the second, by the clock of the place; Paris' where that is not known."""
    commune = directory.facts(reached.number)["address"]["commune"]
    zone = clock_of_commune(commune) if commune else "Europe/Paris"
    return (reached.arrives_at + _HALF_A_SECOND).astimezone(ZoneInfo(zone)).replace(microsecond=0)


def _trip(place_id: str, question: ReachQuestion, at: datetime) -> str:
    """Where to ask for the trip. Who asks adds from where: a position does not come back from us."""
    values = {"to_facility": place_id, "modes": question.mode.name}
    if question.wishes:
        values["profile"] = ",".join(sorted(question.wishes))
    if question.leave_at > at:
        values["depart_at"] = question.leave_at.isoformat(timespec="seconds")
    return f"/v1/mobility/trips?{urlencode(values, safe=',:')}"


def _why_none(answer: ReachAnswer, question: ReachQuestion) -> str:
    """Of no place known to be open: that there is none, none that is open, or none of which the hours are known."""
    if answer.hours_unknown:
        return "reach_none_known_open"
    return "reach_none_open" if question.only_open and answer.any_known else "reach_none"


def reach_notices(directory: Directory, question: ReachQuestion, answer: ReachAnswer, *, at: datetime) -> list[Notice]:
    """What a reader must know beside the places."""
    notices: list[Notice] = [(code, {}) for code in category_notices(question.categories)]
    shown = [*answer.items, *(answer.hours_unknown or [])]
    minutes = round(question.within_s / 60)
    if not any(directory.has(category) for category in question.categories):
        notices.append(("nothing_known", {}))
    elif not answer.items:
        notices.append((_why_none(answer, question), {"minutes": minutes}))
        if question.only_open and "pharmacy" in question.categories:
            notices.append(("pharmacy_on_duty", {}))
    codes = []
    if any(reached.approximate for reached in shown):
        codes.append("reach_approximate")
    if any(reached.closing_soon for reached in answer.items):
        codes.append("reach_closing_soon")
    if STEP_FREE & frozenset(question.wishes):
        codes.append("trip_kerbs_unknown")
    notices += [(code, {}) for code in codes]
    if not answer.looked_at_all:
        notices.append(("reach_not_all", {"count": MOST_LOOKED_AT}))
    return notices + [(code, {}) for code in shown_notices(directory, [each.number for each in shown], at)]
