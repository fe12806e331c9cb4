"""What lies around streets: parks and main roads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from citizen_api.mobility.building_geometry import Lines
from citizen_api.mobility.network import Float32Array, FloatArray

GREEN_M: Final = 20.0
"""A street is beside a park if it is so near: a pavement and a fence lie between."""
LOOKED_AT: Final = (0.25, 0.5, 0.75)
"""At these fractions of a street one looks whether a park is there; at most of them it has to be."""
_RING: Final = 4


def park_areas(rings: Iterable[FloatArray]) -> list[shapely.Geometry]:
    """Areas of parks from their outlines, [points, 2] of (x_m, y_m) each.

    Outlines in parts are put together; what cannot be closed, at the edge of an extract, is left out.
    """
    areas, parts = [], []
    for ring in rings:
        if len(ring) >= _RING and (ring[0] == ring[-1]).all():
            areas.append(shapely.make_valid(shapely.Polygon(ring)))
        elif len(ring) > 1:
            parts.append(shapely.LineString(ring))
    areas += shapely.polygonize(parts).geoms
    return [area for area in areas if area.area > 0]


def green(lines: Lines, areas: Sequence[shapely.Geometry]) -> NDArray[np.bool_]:
    """Whether most of each street is in a park, or beside one."""
    count = len(lines.offsets) - 1
    seen = np.zeros(count, np.int64)
    if not areas:
        return seen > 0
    tree = STRtree(areas)
    every = np.arange(count)
    for fraction in LOOKED_AT:
        points = shapely.points(*lines.along(every, np.full(count, fraction)))
        seen[np.unique(tree.query(points, predicate="dwithin", distance=GREEN_M)[0])] += 1
    return seen * 2 > len(LOOKED_AT)


def distance_m(lines: Lines, roads: Sequence[FloatArray]) -> Float32Array:
    """From the middle of each street to the nearest of the roads, [points, 2] of (x_m, y_m) each; inf without any."""
    count = len(lines.offsets) - 1
    if not roads:
        return np.full(count, np.inf, np.float32)
    # Part by part: the box round a whole road holds half a town, and the tree would find all of them near.
    parts = np.concatenate([np.stack((road[:-1], road[1:]), axis=1) for road in roads])
    lines_of_parts: Any = shapely.linestrings(parts)  # an array of them
    tree = STRtree(lines_of_parts)
    points = shapely.points(*lines.along(np.arange(count), np.full(count, 0.5)))
    (found, _), distances = tree.query_nearest(points, return_distance=True, all_matches=False)
    nearest = np.empty(count, np.float32)
    nearest[found] = distances
    return nearest
