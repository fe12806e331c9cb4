"""What stations tell of a place: the last hours, and the index of a day out of its hours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from statistics import median
from typing import Final

from citizen_api.air.episode_rules import EpisodeTable, Tier, tier_of_day
from citizen_api.air.rules import (
    ATMO,
    DAY_HOURS,
    EAQI_2017,
    ENOUGH_HOURS,
    IndexResult,
    IndexTable,
    air_index,
    daily_max,
    daily_mean,
    mean_so_far,
    reading_freshness,
    running_mean_24h,
    speaks_for_neighbourhood,
    utc_day,
    worst,
)
from citizen_api.sources.air_records import MEASURED
from content.hazards import TIERS

_Hours = Sequence[tuple[datetime, float]]
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StationHours:
    """What a station measured. `hours`: {pollutant: [(end of the hour, ug/m3), …]}, oldest first, none empty.

    `distance_m` and `influence` are None where the source does not tell.
    """

    source_id: str
    name: str
    influence: str | None
    distance_m: float | None
    hours: Mapping[str, Sequence[tuple[datetime, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One concentration and where it comes from. `station` None: the median of the town's `stations`.

    `level`: its class as the table in use judges it, None where it has none. `hours`: how many it rests on.
    """

    pollutant: str
    value_ug_m3: float
    ends_at: datetime
    hours: int
    complete: bool
    source_id: str
    level: int | None
    station: str | None
    distance_m: float | None
    influence: str | None
    stations: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What stations tell: the index of their values (`result`), and every value. `table` says how they are judged.

    `above`: the tier whose official threshold a day reaches at a background station.
    """

    table: IndexTable
    result: IndexResult
    values: tuple[Value, ...]
    above: Tier | None = None


def measured_now(stations: Sequence[StationHours], at: datetime, table: IndexTable = EAQI_2017) -> Measured | None:
    """The last hour that is still "now" (`rules.READING_CURRENT`); None when there is none.

    Only background stations make the index; what is measured in the town without more being told is shown beside it.
    """
    values = []
    for pollutant in MEASURED:
        speaker = _speaker(stations, pollutant, lambda hours: _is_now(hours[-1][0], at))
        if speaker is None:
            continue
        value, hours, ends_at = speaker.last(pollutant, table)
        values.append(speaker.value(pollutant, value, hours=hours, ends_at=ends_at, complete=True, table=table))
    return _judged(values, table)


def _is_now(ends_at: datetime, at: datetime) -> bool:
    # An hour that is known may end within a minute (`facts.hour_is_known`).
    return reading_freshness(ends_at, max(at, ends_at)).state == "current"


def measured_day(
    stations: Sequence[StationHours], day: date, at: datetime, thresholds: EpisodeTable
) -> Measured | None:
    """The ATMO index of a UTC day out of the hours known at `at`; of a day that is still running, so far.

    `thresholds` are those that are law on the day. None when too few hours are known.
    """
    ended = at >= datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) - timedelta(minutes=1)
    values = []
    tiers: list[Tier] = []
    for pollutant in MEASURED:
        tells = partial(_of_day, pollutant, day=day, ended=ended)
        speaker = _speaker(stations, pollutant, tells)
        found = tells(speaker.hours[pollutant]) if speaker else None
        if speaker is None or found is None:
            continue
        value, hours, last = found
        values.append(speaker.value(pollutant, value, hours=hours, ends_at=last, complete=ended, table=ATMO))
        tier = _tier(thresholds, pollutant, speaker.hours[pollutant], day=day, ended=ended)
        if tier is not None and speaker.speaks:
            tiers.append(tier)
    judged = _judged(values, ATMO)
    return None if judged is None else replace(judged, above=max(tiers, key=TIERS.index, default=None))


def _of_day(pollutant: str, hours: _Hours, *, day: date, ended: bool) -> tuple[float, int, datetime] | None:
    """What the index of a day judges: (ug/m3, hours known, end of the last); None when too few are known."""
    line = _by_the_hour(_on(day, hours))
    known = sum(value is not None for value in line)
    if not known:
        return None
    last = _on(day, hours)[-1][0]
    if ATMO.averaging.get(pollutant, "daily_mean") == "daily_mean":
        mean = daily_mean(line) if ended else mean_so_far(line)
        return None if mean is None else (mean.value_ug_m3, known, last)
    highest = daily_max(line)
    return None if highest is None or (ended and known < ENOUGH_HOURS) else (highest, known, last)


def _tier(table: EpisodeTable, pollutant: str, hours: _Hours, *, day: date, ended: bool) -> Tier | None:
    threshold = table.thresholds.get(pollutant)
    if threshold is None or (threshold.averaging == "day" and not ended):
        return None  # a mean so far is not the day's
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    before = _by_the_hour(_on(day - timedelta(days=1), hours), until=midnight)
    return tier_of_day(table, pollutant, _by_the_hour(_on(day, hours)), before=before)


def _on(day: date, hours: _Hours) -> list[tuple[datetime, float]]:
    return [(ends_at, value) for ends_at, value in hours if utc_day(ends_at) == day]


def hours_told(stations: Sequence[StationHours], pollutant: str) -> tuple[str, _Hours] | None:
    """(source, hours) of one pollutant at the station that speaks for the place; None where none does."""
    speaker = _speaker(stations, pollutant, bool)
    return None if speaker is None or not speaker.speaks else (speaker.members[0].source_id, speaker.hours[pollutant])


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Who tells a pollutant: one station, or the stations of the town that do not say where they stand."""

    members: Sequence[StationHours]

    @property
    def hours(self) -> dict[str, list[tuple[datetime, float]]]:
        """{pollutant: hours}: of the one, or the median of all for each hour."""
        if len(self.members) == 1:
            return {pollutant: list(hours) for pollutant, hours in self.members[0].hours.items()}
        together: dict[str, dict[datetime, list[float]]] = {}
        for member in self.members:
            for pollutant, hours in member.hours.items():
                for ends_at, value in hours:
                    together.setdefault(pollutant, {}).setdefault(ends_at, []).append(value)
        return {
            pollutant: [(ends_at, median(values)) for ends_at, values in sorted(hours.items())]
            for pollutant, hours in together.items()
        }

    def last(self, pollutant: str, table: IndexTable) -> tuple[float, int, datetime]:
        """Value of the last hour, or the mean of the last 24 where the table judges that: (ug/m3, hours, end)."""
        hours = self.hours[pollutant]
        ends_at, value = hours[-1]
        if table.averaging.get(pollutant) == "running_mean_24h":
            line = _by_the_hour([hour for hour in hours if hour[0] > ends_at - DAY_HOURS * HOUR], until=ends_at)
            mean = running_mean_24h(line)
            if mean is not None:
                return mean.value_ug_m3, mean.hours, ends_at
        return value, 1, ends_at

    def value(
        self, pollutant: str, value: float, *, hours: int, ends_at: datetime, complete: bool, table: IndexTable
    ) -> Value:
        first, alone = self.members[0], len(self.members) == 1
        telling = [member for member in self.members if hours > 1 or ends_at in dict(member.hours[pollutant])]
        judged = hours > 1 or table.averaging.get(pollutant) in {"hourly", "daily_max_1h"}
        level = air_index(table, {pollutant: value}).level if judged and self.speaks else None
        return Value(
            pollutant=pollutant,
            value_ug_m3=round(value, 1),
            ends_at=ends_at,
            hours=hours,
            complete=complete,
            source_id=first.source_id,
            level=level,
            station=first.name if alone else None,
            distance_m=first.distance_m if alone else None,
            influence=first.influence if alone else None,
            stations=len(telling),
        )

    @property
    def speaks(self) -> bool:
        return all(speaks_for_neighbourhood(member.influence) for member in self.members)


