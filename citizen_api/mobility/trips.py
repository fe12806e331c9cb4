"""Trips between two points: by each mode asked for, over the streets where they are known, else as the crow flies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import numpy as np

from citizen_api.mobility.daylight import is_dark
from citizen_api.mobility.exposure import Background
from citizen_api.mobility.network import Network
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.planning import Candidate, candidates, latest_departure
from citizen_api.mobility.profiles import CHILD_PACE, STEP_FREE, ends_near
from citizen_api.mobility.rules import BIKE_SPEED_M_S, DETOUR, MODES, WALK_SPEED_M_S, Mode, dose_ug
from citizen_api.mobility.search import Snap
from citizen_api.mobility.shapes import route_points
from citizen_api.mobility.sharing import NEVER
from citizen_api.mobility.station_rules import StationNow
from citizen_api.mobility.trip_parts import REASONABLE_S, Found, Leg, Missing, Question, Trip, TripMode
from citizen_api.mobility.trip_sharing import shared_trips

__all__ = (
    "REASONABLE_S",
    "SNAPS_TRIED",
    "Found",
    "Leg",
    "Missing",
    "Question",
    "Trip",
    "TripMode",
    "ends_on",
    "find_trips",
    "flat_doses_ug",
)

SNAPS_TRIED: Final = 3
"""Of the pairs of points by which two ends may lie on the streets."""


def find_trips(
    networks: Networks,
    question: Question,
    *,
    background: Background,
    stations: Callable[[], Sequence[StationNow]],
) -> Found:
    """Every alternative by every mode asked for. `stations` is asked only when a shared bicycle is."""
    found = Found(
        question=question,
        background=background,
        dark=_dark(question, question.straight_m),
        near_m=(
            _near_m(networks, question, lat=question.from_lat, lon=question.from_lon),
            _near_m(networks, question, lat=question.to_lat, lon=question.to_lon),
        ),
    )
    for mode in dict.fromkeys(question.modes):
        trips = _trips_by(mode, networks, found, stations)
        if isinstance(trips, str):
            found.missing[mode] = trips
        else:
            found.trips.extend(trips)
    return found


def _trips_by(
    mode: TripMode, networks: Networks, found: Found, stations: Callable[[], Sequence[StationNow]]
) -> list[Trip] | Missing:
    question = found.question
    never = NEVER if mode == "bikeshare" else STEP_FREE
    if mode != "walk" and never & frozenset(question.wishes):
        return "profile"
    if mode == "bikeshare":
        ends = ends_on(networks, MODES["walk"], question)
        return (shared_trips(ends[0][0], stations(), found) or "no_station") if ends else "off_network"
    ends = ends_on(networks, MODES[mode], question)
    if not ends:
        # A straight line only where no street is known: not across those that the wishes bar.
        barred = bool(question.wishes) and ends_on(networks, MODES[mode], replace(question, wishes=()))
        return "no_way" if barred else [_straight(MODES[mode], found)]
    for network, start, goal in ends[:SNAPS_TRIED]:
        trips = _on_streets(network, MODES[mode], start, goal, found)
        if trips:
            return trips
    return "no_way"


def ends_on(networks: Networks, mode: Mode, question: Question) -> list[tuple[Network, Snap, Snap]]:
    """Networks on which both ends lie, with two points that reach each other, the nearest to the ends first.

    On streets that the wishes allow: who avoids steps is not led to a flight of them.
    """
    found: list[tuple[Network, Snap, Snap]] = []
    for network in networks.around(lat=question.from_lat, lon=question.from_lon):
        near = partial(ends_near, network, mode, wishes=question.wishes)
        goals = {goal.component: goal for goal in near(lat=question.to_lat, lon=question.to_lon)}
        starts = near(lat=question.from_lat, lon=question.from_lon)
        found.extend((network, start, goals[start.component]) for start in starts if start.component in goals)
    return sorted(found, key=lambda ends: ends[1].distance_m + ends[2].distance_m)


def _near_m(networks: Networks, question: Question, *, lat: float, lon: float) -> float | None:
    """How far the nearest street is from an end, by any mode asked for; None where none is known."""
    asked = [MODES["walk" if mode == "bikeshare" else mode] for mode in question.modes]
    modes = {mode.graph: mode for mode in asked}
    snaps = [
        near.distance_m
        for network in networks.around(lat=lat, lon=lon)
        for mode in modes.values()
        for near in ends_near(network, mode, lat=lat, lon=lon, wishes=question.wishes)
    ]
    return min(snaps, default=None)


def _on_streets(network: Network, mode: Mode, start: Snap, goal: Snap, found: Found) -> list[Trip]:
    question = found.question
    depart_at, ways = question.depart_at, list[Candidate]()
    if question.arrive_by is not None:
        depart_at = latest_departure(question.arrive_by, _guess_s(mode, question))
    for _ in range(2):
        ways = candidates(
            network,
            mode,
            start,
            goal,
            background=found.background,
            depart_at=depart_at,
            wishes=question.wishes,
            dark=found.dark,
            arrive_by=question.arrive_by,
        )
        if question.arrive_by is None or not ways:
            break
        # By what was guessed the hour may have been another than that in which one really leaves.
        depart_at = latest_departure(question.arrive_by, ways[0].duration_s)
    return [_trip_of(network, way, start, goal, question) for way in ways]


def _trip_of(network: Network, way: Candidate, start: Snap, goal: Snap, question: Question) -> Trip:
    points, pieces = route_points(network, way.route)
    leg = Leg(
        mode=way.mode,
        route=way.route,
        points=points,
        pieces=pieces,
        starts_s=0.0,
        duration_s=way.duration_s,
        distance_m=way.distance_m,
        ascent_m=way.ascent_m,
    )
    return Trip(
        mode=way.mode.name,
        labels=way.labels,
        network=network,
        legs=(leg,),
        depart_at=_leaves_at(question, way.duration_s),
        duration_s=way.duration_s,
        distance_m=way.distance_m,
        ascent_m=way.ascent_m,
        dose_ug=dict(way.dose_ug),
        guide=way.guide,
        snap_m=(start.distance_m, goal.distance_m),
    )


def _straight(mode: Mode, found: Found) -> Trip:
    """A straight line, longer by DETOUR; its dose is that of the city's air, hour by hour, for no street is known."""
    question = found.question
    duration_s = _guess_s(mode, question)
    depart_at = _leaves_at(question, duration_s)
    leg = Leg(
        mode=mode,
        route=None,
        points=np.array([(question.from_lat, question.from_lon), (question.to_lat, question.to_lon)]),
        pieces=np.zeros(1, np.int32),
        starts_s=0.0,
        duration_s=duration_s,
        distance_m=question.straight_m * DETOUR,
        ascent_m=None,
    )
    return Trip(
        mode=mode.name,
        labels=("fastest",),
        network=None,
        legs=(leg,),
        depart_at=depart_at,
        duration_s=duration_s,
        distance_m=leg.distance_m,
        ascent_m=None,
        dose_ug=flat_doses_ug(found.background, mode=mode, depart_at=depart_at, duration_s=duration_s),
        guide=found.background.guide(depart_at) if found.background.basis == "hours" else None,
        snap_m=None,
    )


