"""What a place may be asked to have: names that the directory turns into bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.place import Place

EMERGENCY: Final = "emergency_department"
CALL_15_FIRST: Final = frozenset({"hospital", EMERGENCY})
"""Categories whose places one rings up through 15 before going."""

PRACTICES: Final = frozenset({category.id for category in CATEGORIES.values() if category.rpps} | {"health_centre"})
"""Categories whose places a resident asks whether they take new patients, and what is paid."""

WHEELCHAIR: Final = "wheelchair:yes"
WHEELCHAIR_UNKNOWN: Final = "wheelchair:unknown"
NEW_PATIENTS: Final = "new-patients"
HOME_VISITS: Final = "home-visits"
THIRD_PARTY_PAYMENT: Final = "third-party-payment"


def service(name: str) -> str:
    """Feature of a place that offers a service."""
    return f"service:{name}"


def sector(name: str) -> str:
    """Feature of a practice of a payment sector."""
    return f"sector:{name}"


def language(code: str) -> str:
    """Feature of a place where a language is spoken (BCP 47)."""
    return f"language:{code.lower()}"


def features_of(place: Place) -> Iterable[str]:
    """Name all that a source says a place has, and that nothing is said of its access."""
    yield WHEELCHAIR_UNKNOWN if place.wheelchair is None else f"wheelchair:{place.wheelchair}"
    yield from map(service, place.services)
    yield from map(language, place.languages)
    if place.payment_sector:
        yield sector(place.payment_sector)
    if place.accepts_new_patients:
        yield NEW_PATIENTS
    if place.home_visits:
        yield HOME_VISITS
    if place.third_party_payment in ("full", "partial"):
        yield THIRD_PARTY_PAYMENT
