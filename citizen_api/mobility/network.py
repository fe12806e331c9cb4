"""The street network of one city: plain arrays, never changed once built, mapped from files by every process.

A *street* is a piece between two junctions, merged over the points where nothing forks, with its whole shape; it has
the direction in which it was drawn. A *graph* (one for walking, one for cycling) holds arcs: a street in one direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntFlag
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int32]

GraphName = Literal["walk", "bike"]
GRAPHS: Final[tuple[GraphName, ...]] = ("walk", "bike")
POLLUTANTS: Final = ("no2", "pm25", "pm10", "o3")
"""Pollutants for which a street has a local factor."""

KINDS: Final = (
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "pedestrian",
    "footway",
    "cycleway",
    "path",
    "track",
    "steps",
    "elevator",
    "corridor",
)
"""Classes of street, as OpenStreetMap's `highway` names them; a link road has the class of its road."""
MAIN_ROADS: Final = ("trunk", "primary", "secondary")
"""Classes of which the distance decides what a street's air is like."""

SNAP_M: Final = 150.0
"""Farther than this from the network a point is not on it."""


class Flag(IntFlag):
    """What is known of a street."""

    STEPS = 1
    LIT = 2
    """Lit at night; a street with neither this nor UNLIT does not say."""
    UNLIT = 4
    CYCLE = 8
    """A way of its own for bicycles, a lane or a track, in at least one direction."""
    GREEN = 16
    """In, or beside, a park, a garden or a wood."""
    ROUGH = 32
    """A surface on which wheels do not roll well (cobbles, gravel, sand)."""
    TUNNEL = 64
    BRIDGE = 128
    INDOOR = 256
    WHEELCHAIR = 512
    """Said to be passable with a wheelchair."""
    NO_WHEELCHAIR = 1024
    """Said not to be, or steps, or steeper than 6 %."""
    PUSH = 2048
    """A bicycle is pushed here."""
    ONEWAY = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The arcs of one way of moving, by the junction from which they leave (CSR).

    `offsets` int32[n + 1]: arcs of junction j are offsets[j] to offsets[j + 1]; of each arc `heads` int32[m], the
    junction where it ends, `streets` int32[m], `backward` bool[m] (against the street's own direction) and `time_s`
    float32[m], what it takes an adult on foot or on an ordinary bicycle, its slope counted.
    `forward_arcs`, `backward_arcs` int32[s]: the arc of a street in its own direction, and against it; -1: none.
    `components` int32[n]: junctions with one number reach each other, both ways; -1: not in this graph.
    """

    offsets: IntArray
    heads: IntArray
    streets: IntArray
    backward: NDArray[np.bool_]
    time_s: Float32Array
    forward_arcs: IntArray
    backward_arcs: IntArray
    components: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One city. n junctions, s streets.

    Junctions: `lats`, `lons` float64[n]; `x_m`, `y_m` float32[n], east and north of `origin` (lat, lon) on a plane.
    Streets: `tails`, `heads` int32[s] (junctions), `length_m` float32[s], `kinds` uint8[s] (index in KINDS), `flags`
    uint16[s] (Flag), `names` int32[s] (index in `name_bytes`, -1 without), `ascent_m` and `descent_m` float32[s] in
    the street's own direction (NaN: unknown), `main_road_m` float32[s] (from its middle to the nearest main road).
    Shapes: `shape_offsets` int32[s + 1] into `shape_lat_e7`, `shape_lon_e7` int32: degrees times 10^7, tail and head
    included. `factors`: {pollutant: float32[s]}, the air of the street against that of the city, with a mean of 1 over
    the length of the network.
    Cells, for finding the nearest street: `cell_m`, `columns`, `rows` from the corner (`west_m`, `south_m`);
    `cell_offsets` int32[rows * columns + 1] into `cell_streets` int32.
    """

    city: str
    title: str
    built_on: date
    source: str
    licence: str
    attribution: str
    factor_source: str
    origin: tuple[float, float]
    box: tuple[float, float, float, float]
    """south, west, north, east"""
    lats: FloatArray
    lons: FloatArray
    x_m: Float32Array
    y_m: Float32Array
    tails: IntArray
    heads: IntArray
    length_m: Float32Array
    kinds: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    names: IntArray
    name_offsets: IntArray
    name_bytes: NDArray[np.uint8]
    ascent_m: Float32Array
    descent_m: Float32Array
    main_road_m: Float32Array
    shape_offsets: IntArray
    shape_lat_e7: IntArray
    shape_lon_e7: IntArray
    factors: Mapping[str, Float32Array]
    graphs: Mapping[GraphName, Graph]
    cell_m: float
    columns: int
    rows: int
    west_m: float
    south_m: float
    cell_offsets: IntArray
    cell_streets: IntArray
    elevation_source: str | None = None
    factor_method: str = "table"
    """`table` (road class and distance to main roads) or `raster` (a fine map of a region)."""
    extract_date: date | None = None
    """Of what day the map is from which the network was built; None: not known."""

    def name_of(self, street: int) -> str | None:
        """What a street is called; None without a name."""
        number = int(self.names[street])
        if number < 0:
            return None
        return bytes(self.name_bytes[self.name_offsets[number] : self.name_offsets[number + 1]]).decode()

    def shape(self, street: int) -> FloatArray:
        """Points of a street from tail to head: [points, 2] of (lat, lon)."""
        part = slice(int(self.shape_offsets[street]), int(self.shape_offsets[street + 1]))
        return np.column_stack((self.shape_lat_e7[part], self.shape_lon_e7[part])) / 1e7

    def plane(self, *, lat: float, lon: float) -> tuple[float, float]:
        """East and north of `origin` in metres, on the plane of `x_m` and `y_m`."""
        return to_plane(self.origin, lat=lat, lon=lon)


def to_plane(origin: tuple[float, float], *, lat: float, lon: float) -> tuple[float, float]:
    """East and north of `origin` (lat, lon) in metres, on a plane that is exact within 0.1 % some 30 km around.

    Scales of WGS84 at the latitude of the origin (series of the meridian and of the parallel).
    """
    phi = np.radians(origin[0])
    north = 111_132.954 - 559.822 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi)
    east = 111_412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    return float((lon - origin[1]) * east), float((lat - origin[0]) * north)
