"""What is known of the hazards that residents watch, where they watch them, and what each device is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.air import queries
from citizen_api.air.models import AirFact
from citizen_api.air.outlook import cause, is_made_up, outlook
from citizen_api.people.device_models import Watch
from content.hazards import WATCHED
from notifications.audience import decided
from notifications.rules import Standing

AROUND: Final = (-1, 0, 1, 2)
"""Alert days that may not be over anywhere or be due somewhere, counted from the UTC day."""
_FEW_ZONES: Final = 500
_DAY: Final = timedelta(days=1)
_WATCHED: Final = frozenset(WATCHED)


def alert_days(now: datetime) -> list[date]:
    """The alert days about which somebody may be told now, wherever they live."""
    today = now.astimezone(UTC).date()
    return [today + shift * _DAY for shift in AROUND]


def watched_communes(session: Session) -> set[str]:
    """INSEE codes of the communes that somebody watches."""
    return set(session.scalars(select(Watch.commune_code).distinct()))


def standings(
    session: Session, communes: Collection[str], *, day: date, now: datetime
) -> dict[tuple[str, str], Standing]:
    """{(commune, hazard): what is known, not over and to be believed} of one alert day. Unknown has no entry.

    The choice among sources and zones is that of `GET /v1/air`: a resident who opens it sees what woke them.
    """
    return Finder(day, now)(session, communes)


class Finder:
    """Finds standings of one alert day, as `standings` does, again and again: facts of all of France are read once."""

    def __init__(self, day: date, now: datetime) -> None:
        self._day, self._now = day, now
        self._everything: dict[queries.Zone, list[AirFact]] | None = None

    def __call__(self, session: Session, communes: Collection[str]) -> dict[tuple[str, str], Standing]:
        """What is known of some communes."""
        zones = queries.zones_of(session, communes)
        found = self._facts(session, {zone for ranks in zones.values() for zone in ranks})
        known = {}
        for commune, ranks in zones.items():
            here = [fact for zone in ranks for fact in found.get(zone, ())]
            for hazard in {fact.hazard for fact in here} & _WATCHED:
                standing = self._standing(hazard, here, ranks)
                if standing is not None:
                    known[commune, hazard] = standing
        return known

    def _facts(self, session: Session, zones: set[queries.Zone]) -> dict[queries.Zone, list[AirFact]]:
        if self._everything is not None:
            return self._everything
        few = len(zones) <= _FEW_ZONES
        midnight = datetime.combine(self._day, time(), UTC)
        found = queries.facts(
            session,
            zones if few else None,
            at=self._now,
            ends_after=max(self._now, midnight - _DAY),
            starts_before=midnight + 3 * _DAY,
        )
        placed = queries.by_zone(fact for fact in found if fact.day == self._day)
        if not few:
            self._everything = placed
        return placed

    def _standing(self, hazard: str, here: Iterable[AirFact], ranks: Mapping[queries.Zone, int]) -> Standing | None:
        seen = outlook(hazard, self._day, here, ranks, at=self._now)
        if seen is None or seen.level is None or seen.ends_at <= self._now:
            return None
        return Standing(
            hazard=hazard,
            level=seen.level,
            tier=seen.tier,
            since=seen.since,
            starts_at=seen.starts_at,
            ends_at=seen.ends_at,
            cause=cause(seen),
            is_demo=is_made_up(seen),
        )


def preview(session: Session, *, now: datetime) -> dict[date, Counter[tuple[str, str | None, str]]]:
    """Count, for each alert day, the devices by (action, kind, reason): whom we would tell now. Nothing is written."""
    communes = watched_communes(session)
    counts: dict[date, Counter[tuple[str, str | None, str]]] = {}
    for day in alert_days(now):
        known = standings(session, communes, day=day, now=now)
        with decided(session, day=day, standings=known, now=now) as audience:
            counts[day] = audience.tally(session)
    return counts
