"""What is told of a trip in numbers and lines: what it is worth, where it goes, how old its map is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import polyline

from citizen_api.mobility import rules
from citizen_api.mobility.cautions import Moving, moving_advice
from citizen_api.mobility.network import FloatArray, Network
from citizen_api.mobility.trip_parts import Found, Trip

POLYLINE_PRECISION: Final = 5
GEOJSON_DIGITS: Final = 6


def advice_of(found: Found, trip: Trip) -> Moving:
    """What the day says of a trip (`cautions.moving_advice`); nothing where nobody knows that there is a way.

    Of a trip with a ride, by its ride and its whole time: one breathes most on it.
    """
    if found.land_unknown(trip):
        return "none"
    hardest = max((leg.mode for leg in trip.legs), key=lambda mode: mode.vr_m3_h)
    return moving_advice(found.background, depart_at=trip.depart_at, mode=hardest, duration_s=moving_s(trip))


def activity_of(trip: Trip) -> dict[str, Any]:
    """What a trip does for who takes it: the part of a week that WHO asks for, and energy for 60 to 80 kg."""
    minutes = [(leg.mode, leg.duration_s / 60) for leg in trip.legs]
    burnt = [rules.kcal_range(mode, hours=spent / 60) for mode, spent in minutes]
    return {
        "active_min": round(moving_s(trip) / 60),
        "met_min": round(sum(rules.met_minutes(mode, minutes=spent) for mode, spent in minutes)),
        "who_week_percent": round(100 * sum(rules.week_share(mode, minutes=spent) for mode, spent in minutes)),
        "kcal_least": round(sum(least for least, _ in burnt)),
        "kcal_most": round(sum(most for _, most in burnt)),
    }


def encoded(points: FloatArray) -> str:
    """A line in the encoded polyline format, precision 5."""
    return polyline.encode([(float(lat), float(lon)) for lat, lon in points], POLYLINE_PRECISION)


def line_string(points: FloatArray) -> dict[str, Any]:
    """A line in GeoJSON: longitude first, two positions at least."""
    places: Sequence[list[float]] = np.round(points[:, ::-1], GEOJSON_DIGITS).tolist()
    return {"type": "LineString", "coordinates": list(places) if len(places) > 1 else [*places, *places]}


def moving_s(trip: Trip) -> float:
    """Seconds in which one moves."""
    return sum(leg.duration_s for leg in trip.legs)


def age_days(network: Network, at: datetime) -> int | None:
    """How old the map is from which a network was built; None where nobody knows of what day it is."""
    if network.extract_date is None:
        return None
    return max(0, (at.date() - network.extract_date).days)
