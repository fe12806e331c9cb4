"""Makes groups of residents and hours for rehearsals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from notifications.measurements import Measurements, bundled_week
from notifications.rehearsal import Event, Group, replay
from notifications.rehearsal_facts import HIGH
from tests.notifications.makers import make_profile, make_watch

ZONE = "Europe/Paris"
FIRST, LAST = date(2023, 2, 6), date(2023, 2, 12)
NINTH = date(2023, 2, 9)
HOUR = timedelta(hours=1)
COMMON = "22:00-07:00"


def paris(text: str) -> datetime:
    """Moment in Paris in February 2023, in UTC: "08 23:00"."""
    return datetime.strptime(f"2023-02-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def clock(at: datetime) -> str:
    """`paris` read backwards."""
    return at.astimezone(ZoneInfo(ZONE)).strftime("%d %H:%M")


def make_group(quiet=COMMON, *, level=HIGH, residents=100, when="evening_before", **profile) -> Group:
    return Group(
        profile=make_profile(quiet=quiet, **profile), watches=(make_watch(level, when=when),), residents=residents
    )


def make_values(*spells, base=20.0, first=FIRST, last=LAST) -> dict[datetime, float]:
    """Hours of synthetic air: `base`, but for spells as ("08 23:00", "09 10:00", value), ends of hours, included."""
    start = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    values = {start + n * HOUR: base for n in range(1, 24 * ((last - first).days + 1) + 1)}
    for since, until, value in spells:
        values |= {at: value for at in values if paris(since) <= at <= paris(until)}
    return values


def replayed(values, *groups, high=200.0, ahead=timedelta(), first=FIRST, last=LAST) -> list[Event]:
    return replay(values, groups, first=first, last=last, high=high, zone=ZONE, ahead=ahead)


def week_values(measurements: Measurements | None = None, *, ahead=timedelta()) -> dict[datetime, float]:
    return (measurements or bundled_week()).values(FIRST, LAST, zone=ZONE, ahead=ahead)


def tellings(events, *, day=None, kinds=("alert", "raised", "lowered", "all_clear")) -> list[tuple[str, str]]:
    """When and what was told, by the clock of Paris."""
    return [
        (clock(event.at), event.decision.kind)
        for event in events
        if event.decision.action == "tell" and event.decision.kind in kinds and day in {None, event.day}
    ]
