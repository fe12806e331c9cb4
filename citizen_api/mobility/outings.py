"""Round walks from a place: green, calm and clean streets, different from day to day, the same all day.

Nothing is stored for that: which of the good walks are proposed follows from the day and from the coarse cell in which
the place lies. The air of the moment has no part in the choice, so that a walk does not change while one reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np

from citizen_api.mobility.network import KINDS, Flag, Float32Array, FloatArray, Network
from citizen_api.mobility.planning import shared_part, stress_of
from citizen_api.mobility.profiles import costs_of
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.search import NO_HOURS, Costs, Route, Snap, find_route, reach

WALK: Final = MODES["walk"]
WALKS: Final = 3
OFF_BY: Final = 0.15
"""How far a walk's time may be from the wished one."""
MAX_REPEATED: Final = 0.25
"""Share of a round walk's length that may lie on streets gone along before."""
MAX_SHARED: Final = 0.6
"""Share of the longer of two walks that may lie on streets of both."""
NEARLY_AS_GOOD: Final = 1.3
"""Walks whose minutes weigh no more than this against the best, and the two best, take turns from day to day."""
CELL_DEG: Final = 0.01
MAIN_ROAD_M: Final = 50.0
"""A street whose middle is nearer to a main road than this is beside it."""

_USED_WEIGHT: Final = 4.0
_GREEN_WEIGHT: Final = 0.6
_BESIDE_WEIGHT: Final = 1.3
_STEPS_WEIGHT: Final = 1.3
_FOOT_KINDS: Final = ("pedestrian", "footway", "path", "living_street", "track")
_FOOT_WEIGHT: Final = 0.8
_BEARINGS: Final = 10
_APART: Final = 60.0
"""Degrees between the two turning points, seen from the start: with equal legs a triangle of equal sides."""
_RING: Final = (0.55, 1.45)
"""Between which parts of the wished leg a turning point may lie."""
_GOLDEN: Final = 137.508
"""Degrees by which the walk there and back turns from one day to the next: it never comes back soon."""
_SHORTEST_THERE_AND_BACK: Final = 0.4
"""Part of the wished time below which a walk there and back is not worth proposing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One walk from a place and back to it. `wished_min`: how long it was to take; `is_round`: False: there and back.

    `repeated`, `green`, `away`: shares of its length on streets gone along before, in the green, and away from main
    roads (MAIN_ROAD_M). `burden`: weight of a minute, 1 on a plain street, less where it is pleasant.
    """

    wished_min: int
    is_round: bool
    route: Route
    duration_s: float
    distance_m: float
    repeated: float
    green: float
    away: float
    burden: float


def walks_from(
    network: Network,
    starts: Sequence[Snap],
    *,
    minutes: Sequence[int],
    day: date,
    wishes: Collection[str] = (),
    dark: bool = False,
) -> tuple[Snap | None, list[Walk]]:
    """Up to three walks of these minutes, and where they start: on the nearest piece of network with room for one.

    `starts`: those of `ends_near`. The minutes take turns. A walk there and back stands only for minutes for which no
    round one is found. (None, []): none at all.
    """
    time_s, wished = costs_of(network, WALK, wishes=wishes, dark=dark)
    weight = wished * pleasant_weight(network)
    for start in starts:
        search = _Search(network, start, time_s, weight, longest_s=max(minutes) * 60.0, seed=seed_of(start, day))
        found = search.choose(minutes)
        if found:
            return start, found
    return None, []


def pleasant_weight(network: Network) -> Float32Array:
    """What a minute on foot counts on each street, float32[s]: less in the green and the calm, more beside traffic.

    Times the local factor of NO2, the air of traffic, between a half and twice.
    """
    weight = stress_of(network, WALK)
    weight = np.where(_is(network, _FOOT_KINDS), weight * np.float32(_FOOT_WEIGHT), weight)
    weight = np.where(_is(network, ("steps",)), weight * np.float32(_STEPS_WEIGHT), weight)
    weight = np.where(_is_green(network), weight * np.float32(_GREEN_WEIGHT), weight)
    weight = np.where(network.main_road_m < MAIN_ROAD_M, weight * np.float32(_BESIDE_WEIGHT), weight)
    pleasant: Float32Array = (weight * np.clip(network.factors["no2"], 0.5, 2.0)).astype(np.float32)
    return pleasant


def seed_of(start: Snap, day: date) -> int:
    """A number that is the same for a coarse cell on a day, and no other thing."""
    cell = f"{np.floor(start.lat / CELL_DEG):.0f}:{np.floor(start.lon / CELL_DEG):.0f}"
    turn = int.from_bytes(hashlib.sha256(cell.encode()).digest()[:4], "big")
    return turn + day.toordinal()


