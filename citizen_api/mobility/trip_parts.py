"""What trips are made of: the question, legs, alternatives, and what was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from citizen_api.core import geo
from citizen_api.mobility.exposure import Background
from citizen_api.mobility.network import FloatArray, IntArray, Network
from citizen_api.mobility.profiles import STEP_FREE
from citizen_api.mobility.rules import BIKE_SPEED_M_S, DETOUR, Mode
from citizen_api.mobility.search import Route
from citizen_api.mobility.sharing import SharedTrip
from citizen_api.mobility.station_rules import StationNow

TripMode = Literal["walk", "bike", "ebike", "bikeshare"]
TRIP_MODES: Final[tuple[TripMode, ...]] = ("walk", "bike", "ebike", "bikeshare")
REASONABLE_S: Final = 3600.0
"""A trip that takes longer is offered, but not alone."""
LAND_M: Final = 7_000.0
"""Farther from any centre of a commune, and where no street is known, there may be sea or mountain."""
Missing = Literal["profile", "no_way", "off_network", "no_station"]
"""Why there is no trip by a mode: nobody moves so with this profile; no way fits it; the streets are not known here;
no station with a bicycle helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """From where to where, how, with which wishes (`planning.WISHES`), and when: `depart_at`, or else `arrive_by`.

    `centre_m`: how far the nearest centre of a commune is from the end that is farther from one.
    """

    from_lat: float
    from_lon: float
    to_lat: float
    to_lon: float
    modes: Sequence[TripMode]
    wishes: Collection[str]
    depart_at: datetime
    arrive_by: datetime | None = None
    centre_m: float = 0.0

    @property
    def straight_m(self) -> float:
        """Geodesic distance."""
        return geo.distance_m(lat=self.from_lat, lon=self.from_lon, to_lat=self.to_lat, to_lon=self.to_lon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A part of a trip by one mode. `route`: None on a straight line. `starts_s`: seconds after the departure.

    From and to a door its seconds and metres are those to the streets too (`snapping.access_s`).

    `points`: [k, 2] of (lat, lon); `pieces`: of each segment, its piece in the route. `station`: see `SharedLeg`.
    """

    mode: Mode
    route: Route | None
    points: FloatArray
    pieces: IntArray
    starts_s: float
    duration_s: float
    distance_m: float
    ascent_m: float | None
    station: StationNow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One alternative. `network`: None on a straight line. `labels`: see `planning.Candidate`.

    `snap_m`: how far its two ends are from the network, in a straight line. `dose_ug`: per pollutant, None unknown.
    """

    mode: TripMode
    labels: tuple[str, ...]
    network: Network | None
    legs: tuple[Leg, ...]
    depart_at: datetime
    duration_s: float
    distance_m: float
    ascent_m: float | None
    dose_ug: dict[str, float | None]
    guide: str | None
    snap_m: tuple[float, float] | None
    shared: SharedTrip | None = None

    @property
    def arrive_at(self) -> datetime:
        """When one is there, to the second."""
        return self.depart_at + timedelta(seconds=round(self.duration_s))

    @property
    def guide_ug(self) -> float | None:
        """Dose of the guiding pollutant."""
        return None if self.guide is None else self.dose_ug.get(self.guide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Trips by mode as asked, each mode's fastest first; `missing`: why there is none by a mode.

    `near_m`: how far the two ends are from known streets, whether or not a trip goes on them; None: none is known.
    """

    question: Question
    background: Background
    trips: list[Trip] = field(default_factory=list)
    missing: dict[TripMode, Missing] = field(default_factory=dict)
    dark: bool = False
    near_m: tuple[float | None, float | None] = (None, None)

    def land_unknown(self, trip: Trip) -> bool:
        """Whether nobody knows that one can walk or ride there at all (LAND_M)."""
        return trip.network is None and self.question.centre_m > LAND_M

    def by_bike_s(self) -> float | None:
        """About how long a bicycle takes where a trip is far and none was asked for; None else."""
        asked, wishes = set(self.question.modes), set(self.question.wishes)
        if self.transit_reason() != "far" or asked != {"walk"} or wishes & {*STEP_FREE, "child_bike"}:
            return None
        return self.question.straight_m * DETOUR / BIKE_SPEED_M_S

    def transit_reason(self) -> Literal["no_way", "far", "night"] | None:
        """Why public transport is offered too: no way, more than an hour by all that is asked, or unlit at night."""
        if not self.trips:
            return "no_way"
        if min(trip.duration_s for trip in self.trips) > REASONABLE_S:
            return "far"
        return "night" if self.dark and "avoid_unlit" in self.question.wishes else None
