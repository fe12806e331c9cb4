"""Names of streets on a map: along a straight stretch, where there is room for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from citizen_api.mobility.map_sheet import n, safe, wide
from citizen_api.mobility.map_style import haloed
from citizen_api.mobility.map_view import View
from citizen_api.mobility.network import FloatArray

_MOST: Final = 12
_SIZE: Final = 10.0
_APART_PX: Final = 16.0
_LONGEST: Final = 28
"""Letters of a name that is still written."""


class Named(NamedTuple):
    """A piece of a street in view: its points in pixels, and how large it is (0 is the largest)."""

    name: str
    points: FloatArray
    rank: int


class _Place(NamedTuple):
    name: str
    x: float
    y: float
    angle: float
    half: float

    def beads(self) -> list[tuple[float, float]]:
        """Points along the middle of the text, less than _APART_PX apart."""
        count = max(1, math.ceil(2 * self.half / _APART_PX))
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = [(-1 + 2 * step / count) * self.half for step in range(count + 1)]
        return [(self.x + each * cos, self.y + each * sin) for each in along]


def names_svg(streets: Sequence[Named], view: View, *, kept_free: Sequence[tuple[float, float]]) -> list[str]:
    """Each name at most once, none over another, over the edge, or over the pixels `kept_free`."""
    candidates = [(street.rank, -room, place) for street in streets for place, room in [_straightest(street)] if place]
    candidates.sort(key=lambda found: (found[0], found[1], found[2].name))
    taken, said, drawn = list(kept_free), set[str](), list[str]()
    for _, _, place in candidates:
        beads = place.beads()
        if len(drawn) >= _MOST:
            break
        if place.name in said or not all(_inside(x, y, view) for x, y in beads):
            continue
        if any(math.hypot(x - other_x, y - other_y) < _APART_PX for x, y in beads for other_x, other_y in taken):
            continue
        taken += beads
        said.add(place.name)
        drawn.append(_written(place))
    return drawn


def _straightest(street: Named) -> tuple[_Place | None, float]:
    """The longest straight stretch, if the name fits along it, and how much room it leaves."""
    name = " ".join(street.name.split())
    need = wide(name, _SIZE)
    best: tuple[_Place | None, float] = (None, -math.inf)
    if not name or len(name) > _LONGEST:
        return best
    for (x0, y0), (x1, y1) in zip(street.points[:-1].tolist(), street.points[1:].tolist(), strict=True):
        room = math.hypot(x1 - x0, y1 - y0) - need
        if room >= 0 and room > best[1]:
            angle = math.atan2(y1 - y0, x1 - x0)
            if abs(angle) > math.pi / 2:
                angle -= math.copysign(math.pi, angle)
            best = _Place(name, (x0 + x1) / 2, (y0 + y1) / 2, angle, need / 2), room
    return best


def _inside(x: float, y: float, view: View) -> bool:
    return _SIZE <= x <= view.width - _SIZE and _SIZE <= y <= view.height - _SIZE


def _written(place: _Place) -> str:
    turned = f'transform="translate({n(place.x)} {n(place.y)}) rotate({math.degrees(place.angle):.0f})"'
    return f'<text {turned} y="3.5" font-size="{n(_SIZE)}" text-anchor="middle" {haloed("s")}>{safe(place.name)}</text>'
