"""The ways of one trip that are the best at some hour of a day, and what each costs at every departure. No I/O.

The way of an hour is searched once and then told exactly for every departure, because what changes from one 20
minutes to the next is much more the air than the way. What does not change is not searched again: the fastest way but
for darkness, and the clean way as long as the air has nearly the same price.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility import departure_rules as rules
from citizen_api.mobility.daylight import is_dark
from citizen_api.mobility.departure_rules import ANY_TIME, Bounds
from citizen_api.mobility.exposure import HOUR, HOUR_S, Background, hour_prices
from citizen_api.mobility.network import POLLUTANTS, Flag, FloatArray, Network
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.planning import WEIGHTS as PLANNING_WEIGHTS
from citizen_api.mobility.profiles import CHILD_PACE, STEP_FREE, costs_of
from citizen_api.mobility.rules import BIKE_SPEED_M_S, DETOUR, MODES, WALK_SPEED_M_S, Mode, dose_ug
from citizen_api.mobility.search import NO_HOURS, Costs, Route, Snap, find_route, with_access
from citizen_api.mobility.snapping import access_m, access_s
from citizen_api.mobility.trip_parts import Trip, TripMode
from citizen_api.mobility.trips import SNAPS_TRIED, Missing, ends_on
from citizen_api.mobility.trips import Question as TripQuestion

WEIGHTS: Final = PLANNING_WEIGHTS[:3]
PRICE_STEP: Final = 1.02
"""Prices of the air that are less than 2 % apart are searched once."""
UNLIT_SHARE: Final = 0.1
"""A way of which more than a tenth is not known to be lit is an unlit one."""
_PIECE_S: Final = 60.0
_REACH: Final = 2.0
"""Of a clean way's search only the hours that begin within twice the time of the fastest count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `after` and `until`: from when to when one may leave. `lat`, `lon`: where it is light or dark."""

    modes: Sequence[Mode]
    after: datetime
    until: datetime
    zone: str
    lat: float
    lon: float
    wishes: Collection[str] = ()
    bounds: Bounds = ANY_TIME

    @property
    def minds_dark(self) -> bool:
        """Whether darkness changes anything for who asks."""
        return "avoid_unlit" in self.wishes

    def is_dark(self, at: datetime) -> bool:
        """Whether it is dark at a moment where the way goes."""
        return is_dark(at, lat=self.lat, lon=self.lon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way from door to door, piece by piece: `time_s` float64[k], `factors` {pollutant: float[k]}.

    `walked`: which of the pieces are on foot, from and to a door; None: none.

    `dark`: found for the dark, or for the light; None: for both. `unlit`: not known to be lit. `route`, `network`: None
    of a straight line.
    """

    mode: Mode
    weight: float
    time_s: FloatArray
    factors: Mapping[str, NDArray[np.floating]]
    distance_m: float
    unlit: bool
    dark: bool | None = None
    walked: NDArray[np.bool_] | None = None
    route: Route | None = None
    network: Network | None = None

    @property
    def duration_s(self) -> float:
        """What the whole way takes."""
        return float(self.time_s.sum())


def find_ways(
    network: Network, mode: Mode, start: Snap, goal: Snap, question: Question, background: Background
) -> list[Way]:
    """The ways that are the best at some hour of the question, the fastest first; none: there is no way.

    At most as many searches as hours times WEIGHTS, less those of which the answer is known already.
    """
    ways: dict[bytes, Way] = {}
    way_of = partial(_way, network, mode, start, goal)
    before_s = access_s(start)
    searched: dict[tuple[object, ...], Route | None] = {}
    known: dict[bool, tuple[Costs, float]] = {}
    for at, dark in _hours_and_light(question):
        told_dark = dark if question.minds_dark else None
        if dark not in known:
            time_s, weight = costs_of(network, mode, wishes=question.wishes, dark=dark)
            plain = Costs(time_s=time_s, weight=weight, factor=weight, hours=NO_HOURS)
            fastest = find_route(network, mode.graph, start, goal, plain)
            if fastest is None:
                return []
            known[dark] = plain, fastest.duration_s
            ways.setdefault(_key(fastest, dark=dark), way_of(fastest, weight=WEIGHTS[0], dark=told_dark))
        plain, fastest_s = known[dark]
        guide = background.guide(at) if background.basis == "hours" else None
        if guide is None:
            continue
        for worth in WEIGHTS[1:]:
            on_streets_at = at + timedelta(seconds=before_s)
            prices, first_s = hour_prices(background, pollutant=guide, depart_at=on_streets_at, mode=mode, weight=worth)
            steps, first_s = _told_apart(prices, first_s, fastest_s)
            asked = (dark, guide, steps.tobytes(), first_s)
            if asked in searched:
                continue
            factor = plain.weight * network.factors[guide]
            priced = replace(plain, factor=factor, hours=PRICE_STEP**steps, first_s=first_s)
            route = searched[asked] = find_route(network, mode.graph, start, goal, priced)
            if route is not None:
                ways.setdefault(_key(route, dark=dark), way_of(route, weight=worth, dark=told_dark))
    return sorted(ways.values(), key=lambda way: way.weight)


def straight_way(mode: Mode, *, distance_m: float, question: Question) -> Way:
    """A way of which no street is known: in the air of the city, minute by minute."""
    speed_m_s = WALK_SPEED_M_S if mode.graph == "walk" else BIKE_SPEED_M_S
    pace = CHILD_PACE if mode.graph == "bike" and "child_bike" in question.wishes else mode.pace
    duration_s = distance_m / speed_m_s * pace
    pieces = max(1, round(duration_s / _PIECE_S))
    return Way(
        mode=mode,
        weight=WEIGHTS[0],
        time_s=np.full(pieces, duration_s / pieces),
        factors={pollutant: np.ones(pieces) for pollutant in POLLUTANTS},
        distance_m=distance_m,
        unlit=True,
    )


def all_ways(
    networks: Networks, trip: TripQuestion, question: Question, background: Background
) -> tuple[list[Way], dict[TripMode, Missing], tuple[float, float] | None]:
    """The ways by every mode that is asked for; why there is none by a mode; and how far the ends are from the streets.

    Off the streets that are known: a straight line, longer by `rules.DETOUR`.
    """
    found: list[Way] = []
    missing: dict[TripMode, Missing] = {}
    snap_m: tuple[float, float] | None = None
    for mode in question.modes:
        if mode.name != "walk" and STEP_FREE.intersection(question.wishes):
            missing[mode.name] = "profile"
            continue
        ends = ends_on(networks, mode, trip)
        if not ends:
            found.append(straight_way(mode, distance_m=trip.straight_m * DETOUR, question=question))
            continue
        for network, start, goal in ends[:SNAPS_TRIED]:
            ways = find_ways(network, mode, start, goal, question, background)
            if ways:
                found += ways
                snap_m = snap_m or (start.distance_m, goal.distance_m)
                break
        else:
            missing[mode.name] = "no_way"
    return found, missing, snap_m


def trips_of(ways: Sequence[Way], question: Question) -> list[Trip]:
    """The fastest trip of each mode at the first departure, as much as tells whether public transport is offered."""
    fastest = [
        min((way for way in ways if way.mode == mode), key=lambda way: way.duration_s, default=None)
        for mode in question.modes
    ]
    return [
        Trip(
            mode=way.mode.name,
            labels=("fastest",),
            network=way.network,
            legs=(),
            depart_at=question.after,
            duration_s=way.duration_s,
            distance_m=way.distance_m,
            ascent_m=None,
            dose_ug={},
            guide=None,
            snap_m=None,
        )
        for way in fastest
        if way is not None
    ]


def doses_of(way: Way, background: Background, departures: Sequence[datetime]) -> dict[str, FloatArray]:
    """Dose of each pollutant for each departure: float64[departures], NaN where it is not known.

    What `exposure.doses_ug` tells of one departure, of many at once.
    """
    begun = [(at - background.starts_at) // HOUR for at in departures]
    first_s = [HOUR_S - ((at - background.starts_at) % HOUR).total_seconds() for at in departures]
    reached_s = np.concatenate(([0.0], np.cumsum(way.time_s)[:-1]))
    later = np.floor((reached_s[None, :] - np.array(first_s)[:, None]) / HOUR_S).astype(np.int64) + 1
    hours = np.array(begun)[:, None] + np.maximum(later, 0)
    outside = (hours < 0) | (hours >= len(background.levels))
    shares = dose_ug(np.ones(len(way.time_s)), mode=way.mode, hours=way.time_s / HOUR_S)
    if way.walked is not None:
        on_foot = dose_ug(np.ones(len(way.time_s)), mode=MODES["walk"], hours=way.time_s / HOUR_S)
        shares = np.where(way.walked, on_foot, shares)
    found = {}
    for pollutant, values in background.values_ug_m3.items():
        told = np.where(outside, np.nan, values[np.where(outside, 0, hours)])
        found[pollutant] = np.asarray((told * (way.factors[pollutant] * shares)[None, :]).sum(axis=1))
    return found


def _hours_and_light(question: Question) -> list[tuple[datetime, bool]]:
    """The first departure of each hour of the clock in UTC, in the light and, for who minds, in the dark."""
    found: dict[tuple[datetime, bool], datetime] = {}
    for at in rules.moments(question.after, question.until, zone=question.zone):
        dark = question.minds_dark and question.is_dark(at)
        found.setdefault((at.replace(minute=0, second=0, microsecond=0), dark), at)
    return [(at, dark) for (_, dark), at in found.items()]


def _told_apart(hours: FloatArray, first_s: float, fastest_s: float) -> tuple[FloatArray, float]:
    """Prices of the hours that a way reaches, in steps of PRICE_STEP; one alone where they are the same all the way."""
    reached = 1 + int(max(0.0, np.ceil((_REACH * fastest_s - first_s) / HOUR_S)))
    steps = np.round(np.log(np.maximum(hours[:reached], 1e-9)) / np.log(PRICE_STEP))
    return (steps[:1], HOUR_S) if (steps == steps[0]).all() else (steps, first_s)


def _key(route: Route, *, dark: bool) -> bytes:
    return b"".join((bytes([dark]), route.streets.tobytes(), route.begins.tobytes(), route.ends.tobytes()))


def _way(
    network: Network, mode: Mode, start: Snap, goal: Snap, route: Route, *, weight: float, dark: bool | None
) -> Way:
    route = with_access(route, before_s=access_s(start), after_s=access_s(goal))
    # From and to a door: on foot, in the air of the city (see `exposure.doses_ug`).
    before, after = ([seconds] if seconds else [] for seconds in (route.before_s, route.after_s))
    walked = np.array([True] * len(before) + [False] * len(route.streets) + [True] * len(after))
    length_m = route.length_m(network)
    on_streets_m = float(length_m.sum())
    lit = (network.flags[route.streets] & int(Flag.LIT)) != 0
    return Way(
        mode=mode,
        weight=weight,
        time_s=np.concatenate((before, route.time_s, after)),
        factors={
            pollutant: np.concatenate((np.ones(len(before)), factors[route.streets], np.ones(len(after))))
            for pollutant, factors in network.factors.items()
        },
        distance_m=on_streets_m + access_m(start) + access_m(goal),
        unlit=float(length_m[~lit].sum()) > UNLIT_SHARE * on_streets_m,
        dark=dark,
        walked=walked,
        route=route,
        network=network,
    )
