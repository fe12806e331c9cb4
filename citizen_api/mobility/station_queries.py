"""Reads of bike share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from citizen_api.core.geo import distances_m
from citizen_api.mobility.models import BikeStation, BikeSystem
from citizen_api.mobility.rules import DETOUR, WALK_SPEED_M_S
from citizen_api.mobility.station_rules import DEMO_SYSTEM, Chance, StationNow, Want, chance_of, is_silent

Box = tuple[float, float, float, float]
"""south, west, north, east, in degrees."""
SILENT_S: Final = 600.0
"""The default of the setting `mobility_station_silent_s`."""
NEAR_M: Final = 3_000.0
"""Nobody walks farther to a bicycle."""
_EARTH_M: Final = 6_356_752.0
"""The smaller half axis, so that the box is rather too large."""


def stations_now(
    session: Session, *, at: datetime, silent_s: float = SILENT_S, box: Box | None = None
) -> list[StationNow]:
    """Stations that are heard of at `at`, of every system, or only those in a box; by system and code."""
    return heard_and_silent(session, at=at, silent_s=silent_s, box=box)[0]


def heard_and_silent(
    session: Session, *, at: datetime, silent_s: float = SILENT_S, box: Box | None = None
) -> tuple[list[StationNow], int]:
    """Stations that are heard of, as `stations_now` gives them, and how many are silent."""
    # Columns, not objects: a city has some 1,500 stations, and every question for a shared bicycle reads them.
    query = select(*BikeStation.__table__.columns).order_by(BikeStation.system_id, BikeStation.code)
    if box is not None:
        south, west, north, east = box
        query = query.where(BikeStation.lat.between(south, north), BikeStation.lon.between(west, east))
    heard: list[StationNow] = []
    silent = 0
    for row in session.execute(query):
        age_s = (at - row.last_reported).total_seconds()
        if is_silent(age_s, silent_s=silent_s):
            silent += 1
        else:
            heard.append(_now(row, max(0, int(age_s))))
    return heard, silent


@dataclass(frozen=True, slots=True, kw_only=True)
class NearStation:
    """A station, how far it is in a straight line, and how likely it still has what is wanted when one is there."""

    station: StationNow
    distance_m: float
    wanted: int | None
    chance: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class NearStations:
    """What was looked for around a point. `heard`, `silent`: how many stations there are within `NEAR_M`."""

    found: list[NearStation]
    heard: int
    silent: int
    systems: dict[str, BikeSystem]


def nearest_stations(
    session: Session, *, lat: float, lon: float, want: Want, limit: int, at: datetime, silent_s: float = SILENT_S
) -> NearStations:
    """Stations within `NEAR_M` that have what is wanted, or do not tell, nearest first."""
    north = math.degrees(NEAR_M / _EARTH_M)
    east = min(180.0, north / max(math.cos(math.radians(lat)), 1e-6))
    box = (lat - north, lon - east, lat + north, lon + east)
    heard, silent = heard_and_silent(session, at=at, silent_s=silent_s, box=box)
    lats = np.array([station.lat for station in heard], np.float64)
    lons = np.array([station.lon for station in heard], np.float64)
    metres = distances_m(lat=lat, lon=lon, lats=lats, lons=lons)
    found = []
    for rank in np.argsort(metres, kind="stable"):
        station, distance_m = heard[rank], float(metres[rank])
        wanted = station.count_of(want)
        if wanted != 0 and distance_m <= NEAR_M:
            there_s = distance_m * DETOUR / WALK_SPEED_M_S
            chance = chance_of(wanted, age_s=station.age_s + there_s)
            found.append(NearStation(station=station, distance_m=distance_m, wanted=wanted, chance=chance))
    return NearStations(found=found[:limit], heard=len(heard), silent=silent, systems=systems(session))


def systems(session: Session) -> dict[str, BikeSystem]:
    """Every system by its id."""
    return {system.id: system for system in session.scalars(select(BikeSystem).order_by(BikeSystem.id))}


def _now(row: Row[Any], age_s: int) -> StationNow:
    return StationNow(
        system_id=row.system_id,
        code=row.code,
        name=row.name,
        lat=row.lat,
        lon=row.lon,
        capacity=row.capacity,
        bikes=row.bikes,
        ebikes=row.ebikes,
        docks=row.docks,
        is_installed=row.is_installed,
        is_renting=row.is_renting,
        is_returning=row.is_returning,
        last_reported=row.last_reported,
        age_s=age_s,
        made_up=row.system_id == DEMO_SYSTEM,
    )
