"""Hourly measurements of a city for a rehearsal: one value an hour from many stations, or the bundled week."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from statistics import fmean, median
from typing import BinaryIO, Final

from citizen_api.people.wishes import day_bounds, local_day
from citizen_api.sources.airparif import WHAT_STATIONS, read_stations
from citizen_api.sources.records import RejectedRow, SourceFormatError
from notifications import sample

LEAST_STATIONS: Final = 5
"""Of fewer stations an hour has no value for the city."""
STAND_IN: Final = "nox"
"""Nitrogen oxides, which stand in for nitrogen dioxide where only they are at hand."""
POLLUTANTS: Final = ("no2", STAND_IN)
WEEK_FILE: Final = "week.csv"
WEEK_COLUMNS: Final = ("ends_at", "median_nox_ug_m3", "mean_nox_ug_m3", "stations")
LICENCE: Final = "ODbL 1.0"
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CityHour:
    """What the stations of a city measured in the hour that ends at `ends_at` (UTC), in ug/m3."""

    ends_at: datetime
    median_ug_m3: float
    mean_ug_m3: float
    stations: int

    @property
    def value_ug_m3(self) -> float | None:
        """The city's value, the median over its stations; None where too few of them tell."""
        return self.median_ug_m3 if self.stations >= LEAST_STATIONS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Hours of one pollutant in their order. `origin`: the paths they were read from; `names`: the files' names."""

    origin: str
    names: str
    pollutant: str
    hours: Sequence[CityHour]
    is_bundled: bool = False

    def days(self, *, zone: str) -> tuple[date, date]:
        """First and last local day with a measured hour. ValueError when there is none."""
        known = [hour.ends_at for hour in self.hours if hour.value_ug_m3 is not None]
        if not known:
            raise ValueError("no hour is measured")
        return local_day(min(known) - _HOUR, zone=zone), local_day(max(known) - _HOUR, zone=zone)

    def values(self, first: date, last: date, *, zone: str, ahead: timedelta = timedelta()) -> dict[datetime, float]:
        """Known values by the end of their hour, from the first to the last local day and `ahead` beyond."""
        start, end = day_bounds(first, zone=zone)[0], day_bounds(last, zone=zone)[1] + ahead
        return {
            hour.ends_at: hour.value_ug_m3
            for hour in self.hours
            if hour.value_ug_m3 is not None and start < hour.ends_at <= end
        }


def read_city_hours(data: BinaryIO | bytes) -> tuple[str, list[CityHour]]:
    """The pollutant and the hours of a file in the form of Airparif's stations; NO2 where it has both.

    A reading that cannot be (far below zero, absurd) is left out; hours come in their order. Raises SourceFormatError
    when it is another file, or has neither pollutant.
    """
    read: dict[str, dict[datetime, list[float]]] = {pollutant: {} for pollutant in POLLUTANTS}
    for record in read_stations(data):
        if not isinstance(record, RejectedRow) and record.pollutant in read:
            read[record.pollutant].setdefault(record.ends_at, []).append(record.value_ug_m3)
    for pollutant, by_hour in read.items():
        if by_hour:
            return pollutant, [_city_hour(ends_at, by_hour[ends_at]) for ends_at in sorted(by_hour)]
    raise SourceFormatError(f"It is {WHAT_STATIONS} without NO2 and NOX.")


def _city_hour(ends_at: datetime, values: Sequence[float]) -> CityHour:
    return CityHour(ends_at=ends_at, median_ug_m3=median(values), mean_ug_m3=fmean(values), stations=len(values))


def bundled_week() -> Measurements:
    """The week of 6 to 12 February 2023 that comes with the product."""
    text = (files(sample) / WEEK_FILE).read_text(encoding="utf-8")
    hours = [
        CityHour(
            ends_at=datetime.fromisoformat(row["ends_at"]),
            median_ug_m3=float(row["median_nox_ug_m3"]),
            mean_ug_m3=float(row["mean_nox_ug_m3"]),
            stations=int(row["stations"]),
        )
        for row in csv.DictReader(io.StringIO(text))
    ]
    return Measurements(origin="the bundled week", names=WEEK_FILE, pollutant=STAND_IN, hours=hours, is_bundled=True)


def from_files(paths: Iterable[Path]) -> Measurements:
    """The hours of one or several files, in their order.

    Raises OSError, and SourceFormatError when one is another file or they measure different pollutants.
    """
    hours: dict[datetime, CityHour] = {}
    pollutants, read_from = set(), []
    for path in paths:
        with path.open("rb") as stream:
            pollutant, read = read_city_hours(stream)
        pollutants.add(pollutant)
        read_from.append(path)
        hours |= {hour.ends_at: hour for hour in read}
    if len(pollutants) != 1:
        raise SourceFormatError(f"The files measure {' and '.join(sorted(pollutants)) or 'nothing'}.")
    return Measurements(
        origin=", ".join(map(str, read_from)),
        names=", ".join(path.name for path in read_from),
        pollutant=pollutants.pop(),
        hours=[hours[ends_at] for ends_at in sorted(hours)],
    )


def yearly_files(folders: Iterable[Path], first: date, last: date) -> list[Path]:
    """The files `<year>_NOX.csv` of these years: of each year the one in the first folder that has it."""
    found = []
    for year in range(first.year, last.year + 1):
        candidates = (folder / f"{year}_NOX.csv" for folder in folders)
        found += [path for path in candidates if path.is_file()][:1]
    return found
