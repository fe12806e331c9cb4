"""From the ways of an extract to streets between junctions, and what was dropped on the way. Pure.

Ways are cut where points are missing, where nobody passes, and where they meet; pieces of equal traits are joined
where nothing forks; what no graph holds is dropped, and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.building_geometry import Lines, lay
from citizen_api.mobility.building_graph import Ends, left_out
from citizen_api.mobility.building_pieces import (
    Piece,
    cut_at_junctions,
    join,
    whole_parts,
    without_doubles,
    without_loops,
)
from citizen_api.mobility.building_rights import NEITHER, traits_of
from citizen_api.mobility.network import KINDS
from citizen_api.sources.osm_streets import Extract

OTHER_KIND: Final = "not a street for walking or cycling"
NO_ACCESS: Final = "closed to walkers and cyclists"
GAP: Final = "no two known points in a row"
DOUBLE: Final = "drawn twice"
NO_WAY_BACK: Final = "one-way into or out of nowhere"
ISLAND: Final = "islands"


@dataclass(frozen=True, slots=True, kw_only=True)
class Streets:
    """Streets between junctions. `lats_e7`, `lons_e7` int64: positions of the points that the pieces name by rank.

    `dropped`: {why: (ways or pieces, km)}; with `kept_km` these are `total_km`. `gaps`: places where a way was cut
    because points are missing.
    """

    pieces: list[Piece]
    lats_e7: NDArray[np.int64]
    lons_e7: NDArray[np.int64]
    total_km: float
    kept_km: float
    dropped: Mapping[str, tuple[int, float]]
    gaps: int

    def lay(self) -> Lines:
        """Lay the streets on a plane around their middle."""
        return lay([piece.points for piece in self.pieces], self.lats_e7, self.lons_e7)


def streets_of(extract: Extract) -> Streets:
    """Cut, join and drop; the streets are empty when nothing may be walked or cycled along."""
    drawn = _Drawn(extract.lats_e7.tolist(), extract.lons_e7.tolist(), extract.shut)
    runs = _runs(extract, drawn)
    total_km = drawn.km([run.points for run in runs]) + sum(drawn.dropped_km().values())
    pieces = _between_junctions(_connected(_between_junctions(runs, drawn), drawn), drawn)
    kilometres = drawn.dropped_km()
    return Streets(
        pieces=pieces,
        lats_e7=np.array(drawn.lats_e7, np.int64),
        lons_e7=np.array(drawn.lons_e7, np.int64),
        total_km=total_km,
        kept_km=drawn.km([piece.points for piece in pieces]),
        dropped={why: (len(drawn.dropped[why]), km) for why, km in kilometres.items()},
        gaps=drawn.gaps,
    )


@dataclass
class _Drawn:
    """Points of the extract, and copies of those that nobody passes: each way ends at one of its own."""

    lats_e7: list[int]
    lons_e7: list[int]
    shut: frozenset[int]
    gaps: int = 0
    dropped: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))

    def open_parts(self, part: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
        """Cut a part of a way where nobody passes."""
        if self.shut.isdisjoint(part):
            return [part]
        parts: list[list[int]] = []
        for tail, head in pairwise(part):
            if not parts or tail in self.shut:
                parts.append([self._own(tail)])
            parts[-1].append(self._own(head))
        return map(tuple, parts)

    def _own(self, point: int) -> int:
        if point not in self.shut:
            return point
        self.lats_e7.append(self.lats_e7[point])
        self.lons_e7.append(self.lons_e7[point])
        return len(self.lats_e7) - 1

    def lay(self, points: Sequence[tuple[int, ...]]) -> Lines:
        return lay(points, np.array(self.lats_e7, np.int64), np.array(self.lons_e7, np.int64))

    def km(self, points: Sequence[tuple[int, ...]]) -> float:
        drawn = [each for each in points if each]
        return self.lay(drawn).drawn_m / 1000 if drawn else 0.0

    def dropped_km(self) -> dict[str, float]:
        return {why: self.km(points) for why, points in self.dropped.items()}


def _runs(extract: Extract, drawn: _Drawn) -> list[Piece]:
    runs = []
    for street in extract.streets:
        parts = whole_parts(street.points)
        drawn.gaps += max(len(parts) - 1, 0)
        if not parts:
            drawn.dropped[GAP].append(())
            continue
        traits = traits_of(street.tags)
        if traits is None:
            drawn.dropped[NO_ACCESS if street.tags.kind in KINDS else OTHER_KIND] += parts
        else:
            runs += [Piece(traits, part) for whole in parts for part in drawn.open_parts(whole)]
    return _once(runs, drawn)


def _between_junctions(runs: Sequence[Piece], drawn: _Drawn) -> list[Piece]:
    # Before they are joined too: what leads there and back alike would make a loop of the two.
    pieces = _once(cut_at_junctions(runs), drawn)
    return _once(without_loops(join(pieces)), drawn)


def _once(pieces: Sequence[Piece], drawn: _Drawn) -> list[Piece]:
    once, again = without_doubles(pieces)
    drawn.dropped[DOUBLE] += [piece.points for piece in again]
    return once


def _connected(pieces: Sequence[Piece], drawn: _Drawn) -> list[Piece]:
    """Take pieces out of the graphs in which they lead nowhere; drop those that are then in none."""
    if not pieces:
        return []
    junctions, ends = np.unique([(piece.points[0], piece.points[-1]) for piece in pieces], return_inverse=True)
    tails, heads = ends.reshape(-1, 2).astype(np.int32).T
    length = drawn.lay([piece.points for piece in pieces]).length_m
    reasons = {}
    keeps = {}
    for graph in ("walk", "bike"):
        directions = np.array([getattr(piece.traits, graph) for piece in pieces], np.uint8)
        split, island = left_out(Ends(tails, heads, directions), len(junctions), length)
        directions[split | island] = NEITHER
        keeps[graph], reasons[graph] = directions, (split, island)
    kept = []
    for number, piece in enumerate(pieces):
        walk, bike = int(keeps["walk"][number]), int(keeps["bike"][number])
        if walk or bike:
            unchanged = (walk, bike) == (piece.traits.walk, piece.traits.bike)
            kept.append(piece if unchanged else Piece(replace(piece.traits, walk=walk, bike=bike), piece.points))
        else:
            on_island = any(island[number] for _, island in reasons.values())
            drawn.dropped[ISLAND if on_island else NO_WAY_BACK].append(piece.points)
    return kept
