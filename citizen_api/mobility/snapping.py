"""The nearest point of a network: a point brought to the streets around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from citizen_api.mobility.kernel import fixed
from citizen_api.mobility.network import SNAP_M, Float32Array, FloatArray, GraphName, IntArray, Network
from citizen_api.mobility.rules import DETOUR, WALK_SPEED_M_S

_compiled = njit(cache=True, error_model="numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snap:
    """A point brought to the network: `fraction` of the street's length from its tail; `distance_m` from the point."""

    street: int
    fraction: float
    lat: float
    lon: float
    distance_m: float
    component: int


def snap(
    network: Network,
    graph: GraphName,
    *,
    lat: float,
    lon: float,
    within_m: float = SNAP_M,
    time_s: Float32Array | None = None,
) -> list[Snap]:
    """The nearest point of the graph in each of its components within reach, nearest first; none: it is too far.

    `time_s` (see `search.Costs`): streets along which one must go in neither direction are passed over. At equal
    distance, as at a junction, the street with the lowest number.
    """
    x, y = network.plane(lat=lat, lon=lon)
    east, north = network.plane(lat=network.origin[0] + 1, lon=network.origin[1] + 1)
    arcs = network.graphs[graph]
    times = arcs.time_s if time_s is None else np.ascontiguousarray(time_s, np.float32)
    cells = _Cells(
        float(network.cell_m),
        network.columns,
        network.rows,
        float(network.west_m),
        float(network.south_m),
        fixed(network.cell_offsets),
        fixed(network.cell_streets),
    )
    shapes = _Shapes(
        fixed(network.shape_offsets),
        fixed(network.shape_lat_e7),
        fixed(network.shape_lon_e7),
        network.origin[0],
        network.origin[1],
        east,
        north,
    )
    ways = _Ways(
        fixed(arcs.forward_arcs),
        fixed(arcs.backward_arcs),
        fixed(arcs.components),
        fixed(network.tails),
        fixed(times),
    )
    feet = _nearest(cells, shapes, ways, x, y, float(within_m))
    found = [
        Snap(
            street=int(street),
            fraction=fraction,
            lat=foot_lat,
            lon=foot_lon,
            distance_m=distance_m,
            component=int(component),
        )
        for street, component, distance_m, fraction, foot_lat, foot_lon in feet.tolist()
    ]
    return sorted(found, key=lambda each: (each.distance_m, each.street))


def access_m(end: Snap) -> float:
    """Metres between a door and its point of the streets: DETOUR x the straight line, for nobody knows the way."""
    return end.distance_m * DETOUR


def access_s(end: Snap) -> float:
    """Seconds between a door and its point of the streets, on foot by every mode: a bicycle is walked there."""
    return access_m(end) / WALK_SPEED_M_S


class _Cells(NamedTuple):
    cell_m: float
    columns: int
    rows: int
    west_m: float
    south_m: float
    offsets: IntArray
    streets: IntArray


class _Shapes(NamedTuple):
    """Shapes of streets, and metres of a degree of longitude and of latitude."""

    offsets: IntArray
    lat_e7: IntArray
    lon_e7: IntArray
    origin_lat: float
    origin_lon: float
    east: float
    north: float


class _Ways(NamedTuple):
    forward_arcs: IntArray
    backward_arcs: IntArray
    components: IntArray
    tails: IntArray
    time_s: Float32Array


@_compiled
def _nearest(cells: _Cells, shapes: _Shapes, ways: _Ways, x: float, y: float, within_m: float) -> FloatArray:
    """Of each component: street, component, metres, fraction, lat, lon (float64[k, 6], which holds the numbers)."""
    left, right = _range(x - cells.west_m, within_m, cells.cell_m, cells.columns)
    low, high = _range(y - cells.south_m, within_m, cells.cell_m, cells.rows)
    found = np.empty((4, 6))
    count = 0
    for row in range(low, high):
        first, last = row * cells.columns + left, row * cells.columns + max(left, right)
        for place in range(cells.offsets[first] if first < last else 0, cells.offsets[last] if first < last else 0):
            street = cells.streets[place]
            if _can_be_gone(ways, street):
                distance_m, piece, share = _foot(shapes, street, x, y)
                if distance_m <= within_m:
                    component = ways.components[ways.tails[street]]
                    found, count = _keep(found, count, street, component, distance_m, piece, share)
    for rank in range(count):
        street, piece, share = int(found[rank, 0]), int(found[rank, 3]), found[rank, 4]
        found[rank, 3], found[rank, 4], found[rank, 5] = _place(shapes, street, piece, share)
    return found[:count].copy()