def flat_doses_ug(
    background: Background, *, mode: Mode, depart_at: datetime, duration_s: float
) -> dict[str, float | None]:
    """Dose of each pollutant in the air of the city, wherever one moves; None where an hour of it is not known."""
    ends_at = depart_at + timedelta(seconds=duration_s)
    hours: list[tuple[int | None, float]] = []
    at = depart_at
    while at < ends_at:
        gone = (at - background.starts_at) % timedelta(hours=1)
        until = min(at - gone + timedelta(hours=1), ends_at)
        hours.append((background.hour(at), (until - at) / timedelta(hours=1)))
        at = until
    doses: dict[str, float | None] = {}
    for pollutant, values in background.values_ug_m3.items():
        parts = [np.nan if hour is None else dose_ug(float(values[hour]), mode=mode, hours=h) for hour, h in hours]
        total = float(sum(parts))
        doses[pollutant] = None if np.isnan(total) else total
    return doses


def _leaves_at(question: Question, duration_s: float) -> datetime:
    if question.arrive_by is None:
        return question.depart_at
    return latest_departure(question.arrive_by, duration_s)


def _guess_s(mode: Mode, question: Question) -> float:
    """What a way takes on a straight line, longer by DETOUR."""
    speed_m_s = WALK_SPEED_M_S if mode.graph == "walk" else BIKE_SPEED_M_S
    pace = CHILD_PACE if mode.graph == "bike" and "child_bike" in question.wishes else mode.pace
    return question.straight_m * DETOUR / speed_m_s * pace


def _dark(question: Question, straight_m: float) -> bool:
    """Whether it is dark where one leaves when one leaves, or an hour's walk at most later."""
    walk = timedelta(seconds=min(straight_m * DETOUR / WALK_SPEED_M_S, REASONABLE_S))
    first = question.depart_at if question.arrive_by is None else question.arrive_by - walk
    return any(is_dark(at, lat=question.from_lat, lon=question.from_lon) for at in (first, first + walk))
