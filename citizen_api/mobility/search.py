"""Questions to a network: the nearest street, the best way, what is within reach. Nothing here changes a network.

What is exact. While the price of the air stays the same on the whole way (NO_HOURS; a way within one hour), the cost
is the least there is. Where it changes meanwhile, the cost of an arc depends on when it is reached, and each junction
keeps one label: that of least cost, with the seconds of that way. A dearer way to a junction, by which one would come
there in a cheaper hour, is not followed further. The cost that is told is always that of the way that is told, at its
own hours; and with or without a guide, in one thread or in many, the same question has the same answer.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from citizen_api.mobility import kernel
from citizen_api.mobility.kernel import NO_EXITS, NO_LIMIT_S, Arcs, Begins, Exits, Guide, Prices, Space, fixed
from citizen_api.mobility.landmarks import guide_to, no_guide, table_of
from citizen_api.mobility.network import Float32Array, FloatArray, Graph, GraphName, IntArray, Network
from citizen_api.mobility.snapping import Snap, snap

__all__ = ("NO_HOURS", "Costs", "Route", "Snap", "find_route", "reach", "snap", "times_to", "warm_up", "with_access")

NO_HOURS: Final = np.zeros(1, np.float64)
_NEAR_HOURS: Final = 3
"""A trip is first looked for as if it ended within so many hours: the prices of a whole day bound it less well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What moving costs: for each arc, time_s x (weight of its street + hours[hour when it is reached] x factor).

    `time_s` float32[m]: seconds of each arc, inf where one must not go. `weight` float32[s], at least 0.1. `factor`
    float32[s]. `hours` float64[h]: the price of the air for each hour, at least 0; the first lasts `first_s` seconds
    from the departure, the others an hour each, the last for ever. Without air: `hours` NO_HOURS.
    """

    time_s: Float32Array
    weight: Float32Array
    factor: Float32Array
    hours: FloatArray
    first_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way, street by street.

    `streets` int32[k]; `begins`, `ends` float32[k]: the fractions of each street's length between which it is gone
    along (begin > end: backward); `time_s` float64[k]. `cost`: as `Costs` tell it. `before_s`, `after_s`: from a door
    to the first street and from the last one to a door, on foot and beside no street that is known.
    """

    streets: IntArray
    begins: Float32Array
    ends: Float32Array
    time_s: FloatArray
    cost: float
    before_s: float = 0.0
    after_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """What the whole way takes, from door to door."""
        return self.before_s + float(self.time_s.sum()) + self.after_s

    def length_m(self, network: Network) -> FloatArray:
        """Length of each piece."""
        return np.abs(self.ends.astype(np.float64) - self.begins) * network.length_m[self.streets]


def with_access(route: Route, *, before_s: float = 0.0, after_s: float = 0.0) -> Route:
    """The same way with the seconds from a door to its first street, and from its last one to a door.

    `cost` stays that of the streets: between two points of them these seconds are the same for every way.
    """
    return replace(route, before_s=before_s, after_s=after_s)


def find_route(network: Network, graph: GraphName, start: Snap, goal: Snap, costs: Costs) -> Route | None:
    """The way of least cost; None where there is none. At equal cost always the same one."""
    roads = network.graphs[graph]
    direct = _direct(roads, start, goal, costs)
    firsts, lasts = _leaving(network, roads, start, costs), _arriving(network, roads, goal, costs)
    if not firsts or not lasts:
        return _route(direct, costs) if direct else None
    arcs, prices, exits = _arcs(network, roads), _prices(costs), _exits(lasts)
    begins, space = _begins(firsts, costs), _space(roads)
    bar = _cost(direct, costs) if direct else math.inf
    for guide in _guides(roads, costs, exits):
        chosen, cost = kernel.grow(arcs, prices, space, begins, exits, guide, NO_LIMIT_S, bar)
        if chosen != kernel.MORE_HOURS:
            break
    if chosen < 0:
        return _route(direct, costs) if direct else None
    way = kernel.unwind(arcs, space, int(exits.junctions[chosen]))
    return _joined(roads, firsts[-1 - way[0]], way[1:], lasts[chosen], costs, cost)


def reach(network: Network, graph: GraphName, start: Snap, costs: Costs, *, limit_s: float) -> FloatArray:
    """Seconds to each junction by the way of least cost: float64[n], inf where none keeps within `limit_s`.

    Ways that take longer are not looked at, whatever they cost.
    """
    roads = network.graphs[graph]
    space = _spread(network, roads, start, costs, NO_EXITS, limit_s)
    return kernel.settled_seconds(space, len(roads.offsets) - 1)


