"""Open-Meteo's air quality: what the models of Copernicus expect, hour by hour, for a cell of some 11 km.

`hourly` holds arrays beside each other, with their units in `hourly_units`; for several places the answer is a list.
Times are those of `utc_offset_seconds`. The documentation calls the values instant ("at the given hour"), so a label
neither begins nor ends an hour; here the value at a label stands for the hour that ends there. Its `european_aqi` is
not read: the bands behind it changed in August 2026 (open-meteo pull request 2045), and ours are dated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Final

import httpx

from citizen_api.sources.air_fetch import UnreadableError, fetch, place_of, read_whole
from citizen_api.sources.air_records import HourlyForecastRecord
from citizen_api.sources.air_values import concentration, number, read_json, rejected, required_moment, whole
from citizen_api.sources.records import BadRowError, RejectedRow, SourceFormatError

API_URL: Final = "https://air-quality-api.open-meteo.com"
FORECAST_PATH: Final = "/v1/air-quality"
PLACES_PER_CALL: Final = 50
DAYS: Final = 4
"""Of forecast asked for, today included: the European model looks no farther."""
ANSWER_MAX_BYTES: Final = 5_000_000

WHAT: Final = "an air-quality answer of Open-Meteo"
FIELDS: Final = {
    "pm2_5": "pm25",
    "pm10": "pm10",
    "nitrogen_dioxide": "no2",
    "ozone": "o3",
    "sulphur_dioxide": "so2",
}
UNIT: Final = unicodedata.normalize("NFKC", "\u00b5g/m\u00b3")
"""With either of the two characters for micro; a unit is compared after the same normalisation."""
HOURS_MAX: Final = 24 * 120
"""Of one place: 92 past days and a week ahead are the most that can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """The middle of a commune, WGS84 degrees: never a resident's position."""

    lat: float
    lon: float


Items = list[HourlyForecastRecord | RejectedRow]


def read_open_meteo(data: BinaryIO | bytes) -> Iterator[HourlyForecastRecord | RejectedRow]:
    """What is expected at every place of the answer, each record with its cell's middle; nulls are missing hours.

    Raises SourceFormatError when it is another file, its arrays differ in length, or a unit is another.
    """
    for items in _places(data):
        yield from items


def _places(data: BinaryIO | bytes) -> Iterator[Items]:
    answer = read_json(data, what=WHAT)
    for place in (answer or [None]) if isinstance(answer, list) else [answer]:
        if not isinstance(place, dict) or not isinstance(place.get("hourly"), dict):
            raise SourceFormatError(f"Not {WHAT}: it has no `hourly`.")
        yield list(_of_place(place, place["hourly"]))


def _of_place(place: Mapping[str, Any], hourly: Mapping[str, Any]) -> Iterator[HourlyForecastRecord | RejectedRow]:
    try:
        lat, lon = number(place.get("latitude")), number(place.get("longitude"))
        offset_s = whole(place.get("utc_offset_seconds")) or 0
    except BadRowError as error:
        raise SourceFormatError(f"Not {WHAT}: {error}") from None
    if abs(offset_s) >= timedelta(days=1).total_seconds():
        raise SourceFormatError(f"Not {WHAT}: its offset is {offset_s} seconds.")
    times = hourly.get("time")
    if not isinstance(times, list) or len(times) > HOURS_MAX:
        raise SourceFormatError(f"Not {WHAT}: it has no `time`, or more than {HOURS_MAX} of them.")
    series = _series(place, hourly, len(times))
    for rank, time in enumerate(times):
        try:
            ends_at = _moment(time, offset_s)
        except BadRowError as error:
            yield rejected(rank + 1, error, time)
            continue
        for field, pollutant in FIELDS.items():
            if field not in series:
                continue
            try:
                value = number(series[field][rank])
                value_ug_m3 = None if value is None else concentration(value, pollutant)
            except BadRowError as error:
                yield rejected(rank + 1, error, {"time": time, field: series[field][rank]})
                continue
            if value_ug_m3 is not None:
                yield HourlyForecastRecord(
                    pollutant=pollutant, ends_at=ends_at, value_ug_m3=value_ug_m3, lat=lat, lon=lon
                )


def _series(place: Mapping[str, Any], hourly: Mapping[str, Any], hours: int) -> dict[str, list[Any]]:
    units = place.get("hourly_units")
    series: dict[str, list[Any]] = {}
    for field in FIELDS:
        if field not in hourly:
            continue
        values = hourly[field]
        if not isinstance(values, list) or len(values) != hours:
            raise SourceFormatError(f"Not {WHAT}: `{field}` does not have one value for each time.")
        unit = units.get(field) if isinstance(units, dict) else None
        if not isinstance(unit, str) or unicodedata.normalize("NFKC", unit) != UNIT:
            raise SourceFormatError(f"Not {WHAT}: `{field}` is not in ug/m3.")
        series[field] = values
    if not series:
        raise SourceFormatError(f"Not {WHAT}: it has none of {', '.join(FIELDS)}.")
    return series


def _moment(time: Any, offset_s: int) -> datetime:
    if not isinstance(time, str):
        raise BadRowError("bad_time", "A time is not text.")
    return required_moment(f"{time.removesuffix('Z')}Z") - timedelta(seconds=offset_s)


class OpenMeteo:
    """The API, free of keys. It learns the middles of communes, and nothing of residents."""

    def __init__(self, client: httpx.Client, *, url: str = API_URL) -> None:
        self._client = client
        self._url = url.rstrip("/")

    def forecast(self, centres: Mapping[str, Centre]) -> dict[str, Items]:
        """What is expected from today 00:00 UTC on, {code: records}, for `centres`: {code of a commune: its middle}.

        Raises DownError, BusyError, CredentialsError, UnreadableError.
        """
        url = self._url + FORECAST_PATH
        codes = list(centres)
        found: dict[str, Items] = {}
        for start in range(0, len(codes), PLACES_PER_CALL):
            some = codes[start : start + PLACES_PER_CALL]
            params = {
                "latitude": ",".join(f"{centres[code].lat:.4f}" for code in some),
                "longitude": ",".join(f"{centres[code].lon:.4f}" for code in some),
                "hourly": ",".join(FIELDS),
                "timezone": "GMT",
                "forecast_days": str(DAYS),
            }
            places = read_whole(url, _places, fetch(self._client, url, params=params, max_bytes=ANSWER_MAX_BYTES))
            if len(places) != len(some):
                raise UnreadableError(f"{place_of(url)} answered for {len(places)} places of {len(some)}")
            found |= zip(some, places, strict=True)
        return found
