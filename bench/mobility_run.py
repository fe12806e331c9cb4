"""What trips, departures, matrices and isochrones take on one network, and igraph and SciPy on the same questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import igraph
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from bench.mobility_graphs import AT, made_up_air
from citizen_api.mobility import landmarks, search
from citizen_api.mobility.departure_ways import Question, doses_of, find_ways
from citizen_api.mobility.exposure import hour_prices
from citizen_api.mobility.isochrones import isochrones_on
from citizen_api.mobility.network import GRAPHS, Graph, GraphName, Network
from citizen_api.mobility.planning import WEIGHTS, candidates
from citizen_api.mobility.profiles import costs_of
from citizen_api.mobility.rules import MODES, ModeName
from citizen_api.mobility.search import NO_HOURS, Costs, Snap, find_route, reach, snap, times_to

DAY = [AT + timedelta(hours=hour) for hour in range(24)]
MODES_ASKED: tuple[ModeName, ...] = ("walk", "bike")
POLLUTANT = "no2"
GOALS, GOALS_WITHIN_M, MATRIX_S, ISOCHRONE_S = 50, 1500.0, 1800.0, 900.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions of each kind."""

    pairs: int = 100
    trips: int = 200
    frontiers: int = 5
    matrices: int = 60


def measure(network: Network, counts: Counts, *, seed: int = 5) -> dict[str, Any]:
    """Everything on one network, in milliseconds."""
    draw = np.random.default_rng(seed)
    roads = network.graphs["walk"]
    return {
        "junctions": len(network.lats),
        "streets": len(network.tails),
        "km": round(float(network.length_m.sum()) / 1000),
        "arcs": {name: len(network.graphs[name].heads) for name in GRAPHS},
        "landmarks_ms": _landmarks(network),
        "single": _single(network, draw.choice(_inside(roads), (counts.pairs, 2))),
        "trips": {mode: _trips(network, mode, counts.trips, draw) for mode in MODES_ASKED},
        "frontier": _frontiers(network, counts.frontiers, draw),
        "matrix": _matrices(network, counts.matrices, draw),
        "isochrone": _isochrones(network, counts.matrices, draw),
        "snap": _each(
            [(point,) for point in _points(network, 200, draw)], lambda point: snap(network, "walk", **point)
        ),
    }


def _took(ask: Callable[[], object]) -> float:
    started = time.perf_counter_ns()
    ask()
    return (time.perf_counter_ns() - started) / 1e6


def _spread_of(took: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(took, (50, 99))
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}


def _landmarks(network: Network) -> float:
    """What the first question to both graphs pays more, once in a worker."""
    search.warm_up(network)
    fresh = [replace(network.graphs[name], time_s=network.graphs[name].time_s.copy()) for name in GRAPHS]
    return round(sum(_took(lambda: landmarks.table_of(graph)) for graph in fresh), 1)


# ---- one way, by the shortest time


def _single(network: Network, pairs: Any) -> dict[str, Any]:
    roads = network.graphs["walk"]
    plain, price = _costs(network, "walk", 0.0), _costs(network, "walk", WEIGHTS[-1])
    ends = [(_at(network, roads, first), _at(network, roads, last)) for first, last in pairs.tolist()]
    ours = [find_route(network, "walk", *each, plain) for each in ends]
    weights = roads.time_s.astype(float).tolist()
    theirs = igraph.Graph(len(network.lats), np.column_stack((_tails(roads), roads.heads)), directed=True)
    matrix = csr_array((roads.time_s.astype(float), roads.heads, roads.offsets), (len(network.lats),) * 2)

    def by_igraph(first: int, last: int) -> list[int]:
        found: list[int] = theirs.get_shortest_path(first, last, weights=weights, output="epath")
        return found

    def by_scipy(first: int) -> Any:
        return dijkstra(matrix, indices=first, return_predecessors=True)

    lengths = [float(np.array(weights)[by_igraph(*pair)].sum()) for pair in pairs.tolist()]
    return {
        "pairs": len(pairs),
        "agree": sum(
            route is not None and abs(route.cost - s) <= 1e-6 * s for route, s in zip(ours, lengths, strict=True)
        ),
        "ours": _each(ends, lambda first, last: find_route(network, "walk", first, last, plain)),
        "ours, air": _each(ends, lambda first, last: find_route(network, "walk", first, last, price)),
        "no landmarks": _everywhere(network, ends, plain),
        "no landmarks, air": _everywhere(network, ends, price),
        "igraph": _each(pairs.tolist(), by_igraph),
        "scipy": _each(pairs[:, :1].tolist(), by_scipy),
    }


