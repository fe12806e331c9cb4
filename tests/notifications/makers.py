"""Makes standings, watches and profiles for decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from citizen_api.people.wishes import DEFAULT_PROFILE, Profile, QuietHours, day_bounds
from notifications.rules import Decision, Standing, Told, Watch, decide, look

PARIS = "75104"
DAY = date(2026, 11, 26)


def at(text: str) -> datetime:
    """Moment in Paris in November 2026: "25 18:30"."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return datetime(2026, 11, int(day), int(hour), int(minute), tzinfo=UTC) - timedelta(hours=1)


def make_standing(level: int = 4, *, day: date = DAY, hazard: str = "air", **changed: Any) -> Standing:
    """Make what is known of a hazard for a whole day in Paris; long since, unless told otherwise."""
    starts_at, ends_at = day_bounds(day, zone="Europe/Paris")
    plain = Standing(
        hazard=hazard,
        level=level,
        tier=None,
        since=starts_at - timedelta(days=2),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    return replace(plain, **changed)


def make_watch(level: int = 3, *, commune: str = PARIS, hazard: str = "air", when: Any = "evening_before") -> Watch:
    return Watch(commune=commune, hazard=hazard, level=level, when=when)


def make_profile(**changed: Any) -> Profile:
    """Make the default profile with changes; `quiet` may be "22:00-07:00"."""
    quiet = changed.get("quiet")
    if isinstance(quiet, str):
        changed["quiet"] = QuietHours(*map(time.fromisoformat, quiet.split("-")))
    return replace(DEFAULT_PROFILE, **changed)


def make_told(expires_at: datetime | None = None, **levels: int) -> Told:
    return Told(levels=levels, expires_at=expires_at or day_bounds(DAY, zone="Europe/Paris")[1])


def decided(
    now: datetime,
    *standings: Standing | tuple[str, Standing],
    watches: tuple[Watch, ...] = (make_watch(),),
    profile: Profile = DEFAULT_PROFILE,
    told: Told | None = None,
    consents: bool = True,
    sent_today: int = 0,
    sent_in_week: int = 0,
) -> Decision:
    """Decide for one device; a standing without a commune is of Paris."""
    placed = [item if isinstance(item, tuple) else (PARIS, item) for item in standings]
    known = {(commune, standing.hazard): standing for commune, standing in placed}
    return decide(
        look(watches, known, profile, now),
        told=told,
        profile=profile,
        consents=consents,
        sent_today=sent_today,
        sent_in_week=sent_in_week,
        now=now,
    )
