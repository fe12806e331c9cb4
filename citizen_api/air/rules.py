"""Rules about the air: its indices from concentrations, means of hours, the day they hold for, what is current.

Concentrations are in ug/m3. What is missing stays missing: None is never read as zero.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from citizen_api.sources.air_records import POLLUTANTS

Averaging = Literal["daily_mean", "daily_max_1h", "hourly", "running_mean_24h"]
Bounds = tuple[float, float, float, float, float]
State = Literal["current", "coming", "over", "stale"]

NOISE_UG_M3: Final = 1.0
"""How far below zero clean air is measured: the month of Montpellier that we tested with goes down to -0.6."""
ABSURD_UG_M3: Final = 10_000.0
"""From here on a value is a fault of the instrument or of the file, whatever the pollutant."""
DAY_HOURS: Final = 24
ENOUGH_HOURS: Final = 18
"""Hours that a mean of 24 needs: 75 % of them, Directive 2008/50/EC, annex XI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTable:
    """An air quality index. `bounds`: {pollutant: upper bounds of classes 1 to 5}; above the last is class 6.

    A bound belongs to the class below it. `averaging`: of which concentration each pollutant's class is.
    """

    name: str
    source: str
    valid_from: date
    bounds: Mapping[str, Bounds]
    averaging: Mapping[str, Averaging]


_ATMO_BOUNDS: Final[Mapping[str, Bounds]] = {
    "pm25": (10, 20, 25, 50, 75),
    "pm10": (20, 40, 50, 100, 150),
    "no2": (40, 90, 120, 230, 340),
    "o3": (50, 100, 130, 240, 380),
    "so2": (100, 200, 350, 500, 750),
}


def _averaging(*, particles: Averaging, gases: Averaging) -> Mapping[str, Averaging]:
    return {pollutant: particles if pollutant.startswith("pm") else gases for pollutant in POLLUTANTS}


# The annex writes "20 < concentration <= 40" for class 2 of PM10, and so on: no rounding, no gap between classes.
ATMO: Final = IndexTable(
    name="ATMO",
    source="Arrêté du 10 juillet 2020 relatif à l'indice de la qualité de l'air ambiant, annexe I",
    valid_from=date(2021, 1, 1),
    bounds=_ATMO_BOUNDS,
    averaging=_averaging(particles="daily_mean", gases="daily_max_1h"),
)
# The European index is known by the year of its start. Its first edition (November 2017) had five classes and other
# bounds (PM10 20/35/50/100, NO2 40/100/200/400, O3 80/120/180/240, SO2 100/200/350/500), shown until 2019 at least;
# these are those of its second edition, of six classes, which the ATMO index took over.
EAQI_2017: Final = IndexTable(
    name="EAQI 2017",
    source="European Environment Agency, European Air Quality Index, before the revision of 2024",
    valid_from=date(2017, 11, 16),
    bounds=_ATMO_BOUNDS,
    averaging=_averaging(particles="running_mean_24h", gases="hourly"),
)
# Revised "in 2024": the day is not told. Particles too are judged by the hour since then.
EAQI_REVISED: Final = IndexTable(
    name="EAQI revised",
    source="European Environment Agency, revision of the European Air Quality Index bands, ETC HE Report 2024/17",
    valid_from=date(2024, 12, 31),
    bounds={
        "pm25": (5, 15, 50, 90, 140),
        "pm10": (15, 45, 120, 195, 270),
        "no2": (10, 25, 60, 100, 150),
        "o3": (60, 100, 120, 160, 180),
        "so2": (20, 40, 125, 190, 275),
    },
    averaging=_averaging(particles="hourly", gases="hourly"),
)


# --- From concentrations to an index -----------------------------------------------------------------------


def plausible(value_ug_m3: float | None) -> float | None:
    """Give a concentration back as it is, or None when it is missing, no number, below the noise or absurd."""
    if value_ug_m3 is None or not -NOISE_UG_M3 <= value_ug_m3 < ABSURD_UG_M3:
        return None
    return value_ug_m3


