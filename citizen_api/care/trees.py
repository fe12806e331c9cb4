"""Trees over the places of each category, for `kernel.search`: complete binary trees of tight boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.core.geo import FloatArray

LEAF: Final = 24
"""About how many places a leaf holds: fewer make more boxes to look at, more make more places."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Members of one category in the order of its leaves, and the boxes (nodes, 6) of its nodes in heap order.

    Node `j` of level `l` holds the members from n*j >> l to n*(j+1) >> l. `node_features` (nodes, words) tell what
    some member of a node has.
    """

    members: NDArray[np.int32]
    levels: int
    boxes: FloatArray
    node_features: NDArray[np.uint64]


def levels_of(count: int) -> int:
    """How often `count` places are halved until a leaf holds LEAF at most."""
    levels = 0
    while count > LEAF << levels:
        levels += 1
    return levels


def build_tree(members: NDArray[np.int32], ecef: FloatArray, features: NDArray[np.uint64]) -> Tree:
    """Halve the members (numbers of places) again and again across the longest side of their box.

    `ecef` (places, 3) and `features` (places, words) are of all places.
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
    boxes, has = _summaries(xyz, features[members], levels)
    return Tree(members, levels, boxes, has)


def _summaries(xyz: FloatArray, features: NDArray[np.uint64], levels: int) -> tuple[FloatArray, NDArray[np.uint64]]:
    """Boxes and features of every node, from the leaves up."""
    count, nodes = len(xyz), (2 << levels) - 1
    boxes = np.empty((nodes, 6))
    has = np.empty((nodes, features.shape[1]), dtype=np.uint64)
    starts = np.array([(count * rank) >> levels for rank in range(1 << levels)], dtype=np.intp)
    first = (1 << levels) - 1
    boxes[first:, :3] = np.minimum.reduceat(xyz, starts)
    boxes[first:, 3:] = np.maximum.reduceat(xyz, starts)
    has[first:] = np.bitwise_or.reduceat(features, starts)
    for level in range(levels - 1, -1, -1):
        here = slice((1 << level) - 1, (2 << level) - 1)
        below = slice((2 << level) - 1, (4 << level) - 1)
        boxes[here, :3] = boxes[below, :3].reshape(-1, 2, 3).min(axis=1)
        boxes[here, 3:] = boxes[below, 3:].reshape(-1, 2, 3).max(axis=1)
        has[here] = has[below, :][0::2] | has[below, :][1::2]
    return boxes, has
