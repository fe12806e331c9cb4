"""Trees over the places of each category, for `kernel.search`: complete binary trees of tight boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.core.geo import FloatArray

LEAF: Final = 24
"""About how many places a leaf holds: fewer make more boxes to look at, more make more places."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Members of one category in the order of its leaves, and the boxes (nodes, 6) of its nodes in heap order.

    Node `j` of level `l` holds the members from n*j >> l to n*(j+1) >> l. `node_features` (nodes, words) tell what
    some member of a node has, `node_buckets` (nodes,) in which buckets of schedules its members are, as bits.
    """

    members: NDArray[np.int32]
    levels: int
    boxes: FloatArray
    node_features: NDArray[np.uint64]
    node_buckets: NDArray[np.uint64]


def levels_of(count: int) -> int:
    """How often `count` places are halved until a leaf holds LEAF at most."""
    levels = 0
    while count > LEAF << levels:
        levels += 1
    return levels


def build_tree(
    members: NDArray[np.int32], ecef: FloatArray, features: NDArray[np.uint64], buckets: NDArray[np.uint8]
) -> Tree:
    """Halve the members (numbers of places) again and again across the longest side of their box.

    `ecef` (places, 3), `features` (places, words) and `buckets` (places,) are of all places.
    """
    members = members.copy()
    xyz = ecef[members]
    count, levels = len(members), levels_of(len(members))
    for level in range(levels):
        for rank in range(1 << level):
            start, end = (count * rank) >> level, (count * (rank + 1)) >> level
            middle = (count * (2 * rank + 1)) >> (level + 1)
            part = xyz[start:end]
            axis = int(np.argmax(part.max(axis=0) - part.min(axis=0)))
            order = np.argpartition(part[:, axis], middle - start)
            xyz[start:end] = part[order]
            members[start:end] = members[start:end][order]
    boxes = np.empty(((2 << levels) - 1, 6))
    boxes[:, :3] = _upwards(xyz, levels, np.minimum)
    boxes[:, 3:] = _upwards(xyz, levels, np.maximum)
    bits = np.left_shift(np.uint64(1), buckets[members].astype(np.uint64))[:, None]
    has = _upwards(features[members], levels, np.bitwise_or)
    return Tree(members, levels, boxes, has, _upwards(bits, levels, np.bitwise_or)[:, 0])


def _upwards(values: NDArray[Any], levels: int, summary: np.ufunc) -> NDArray[Any]:
    """Summarise the rows of `values`, one for each member, for every node, from the leaves up."""
    count, first = len(values), (1 << levels) - 1
    found = np.empty(((2 << levels) - 1, values.shape[1]), dtype=values.dtype)
    starts = np.array([(count * rank) >> levels for rank in range(1 << levels)], dtype=np.intp)
    found[first:] = summary.reduceat(values, starts)
    for level in range(levels - 1, -1, -1):
        below = found[(2 << level) - 1 : (4 << level) - 1]
        found[(1 << level) - 1 : (2 << level) - 1] = summary(below[0::2], below[1::2])
    return found