def sub_index(table: IndexTable, pollutant: str, value_ug_m3: float | None) -> int | None:
    """Class 1 to 6 of one pollutant; None when the value is missing or not plausible, or the table has no such one."""
    value, bounds = plausible(value_ug_m3), table.bounds.get(pollutant)
    return None if value is None or bounds is None else 1 + bisect_left(bounds, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexResult:
    """An index of the air. `levels`: {pollutant: class} of those known; `missing`: the others, so it may be worse.

    `drivers`: the pollutants that make the level, in the order of POLLUTANTS. `level` is None when none is known.
    """

    level: int | None
    drivers: tuple[str, ...]
    levels: Mapping[str, int]
    missing: tuple[str, ...]

    @property
    def driver(self) -> str | None:
        """The pollutant to name first: of those that make the level, the one that harms most."""
        return self.drivers[0] if self.drivers else None


def air_index(table: IndexTable, concentrations: Mapping[str, float | None]) -> IndexResult:
    """The worst sub-index of concentrations averaged as `table.averaging` says."""
    classes = {pollutant: sub_index(table, pollutant, concentrations.get(pollutant)) for pollutant in POLLUTANTS}
    return worst({pollutant: level for pollutant, level in classes.items() if level is not None})


def worst(levels: Mapping[str, int]) -> IndexResult:
    """The index that published or computed sub-indices make; what is no pollutant of the index is left out."""
    known = {pollutant: levels[pollutant] for pollutant in POLLUTANTS if pollutant in levels}
    level = max(known.values(), default=None)
    return IndexResult(
        level=level,
        drivers=tuple(pollutant for pollutant in known if known[pollutant] == level),
        levels=known,
        missing=tuple(pollutant for pollutant in POLLUTANTS if pollutant not in known),
    )


# --- From hours to a day -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean of hourly values. `hours`: how many it rests on. `complete` False: of a day that is still running."""

    value_ug_m3: float
    hours: int
    complete: bool = True


def utc_day(ends_at: datetime) -> date:
    """The day to which an hour counts: the UTC one, as French daily values do. The hour that ends 00:00Z is the last.

    Checked with the PM10 of Montpellier on 18 September 2023: 42 ug/m3 over the UTC day, 45 over the local one.
    """
    return (ends_at.astimezone(UTC) - timedelta(hours=1)).date()


def daily_mean(hourly: Sequence[float | None]) -> Mean | None:
    """Mean of the hours of a whole day; None with fewer than 18 known hours."""
    known = [value for value in map(plausible, hourly) if value is not None]
    return Mean(value_ug_m3=math.fsum(known) / len(known), hours=len(known)) if len(known) >= ENOUGH_HOURS else None


def mean_so_far(hourly: Sequence[float | None]) -> Mean | None:
    """Mean of the hours of a day that is still running, not complete; None when fewer than 75 % of them are known."""
    known = [value for value in map(plausible, hourly) if value is not None]
    if not known or len(known) * DAY_HOURS < len(hourly) * ENOUGH_HOURS:
        return None
    return Mean(value_ug_m3=math.fsum(known) / len(known), hours=len(known), complete=False)


def running_mean_24h(hourly: Sequence[float | None]) -> Mean | None:
    """Mean of the last 24 of consecutive hours; None with fewer than 18 known among them."""
    return daily_mean(hourly[-DAY_HOURS:])


def daily_max(hourly: Sequence[float | None]) -> float | None:
    """The highest of the known hours: further hours can only raise it. None when none is known."""
    return max((value for value in map(plausible, hourly) if value is not None), default=None)


# --- What holds when ---------------------------------------------------------------------------------------


READING_CURRENT: Final = timedelta(hours=3)
"""How long after its end the last measured hour still is "now": the European index shows that of 3 hours ago."""
FORECAST_MAX_AGE: Final = timedelta(hours=36)
"""Copernicus' European model runs once a day: one run may fail."""
MAX_AGE: Final[Mapping[str, timedelta | None]] = {
    "index": None,
    "episode": None,
    "reading": None,
    "forecast": FORECAST_MAX_AGE,
    # A map is published at 6 and at 16 o'clock local time at least; it says nothing of what came after.
    "vigilance": timedelta(hours=30),
}
"""How long after its publication a fact may be believed, inside its own window; None: as long as the window."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a fact stands to a moment. Only what is current may be shown as now, what is coming as what is expected.

    current: it holds then. coming: it holds later. over: its time is past. stale: too old to be believed.
    `age_s`: since it was published or measured, None when that is not told.
    """

    state: State
    age_s: int | None


def age_s(since: datetime, at: datetime) -> int:
    """Age in whole seconds, never negative: the clock of a source may run ahead of ours."""
    return max(0, math.floor((at - since).total_seconds()))


def freshness(
    kind: str, *, starts_at: datetime, ends_at: datetime, published_at: datetime | None, at: datetime
) -> Freshness:
    """How a fact that holds from `starts_at` until just before `ends_at` stands to the moment `at`.

    A day's index is that day's only, whenever it came: yesterday's is over at midnight, tomorrow's is only coming.
    """
    age = None if published_at is None else age_s(published_at, at)
    oldest = MAX_AGE[kind]
    if at >= ends_at:
        return Freshness("over", age)
    if oldest is not None and (published_at is None or at - published_at > oldest):
        return Freshness("stale", age)
    return Freshness("coming" if at < starts_at else "current", age)


def reading_freshness(ends_at: datetime, at: datetime) -> Freshness:
    """How the measured hour that ended at `ends_at` stands to the moment `at`; an hour that has not ended is coming."""
    if at < ends_at:
        return Freshness("coming", 0)
    return Freshness("current" if at - ends_at <= READING_CURRENT else "stale", age_s(ends_at, at))


# --- Whose air it is ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a value comes from. `distance_m`: of the station, to 100 m; None: no position, only "in the city".

    `influence`: background, traffic, industrial, or None where the source does not tell.
    """

    distance_m: int | None
    influence: str | None


def speaks_for_neighbourhood(influence: str | None) -> bool:
    """Whether a station speaks for where people live: a roadside or industrial one does not, nor one not described."""
    return influence == "background"


def standing(distance_m: float | None, influence: str | None) -> Standing:
    """Say where a value comes from as exactly as is known, and no more."""
    return Standing(None if distance_m is None else max(1, round(distance_m / 100)) * 100, influence)
