"""Replays hours of measurements through the decision rule, with a clock of its own. Pure.

At each moment only the hours that are over are known, and with a forecast those that it reaches. What a group of
residents was told, and how often, is kept as the product keeps it for a device.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from citizen_api.people.wishes import Profile, day_bounds, local_day
from notifications.rehearsal_facts import HAZARD, HOUR, Knowledge
from notifications.rules import WEEK, Decision, Standing, Told, Watch, decide, due_at, look

FORECAST_REACH: Final = timedelta(hours=36)
"""How far the synthetic perfect forecast sees: from midday on, the whole of tomorrow."""
TICK: Final = timedelta(minutes=15)
"""Hours, the ends of quiet hours and morning briefs all lie on a quarter of an hour here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Residents who wish the same. `watches`: those of one of them; the city has one value, whatever the commune."""

    profile: Profile
    watches: tuple[Watch, ...]
    residents: int

    @property
    def level(self) -> int:
        """The level from which they wish to be told."""
        return min(watch.level for watch in self.watches)


@dataclass(frozen=True, slots=True)
class Event:
    """What was decided at a moment (UTC) about an alert day for a group, given by its place in the list."""

    at: datetime
    day: date
    group: int
    decision: Decision


@dataclass(slots=True)
class _Record:
    """What a group was told by alert day, when it was disturbed, and what it was last decided on."""

    told: dict[date, Told] = field(default_factory=dict)
    disturbed: list[datetime] = field(default_factory=list)
    seen: dict[date, tuple[Standing, datetime | None]] = field(default_factory=dict)

    def is_asked(self, day: date, standing: Standing, now: datetime) -> bool:
        """Whether there is something new to decide: another fact, or the moment to decide again."""
        before, again_at = self.seen.get(day, (None, None))
        return standing != before or (again_at is not None and again_at <= now)


def replay(
    values: Mapping[datetime, float],
    groups: Sequence[Group],
    *,
    first: date,
    last: date,
    high: float,
    zone: str,
    ahead: timedelta = timedelta(),
) -> list[Event]:
    """Decide from the beginning of the first local day to the end of the last; give all that was not "nothing".

    `values`: the city's value (ug/m3) by the end of its hour (UTC), an unknown hour left out. `ahead`: how far a
    perfect forecast reaches; its hours are taken from `values` too. The replay begins knowing nothing.
    """
    knowledge = Knowledge(high=high, zone=zone, ahead=ahead)
    records = [_Record() for _ in groups]
    now, end = day_bounds(first, zone=zone)[0], day_bounds(last, zone=zone)[1]
    hour = now + HOUR
    standings: dict[date, Standing] = {}
    events: list[Event] = []
    while now < end:
        while hour <= now + ahead:
            knowledge.learn(hour, values.get(hour))
            hour += HOUR
        if not now.minute:
            standings = knowledge.standings(now)
        events += _decided(standings, groups, records, now)
        now += TICK
    return events


def _decided(
    standings: Mapping[date, Standing], groups: Sequence[Group], records: Sequence[_Record], now: datetime
) -> Iterator[Event]:
    for day, standing in standings.items():
        for number, (group, record) in enumerate(zip(groups, records, strict=True)):
            if not record.is_asked(day, standing, now):
                continue
            decision = _decide(group, record, day, standing, now)
            record.seen[day] = standing, decision.again_at or _due(group, decision, standing)
            if decision.action == "tell" and decision.expires_at is not None:
                record.told[day] = Told(levels=decision.levels, expires_at=decision.expires_at)
                record.disturbed += [now] if decision.counts else []
            if decision.action != "none":
                yield Event(now, day, number, decision)


def _decide(group: Group, record: _Record, day: date, standing: Standing, now: datetime) -> Decision:
    zone = group.profile.zone
    in_week = [at for at in record.disturbed if at > now - WEEK]
    known = {(watch.commune, HAZARD): standing for watch in group.watches}
    return decide(
        look(group.watches, known, group.profile, now),
        told=record.told.get(day),
        profile=group.profile,
        consents=True,
        sent_today=sum(local_day(at, zone=zone) == local_day(now, zone=zone) for at in in_week),
        sent_in_week=len(in_week),
        now=now,
    )


def _due(group: Group, decision: Decision, standing: Standing) -> datetime | None:
    """When those are asked again whose moment has not come."""
    if decision.reason != "not_due":
        return None
    return min(due_at(watch.when, standing.starts_at, group.profile) for watch in group.watches)
