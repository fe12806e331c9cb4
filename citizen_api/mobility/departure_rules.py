"""Which departures are worth telling, against leaving at once. Pure: the time is passed in.

What is compared is a *burden*: the dose of one pollutant, the same in a whole answer, against its reference, or, where
no concentration is known, the index of the day. None is unknown, and never less than anything. Where the others rise
while that one falls, it is said, and what is worse by it is not recommended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

from citizen_api.mobility.rules import DAY_H, HOT_HOURS, MODES, REST_M3_H, SLEEP_H, SLEEP_M3_H, ModeName, dose_ug

WINDOW: Final = timedelta(hours=24)
STEP: Final = timedelta(minutes=20)
NO_DIFFERENCE: Final = 0.05
"""Less than 5 % is told as no difference: the doses are not known better than that."""
RISES: Final = 0.10
"""From here on it is said that a pollutant other than the one that is compared rises."""
MOST_ITEMS: Final = 6
"""Departures by one mode that are told, at most."""
STAY: Final = timedelta(minutes=5)
"""Who arrives later than this before closing arrives for nothing."""
WAITING: Final = 0.05
LONGER: Final = 0.01
"""What one hour of waiting, and one minute more of travel, must at least take off the burden of leaving at once for
the one departure that is recommended. Ours: up to four hours of waiting for a fifth less, not a night for a third."""
DAY_M3: Final = SLEEP_M3_H * SLEEP_H + REST_M3_H * (DAY_H - SLEEP_H)
"""Air that one breathes in a day anyway: 8 h of sleep and 16 h of rest (Tainio 2016)."""
WORTH_WAITING: Final = 0.005
"""What waiting must at least save, of what one breathes in a day anyway in the same air, to be recommended. Ours: a
sixth of a walk of a quarter of an hour, and nothing of one of two minutes, which is less than that as a whole."""
NIGHT: Final = (time(23), time(6))
"""When nobody is told to leave who did not ask for it: air is often best at three in the morning."""

UV_LEVEL: Final = 8
"""From this index on the hours around midday are to be avoided (WHO, Global Solar UV Index, 2002)."""
AROUND_SOLAR_NOON: Final = timedelta(hours=2)

Reason = Literal["closed", "closes", "too_late", "heat", "uv", "dark", "night"]
HARD: Final[frozenset[Reason]] = frozenset({"closed", "closes", "too_late"})
"""For these a departure is of no use; for the others it is not recommended."""
Span = tuple[datetime, datetime]


class Opening(Protocol):
    """What `care.hours.Opening` tells of a moment."""

    @property
    def state(self) -> Literal["open", "closed", "unknown"]:
        """Whether it is open."""

    @property
    def until(self) -> datetime | None:
        """Until when it is; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Leaving at one moment by one way. `way`: its number in the plan; `weight`: with which it was searched.

    `guide`: the pollutant of which `burden` is the dose against its reference. `ratios`: that of each pollutant that is
    known. `worse`: against the reference, by another pollutant than the guide (`is_worse`).
    """

    mode: ModeName
    depart_at: datetime
    duration_s: float
    way: int
    weight: float
    burden: float | None
    guide: str | None = None
    reasons: tuple[Reason, ...] = ()
    ratios: Mapping[str, float] = field(default_factory=dict, compare=False)
    worse: bool = False

    @property
    def arrive_at(self) -> datetime:
        """When one is there, to the second."""
        return self.depart_at + timedelta(seconds=round(self.duration_s))

    @property
    def minutes(self) -> int:
        """Travel as it is told."""
        return max(1, round(self.duration_s / 60))

    @property
    def useful(self) -> bool:
        """Whether one arrives in time, at an open door."""
        return not HARD.intersection(self.reasons)

    @property
    def free(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """An option against another. `percent`: its burden, -35 for 35 % less, 0 for no difference; None: not known."""

    percent: int | None
    later: timedelta
    more_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What speaks against an hour, whoever goes. `until`: when one must be there."""

    until: datetime | None = None
    hot: Sequence[Span] = ()
    sunny: Sequence[Span] = ()
    nights: Sequence[Span] = ()
    opening: Callable[[datetime], Opening] | None = None

    def reasons(self, depart_at: datetime, arrive_at: datetime, *, unlit: bool) -> tuple[Reason, ...]:
        """What speaks against going from one moment to the other; `unlit`: through the dark, against a wish."""
        found: list[Reason] = []
        if self.until is not None and arrive_at > self.until:
            found.append("too_late")
        if self.opening is not None:
            opening = self.opening(arrive_at)
            if opening.state == "closed":
                found.append("closed")
            elif closes_before(opening, arrive_at + STAY):
                found.append("closes")
        if _meets(self.hot, depart_at, arrive_at):
            found.append("heat")
        if _meets(self.sunny, depart_at, arrive_at):
            found.append("uv")
        if unlit:
            found.append("dark")
        if any(first <= depart_at < last for first, last in self.nights):
            found.append("night")
        return tuple(found)


ANY_TIME: Final = Bounds()


