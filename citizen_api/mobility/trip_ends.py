"""The two ends of a trip, as a question names them: checked, and said which of them is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from citizen_api.care import queries as care_queries
from citizen_api.care.place import Place
from citizen_api.care.views import FacilityUnknown
from citizen_api.core.geo import check_position, in_mainland_france
from citizen_api.core.problems import PositionOutOfRange, PositionSwapped, Problem
from citizen_api.mobility.trip_parts import Question
from citizen_api.mobility.trip_problems import FacilityWithoutPosition, TripGoalMissing, TripSamePoint, TripTooFar
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.problems import FarFromCommunes

SAME_POINT_M: Final = 10.0
FAR_KM: Final = 50
LAND_FAR_M: Final = 18_000
"""On the mainland and in Corsica no place to which one walks or rides is farther from every centre of a commune."""
PAST: Final = timedelta(minutes=10)
"""How far a moment may lie behind: clocks differ, and people read before they ask."""
END_PROBLEMS: Final[tuple[type[Problem], ...]] = (
    PositionOutOfRange,
    PositionSwapped,
    FarFromCommunes,
    FacilityUnknown,
    FacilityWithoutPosition,
    TripGoalMissing,
    TripSamePoint,
    TripTooFar,
)
"""What can be wrong with the ends of a trip."""


def goal_of(session: Session, args: Mapping[str, Any]) -> tuple[float, float, Place | None]:
    """Where to (lat, lon), and which place that is.

    Raises TripGoalMissing, FacilityUnknown, FacilityWithoutPosition.
    """
    if ("goal" in args) == ("to_facility" in args):
        raise TripGoalMissing
    if "goal" in args:
        return *args["goal"], None
    place = care_queries.place(session, args["to_facility"])
    if place is None:
        raise FacilityUnknown
    if math.isnan(place.lat) or math.isnan(place.lon):
        raise FacilityWithoutPosition
    return place.lat, place.lon, place


def check_ends(session: Session, question: Question) -> float:
    """How far the nearest centre of a commune is from the end that is farther from one, in metres.

    Raises what END_PROBLEMS lists of two positions: out of range, swapped, far from any commune (LAND_FAR_M; overseas
    that of `nearest_commune`), the same, too far apart.
    """
    ends = {
        "from": {"lat": question.from_lat, "lon": question.from_lon},
        "to": {"lat": question.to_lat, "lon": question.to_lon},
    }
    for name, position in ends.items():
        with _speaking_of(name):
            check_position(**position)
    if question.straight_m < SAME_POINT_M:
        raise TripSamePoint(least_m=round(SAME_POINT_M))
    centres_m = []
    for name, position in ends.items():
        with _speaking_of(name):
            centres_m.append(territory_queries.nearest_commune(session, **position)[1])
            if centres_m[-1] > LAND_FAR_M and in_mainland_france(**position):
                raise FarFromCommunes(radius_km=LAND_FAR_M // 1000)
    if question.straight_m > FAR_KM * 1000:
        raise TripTooFar(distance_km=round(question.straight_m / 1000), most_km=FAR_KM)
    return max(centres_m)


@contextmanager
def _speaking_of(parameter: str) -> Iterator[None]:
    """Have a problem of a position say which of the two it means."""
    try:
        yield
    except (PositionOutOfRange, PositionSwapped, FarFromCommunes) as problem:
        problem.fields = {parameter: ["Invalid value."]}
        raise
