"""The hourly curve of a place: measured where it was, else as a model expects it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from citizen_api.air.measured import HOUR, StationHours, hours_told
from citizen_api.air.outlook import source_rank
from citizen_api.air.rules import DAY_HOURS, EAQI_2017, IndexResult, air_index, running_mean_24h
from citizen_api.sources.air_records import POLLUTANTS


class Expected(Protocol):
    """The columns of `models.HourlyForecast` that the curve reads."""

    source_id: str
    pollutant: str
    ends_at: datetime
    value_ug_m3: float
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of the curve. `values_ug_m3`: {pollutant: mean}; `result`: its EAQI.

    `known_at`: the run of the model that says so, None where a station measured any of it; `measured`: the pollutants
    that one measured. `sources`: who says so, in
    the order of the pollutants.
    """

    ends_at: datetime
    known_at: datetime | None
    sources: tuple[str, ...]
    values_ug_m3: Mapping[str, float]
    result: IndexResult
    measured: frozenset[str]

    @property
    def forecast(self) -> bool:
        """Whether only a model says so."""
        return self.known_at is not None


@dataclass(frozen=True, slots=True)
class _Told:
    value_ug_m3: float
    source_id: str
    known_at: datetime | None


_Lines = Mapping[str, Mapping[datetime, _Told]]


def curve(
    stations: Sequence[StationHours], expected: Sequence[Expected], *, since: datetime, until: datetime
) -> list[Hour]:
    """The hours that end after `since`, until `until`, of which anything is known, oldest first.

    Older hours of `stations` and `expected` serve the means of 24 hours.
    """
    lines: dict[str, dict[datetime, _Told]] = {pollutant: {} for pollutant in POLLUTANTS}
    for row in sorted(expected, key=lambda row: source_rank(row.source_id), reverse=True):
        if row.pollutant in lines:
            lines[row.pollutant][row.ends_at] = _Told(row.value_ug_m3, row.source_id, row.known_at)
    for pollutant, line in lines.items():
        if told := hours_told(stations, pollutant):
            source_id, hours = told
            line.update((ends_at, _Told(value, source_id, None)) for ends_at, value in hours)
    moments = {ends_at for line in lines.values() for ends_at in line if since < ends_at <= until}
    return [_hour(lines, ends_at) for ends_at in sorted(moments)]


def _hour(lines: _Lines, ends_at: datetime) -> Hour:
    told = {pollutant: line[ends_at] for pollutant, line in lines.items() if ends_at in line}
    runs = [each.known_at for each in told.values() if each.known_at is not None]
    return Hour(
        ends_at=ends_at,
        known_at=min(runs) if len(runs) == len(told) else None,
        sources=tuple(dict.fromkeys(each.source_id for each in told.values())),
        values_ug_m3={pollutant: each.value_ug_m3 for pollutant, each in told.items()},
        result=air_index(EAQI_2017, {pollutant: _judged(lines[pollutant], pollutant, ends_at) for pollutant in told}),
        measured=frozenset(pollutant for pollutant, each in told.items() if each.known_at is None),
    )


def _judged(line: Mapping[datetime, _Told], pollutant: str, ends_at: datetime) -> float | None:
    """What the hourly index judges: the hour of a gas, the mean of 24 hours of particles."""
    if EAQI_2017.averaging[pollutant] == "hourly":
        return line[ends_at].value_ug_m3
    hours = [line.get(ends_at - number * HOUR) for number in range(DAY_HOURS)]
    mean = running_mean_24h([None if told is None else told.value_ug_m3 for told in hours])
    return None if mean is None else mean.value_ug_m3
