"""The line that a way draws."""

from __future__ import annotations

import numpy as np

from citizen_api.mobility.network import FloatArray, IntArray, Network
from citizen_api.mobility.search import Route


def route_points(network: Network, route: Route) -> tuple[FloatArray, IntArray]:
    """Points float64[k, 2] of (lat, lon) in the order of the way, and for each of its k - 1 segments its piece.

    Cut at the ends of the way, without doubled points; a way of no length has one point.
    """
    parts = [
        _piece(network, int(street), float(begin), float(end))
        for street, begin, end in zip(route.streets, route.begins, route.ends, strict=True)
    ]
    points = np.concatenate(parts)
    pieces = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    moved = np.concatenate(([True], (np.diff(points, axis=0) != 0).any(axis=1)))
    return points[moved], pieces[moved][1:]


def _piece(network: Network, street: int, begin: float, end: float) -> FloatArray:
    shape = network.shape(street)
    low, high = min(begin, end), max(begin, end)
    if low > 0 or high < 1:
        shape = _cut(shape, low, high)
    return shape[::-1] if begin > end else shape


def _cut(shape: FloatArray, low: float, high: float) -> FloatArray:
    """Keep what lies between two fractions of a line's length."""
    steps = np.diff(shape, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1] * np.cos(np.radians(shape[0, 0])))
    gone = np.concatenate(([0.0], np.cumsum(lengths)))
    low_m, high_m = low * gone[-1], high * gone[-1]
    at = np.concatenate(([low_m], gone[(gone > low_m) & (gone < high_m)], [high_m]))
    return np.column_stack((np.interp(at, gone, shape[:, 0]), np.interp(at, gone, shape[:, 1])))
