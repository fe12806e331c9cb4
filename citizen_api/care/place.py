"""A place of care as it is answered: what its sources say, merged, and the reading of its hours."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Final

from citizen_api.care.hours import UNKNOWN, Hours, HoursNotUnderstood, Opening, parse_hours
from citizen_api.core.geo import in_mainland_france

MAINLAND: Final = "75056"
"""Commune whose clock and holidays hold for a place of the mainland whose own commune is not known."""

_SUN = re.compile(r"sun|dawn|dusk")


@dataclass(frozen=True, slots=True)
class SourceMention:
    """A source that describes a place, and the date of what it says."""

    id: str
    title: str
    dated: date


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place as it is answered. `lat`, `lon` in WGS84 degrees."""

    id: str
    name: str
    categories: tuple[str, ...]
    street: str | None
    postcode: str | None
    city: str | None
    commune_code: str | None
    phone: str | None
    website: str | None
    lat: float
    lon: float
    position_approximate: bool
    wheelchair: str | None
    opening_hours: str | None
    opening_hours_verbatim: str | None
    opening_hours_source: str | None
    identifiers: tuple[tuple[str, str], ...]
    sources: tuple[SourceMention, ...]
    closed_at: datetime | None = None
    services: tuple[str, ...] = ()
    accepts_new_patients: bool | None = None
    payment_sector: str | None = None
    third_party_payment: str | None = None
    home_visits: bool | None = None
    languages: tuple[str, ...] = ()
    call_15_first: bool | None = None

    @cached_property
    def hours(self) -> Hours | None:
        """The parsed hours, or None where they are not known."""
        question = hours_question(self.opening_hours, self.commune_code, lat=self.lat, lon=self.lon)
        return None if question is None else read_hours(*question)

    def opening_at(self, at: datetime) -> Opening:
        """Whether it is open at a moment, and until when; what closed for good is closed."""
        if self.closed_at is not None and self.closed_at <= at:
            return Opening("closed", None, "")
        return UNKNOWN if self.hours is None else self.hours.at(at)

    def state_at(self, at: datetime) -> str:
        """Only the state of `opening_at`, quickly."""
        return "unknown" if self.hours is None else self.hours.state_at(at)


HoursQuestion = tuple[str, str, tuple[float, float] | None]
"""All that the hours of a place depend on: the expression, the commune, the position where they follow the sun."""


def hours_question(expression: str | None, commune_code: str | None, *, lat: float, lon: float) -> HoursQuestion | None:
    """Say what the hours of a place depend on, or None where they are not known."""
    if expression is None:
        return None
    commune = commune_code or (MAINLAND if in_mainland_france(lat=lat, lon=lon) else None)
    if commune is None:
        return None
    # Only hours that follow the sun depend on more than the commune: the others are read once for all.
    sunny = _SUN.search(expression) and not math.isnan(lat)
    return expression, commune, (lat, lon) if sunny else None


@lru_cache(maxsize=20_000)
def read_hours(expression: str, commune: str, position: tuple[float, float] | None) -> Hours | None:
    """Read hours, or None for what cannot be read."""
    lat, lon = position or (None, None)
    try:
        return parse_hours(expression, insee_code=commune, lat=lat, lon=lon)
    except HoursNotUnderstood:
        return None