def _each(questions: Sequence[Sequence[Any]], ask: Callable[..., object]) -> dict[str, float]:
    return _spread_of([_took(lambda: ask(*question)) for question in questions])


def _everywhere(network: Network, ends: Sequence[Any], costs: Costs) -> dict[str, float]:
    """The same search without a guide: a compiled Dijkstra that ends at its goal."""

    def unguided(*_: object) -> Iterator[Any]:
        yield landmarks.no_guide(len(costs.hours))

    with patch.object(search, "_guides", unguided):
        return _each(ends, lambda first, last: find_route(network, "walk", first, last, costs))


def _tails(roads: Graph) -> Any:
    return np.repeat(np.arange(len(roads.offsets) - 1), np.diff(roads.offsets))


def _costs(network: Network, mode: ModeName, worth: float, *, hour: int = 0) -> Costs:
    time_s, weight = costs_of(network, MODES[mode])
    hours, first_s = NO_HOURS, 3600.0
    if worth:
        hours, first_s = hour_prices(
            made_up_air(), pollutant=POLLUTANT, depart_at=DAY[hour], mode=MODES[mode], weight=worth
        )
    return Costs(time_s=time_s, weight=weight, factor=network.factors[POLLUTANT], hours=hours, first_s=first_s)


# ---- what the product asks


def _trips(network: Network, mode: ModeName, count: int, draw: np.random.Generator) -> dict[str, Any]:
    air, found, took = made_up_air(), [], []
    ends = list(zip(_points(network, count, draw), _points(network, count, draw), strict=True))
    for number, (first, last) in enumerate(ends):

        def ask() -> object:
            start, goal = (snap(network, MODES[mode].graph, **point)[0] for point in (first, last))
            return candidates(network, MODES[mode], start, goal, background=air, depart_at=DAY[number % 24])

        answers: list[Any] = []
        took.append(_took(lambda: answers.extend(ask())))
        found.append(len(answers))
    return {"trips": count, "alternatives": round(float(np.mean(found)), 1), **_spread_of(took)}


def _frontiers(network: Network, count: int, draw: np.random.Generator) -> dict[str, Any]:
    """144 searches, each with prices of its own; and what the product asks, which knows those that are alike."""
    priced = [
        (MODES[mode].graph, _costs(network, mode, worth, hour=hour))
        for mode in MODES_ASKED
        for worth in WEIGHTS[1:]
        for hour in range(24)
    ]
    alone, whole = [], []
    for first, last in zip(_points(network, count, draw), _points(network, count, draw), strict=True):
        ends: dict[GraphName, tuple[Snap, Snap]] = {
            name: (snap(network, name, **first)[0], snap(network, name, **last)[0]) for name in GRAPHS
        }
        alone.append(_took(lambda: [find_route(network, graph, *ends[graph], costs) for graph, costs in priced]))
        whole.append(_took(lambda: _departures(network, ends)))
    return {"searches": len(priced), **_spread_of(alone), "product": _spread_of(whole)}


