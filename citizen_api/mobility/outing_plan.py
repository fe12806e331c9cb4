"""An outing from a place, put together: the windows of two days, and the walks with what is breathed on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from citizen_api.air.page import AirPage, air_page
from citizen_api.mobility.daylight import is_dark
from citizen_api.mobility.exposure import Background, doses_ug, read_background
from citizen_api.mobility.network import Network
from citizen_api.mobility.outing_days import DAYS, days_around
from citizen_api.mobility.outing_rules import DayAround, Window, best_window, better_day
from citizen_api.mobility.outings import WALK, Walk, walks_from
from citizen_api.mobility.profiles import ends_near
from citizen_api.mobility.search import Snap
from citizen_api.people.wishes import local_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A walk and what is breathed on it. `dose_ug`: per pollutant, None unknown.

    `guide`: the pollutant by which streets are compared, None where they are not. `against_mean`: its dose against
    that of the same minutes on streets with the mean air of the network, less 1: -0.1 is 10 % less.
    """

    walk: Walk
    dose_ug: Mapping[str, float | None]
    guide: str | None
    against_mean: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outing:
    """What to do from a place. `windows`: of "today" and "tomorrow"; `better`: which is clearly better, if one is.

    `walk_day`, `walk_at`: for when the doses of the walks are told; None where no day has a window. `network`,
    `start`: where the walks are, None without a walk. `covered`: whether a street is known near the place.
    """

    at: datetime
    page: AirPage
    background: Background
    days: Mapping[str, DayAround]
    windows: Mapping[str, Window]
    better: Literal["today", "tomorrow"] | None
    walk_day: str | None
    walk_at: datetime | None
    covered: bool
    network: Network | None
    start: Snap | None
    walks: Sequence[Walked]


def plan_outing(
    session: Session,
    networks: Sequence[Network],
    *,
    lat: float,
    lon: float,
    minutes: Sequence[int],
    wishes: Collection[str],
    at: datetime,
) -> Outing:
    """Windows and walks at a moment; `networks`: those around the place.

    Raises PositionOutOfRange, PositionSwapped, FarFromCommunes.
    """
    background = read_background(session, lat=lat, lon=lon, at=at)
    page = air_page(session, background.commune_code, at=at)
    days = days_around(page, background, at=at, lat=lat, lon=lon)
    local = at.astimezone(ZoneInfo(background.zone))
    windows = {name: best_window(days[name], at=local, minutes=max(minutes)) for name in DAYS}
    better = better_day(*((days[name], windows[name]) for name in DAYS))
    walk_day = better or next((name for name in DAYS if windows[name].choice in {"go", "shorter"}), None)
    walk_at = windows[walk_day].starts_at if walk_day else None
    places = [(network, ends_near(network, WALK, lat=lat, lon=lon, wishes=wishes)) for network in networks]
    reached = [(network, starts) for network, starts in places if starts]
    walks: list[Walk] = []
    chosen: tuple[Network, Snap] | None = None
    for network, starts in sorted(reached, key=lambda found: found[1][0].distance_m):
        start, walks = walks_from(
            network,
            starts,
            minutes=minutes,
            day=local_day(at, zone=background.zone),
            wishes=wishes,
            dark=is_dark(walk_at or at, lat=lat, lon=lon),
        )
        if start is not None:
            chosen = network, start
            break
    return Outing(
        at=at,
        page=page,
        background=background,
        days=days,
        windows=windows,
        better=better,
        walk_day=walk_day,
        walk_at=walk_at,
        covered=bool(reached),
        network=chosen[0] if chosen else None,
        start=chosen[1] if chosen else None,
        walks=[breathed(chosen[0], walk, background, walk_at) for walk in walks] if chosen else [],
    )


def breathed(network: Network, walk: Walk, background: Background, at: datetime | None) -> Walked:
    """What is breathed on a walk that starts at a moment; nothing is told where the air of its hours is not known."""
    if at is None or background.basis != "hours":
        return Walked(walk=walk, dose_ug=dict.fromkeys(background.values_ug_m3), guide=None, against_mean=None)
    doses = doses_ug(network, walk.route, mode=WALK, background=background, depart_at=at)
    guide = background.guide(at)
    against_mean = None
    if guide is not None and (dose := doses[guide]) is not None:
        plain = replace(network, factors={name: np.ones_like(column) for name, column in network.factors.items()})
        mean = doses_ug(plain, walk.route, mode=WALK, background=background, depart_at=at)[guide]
        against_mean = dose / mean - 1 if mean else None
    return Walked(walk=walk, dose_ug=doses, guide=guide, against_mean=against_mean)
