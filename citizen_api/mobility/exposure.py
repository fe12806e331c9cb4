"""The air along a way: the background of the hour, times the local factor of the street.

A piece of a way is in the air of the hour in which it is *reached*, even if the hour ends before the piece does: so
the search counts it too (`search.Costs`), and what it made small is what is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from citizen_api.air.curve import Hour
from citizen_api.air.hours import AirHours, air_hours
from citizen_api.air.outlook import DEMO_SOURCE, Fact, Outlook, is_made_up
from citizen_api.air.rules import READING_CURRENT
from citizen_api.mobility.network import POLLUTANTS, FloatArray, IntArray, Network
from citizen_api.mobility.rules import MODES, REFERENCES_UG_M3, Mode, air_price, dose_ug
from citizen_api.mobility.search import NO_HOURS, Route
from citizen_api.people.wishes import local_day
from citizen_api.territory.queries import nearest_commune

HOUR: Final = timedelta(hours=1)
AFTER_TOMORROW: Final = timedelta(hours=3)
"""Of the day after tomorrow, so that a way that begins late tomorrow is known to its end."""
HOUR_S: Final = 3_600.0
WARNED: Final = 3
"""Orange, of Météo-France's vigilance: from here on a warning says to change what one does."""
STREET_POLLUTANTS: Final = ("no2", "pm25", "pm10")
"""By which a street may be called cleaner than another. Not by ozone: it is lower beside traffic because exhaust turns
it into nitrogen dioxide, so that a way chosen for it would be one along the main roads."""


METHODS: Final = ("modelled", "measured", "last_measured")
"""How a concentration is known: by a model, by stations, or by what these measured last, some hours before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The air of a commune hour by hour, from what `air/` knows at one moment.

    Hour i is that from `starts_at` (UTC, whole) + i hours; the first is the hour before the one of that moment.
    `values_ug_m3`: {pollutant of network.POLLUTANTS: float64[hours], NaN unknown}; `methods`: {pollutant:
    uint8[hours]}, how that is known (index in METHODS); `levels` int8[hours]: the index of the day in which the hour
    lies (ATMO), 0 unknown. `basis`: "hours" when some hour from that moment on has a concentration, "index" when only
    levels are known (then no dose is told, and no street is said to be better), else "unknown". `known_at`: the oldest
    of what it rests on: a run of a model, the last measured hour, an index.

    What the days say beside concentrations: `tiers`, of each hour the tier of the official episode that is open on its
    day (`content.hazards.TIERS`), None without; `warnings`: {hazard of air.hours.WARNINGS: int8[hours], the level of
    the vigilance that holds then, 1 green to 4 red, 0 unknown}. Empty: not asked.
    """

    commune_code: str
    commune_name: str
    zone: str
    starts_at: datetime
    values_ug_m3: Mapping[str, FloatArray]
    methods: Mapping[str, NDArray[np.uint8]]
    levels: NDArray[np.int8]
    basis: Literal["hours", "index", "unknown"]
    sources: tuple[str, ...]
    known_at: datetime | None
    made_up: bool
    tiers: tuple[str | None, ...] = ()
    warnings: Mapping[str, NDArray[np.int8]] = field(default_factory=dict)

    def hour(self, at: datetime) -> int | None:
        """Number of the hour in which a moment lies; None outside."""
        number = (at - self.starts_at) // HOUR
        return number if 0 <= number < len(self.levels) else None

    def guide(self, at: datetime) -> str | None:
        """The pollutant by which streets are compared at a moment; None where none of STREET_POLLUTANTS is known.

        Nitrogen dioxide where it is known, because it tells streets apart; else the particles with the highest
        concentration against their reference (`rules.REFERENCES_UG_M3`: WHO 2021, 24 h).
        """
        hour = self.hour(at)
        if hour is None:
            return None
        told = {pollutant: float(self.values_ug_m3[pollutant][hour]) for pollutant in STREET_POLLUTANTS}
        known = {name: value / REFERENCES_UG_M3[name] for name, value in told.items() if not np.isnan(value)}
        return "no2" if "no2" in known else max(known, key=lambda pollutant: known[pollutant], default=None)


