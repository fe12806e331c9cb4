"""How steep streets are, and how long it takes to go along them: an adult on foot, and on an ordinary bicycle. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.building_geometry import Lines
from citizen_api.mobility.network import Float32Array, FloatArray
from citizen_api.mobility.rules import BIKE_SPEED_M_S, PUSH_SPEED_M_S, WALK_SPEED_M_S
from citizen_api.sources.raster import Raster

SAMPLE_M: Final = 30.0
"""Heights are taken about so far apart: the grain of most rasters."""
JUDGED_M: Final = 20.0
"""Along a shorter street a raster tells of its grid, not of a slope."""
TOO_STEEP: Final = 0.06
"""Steeper than this is no way for a wheelchair (French order of 15 January 2007: 5 %, up to 8 % over 2 metres)."""
STEEPEST: Final = 0.35
LOWEST_M: Final = -500.0
HIGHEST_M: Final = 9_000.0
"""No street on earth is lower or higher: a raster that says so has marked a gap without declaring it."""

STEPS_PACE: Final = 2.0
"""On steps one takes twice the time of the flat (some 0.5 to 0.7 m/s along the slope: Fruin 1971, stairs)."""
LIFT_S: Final = 45.0
"""A lift takes so long whatever its length: waiting, doors, and the ride."""
BIKE_LOSS: Final = 6.7
"""Share of the speed on the flat that a bicycle loses for each unit of slope: 6.7 % for 1 %.

1.44 km/h of 21.6 for each percent uphill (Parkin and Rotheram 2010, Transport Policy 17). Downhill nothing is won: in a
town one brakes. Whoever would be slower than on foot gets off and pushes.
"""


@dataclass(frozen=True, slots=True)
class Slopes:
    """Slopes in the streets' own direction: `ascent_m`, `descent_m` float32[s], NaN unknown.

    Parts of streets of one slope each, street after street: `streets` int64[p], `length_m`, `slope` float64[p].
    """

    ascent_m: Float32Array
    descent_m: Float32Array
    streets: NDArray[np.int64]
    length_m: FloatArray
    slope: FloatArray

    def too_steep(self, length_m: FloatArray) -> NDArray[np.bool_]:
        """Whether a street of JUDGED_M or more is on average too steep for a wheelchair, up or down."""
        steep = (self.ascent_m + self.descent_m) / length_m > TOO_STEEP
        return np.asarray(steep & (length_m >= JUDGED_M))


def slopes(lines: Lines, heights: Raster | None, *, incline_pct: FloatArray, carried: NDArray[np.bool_]) -> Slopes:
    """Slopes by the heights at points along the streets; where these are not known, by what was mapped (NaN: nothing).

    `heights`: in metres, unknown outside LOWEST_M to HIGHEST_M; read smoothly, because from cell to cell they would
    rise in steps of the grid. `carried`: streets that do not follow the ground (bridges, tunnels): only their ends are
    asked for.
    """
    length = lines.length_m
    parts = np.where(carried, 1, np.maximum(np.rint(length / SAMPLE_M), 1)).astype(np.int64)
    mapped = incline_pct / 100
    if heights is None:
        parts[:] = 1
    streets = np.repeat(np.arange(len(parts)), parts)
    part_m = (length / parts)[streets]
    slope = mapped[streets]
    if heights is not None:
        stops = np.repeat(np.arange(len(parts)), parts + 1)
        stop = np.arange(len(stops)) - np.repeat(np.cumsum(parts + 1) - (parts + 1), parts + 1)
        height = heights.at(*lines.degrees(*lines.along(stops, stop / parts[stops])), smooth=True)
        height = np.where((height >= LOWEST_M) & (height <= HIGHEST_M), height, np.nan)
        rise = np.diff(height)[stops[1:] == stops[:-1]]
        known = np.bincount(streets, weights=np.isnan(rise), minlength=len(parts))[streets] == 0
        slope = np.where(known, rise / part_m, slope)
    risen = slope * part_m
    ascent, descent = (
        np.bincount(streets, weights=np.maximum(sign * risen, 0), minlength=len(parts)).astype(np.float32)
        for sign in (1, -1)
    )
    return Slopes(ascent, descent, streets, part_m, np.clip(np.nan_to_num(slope), -STEEPEST, STEEPEST))


def walking_s(found: Slopes, *, steps: NDArray[np.bool_], lifts: NDArray[np.bool_], back: bool) -> Float32Array:
    """Seconds on foot along each street, or back. Slopes by Tobler (1993), against the speed on the flat.

    Tobler's walker, at 6 exp(-3.5 |slope + 0.05|) km/h, is fastest slightly downhill.
    """
    slope = -found.slope if back else found.slope
    pace = np.exp(3.5 * (np.abs(slope + 0.05) - 0.05))
    pace[steps[found.streets]] = STEPS_PACE
    seconds = np.bincount(found.streets, weights=found.length_m * pace / WALK_SPEED_M_S, minlength=len(steps))
    return np.where(lifts, LIFT_S, seconds).astype(np.float32)


def cycling_s(found: Slopes, *, pushed: NDArray[np.bool_], back: bool) -> Float32Array:
    """Seconds on a bicycle along each street, or back; see BIKE_LOSS. Where it is pushed, no slope is counted."""
    slope = np.maximum(-found.slope if back else found.slope, 0)
    speed = np.maximum(BIKE_SPEED_M_S * (1 - BIKE_LOSS * slope), PUSH_SPEED_M_S)
    speed[pushed[found.streets]] = PUSH_SPEED_M_S
    return np.bincount(found.streets, weights=found.length_m / speed, minlength=len(pushed)).astype(np.float32)
