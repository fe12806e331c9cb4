"""A trip by shared bicycle: on foot to a station that has one, riding, leaving it at another, on foot to the goal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from citizen_api.core.geo import distances_m
from citizen_api.mobility.exposure import Background, hour_prices
from citizen_api.mobility.network import Network
from citizen_api.mobility.profiles import costs_of
from citizen_api.mobility.rules import MODES, WALK_SPEED_M_S, Mode
from citizen_api.mobility.search import NO_HOURS, Costs, Route, Snap, find_route, snap, times_to, with_access
from citizen_api.mobility.snapping import access_s
from citizen_api.mobility.station_queries import stations_now
from citizen_api.mobility.station_rules import FORESEEN_S, Chance, StationNow, chance_of

__all__ = ("PICK_UP_S", "RETURN_S", "SharedLeg", "SharedTrip", "find_shared", "stations_now")

PICK_UP_S: Final = 60.0
"""Assumed: to unlock a bicycle, look it over and get going."""
RETURN_S: Final = 60.0
"""Assumed: to lock it and see that it is taken back."""
RISKS_S: Final[Mapping[Chance, float]] = {"good": 0.0, "fair": 60.0, "poor": 300.0, "unknown": 60.0}
"""Assumed: what having to go on to another station costs, by the chance of it. Only for choosing between stations."""
AROUND_M: Final = 800.0
MOST_STATIONS: Final = 8
LONGEST_WALK_S: Final = 1800.0
NEVER: Final = frozenset({"wheelchair", "pushchair", "child_bike"})
"""Wishes with which nobody takes a shared bicycle: its saddle is an adult's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLeg:
    """A part of the trip. `starts_s`: seconds after the departure at which its first piece begins.

    `station`: of a ride, where the bicycle is taken; of the last walk, where it was left; None on the first walk.
    """

    mode: Mode
    route: Route
    starts_s: float
    station: StationNow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTrip:
    """Walk, ride, walk. `start`, `goal`: the points of the streets by which one leaves and comes to a door.

    `bike_chance`, `dock_chance`: how likely a bicycle, and a place for it, is still there when one arrives
    (`station_rules.chance_of`). `bikes`, `docks`: how many of the wanted kind the two stations showed; None: not told,
    or shown too long before the departure to tell anything.
    """

    start: Snap
    goal: Snap
    legs: tuple[SharedLeg, SharedLeg, SharedLeg]
    bike_chance: Chance
    dock_chance: Chance
    bikes: int | None
    docks: int | None

    @property
    def duration_s(self) -> float:
        """What it takes from door to door, taking and leaving the bicycle counted."""
        last = self.legs[-1]
        return last.starts_s + last.route.duration_s

    @property
    def counts_too_early(self) -> bool:
        """Whether what a station shows now tells nothing of when one is there."""
        docks_late = self.docks is not None and self.dock_chance == "unknown"
        return self.bikes is None or self.bike_chance == "unknown" or docks_late


def find_shared(
    network: Network,
    stations: Sequence[StationNow],
    *,
    from_lat: float,
    from_lon: float,
    to_lat: float,
    to_lon: float,
    background: Background,
    depart_at: datetime,
    wishes: Collection[str] = (),
    dark: bool = False,
    electric: bool | None = None,
    weight: float = 0.0,
) -> SharedTrip | None:
    """The best trip by shared bicycle; None where there is none, or walking all the way is as fast.

    Best is the shortest in time, where a station that may be empty (or full) on arrival counts as `RISKS_S` more. The
    bicycle is taken and left within `AROUND_M` of the ends, at one of the `MOST_STATIONS` nearest that have what is
    needed, of one system. `electric`: True or False asks for that kind (where kinds are not told, a bicycle counts as
    ordinary); None takes an ordinary one where there is one, else an electric. With one of `NEVER` there is none.
    Who leaves later than `station_rules.FORESEEN_S` after what a station showed is not held to it: empty and full ones
    count as any other, a bicycle of a kind that is not asked for as an ordinary one.
    `weight`: how much clean air is worth against time on each leg (`planning.WEIGHTS`).
    """
    if NEVER.intersection(wishes):
        return None
    ways = _Ways(network, background, depart_at, tuple(wishes), dark, weight)
    takes, leaves = list[_Stop](), list[_Stop]()
    for station in _nearest(stations, lat=from_lat, lon=from_lon):
        told = _age_s(station, depart_at) <= FORESEEN_S
        bicycle = _bicycle(station, electric=electric) if told else _any_bicycle(station, electric=electric)
        if bicycle is not None and len(takes) < MOST_STATIONS:
            takes.append(_stop(network, station, *bicycle))
    for station in _nearest(stations, lat=to_lat, lon=to_lon):
        docks = station.count_of("dock") if _age_s(station, depart_at) <= FORESEEN_S else _any_dock(station)
        if docks != 0 and len(leaves) < MOST_STATIONS:
            leaves.append(_stop(network, station, MODES["bike"], docks))
    goals = {goal.component: goal for goal in snap(network, "walk", lat=to_lat, lon=to_lon)}
    for start in snap(network, "walk", lat=from_lat, lon=from_lon):
        goal = goals.get(start.component)
        chosen = None if goal is None else _choose(ways, start, goal, takes, leaves)
        if chosen is not None:
            return _trip(ways, chosen)
    return None


