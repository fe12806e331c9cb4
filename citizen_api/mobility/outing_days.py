"""What the rules of an outing need to know of today and tomorrow, out of what `air/` knows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from citizen_api.air.page import AirPage
from citizen_api.mobility.daylight import sun
from citizen_api.mobility.exposure import HOUR, Background
from citizen_api.mobility.outing_rules import DayAround, HourAir, Known
from citizen_api.mobility.rules import REFERENCES_UG_M3
from citizen_api.people.wishes import day_bounds, local_day

DAYS: Final = ("today", "tomorrow")


def days_around(page: AirPage, background: Background, *, at: datetime, lat: float, lon: float) -> dict[str, DayAround]:
    """Today and tomorrow by the clock of the place: its light, its hours still known of, the levels of its hazards."""
    today = local_day(at, zone=background.zone)
    days = {name: today + timedelta(days=number) for number, name in enumerate(DAYS)}
    return {
        name: DayAround(
            day=day,
            sun=sun(day, background.zone, lat=lat, lon=lon),
            hours=_hours(background, day),
            hazards={
                hazard: Known(level=found.level, starts_at=found.starts_at, ends_at=found.ends_at)
                for hazard, outlooks in page.others.items()
                if (found := outlooks[name]) is not None and found.level is not None
            },
        )
        for name, day in days.items()
    }


def _hours(background: Background, day: date) -> list[HourAir]:
    """Every hour of a day that the background holds; those before it are over."""
    starts_at, ends_at = day_bounds(day, zone=background.zone)
    clock = ZoneInfo(background.zone)
    found = []
    for number in range(len(background.levels)):
        at = background.starts_at + number * HOUR
        if not starts_at <= at < ends_at:
            continue
        values = {
            pollutant: float(column[number])
            for pollutant, column in background.values_ug_m3.items()
            if not np.isnan(column[number])
        }
        ratios = {pollutant: value / REFERENCES_UG_M3[pollutant] for pollutant, value in values.items()}
        worst = max(ratios, key=lambda pollutant: ratios[pollutant], default=None)
        found.append(
            HourAir(
                starts_at=at.astimezone(clock),
                ratio=None if worst is None else ratios[worst],
                values_ug_m3=values,
                pm25_ug_m3=values.get("pm25"),
                level=int(background.levels[number]),
                episode=bool(background.tiers and background.tiers[number]),
            )
        )
    return found
