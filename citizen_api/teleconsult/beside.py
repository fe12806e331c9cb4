"""In-person places of care near whoever looks for a slot: a door to knock at, whatever the calendars say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.directory import Directory, Found

MOST_BESIDE: Final = 3
BESIDE_M: Final = 30_000.0
_USUAL: Final = ("health_centre", "general_practitioner")
_CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "dentistry": ("dentist",),
    "midwifery": ("midwife", "maternity"),
    "nursing": ("nurse", "health_centre"),
    "physiotherapy": ("physiotherapist",),
    "psychiatry": ("mental_health",),
    "psychology": ("mental_health",),
    "pharmacy": ("pharmacy",),
    "vaccination": ("pharmacy", "health_centre"),
}
"""Categories of care in which to look, where the usual ones are not the right ones."""


def places_beside(
    directory: Directory, *, lat: float, lon: float, specialty: str | None, at: datetime, lang: str
) -> list[dict[str, Any]]:
    """The nearest places of care in person, at most MOST_BESIDE within 30 km, whether or not they are open."""
    categories = _CATEGORIES.get(specialty or "", _USUAL)
    found = directory.nearest(lat=lat, lon=lon, categories=categories, limit=MOST_BESIDE, radius_m=BESIDE_M)
    return [_place(directory, each, categories, at=at, lang=lang) for each in found]


def _place(
    directory: Directory, found: Found, categories: tuple[str, ...], *, at: datetime, lang: str
) -> dict[str, Any]:
    facts = directory.facts(found.number)
    opening = directory.opening(found.number, at)
    category = next((name for name in facts["categories"] if name in categories), facts["category"])
    return {
        "id": facts["id"],
        "name": facts["name"],
        "category": category,
        "category_label": getattr(CATEGORIES[category], lang),
        "address": facts["address"],
        "phone": facts["phone"],
        "lat": facts["lat"],
        "lon": facts["lon"],
        "distance_m": round(found.distance_m, 1),
        "opening": {"state": opening.state, "until": opening.until},
        "place": f"/v1/care/{facts['id']}",
    }
