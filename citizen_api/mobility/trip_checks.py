"""What trips, compared with each other, have that must be said. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from citizen_api.mobility.exposure import STREET_POLLUTANTS
from citizen_api.mobility.network import Flag
from citizen_api.mobility.planning import DOSE_DIGITS, NEAR_APART
from citizen_api.mobility.trip_parts import Trip

PRAISED: Final = frozenset({"cleanest", "balanced"})
"""Labels that speak well of the air of a way."""


def one_way(trips: Sequence[Trip]) -> bool:
    """Whether by no mode any other way is better than the fastest in something, whatever one wishes."""
    counts = Counter(trip.mode for trip in trips)
    if any("wished" in trip.labels for trip in trips):
        return False
    return bool(trips) and all(counts[one.mode] == 1 and {"fastest", "cleanest"} <= set(one.labels) for one in trips)


def rises(trip: Trip, trips: Sequence[Trip]) -> dict[str, int]:
    """By how many per cent a way that is praised for its guide is dirtier than the fastest, by each other pollutant.

    Only from NEAR_APART on, of the doses as they are shown, and by what tells streets apart (STREET_POLLUTANTS).
    """
    fastest = next(other for other in trips if other.mode == trip.mode)
    if not PRAISED.intersection(trip.labels):
        return {}
    doses = {
        name: (trip.dose_ug.get(name), fastest.dose_ug.get(name)) for name in STREET_POLLUTANTS if name != trip.guide
    }
    shown = {
        name: (round(own, DOSE_DIGITS), round(other, DOSE_DIGITS))
        for name, (own, other) in doses.items()
        if own is not None and other is not None
    }
    return {
        name: round((own / other - 1) * 100)
        for name, (own, other) in shown.items()
        if other and own > other * (1 + NEAR_APART)
    }


def slope_unknown(trip: Trip) -> bool:
    """Whether nobody knows how much it climbs."""
    return trip.ascent_m is None


def light_unknown(trip: Trip) -> bool:
    """Whether it goes along streets that are not known to be lit or unlit."""
    if trip.network is None:
        return True
    flags = np.concatenate([trip.network.flags[leg.route.streets] for leg in trip.legs if leg.route is not None])
    return bool(((flags & int(Flag.LIT | Flag.UNLIT)) == 0).any())
