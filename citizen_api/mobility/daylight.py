"""When it is dark, and when the sun rises and sets. Pure: the time is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation, sunrise, sunset

DARK_BELOW_DEGREES: Final = -6.0
"""Elevation of the sun's middle at the end of civil twilight: below it one does not see one's way without a lamp."""
_DAY: Final = timedelta(days=1)


def is_dark(at: datetime, *, lat: float, lon: float) -> bool:
    """Whether it is darker at a moment (aware) than civil twilight; clouds are not known."""
    return elevation(Observer(lat, lon), at.astimezone(UTC), with_refraction=False) < DARK_BELOW_DEGREES


def sun(day: date, zone: str, *, lat: float, lon: float) -> tuple[datetime, datetime] | None:
    """Sunrise of a local day and the sunset after it, by the clock of `zone` (IANA name).

    None on a day without one of them: polar night, midnight sun.
    """
    here, clock = Observer(lat, lon), ZoneInfo(zone)
    # Of the days of UTC around it one has the sunrise of the local day, wherever on Earth that is.
    rises = [at for at in _found(sunrise, here, day) if at.astimezone(clock).date() == day]
    if not rises:
        return None
    sets = [at for at in _found(sunset, here, day) if rises[0] < at < rises[0] + _DAY]
    return (rises[0].astimezone(clock), sets[0].astimezone(clock)) if sets else None


def _found(turn: Callable[[Observer, date], datetime], here: Observer, day: date) -> Iterator[datetime]:
    for shift in (-1, 0, 1, 2):
        try:
            yield turn(here, day + shift * _DAY)
        except ValueError:  # the sun does not cross the horizon that day
            continue
