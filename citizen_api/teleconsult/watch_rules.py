"""Rules about slot watches: until when one lasts, and for which calendars it fires. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.core.geo import FloatArray, distances_m
from citizen_api.sources.slot_records import MODALITIES
from citizen_api.sources.specialties import OTHER, SPECIALTIES
from citizen_api.teleconsult.slot_rules import ANYWHERE

MAX_WATCHES: Final = 3
LASTS: Final = timedelta(days=30)
LONGEST: Final = timedelta(days=60)
WITHIN_KM: Final = 20
WITHIN_KM_MOST: Final = 50
WATCHED: Final = tuple(specialty for specialty in SPECIALTIES if specialty != OTHER)
"""What may be watched. What nobody could name is not: it would fire for anything."""
Territories = Callable[[str], Collection[tuple[str, str | None]]]
"""Gives (kind, code) of all that a commune lies in."""
_COUNTRY: Final = "country"
_DEGREE_M: Final = 110_500
"""No degree of latitude is shorter."""
_METRES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar in which a slot appeared at `appeared_at`. `starts_s`: its first free slot to come (since 1970).

    `lat`, `lon`: of its place, None where it is not known. `territory`: (kind, code) where its provider is offered.
    """

    modality: str
    lat: float | None
    lon: float | None
    appeared_at: datetime
    starts_s: int
    territory: tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Aim:
    """Where watches look. `modality` None: any. `centre`: (lat, lon) of the commune, None where it is not known."""

    modality: str | None
    commune_code: str
    within_km: int
    centre: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The calendars that an aim looks at, as arrays: when a slot appeared, and the first start (seconds since 1970)."""

    appeared_s: FloatArray
    starts_s: FloatArray

    def fires(self, created_at: datetime, until: datetime) -> bool:
        """Whether a slot that starts before `until` is in a calendar where one appeared since `created_at`."""
        fits = (self.appeared_s >= created_at.timestamp()) & (self.starts_s < until.timestamp())
        return bool(fits.any())


class Lookout:
    """The calendars of one specialty in which a slot appeared, to be looked at from many communes."""

    def __init__(self, calendars: Sequence[Calendar]) -> None:
        self._calendars = calendars
        modalities = np.array([calendar.modality for calendar in calendars])
        self._is_of: dict[str | None, NDArray[np.bool_]] = {each: modalities == each for each in MODALITIES}
        self._is_of[None] = np.ones(len(calendars), dtype=bool)
        self._lats = np.array([calendar.lat for calendar in calendars], dtype=float)
        self._lons = np.array([calendar.lon for calendar in calendars], dtype=float)
        self._appeared_s = np.array([calendar.appeared_at.timestamp() for calendar in calendars])
        self._starts_s = np.array([calendar.starts_s for calendar in calendars], dtype=float)
        self._is_local = np.array([calendar.territory[0] != _COUNTRY for calendar in calendars])

    def seen_from(self, aim: Aim, territories: Territories) -> Seen:
        """Give the calendars that fit: of the modality, near enough or by video, and offered where the commune lies."""
        of_modality = self._is_of[aim.modality]
        fits = of_modality & (self._is_of[ANYWHERE] | self._is_near(aim, of_modality))
        local = np.flatnonzero(fits & self._is_local).tolist()
        if local:
            around = territories(aim.commune_code)
            fits[[index for index in local if self._calendars[index].territory not in around]] = False
        return Seen(self._appeared_s[fits], self._starts_s[fits])

    def _is_near(self, aim: Aim, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each has its place within the distance; a place that is not known (NaN) is not near."""
        near = np.zeros(len(self._calendars), dtype=bool)
        if aim.centre is None:
            return near
        lat, lon = aim.centre
        height = aim.within_km * _METRES / _DEGREE_M
        width = height / max(math.cos(math.radians(min(90.0, abs(lat) + height))), 0.01)
        east = (self._lons - lon + 180) % 360 - 180
        inside = np.flatnonzero(among & (np.abs(self._lats - lat) <= height) & (np.abs(east) <= width))
        distances = distances_m(lat=lat, lon=lon, lats=self._lats[inside], lons=self._lons[inside])
        near[inside[distances <= aim.within_km * _METRES]] = True
        return near


def until_of(asked: datetime | str | None, now: datetime) -> datetime | None:
    """Until when a watch lasts that was asked to last until `asked` ("now" is one such); None: past, or too far."""
    until = asked if isinstance(asked, datetime) else now if asked else now + LASTS
    return until if now < until <= now + LONGEST else None
