"""Positions on the WGS84 ellipsoid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from citizen_api.core.problems import PositionOutOfRange, PositionSwapped

_WGS84 = Geod(ellps="WGS84")
_SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_ECCENTRICITY_2 = _FLATTENING * (2 - _FLATTENING)

# Generous boxes (south, west, north, east) round the land of France, mainland first. They only decide
# whether a position "looks swapped": nothing is refused for lying outside.
FRENCH_LAND = (
    (41.0, -5.6, 51.5, 10.0),
    (14.2, -63.3, 18.3, -60.7),  # Antilles
    (2.0, -54.8, 6.0, -51.5),  # Guyane
    (-21.5, 55.1, -20.8, 56.0),  # La Réunion
    (-13.1, 44.9, -12.5, 45.4),  # Mayotte
    (46.7, -56.5, 47.2, -56.0),  # Saint-Pierre-et-Miquelon
    (-23.0, 163.5, -19.5, 168.2),  # Nouvelle-Calédonie
    (-28.0, -154.8, -7.8, -134.4),  # Polynésie
    (-14.4, -178.3, -13.1, -176.0),  # Wallis-et-Futuna
)

FloatArray = NDArray[np.float64]


def distance_m(*, lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Geodesic distance in metres."""
    return float(_WGS84.inv(lon, lat, to_lon, to_lat)[2])


def distances_m(*, lat: float, lon: float, lats: FloatArray, lons: FloatArray) -> FloatArray:
    """Geodesic distances in metres from one position to many (arrays of the same length)."""
    if len(lats) == 0:
        return np.empty(0)
    n = len(lats)
    return np.asarray(_WGS84.inv(np.full(n, lon), np.full(n, lat), lons, lats)[2], dtype=np.float64)


def ecef_m(lats: FloatArray | Sequence[float], lons: FloatArray | Sequence[float]) -> FloatArray:
    """Earth-centred coordinates, shape (n, 3), metres. The chord between two orders almost as the geodesic."""
    phi, lam = np.radians(np.asarray(lats, dtype=np.float64)), np.radians(np.asarray(lons, dtype=np.float64))
    normal = _SEMI_MAJOR_M / np.sqrt(1 - _ECCENTRICITY_2 * np.sin(phi) ** 2)
    return np.stack(
        [
            normal * np.cos(phi) * np.cos(lam),
            normal * np.cos(phi) * np.sin(lam),
            normal * (1 - _ECCENTRICITY_2) * np.sin(phi),
        ],
        axis=-1,
    )


def check_position(*, lat: float, lon: float) -> None:
    """Refuse what cannot be a position, or looks like one with latitude and longitude swapped.

    Raises PositionOutOfRange, PositionSwapped.
    """
    on_globe = math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180  # noqa: PLR2004
    if not _in_france(lat, lon) and _in_france(lon, lat):
        raise PositionSwapped
    if not on_globe:
        raise PositionOutOfRange


def in_mainland_france(*, lat: float, lon: float) -> bool:
    """Whether a position lies in the box round the mainland (NaN does not)."""
    south, west, north, east = FRENCH_LAND[0]
    return south <= lat <= north and west <= lon <= east


def _in_france(lat: float, lon: float) -> bool:
    return any(s <= lat <= n and w <= lon <= e for s, w, n, e in FRENCH_LAND)
