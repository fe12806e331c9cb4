"""The shapes of streets as arrays: lengths, points along them, the cells in which they lie. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from citizen_api.mobility.network import FloatArray, IntArray, to_plane

CELL_M: Final = 100.0
LEAST_M: Final = 0.1
"""No street is shorter, so that parts of it can be told."""

_WGS84: Final = Geod(ellps="WGS84")
_BETWEEN_M: Final = 1.0
_TURNS: Final = 16


@dataclass(frozen=True)
class Lines:
    """The shapes of s streets, one after the other.

    Points of street i are offsets[i] to offsets[i + 1] of `lats_e7`, `lons_e7` (degrees times 10^7), and of `x_m`,
    `y_m` on the plane around `origin` (lat, lon).
    """

    offsets: NDArray[np.int64]
    lats_e7: NDArray[np.int64]
    lons_e7: NDArray[np.int64]
    origin: tuple[float, float]

    @cached_property
    def x_m(self) -> FloatArray:
        """East of the origin."""
        return self.on_plane(self.lats_e7, self.lons_e7)[:, 0]

    @cached_property
    def y_m(self) -> FloatArray:
        """North of the origin."""
        return self.on_plane(self.lats_e7, self.lons_e7)[:, 1]

    def on_plane(self, lats_e7: NDArray[np.int64], lons_e7: NDArray[np.int64]) -> FloatArray:
        """Put points on the plane of the streets: [points, 2] of (x_m, y_m)."""
        east, north = to_plane(self.origin, lat=self.origin[0] + 1, lon=self.origin[1] + 1)
        lat, lon = self.origin
        return np.column_stack(((lons_e7 / 1e7 - lon) * east, (lats_e7 / 1e7 - lat) * north))

    @cached_property
    def _steps_m(self) -> FloatArray:
        """From each point to the next on the ellipsoid; 0 from the last of a street."""
        lats, lons = self.lats_e7 / 1e7, self.lons_e7 / 1e7
        steps = np.zeros(len(lats))
        if len(lats) > 1:
            steps[:-1] = _WGS84.inv(lons[:-1], lats[:-1], lons[1:], lats[1:])[2]
            steps[self.offsets[1:] - 1] = 0
        return steps

    @cached_property
    def length_m(self) -> FloatArray:
        """Length of each street, at least LEAST_M."""
        return np.maximum(np.add.reduceat(self._steps_m, self.offsets[:-1]), LEAST_M)

    @property
    def drawn_m(self) -> float:
        """Length of all, as it is drawn."""
        return float(self._steps_m.sum())

    def along(self, streets: NDArray[np.int64], fractions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Positions (x_m, y_m) at fractions of the lengths of streets."""
        # All streets laid one behind the other, a gap between two, so that one look-up serves all.
        walked = np.concatenate(([0.0], np.cumsum(self._steps_m)[:-1]))
        rank = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        laid = walked + rank * _BETWEEN_M
        begins, ends = laid[self.offsets[:-1]], laid[self.offsets[1:] - 1]
        at = begins[streets] + fractions * (ends - begins)[streets]
        return np.interp(at, laid, self.x_m), np.interp(at, laid, self.y_m)

    def degrees(self, x_m: FloatArray, y_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes of points of the plane."""
        east, north = to_plane(self.origin, lat=self.origin[0] + 1, lon=self.origin[1] + 1)
        return self.origin[0] + y_m / north, self.origin[1] + x_m / east


def lay(points: Sequence[Sequence[int]], lats_e7: NDArray[np.int64], lons_e7: NDArray[np.int64]) -> Lines:
    """Lay streets given by the ranks of their points on a plane around their middle."""
    offsets = np.concatenate(([0], np.cumsum([len(each) for each in points])))
    flat = np.fromiter((point for each in points for point in each), np.int64, int(offsets[-1]))
    lats, lons = lats_e7[flat], lons_e7[flat]
    middle = (int(lats.min() + lats.max()) / 2e7, int(lons.min() + lons.max()) / 2e7)
    return Lines(offsets, lats, lons, middle)


@dataclass(frozen=True, slots=True)
class Cells:
    """See `Network`: which streets lie in which cell of a grid."""

    columns: int
    rows: int
    west_m: float
    south_m: float
    offsets: IntArray
    streets: IntArray


def cells_of(lines: Lines) -> Cells:
    """Put each street into every cell that it touches, and perhaps into one beside."""
    x, y = lines.x_m, lines.y_m
    west, south = float(np.floor(x.min())), float(np.floor(y.min()))
    columns, rows = int((x.max() - west) // CELL_M) + 1, int((y.max() - south) // CELL_M) + 1
    inner = np.ones(len(x), np.bool_)
    inner[lines.offsets[1:] - 1] = False
    begin = np.flatnonzero(inner)
    count = len(lines.offsets) - 1
    street = np.repeat(np.arange(count), np.diff(lines.offsets))[begin]
    # Each straight part in steps shorter than a cell: the corners of the box round a step name all cells it touches.
    parts = np.maximum(np.ceil(np.hypot(x[begin + 1] - x[begin], y[begin + 1] - y[begin]) / CELL_M), 1).astype(int)
    part = np.arange(int(parts.sum())) - np.repeat(np.cumsum(parts) - parts, parts)
    begin, street, parts = (np.repeat(column, parts) for column in (begin, street, parts))

    def place(of: FloatArray, share: FloatArray, corner: float, cells: int) -> NDArray[np.int64]:
        at = of[begin] + share * (of[begin + 1] - of[begin])
        return np.clip((at - corner) // CELL_M, 0, cells - 1).astype(np.int64)

    ends = (part / parts, (part + 1) / parts)
    across = [place(x, share, west, columns) for share in ends]
    up = [place(y, share, south, rows) for share in ends]
    pairs = np.unique(np.concatenate([(row * columns + column) * count + street for column in across for row in up]))
    offsets = np.searchsorted(pairs // count, np.arange(rows * columns + 1)).astype(np.int32)
    return Cells(columns, rows, west, south, offsets, (pairs % count).astype(np.int32))


def near_each_other(x_m: FloatArray, y_m: FloatArray) -> NDArray[np.int64]:
    """Order of points in which neighbours mostly follow each other (a Z-curve), so that searches touch few pages."""

    def spread(values: FloatArray) -> NDArray[Any]:
        scaled = ((values - values.min()) / max(float(np.ptp(values)), 1.0) * ((1 << _TURNS) - 1)).astype(np.uint64)
        spread_out = np.zeros(len(values), np.uint64)
        for bit in range(_TURNS):
            spread_out |= ((scaled >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit)
        return spread_out

    return np.argsort(spread(x_m) | spread(y_m) << np.uint64(1), kind="stable")
