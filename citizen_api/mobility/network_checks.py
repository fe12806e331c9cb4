"""Whether a network can be searched and drawn: its columns fit each other, and so do their values. Pure.

Searches and pictures read without looking: one number out of its range would take the whole process down.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.network import KINDS, Graph, IntArray, Network

_Column = NDArray[Any]
_FAR_M: Final = 2.1e7
"""Half round the Earth: no length, no place on a plane and no height of a city is more."""
_E7: Final = 10_000_000
_SIDES: Final = (90.0, 180.0)
_INNER: Final = 0x80
"""What the first two bits of a byte are inside a character of UTF-8."""


def is_whole(network: Network) -> bool:
    """Whether all of a network is as long, of the type, and within the range that the rest of it says."""
    n, s = len(network.lats), len(network.tails)
    return (
        _is_placed(network)
        and _are_junctions(network, n)
        and _are_streets(network, n, s)
        and _are_names(network)
        and _are_shapes(network, s)
        and all(_is_graph(graph, n, s) for graph in network.graphs.values())
    )


def _is_placed(network: Network) -> bool:
    """Whether the box, the origin and the cells lie on the globe."""
    south, west, north, east = network.box
    numbers = (network.cell_m, network.west_m, network.south_m)
    texts = (network.city, network.title, network.source, network.licence, network.attribution, network.factor_source)
    cells = network.rows * network.columns
    return (
        all(isinstance(text, str) for text in (*texts, network.factor_method, network.elevation_source or ""))
        and all(_is_on_globe(lat, lon) for lat, lon in (network.origin, (south, west), (north, east)))
        and south <= north
        and west <= east
        and all(isinstance(number, int | float) and abs(number) <= _FAR_M for number in numbers)
        and network.cell_m > 0
        and all(type(count) is int and count > 0 for count in (network.rows, network.columns))
        and _fits(network.cell_offsets, cells, len(network.cell_streets))
        and _counts(network.cell_streets, 0, len(network.tails))
    )


def _is_on_globe(lat: float, lon: float) -> bool:
    return math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= _SIDES[0] and abs(lon) <= _SIDES[1]


def _are_junctions(network: Network, n: int) -> bool:
    degrees = zip((network.lats, network.lons), _SIDES, strict=True)
    return (
        all(len(column) == n for column in (network.lons, network.x_m, network.y_m))
        and all(_measures(column, -side, side, np.float64) for column, side in degrees)
        and all(_measures(column, -_FAR_M, _FAR_M) for column in (network.x_m, network.y_m))
    )


def _are_streets(network: Network, n: int, s: int) -> bool:
    factors = tuple(network.factors.values())
    rises = (network.ascent_m, network.descent_m)
    ends = (network.tails, network.heads)
    others: tuple[_Column, ...] = (network.length_m, network.kinds, network.flags, network.names, network.main_road_m)
    return (
        all(len(column) == s for column in (*ends, *rises, *factors, *others))
        and all(_counts(column, 0, n) for column in ends)
        and _measures(network.length_m, 0, _FAR_M)
        and _counts(network.kinds, 0, len(KINDS), np.uint8)
        and network.flags.dtype == np.uint16
        and _counts(network.names, -1, len(network.name_offsets) - 1)
        and all(_measures(column[~np.isnan(column)], 0, _FAR_M) for column in rises)
        and _measures(network.main_road_m[~np.isnan(network.main_road_m)], 0, np.inf)
        and all(_measures(column, 0, _FAR_M) for column in factors)
    )


def _are_names(network: Network) -> bool:
    """Whether every name can be read: the bytes are UTF-8 as a whole, and none starts inside a character."""
    offsets, text = network.name_offsets, network.name_bytes
    if text.dtype != np.uint8 or not _fits(offsets, len(offsets) - 1, len(text)):
        return False
    text.tobytes().decode()  # a ValueError says the same
    starts = offsets[offsets < len(text)]
    return not bool(((text[starts] & 0xC0) == _INNER).any())


def _are_shapes(network: Network, s: int) -> bool:
    columns = (network.shape_lat_e7, network.shape_lon_e7)
    return (
        len(columns[0]) == len(columns[1])
        and _fits(network.shape_offsets, s, len(columns[0]), least=2)
        and all(
            _counts(column, -int(side) * _E7, int(side) * _E7 + 1) for column, side in zip(columns, _SIDES, strict=True)
        )
    )


def _is_graph(graph: Graph, n: int, s: int) -> bool:
    m = len(graph.heads)
    return (
        _fits(graph.offsets, n, m)
        and len(graph.components) == n
        and len(graph.forward_arcs) == len(graph.backward_arcs) == s
        and len(graph.streets) == len(graph.backward) == len(graph.time_s) == m
        and _counts(graph.heads, 0, n)
        and _counts(graph.streets, 0, s)
        and graph.backward.dtype == np.bool_
        and _counts(graph.backward.view(np.uint8), 0, 2, np.uint8)
        and _measures(graph.time_s, 0, _FAR_M)
        and _counts(graph.forward_arcs, -1, m)
        and _counts(graph.backward_arcs, -1, m)
        and _counts(graph.components, -1, n)
    )


def _counts(column: _Column, first: int, end: int, kind: type[Any] = np.int32) -> bool:
    """Whether all are whole numbers from `first` up to before `end`."""
    if column.dtype != kind or column.ndim != 1:
        return False
    return len(column) == 0 or (int(column.min()) >= first and int(column.max()) < end)


def _measures(column: _Column, least: float, most: float, kind: type[Any] = np.float32) -> bool:
    """Whether all are numbers from `least` to `most`; NaN is none."""
    if column.dtype != kind or column.ndim != 1:
        return False
    return len(column) == 0 or (float(column.min()) >= least and float(column.max()) <= most)


def _fits(offsets: IntArray, count: int, total: int, *, least: int = 0) -> bool:
    """Whether these part `total` things among `count`, in order, `least` each."""
    return (
        len(offsets) == count + 1
        and offsets.dtype == np.int32
        and offsets.ndim == 1
        and int(offsets[0]) == 0
        and int(offsets[-1]) == total
        and bool((offsets[1:] >= offsets[:-1]).all())  # first: a difference of what is not in order may overflow
        and (least == 0 or bool((np.diff(offsets) >= least).all()))
    )