def _departures(network: Network, ends: dict[GraphName, tuple[Snap, Snap]]) -> list[Any]:
    air, lat, lon = made_up_air(), *network.origin
    modes = [MODES[mode] for mode in MODES_ASKED]
    question = Question(modes=modes, after=DAY[0], until=DAY[-1] + timedelta(hours=1), zone=air.zone, lat=lat, lon=lon)
    ways = [way for mode in modes for way in find_ways(network, mode, *ends[mode.graph], question, air)]
    return [doses_of(way, air, DAY) for way in ways]


def _matrices(network: Network, count: int, draw: np.random.Generator) -> dict[str, Any]:
    """From a point to the 50 that are asked for near it, on foot, within half an hour."""
    roads, costs = network.graphs["walk"], _costs(network, "walk", 0.0)
    inside = _inside(roads)
    theirs = igraph.Graph(len(network.lats), np.column_stack((_tails(roads), roads.heads)), directed=True)
    weights = roads.time_s.astype(float).tolist()
    matrix = csr_array((roads.time_s.astype(float), roads.heads, roads.offsets), (len(network.lats),) * 2)
    questions = []
    for first in draw.choice(inside, count).tolist():
        apart = np.hypot(network.x_m[inside] - network.x_m[first], network.y_m[inside] - network.y_m[first])
        near = inside[apart < GOALS_WITHIN_M]
        questions.append((first, draw.choice(near, GOALS).tolist()))
    snaps = [(_at(network, roads, first), [_at(network, roads, last) for last in goals]) for first, goals in questions]
    agree = 0
    for (first, goals), (start, ends) in zip(questions, snaps, strict=True):
        ours = times_to(network, "walk", start, ends, costs, limit_s=MATRIX_S)
        expected = np.array(theirs.distances(first, sorted(set(goals)), weights=weights)[0])
        there = expected[np.searchsorted(sorted(set(goals)), goals)]
        agree += bool(np.allclose(ours, np.where(there <= MATRIX_S, there, np.inf), rtol=1e-6))
    return {
        "matrices": count,
        "agree": agree,
        "ours": _each(snaps, lambda start, ends: times_to(network, "walk", start, ends, costs, limit_s=MATRIX_S)),
        "igraph": _each(questions, lambda first, goals: theirs.distances(first, sorted(set(goals)), weights=weights)),
        "scipy": _each(questions, lambda first, _: dijkstra(matrix, indices=first, limit=MATRIX_S)),
    }


def _isochrones(network: Network, count: int, draw: np.random.Generator) -> dict[str, Any]:
    costs = _costs(network, "walk", 0.0)
    starts = [(snap(network, "walk", **point)[0],) for point in _points(network, count, draw)]
    return {
        "reach": _each(starts, lambda start: reach(network, "walk", start, costs, limit_s=ISOCHRONE_S)),
        "areas": _each(starts, lambda start: isochrones_on(network, MODES["walk"], start, minutes=(5, 10, 15))),
    }


# ---- where questions are asked from


def _inside(roads: Graph) -> Any:
    """Junctions of the largest part."""
    return np.flatnonzero(roads.components == np.bincount(roads.components[roads.components >= 0]).argmax())


def _at(network: Network, roads: Graph, junction: int) -> Snap:
    """A junction as the end of one of its streets."""
    arc = int(roads.offsets[junction])
    return Snap(
        street=int(roads.streets[arc]),
        fraction=1.0 if roads.backward[arc] else 0.0,
        lat=float(network.lats[junction]),
        lon=float(network.lons[junction]),
        distance_m=0.0,
        component=int(roads.components[junction]),
    )


def _points(network: Network, count: int, draw: np.random.Generator) -> list[dict[str, float]]:
    """Points beside junctions that are reached both on foot and by bike, some 20 m off."""
    both = np.intersect1d(*(_inside(network.graphs[name]) for name in GRAPHS))
    chosen, off = draw.choice(both, count), draw.uniform(-2e-4, 2e-4, (2, count))
    lats, lons = network.lats[chosen] + off[0], network.lons[chosen] + off[1]
    return [{"lat": lat, "lon": lon} for lat, lon in zip(lats.tolist(), lons.tolist(), strict=True)]
