"""What a map shows on its streets: ways coloured by exposure, areas, markers with their letters and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from citizen_api.mobility.map_parts import Area, Line, Marker, MarkerKind
from citizen_api.mobility.map_sheet import n, text_svg
from citizen_api.mobility.map_streets import path_data
from citizen_api.mobility.map_style import CASING, DASHES, STEPS, TONES, UNKNOWN, Step, fill, haloed, stroke
from citizen_api.mobility.map_view import View
from citizen_api.mobility.network import FloatArray

_PER_PX: Final = 5
_SIMPLER_PX: Final = 0.3
_AREA_SIMPLER_PX: Final = 0.5
_PLAIN_WIDTH: Final = 5.5
_OTHER_WIDTH: Final = 3.0
_APART_PX: Final = 23.0
_RINGS_PX: Final = (0.0, 25.0, 38.0, 52.0, 70.0)
"""How far from its point a marker may be drawn, where others are in its way."""
_DIRECTIONS: Final = 12
_RADIUS: Final = 11.0
_BEAD_PX: Final = 12.0
_HALF_LABEL_PX: Final = 24.0


class Placed(NamedTuple):
    """A marker, its sign, its point in pixels, and where its sign is drawn."""

    marker: Marker
    sign: str
    at: tuple[float, float]
    drawn_at: tuple[float, float]


# ---- Ways


def step_of(value: float) -> Step:
    """The class of an exposure, 1 being the mean of the city; NaN is UNKNOWN."""
    if math.isnan(value):
        return UNKNOWN
    return next(step for step in reversed(STEPS) if value >= step.least or step is STEPS[0])


def has_air(line: Line) -> bool:
    """Whether anything is known of the streets along a way."""
    return line.values is not None and not bool(np.isnan(line.values).all())


def shares(line: Line) -> dict[str, float]:
    """Of each class of exposure along a way, by the name of its step, its share of the length."""
    if line.values is None:
        return {}
    lengths = np.hypot(*(np.diff(line.points, axis=0) * [1, math.cos(math.radians(line.points[0, 0]))]).T)
    found: dict[str, float] = {}
    for value, length in zip(line.values.tolist(), lengths.tolist(), strict=True):
        name = step_of(value).name
        found[name] = found.get(name, 0.0) + length
    total = sum(found.values()) or 1.0
    return {name: length / total for name, length in found.items()}


def lines_svg(lines: Sequence[Line], view: View) -> list[str]:
    """Ways as paths, the chosen one above the others."""
    drawn: list[str] = []
    others = [line for line in lines if not line.chosen and len(line.points) > 1]
    for number, line in enumerate(others):
        shape = _d([view.pixels(line.points)])
        drawn.append(_stroked(shape, stroke("p"), _OTHER_WIDTH + CASING))
        drawn.append(_stroked(shape, stroke("i"), _OTHER_WIDTH, dashes=DASHES[number % len(DASHES)]))
    for line in lines:
        if line.chosen and len(line.points) > 1:
            drawn += _chosen(line, view)
    return drawn


def _chosen(line: Line, view: View) -> list[str]:
    pixels = view.pixels(line.points)
    if line.values is None:
        return [
            _stroked(_d([pixels]), stroke("i"), _PLAIN_WIDTH + CASING),
            _stroked(_d([pixels]), stroke("w"), _PLAIN_WIDTH),
        ]
    runs: dict[str, list[FloatArray]] = {}
    first = 0
    for name, alike in groupby(step_of(value).name for value in line.values.tolist()):
        last = first + len(list(alike))
        runs.setdefault(name, []).append(pixels[first : last + 1])
        first = last
    shapes = [(step, _d(runs[step.name])) for step in (*STEPS, UNKNOWN) if step.name in runs]
    casings = [_stroked(shape, stroke(step.casing), step.width + CASING) for step, shape in shapes]
    return casings + [part for step, shape in shapes for part in _filled(shape, step)]


def _filled(shape: str, step: Step) -> list[str]:
    if step is UNKNOWN:
        return [_stroked(shape, stroke("p"), step.width, dashes="3 7")]
    return [_stroked(shape, f'fill="none" stroke="{step.colour}"', step.width)]


def line_symbol(line: Line, step: Step | None, number: int) -> str:
    """A sample of a way for the legend, around (0, 0)."""
    scale = _PER_PX
    shape = f"M{-18 * scale} 0l{36 * scale} 0"
    if not line.chosen:
        return _stroked(shape, stroke("i"), _OTHER_WIDTH, dashes=DASHES[number % len(DASHES)])
    if step is None:
        return _stroked(shape, stroke("i"), _PLAIN_WIDTH + CASING) + _stroked(shape, stroke("w"), _PLAIN_WIDTH)
    return _stroked(shape, stroke(step.casing), step.width + CASING) + "".join(_filled(shape, step))


def _d(runs: Iterable[FloatArray]) -> str:
    lines = shapely.simplify(np.array([shapely.LineString(run) for run in runs]), _SIMPLER_PX)
    return path_data(np.asarray(lines), _PER_PX)


def _stroked(shape: str, paint: str, width: float, *, dashes: str = "") -> str:
    dashed = " ".join(n(float(part) * _PER_PX) for part in dashes.split())
    more = f' stroke-dasharray="{dashed}"' if dashes else ' stroke-linecap="round"'
    return (
        f'<path d="{shape}" {paint} stroke-width="{n(width * _PER_PX)}" stroke-linejoin="round"{more} '
        f'transform="scale({1 / _PER_PX:g})"/>'
    )


# ---- Areas


class DrawnAreas(NamedTuple):
    """Shapes, the largest below, the smaller the darker; their minutes; and the pixels that these stand on."""

    shapes: list[str]
    labels: list[str]
    taken: list[tuple[float, float]]


def areas_svg(areas: Sequence[Area], view: View) -> DrawnAreas:
    """Areas, each with its minutes at its edge."""
    drawn, labels = list[str](), list[str]()
    taken: list[tuple[float, float]] = []
    for area in sorted(areas, key=lambda each: -each.minutes):
        rings = [view.pixels(ring) for ring in area.rings if len(ring) > 3]  # noqa: PLR2004 - closed
        if not rings:
            continue
        lines: NDArray[Any] = np.array([shapely.LineString(ring) for ring in rings])
        lines = np.asarray(shapely.simplify(lines, _AREA_SIMPLER_PX))
        shape = path_data(lines, _PER_PX, closed=True)
        drawn.append(
            f'<path d="{shape}" class="a al" fill="{TONES["a"].day}" stroke="{TONES["a"].day}" fill-opacity=".2" '
            f'fill-rule="evenodd" stroke-width="{n(1.5 * _PER_PX)}" transform="scale({1 / _PER_PX:g})"/>'
        )
        x, y = _free_point(max(rings, key=len), taken, view)
        taken.append((x, y))
        labels.append(text_svg(f"{area.minutes} min", x, y + 5, 14, ink=haloed("i"), weight=700, anchor="middle"))
    wide_of_label = (-_HALF_LABEL_PX, 0.0, _HALF_LABEL_PX)
    return DrawnAreas(drawn, labels, [(x + aside, y) for x, y in taken for aside in wide_of_label])


def _free_point(ring: FloatArray, taken: Sequence[tuple[float, float]], view: View) -> tuple[float, float]:
    """A point of a ring for its label: the highest one, unless others are near; then the lowest, the sides."""
    corners = [ring[at] for at in (ring[:, 1].argmin(), ring[:, 1].argmax(), ring[:, 0].argmax(), ring[:, 0].argmin())]
    points = [
        (
            min(max(float(x), _HALF_LABEL_PX + 4), view.width - _HALF_LABEL_PX - 4),
            min(max(float(y), 12.0), view.height - 12.0),
        )
        for x, y in corners
    ]
    return next(
        (at for at in points if all(math.hypot(at[0] - x, at[1] - y) > 2 * _APART_PX for x, y in taken)), points[0]
    )


def area_symbol(rank: int) -> str:
    """A sample of an area for the legend: `rank` others are below it."""
    return "".join(
        f'<rect x="-16" y="-9" width="32" height="18" rx="3" class="a al" fill="{TONES["a"].day}" '
        f'stroke="{TONES["a"].day}" fill-opacity=".2"/>'
        for _ in range(rank + 1)
    )


# ---- Markers


def placed_markers(markers: Sequence[Marker], view: View) -> list[Placed]:
    """Give each marker its sign, and a place where none covers another if there is one."""
    placed: list[Placed] = []
    counts: dict[MarkerKind, int] = {}
    for marker in markers:
        counts[marker.kind] = counts.get(marker.kind, 0) + 1
        x, y = view.pixels(np.array([[marker.lat, marker.lon]]))[0].tolist()
        others = [each.drawn_at for each in placed]
        placed.append(Placed(marker, _sign(marker.kind, counts[marker.kind]), (x, y), _clear(x, y, others, view)))
    return placed


def _sign(kind: MarkerKind, number: int) -> str:
    return {"start": "A", "goal": "B", "here": ""}.get(kind, str(number))


def _clear(x: float, y: float, others: Sequence[tuple[float, float]], view: View) -> tuple[float, float]:
    for ring in _RINGS_PX:
        for turn in range(_DIRECTIONS if ring else 1):
            angle = 2 * math.pi * turn / _DIRECTIONS - math.pi / 2
            to_x, to_y = x + ring * math.cos(angle), y + ring * math.sin(angle)
            inside = _RADIUS <= to_x <= view.width - _RADIUS and _RADIUS <= to_y <= view.height - _RADIUS
            if inside and all(math.hypot(to_x - a, to_y - b) >= _APART_PX for a, b in others):
                return to_x, to_y
    return x, y


def markers_svg(placed: Sequence[Placed]) -> list[str]:
    """Markers, the first above the others; a line leads from one that had to give way to its point."""
    leaders = [
        f'<path d="M{n(each.at[0])} {n(each.at[1])}L{n(each.drawn_at[0])} {n(each.drawn_at[1])}" {stroke("i")} '
        f'stroke-width="1.5"/><circle cx="{n(each.at[0])}" cy="{n(each.at[1])}" r="3" {fill("i")}/>'
        for each in placed
        if each.at != each.drawn_at
    ]
    signs = [
        f'<g transform="translate({n(each.drawn_at[0])} {n(each.drawn_at[1])})">'
        f"{marker_symbol(each.marker.kind, each.sign)}</g>"
        for each in reversed(placed)
    ]
    return leaders + signs


def marker_symbol(kind: MarkerKind, sign: str) -> str:
    """A marker around (0, 0): each kind has its shape, so that a letter is never the only difference."""
    if kind == "here":
        edge = f'class="i pl" fill="{TONES["i"].day}" stroke="{TONES["p"].day}"'
        return f'<circle r="8" {edge} stroke-width="3"/><circle r="2.5" {fill("p")}/>'
    dark = kind in ("start", "goal")
    paint = f'class="{"i pl" if dark else "p il"}" fill="{TONES["i" if dark else "p"].day}" '
    paint += f'stroke="{TONES["p" if dark else "i"].day}" stroke-width="2"'
    shapes = {
        "start": f'<circle r="{_RADIUS:g}" {paint}/>',
        "goal": f'<path d="M0-15L14 0L0 15L-14 0z" {paint}/>',
        "station": f'<rect x="-10" y="-10" width="20" height="20" rx="4" {paint}/>',
        "place": f'<circle r="{_RADIUS:g}" {paint}/>',
    }
    return shapes[kind] + text_svg(sign, 0, 4.5, 13, ink=fill("p" if dark else "i"), weight=700, anchor="middle")


def beads(line: Line, view: View) -> list[tuple[float, float]]:
    """Pixels along a way, a name's height apart: what no name may cover."""
    pixels = view.pixels(line.points)
    gone = np.concatenate(([0.0], np.hypot(*np.diff(pixels, axis=0).T).cumsum()))
    at = np.arange(0.0, gone[-1] + _BEAD_PX, _BEAD_PX)
    xs, ys = np.interp(at, gone, pixels[:, 0]), np.interp(at, gone, pixels[:, 1])
    return list(zip(xs.tolist(), ys.tolist(), strict=True))