@dataclass(frozen=True, slots=True)
class _Stop:
    """A station, which bicycle one has there and how many things wanted it showed; its points on the streets."""

    station: StationNow
    mode: Mode
    count: int | None
    on_foot: Mapping[int, Snap]
    on_wheels: Mapping[int, Snap]
    """By component of the graph."""


@dataclass(frozen=True, slots=True)
class _Ride:
    """From station to station, `wheels` being its ends on the streets."""

    leave: int
    wheels: tuple[Snap, Snap]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Chosen:
    start: Snap
    goal: Snap
    take: _Stop
    leave: _Stop
    wheels: tuple[Snap, Snap]


@dataclass(frozen=True, slots=True)
class _Ways:
    """What moving costs this person."""

    network: Network
    background: Background
    depart_at: datetime
    wishes: tuple[str, ...]
    dark: bool
    weight: float

    def costs(self, mode: Mode, *, starts_s: float = 0.0) -> Costs:
        """Costs of a leg that begins so long after the departure."""
        time_s, weight = costs_of(self.network, mode, wishes=self.wishes, dark=self.dark)
        leaves_at = self.depart_at + timedelta(seconds=starts_s)
        guide = self.background.guide(leaves_at) if self.weight else None
        if guide is None:
            return Costs(time_s=time_s, weight=weight, factor=weight, hours=NO_HOURS)
        hours, first_s = hour_prices(
            self.background, pollutant=guide, depart_at=leaves_at, mode=mode, weight=self.weight
        )
        factor = weight * self.network.factors[guide]
        return Costs(time_s=time_s, weight=weight, factor=factor, hours=hours, first_s=first_s)

    def route(self, mode: Mode, start: Snap, goal: Snap, *, starts_s: float) -> Route:
        """The way of a leg that is known to be possible."""
        found = find_route(self.network, mode.graph, start, goal, self.costs(mode, starts_s=starts_s))
        if found is None:  # pragma: no cover - its time was found before
            raise LookupError("a way that was there is gone")
        return found


def _nearest(stations: Sequence[StationNow], *, lat: float, lon: float) -> list[StationNow]:
    """Stations within `AROUND_M`, nearest first; at the same distance by their names."""
    lats = np.array([station.lat for station in stations], np.float64)
    lons = np.array([station.lon for station in stations], np.float64)
    metres = distances_m(lat=lat, lon=lon, lats=lats, lons=lons).tolist()
    near = [(m, station) for m, station in zip(metres, stations, strict=True) if m <= AROUND_M]
    return [station for _, station in sorted(near, key=lambda pair: (pair[0], pair[1].id))]


def _bicycle(station: StationNow, *, electric: bool | None) -> tuple[Mode, int] | None:
    """Which bicycle one has at a station and how many it showed, of both kinds where either does; None: none."""
    if not station.count_of("bike"):
        return None
    ordinary = station.bikes if station.ordinary_bikes is None else station.ordinary_bikes
    if electric is None:
        return MODES["bike" if ordinary else "ebike"], station.bikes
    count = (station.ebikes or 0) if electric else ordinary
    return (MODES["ebike" if electric else "bike"], count) if count else None


def _any_bicycle(station: StationNow, *, electric: bool | None) -> tuple[Mode, None] | None:
    """Which bicycle one may have at a station of which only the place is known; None: none."""
    gives = station.is_installed and station.is_renting and not (electric and station.ebikes is None)
    return (MODES["ebike" if electric else "bike"], None) if gives else None


def _any_dock(station: StationNow) -> int | None:
    """What a station of which only the place is known may take: not told, or 0 where it takes nothing."""
    return None if station.is_installed and station.is_returning else 0


def _age_s(station: StationNow, at: datetime) -> float:
    """How long before a moment a station reported itself."""
    return (at - station.last_reported).total_seconds()


def _stop(network: Network, station: StationNow, mode: Mode, count: int | None) -> _Stop:
    places = {
        graph: {place.component: place for place in snap(network, graph, lat=station.lat, lon=station.lon)}
        for graph in network.graphs
    }
    return _Stop(station, mode, count, places["walk"], places["bike"])


