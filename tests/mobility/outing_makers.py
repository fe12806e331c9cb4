"""Days, hours and networks for outings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from citizen_api.mobility.exposure import Background
from citizen_api.mobility.network import POLLUTANTS, Flag
from citizen_api.mobility.outing_rules import DayAround, HourAir, Known
from citizen_api.mobility.rules import REFERENCES_UG_M3
from tests.mobility.makers import changed, make_graph, make_grid

PARIS = ZoneInfo("Europe/Paris")
SUMMER = date(2026, 7, 15)
WINTER = date(2026, 11, 25)
SUN = {SUMMER: ((6, 2), (21, 52)), WINTER: ((8, 14), (16, 58))}


def local(day, hour, minute=0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS)


def make_day(day=SUMMER, *, air=None, pm25=None, level=0, pollutant="no2", sun="sun", **hazards) -> DayAround:
    """`air`: {hour: ratio} of the hours that are known; hazards: a level, or (level, from hour, until hour)."""
    rise, fall = SUN[day]
    known = {}
    for hazard, told in hazards.items():
        height, since, until = told if isinstance(told, tuple) else (told, 0, 24)
        midnight = local(day, 0)
        known[hazard] = Known(
            level=height, starts_at=midnight + timedelta(hours=since), ends_at=midnight + timedelta(hours=until)
        )
    hours = [
        HourAir(
            starts_at=local(day, hour),
            ratio=(air or {}).get(hour),
            values_ug_m3={pollutant: air[hour] * REFERENCES_UG_M3[pollutant]} if hour in (air or {}) else {},
            pm25_ug_m3=pm25,
            level=level,
        )
        for hour in range(24)
    ]
    return DayAround(
        day=day, sun=(local(day, *rise), local(day, *fall)) if sun == "sun" else sun, hours=hours, hazards=known
    )


def make_background(*, no2=20.0, pm25=10.0, basis="hours", starts_at=datetime(2026, 11, 25, 8, tzinfo=UTC), hours=40):
    """The same air in every hour; None: not known."""
    values = {"no2": no2, "pm25": pm25, "pm10": None, "o3": None}
    return Background(
        commune_code="75104",
        commune_name="Paris 4e Arrondissement",
        zone="Europe/Paris",
        starts_at=starts_at,
        values_ug_m3={
            name: np.full(hours, np.nan if value is None else value, np.float64) for name, value in values.items()
        },
        methods={name: np.full(hours, 0, np.uint8) for name in POLLUTANTS},
        levels=np.zeros(hours, np.int8),
        basis=basis,
        sources=("synthetic",),
        known_at=starts_at,
        made_up=False,
    )


def make_park(columns=30, rows=30, *, block_m=80.0, green_from=15):
    """A grid whose streets east of a column are in the green, and whose southern rows lie along a main road."""
    grid = make_grid(columns, rows, block_m=block_m, seed=4)
    green = grid.x_m[grid.tails] >= green_from * block_m
    beside = grid.y_m[grid.tails] < 3 * block_m
    return changed(
        grid,
        flags=np.where(green, Flag.LIT | Flag.GREEN, Flag.LIT).astype(np.uint16),
        main_road_m=np.where(beside, 10, 500).astype(np.float32),
        factors={"no2": np.where(beside, 1.6, np.where(green, 0.7, 1.0)), "pm25": np.where(beside, 1.2, 0.95)},
    )


def make_line(junctions=12, *, block_m=80.0):
    """One long street without a side street."""
    return make_grid(junctions, 1, block_m=block_m, seed=3)


def make_one_way(network, oneway):
    """The same network, some streets of which are walked in their own direction only."""
    n = len(network.lats)
    walk = make_graph(n, network.tails, network.heads, network.length_m / np.float32(4.8 / 3.6), oneway=oneway)
    return changed(network, graphs={**network.graphs, "walk": walk})
