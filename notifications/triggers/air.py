"""What is known of the hazards that residents watch, where they watch them, and what each device is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.air import queries
from citizen_api.air.outlook import outlook
from citizen_api.people.device_models import Watch
from content.hazards import WATCHED
from notifications.audience import decided
from notifications.rules import Standing

AROUND: Final = (-1, 0, 1, 2)
"""Alert days that may not be over anywhere or be due somewhere, counted from the UTC day."""
_FEW_ZONES: Final = 500
_DAY: Final = timedelta(days=1)


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
    zones = queries.zones_of(session, communes)
    every = {zone for ranks in zones.values() for zone in ranks}
    midnight = datetime.combine(day, time(), UTC)
    found = queries.by_zone(
        queries.facts(
            session,
            every if len(every) <= _FEW_ZONES else None,
            at=now,
            ends_after=max(now, midnight - _DAY),
            starts_before=midnight + 3 * _DAY,
        )
    )
    known = {}
    for commune, ranks in zones.items():
        here = [fact for zone in ranks for fact in found.get(zone, ()) if fact.day == day]
        for hazard in WATCHED:
            seen = outlook(hazard, day, here, ranks, at=now)
            if seen is not None and seen.level is not None and seen.ends_at > now:
                known[commune, hazard] = Standing(
                    hazard=hazard,
                    level=seen.level,
                    tier=seen.tier,
                    since=seen.since,
                    starts_at=seen.starts_at,
                    ends_at=seen.ends_at,
                )
    return known


def preview(session: Session, *, now: datetime) -> dict[date, Counter[tuple[str, str | None, str]]]:
    """Count, for each alert day, the devices by (action, kind, reason): whom we would tell now. Nothing is written."""
    communes = watched_communes(session)
    counts: dict[date, Counter[tuple[str, str | None, str]]] = {}
    for day in alert_days(now):
        known = standings(session, communes, day=day, now=now)
        with decided(session, day=day, standings=known, now=now) as audience:
            counts[day] = Counter(audience.tally())
    return counts