def repeated_part(network: Network, route: Route) -> float:
    """Share of a way's length that lies on stretches gone along before, in either direction."""
    gone: dict[int, list[tuple[float, float]]] = {}
    for street, begin, end in zip(route.streets.tolist(), route.begins.tolist(), route.ends.tolist(), strict=True):
        gone.setdefault(street, []).append((min(begin, end), max(begin, end)))
    total = float(route.length_m(network).sum())
    once = sum(_covered(parts) * float(network.length_m[street]) for street, parts in gone.items())
    return max(0.0, 1 - once / total) if total else 0.0


def joined(legs: Sequence[Route]) -> Route:
    """One way of several, without the stretches that it goes in and straight out again at a turning point."""
    pieces = [
        piece
        for leg in legs
        for piece in zip(leg.streets.tolist(), leg.begins.tolist(), leg.ends.tolist(), leg.time_s.tolist(), strict=True)
    ]
    kept: list[tuple[int, float, float, float]] = []
    for piece in pieces:
        if kept and kept[-1][0] == piece[0] and kept[-1][1:3] == piece[2:0:-1]:
            kept.pop()
        else:
            kept.append(piece)
    return Route(
        streets=np.array([piece[0] for piece in kept], np.int32),
        begins=np.array([piece[1] for piece in kept], np.float32),
        ends=np.array([piece[2] for piece in kept], np.float32),
        time_s=np.array([piece[3] for piece in kept], np.float64),
        cost=sum(leg.cost for leg in legs),
    )


