"""What is reached within some minutes, as areas: the pieces of streets reached, as wide as what lies beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from citizen_api.mobility.network import Float32Array, FloatArray, Graph, Network, to_plane
from citizen_api.mobility.profiles import CHILD_PACE, costs_of
from citizen_api.mobility.rules import BIKE_SPEED_M_S, DETOUR, WALK_SPEED_M_S, Mode
from citizen_api.mobility.search import NO_HOURS, Costs, Snap, reach
from citizen_api.mobility.snapping import access_s

BESIDE_M: Final = 28.0
"""How far from the middle of a street what lies on it may be."""
HOLE_M2: Final = 10_000.0
"""A smaller hole, such as the inside of a block, belongs to what is around it."""
SIMPLER_M: Final = 6.0
"""The outline is at most so far from the exact one."""
_DIGITS: Final = 5
"""Of the degrees of an outline: a metre."""
_GRID: Final = 10.0**-_DIGITS
_EDGE_M: Final = 60.0
_TILE_M: Final = 1000.0
_CORNERS_OF_A_CIRCLE: Final = 16
"""For a quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Isochrone:
    """What is reached within `minutes`. `rings`: of each polygon its outline, then its holes: [k, 2] of (lat, lon).

    Empty where not even the nearest street is reached. Degrees are rounded so that the polygons stay valid.
    `approximate`: a circle, where the streets are not known. `cut`: it reaches the edge of the box of the network;
    beyond it there may be more. Where the streets of an extract end inside that box (a ragged cut, a part that was
    dropped), nobody knows, and nothing is said.
    """

    minutes: int
    rings: Sequence[Sequence[FloatArray]]
    approximate: bool = False
    cut: bool = False


def fastest_costs(network: Network, mode: Mode, *, wishes: Collection[str] = (), dark: bool = False) -> Costs:
    """What moving costs when only time counts, and the wishes."""
    time_s, weight = costs_of(network, mode, wishes=wishes, dark=dark)
    return Costs(time_s=time_s, weight=weight, factor=weight, hours=NO_HOURS)


def speed_m_s(mode: Mode, *, wishes: Collection[str] = ()) -> float:
    """How fast one moves where no street slows one down."""
    if mode.graph == "walk":
        return WALK_SPEED_M_S / mode.pace
    return BIKE_SPEED_M_S / (CHILD_PACE if "child_bike" in wishes else mode.pace)


def isochrones_around(
    mode: Mode, *, lat: float, lon: float, minutes: Sequence[int], wishes: Collection[str] = ()
) -> list[Isochrone]:
    """Circles, where the streets are not known: speed x time / DETOUR around."""
    found = []
    for limit in sorted(set(minutes)):
        radius_m = speed_m_s(mode, wishes=wishes) * limit * 60 / DETOUR
        circle = shapely.Point(0, 0).buffer(radius_m, quad_segs=_CORNERS_OF_A_CIRCLE)
        found.append(Isochrone(minutes=limit, rings=_rings(_rounded(circle, (lat, lon))), approximate=True))
    return found


def isochrones_on(
    network: Network,
    mode: Mode,
    start: Snap,
    *,
    minutes: Sequence[int],
    wishes: Collection[str] = (),
    dark: bool = False,
) -> list[Isochrone]:
    """What is reached over the streets from a door, the shortest time first; each holds the one before.

    What one takes to `start` is gone from every limit (`snapping.access_s`). A street that is reached in part is cut
    where the time ends.
    """
    costs = fastest_costs(network, mode, wishes=wishes, dark=dark)
    graph = network.graphs[mode.graph]
    limits = sorted(set(minutes))
    before_s = access_s(start)
    seconds = reach(network, mode.graph, start, costs, limit_s=60.0 * limits[-1] - before_s)
    whole_before = np.zeros(len(network.tails), np.bool_)
    area: Any = None
    outline: Any = None
    found = []
    for limit in limits:
        left_s = 60.0 * limit - before_s
        if left_s < 0:
            found.append(Isochrone(minutes=limit, rings=()))
            continue
        gone = _gone(network, graph, costs.time_s, seconds, start, left_s)
        pieces, whole = _pieces(network, gone, whole_before)
        whole_before |= whole
        area = _joined(pieces, area)
        simpler = _rounded(area.simplify(SIMPLER_M), network.origin)
        # Where a simpler line cuts a corner, the outline before would stick out of it.
        outline = simpler if outline is None else shapely.union(simpler, outline, grid_size=_GRID)
        found.append(Isochrone(minutes=limit, rings=_rings(outline), cut=_at_the_edge(network, area)))
    return found


