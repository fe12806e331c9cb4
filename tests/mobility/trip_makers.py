"""Air, points and networks for trips. All made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from citizen_api.mobility.exposure import Background
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.search import Route, snap
from tests.mobility.makers import changed, make_grid

NINE = datetime(2026, 11, 25, 8, 10, tzinfo=UTC)
"""Wednesday 25 November 2026, 9:10 in Paris: broad daylight."""


def make_air(*, basis="hours", starts_at=None, hours=48, measured=True, **values) -> Background:
    """The same concentration in every hour: NO2 40 and PM2.5 12 unless told; a list tells hours one by one."""
    start = starts_at or NINE.replace(minute=0)
    told = {"no2": 40.0, "pm25": 12.0, "pm10": 20.0, "o3": 30.0, **values}
    known = basis == "hours"
    columns = {
        name: np.resize(np.asarray(told[name], np.float64), hours) if known else np.full(hours, np.nan)
        for name in POLLUTANTS
    }
    return Background(
        commune_code="75104",
        commune_name="Paris 4e Arrondissement",
        zone="Europe/Paris",
        starts_at=start,
        values_ug_m3=columns,
        methods={name: np.full(hours, int(measured and known), np.uint8) for name in POLLUTANTS},
        levels=np.full(hours, 0 if basis == "unknown" else 3, np.int8),
        basis=basis,
        sources=("synthetic",),
        known_at=start,
        made_up=False,
    )


def make_dirty_row(columns=7, rows=5, *, row=2, dirt=3.0, clean=0.6, **options):
    """A grid where the streets of one row, eastward, are dirtier than all others, and secondary roads."""
    network = make_grid(columns, rows, **options)
    own = np.isin(np.arange(len(network.tails)), row_streets(columns, row))
    factor = np.where(own, dirt, clean)
    kinds = ["secondary" if dirty else "residential" for dirty in own]
    return changed(network, factors=dict.fromkeys(POLLUTANTS, factor), kinds=kinds)


def row_streets(columns, row) -> list[int]:
    """Streets of a row of `make_grid`, eastward."""
    return list(range(row * (columns - 1), (row + 1) * (columns - 1)))


def at_junction(network, number, graph="walk"):
    """The nearest point of a graph to a junction."""
    return snap(network, graph, lat=float(network.lats[number]), lon=float(network.lons[number]))[0]


def mode(name="walk"):
    return MODES[name]


def make_route(*pieces) -> Route:
    """A way by (street, begin, end), a second for each."""
    streets, begins, ends = zip(*pieces, strict=True)
    return Route(
        streets=np.array(streets, np.int32),
        begins=np.array(begins, np.float32),
        ends=np.array(ends, np.float32),
        time_s=np.ones(len(pieces)),
        cost=1.0,
    )


class FakeNetworks:
    """Networks of a test, in memory."""

    def __init__(self, *networks) -> None:
        self._networks = networks

    def all(self):
        return list(self._networks)

    def around(self, *, lat, lon):
        near = 0.003
        return [
            network
            for network in self._networks
            if network.box[0] - near <= lat <= network.box[2] + near
            and network.box[1] - near <= lon <= network.box[3] + near
        ]


def later(**parts) -> datetime:
    return NINE + timedelta(**parts)
