"""Trips by shared bicycle, as alternatives: the quickest, and one along cleaner streets where it is worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from citizen_api.mobility.exposure import doses_ug
from citizen_api.mobility.network import POLLUTANTS, Network
from citizen_api.mobility.planning import DOSE_DIGITS, NEAR_APART, ascent_m, latest_departure
from citizen_api.mobility.shapes import route_points
from citizen_api.mobility.sharing import SharedTrip, find_shared
from citizen_api.mobility.snapping import access_m
from citizen_api.mobility.station_rules import StationNow
from citizen_api.mobility.trip_parts import Found, Leg, Trip

CLEAN_WEIGHT: Final = 2.0
"""How much clean air is worth against time on the cleaner of the two (`planning.WEIGHTS`)."""


def shared_trips(network: Network, stations: Sequence[StationNow], found: Found) -> list[Trip]:
    """The quickest trip by shared bicycle and, where less is breathed on it, a cleaner one; empty: none."""
    fastest = _shared_trip(network, stations, found, weight=0.0)
    if fastest is None:
        return []
    if fastest.guide_ug is None:
        return [replace(fastest, labels=("fastest",))]
    cleaner = _shared_trip(network, stations, found, weight=CLEAN_WEIGHT)
    if cleaner is None or not _worth_it(cleaner, fastest):
        return [replace(fastest, labels=("fastest", "cleanest"))]
    return [replace(fastest, labels=("fastest",)), replace(cleaner, labels=("cleanest",))]


def _worth_it(cleaner: Trip, fastest: Trip) -> bool:
    """Whether less is breathed by it for more time, in what is shown, and not by next to nothing."""
    if cleaner.guide_ug is None or fastest.guide_ug is None or cleaner.guide != fastest.guide:
        return False
    less = round(cleaner.guide_ug, DOSE_DIGITS) <= round(fastest.guide_ug * (1 - NEAR_APART), DOSE_DIGITS)
    return less and round(cleaner.duration_s) > round(fastest.duration_s)


def _shared_trip(network: Network, stations: Sequence[StationNow], found: Found, *, weight: float) -> Trip | None:
    question, background = found.question, found.background
    depart_at = question.depart_at
    shared: SharedTrip | None = None
    # Twice for who has a time to be there: the first tells how long it takes.
    for _ in range(1 if question.arrive_by is None else 2):
        shared = find_shared(
            network,
            stations,
            from_lat=question.from_lat,
            from_lon=question.from_lon,
            to_lat=question.to_lat,
            to_lon=question.to_lon,
            background=background,
            depart_at=depart_at,
            wishes=question.wishes,
            dark=found.dark,
            weight=weight,
        )
        if shared is None:
            return None
        if question.arrive_by is not None:
            depart_at = latest_departure(question.arrive_by, shared.duration_s)
    if shared is None:  # pragma: no cover - it was asked for at least once
        return None
    legs = tuple(_legs(network, shared))
    doses = [
        doses_ug(
            network,
            part.route,
            mode=part.mode,
            background=background,
            depart_at=depart_at + timedelta(seconds=part.starts_s),
        )
        for part in shared.legs
    ]
    return Trip(
        mode="bikeshare",
        labels=(),
        network=network,
        legs=legs,
        depart_at=depart_at,
        duration_s=shared.duration_s,
        distance_m=sum(leg.distance_m for leg in legs),
        ascent_m=_sum([leg.ascent_m for leg in legs]),
        dose_ug={name: _sum([dose[name] for dose in doses]) for name in POLLUTANTS},
        guide=background.guide(depart_at) if background.basis == "hours" else None,
        snap_m=(shared.start.distance_m, shared.goal.distance_m),
        shared=shared,
    )


def _legs(network: Network, shared: SharedTrip) -> list[Leg]:
    legs = []
    for part, from_doors_m in zip(shared.legs, (access_m(shared.start), 0.0, access_m(shared.goal)), strict=True):
        points, pieces = route_points(network, part.route)
        leg = Leg(
            mode=part.mode,
            route=part.route,
            points=points,
            pieces=pieces,
            starts_s=part.starts_s,
            duration_s=part.route.duration_s,
            distance_m=float(part.route.length_m(network).sum()) + from_doors_m,
            ascent_m=ascent_m(network, part.route),
            station=part.station,
        )
        legs.append(leg)
    return legs


def _sum(values: Sequence[float | None]) -> float | None:
    """Sum of what is known of all parts; None when one is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