def read_background(session: Session, *, lat: float, lon: float, at: datetime) -> Background:
    """What is known at `at` of the air of the commune whose centre is nearest, from now to the end of tomorrow.

    A measured hour stands for the hours after it for as long as it is still "now" (`air.rules.READING_CURRENT`), where
    no model says anything of them. Raises PositionOutOfRange, PositionSwapped, FarFromCommunes.
    """
    commune, _ = nearest_commune(session, lat=lat, lon=lon)
    at = at.astimezone(UTC)
    air = air_hours(session, commune.code, at=at, before=READING_CURRENT + HOUR, after=AFTER_TOMORROW)
    starts_at = at.replace(minute=0, second=0, microsecond=0) - HOUR
    count = -((starts_at - air.until) // HOUR)
    values = {pollutant: np.full(count, np.nan) for pollutant in POLLUTANTS}
    methods = {pollutant: np.full(count, METHODS.index("modelled"), np.uint8) for pollutant in POLLUTANTS}
    told: list[Hour | None] = [None] * count
    for hour in air.hours:
        number, rest = divmod(hour.ends_at - HOUR - starts_at, HOUR)
        known = {pollutant: value for pollutant, value in hour.values_ug_m3.items() if pollutant in values}
        if rest or not known:
            continue  # of another grid than the clock's (no source has one), or of another pollutant
        for pollutant, value in known.items():
            is_measured = pollutant in hour.measured
            stands = HOUR + READING_CURRENT if is_measured else HOUR
            part = range(max(0, number), min(count, number + stands // HOUR))
            for later in part:
                told[later] = hour
            values[pollutant][part.start : part.stop] = value
            methods[pollutant][part.start : part.stop] = METHODS.index("last_measured" if is_measured else "modelled")
            if is_measured and number >= 0:
                methods[pollutant][number] = METHODS.index("measured")
    ahead = [hour for hour in told[1:] if hour is not None]
    facts = [fact for found in air.days.values() for fact in _deciding(found)]
    sources = dict.fromkeys([*(name for hour in ahead for name in hour.sources), *(fact.source_id for fact in facts)])
    ages = [hour.known_at or hour.ends_at for hour in ahead] or [fact.published_at or fact.known_at for fact in facts]
    levels = _levels(air, starts_at, count)
    return Background(
        commune_code=air.commune.code,
        commune_name=air.commune.name,
        zone=air.zone,
        starts_at=starts_at,
        values_ug_m3=values,
        methods=methods,
        levels=levels,
        basis="hours" if ahead else "index" if levels.any() else "unknown",
        sources=tuple(sources),
        known_at=min(ages, default=None),
        made_up=DEMO_SOURCE in sources or _warns_made_up(air),
        tiers=tuple(None if found is None else found.tier for found in _of_hours(air, starts_at, count)),
        warnings={hazard: _warning_levels(air.warnings[hazard].values(), starts_at, count) for hazard in air.warnings},
    )


def hour_prices(
    background: Background, *, pollutant: str | None, depart_at: datetime, mode: Mode, weight: float
) -> tuple[FloatArray, float]:
    """`Costs.hours` and `Costs.first_s` of a departure: weight x PER x VR x C/Cref of each hour from it on.

    An hour without a concentration has the price of the hour before, else of the next known; NO_HOURS and weight 0
    where nothing is known.
    """
    first = background.hour(depart_at)
    if pollutant is None or first is None:
        return NO_HOURS, HOUR_S
    values = background.values_ug_m3[pollutant]
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return NO_HOURS, HOUR_S
    hours = np.arange(first, len(values))
    filled = values[known[np.maximum(np.searchsorted(known, hours, side="right") - 1, 0)]]
    return air_price(filled, pollutant=pollutant, mode=mode, weight=weight), _first_s(background, depart_at)


def doses_ug(
    network: Network, route: Route, *, mode: Mode, background: Background, depart_at: datetime
) -> dict[str, float | None]:
    """Dose of each pollutant of the background along a way, its concentration taken when each street is reached.

    From and to a door one walks in the air of the city: nobody knows beside which street, and no way may gain by it.
    None for a pollutant that is not known in one of the hours that the way touches.
    """
    doses: dict[str, float | None] = {}
    for pollutant, values in background.values_ug_m3.items():
        found = concentrations_ug_m3(network, route, pollutant=pollutant, background=background, depart_at=depart_at)
        ends = _ends_ug(values, background, route, depart_at)
        told = None if found is None else float(dose_ug(found, mode=mode, hours=route.time_s / HOUR_S).sum()) + ends
        doses[pollutant] = None if told is None or np.isnan(told) else told
    return doses


def _ends_ug(values: FloatArray, background: Background, route: Route, depart_at: datetime) -> float:
    """What is breathed in from and to a door; NaN where an hour is not known."""
    first, first_s = background.hour(depart_at), _first_s(background, depart_at)
    told = 0.0
    for starts_s, lasts_s in ((0.0, route.before_s), (route.duration_s - route.after_s, route.after_s)):
        if lasts_s:
            hour = _hour_reached(first, first_s, starts_s)
            known = hour is not None and hour < len(values)
            told += dose_ug(float(values[hour]), mode=MODES["walk"], hours=lasts_s / HOUR_S) if known else np.nan
    return told


def _hour_reached(first: int | None, first_s: float, starts_s: float) -> int | None:
    """Number of the hour that is reached after some seconds. `first`: of the departure; `first_s`: till its end."""
    return None if first is None else first + max(0, int(np.floor((starts_s - first_s) / HOUR_S)) + 1)


def concentrations_ug_m3(
    network: Network, route: Route, *, pollutant: str, background: Background, depart_at: datetime
) -> FloatArray | None:
    """Concentration on each piece of a way when it is reached; None where it is not known."""
    hours = _hours_reached(background, route, depart_at)
    if hours is None:
        return None
    found = background.values_ug_m3[pollutant][hours] * network.factors[pollutant][route.streets]
    return None if np.isnan(found).any() else found


def _hours_reached(background: Background, route: Route, depart_at: datetime) -> IntArray | None:
    """Number of the hour in which each piece is reached; None where one lies outside of what is known."""
    first = background.hour(depart_at)
    if first is None:
        return None
    reached_s = route.before_s + np.concatenate(([0.0], np.cumsum(route.time_s)[:-1]))
    begun = np.floor((reached_s - _first_s(background, depart_at)) / HOUR_S).astype(np.int32) + 1
    hours = first + np.maximum(begun, 0)
    return hours if hours[-1] < len(background.levels) else None


def _first_s(background: Background, depart_at: datetime) -> float:
    """Seconds from a departure to the end of its hour."""
    return HOUR_S - ((depart_at - background.starts_at) % HOUR).total_seconds()


def _levels(air: AirHours, starts_at: datetime, count: int) -> NDArray[np.int8]:
    return np.array([0 if found is None else found.level or 0 for found in _of_hours(air, starts_at, count)], np.int8)


def _of_hours(air: AirHours, starts_at: datetime, count: int) -> list[Outlook | None]:
    """What is said of the air of the day of each hour."""
    return [air.days.get(local_day(starts_at + number * HOUR, zone=air.zone)) for number in range(count)]


def _warning_levels(found: Iterable[Outlook | None], starts_at: datetime, count: int) -> NDArray[np.int8]:
    """The highest level of a vigilance that holds in some part of each hour; 0 where none is known."""
    levels = np.zeros(count, np.int8)
    for one in found:
        if one is None or one.level is None:
            continue
        first, past = max(0, (one.starts_at - starts_at) // HOUR), max(0, -((starts_at - one.ends_at) // HOUR))
        levels[first:past] = np.maximum(levels[first:past], one.level)
    return levels


def _warns_made_up(air: AirHours) -> bool:
    """Whether a warning against being outdoors comes from the demo city."""
    told = (found for days in air.warnings.values() for found in days.values() if found is not None)
    return any((found.level or 0) >= WARNED and is_made_up(found) for found in told)


def _deciding(found: Outlook | None) -> list[Fact]:
    """Facts that make the level of a day."""
    if found is None or found.level is None:
        return []
    return [fact for fact in (found.fact, *found.episodes) if fact is not None]
