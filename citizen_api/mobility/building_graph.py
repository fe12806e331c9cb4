"""The graphs of a network: what is connected to what, what is an island, and the arcs by junction. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility.building_rights import AHEAD, BACK
from citizen_api.mobility.network import Float32Array, FloatArray, Graph, IntArray

ISLAND_M: Final = 1_000.0
"""A part of a graph that reaches nothing else is kept from so many metres of street on; the largest always is.

Shorter ones are mostly courtyards, platforms and what the edge of an extract cut off: a point brought to them would
have no way anywhere, where the next street has one.
"""


@dataclass(frozen=True, slots=True)
class Ends:
    """Streets as a graph sees them: their ends, and the directions in which each may be gone along (bits)."""

    tails: IntArray
    heads: IntArray
    directions: NDArray[np.uint8]

    def arcs(self) -> tuple[IntArray, IntArray, IntArray, NDArray[np.bool_]]:
        """Arcs by the junction they leave, then the one they reach: tails, heads, streets, backward."""
        ahead, back = (np.flatnonzero(self.directions & bit).astype(np.int32) for bit in (AHEAD, BACK))
        tails = np.concatenate((self.tails[ahead], self.heads[back]))
        heads = np.concatenate((self.heads[ahead], self.tails[back]))
        streets = np.concatenate((ahead, back))
        backward = np.concatenate((np.zeros(len(ahead), np.bool_), np.ones(len(back), np.bool_)))
        order = np.lexsort((backward, streets, heads, tails))
        return tails[order], heads[order], streets[order], backward[order]


def components(ends: Ends, n: int) -> IntArray:
    """Number of the set of junctions that reach each other, both ways: int32[n], -1 for one without arcs.

    Kosaraju's algorithm: junctions in the order in which a search leaves them for good, then, from the last to the
    first, all that lead there. The numbers follow the first junction of each set.
    """
    tails, heads, _, _ = ends.arcs()
    turned = np.argsort(heads, kind="stable")
    leads_to, comes_from = _Lists(_offsets(tails, n), heads), _Lists(_offsets(heads[turned], n), tails[turned])
    found = np.full(n, -1, np.int32)
    seen = [False] * n
    for number, root in enumerate(reversed(_left_in_order(leads_to, n))):
        if seen[root]:
            continue
        seen[root] = True
        waiting = [root]
        while waiting:
            node = waiting.pop()
            found[node] = number
            for tail in comes_from.of(node):
                if not seen[tail]:
                    seen[tail] = True
                    waiting.append(tail)
    touched = np.zeros(n, np.bool_)
    touched[tails] = touched[heads] = True
    found[~touched] = -1
    return _renumbered(found)


class _Lists:
    """For each junction a list of others."""

    def __init__(self, offsets: IntArray, values: IntArray) -> None:
        self._offsets: list[int] = offsets.tolist()
        self._values: list[int] = values.tolist()

    def of(self, node: int) -> list[int]:
        return self._values[self._offsets[node] : self._offsets[node + 1]]


def _left_in_order(leads_to: _Lists, n: int) -> list[int]:
    """Junctions in the order in which a search, deep first, leaves them."""
    left: list[int] = []
    seen = [False] * n
    for root in range(n):
        if seen[root]:
            continue
        seen[root] = True
        path = [(root, iter(leads_to.of(root)))]
        while path:
            node, rest = path[-1]
            following = next((head for head in rest if not seen[head]), None)
            if following is None:
                left.append(node)
                path.pop()
            else:
                seen[following] = True
                path.append((following, iter(leads_to.of(following))))
    return left


def _renumbered(found: IntArray) -> IntArray:
    known = found >= 0
    _, first, which = np.unique(found[known], return_index=True, return_inverse=True)
    numbers = np.empty(len(first), np.int32)
    numbers[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    result = np.full(len(found), -1, np.int32)
    result[known] = numbers[which]
    return result


def left_out(ends: Ends, n: int, length_m: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Streets that leave a graph: (those from which one cannot come back, or which cannot be reached; islands)."""
    used = ends.directions > 0
    found = components(ends, n)
    split = used & (found[ends.tails] != found[ends.heads])
    inside = used & ~split
    sizes = np.bincount(found[ends.tails[inside]], weights=length_m[inside], minlength=int(found.max(initial=-1)) + 1)
    kept = sizes >= ISLAND_M
    if len(sizes):
        kept[int(sizes.argmax())] = True
    island = inside.copy()
    island[inside] = ~kept[found[ends.tails[inside]]]
    return split, island


def make_graph(ends: Ends, n: int, *, ahead_s: Float32Array, back_s: Float32Array) -> Graph:
    """Put arcs in order. `ahead_s`, `back_s`: seconds along each street in its own direction, and against it."""
    tails, heads, streets, backward = ends.arcs()
    by_street = {bit: np.full(len(ends.tails), -1, np.int32) for bit in (False, True)}
    numbers = np.arange(len(streets), dtype=np.int32)
    for against, arcs in by_street.items():
        arcs[streets[backward == against]] = numbers[backward == against]
    return Graph(
        offsets=_offsets(tails, n),
        heads=heads,
        streets=streets,
        backward=backward,
        time_s=np.where(backward, back_s[streets], ahead_s[streets]).astype(np.float32),
        forward_arcs=by_street[False],
        backward_arcs=by_street[True],
        components=components(ends, n),
    )


def _offsets(tails: IntArray, n: int) -> IntArray:
    return np.concatenate(([0], np.cumsum(np.bincount(tails, minlength=n)))).astype(np.int32)
