"""Care within reach: places of a category in the order of the time it takes over the streets, open when one arrives."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from citizen_api.care.directory import Directory, Found
from citizen_api.care.hours import Opening
from citizen_api.mobility.isochrones import fastest_costs, speed_m_s
from citizen_api.mobility.network import SNAP_M, GraphName, Network
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.profiles import ends_near
from citizen_api.mobility.rules import DETOUR, Mode
from citizen_api.mobility.search import Costs, Snap, find_route, times_to
from citizen_api.mobility.snapping import access_m, access_s

HOURS_UNKNOWN_SHOWN: Final = 5
CLOSING_SOON: Final = timedelta(minutes=15)
"""Whoever arrives less than this before closing may be too late for what takes time."""
MOST_LOOKED_AT: Final = 480
"""Places, the nearest ones, of which the time is worked out."""
_BATCH: Final = 60
_DOWNHILL: Final = 1.2
"""Nobody is faster than this times the usual speed (Tobler's walker, slightly downhill): nothing nearer is missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachQuestion:
    """What is looked for. `leave_at`: when one leaves; `only_open`: only places known to be open on arrival."""

    lat: float
    lon: float
    categories: tuple[str, ...]
    mode: Mode
    wishes: Collection[str]
    within_s: float
    leave_at: datetime
    only_open: bool
    dark: bool = False
    limit: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A place, by its number in the directory, and the way there from door to door.

    `approximate`: the streets are not known up to there.
    """

    number: int
    straight_m: float
    duration_s: float
    distance_m: float
    approximate: bool
    arrives_at: datetime
    opening: Opening

    @property
    def closing_soon(self) -> bool:
        """Whether it closes soon after one arrives."""
        until = self.opening.until
        return self.opening.state == "open" and until is not None and _sooner(until, self.arrives_at + CLOSING_SOON)


@dataclass(slots=True, kw_only=True)
class ReachAnswer:
    """Places in the order of time. `hours_unknown`: None where open ones were not asked for.

    `any_known`: whether a place, open or not, is within reach, as far as that is worked out: of those closed all the
    time by the straight line alone. `looked_at_all`: whether no place was left out because of MOST_LOOKED_AT.
    `snap_m`: how far the question stands from the streets; None where they are not known.
    """

    items: list[Reached] = field(default_factory=list)
    hours_unknown: list[Reached] | None = None
    any_known: bool = False
    looked_at_all: bool = True
    snap_m: float | None = None


def find_reachable(directory: Directory, networks: Networks, question: ReachQuestion) -> ReachAnswer:
    """Answer exactly: a place farther away in a straight line is looked at as long as it may be nearer in time."""
    streets = _Streets(networks, question)
    answer = ReachAnswer(snap_m=streets.snap_m, hours_unknown=[] if question.only_open else None)
    found: list[Reached] = []
    unknown: list[Reached] = []
    wanted = {"open": found, "unknown": unknown} if question.only_open else dict.fromkeys(_STATES, found)
    for batch in _batches(directory, question, answer):
        for reached in streets.times(directory, batch):
            answer.any_known = True
            into = wanted.get(reached.opening.state)
            if into is not None:
                into.append(reached)
        # Whoever is still to come is at least as far as the last one.
        soonest_s = (batch[-1].distance_m - 2 * SNAP_M) / (speed_m_s(question.mode, wishes=question.wishes) * _DOWNHILL)
        if _has(found, question.limit, soonest_s) and (
            not question.only_open or _has(unknown, HOURS_UNKNOWN_SHOWN, soonest_s)
        ):
            break
    answer.items = [streets.along(each) for each in _first(directory, found, question.limit)]
    if question.only_open:
        answer.hours_unknown = [streets.along(each) for each in _first(directory, unknown, HOURS_UNKNOWN_SHOWN)]
    return answer


_STATES: Final[tuple[Literal["open", "closed", "unknown"], ...]] = ("open", "closed", "unknown")


def _has(found: Sequence[Reached], count: int, soonest_s: float) -> bool:
    return sum(each.duration_s <= soonest_s for each in found) >= count


def _first(directory: Directory, found: Sequence[Reached], count: int) -> list[Reached]:
    return sorted(found, key=lambda each: (each.duration_s, each.straight_m, directory.rank_of(each.number)))[:count]


def _batches(directory: Directory, question: ReachQuestion, answer: ReachAnswer) -> Iterator[list[Found]]:
    """Places within reach in a straight line, nearest first, without those that stay closed all the time."""
    usual_m_s = speed_m_s(question.mode, wishes=question.wishes)
    radius_m = question.within_s * usual_m_s * _DOWNHILL + 2 * SNAP_M
    after: tuple[int, int] | None = None
    looked_at = 0
    while True:
        batch = directory.nearest(
            lat=question.lat,
            lon=question.lon,
            categories=question.categories,
            limit=_BATCH,
            radius_m=radius_m,
            after=after,
        )
        plausible = [each for each in batch if not question.only_open or _may_be_open(directory, question, each)]
        if len(plausible) < len(batch) and batch[0].distance_m * DETOUR <= question.within_s * usual_m_s:
            answer.any_known = True
        if plausible:
            yield plausible
        if len(batch) < _BATCH:
            return
        looked_at += len(plausible)
        if looked_at >= MOST_LOOKED_AT:
            answer.looked_at_all = False
            return
        after = batch[-1].distance_mm, directory.rank_of(batch[-1].number)


def _may_be_open(directory: Directory, question: ReachQuestion, found: Found) -> bool:
    opening = directory.opening(found.number, question.leave_at)
    if opening.state != "closed":
        return True
    return opening.until is not None and _sooner(
        opening.until, question.leave_at + timedelta(seconds=question.within_s)
    )


def _sooner(one: datetime, other: datetime) -> bool:
    """Whether one instant is before another, whatever their clocks show."""
    return one.timestamp() < other.timestamp()


class _Streets:
    """From the question to each place over the streets, or straight where they are not known."""

    def __init__(self, networks: Networks, question: ReachQuestion) -> None:
        self._question = question
        self._around = networks.around(lat=question.lat, lon=question.lon)
        self._starts: list[tuple[Network, Snap]] = sorted(
            (
                (network, start)
                for network in self._around
                for start in self._ends(network, lat=question.lat, lon=question.lon)
            ),
            key=lambda found: found[1].distance_m,
        )
        self._costs: dict[str, Costs] = {}
        self._goals: dict[int, tuple[Network, Snap, Snap]] = {}

    def _ends(self, network: Network, *, lat: float, lon: float) -> list[Snap]:
        return ends_near(network, self._question.mode, lat=lat, lon=lon, wishes=self._question.wishes)

    @property
    def snap_m(self) -> float | None:
        """How far the question stands from the nearest street."""
        return self._starts[0][1].distance_m if self._starts else None

    def times(self, directory: Directory, batch: Sequence[Found]) -> list[Reached]:
        """Those of a batch that are reached in time, in any order; one search for each start."""
        graph: GraphName = self._question.mode.graph
        by_start: dict[int, list[tuple[Found, Snap]]] = {}
        reached: list[Reached] = []
        for found in batch:
            lat, lon = directory.position(found.number)
            pairs = [
                (start.distance_m + goal.distance_m, rank, goal)
                for network in self._around
                for goal in self._ends(network, lat=lat, lon=lon)
                for rank, (of, start) in enumerate(self._starts)
                if of is network and start.component == goal.component
            ]
            if pairs:
                _, rank, goal = min(pairs, key=lambda pair: pair[:2])
                by_start.setdefault(rank, []).append((found, goal))
                network, start = self._starts[rank]
                self._goals[found.number] = (network, start, goal)
            else:
                reached += self._straight(directory, found)
        for rank, goals in by_start.items():
            network, start = self._starts[rank]
            before_s, within_s = access_s(start), self._question.within_s
            seconds = times_to(
                network,
                graph,
                start,
                [goal for _, goal in goals],
                self._costs_on(network),
                limit_s=within_s - before_s,
            )
            for (found, goal), on_streets_s in zip(goals, seconds.tolist(), strict=True):
                duration_s = before_s + on_streets_s + access_s(goal)
                if duration_s <= within_s:
                    reached.append(self._reached(directory, found, duration_s, math.nan, approximate=False))
        return reached

    def along(self, reached: Reached) -> Reached:
        """The same with its way's length, which is worked out only for what is shown."""
        if not math.isnan(reached.distance_m):
            return reached
        network, start, goal = self._goals[reached.number]
        route = find_route(network, self._question.mode.graph, start, goal, self._costs_on(network))
        if route is None:
            return reached
        on_streets_m = float(route.length_m(network).sum())
        return replace(reached, distance_m=access_m(start) + on_streets_m + access_m(goal))

    def _straight(self, directory: Directory, found: Found) -> list[Reached]:
        distance_m = found.distance_m * DETOUR
        duration_s = distance_m / speed_m_s(self._question.mode, wishes=self._question.wishes)
        if duration_s > self._question.within_s:
            return []
        return [self._reached(directory, found, duration_s, distance_m, approximate=True)]

    def _reached(
        self, directory: Directory, found: Found, duration_s: float, distance_m: float, *, approximate: bool
    ) -> Reached:
        arrives_at = self._question.leave_at + timedelta(seconds=round(duration_s))
        return Reached(
            number=found.number,
            straight_m=found.distance_m,
            duration_s=duration_s,
            distance_m=distance_m,
            approximate=approximate,
            arrives_at=arrives_at,
            opening=directory.opening(found.number, arrives_at),
        )

    def _costs_on(self, network: Network) -> Costs:
        costs = self._costs.get(network.city)
        if costs is None:
            question = self._question
            costs = fastest_costs(network, question.mode, wishes=question.wishes, dark=question.dark)
            self._costs[network.city] = costs
        return costs