@_compiled
def _range(offset_m: float, within_m: float, cell_m: float, cells: int) -> tuple[int, int]:
    """Cells in one direction within reach: from the first to before the second."""
    first = max(0.0, math.floor((offset_m - within_m) / cell_m))
    last = min(cells - 1.0, math.floor((offset_m + within_m) / cell_m))
    return (int(first), int(last) + 1) if first <= last else (0, 0)


@_compiled
def _can_be_gone(ways: _Ways, street: int) -> bool:
    forward, backward = ways.forward_arcs[street], ways.backward_arcs[street]
    return bool(
        (forward >= 0 and ways.time_s[forward] < math.inf) or (backward >= 0 and ways.time_s[backward] < math.inf)
    )


@_compiled
def _foot(shapes: _Shapes, street: int, x: float, y: float) -> tuple[float, int, float]:
    """The nearest point of a street: its distance, the piece of the street, and how far along the piece (0 to 1)."""
    first, last = shapes.offsets[street], shapes.offsets[street + 1]
    least, piece, share = math.inf, 0, 0.0
    x1, y1 = _on_plane(shapes, first)
    for point in range(first + 1, last):
        x0, y0 = x1, y1
        x1, y1 = _on_plane(shapes, point)
        east, north = x1 - x0, y1 - y0
        gone = ((x - x0) * east + (y - y0) * north) / max(east * east + north * north, 1e-12)
        gone = min(max(gone, 0.0), 1.0)
        # At its ends exactly there: then all streets of a junction are equally far from a point beyond it.
        foot_x = x1 if gone == 1 else x0 + gone * east
        foot_y = y1 if gone == 1 else y0 + gone * north
        distance2 = (foot_x - x) ** 2 + (foot_y - y) ** 2
        if distance2 < least:
            least, piece, share = distance2, point - 1 - first, gone
    return math.sqrt(least), piece, share


@_compiled
def _on_plane(shapes: _Shapes, point: int) -> tuple[float, float]:
    lat, lon = shapes.lat_e7[point] / 1e7, shapes.lon_e7[point] / 1e7
    return (lon - shapes.origin_lon) * shapes.east, (lat - shapes.origin_lat) * shapes.north


@_compiled
def _keep(
    found: NDArray[np.float64], count: int, street: int, component: int, distance_m: float, piece: int, share: float
) -> tuple[NDArray[np.float64], int]:
    """Note a street if it is the nearest of its component so far, the lowest number first."""
    rank = 0
    while rank < count and found[rank, 1] != component:
        rank += 1
    if rank == count:
        if count == len(found):
            longer = np.empty((2 * count, 6))
            longer[:count] = found
            found = longer
        count += 1
    elif (distance_m, street) >= (found[rank, 2], found[rank, 0]):
        return found, count
    found[rank, 0], found[rank, 1], found[rank, 2] = street, component, distance_m
    found[rank, 3], found[rank, 4] = piece, share
    return found, count


@_compiled
def _place(shapes: _Shapes, street: int, piece: int, share: float) -> tuple[float, float, float]:
    """A point of a street: its fraction of the whole length, its lat, its lon."""
    first, last = shapes.offsets[street], shapes.offsets[street + 1]
    before, whole = 0.0, 0.0
    x1, y1 = _on_plane(shapes, first)
    for point in range(first + 1, last):
        x0, y0 = x1, y1
        x1, y1 = _on_plane(shapes, point)
        length = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
        if point - 1 - first < piece:
            before += length
        elif point - 1 - first == piece:
            before += share * length
        whole += length
    here = first + piece
    lat = shapes.lat_e7[here] + share * (shapes.lat_e7[here + 1] - shapes.lat_e7[here])
    lon = shapes.lon_e7[here] + share * (shapes.lon_e7[here + 1] - shapes.lon_e7[here])
    fraction = before / whole if whole > 0 else 0.0
    return fraction, lat / 1e7, lon / 1e7
