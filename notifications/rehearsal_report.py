"""What a replay amounts to: who was told what on each day, how often, how early, and what other bounds would do. Pure.

A day here is an alert day: it runs from 17:00 of the evening before to 17:00 (`rules.alert_day`), by the city's clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from citizen_api.people.wishes import local_day
from notifications.rehearsal import Event, Group, replay
from notifications.rehearsal_facts import HIGH, HOUR
from notifications.rules import Kind, alert_day

KINDS: Final[tuple[Kind, ...]] = ("alert", "raised", "lowered", "all_clear")
TRIAL_SHARES: Final = (0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5)
"""Other bounds that are tried, in parts of the one that is replayed."""
TOLD_SHARE: Final = 0.5
"""A day counts as told when so many of those were who wish to be told from the bound on."""
DAYS_OF_A_WEEK: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What is replayed: the city's known values (ug/m3) by the end of their hour, whom for, which days, which bound."""

    values: Mapping[datetime, float]
    groups: Sequence[Group]
    first: date
    last: date
    high: float
    zone: str
    ahead: timedelta = timedelta()

    @property
    def residents(self) -> int:
        """How many residents there are."""
        return sum(group.residents for group in self.groups)

    @property
    def weeks(self) -> int:
        """Weeks of seven days from the first day on; the last may be shorter."""
        return -(-((self.last - self.first).days + 1) // DAYS_OF_A_WEEK)

    def week_of(self, at: datetime) -> int:
        """Number of the week in which a moment lies, from 0."""
        return (local_day(at, zone=self.zone) - self.first).days // DAYS_OF_A_WEEK

    def peaks(self) -> dict[date, tuple[datetime, float]]:
        """Highest value of each day with a known hour, and the end of its (first) hour."""
        found: dict[date, tuple[datetime, float]] = {}
        for ends_at, value in sorted(self.values.items()):
            if local_day(ends_at - HOUR, zone=self.zone) > self.last:
                break  # only a forecast knows it
            day = alert_day(ends_at, zone=self.zone)
            if day not in found or value > found[day][1]:
                found[day] = ends_at, value
        return found

    def events(self, *, high: float | None = None) -> list[Event]:
        """Replay it, at its own bound or another."""
        return replay(
            self.values,
            self.groups,
            first=self.first,
            last=self.last,
            high=self.high if high is None else high,
            zone=self.zone,
            ahead=self.ahead,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How many residents got a message of one kind about a day at one moment (UTC)."""

    at: datetime
    kind: Kind
    residents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day, counted in residents.

    `told`: alerted at least once. `held`: by quiet hours; `spared`: of these never alerted, for it was over when their
    quiet hours ended. `dropped`: it was known that it would be over by then. `capped`: they had had enough messages.
    """

    day: date
    peak_at: datetime | None
    peak_ug_m3: float | None
    moments: Sequence[Moment]
    told: int
    held: int
    spared: int
    dropped: int
    capped: int

    @property
    def is_eventful(self) -> bool:
        """Whether anybody was told, or would have been."""
        return bool(self.moments or self.held or self.dropped or self.capped)

    def messages(self, kind: Kind) -> int:
        """How many messages of a kind."""
        return sum(moment.residents for moment in self.moments if moment.kind == kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """How long before the peak of their day residents were told first; less than nothing after it.

    `residents`: by the notice, for each resident and day.
    """

    residents: Mapping[timedelta, int]

    @property
    def shortest(self) -> timedelta:
        """The least notice. ValueError when nobody was told."""
        return min(self.residents)

    @property
    def longest(self) -> timedelta:
        """The longest notice. ValueError when nobody was told."""
        return max(self.residents)

    @property
    def median(self) -> timedelta:
        """Half had as much or more. ValueError when nobody was told."""
        seen, total = 0, sum(self.residents.values())
        for notice in sorted(self.residents):
            seen += self.residents[notice]
            if 2 * seen >= total:
                return notice
        raise ValueError("nobody was told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a bound would do. Days are judged by whether their peak reached the bound that is rehearsed."""

    high: float
    days_told: int
    caught: int
    missed: int
    false_alarms: int
    messages_per_week: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a replay amounts to. `per_week`: residents by how many messages disturbed them in a week, weeks added up.

    `reached`: days whose peak reached the bound.
    """

    days: Sequence[Day]
    per_week: Mapping[int, int]
    notice: Notice
    told_once: int
    reached: int
    trials: Sequence[Trial]

    @property
    def messages_per_week(self) -> float:
        """Messages that disturb, per resident and week."""
        return sum(number * count for number, count in self.per_week.items()) / sum(self.per_week.values())


def report_of(replayed: Replayed) -> Report:
    """Replay, and add up."""
    events, peaks = replayed.events(), replayed.peaks()
    by_day: dict[date, list[Event]] = defaultdict(list)
    for event in events:
        by_day[event.day].append(event)
    told = {event.group for event in events if _alerts(event)}
    # The last evening belongs to the day after, which is shown if it brings something, and judged by no figure.
    whole = {day: peak for day, peak in peaks.items() if day <= replayed.last}
    days = sorted(day for day in by_day.keys() | peaks if day <= replayed.last or day in by_day)
    return Report(
        days=[_day(day, peaks.get(day), by_day.get(day, []), replayed.groups) for day in days],
        per_week=_per_week(replayed, events),
        notice=_notice(replayed.groups, by_day, whole),
        told_once=sum(replayed.groups[number].residents for number in told),
        reached=sum(value >= replayed.high for _, value in whole.values()),
        trials=[_trial(replayed, round(share * replayed.high, 1), whole) for share in TRIAL_SHARES],
    )


def _alerts(event: Event) -> bool:
    return event.decision.action == "tell" and event.decision.kind == "alert"


def _day(day: date, peak: tuple[datetime, float] | None, events: Sequence[Event], groups: Sequence[Group]) -> Day:
    moments: Counter[tuple[datetime, Kind]] = Counter()
    by_outcome: dict[str, set[int]] = defaultdict(set)
    for event in events:
        decision = event.decision
        if decision.action == "tell" and decision.kind is not None:
            moments[event.at, decision.kind] += groups[event.group].residents
            by_outcome[decision.kind].add(event.group)
        elif decision.kind in {"alert", "raised"}:
            by_outcome[decision.reason].add(event.group)

    def count(numbers: set[int]) -> int:
        return sum(groups[number].residents for number in numbers)

    return Day(
        day=day,
        peak_at=None if peak is None else peak[0],
        peak_ug_m3=None if peak is None else peak[1],
        moments=[
            Moment(at=at, kind=kind, residents=moments[at, kind])
            for at, kind in sorted(moments, key=lambda key: (key[0], KINDS.index(key[1])))
        ],
        told=count(by_outcome["alert"]),
        held=count(by_outcome["quiet"]),
        spared=count(by_outcome["quiet"] - by_outcome["alert"] - by_outcome["quiet_dropped"] - by_outcome["capped"]),
        dropped=count(by_outcome["quiet_dropped"]),
        capped=count(by_outcome["capped"]),
    )


def _per_week(replayed: Replayed, events: Sequence[Event]) -> dict[int, int]:
    disturbed = Counter((event.group, replayed.week_of(event.at)) for event in events if event.decision.counts)
    residents: Counter[int] = Counter()
    for number, group in enumerate(replayed.groups):
        for week in range(replayed.weeks):
            residents[disturbed[number, week]] += group.residents
    return dict(sorted(residents.items()))


def _notice(
    groups: Sequence[Group], by_day: Mapping[date, Sequence[Event]], peaks: Mapping[date, tuple[datetime, float]]
) -> Notice:
    residents: Counter[timedelta] = Counter()
    for day, events in by_day.items():
        first: dict[int, datetime] = {}
        for event in filter(_alerts, events):
            first.setdefault(event.group, event.at)
        if day in peaks:
            for number, at in first.items():
                residents[peaks[day][0] - at] += groups[number].residents
    return Notice(residents=dict(sorted(residents.items())))


def _trial(replayed: Replayed, high: float, peaks: Mapping[date, tuple[datetime, float]]) -> Trial:
    events = replayed.events(high=high)
    wishing = {number: group.residents for number, group in enumerate(replayed.groups) if group.level == HIGH}
    told: dict[date, set[int]] = defaultdict(set)
    for event in events:
        if event.group in wishing and _alerts(event):
            told[event.day].add(event.group)
    least = TOLD_SHARE * sum(wishing.values())
    days_told = {day for day in peaks if told[day] and sum(wishing[number] for number in told[day]) >= least}
    reached = {day for day, (_, value) in peaks.items() if value >= replayed.high}
    messages = sum(replayed.groups[event.group].residents for event in events if event.decision.counts)
    return Trial(
        high=high,
        days_told=len(days_told),
        caught=len(days_told & reached),
        missed=len(reached - days_told),
        false_alarms=len(days_told - reached),
        messages_per_week=messages / (replayed.residents * replayed.weeks),
    )
