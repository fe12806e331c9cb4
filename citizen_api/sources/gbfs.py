"""Bike share in GBFS 1.0 to 3.x, with the keys of Vélib' too: https://gbfs.org/documentation/reference.

Up to 2.x feeds stand under a language and moments are POSIX seconds; from 3.0 on there are no languages, names are
lists of texts, bikes are vehicles. From 2.1 on a station tells its vehicles by type; before, only Vélib' and a few
others tell electric bicycles apart, each with keys of its own.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import httpx

from citizen_api.sources import gbfs_values as values
from citizen_api.sources.air_fetch import UnreadableError, place_of
from citizen_api.sources.air_values import number, rejected, text_of
from citizen_api.sources.gbfs_fetch import Fetcher
from citizen_api.sources.records import BadRowError, RejectedRow, SourceFormatError, in_degrees

MAX_STATIONS: Final = 20_000
MAX_TYPES: Final = 1_000
MAX_FEEDS: Final = 500
CODE_LENGTH: Final = 100
NAME_LENGTH: Final = 200
URL_LENGTH: Final = 500
STATIC_AT_LEAST: Final = timedelta(minutes=5)
STATIC_AT_MOST: Final = timedelta(hours=1)
"""Between them lies how long names and positions are not asked for again, as the feed itself says."""
NEEDED: Final = ("station_information", "station_status")
_WHAT_DISCOVERY: Final = "a GBFS auto-discovery file"
_PREFERRED: Final = ("fr", "en")
_BICYCLES: Final = ("bicycle", "cargo_bicycle")
_KINDS: Final[Mapping[str, Kind]] = {"human": "bike", "electric_assist": "ebike", "electric": "ebike"}

Kind = Literal["bike", "ebike", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BikeSystemRecord:
    """Who runs a system, in its own words; None where it does not say."""

    title: str | None = None
    producer: str | None = None
    licence: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BikeStationRecord:
    """A station and what it has. `bikes`: all that can be taken; `ebikes`: how many of them are electric.

    `ebikes`, `docks` and `capacity` are None where not told.
    """

    code: str
    name: str
    lat: float
    lon: float
    capacity: int | None
    bikes: int
    ebikes: int | None
    docks: int | None
    is_installed: bool
    is_renting: bool
    is_returning: bool
    last_reported: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BikeReading:
    """One reading of a system. `ttl_s`: after how long it wants to be read again; `updated_at`: by its own clock."""

    system: BikeSystemRecord
    items: list[BikeStationRecord | RejectedRow]
    ttl_s: float
    updated_at: datetime | None


def read_discovery(body: bytes) -> dict[str, str]:
    """Give the address of each feed by its name, French feeds before English before others.

    Raises SourceFormatError where it is another file, or names no stations.
    """
    _, data = values.read_document(body, what=_WHAT_DISCOVERY)
    if "feeds" not in data:  # before 3.0
        languages = [code for code in (*_PREFERRED, *data) if isinstance(data.get(code), dict)]
        data = data[languages[0]] if languages else data
    found: dict[str, str] = {}
    for feed in values.rows_of(data, "feeds", most=MAX_FEEDS, what=_WHAT_DISCOVERY):
        if isinstance(feed, dict) and (url := text_of(feed.get("url"))):
            found.setdefault(text_of(feed.get("name")), url)
    if missing := [name for name in NEEDED if name not in found]:
        raise SourceFormatError(f"Not {_WHAT_DISCOVERY}: it names no {missing[0]}.")
    return found


def read_system(body: bytes) -> BikeSystemRecord:
    """Read who runs the system (`system_information`). Raises SourceFormatError."""
    _, data = values.read_document(body, what="a GBFS system_information")

    def said(*names: str, length: int = NAME_LENGTH) -> str | None:
        return next((text for name in names if (text := values.localised(data.get(name)))), "")[:length] or None

    url = said("url", "attribution_url", length=URL_LENGTH)
    return BikeSystemRecord(
        title=said("name"),
        producer=said("attribution_organization_name", "operator"),
        licence=said("license_id", "license_url"),
        url=url if url and url.startswith(("https://", "http://")) else None,
    )


def read_vehicle_types(body: bytes) -> dict[str, Kind]:
    """Give what each type of vehicle is (`vehicle_types`); one that tells too little is `other`.

    Raises SourceFormatError.
    """
    what = "a GBFS vehicle_types"
    _, data = values.read_document(body, what=what)
    kinds: dict[str, Kind] = {}
    for row in values.rows_of(data, "vehicle_types", most=MAX_TYPES, what=what):
        if isinstance(row, dict) and (code := text_of(row.get("vehicle_type_id"))):
            is_bicycle = text_of(row.get("form_factor")) in _BICYCLES
            kinds[code] = _KINDS.get(text_of(row.get("propulsion_type")), "other") if is_bicycle else "other"
    return kinds


@dataclass(frozen=True, slots=True)
class Places:
    """Stations as `station_information` tells them: rows by code, and what cannot be used of it."""

    by_code: dict[str, dict[str, Any]]
    rejected: list[RejectedRow]
    ttl_s: float


def read_information(body: bytes) -> Places:
    """Read where stations are (`station_information`). Raises SourceFormatError."""
    what = "a GBFS station_information"
    document, data = values.read_document(body, what=what)
    found: dict[str, dict[str, Any]] = {}
    refused: list[RejectedRow] = []
    for rank, row in enumerate(values.rows_of(data, "stations", most=MAX_STATIONS, what=what), start=1):
        try:
            code = _code_of(row, found)
            found[code] = {**_placed(row), "code": code}
        except BadRowError as error:
            refused.append(rejected(rank, error, row))
    return Places(found, refused, values.ttl_s(document))


def read_stations(
    body: bytes, places: Places, kinds: Mapping[str, Kind] | None = None
) -> Iterator[BikeStationRecord | RejectedRow]:
    """Join what stations have (`station_status`) to where they are; a station that lacks either is rejected.

    `kinds`: of `read_vehicle_types`. Raises SourceFormatError at once.
    """
    what = "a GBFS station_status"
    _, data = values.read_document(body, what=what)
    return _joined(values.rows_of(data, "stations", most=MAX_STATIONS, what=what), places, kinds or {})


def _joined(rows: list[Any], places: Places, kinds: Mapping[str, Kind]) -> Iterator[BikeStationRecord | RejectedRow]:
    yield from places.rejected
    spoken_of: set[str] = set()
    read: set[str] = set()
    for rank, row in enumerate(rows, start=1):
        try:
            code = _code_of(row, read)
            spoken_of.add(code)
            station = _station(row, places.by_code.get(code), kinds)
        except BadRowError as error:
            yield rejected(rank, error, row)
        else:
            read.add(code)
            yield station
    for rank, (code, place) in enumerate(places.by_code.items(), start=1):
        if code not in spoken_of:
            yield rejected(rank, BadRowError("no_status", f"Station {code!r} tells no status."), place)


def _code_of(row: Any, seen: Container[str]) -> str:
    if not isinstance(row, dict):
        raise BadRowError("not_a_station", "The row is no object.")
    code = text_of(values.first(row, "station_id", "stationCode"))
    if not code or len(code) > CODE_LENGTH:
        raise BadRowError("no_identifier", f"{code[:40]!r} identifies no station.")
    if code in seen:
        raise BadRowError("duplicate", f"Station {code!r} already stands in this feed.")
    return code


def _placed(row: Mapping[str, Any]) -> dict[str, Any]:
    name = values.localised(row.get("name"))[:NAME_LENGTH]
    if not name:
        raise BadRowError("no_name", "The station has no name.")
    lat, lon = number(row.get("lat")), number(row.get("lon"))
    if lat is None or lon is None or not in_degrees(lat=lat, lon=lon) or (lat, lon) == (0.0, 0.0):
        raise BadRowError("bad_position", f"{lat}, {lon} is not a position.")
    return {"name": name, "lat": lat, "lon": lon, "capacity": values.count(row.get("capacity"), "places")}


def _station(row: Mapping[str, Any], place: Mapping[str, Any] | None, kinds: Mapping[str, Kind]) -> BikeStationRecord:
    if place is None:
        raise BadRowError("no_station", "Where the station is, is not told.")
    bikes, ebikes = _bikes(row, kinds)
    if ebikes is not None and ebikes > bikes:
        raise BadRowError("absurd_value", f"{ebikes} of {bikes} bicycles cannot be electric.")
    return BikeStationRecord(
        **place,
        bikes=bikes,
        ebikes=ebikes,
        docks=values.count(values.first(row, "num_docks_available", "numDocksAvailable"), "docks"),
        is_installed=values.state(row, "is_installed"),
        is_renting=values.state(row, "is_renting"),
        is_returning=values.state(row, "is_returning"),
        last_reported=values.instant(row.get("last_reported")),
    )


def _bikes(row: Mapping[str, Any], kinds: Mapping[str, Kind]) -> tuple[int, int | None]:
    """How many bicycles, and how many of them electric (None: not told)."""
    if kinds and row.get("vehicle_types_available") is not None:
        counts = _by_type(row["vehicle_types_available"], kinds)
        return counts["bike"] + counts["ebike"], counts["ebike"]
    names = ("num_bikes_available", "num_vehicles_available", "numBikesAvailable")
    bikes = values.count(values.first(row, *names), "bicycles")
    if bikes is None:
        raise BadRowError("no_count", "The station tells no number of bicycles.")
    ebikes = values.count(_own_ebikes(row), "electric bicycles")
    if ebikes is not None or not kinds:
        return bikes, ebikes
    present = set(kinds.values())
    if "other" in present:
        raise BadRowError("kind_unknown", "The system has not only bicycles: which these are is not told.")
    return bikes, None if len(present) > 1 else bikes if "ebike" in present else 0


def _by_type(given: Any, kinds: Mapping[str, Kind]) -> dict[Kind, int]:
    counts: dict[Kind, int] = {"bike": 0, "ebike": 0, "other": 0}
    if not isinstance(given, list):
        raise BadRowError("bad_types", "vehicle_types_available is no list.")
    for entry in given:
        code = text_of(entry.get("vehicle_type_id")) if isinstance(entry, dict) else ""
        if code not in kinds:
            raise BadRowError("kind_unknown", f"{code[:40]!r} is no type of vehicle of this system.")
        counts[kinds[code]] += values.count(entry.get("count"), "vehicles") or 0
    return counts


def _own_ebikes(row: Mapping[str, Any]) -> Any:
    """Read electric bicycles as Vélib' tells them, [{"mechanical": 1}, {"ebike": 2}], or systems of Lyft."""
    given = row.get("num_bikes_available_types")
    for entry in given if isinstance(given, list) else [given]:
        if isinstance(entry, dict) and "ebike" in entry:
            return entry["ebike"]
    return row.get("num_ebikes_available")