def until_of(after: datetime, before: datetime | None) -> tuple[datetime, bool]:
    """Until when departures are compared, and whether that is less than was asked for."""
    # In UTC: 24 hours by the clock of a place are 23 or 25 on the day on which it changes.
    most = after.astimezone(UTC) + WINDOW
    return (most, False) if before is None else (min(most, before), before > most)


def whole_minute(at: datetime) -> datetime:
    """The first whole minute that is not over at a moment: nobody leaves before now."""
    begun = at.replace(second=0, microsecond=0)
    return begun if begun == at else begun + timedelta(minutes=1)


def moments(after: datetime, until: datetime, *, zone: str, also: Iterable[datetime] = ()) -> list[datetime]:
    """Departures to look at, in UTC: `after`, each round 20 minutes of the clock of `zone` later, and `also`."""
    first, last = after.astimezone(UTC), until.astimezone(UTC)
    # Whole 20 minutes are so by every clock of France, the half hour of the Marquesas too, but not by all on Earth.
    shift = (first.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)) % STEP
    past = (first + shift - datetime.min.replace(tzinfo=UTC)) % STEP
    at = first - past + STEP
    found = {first, *(moment.astimezone(UTC) for moment in also)}
    while at <= last:
        found.add(at)
        at += STEP
    return sorted(moment for moment in found if first <= moment <= last)


def closes_before(opening: Opening, at: datetime) -> bool:
    """Whether what is open closes before a moment, as far as is known."""
    return opening.state == "open" and opening.until is not None and opening.until.astimezone(UTC) < at.astimezone(UTC)


def open_spans(
    opening: Callable[[datetime], Opening], after: datetime, until: datetime
) -> list[tuple[datetime, datetime | None]]:
    """When a place is known to be open, in UTC, as (from, to), until one that begins before `until`.

    The first begins at `after` where it is open then; to None: no end is known.
    """
    at, end = after.astimezone(UTC), until.astimezone(UTC)
    found: list[tuple[datetime, datetime | None]] = []
    while at < end:
        now = opening(at)
        change = None if now.until is None else max(now.until.astimezone(UTC), at + timedelta(minutes=1))
        if now.state == "open":
            found.append((at, change))
        if change is None and now.state != "unknown":
            break
        at = change or at + STEP
    return found


def hot_spans(days: Iterable[tuple[int | None, datetime, datetime]], *, zone: str) -> list[Span]:
    """The hot hours of a vigilance: of each (level, starts_at, ends_at) from orange on, by the clock of `zone`."""
    clock, found = ZoneInfo(zone), []
    for level, starts_at, ends_at in days:
        if level is None or level not in HOT_HOURS:
            continue
        day = starts_at.astimezone(clock).date()
        while day <= ends_at.astimezone(clock).date():
            midnight = datetime.combine(day, time(), clock)
            first, last = ((midnight + timedelta(hours=hour)).astimezone(UTC) for hour in HOT_HOURS[level])
            if max(first, starts_at) < min(last, ends_at):
                found.append((max(first, starts_at), min(last, ends_at)))
            day += timedelta(days=1)
    return found


def sunny_spans(days: Iterable[tuple[int | None, Span | None]]) -> list[Span]:
    """The hours around solar noon of each day (UV index, sunrise and sunset) with a very high index."""
    found = []
    for level, daylight in days:
        if level is None or level < UV_LEVEL or daylight is None:
            continue
        rise, down = (at.astimezone(UTC) for at in daylight)
        noon = rise + (down - rise) / 2
        found.append((noon - AROUND_SOLAR_NOON, noon + AROUND_SOLAR_NOON))
    return found


def night_spans(after: datetime, until: datetime, *, zone: str) -> list[Span]:
    """The nights between two moments, by the clock of `zone`, without the one in which who asks is up."""
    clock, day = ZoneInfo(zone), timedelta(days=1)
    first, found = after.astimezone(clock).date() - day, []
    while first <= until.astimezone(clock).date():
        begin, end = datetime.combine(first, NIGHT[0], clock), datetime.combine(first + day, NIGHT[1], clock)
        if begin.astimezone(UTC) > after.astimezone(UTC):
            found.append((begin.astimezone(UTC), end.astimezone(UTC)))
        first += day
    return found


def guide_of(known: Mapping[str, Sequence[bool]], ratios: Mapping[str, float | None]) -> str | None:
    """The one pollutant by which all hours are compared; None where none is known.

    `known`: whether the dose of each is known at each moment, the first of them that with which others are compared;
    `ratios`: its dose then against its reference. As `Background.guide`: nitrogen dioxide, because it tells streets
    apart, else the particles with the highest ratio, of those that are known longest. Ozone only where nothing else is.
    """
    some = [name for name, moments_known in known.items() if any(moments_known)]
    some = [name for name in some if name != "o3"] or some
    leaders = [name for name in some if known[name][0]] or some
    return max(leaders, key=lambda name: (sum(known[name]), name == "no2", ratios.get(name) or 0.0), default=None)


def rising(option: Option, reference: Option) -> dict[str, int]:
    """By how many per cent each pollutant but the guide is higher than with `reference`, where notably (RISES)."""
    if option.guide is None:
        return {}
    more = {
        name: round(100 * (option.ratios[name] / against - 1))
        for name, against in reference.ratios.items()
        if name != option.guide and name in option.ratios and against > 0
    }
    return {name: percent for name, percent in more.items() if percent >= 100 * RISES}


