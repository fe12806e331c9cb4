"""The JSON of a place: what is constant is rendered once per directory version, and joined with what varies.

    READY  {"id":…, … ,"sources":[…],"opening":{"hours":…,"as_written":…,"source":…
           ,"state":"open","until":"2026-…","comment":null}              the moment (`schedules.opening_json`)
           ,"category_label":"Pharmacie"                                 the words: once per language and category
           ,"distance_m":12.3,"why":"…","call_first":null}               the question

What varies comes last, so that each place is one piece of the file and three short ones. Joined they are what
`present.place_view` and the schema's dump give (tests compare every place of the sample).
"""

from __future__ import annotations

import math
from typing import Any

import orjson

from citizen_api.care.features import EMERGENCY, PRACTICES
from citizen_api.care.place import Place


def constant_facts(place: Place) -> dict[str, Any]:
    """Say of a place all that neither the language nor the moment changes, in the order of the answer."""
    positioned = not math.isnan(place.lat)
    return {
        "id": place.id,
        "name": place.name,
        "category": place.categories[0] if place.categories else None,
        "categories": place.categories,
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
        "services": place.services or None,
        "practice": practice_view(place),
        "regulated": _yes_or_no(known=place.call_15_first) if EMERGENCY in place.categories else None,
        "identifiers": dict(place.identifiers),
        "sources": [{"id": source.id, "title": source.title, "date": source.dated} for source in place.sources],
        "opening": {
            "hours": place.opening_hours,
            "as_written": place.opening_hours_verbatim,
            "source": place.opening_hours_source,
        },
    }


def practice_view(place: Place) -> dict[str, Any] | None:
    """Say what a resident asks of a practice; what no source says is said to be unknown.

    None for what is no practice, as long as no source says any of it.
    """
    said = (
        place.accepts_new_patients,
        place.payment_sector,
        place.third_party_payment,
        place.home_visits,
        place.languages or None,
    )
    if PRACTICES.isdisjoint(place.categories) and said == (None,) * len(said):
        return None
    return {
        "new_patients": _yes_or_no(known=place.accepts_new_patients),
        "sector": place.payment_sector or "unknown",
        "third_party_payment": place.third_party_payment or "unknown",
        "home_visits": _yes_or_no(known=place.home_visits),
        "languages": place.languages or None,
    }


def _yes_or_no(*, known: bool | None) -> str:
    return "unknown" if known is None else "yes" if known else "no"


def ready_part(place: Place) -> bytes:
    """Render READY: the object, and the object of its opening, are left open."""
    return orjson.dumps(constant_facts(place))[:-2]


def ready_facts(part: bytes | memoryview) -> dict[str, Any]:
    """Read what `ready_part` rendered; dates are texts."""
    facts: dict[str, Any] = orjson.loads(b"".join((part, b"}}")))
    return facts


def label_part(label: str | None) -> bytes:
    """Render the words of a category."""
    return b',"category_label":' + orjson.dumps(label)


def distance_part(distance_mm: int) -> bytes:
    """Render a distance, in metres."""
    return b',"distance_m":%a' % (distance_mm / 1000)


def why_part(why: str, *, call_first: bool) -> bytes:
    """Render why a place stands where it stands, and close its object."""
    return b',"why":' + orjson.dumps(why) + b',"call_first":' + (b'"15"}' if call_first else b"null}")
