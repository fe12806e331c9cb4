"""The compiled search: ways of least cost over a graph of arcs (CSR). See `network.Graph` and `search.Costs`.

numba compiles these functions once and keeps the machine code beside this file (or in NUMBA_CACHE_DIR). They keep the
GIL, and write to nothing but a `Space`, which belongs to one thread. Every array of the network and of the costs comes
as `fixed`, so that one machine code serves those in memory and those in mapped files.

A junction is labelled with (cost, seconds, arc by which it is reached); the least label, in this order, is kept. It
does not depend on the order in which junctions are settled, so that a guided search finds the very same way.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from citizen_api.mobility.network import Float32Array, FloatArray, IntArray

NO_WAY, MORE_HOURS = -1, -2
"""Instead of the number of an exit: none is reached; hours are, of which the guide does not know the price."""
NO_LIMIT_S = 1e300
SPARE = 3
"""A heap may hold every arc once, and each begin."""

_compiled = njit(cache=True, error_model="numpy")
_Array = TypeVar("_Array", bound=NDArray[Any])


class Arcs(NamedTuple):
    """A graph and the ends of its streets: `network.Graph`, `network.Network`."""

    offsets: IntArray
    heads: IntArray
    streets: IntArray
    backward: NDArray[np.bool_]
    street_tails: IntArray
    street_heads: IntArray


class Prices(NamedTuple):
    """`search.Costs`, piece by piece."""

    time_s: Float32Array
    weight: Float32Array
    factor: Float32Array
    hours: FloatArray
    first_s: float


class Begins(NamedTuple):
    """Junctions where a search begins, each with the cost and the seconds from the start to there."""

    junctions: IntArray
    costs: FloatArray
    seconds: FloatArray


class Exits(NamedTuple):
    """Junctions where a way may leave the graph, each with its last street and the seconds along that to the goal."""

    junctions: IntArray
    streets: IntArray
    seconds: FloatArray


NO_EXITS = Exits(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))


class Guide(NamedTuple):
    """A lower bound of what is left: scale x max(goal - table[junction]); see `landmarks`. A scale of 0: none.

    `table` float32[n, k], `goal` float32[k]; `hours`: how many of the prices' hours `scale` takes into account.
    """

    table: Float32Array
    goal: Float32Array
    scale: float
    hours: int


class Space(NamedTuple):
    """What a search writes to; never cleared.

    The label of junction j counts only where `marks[j]` is of this search: `turn[0]`, it is open, or `turn[0] + 1`, it
    is settled. `exits[j]` is `turn[0]` where a way may leave. `keys` and `nodes` are the heap.
    """

    cost: FloatArray
    seconds: FloatArray
    by: IntArray
    marks: NDArray[np.int64]
    exits: NDArray[np.int64]
    turn: NDArray[np.int64]
    keys: FloatArray
    nodes: IntArray


def new_space(junctions: int, arcs: int) -> Space:
    """Room for searches in a graph of this size or less. Only what is touched takes memory."""
    return Space(
        cost=np.empty(junctions),
        seconds=np.empty(junctions),
        by=np.empty(junctions, np.int32),
        marks=np.zeros(junctions, np.int64),
        exits=np.zeros(junctions, np.int64),
        turn=np.zeros(1, np.int64),
        keys=np.empty(arcs + SPARE),
        nodes=np.empty(arcs + SPARE, np.int32),
    )


def fixed(array: _Array) -> _Array:
    """The same array, read-only: the kind that the compiled functions take."""
    view = array.view()
    view.setflags(write=False)
    return view


@_compiled
def grow(
    arcs: Arcs, prices: Prices, space: Space, begins: Begins, exits: Exits, guide: Guide, limit_s: float, bar: float
) -> tuple[int, float]:
    """Settle junctions from `begins` on; gives the number of the exit of the cheapest way, and what that costs.

    It ends when every exit is settled, when no way can be cheaper than the best one or than `bar`, or when nothing is
    left within `limit_s` seconds. An exit with inf seconds is settled, but no way leaves there.
    """
    offsets, heads, streets = arcs.offsets, arcs.heads, arcs.streets
    time_s, weight, factor, hours, first_s = prices
    cost, seconds, by, marks, _, turns, keys, nodes = space
    table, goal, scale, known_hours = guide
    turn, waiting = turns[0] + 2, _mark_exits(space, exits)
    chosen, size = NO_WAY, 0
    for number in range(len(begins.junctions)):
        node = begins.junctions[number]
        if begins.seconds[number] <= limit_s and _label(
            cost, seconds, by, marks, turn, node, begins.costs[number], begins.seconds[number], -1 - number
        ):
            size = _push(keys, nodes, size, cost[node] + _left(table, goal, scale, node), node)
    while size and waiting and keys[0] < bar:
        node = nodes[0]
        size = _pop(keys, nodes, size)
        if marks[node] > turn:
            continue
        marks[node] = turn + 1
        here, at_s = cost[node], seconds[node]
        hour = _hour(len(hours), first_s, at_s)
        if hour >= known_hours:
            return MORE_HOURS, bar
        if space.exits[node] == turn:
            waiting -= 1
            chosen, bar = _leave(space, prices, exits, node, chosen, bar)
        for arc in range(offsets[node], offsets[node + 1]):
            head, then_s = heads[arc], at_s + time_s[arc]
            if marks[head] <= turn and then_s <= limit_s:
                then = here + time_s[arc] * (weight[streets[arc]] + hours[hour] * factor[streets[arc]])
                if _label(cost, seconds, by, marks, turn, head, then, then_s, arc):
                    size = _push(keys, nodes, size, then + _left(table, goal, scale, head), head)
    return chosen, bar


@_compiled
def _price(prices: Prices, arc_s: float, street: int, at_s: float) -> float:
    """Cost of `arc_s` seconds on a street that is reached `at_s` seconds after the departure."""
    air = prices.hours[_hour(len(prices.hours), prices.first_s, at_s)]
    return float(arc_s * (prices.weight[street] + air * prices.factor[street]))


@_compiled
def settled_seconds(space: Space, junctions: int) -> FloatArray:
    """Seconds to each of so many junctions, of the search just made; inf where it did not settle them."""
    found = np.full(junctions, math.inf)
    for junction in range(junctions):
        if space.marks[junction] == space.turn[0] + 1:
            found[junction] = space.seconds[junction]
    return found


@_compiled
def leave_all(
    space: Space, prices: Prices, exits: Exits, goals: IntArray, costs: FloatArray, seconds: FloatArray
) -> None:
    """Improve the cost and the seconds of each goal by the exits, each of which belongs to one of `goals`."""
    for number in range(len(exits.junctions)):
        junction = exits.junctions[number]
        if space.marks[junction] == space.turn[0] + 1:
            at_s, goal = space.seconds[junction], goals[number]
            total = space.cost[junction] + _price(prices, exits.seconds[number], exits.streets[number], at_s)
            if total < costs[goal]:
                costs[goal], seconds[goal] = total, at_s + exits.seconds[number]


@_compiled
def unwind(arcs: Arcs, space: Space, junction: int) -> IntArray:
    """Arcs of the way to a settled junction; before them, as -1 - number, its begin."""
    count, at = 1, junction
    while space.by[at] >= 0:
        at = _tail(arcs, space.by[at])
        count += 1
    way = np.empty(count, np.int32)
    at = junction
    for rank in range(count - 1, 0, -1):
        way[rank] = space.by[at]
        at = _tail(arcs, space.by[at])
    way[0] = space.by[at]
    return way


@_compiled
def _tail(arcs: Arcs, arc: int) -> int:
    street = arcs.streets[arc]
    return int(arcs.street_heads[street] if arcs.backward[arc] else arcs.street_tails[street])


@_compiled
def _mark_exits(space: Space, exits: Exits) -> int:
    """Begin a new turn; gives how many junctions are exits, -1 without any."""
    space.turn[0] += 2
    count = 0
    for junction in exits.junctions:
        if space.exits[junction] != space.turn[0]:
            space.exits[junction] = space.turn[0]
            count += 1
    return count or -1


@_compiled
def _leave(space: Space, prices: Prices, exits: Exits, junction: int, chosen: int, bar: float) -> tuple[int, float]:
    """The cheaper of the best way so far and those that leave at a junction."""
    for number in range(len(exits.junctions)):
        if exits.junctions[number] == junction and exits.seconds[number] < math.inf:
            at_s = space.seconds[junction]
            total = space.cost[junction] + _price(prices, exits.seconds[number], exits.streets[number], at_s)
            if total < bar:
                chosen, bar = number, total
    return chosen, bar


@_compiled
def _hour(hours: int, first_s: float, at_s: float) -> int:
    if at_s < first_s:
        return 0
    return min(1 + int((at_s - first_s) / 3600.0), hours - 1)


@_compiled
def _left(table: Float32Array, goal: Float32Array, scale: float, junction: int) -> float:
    """At least what is left of the cost from a junction on."""
    if scale == 0:
        return 0.0
    most = np.float32(0)
    for rank in range(len(goal)):
        most = max(most, goal[rank] - table[junction, rank])
    return float(scale * most)


@_compiled
def _label(
    cost: FloatArray,
    seconds: FloatArray,
    by: IntArray,
    marks: NDArray[np.int64],
    turn: int,
    node: int,
    then: float,
    then_s: float,
    arc: int,
) -> bool:
    """Keep a label if it is the least so far of an open junction."""
    if marks[node] == turn:
        if then > cost[node]:
            return False
        if then == cost[node] and (then_s > seconds[node] or (then_s == seconds[node] and arc >= by[node])):
            return False
    marks[node] = turn
    cost[node], seconds[node], by[node] = then, then_s, arc
    return True


@_compiled
def _push(keys: FloatArray, nodes: IntArray, size: int, key: float, node: int) -> int:
    hole = size
    while hole:
        parent = (hole - 1) >> 1
        if keys[parent] < key or (keys[parent] == key and nodes[parent] <= node):
            break
        keys[hole], nodes[hole] = keys[parent], nodes[parent]
        hole = parent
    keys[hole], nodes[hole] = key, node
    return size + 1


@_compiled
def _pop(keys: FloatArray, nodes: IntArray, size: int) -> int:
    """Take the first of `size` entries away."""
    key, node = keys[size - 1], nodes[size - 1]
    size -= 1
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (keys[other] < keys[child] or (keys[other] == keys[child] and nodes[other] < nodes[child])):
            child = other
        if key < keys[child] or (key == keys[child] and node <= nodes[child]):
            break
        keys[hole], nodes[hole] = keys[child], nodes[child]
        hole = child
    keys[hole], nodes[hole] = key, node
    return size
