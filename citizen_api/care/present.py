"""Places as plain data for the wire, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.directory import Directory
from citizen_api.care.fragments import constant_facts, distance_part, why_part
from citizen_api.care.hours import Opening
from citizen_api.care.models import Facility, Report
from citizen_api.care.nearest import Answer, Item, category_notices, place_notices, shown_notices
from citizen_api.care.place import Place
from citizen_api.care.rules import DEMO_SOURCE, cluster, cluster_cell_deg
from content.catalogue import catalogue


def place_view(place: Place, opening: Opening, lang: str) -> dict[str, Any]:
    """What is said of a place everywhere."""
    facts = constant_facts(place)
    main = facts["category"]
    changing = {"state": opening.state, "until": opening.until, "comment": opening.comment or None}
    return facts | {
        "opening": facts["opening"] | changing,
        "category_label": getattr(CATEGORIES[main], lang) if main else None,
    }


def answer_json(directory: Directory, answer: Answer, *, cursor: str | None, at: datetime, lang: str) -> bytes:
    """Give the whole answer to "nearest", as the schema would; each place's constant part is ready-made.

    `at` is the moment at which "open" is told.
    """

    def items(chosen: Sequence[Item]) -> bytes:
        ends = [(distance_part(found.distance_mm), *_why_parts(lang, reason, rank)) for found, reason, rank in chosen]
        return directory.items_json([item.found.number for item in chosen], at, lang, ends=ends)

    parts = [
        b'{"notices":',
        orjson.dumps(notices_view(answer.notices, lang)),
        b',"items":[',
        items(answer.items),
        b'],"next":',
        orjson.dumps(cursor),
    ]
    if answer.hours_unknown is not None:
        parts += [b',"hours_unknown":[', items(answer.hours_unknown), b"]"]
    if answer.instead:
        parts += [b',"instead":[', items(answer.instead), b"]"]
    return b"".join([*parts, b',"emergency":', _emergency_json(lang), b"}"])


@lru_cache(maxsize=10_000)
def _why_parts(lang: str, reason: str, rank: int | None) -> tuple[bytes, bytes]:
    words = why(lang, reason, rank)
    return why_part(words, call_first=False), why_part(words, call_first=True)


def why(lang: str, reason: str, rank: int | None) -> str:
    """Say why a place stands where it stands."""
    return catalogue().reasons[reason].say(lang, rank=rank)


@lru_cache(maxsize=10)
def _emergency_json(lang: str) -> bytes:
    return orjson.dumps(emergency_view(lang, short=True))


def page_view(place: Place, *, at: datetime, lang: str, demo: bool) -> dict[str, Any]:
    """Say of a place by itself what its reader must know."""
    codes = category_notices(place.categories)
    if place.closed_at is not None:
        codes.append("closed_for_good")
    codes += place_notices(
        approximate=place.position_approximate,
        regulated=bool(place.call_15_first),
        oldest=max((s.dated for s in place.sources if s.id != DEMO_SOURCE), default=None),
        at=at,
        demo=demo,
    )
    return place_view(place, place.opening_at(at), lang) | {
        "notices": notices_view([(code, {}) for code in codes], lang),
        "emergency": emergency_view(lang, short=True),
    }


def within_json(
    directory: Directory,
    numbers: Sequence[int],
    *,
    categories: Sequence[str],
    at: datetime,
    lang: str,
    box: tuple[float, float, float, float],
    most: int,
) -> bytes:
    """Show places on a map, one by one, or in groups when there are more than `most`."""
    clusters: list[dict[str, Any]] = []
    codes = shown_notices(directory, numbers, at)
    if len(numbers) > most:
        west, south, east, north = box
        cell_deg = cluster_cell_deg(width_deg=east - west, height_deg=north - south)
        positions = [directory.position(number) for number in numbers]
        clusters = [
            {"lat": group.lat, "lon": group.lon, "count": group.count, "bbox": list(group.bbox)}
            for group in cluster(positions, cell_deg=cell_deg)
        ]
        codes.insert(0, "clustered")
        numbers = ()
    codes = category_notices(categories) + codes
    return b"".join(
        [
            b'{"notices":',
            orjson.dumps(notices_view([(code, {}) for code in codes], lang)),
            b',"items":[',
            directory.items_json(numbers, at, lang),
            b'],"next":null,"clusters":',
            orjson.dumps(clusters),
            b',"emergency":',
            _emergency_json(lang),
            b"}",
        ]
    )


def report_view(report: Report, facility: Facility) -> dict[str, Any]:
    """Show a report in the moderator's queue."""
    return {
        "id": report.id,
        "facility_id": facility.id,
        "facility_name": facility.name,
        "commune": facility.commune_code,
        "kind": report.kind,
        "times": report.times,
        "comments": report.comments,
        "created_at": report.created_at,
        "settled_at": report.settled_at,
        "settlement": report.settlement,
        "settlement_note": report.settlement_note,
    }


def notices_view(notices: list[tuple[str, dict[str, object]]], lang: str) -> list[dict[str, str]]:
    """Give notices their words."""
    return [{"code": code, "text": catalogue().notices[code].say(lang, **values)} for code, values in notices]


def emergency_view(lang: str, *, short: bool) -> list[dict[str, str]]:
    """List the emergency numbers; `short`: only those that answer from everywhere."""
    return [
        {
            "number": entry.number,
            "tel": entry.tel,
            "channel": entry.channel,
            "name": entry.name.say(lang),
            "text": entry.text.say(lang),
        }
        | ({} if short else {"source": entry.source, "checked_on": entry.checked_on})
        for entry in catalogue().emergency
        if entry.everywhere or not short
    ]


def feature(item: Mapping[str, Any]) -> dict[str, Any]:
    """Give a dumped place, or group of places, as a GeoJSON Feature (RFC 7946)."""
    return {
        "type": "Feature",
        **{name: item[name] for name in ("id", "bbox") if name in item},
        "geometry": {"type": "Point", "coordinates": [item["lon"], item["lat"]]},
        "properties": {name: value for name, value in item.items() if name not in ("lat", "lon", "bbox")},
    }


def collection(body: Mapping[str, Any], *lists: str) -> dict[str, Any]:
    """Give a dumped answer as a FeatureCollection: `items` and `clusters` are its features.

    Each of the other `lists` of places is a FeatureCollection of its own among the foreign members.
    """
    members = {name: value for name, value in body.items() if name not in ("items", "clusters")}
    return {
        "type": "FeatureCollection",
        "features": [feature(item) for item in (*body["items"], *body.get("clusters", ()))],
        **members,
        **{
            name: {"type": "FeatureCollection", "features": [feature(item) for item in members[name]]}
            for name in lists
            if name in members
        },
    }


def category_views(lang: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    """List the categories with their words, and how many places of each are known."""
    return [
        {
            "id": category.id,
            "label": getattr(category, lang),
            "hint": getattr(category, f"hint_{lang}"),
            "codes": {
                "finess": list(category.finess),
                "rpps": list(category.rpps),
                "osm": list(category.osm),
            },
            "places": counts.get(category.id, 0),
        }
        for category in CATEGORIES.values()
    ]