def _speaker(stations: Sequence[StationHours], pollutant: str, tells: Callable[[_Hours], object]) -> _Speaker | None:
    """Who tells a pollutant: the nearest background station, else those of the town that tell no position.

    A roadside or industrial station never does. `tells`: whether hours are enough to speak.
    """
    telling = [near for near in stations if pollutant in near.hours and tells(near.hours[pollutant])]
    for near in telling:
        if near.distance_m is not None and speaks_for_neighbourhood(near.influence):
            return _Speaker([near])
    town = [near for near in telling if near.distance_m is None and near.influence in {None, "background"}]
    return _Speaker(town) if town else None


def _by_the_hour(hours: Sequence[tuple[datetime, float]], until: datetime | None = None) -> list[float | None]:
    """A value for each hour from the first of the UTC day (or 24 before `until`) on, None where it is missing."""
    if not hours:
        return []
    known = dict(hours)
    last = until or hours[-1][0]
    if until is None:
        first = datetime.combine(utc_day(last), datetime.min.time(), UTC) + HOUR
    else:
        first = until - (DAY_HOURS - 1) * HOUR
    return [known.get(first + number * HOUR) for number in range(round((last - first) / HOUR) + 1)]


def _judged(values: Sequence[Value], table: IndexTable) -> Measured | None:
    if not values:
        return None
    # Not from the rounded values: 40.04 is above a bound of 40.
    result = worst({value.pollutant: value.level for value in values if value.level is not None})
    return Measured(table=table, result=result, values=tuple(values))