@dataclass(frozen=True, slots=True)
class _Gone:
    """Of the streets reached: how far from the tail and from the head (fractions of the length), or `middle`.

    `middle` (from, to): the piece around the start, of the street on which one starts.
    """

    streets: NDArray[np.int64]
    from_tail: FloatArray
    from_head: FloatArray
    start: int
    middle: tuple[float, float]


def _gone(
    network: Network, graph: Graph, time_s: Float32Array, seconds: FloatArray, start: Snap, limit_s: float
) -> _Gone:
    forward_s, backward_s = _street_s(graph.forward_arcs, time_s), _street_s(graph.backward_arcs, time_s)
    with np.errstate(invalid="ignore"):
        from_tail = np.clip((limit_s - seconds[network.tails]) / forward_s, 0, 1)
        from_head = np.clip((limit_s - seconds[network.heads]) / backward_s, 0, 1)
    from_tail, from_head = np.nan_to_num(from_tail), np.nan_to_num(from_head)
    ahead = min(1.0, start.fraction + limit_s / float(forward_s[start.street]))
    back = max(0.0, start.fraction - limit_s / float(backward_s[start.street]))
    streets = np.flatnonzero((from_tail > 0) | (from_head > 0))
    return _Gone(streets, from_tail[streets], from_head[streets], start.street, (back, ahead))


def _street_s(arcs: NDArray[np.int32], time_s: Float32Array) -> FloatArray:
    """Seconds along each street by its arc; inf where there is none."""
    found = np.where(arcs >= 0, time_s[np.maximum(arcs, 0)], np.inf).astype(np.float64)
    return np.maximum(found, 1e-6)