def times_to(
    network: Network, graph: GraphName, start: Snap, goals: Sequence[Snap | None], costs: Costs, *, limit_s: float
) -> FloatArray:
    """Seconds to each goal in one search: float64[len(goals)], inf beyond `limit_s`, without a way, or for None.

    As `reach`: of the ways within `limit_s` that of least cost. It ends when the last goal is reached.
    """
    roads = network.graphs[graph]
    least, seconds = np.full(len(goals), np.inf), np.full(len(goals), np.inf)
    lasts: list[_Piece] = []
    ranks: list[int] = []
    for rank, goal in enumerate(goals):
        if goal is None:
            continue
        direct = _direct(roads, start, goal, costs)
        if direct:
            least[rank], seconds[rank] = _cost(direct, costs), direct.seconds
        arriving = _arriving(network, roads, goal, costs)
        lasts += arriving
        ranks += [rank] * len(arriving)
    if lasts:
        exits = _exits(lasts)
        only_settled = exits._replace(seconds=np.full(len(lasts), np.inf))
        space = _spread(network, roads, start, costs, only_settled, limit_s)
        kernel.leave_all(space, _prices(costs), exits, np.array(ranks, np.int32), least, seconds)
    return np.where(seconds <= limit_s, seconds, np.inf)


def warm_up(network: Network) -> None:
    """Compile what is compiled at first use, and work out the landmarks, before anybody waits for them."""
    for graph, roads in network.graphs.items():
        plain = np.ones(len(network.tails), np.float32)
        costs = Costs(time_s=roads.time_s, weight=plain, factor=plain, hours=NO_HOURS)
        table_of(roads)
        for start in snap(network, graph, lat=float(network.lats[0]), lon=float(network.lons[0])):
            times_to(network, graph, start, [start], costs, limit_s=0)
            reach(network, graph, start, costs, limit_s=math.inf)
            kernel.unwind(_arcs(network, roads), _space(roads), _leaving(network, roads, start, costs)[0].junction)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a street, gone along within a graph; `junction`: where it begins or ends, -1 for neither."""

    street: int
    begin: float
    end: float
    seconds: float
    junction: int


def _leaving(network: Network, roads: Graph, start: Snap, costs: Costs) -> list[_Piece]:
    """From a point of a street to its junctions; from its very end also where the street must not be gone along."""
    street, at = start.street, start.fraction
    head, tail = int(network.heads[street]), int(network.tails[street])
    ahead, back = _seconds(roads.forward_arcs, street, 1 - at, costs), _seconds(roads.backward_arcs, street, at, costs)
    both = (_Piece(street, at, 1.0, ahead, head), _Piece(street, at, 0.0, back, tail))
    return [piece for piece in both if piece.seconds < math.inf]


def _arriving(network: Network, roads: Graph, goal: Snap, costs: Costs) -> list[_Piece]:
    street, at = goal.street, goal.fraction
    head, tail = int(network.heads[street]), int(network.tails[street])
    ahead, back = _seconds(roads.forward_arcs, street, at, costs), _seconds(roads.backward_arcs, street, 1 - at, costs)
    both = (_Piece(street, 0.0, at, ahead, tail), _Piece(street, 1.0, at, back, head))
    return [piece for piece in both if piece.seconds < math.inf]


def _direct(roads: Graph, start: Snap, goal: Snap, costs: Costs) -> _Piece | None:
    """Along the street on which both lie, if it may be gone along in that direction."""
    if start.street != goal.street:
        return None
    share = goal.fraction - start.fraction
    seconds = _seconds(roads.forward_arcs if share >= 0 else roads.backward_arcs, start.street, abs(share), costs)
    return _Piece(start.street, start.fraction, goal.fraction, seconds, -1) if seconds < math.inf else None


def _seconds(arc_of: IntArray, street: int, share: float, costs: Costs) -> float:
    """Seconds of a share of a street; inf where one must not go. Nothing of it is always possible."""
    if share == 0:
        return 0.0
    arc = int(arc_of[street])
    return share * float(costs.time_s[arc]) if arc >= 0 else math.inf


def _cost(piece: _Piece, costs: Costs) -> float:
    """Cost of a piece at the departure."""
    hour = 0 if costs.first_s > 0 else min(1, len(costs.hours) - 1)
    air = float(costs.hours[hour]) * float(costs.factor[piece.street])
    return piece.seconds * (float(costs.weight[piece.street]) + air)


def _begins(firsts: Sequence[_Piece], costs: Costs) -> Begins:
    return Begins(
        np.array([piece.junction for piece in firsts], np.int32),
        np.array([_cost(piece, costs) for piece in firsts]),
        np.array([piece.seconds for piece in firsts]),
    )


def _exits(lasts: Sequence[_Piece]) -> Exits:
    return Exits(
        np.array([piece.junction for piece in lasts], np.int32),
        np.array([piece.street for piece in lasts], np.int32),
        np.array([piece.seconds for piece in lasts]),
    )


def _guides(roads: Graph, costs: Costs, exits: Exits) -> Iterator[Guide]:
    """Guides to try one after the other: the last knows all hours."""
    table = table_of(roads)
    pace = _least_ratio(costs.time_s, roads.time_s)
    weight, factor, hours = float(costs.weight.min()), float(costs.factor.min()), len(costs.hours)
    for known in sorted({min(_NEAR_HOURS, hours), hours}):
        scale = pace * (weight + float(costs.hours[:known].min()) * factor)
        yield guide_to(table, exits.junctions, scale=scale, hours=known)


def _least_ratio(time_s: Float32Array, base_s: Float32Array) -> float:
    """The least that any arc takes against what the graph says; 0, which guides nowhere, where that cannot be told."""
    if time_s is base_s:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float((time_s / base_s).min())
    return ratio if math.isfinite(ratio) else 0.0


def _spread(network: Network, roads: Graph, start: Snap, costs: Costs, exits: Exits, limit_s: float) -> Space:
    begins, space = _begins(_leaving(network, roads, start, costs), costs), _space(roads)
    guide, limit_s = no_guide(len(costs.hours)), float(min(limit_s, NO_LIMIT_S))
    kernel.grow(_arcs(network, roads), _prices(costs), space, begins, exits, guide, limit_s, math.inf)
    return space


def _arcs(network: Network, roads: Graph) -> Arcs:
    return Arcs(
        fixed(roads.offsets),
        fixed(roads.heads),
        fixed(roads.streets),
        fixed(roads.backward),
        fixed(network.tails),
        fixed(network.heads),
    )


def _prices(costs: Costs) -> Prices:
    """The same in the types for which there is machine code."""
    return Prices(
        fixed(np.ascontiguousarray(costs.time_s, np.float32)),
        fixed(np.ascontiguousarray(costs.weight, np.float32)),
        fixed(np.ascontiguousarray(costs.factor, np.float32)),
        fixed(np.ascontiguousarray(costs.hours, np.float64)),
        float(costs.first_s),
    )


_of_thread = threading.local()


def _space(roads: Graph) -> Space:
    """Where this thread searches; what it holds is good until its next search."""
    junctions, arcs = len(roads.offsets) - 1, len(roads.heads)
    space: Space | None = getattr(_of_thread, "space", None)
    if space is None or len(space.cost) < junctions or len(space.keys) < arcs + kernel.SPARE:
        space = _of_thread.space = kernel.new_space(junctions, arcs)
    return space


def _route(piece: _Piece, costs: Costs) -> Route:
    return Route(
        streets=np.array([piece.street], np.int32),
        begins=np.array([piece.begin], np.float32),
        ends=np.array([piece.end], np.float32),
        time_s=np.array([piece.seconds]),
        cost=_cost(piece, costs),
    )


def _joined(roads: Graph, first: _Piece, arcs: IntArray, last: _Piece, costs: Costs, cost: float) -> Route:
    """A way of which nothing is left out but pieces without a length."""
    back = roads.backward[arcs].astype(np.float64)
    begins = np.concatenate(([first.begin], back, [last.begin]))
    ends = np.concatenate(([first.end], 1 - back, [last.end]))
    gone = begins != ends
    if not gone.any():
        gone[0] = True
    return Route(
        streets=np.concatenate(([first.street], roads.streets[arcs], [last.street])).astype(np.int32)[gone],
        begins=begins.astype(np.float32)[gone],
        ends=ends.astype(np.float32)[gone],
        time_s=np.concatenate(([first.seconds], costs.time_s[arcs], [last.seconds]))[gone],
        cost=cost,
    )
