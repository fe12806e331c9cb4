"""Reading an OSM `opening_hours` expression into rules: on which days, at which times, in which state.

opening-hours-py says whether an expression is well formed, puts it into a canonical form, and tells what its
dates and times mean; here that form is cut into rules, so that `hours` can decide which one wins on a day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State

Known = Literal["open", "closed", "unknown"]
Holiday = tuple[Literal["PH", "SH"], timedelta]  # which, and how long after it

MAX_LENGTH = 1000  # OSM allows 255; lists put together by others are longer, but not much
HORIZON_DAYS = 731  # changes further away than this are not looked for
DAY_MIN = 1440

_NOON = time(12)
_ANY_DAY = date(2026, 1, 5)  # times that do not follow the sun are the same on every day
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_ALL_WEEK = 0b1111111

# An open end lasts until midnight, or ten hours when it begins in the evening, as opening_hours.js has it.
_EVENING_MIN, _OPEN_END_MIN = 17 * 60, 10 * 60

_WEEKDAY = f"(?:{'|'.join(_WEEKDAYS)})"
_HOLIDAY = r"(?:PH|SH)(?: [+-]?\d+ days?)?"
_DAY = rf"(?:{_HOLIDAY}|{_WEEKDAY}(?:-{_WEEKDAY}|\[[^\]]*\](?: [+-]\d+ days?)?)?)"
_DAYS_AT_END = re.compile(rf"(?:^|(?<= )){_DAY}(?:,{_DAY})*$")
_ONE_DAY = re.compile(_DAY)
_HOLIDAY_PARTS = re.compile(r"(PH|SH)(?: ([+-]?\d+) days?)?")
_HOLIDAY_IN_TEXT = re.compile(rf"{_HOLIDAY}(?=((?: ?, ?{_HOLIDAY})* (?i:{_WEEKDAY}))?)")
_HOLIDAY_AFTER_WEEKDAY = re.compile(rf"(?i:\b{_WEEKDAY})(?:\[[^\]]*\])? (?:PH|SH)")
_RULE = re.compile(r'(?P<days_times>.*?)(?: ?\b(?P<state>open|closed|off|unknown))?(?: ?"(?P<comment>\d+)")?')
_BARE = re.compile(r"(?!24/7)(?:(?!\d\d:\d\d|sun|dawn|dusk|closed|unknown).)*")
_TIMES = re.compile(r"(?:^| )(?=\(?(?:\d\d:\d\d|sunrise|sunset|dawn|dusk))")
_SUN = re.compile(r"sunrise|sunset|dawn|dusk")
_SPACED_LIST = re.compile(rf"({_HOLIDAY}|(?i:\b{_WEEKDAY})(?:\[[^\]]*\])?)(?: ,|, | , )(?=PH|SH|(?i:{_WEEKDAY})\b)")
_COMMENT = re.compile(r'"([^"]*)"')
_COMMENT_AND_STATE = re.compile(r'(?i:\b(open|closed|off|unknown) ?)?("\d+")')


class HoursNotUnderstood(ValueError):  # noqa: N818 - the name says what happened
    """An expression that cannot be read with certainty; its message says why."""


class Span(NamedTuple):
    """From `start` to `end`, in minutes after the midnight of its day; 2880, the end of the next, at most."""

    start: int
    end: int
    state: Known
    comment: str
    timed: bool  # False: its rule names no times, hence means the whole day
    rule: int  # its place in the expression


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Times of a rule that follow the sun, hence differ from day to day."""

    text: str
    zone: ZoneInfo
    coords: tuple[float, float]
    state: Known
    comment: str
    rule: int

    def spans(self, day: date) -> Spans:
        """Spans of the service that begins on `day`."""
        return tuple(_timed_spans(self.text, day, self.zone, self.coords, self.state, self.comment, self.rule))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of an expression."""

    fallback: bool  # after "||": speaks where no other rule says open or unknown
    replaces: bool  # open or unknown after ";": replaces what earlier rules said of its days
    clears: bool  # closed without times: nothing begins on its days
    dates: OpeningHours | None  # open on the dates selected; None: all
    weekdays: int  # bit 0 is Monday
    nth_weekdays: OpeningHours | None  # open on days such as the first Monday of a month
    holidays: tuple[Holiday, ...]
    narrow: bool  # `SH Mo-Fr`: holidays that are also Mo-Fr; otherwise either will do
    spans: Spans
    sun: Times | None

    def is_weekly(self) -> bool:
        """Whether every week is like the other."""
        return self.dates is None and self.nth_weekdays is None and not self.holidays and self.sun is None

    def next_turn(self, day: date) -> date | None:
        """Find the next day that its dates (not its holidays) tell from `day`; None beyond HORIZON_DAYS."""
        noon = datetime.combine(day, _NOON)
        turns = [days.next_change(noon) for days in (self.dates, self.nth_weekdays) if days is not None]
        return min((turn.date() for turn in turns if turn is not None), default=None)

    def dates_on(self, day: date) -> tuple[bool, bool]:
        """Whether `day` is among its dates, and among its weekdays counted in their month."""
        noon = datetime.combine(day, _NOON)
        return (
            self.dates is None or self.dates.is_open(noon),
            self.nth_weekdays is not None and self.nth_weekdays.is_open(noon),
        )

    def matches(self, day: date, holidays: dict[Holiday, bool]) -> bool:
        """Whether it speaks of `day`; `holidays` tells for each of its own whether `day` is one."""
        dated, counted = self.dates_on(day)
        if not dated:
            return False
        weekday = counted or bool(self.weekdays >> day.weekday() & 1)
        if not self.holidays:
            return weekday
        holiday = any(holidays[which] for which in self.holidays)
        return weekday and holiday if self.narrow else weekday or holiday


def read_rules(expression: str, *, zone: ZoneInfo, coords: tuple[float, float] | None) -> tuple[Rule, ...]:
    """Rules of an expression, in its order; HoursNotUnderstood for what cannot be read with certainty.

    `coords` (lat, lon) are needed for hours that follow the sun.
    """
    if len(expression) > MAX_LENGTH:
        raise HoursNotUnderstood(f"longer than {MAX_LENGTH} characters")
    comments: list[str] = []

    def keep(comment: re.Match[str]) -> str:
        comments.append(comment[1].strip())
        return f'"{len(comments) - 1}"'

    text = " ".join(_COMMENT.sub(keep, expression).split()).rstrip("; ")
    # By the specification a comment without a state means unknown; the library takes it for open.
    text = " ".join(_COMMENT_AND_STATE.sub(lambda m: m[0] if m[1] else f" unknown {m[2]}", text).split())
    # `PH, SH off` is a list with a space in it: as two rules it would open all day on public holidays.
    text = _SPACED_LIST.sub(r"\1,", text)
    if re.search(r"\d{5}", text):
        raise HoursNotUnderstood("a number out of all proportion")
    if _HOLIDAY_AFTER_WEEKDAY.search(text):
        raise HoursNotUnderstood("holidays after weekdays without a comma: both, or either?")
    canonical = str(_library(text))
    # Canonically `SH Mo-Fr` becomes `SH,Mo-Fr`, which means something else: remember which was written.
    narrow = iter([bool(found[1]) for found in _HOLIDAY_IN_TEXT.finditer(text)])
    parts = re.split(r"(; |, | \|\| )", canonical)
    rules: list[Rule] = []
    for rule, separator in zip(parts[:-1:2], parts[1::2], strict=True):
        if separator == ", " and _BARE.fullmatch(rule):
            raise HoursNotUnderstood("days without times before a comma: a list, or two rules?")
    for place, (separator, rule) in enumerate(zip(["; ", *parts[1::2]], parts[::2], strict=True)):
        fallback = "||" in separator or (separator == ", " and rules[-1].fallback)
        rules.append(_read_rule(rule, place, separator == "; ", fallback, narrow, comments, zone, coords))
    if next(narrow, None) is not None:
        raise HoursNotUnderstood("holidays that could not be told apart")
    return tuple(rules)


def _read_rule(
    text: str,
    place: int,
    normal: bool,  # noqa: FBT001
    fallback: bool,  # noqa: FBT001
    narrow: Iterator[bool],
    comments: list[str],
    zone: ZoneInfo,
    coords: tuple[float, float] | None,
) -> Rule:
    parts = _RULE.fullmatch(text)
    if parts is None:
        raise HoursNotUnderstood(f"rule {place + 1} could not be cut into days and times")
    state: Known = {"closed": "closed", "off": "closed", "unknown": "unknown"}.get(parts["state"] or "", "open")  # type: ignore[assignment]
    comment = comments[int(parts["comment"])] if parts["comment"] else ""
    days, *times = _TIMES.split(parts["days_times"], maxsplit=1)
    dates, weekdays, nth, holidays = _read_days("" if days == "24/7" else days)
    flags = {next(narrow, None) for _ in holidays}
    if None in flags or len(flags) > 1 or (True in flags and not weekdays and nth is None):
        raise HoursNotUnderstood("holidays that could not be told apart")
    spans: Spans = (Span(0, DAY_MIN, state, comment, timed=False, rule=place),)
    sun = None
    if times and _SUN.search(times[0]):
        if coords is None:
            raise HoursNotUnderstood("hours that follow the sun, of a place without coordinates")
        sun, spans = Times(times[0], zone, coords, state, comment, place), ()
        sun.spans(_ANY_DAY)
    elif times:
        spans = tuple(_timed_spans(times[0], _ANY_DAY, None, None, state, comment, place))
    return Rule(
        fallback=fallback,
        replaces=normal and state != "closed",
        clears=state == "closed" and not times,
        dates=dates,
        weekdays=weekdays,
        nth_weekdays=nth,
        holidays=holidays,
        narrow=True in flags,
        spans=spans,
        sun=sun,
    )


def _read_days(
    text: str,
) -> tuple[OpeningHours | None, int, OpeningHours | None, tuple[Holiday, ...]]:
    """Dates, weekdays (bits), weekdays counted in their month, and holidays of a rule's first part."""
    found = _DAYS_AT_END.search(text)
    wide = text[: found.start()].strip() if found else text
    dates = _library(f"{wide} 00:00-24:00") if wide else None
    if not found:
        return dates, _ALL_WEEK, None, ()
    weekdays, nth, holidays = 0, [], []
    for day in _ONE_DAY.findall(found[0]):
        if holiday := _HOLIDAY_PARTS.fullmatch(day):
            kind: Literal["PH", "SH"] = "PH" if holiday[1] == "PH" else "SH"
            holidays.append((kind, timedelta(days=int(holiday[2] or 0))))
        elif "[" in day:
            nth.append(day)
        else:
            first, last = _WEEKDAYS.index(day[:2]), _WEEKDAYS.index(day[-2:])
            for n in range((last - first) % 7 + 1):
                weekdays |= 1 << (first + n) % 7
    counted = _library(f"{','.join(nth)} 00:00-24:00") if nth else None
    return dates, weekdays, counted, tuple(holidays)