def _pieces(network: Network, gone: _Gone, known: NDArray[np.bool_]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Lines on the plane for what is gone along, without streets `known` to be whole; and which are whole now."""
    whole = np.zeros(len(known), np.bool_)
    whole[gone.streets[gone.from_tail + gone.from_head >= 1]] = True
    fresh = gone.streets[whole[gone.streets] & ~known[gone.streets]]
    lines = [_lines(network, fresh)]
    partly = ~whole[gone.streets]
    streets, ahead, back = gone.streets[partly], gone.from_tail[partly], gone.from_head[partly]
    lines.append(_cut(network, streets[ahead > 0], np.zeros(int((ahead > 0).sum())), ahead[ahead > 0]))
    lines.append(_cut(network, streets[back > 0], 1 - back[back > 0], np.ones(int((back > 0).sum()))))
    if not whole[gone.start]:
        begin, end = gone.middle
        lines.append(_cut(network, np.array([gone.start]), np.array([begin]), np.array([end])))
    return np.concatenate(lines), whole


def _cut(network: Network, streets: NDArray[np.int64], begin: FloatArray, end: FloatArray) -> NDArray[np.object_]:
    """Of each street the piece between two fractions of its length; all at once, as one may cut thousands."""
    lines = _lines(network, streets)
    if not len(lines):
        return lines
    corners, owners = shapely.get_coordinates(lines, return_index=True)
    steps = np.hypot(*np.diff(corners, axis=0, prepend=corners[:1]).T)
    steps[np.flatnonzero(np.diff(owners, prepend=-1))] = 0
    along = steps.cumsum()
    along -= along[np.searchsorted(owners, np.arange(len(lines)))][owners]
    along /= np.maximum(shapely.length(lines), 1e-9)[owners]
    between = (along > begin[owners]) & (along < end[owners])
    each = np.arange(len(lines))
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(lines, at, normalized=True)) for at in (begin, end)]
    owners = np.concatenate((each, owners[between], each))
    order = np.argsort(owners, kind="stable")
    corners = np.concatenate((ends[0], corners[between], ends[1]))[order]
    return np.asarray(shapely.linestrings(corners, indices=owners[order]))


def _lines(network: Network, streets: NDArray[np.int64]) -> NDArray[np.object_]:
    if not len(streets):
        return np.empty(0, dtype=np.object_)
    starts = network.shape_offsets[streets].astype(np.int64)
    counts = network.shape_offsets[streets + 1] - starts
    points = np.repeat(starts - (counts.cumsum() - counts), counts) + np.arange(counts.sum())
    one_x, one_y = to_plane(network.origin, lat=network.origin[0] + 1, lon=network.origin[1] + 1)
    plane = np.column_stack(
        (
            (network.shape_lon_e7[points] / 1e7 - network.origin[1]) * one_x,
            (network.shape_lat_e7[points] / 1e7 - network.origin[0]) * one_y,
        )
    )
    return np.asarray(shapely.linestrings(plane, indices=np.repeat(np.arange(len(streets)), counts)))


def _joined(pieces: NDArray[np.object_], before: Any) -> Any:
    """Everything within BESIDE_M of the pieces, and the area before, without small holes.

    Blocks that are reached all around are joined as they are, which costs little. What is within BESIDE_M of a street
    between them is in them, or near a street at their edge: only those at the edge and beyond it are made wide.
    Tile by tile, then all tiles: joining shapes that are far apart costs the most.
    """
    blocks = _blocks(pieces)
    shapely.prepare(blocks)
    outer = pieces[~shapely.contains_properly(blocks, pieces)]
    bounds = shapely.bounds(outer)
    tiles = (bounds[:, 0] // _TILE_M) * 10_000 + bounds[:, 1] // _TILE_M
    order = np.argsort(tiles, kind="stable")
    groups = np.split(outer[order], np.flatnonzero(np.diff(tiles[order])) + 1) if len(order) else []
    together = np.array([shapely.multilinestrings(group) for group in groups], dtype=np.object_)
    parts = shapely.buffer(together, BESIDE_M, quad_segs=2)
    return _filled(shapely.union_all([blocks, *parts, *([] if before is None else [before])]))


def _blocks(pieces: NDArray[np.object_]) -> Any:
    """The blocks with pieces all around of which no more than a small hole is farther than BESIDE_M from them."""
    blocks = shapely.get_parts(shapely.polygonize(pieces))
    blocks = blocks[shapely.is_valid(blocks)]
    large = np.flatnonzero(shapely.area(blocks) >= HOLE_M2)
    inside = shapely.area(shapely.buffer(blocks[large], -BESIDE_M, quad_segs=2))
    blocks = np.delete(blocks, large[inside >= HOLE_M2])
    whole = shapely.coverage_union_all(blocks)
    # Streets that cross without a junction, as on a bridge, bound blocks that lie over each other.
    return whole if whole.is_valid else shapely.union_all(blocks)


def _filled(area: Any) -> Any:
    """The same area without holes that are too small to say anything."""
    filled = []
    for part in shapely.get_parts(area):
        holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= HOLE_M2]
        filled.append(shapely.Polygon(part.exterior, holes))
    return filled[0] if len(filled) == 1 else shapely.union_all(filled)


def _at_the_edge(network: Network, area: Any) -> bool:
    south, west, north, east = network.box
    x0, y0 = network.plane(lat=south, lon=west)
    x1, y1 = network.plane(lat=north, lon=east)
    left, bottom, right, top = area.bounds
    return bool(left < x0 + _EDGE_M or bottom < y0 + _EDGE_M or right > x1 - _EDGE_M or top > y1 - _EDGE_M)


def _rounded(area: Any, origin: tuple[float, float]) -> Any:
    """An area of the plane in degrees, longitude first.

    Rounded as a whole: corners rounded one by one may cross a line nearby.
    """
    one = np.array(to_plane(origin, lat=origin[0] + 1, lon=origin[1] + 1))
    return shapely.set_precision(shapely.transform(area, lambda plane: np.array(origin[::-1]) + plane / one), _GRID)


def _rings(area: Any) -> list[list[FloatArray]]:
    """Rings of each polygon, latitude first, as RFC 7946 turns them: outlines against the clock, holes with it."""
    return [
        [np.round(shapely.get_coordinates(ring)[:, ::-1], _DIGITS) for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(shapely.orient_polygons(area))
    ]
