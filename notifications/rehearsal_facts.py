"""What hourly values make known of the air of each alert day: standings, as the decision rule takes them.

Pure. A value at a bound opens a spell at the level of the bound, and `air.episode_rules` closes it. A spell belongs to
the alert day of its beginning and, while it lasts, to each later day of the calendar: every one of these days is a
subject of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from citizen_api.air.episode_rules import UNKNOWN_AFTER_HOURS, Exceedance, ExceedanceState, watching
from citizen_api.people.wishes import day_bounds, local_day
from content.hazards import SCALES
from notifications.rules import Standing, alert_day

HAZARD: Final = "air"
HIGH: Final = SCALES[HAZARD].raised_to["information"]
"""The level that begins at the bound of a rehearsal."""
ALERT: Final = SCALES[HAZARD].raised_to["alert"]
LESSER: Final = HIGH - 1
"""The level of those who wish to be told earlier."""
SHARES: Final = {LESSER: 0.75, HIGH: 1.0, ALERT: 2.0}
"""Where each level begins, in parts of the bound. French law alerts of NO2 at twice the value at which it informs (400
and 200 ug/m3, for three hours in a row; here one is enough); three quarters is a choice of ours."""
HOUR: Final = timedelta(hours=1)
_TIERS: Final = {level: tier for tier, level in SCALES[HAZARD].raised_to.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """A spell at a level as far as it lies in one day. `ends_at` None: its end is not known."""

    level: int
    starts_at: datetime
    ends_at: datetime | None


class Knowledge:
    """What is known at a moment from the hours learnt so far, at a bound of `high` (ug/m3).

    `ahead`: how far a forecast reaches; the hours are learnt that much earlier.
    """

    def __init__(self, *, high: float, zone: str, ahead: timedelta = timedelta()) -> None:
        self._zone = zone
        self._ahead = ahead
        self._states: dict[int, ExceedanceState] = {level: watching(high * share) for level, share in SHARES.items()}
        self._spells: dict[tuple[int, datetime], Exceedance] = {}
        self._known_until: datetime | None = None

    def learn(self, ends_at: datetime, value: float | None) -> None:
        """Take in the hour that ends at `ends_at`; hours come in their order."""
        if value is not None:
            self._known_until = ends_at
        for level, state in self._states.items():
            self._states[level] = stepped = state.step(ends_at, value)
            if stepped.exceedance is not None:
                self._spells[level, stepped.exceedance.opened_at] = stepped.exceedance

    def standings(self, now: datetime) -> dict[date, Standing]:
        """What is known of each day that is not over and has a spell, as of `now` (UTC).

        Empty where the last hours are not known.
        """
        if self._known_until is None or now - self._known_until >= UNKNOWN_AFTER_HOURS * HOUR:
            return {}
        today = local_day(now, zone=self._zone)
        by_day: dict[date, list[_Part]] = {}
        for (level, opened_at), spell in list(self._spells.items()):
            parts = dict(self._parts(level, spell, max(now, self._known_until)))
            if spell.closed_at is not None and max(parts) < today:
                del self._spells[level, opened_at]
            for day, part in parts.items():
                if day >= today:
                    by_day.setdefault(day, []).append(part)
        return {day: self._standing(day, by_day[day], now) for day in sorted(by_day)}

    def _parts(self, level: int, spell: Exceedance, until: datetime) -> Iterator[tuple[date, _Part]]:
        """The days of a spell. One that is not closed lasts `until` at least."""
        day = first = alert_day(spell.opened_at, zone=self._zone)
        while True:
            start, end = day_bounds(day, zone=self._zone)
            if day > first and (until if spell.closed_at is None else spell.closed_at - timedelta.resolution) < start:
                return
            ends_at = None if spell.closed_at is None else min(spell.closed_at, end)
            yield day, _Part(level, spell.opened_at if day == first else start, ends_at)
            day += timedelta(days=1)

    def _standing(self, day: date, parts: list[_Part], now: datetime) -> Standing:
        """The worst of a day that is not over; calm when all is over."""
        start, end = day_bounds(day, zone=self._zone)
        changes = [part.starts_at - self._ahead for part in parts]
        changes += [part.ends_at for part in parts if part.ends_at is not None and part.ends_at <= now]
        lasting = [part for part in parts if part.ends_at is None or part.ends_at > now]
        if not lasting:
            return _standing(SCALES[HAZARD].least, since=max(changes), starts_at=start, ends_at=end)
        level = max(part.level for part in lasting)
        worst = [part for part in lasting if part.level == level]
        return _standing(
            level,
            since=max(changes),
            starts_at=min(part.starts_at for part in worst),
            ends_at=max(part.ends_at or end for part in worst),
        )


def _standing(level: int, *, since: datetime, starts_at: datetime, ends_at: datetime) -> Standing:
    return Standing(
        hazard=HAZARD, level=level, tier=_TIERS.get(level), since=since, starts_at=starts_at, ends_at=ends_at
    )
