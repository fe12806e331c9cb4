"""Places as plain data for the wire, in one language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.directory import Place
from citizen_api.care.hours import Opening
from citizen_api.care.models import Facility, Report
from citizen_api.care.nearest import Answer, Item, category_notices, place_notices
from citizen_api.care.rules import cluster, cluster_cell_deg
from content.catalogue import catalogue


def place_view(place: Place, opening: Opening, lang: str) -> dict[str, Any]:
    """What is said of a place everywhere."""
    main = next(iter(place.categories), None)
    positioned = not math.isnan(place.lat)
    return {
        "id": place.id,
        "name": place.name,
        "category": main,
        "category_label": getattr(CATEGORIES[main], lang) if main else None,
        "categories": list(place.categories),
        "address": {
            "street": place.street,
            "postcode": place.postcode,
            "city": place.city,
            "commune": place.commune_code,
        },
        "phone": place.phone,
        "website": place.website,
        "lat": place.lat if positioned else None,
        "lon": place.lon if positioned else None,
        "position_approximate": place.position_approximate,
        "closed_on": place.closed_at.date() if place.closed_at else None,
        "wheelchair": place.wheelchair or "unknown",
        "opening": {
            "state": opening.state,
            "until": opening.until,
            "comment": opening.comment or None,
            "hours": place.opening_hours,
            "as_written": place.opening_hours_verbatim,
            "source": place.opening_hours_source,
        },
        "identifiers": dict(place.identifiers),
        "sources": [{"id": s.id, "title": s.title, "date": s.dated} for s in place.sources],
    }


def item_view(item: Item, lang: str) -> dict[str, Any]:
    """Say of a place in a list what `place_view` says, and how far it is and why it stands here."""
    return place_view(item.place, item.opening, lang) | {
        "distance_m": item.distance_m,
        "why": catalogue().reasons[item.reason].say(lang, rank=item.rank),
        "call_first": "15" if item.call_15_first else None,
    }


def answer_view(answer: Answer, cursor: str | None, lang: str) -> dict[str, Any]:
    """Give the whole answer to "nearest"."""
    body: dict[str, Any] = {
        "notices": notices_view(answer.notices, lang),
        "items": [item_view(item, lang) for item in answer.items],
        "next": cursor,
    }
    if answer.hours_unknown is not None:
        body["hours_unknown"] = [item_view(item, lang) for item in answer.hours_unknown]
    if answer.instead:
        body["instead"] = [item_view(item, lang) for item in answer.instead]
    body["emergency"] = emergency_view(lang, short=True)
    return body


def page_view(place: Place, *, at: datetime, lang: str, demo: bool) -> dict[str, Any]:
    """Say of a place by itself what its reader must know."""
    codes = category_notices(place.categories)
    if place.closed_at is not None:
        codes.append("closed_for_good")
    codes += place_notices([place], at, demo=demo)
    return place_view(place, place.opening_at(at), lang) | {
        "notices": notices_view([(code, {}) for code in codes], lang),
        "emergency": emergency_view(lang, short=True),
    }


def within_view(
    places: list[Place],
    *,
    categories: Sequence[str],
    at: datetime,
    lang: str,
    box: tuple[float, float, float, float],
    most: int,
    demo: bool,
) -> dict[str, Any]:
    """Show places on a map, one by one, or in groups when there are more than `most`."""
    clusters: list[dict[str, Any]] = []
    codes = place_notices(places, at, demo=demo)
    if len(places) > most:
        west, south, east, north = box
        cell_deg = cluster_cell_deg(width_deg=east - west, height_deg=north - south)
        clusters = [
            {"lat": group.lat, "lon": group.lon, "count": group.count, "bbox": list(group.bbox)}
            for group in cluster([(place.lat, place.lon) for place in places], cell_deg=cell_deg)
        ]
        codes.insert(0, "clustered")
        places = []
    codes = category_notices(categories) + codes
    return {
        "notices": notices_view([(code, {}) for code in codes], lang),
        "items": [place_view(place, place.opening_at(at), lang) for place in places],
        "next": None,
        "clusters": clusters,
        "emergency": emergency_view(lang, short=True),
    }


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
