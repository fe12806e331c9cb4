"""The demo city's bike share: the stations of 2022, republished as of now over loopback, read by the usual reader.

Where the stations stand, and how many bicycles they had one evening, is real (demo/data/SOURCES.md); that they have
them now is made up. The form is Vélib's own, auto-discovery and all.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from math import sin, tau
from typing import Any, Final

import httpx

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.demo.publishers import DemoPublishers
from citizen_api.mobility.station_actions import keep_system
from citizen_api.mobility.station_rules import DEMO_SYSTEM
from citizen_api.mobility.station_sync import BikeKeeper, Turn, keeper_of
from citizen_api.sources.gbfs import Gbfs

TITLE: Final = "Ville de démonstration (vélos fictifs)"
PRODUCER: Final = "Alentours, faits fictifs ; emplacements : Vélib’ Métropole, Smovengo (Licence Ouverte, 2022-02)"  # noqa: RUF001 - French
LICENCE: Final = "Licence Ouverte (emplacements)"
TTL_S: Final = 60
SILENT_IN: Final = 60
"""One station in so many has been silent for `SILENT_S`, as some are in any system."""
SILENT_S: Final = 1_800
_SWING: Final = 2.0
"""How many bicycles come and go around what was recorded."""
_PERIOD_MINUTES: Final = 90
_FEEDS: Final = ("gbfs", "system_information", "station_information", "station_status")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStation:
    """A station as it was recorded in 2022."""

    code: str
    name: str
    lat: float
    lon: float
    capacity: int
    bikes: int
    ebikes: int
    docks: int


def demo_stations() -> list[DemoStation]:
    """Every station of the demo city."""
    text = files("citizen_api.demo.data").joinpath("stations.csv").read_text(encoding="utf-8")
    return [
        DemoStation(
            code=row["code"],
            name=row["name"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            **{name: int(row[name]) for name in ("capacity", "bikes", "ebikes", "docks")},
        )
        for row in csv.DictReader(text.splitlines())
    ]


def status_of(station: DemoStation, now: datetime) -> dict[str, Any]:
    """What a station shows now, as Vélib' writes it: a few bicycles more or less, the same for all in one minute."""
    draw = int.from_bytes(hashlib.blake2b(station.code.encode(), digest_size=4).digest())
    minute = int(now.timestamp() // 60)
    swing = round(_SWING * sin(tau * (minute + draw % _PERIOD_MINUTES) / _PERIOD_MINUTES))
    places = station.bikes + station.docks
    bikes = min(max(0, station.bikes + swing), places)
    ebikes = min(bikes, round(bikes * station.ebikes / station.bikes)) if station.bikes else 0
    silent_s = SILENT_S if draw % SILENT_IN == 0 else draw % TTL_S
    return {
        "station_id": int(station.code),
        "num_bikes_available": bikes,
        "numBikesAvailable": bikes,
        "num_bikes_available_types": [{"mechanical": bikes - ebikes}, {"ebike": ebikes}],
        "num_docks_available": places - bikes,
        "numDocksAvailable": places - bikes,
        "is_installed": 1,
        "is_returning": 1,
        "is_renting": 1,
        "last_reported": int(now.timestamp()) - silent_s,
    }


def publications(address: Callable[[str], str], clock: Clock) -> Mapping[str, Callable[[], bytes]]:
    """What the demo publishers serve, dated now: a body by path. `address`: the URL of a path."""
    stations = demo_stations()

    def dated(make: Callable[[datetime], Mapping[str, Any]]) -> Callable[[], bytes]:
        def publish() -> bytes:
            now = clock()
            said = {"lastUpdatedOther": int(now.timestamp()), "ttl": TTL_S, "data": make(now)}
            return json.dumps(said, ensure_ascii=False).encode()

        return publish

    return {
        _path("gbfs"): dated(lambda _: {"fr": {"feeds": [_feed(name, address) for name in _FEEDS]}}),
        _path("system_information"): dated(lambda _: _system()),
        _path("station_information"): dated(lambda _: {"stations": _placed(stations)}),
        _path("station_status"): dated(lambda now: {"stations": [status_of(station, now) for station in stations]}),
    }


def _path(name: str) -> str:
    return f"/bikes/{name}.json"


def _feed(name: str, address: Callable[[str], str]) -> dict[str, str]:
    return {"name": name, "url": address(_path(name))}


def _system() -> dict[str, str]:
    return {
        "system_id": DEMO_SYSTEM,
        "name": TITLE,
        "operator": PRODUCER,
        "license_id": LICENCE,
        "timezone": "Europe/Paris",
        "language": "fr",
    }


def _placed(stations: Sequence[DemoStation]) -> list[dict[str, Any]]:
    return [
        {
            "station_id": int(station.code),
            "name": station.name,
            "lat": station.lat,
            "lon": station.lon,
            "capacity": station.capacity,
        }
        for station in stations
    ]


@contextmanager
def _serving(settings: Settings, database: Database, client: httpx.Client, clock: Clock) -> Iterator[BikeKeeper]:
    def address(path: str) -> str:
        return publishers.url(path)

    with DemoPublishers(publications(address, clock)) as publishers:
        yield keeper_of(settings, database, DEMO_SYSTEM, Gbfs(client, publishers.url(_path("gbfs"))), clock=clock)


@contextmanager
def serving_demo_bikes(
    settings: Settings, database: Database, client: httpx.Client, clock: Clock
) -> Iterator[list[Callable[[], object]]]:
    """Publish while a block runs, and give the turns that read it."""
    with _serving(settings, database, client, clock) as keeper:
        yield [keeper.turn]


def read_demo_bikes(settings: Settings, database: Database, clock: Clock) -> Turn | None:
    """Publish and read once, so that a start finds stations that are heard of now."""
    with database.session() as session:
        keep_system(session, DEMO_SYSTEM).next_try_at = None  # whatever an earlier run waits for
    with make_client(settings) as client, _serving(settings, database, client, clock) as keeper:
        return keeper.turn()
