"""What the readers of air, pollen, weather warnings and UV give: one dataclass for each kind of fact.

A level is on the scale of its hazard (`content.hazards`); None is "published as unavailable", never zero. Moments are
aware and in UTC; a day is the calendar day of the place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

POLLUTANTS: Final = ("pm25", "pm10", "no2", "o3", "so2")
"""Pollutants of the ATMO index; where two are equally bad, the first speaks: it harms most at equal class."""
MEASURED: Final = (*POLLUTANTS, "no", "nox", "co")
"""Pollutants that readings may have beside; they are never taken for one of the index."""
TAXA: Final = ("alder", "birch", "olive", "grass", "mugwort", "ragweed")
PHENOMENA: Final = {"3": "storms", "6": "heat", "7": "cold"}
"""Numbers of Météo-France's phenomena that are read, and their hazard."""

ZoneKind = Literal["commune", "epci", "departement", "region"]
Influence = Literal["background", "traffic", "industrial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """The territory for which something is published: an INSEE code, a SIREN (EPCI), a département or région code."""

    kind: ZoneKind
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AirIndexRecord:
    """The ATMO index of a zone on a day. `levels`: {pollutant: 1-6}, only those that are known.

    `level` None: published as unavailable. `event`: published as "événement" (7 or 8) instead of a class.
    """

    zone: Zone
    day: date
    level: int | None
    levels: Mapping[str, int] = field(default_factory=dict)
    event: bool = False
    producer: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRecord:
    """An official pollution episode of one pollutant in a zone on a day.

    `tier`: information, alert, or None where it is said that there is none. `pollutant` is one of
    POLLUTANTS. `persistence`: declared because it lasts.
    """

    zone: Zone
    day: date
    pollutant: str
    tier: str | None
    persistence: bool = False
    producer: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollenRecord:
    """The pollen index of a zone on a day. `levels`: {taxon of TAXA: 0-6}, only those that are known.

    `responsible`: the taxa that make the index, as published. `alert`: the producer's own flag, None when it says none.
    """

    zone: Zone
    day: date
    level: int | None
    levels: Mapping[str, int] = field(default_factory=dict)
    responsible: tuple[str, ...] = ()
    alert: bool | None = None
    producer: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VigilanceRecord:
    """A weather warning of one hazard in a département: `level` 1 green to 4 red, the worst of its day.

    `starts_at`, `ends_at`: when that level holds (the first to the last of its hours). `day`: the day of the map.
    """

    zone: Zone
    day: date
    hazard: str
    level: int
    starts_at: datetime
    ends_at: datetime
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UvRecord:
    """The highest UV index of a day in a zone, clear or cloudy sky as the producer has it."""

    zone: Zone
    day: date
    index: float
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRecord:
    """A measuring station. Without a position nothing may be said of its distance; without influence, of its street."""

    code: str
    name: str
    influence: Influence | None = None
    lat: float | None = None
    lon: float | None = None
    commune_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRecord:
    """The mean of one pollutant over one hour at one station, in ug/m3. `ends_at` is the end of the hour."""

    station: StationRecord
    pollutant: str
    ends_at: datetime
    value_ug_m3: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyForecastRecord:
    """What a model expects as the mean of one pollutant over the hour that ends at `ends_at`, in ug/m3.

    `lat` and `lon`: the middle of the model's cell, where the answer tells it.
    """

    pollutant: str
    ends_at: datetime
    value_ug_m3: float
    lat: float | None = None
    lon: float | None = None


AirRecord = AirIndexRecord | EpisodeRecord | PollenRecord | VigilanceRecord | UvRecord | ReadingRecord
