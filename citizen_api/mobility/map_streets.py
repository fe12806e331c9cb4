"""The streets in view: thinned by class, simplified, one path per class, with names where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from citizen_api.mobility.map_names import Named, names_svg
from citizen_api.mobility.map_style import stroke
from citizen_api.mobility.map_view import View
from citizen_api.mobility.network import KINDS, Flag, IntArray, Network

PER_PX: Final = 2
"""Streets are drawn to half a pixel."""
_MOST_POINTS: Final = 6_000
"""Of all streets together: about 24 kB compressed."""
_SIMPLER_PX: Final = 0.6
_STRAIGHT_PX: Final = 1.5
"""A street that bends less than this is straight, for a name."""


class _Class(NamedTuple):
    """Streets that look the same, down to the scale at which they say nothing any more."""

    kinds: tuple[str, ...]
    tone: str
    width: float
    coarsest_m_per_px: float


_CLASSES: Final = (
    _Class(("trunk", "primary", "secondary"), "sm", 4.0, float("inf")),
    _Class(("tertiary", "unclassified"), "sm", 2.6, 25.0),
    _Class(("residential", "living_street", "pedestrian"), "ss", 2.2, 9.0),
    _Class(("service", "footway", "cycleway", "path", "track", "steps"), "sf", 1.2, 5.0),
)
"""From the first to be drawn to the first to be left out."""
_GREEN_WIDTH_PX: Final = 9.0


@dataclass(slots=True)
class StreetMap:
    """What is drawn of the streets: `lines`, then (above areas) `names`; `empty` where nothing is in view."""

    lines: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    attributions: list[str] = field(default_factory=list)
    green: bool = False

    @property
    def empty(self) -> bool:
        """Whether no street is in view."""
        return not self.lines


def street_map(networks: Sequence[Network], view: View, *, kept_free: Sequence[tuple[float, float]]) -> StreetMap:
    """Draw the streets of all networks in view; no name is written within reach of the pixels `kept_free`."""
    drawn = StreetMap()
    pieces = [found for network in networks if (found := _pieces(network, view)) is not None]
    for piece in pieces:
        if piece.network.attribution not in drawn.attributions:
            drawn.attributions.append(piece.network.attribution)
    if not pieces:
        return drawn
    kinds = np.concatenate([piece.kinds for piece in pieces])
    flags = np.concatenate([piece.flags for piece in pieces])
    lines = np.concatenate([piece.lines for piece in pieces])
    green = (flags & Flag.GREEN) != 0
    spent, shown, paths = 0, np.zeros(len(lines), np.bool_), []
    for level in _CLASSES:
        if view.m_per_px > level.coarsest_m_per_px:
            break
        chosen = np.isin(kinds, [KINDS.index(kind) for kind in level.kinds])
        merged = _merged(lines[chosen])
        points = int(shapely.get_num_coordinates(merged).sum())
        if spent + points > _MOST_POINTS:
            if spent:
                break
            merged = _longest(merged, _MOST_POINTS)
            points = _MOST_POINTS
        spent += points
        shown |= chosen
        paths.append(_path(merged, level.tone, level.width))
    green &= shown
    if green.any():
        merged = _merged(lines[green])
        if spent + int(shapely.get_num_coordinates(merged).sum()) <= _MOST_POINTS:
            paths.append(_path(merged, "gr", _GREEN_WIDTH_PX))
            drawn.green = True
    drawn.lines = [path for path in reversed(paths) if path]
    drawn.names = names_svg(_named(pieces, shown), view, kept_free=kept_free)
    return drawn


class _Pieces(NamedTuple):
    """Streets of one network that are in view, cut at the edge, in pixels."""

    network: Network
    streets: IntArray
    lines: NDArray[np.object_]
    kinds: NDArray[np.uint8]
    flags: NDArray[np.uint16]


def _pieces(network: Network, view: View) -> _Pieces | None:
    streets = _streets_in(network, view)
    # What lies under the ground is not seen from the street, and what is inside a building is not one.
    streets = streets[(network.flags[streets] & (Flag.TUNNEL | Flag.INDOOR)) == 0]
    if not len(streets):
        return None
    # Before anything is built: a wide view holds a whole city, and draws of it little.
    streets = streets[_drawn_at(view.m_per_px)[network.kinds[streets]]]
    if not len(streets):
        nothing = np.empty(0, np.object_)
        return _Pieces(network, streets, nothing, network.kinds[streets], network.flags[streets])
    starts = network.shape_offsets[streets].astype(np.int64)
    counts = network.shape_offsets[streets + 1] - starts
    owners = np.repeat(np.arange(len(streets)), counts)
    within = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    points = np.repeat(starts, counts) + within
    degrees = np.column_stack((network.shape_lat_e7[points], network.shape_lon_e7[points])) / 1e7
    whole = np.asarray(shapely.linestrings(view.pixels(degrees), indices=owners))
    lines = np.asarray(shapely.clip_by_rect(whole, -4.0, -4.0, view.width + 4.0, view.height + 4.0))
    kept = ~shapely.is_empty(lines)
    if not kept.any():
        return None
    streets = streets[kept]
    return _Pieces(network, streets, lines[kept], network.kinds[streets], network.flags[streets])


def _drawn_at(m_per_px: float) -> NDArray[np.bool_]:
    """Of each kind of street whether it is drawn at this scale."""
    drawn = {kind for level in _CLASSES if m_per_px <= level.coarsest_m_per_px for kind in level.kinds}
    return np.array([kind in drawn for kind in KINDS])


def _streets_in(network: Network, view: View) -> IntArray:
    south, west, north, east = view.corners()
    x0, y0 = network.plane(lat=south, lon=west)
    x1, y1 = network.plane(lat=north, lon=east)
    size = network.cell_m
    first_column, last_column = int((x0 - network.west_m) // size), int((x1 - network.west_m) // size)
    first_row, last_row = int((y0 - network.south_m) // size), int((y1 - network.south_m) // size)
    held = np.zeros(len(network.tails), np.bool_)
    for row in range(max(0, first_row), min(network.rows - 1, last_row) + 1):
        left, right = max(0, first_column), min(network.columns - 1, last_column)
        if left <= right:
            cell = row * network.columns
            part = slice(int(network.cell_offsets[cell + left]), int(network.cell_offsets[cell + right + 1]))
            held[network.cell_streets[part]] = True
    return np.flatnonzero(held).astype(np.int32)


def _merged(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """The same lines, those that go on into each other joined, without the points that nobody would miss."""
    whole = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(lines)))
    return np.asarray(shapely.simplify(shapely.get_parts(whole), _SIMPLER_PX, preserve_topology=False))


def _longest(lines: NDArray[np.object_], most_points: int) -> NDArray[np.object_]:
    order = np.argsort(-shapely.length(lines), kind="stable")
    fits = shapely.get_num_coordinates(lines[order]).cumsum() <= most_points
    return lines[np.sort(order[fits])]


def _path(lines: NDArray[np.object_], tone: str, width: float) -> str:
    if not len(lines):
        return ""
    shapes = f'd="{path_data(lines, PER_PX)}" {stroke(tone)} stroke-width="{width * PER_PX:g}"'
    return f'<path {shapes} transform="scale({1 / PER_PX:g})" stroke-linecap="round" stroke-linejoin="round"/>'


def path_data(lines: NDArray[np.object_], per_px: int, *, closed: bool = False) -> str:
    """The `d` of a path, whole steps of 1 / `per_px` pixels, each from the point before: short, and zips well."""
    coordinates, owners = shapely.get_coordinates(lines, return_index=True)
    steps = np.rint(coordinates * per_px).astype(np.int64)
    begins = np.ones(len(steps), np.bool_)
    begins[1:] = owners[1:] != owners[:-1]
    moved = np.ones(len(steps), np.bool_)
    moved[1:] = (np.diff(steps, axis=0) != 0).any(axis=1)
    kept = begins | moved
    steps, begins = steps[kept], begins[kept]
    x = y = 0
    parts: list[str] = []
    for (to_x, to_y), begin in zip(steps.tolist(), begins.tolist(), strict=True):
        if begin:
            if closed and parts:
                parts.append("z")
            # Absolute: after a closed ring the pen is back where the ring began.
            parts.append(f"M{to_x}{_joined(to_y)}" if closed or not parts else f"m{to_x - x}{_joined(to_y - y)}")
            separator = "l"
        else:
            first = to_x - x
            parts.append(f"{separator if first >= 0 or separator == 'l' else ''}{first}{_joined(to_y - y)}")
            separator = " "
        x, y = to_x, to_y
    return "".join(parts) + ("z" if closed and parts else "")


def _joined(value: int) -> str:
    """A number after another: its sign parts them, if it has one."""
    return f" {value}" if value >= 0 else str(value)


def _named(pieces: Sequence[_Pieces], shown: NDArray[np.bool_]) -> list[Named]:
    """Stretches of the streets that have a name, joined over their junctions."""
    held: dict[str, tuple[int, list[Any]]] = {}
    first = 0
    ranks = np.array([_rank(kind) for kind in KINDS])
    for piece in pieces:
        last = first + len(piece.lines)
        numbers = np.flatnonzero(shown[first:last] & (piece.network.names[piece.streets] >= 0))
        first = last
        for at in _alike(piece.network.names[piece.streets[numbers]]):
            name = piece.network.name_of(int(piece.streets[numbers[at[0]]])) or ""
            rank = int(ranks[piece.kinds[numbers[at]]].min())
            known, lines = held.setdefault(name, (rank, []))
            lines.extend(piece.lines[numbers[at]])
            held[name] = min(rank, known), lines
    found: list[Named] = []
    for name, (rank, lines) in held.items():
        whole = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(np.array(lines))))
        parts = shapely.get_parts(shapely.simplify(whole, _STRAIGHT_PX))
        found += [Named(name, np.asarray(shapely.get_coordinates(line)), rank) for line in parts]
    return found


def _alike(values: IntArray) -> list[NDArray[np.intp]]:
    """Where each value stands."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1) if len(order) else []


def _rank(kind: str) -> int:
    return next((rank for rank, level in enumerate(_CLASSES) if kind in level.kinds), len(_CLASSES))
