"""Pieces of street between junctions: cut where ways meet, joined where nothing forks. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.building_rights import Traits

_A_WAY_THROUGH: Final = 2
"""Ends of pieces at a point where nothing forks."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a street: its points, as ranks, from one end to the other."""

    traits: Traits
    points: tuple[int, ...]

    def reversed(self) -> Piece:
        """The same, drawn the other way."""
        return Piece(self.traits.reversed(), self.points[::-1])


def whole_parts(points: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Parts of a way of which every point is known, without a point twice in a row; of two points at least."""
    parts: list[list[int]] = [[]]
    for point in points.tolist():
        if point < 0:
            parts.append([])
        elif not parts[-1] or parts[-1][-1] != point:
            parts[-1].append(point)
    return [tuple(part) for part in parts if len(part) > 1]


def cut_at_junctions(runs: Sequence[Piece]) -> list[Piece]:
    """Cut each run at the points where it meets another, or itself."""
    uses: Counter[int] = Counter()
    for run in runs:
        uses.update(run.points)
        uses.update(run.points[1:-1])  # a point in the middle is the end of two parts
    pieces = []
    for run in runs:
        begin = 0
        for at in range(1, len(run.points)):
            if at == len(run.points) - 1 or uses[run.points[at]] != _A_WAY_THROUGH:
                pieces.append(Piece(run.traits, run.points[begin : at + 1]))
                begin = at
    return pieces


def without_doubles(pieces: Iterable[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Give (pieces, each once; those that are drawn again, in either direction, with the same traits)."""
    once: list[Piece] = []
    again: list[Piece] = []
    seen: set[Piece] = set()
    for piece in pieces:
        double = piece in seen or piece.reversed() in seen
        (again if double else once).append(piece)
        seen.add(piece)
    return once, again


def join(pieces: Sequence[Piece]) -> list[Piece]:
    """Join pieces of equal traits where exactly two ends meet."""
    ends: defaultdict[int, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        ends[piece.points[0]].append(number)
        ends[piece.points[-1]].append(number)
    used = [False] * len(pieces)

    def grown(piece: Piece) -> Piece:
        """Go on from the last point for as long as nothing forks."""
        points = list(piece.points)
        while len(meeting := ends[points[-1]]) == _A_WAY_THROUGH:
            number = next((number for number in meeting if not used[number]), None)
            if number is None:
                break
            following = pieces[number]
            if following.points[0] != points[-1]:
                following = following.reversed()
            if following.traits != piece.traits:
                break
            used[number] = True
            points.extend(following.points[1:])
        return Piece(piece.traits, tuple(points))

    joined = []
    for number, piece in enumerate(pieces):
        if not used[number]:
            used[number] = True
            forward = grown(piece)
            forks = len(ends[piece.points[0]]) != _A_WAY_THROUGH
            joined.append(forward if forks else grown(forward.reversed()).reversed())
    return joined


def without_loops(pieces: Iterable[Piece]) -> list[Piece]:
    """Cut each piece that comes back to its beginning at its middle point: a street has two ends."""
    cut = []
    for piece in pieces:
        if piece.points[0] != piece.points[-1]:
            cut.append(piece)
            continue
        middle = len(piece.points) // 2
        cut += [Piece(piece.traits, piece.points[: middle + 1]), Piece(piece.traits, piece.points[middle:])]
    return cut