def _timed_spans(
    text: str,
    day: date,
    zone: ZoneInfo | None,
    coords: tuple[float, float] | None,
    state: Known,
    comment: str,
    rule: int,
) -> Iterator[Span]:
    """Spans of times such as `09:00-12:00,22:00-06:00`; unknown from where an open end (`+`) begins."""
    open_end: Known = "unknown" if state == "open" else state
    for times in text.split(","):
        if "/" in times:
            raise HoursNotUnderstood("times that repeat are departures, not opening hours")
        ends = "-" in re.sub(r"\([^)]*\)", "", times)
        stated = times.rstrip("+") if ends else times.rstrip("+") + "-24:00"
        for start, end in _minutes(stated, day, zone, coords):
            if ends:
                yield Span(start, end, state, comment, timed=True, rule=rule)
            if times.endswith("+"):
                begin = end if ends else start
                stop = min(begin + _OPEN_END_MIN, 2 * DAY_MIN) if begin >= _EVENING_MIN else DAY_MIN
                yield Span(begin, stop, open_end, comment, timed=True, rule=rule)


@lru_cache(maxsize=4096)
def _minutes(
    text: str, day: date, zone: ZoneInfo | None, coords: tuple[float, float] | None
) -> tuple[tuple[int, int], ...]:
    """Read times of a service that begins on `day`: (start, end), minutes on the wall clock from midnight."""
    hours = _library(f"{day.year} {_MONTHS[day.month - 1]} {day.day:02} {text}", zone, coords)
    midnight = datetime.combine(day, time())

    def minutes(at: datetime) -> int:
        since = at.replace(tzinfo=None) - midnight
        return int(since.total_seconds()) // 60

    # Two midnights on, the next day is over as well, and no span reaches further (`48:00` is the latest end).
    spans = hours.intervals(midnight, midnight + timedelta(days=2))
    return tuple((minutes(start), minutes(end)) for start, end, state, _ in spans if state == State.OPEN)


def _library(text: str, zone: ZoneInfo | None = None, coords: tuple[float, float] | None = None) -> OpeningHours:
    try:
        return OpeningHours(
            text,
            timezone=zone,
            coords=coords,
            auto_country=False,
            auto_timezone=coords is not None,  # without it the library forgets the coordinates and their sun
            max_interval_days=HORIZON_DAYS,  # a rule years away would cost milliseconds
        )
    except Exception as error:
        # Its own error is not in its stubs, and a lone surrogate raises yet another.
        raise HoursNotUnderstood("not in the syntax of OSM's opening_hours") from error