def is_worse(option: Option, reference: Option) -> bool:
    """Whether its air is no better than that of `reference`, however low the guide.

    So it is where fine particles rise notably, or what is highest against its WHO reference does.
    """
    rises = rising(option, reference)
    if not rises:
        return False
    both = option.ratios.keys() & reference.ratios.keys()
    highest, against = (max(one.ratios[name] for name in both) for one in (option, reference))
    return "pm25" in rises or highest >= against * (1 + RISES)


def compare(option: Option, reference: Option) -> Gain:
    """Tell an option against another."""
    return Gain(
        percent=_percent(option.burden, reference.burden),
        later=option.depart_at - reference.depart_at,
        more_minutes=option.minutes - reference.minutes,
    )


def frontier(
    options: Iterable[Option], *, most: int | None = MOST_ITEMS, keep: Collection[Option] = ()
) -> list[Option]:
    """Options of which none is as early, as short and about as clean as another, the earliest first.

    A later or longer one must be cleaner by NO_DIFFERENCE at least, and by more where there would be more than `most`;
    the cleanest, and those to `keep`, are told anyway. One that is `worse` is not in the way of one that is not.
    """
    found = _steps(sorted(options, key=_order), NO_DIFFERENCE)
    if most is None or len(found) <= most:
        return found
    cleanest = min(found, key=lambda option: math.inf if option.burden is None else option.burden)
    kept, least = found, NO_DIFFERENCE
    while len(kept) > most and least < 1:
        least *= 1.5
        kept = _steps(found, least, keep=(*keep, cleanest))
    return kept


def _steps(ordered: Sequence[Option], least: float, *, keep: Collection[Option] = ()) -> list[Option]:
    kept: list[Option] = []
    for option in ordered:
        if option in keep or not any(_as_good(other, option, least) for other in kept):
            kept.append(option)
    return kept


def dominated(option: Option, others: Iterable[Option]) -> bool:
    """Whether another is as early, as short and as clean, and better in one of them; not where that is not known.

    One that is `worse` is not as clean as one that is not.
    """
    return option.burden is not None and any(
        other.burden is not None
        and (option.worse or not other.worse)
        and other.depart_at <= option.depart_at
        and other.duration_s <= option.duration_s
        and other.burden <= option.burden
        and (other.depart_at, other.duration_s, other.burden) != (option.depart_at, option.duration_s, option.burden)
        for other in others
    )


def saved_of_a_day(option: Option, reference: Option) -> float | None:
    """What an option saves against another, as a share of what one breathes in a day anyway (DAY_M3) in that air.

    Below 0: it costs. None where either burden is not known.
    """
    if option.burden is None or not reference.burden:
        return None
    breathed_m3 = dose_ug(1.0, mode=MODES[reference.mode], hours=reference.duration_s / 3600)
    return (1 - option.burden / reference.burden) * breathed_m3 / DAY_M3


def worth_waiting(option: Option, soonest: Option) -> bool:
    """Whether what it saves against the soonest is worth waiting at all, however long; what is as soon needs none."""
    saved = saved_of_a_day(option, soonest)
    return option.depart_at <= soonest.depart_at or (saved is not None and saved >= WORTH_WAITING)


def best(options: Collection[Option], reference: Option) -> Option | None:
    """The one that is recommended: the burden that it takes off, less what waiting and travelling longer are worth.

    None later than the first of them that is not `worth_waiting`. The earliest, then the shortest, where the burden of
    `reference` is not known, or nothing. None of none.
    """
    known = [option for option in options if option.burden is not None]
    if not known or not reference.burden:
        return min(options, key=_order, default=None)
    against, soonest = reference.burden, min(known, key=_order)
    known = [option for option in known if worth_waiting(option, soonest)]

    def score(option: Option) -> tuple[float, datetime]:
        gain = compare(option, reference)
        share = (option.burden or 0.0) / against
        waiting = gain.later / timedelta(hours=1)
        return share + WAITING * waiting + LONGER * gain.more_minutes, option.depart_at

    return min(known, key=score)


def _percent(burden: float | None, against: float | None) -> int | None:
    if burden is None or against is None:
        return None
    if against == 0:
        return 0 if burden == 0 else None
    more = burden / against - 1
    return 0 if abs(more) < NO_DIFFERENCE else round(100 * more)


def _order(option: Option) -> tuple[datetime, int, float, float]:
    return option.depart_at, option.minutes, math.inf if option.burden is None else option.burden, option.duration_s


def _as_good(other: Option, option: Option, least: float) -> bool:
    """Whether `option`, not earlier than `other`, brings nothing that is worth telling."""
    if other.minutes > option.minutes or (other.worse and not option.worse):
        return False
    if option.burden is None:
        return True
    return other.burden is not None and option.burden >= other.burden * (1 - least)


def _meets(spans: Iterable[Span], begin: datetime, end: datetime) -> bool:
    return any(first < end and begin < last for first, last in spans)