class _Search:
    """Walks from one place of one network."""

    def __init__(
        self, network: Network, start: Snap, time_s: Float32Array, weight: Float32Array, *, longest_s: float, seed: int
    ) -> None:
        self.network, self.start, self.weight, self.seed = network, start, weight, seed
        self.graph = network.graphs["walk"]
        self.costs = Costs(time_s=time_s, weight=weight, factor=weight, hours=NO_HOURS)
        self.seconds = reach(network, "walk", start, self.costs, limit_s=(0.5 + OFF_BY) * longest_s)
        ways = np.diff(np.concatenate(([0], np.cumsum(np.isfinite(time_s))))[self.graph.offsets])
        self.junctions = np.flatnonzero(np.isfinite(self.seconds) & (ways > 0))
        self.forks = ways[self.junctions] >= 3  # noqa: PLR2004 - at fewer one can only turn round
        x, y = network.plane(lat=start.lat, lon=start.lon)
        self.bearings = np.degrees(
            np.arctan2(network.x_m[self.junctions] - x, network.y_m[self.junctions] - y, dtype=np.float64)
        )
        self.green = _is_green(network)
        self.away = network.main_road_m >= MAIN_ROAD_M

    def choose(self, minutes: Sequence[int]) -> list[Walk]:
        """Walks of these minutes in turn, none nearly the same as another."""
        pools = {each: self._pool(each) for each in dict.fromkeys(minutes)}
        chosen: list[Walk] = []
        for turn in range(WALKS):
            wished = minutes[turn % len(minutes)]
            walk = next((walk for walk in pools[wished] if self._is_new(walk, chosen)), None)
            if walk is not None:
                chosen.append(walk)
        return chosen

    def _is_new(self, walk: Walk, chosen: Sequence[Walk]) -> bool:
        return all(shared_part(self.network, walk.route, other.route) <= MAX_SHARED for other in chosen)

    def _pool(self, wished_min: int) -> list[Walk]:
        """Walks of a length, those of the day first, then from the best on."""
        walks: list[Walk] = []
        for walk in sorted(self._round_walks(wished_min), key=lambda walk: walk.burden):
            if self._is_new(walk, walks):
                walks.append(walk)
        if not walks:
            there_and_back = self._there_and_back(wished_min)
            return [] if there_and_back is None else [there_and_back]
        near = sum(walk.burden <= walks[0].burden * NEARLY_AS_GOOD for walk in walks)
        good = max(near, min(2, len(walks)))
        first = self.seed % good
        return [*walks[first:good], *walks[:first], *walks[good:]]

    def _round_walks(self, wished_min: int) -> Iterator[Walk]:
        wished_s = wished_min * 60.0
        for number in range(_BEARINGS):
            bearing = number * 360.0 / _BEARINGS
            leg_s = wished_s / 3
            for _ in range(2):
                route = self._loop(bearing, leg_s)
                if route is None:
                    break
                walk = self._walk(wished_min, route, is_round=True)
                if abs(walk.duration_s / wished_s - 1) <= OFF_BY:
                    if walk.repeated <= MAX_REPEATED:
                        yield walk
                    break
                leg_s *= wished_s / max(walk.duration_s, 1.0)

    def _loop(self, bearing: float, leg_s: float) -> Route | None:
        """Start, a turning point, another one to the right of it, and back; streets once used cost more."""
        turns = [self._turning_point(each, leg_s) for each in (bearing, bearing + _APART)]
        if None in turns or turns[0] == turns[1]:
            return None
        stops = [self.start, *(self._at(turn) for turn in turns if turn is not None), self.start]
        costs = replace(self.costs, weight=self.weight.copy())
        legs: list[Route] = []
        for here, there in pairwise(stops):
            leg = find_route(self.network, "walk", here, there, costs)
            if leg is None:
                return None
            legs.append(leg)
            used = np.unique(leg.streets)
            costs.weight[used] = self.weight[used] * np.float32(_USED_WEIGHT)
        return joined(legs)

    def _turning_point(self, bearing: float, leg_s: float) -> int | None:
        """The fork nearest to a bearing and a time away; None where none is near."""
        seconds = self.seconds[self.junctions]
        fits = self.forks & (seconds >= _RING[0] * leg_s) & (seconds <= _RING[1] * leg_s)
        if not fits.any():
            return None
        aside = np.abs((self.bearings - bearing + 180) % 360 - 180)
        off = aside / (_APART / 2) + 2 * np.abs(seconds / leg_s - 1)
        best = int(np.where(fits, off, np.inf).argmin())
        return int(self.junctions[best]) if aside[best] <= _APART / 2 else None

    def _there_and_back(self, wished_min: int) -> Walk | None:
        """To the pleasantest of the places about half the time away, or the farthest, and back the same way."""
        half_s = wished_min * 30.0
        seconds = self.seconds[self.junctions]
        near = seconds <= (1 + OFF_BY) * half_s
        if not near.any() or seconds[near].max() < _SHORTEST_THERE_AND_BACK * half_s:
            return None
        farthest = min(float(seconds[near].max()), half_s)
        places = np.flatnonzero(near & (seconds >= (1 - OFF_BY) * farthest))
        bearing = self.seed * _GOLDEN
        aside = np.abs((self.bearings[places] - bearing + 180) % 360 - 180)
        goal = self._at(int(self.junctions[places[int(aside.argmin())]]))
        there = find_route(self.network, "walk", self.start, goal, self.costs)
        back = find_route(self.network, "walk", goal, self.start, self.costs)
        if there is None or back is None:
            return None
        route = Route(
            streets=np.concatenate((there.streets, back.streets)),
            begins=np.concatenate((there.begins, back.begins)),
            ends=np.concatenate((there.ends, back.ends)),
            time_s=np.concatenate((there.time_s, back.time_s)),
            cost=there.cost + back.cost,
        )
        return self._walk(wished_min, route, is_round=False)

    def _at(self, junction: int) -> Snap:
        leaving = range(int(self.graph.offsets[junction]), int(self.graph.offsets[junction + 1]))
        arc = next(arc for arc in leaving if np.isfinite(self.costs.time_s[arc]))
        return Snap(
            street=int(self.graph.streets[arc]),
            fraction=float(self.graph.backward[arc]),
            lat=float(self.network.lats[junction]),
            lon=float(self.network.lons[junction]),
            distance_m=0.0,
            component=int(self.graph.components[junction]),
        )

    def _walk(self, wished_min: int, route: Route, *, is_round: bool) -> Walk:
        length_m = route.length_m(self.network)
        return Walk(
            wished_min=wished_min,
            is_round=is_round,
            route=route,
            duration_s=route.duration_s,
            distance_m=float(length_m.sum()),
            repeated=repeated_part(self.network, route),
            green=_share(self.green[route.streets], length_m),
            away=_share(self.away[route.streets], length_m),
            burden=float((route.time_s * self.weight[route.streets]).sum() / max(route.duration_s, 1e-9)),
        )


def _share(holds: np.ndarray[tuple[int], np.dtype[np.bool_]], length_m: FloatArray) -> float:
    total = float(length_m.sum())
    return float(length_m[holds].sum()) / total if total else 0.0


def _covered(parts: list[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    covered, reached = 0.0, 0.0
    for low, high in sorted(parts):
        covered += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return covered


def _is(network: Network, kinds: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isin(network.kinds, [KINDS.index(kind) for kind in kinds])


def _is_green(network: Network) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (network.flags & int(Flag.GREEN)) != 0
    return found
