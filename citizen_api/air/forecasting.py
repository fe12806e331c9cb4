"""The index of a day out of a model's hours, for places where nobody publishes one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from citizen_api.air.facts import NewFact
from citizen_api.air.rules import ATMO, DAY_HOURS, ENOUGH_HOURS, air_index, daily_max, daily_mean, utc_day
from citizen_api.people.wishes import day_bounds
from citizen_api.sources.air_records import HourlyForecastRecord
from citizen_api.territory.clocks import zone_of


def indices_of(commune: str, hours: Iterable[HourlyForecastRecord], *, published_at: datetime) -> list[NewFact]:
    """ATMO index of each UTC day of which a pollutant has 75 % of its hours; the day of the place bears it.

    Computed, not published: `details` says so, and what it rests on.
    """
    by_day: dict[date, dict[str, dict[datetime, float]]] = defaultdict(lambda: defaultdict(dict))
    for hour in hours:
        by_day[utc_day(hour.ends_at)][hour.pollutant][hour.ends_at] = hour.value_ug_m3
    found = []
    for day, pollutants in sorted(by_day.items()):
        concentrations = {pollutant: _averaged(pollutant, known, day) for pollutant, known in pollutants.items()}
        result = air_index(ATMO, concentrations)
        if result.level is None:
            continue
        starts_at, ends_at = day_bounds(day, zone=zone_of(commune).key)
        values = {name: round(value, 1) for name, value in concentrations.items() if value is not None}
        found.append(
            NewFact(
                hazard="air",
                kind="index",
                zone_kind="commune",
                zone_code=commune,
                day=day,
                starts_at=starts_at,
                ends_at=ends_at,
                level=result.level,
                details={"levels": dict(result.levels), "values_ug_m3": values, "method": "modelled"},
                published_at=published_at,
            )
        )
    return found


def _averaged(pollutant: str, known: dict[datetime, float], day: date) -> float | None:
    first = datetime.combine(day, datetime.min.time(), UTC)
    line = [known.get(first + timedelta(hours=number)) for number in range(1, DAY_HOURS + 1)]
    if ATMO.averaging.get(pollutant) == "daily_max_1h":
        return daily_max(line) if sum(value is not None for value in line) >= ENOUGH_HOURS else None
    mean = daily_mean(line)
    return None if mean is None else mean.value_ug_m3
