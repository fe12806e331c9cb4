"""Makes the air of a commune hour by hour, and ways through a synthetic network."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from citizen_api.mobility.exposure import Background
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.search import Route

EIGHT = datetime(2026, 1, 6, 8, tzinfo=UTC)


def make_background(*, starts_at=EIGHT, hours=4, **values) -> Background:
    """Make hours from `starts_at` on; a pollutant that is not given, and None, are unknown."""
    told = {pollutant: np.full(hours, np.nan) for pollutant in POLLUTANTS}
    told |= {
        name: np.array([np.nan if value is None else value for value in line], float) for name, line in values.items()
    }
    count = len(next(iter(values.values()))) if values else hours
    return Background(
        commune_code="75104",
        commune_name="Paris 4e Arrondissement",
        zone="Europe/Paris",
        starts_at=starts_at,
        values_ug_m3={name: line if len(line) == count else np.full(count, np.nan) for name, line in told.items()},
        methods={name: np.full(count, 0, np.uint8) for name in POLLUTANTS},
        levels=np.full(count, 3, np.int8),
        basis="hours" if values else "index",
        sources=("synthetic",),
        known_at=starts_at,
        made_up=False,
    )


def make_route(*pieces) -> Route:
    """Make a way of whole streets, each (number, seconds)."""
    streets, seconds = zip(*pieces, strict=True)
    return Route(
        streets=np.array(streets, np.int32),
        begins=np.zeros(len(streets), np.float32),
        ends=np.ones(len(streets), np.float32),
        time_s=np.array(seconds, np.float64),
        cost=float(sum(seconds)),
    )
