"""A synthetic city of any size, as an extract of OpenStreetMap: no place on earth, the same for the same seed.

A lattice of blocks of about 95 m, shaken, a tenth of its lesser streets left out, each street with a bend: so that no
two ways cost the same, and the nearest way is not the straight one. A main road every ten blocks, a tertiary one
between them; of the others a part is one-way, a part on foot only; here and there a park.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
from numpy.typing import NDArray
from osmium.osm.mutable import Node, Way

ORIGIN = (46.5, 2.5)
BLOCK_M, SHAKEN_M, BEND_M = 95.0, 22.0, 9.0
LEFT_OUT, MAIN_EVERY, PARK_EVERY = 0.1, 10, 12
_LESSER = (
    ({"highway": "residential"}, 0.46),
    ({"highway": "residential", "oneway": "yes"}, 0.22),
    ({"highway": "living_street"}, 0.07),
    ({"highway": "cycleway", "foot": "yes"}, 0.05),
    ({"highway": "footway"}, 0.17),
    ({"highway": "steps"}, 0.03),
)


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Junction row * side + column."""

    side: int
    lats: NDArray[np.float64]
    lons: NDArray[np.float64]
    north: float
    east: float


def write_city(path: Path, *, junctions: int, seed: int = 7) -> Path:
    """Write a city with about so many junctions (of those that are drawn some turn out to be none)."""
    draw = np.random.default_rng(seed)
    # What is left out makes some of the lattice's points mere bends or ends.
    lattice = _lattice(max(3, round(math.sqrt(1.02 * junctions))), draw)
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for number, (lat, lon) in enumerate(zip(lattice.lats.tolist(), lattice.lons.tolist(), strict=True), start=1):
            writer.add_node(Node(id=number, location=(lon, lat), version=1))
        streets = _streets(lattice, draw)
        bend = len(lattice.lats)
        for tail, head, _ in streets:
            bend += 1
            lon, lat = _bend(lattice, tail, head, draw)
            writer.add_node(Node(id=bend, location=(lon, lat), version=1))
        first_bend = len(lattice.lats) + 1
        for number, (tail, head, tags) in enumerate(streets):
            nodes = [tail + 1, first_bend + number, head + 1]
            writer.add_way(Way(id=number + 1, nodes=nodes, tags=tags, version=1))
        for number, corners in enumerate(_parks(lattice.side), start=len(streets) + 1):
            tags = {"leisure": "park"}
            writer.add_way(Way(id=number, nodes=[corner + 1 for corner in corners], tags=tags, version=1))
    return path


def _lattice(side: int, draw: np.random.Generator) -> _Lattice:
    north, east = 1 / 111_200, 1 / (111_300 * math.cos(math.radians(ORIGIN[0])))
    shaken = draw.uniform(-SHAKEN_M, SHAKEN_M, (2, side * side))
    x = np.tile(np.arange(side) * BLOCK_M, side) + shaken[0]
    y = np.repeat(np.arange(side) * BLOCK_M, side) + shaken[1]
    return _Lattice(side, ORIGIN[0] + y * north, ORIGIN[1] + x * east, north, east)


def _streets(lattice: _Lattice, draw: np.random.Generator) -> list[tuple[int, int, dict[str, str]]]:
    """Tail, head and tags of each street."""
    side, found = lattice.side, []
    shares = np.cumsum([share for _, share in _LESSER])
    for line in range(side):
        rank = "primary" if line % (2 * MAIN_EVERY) == 0 else "secondary" if line % MAIN_EVERY == 0 else ""
        rank = rank or ("tertiary" if line % (MAIN_EVERY // 2) == 0 else "")
        kinds = np.searchsorted(shares, draw.uniform(0, shares[-1], (side - 1, 2)))
        left_out = draw.random((side - 1, 2)) < LEFT_OUT
        lit = draw.random((side - 1, 2)) < 0.8  # noqa: PLR2004 - the others say that they are not
        for step in range(side - 1):
            for way, (tail, head) in enumerate(
                ((line * side + step, line * side + step + 1), (step * side + line, (step + 1) * side + line))
            ):
                if rank or not left_out[step, way]:
                    tags = {"highway": rank} if rank else _LESSER[kinds[step, way]][0]
                    name = f"Synthetic {'street' if way == 0 else 'avenue'} {line}"
                    found.append((tail, head, tags | {"lit": "yes" if lit[step, way] else "no", "name": name}))
    return found


def _bend(lattice: _Lattice, tail: int, head: int, draw: np.random.Generator) -> tuple[float, float]:
    east, north = draw.uniform(-BEND_M, BEND_M, 2).tolist()
    lon = (lattice.lons[tail] + lattice.lons[head]) / 2 + east * lattice.east
    lat = (lattice.lats[tail] + lattice.lats[head]) / 2 + north * lattice.north
    return float(lon), float(lat)


def _parks(side: int) -> list[list[int]]:
    """Corners of parks, two blocks wide, closed."""
    places = range(PARK_EVERY // 2, side - 3, PARK_EVERY)
    corners = [(0, 0), (0, 2), (2, 2), (2, 0), (0, 0)]
    return [[(row + up) * side + column + right for up, right in corners] for row in places for column in places]