def _choose(ways: _Ways, start: Snap, goal: Snap, takes: Sequence[_Stop], leaves: Sequence[_Stop]) -> _Chosen | None:
    """The two stations by which one is there soonest, risks counted; None where walking all the way is as fast."""
    before_s, after_s = access_s(start), access_s(goal)
    network, part, on_foot = ways.network, start.component, ways.costs(MODES["walk"], starts_s=before_s)
    all_the_way_s = before_s + times_to(network, "walk", start, [goal], on_foot, limit_s=np.inf)[0] + after_s
    stops = [stop.on_foot.get(part) for stop in takes]
    to_take_s = before_s + times_to(network, "walk", start, stops, on_foot, limit_s=LONGEST_WALK_S - before_s)
    from_leave_s = [
        times_to(network, "walk", stop.on_foot[part], [goal], on_foot, limit_s=LONGEST_WALK_S - after_s)[0] + after_s
        if part in stop.on_foot
        else np.inf
        for stop in leaves
    ]
    best_s, best = np.inf, None
    for take, walked_s in zip(takes, to_take_s, strict=True):
        for ride in _rides(ways, take, leaves) if walked_s < all_the_way_s else ():
            leave = leaves[ride.leave]
            rides_s = walked_s + _pause_s(PICK_UP_S, take, part, ride.wheels[0])
            left_s = rides_s + ride.seconds
            total_s = left_s + _pause_s(RETURN_S, leave, part, ride.wheels[1]) + from_leave_s[ride.leave]
            if total_s >= all_the_way_s:
                continue
            counted_s = total_s + RISKS_S[_chance(ways, take, walked_s)] + RISKS_S[_chance(ways, leave, left_s)]
            if counted_s < best_s:
                best_s, best = counted_s, _Chosen(start, goal, take, leave, ride.wheels)
    return best


def _rides(ways: _Ways, take: _Stop, leaves: Sequence[_Stop]) -> Iterator[_Ride]:
    """Rides from a station to others of its system, in each part of the streets that it touches."""
    costs = ways.costs(take.mode)
    others = [
        leave.on_wheels
        if leave.station.system_id == take.station.system_id and leave.station.code != take.station.code
        else {}
        for leave in leaves
    ]
    for component, start in take.on_wheels.items():
        goals = [places.get(component) for places in others]
        seconds = times_to(ways.network, take.mode.graph, start, goals, costs, limit_s=np.inf)
        for rank, goal in enumerate(goals):
            if goal is not None and np.isfinite(seconds[rank]):
                yield _Ride(rank, (start, goal), float(seconds[rank]))


def _pause_s(handling_s: float, stop: _Stop, component: int, wheels: Snap) -> float:
    """Between walking and riding: the handling, and the steps between the two streets across the station."""
    return handling_s + (stop.on_foot[component].distance_m + wheels.distance_m) / WALK_SPEED_M_S


def _chance(ways: _Ways, stop: _Stop, arrives_s: float) -> Chance:
    """From what a station showed to the moment when one is there, `arrives_s` after the departure."""
    return chance_of(stop.count, age_s=_age_s(stop.station, ways.depart_at) + arrives_s)


def _trip(ways: _Ways, chosen: _Chosen) -> SharedTrip:
    part, walk = chosen.start.component, MODES["walk"]
    take, leave = chosen.take, chosen.leave
    before_s = access_s(chosen.start)
    first = ways.route(walk, chosen.start, take.on_foot[part], starts_s=before_s)
    first = with_access(first, before_s=before_s)
    rides_s = first.duration_s + _pause_s(PICK_UP_S, take, part, chosen.wheels[0])
    ride = ways.route(take.mode, *chosen.wheels, starts_s=rides_s)
    left_s = rides_s + ride.duration_s
    walks_s = left_s + _pause_s(RETURN_S, leave, part, chosen.wheels[1])
    last = ways.route(walk, leave.on_foot[part], chosen.goal, starts_s=walks_s)
    last = with_access(last, after_s=access_s(chosen.goal))
    return SharedTrip(
        start=chosen.start,
        goal=chosen.goal,
        legs=(
            SharedLeg(mode=walk, route=first, starts_s=0.0, station=None),
            SharedLeg(mode=take.mode, route=ride, starts_s=rides_s, station=take.station),
            SharedLeg(mode=walk, route=last, starts_s=walks_s, station=leave.station),
        ),
        bike_chance=_chance(ways, take, first.duration_s),
        dock_chance=_chance(ways, leave, left_s),
        bikes=take.count,
        docks=leave.count,
    )