@dataclass(frozen=True, slots=True)
class _Static:
    status_url: str
    system: BikeSystemRecord
    kinds: dict[str, Kind]
    places: Places
    until: datetime


class Gbfs:
    """One system, from the address of its auto-discovery."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self._fetcher = Fetcher(client)
        self._url = url
        self._static: _Static | None = None

    def read(self, now: datetime) -> BikeReading:
        """Read what stations have; names, places and types only when they are due again.

        Raises DownError, BusyError, CredentialsError, UnreadableError.
        """
        static = self._static
        if static is None or now >= static.until:
            static = self._read_static(now)
        self._static = None  # what goes wrong from here on may be a feed that moved: it is looked for anew
        url = static.status_url
        body = self._fetcher.get(url)
        try:
            document, _ = values.read_document(body, what="a GBFS station_status")
            items = list(read_stations(body, static.places, static.kinds))
        except SourceFormatError as error:
            raise _unreadable(url, error) from None
        self._static = static
        return BikeReading(
            system=static.system, items=items, ttl_s=values.ttl_s(document), updated_at=values.updated_at(document)
        )

    def _read_static(self, now: datetime) -> _Static:
        url = self._url
        try:
            feeds = read_discovery(self._fetcher.get(url))
            system, kinds = BikeSystemRecord(), dict[str, Kind]()
            if url := feeds.get("system_information", ""):
                system = read_system(self._fetcher.get(url))
            if url := feeds.get("vehicle_types", ""):
                kinds = read_vehicle_types(self._fetcher.get(url))
            url = feeds["station_information"]
            places = read_information(self._fetcher.get(url))
        except SourceFormatError as error:
            raise _unreadable(url, error) from None
        wait = min(max(timedelta(seconds=min(places.ttl_s, 86_400)), STATIC_AT_LEAST), STATIC_AT_MOST)
        return _Static(feeds["station_status"], system, kinds, places, now + wait)


def _unreadable(url: str, error: SourceFormatError) -> UnreadableError:
    return UnreadableError(f"{place_of(url)}: {error}")
