"""Landmarks, which guide a search to its goal (A*).

From a junction v to a goal t it takes at least d(L, t) - d(L, v) and d(v, L) - d(t, L) seconds, whatever junction L is;
with a few L at the edge of the city that is nearly all it takes (A. Goldberg, C. Harrelson, Computing the shortest
path: A* search meets graph theory, 2005). A search multiplies it by the least that a second can cost it.

The distances are those of the graph's own `time_s`, each arc rounded down to a sixteenth of a second: so sums are
exact in float32 (up to twelve days), and a bound never contradicts that of the next junction.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility import kernel
from citizen_api.mobility.kernel import NO_EXITS, Arcs, Begins, Guide, Prices, Space, fixed
from citizen_api.mobility.network import Float32Array, FloatArray, Graph, IntArray

LANDMARKS: Final = 8
_PARTS_OF_A_SECOND: Final = np.float32(16)
_SHRUNK: Final = 1 - 1e-6
"""A bound is made this much lower: far more than rounding could make it too high."""

_NO_TABLE: Final = fixed(np.empty((0, 0), np.float32))
_NO_GOAL: Final = fixed(np.empty(0, np.float32))
_AT_ONCE: Final = np.zeros(1)

_Parts = tuple[NDArray[Any], ...]
_tables: dict[tuple[int, ...], tuple[tuple[weakref.ref[NDArray[Any]], ...], Float32Array]] = {}
_computing = threading.Lock()


def table_of(graph: Graph) -> Float32Array:
    """Distances of a graph, float32[n, 2 x LANDMARKS]: of each landmark L the seconds d(L, v), and -d(v, L).

    Worked out when they are first asked for (some 0.1 s for 30,000 junctions), kept as long as the graph.
    """
    parts = (graph.offsets, graph.heads, graph.time_s)
    found = _kept(parts)
    if found is None:
        with _computing:
            found = _kept(parts)
            if found is None:
                found = _work_out(graph)
                key = tuple(map(id, parts))
                _tables[key] = tuple(weakref.ref(part, lambda _: _tables.pop(key, None)) for part in parts), found
    return found


def guide_to(table: Float32Array, junctions: IntArray, *, scale: float, hours: int) -> Guide:
    """Guide a search to the nearest of some junctions. `scale`: at least so much costs a second of the graph's time."""
    return Guide(table, fixed(table[junctions].min(axis=0)), scale * _SHRUNK, hours)


def no_guide(hours: int) -> Guide:
    """That of a search in all directions."""
    return Guide(_NO_TABLE, _NO_GOAL, 0.0, hours)


def _kept(parts: _Parts) -> Float32Array | None:
    known = _tables.get(tuple(map(id, parts)))
    if known is None or any(ref() is not part for ref, part in zip(known[0], parts, strict=True)):
        return None
    return known[1]


def _work_out(graph: Graph) -> Float32Array:
    junctions = len(graph.offsets) - 1
    table = np.zeros((junctions, 2 * LANDMARKS), np.float32)
    members = graph.components[graph.components >= 0]
    if len(members):
        time_s = np.floor(graph.time_s * _PARTS_OF_A_SECOND) / _PARTS_OF_A_SECOND
        ahead, back = _Side(graph.offsets, graph.heads, time_s), _reversed(graph, time_s)
        largest = int(np.bincount(members).argmax())
        nearest = ahead.seconds_from(int((graph.components == largest).argmax()))
        for number in range(LANDMARKS):
            # The farthest from those there are: they come to lie around the city.
            landmark = int(np.where(np.isfinite(nearest), nearest, -1).argmax())
            there = ahead.seconds_from(landmark)
            table[:, 2 * number], table[:, 2 * number + 1] = there, -back.seconds_from(landmark)
            nearest = np.minimum(nearest, there) if number else there
    return fixed(table)


class _Side:
    """A graph in one direction, of which only times count."""

    def __init__(self, offsets: IntArray, heads: IntArray, time_s: Float32Array) -> None:
        nothing = fixed(np.zeros(len(heads), np.int32))
        self._arcs = Arcs(fixed(offsets), fixed(heads), nothing, fixed(np.zeros(1, np.bool_)), nothing, nothing)
        one, none = fixed(np.ones(1, np.float32)), fixed(np.zeros(1, np.float32))
        self._prices = Prices(fixed(time_s), one, none, fixed(np.zeros(1)), 0.0)
        self._space: Space = kernel.new_space(len(offsets) - 1, len(heads))

    def seconds_from(self, junction: int) -> FloatArray:
        """Seconds from a junction to each, inf where there is no way."""
        begins = Begins(np.array([junction], np.int32), _AT_ONCE, _AT_ONCE)
        kernel.grow(self._arcs, self._prices, self._space, begins, NO_EXITS, no_guide(1), kernel.NO_LIMIT_S, np.inf)
        return kernel.settled_seconds(self._space, len(self._arcs.offsets) - 1)


def _reversed(graph: Graph, time_s: Float32Array) -> _Side:
    junctions = len(graph.offsets) - 1
    tails = np.repeat(np.arange(junctions, dtype=np.int32), np.diff(graph.offsets))
    order = np.argsort(graph.heads, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(graph.heads, minlength=junctions)))).astype(np.int32)
    return _Side(offsets, tails[order], time_s[order])
