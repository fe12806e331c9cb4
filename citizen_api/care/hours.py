"""Opening hours: an OSM `opening_hours` expression, read once, answered for any instant by the place's clock.

The library opening-hours-py reads the syntax (https://wiki.openstreetmap.org/wiki/Key:opening_hours) and says
what its dates and times mean; which rule wins on a day is decided here, because the library knows no French
school holiday and no overseas public holiday, and because of three principles:

- a service belongs to the day on which it begins: `Mo-Th 18:00-02:00; Fr-Sa 18:00-04:00` is open on Friday at
  01:00, and after `We off` nothing spills into Thursday (the library cuts the first and invents the second);
- the clock on the wall decides: what is open at 02:15 is open both times that 02:15 comes in autumn;
- never a guess: a comment alone, an open end (`17:00+`), a holiday that no calendar can tell mean unknown.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from citizen_api.care.holidays import (
    HolidayRegion,
    holiday_region_of,
    is_public_holiday,
    is_school_holiday,
    next_holiday_turn,
)
from citizen_api.care.hours_syntax import (
    DAY_MIN,
    HORIZON_DAYS,
    Holiday,
    HoursNotUnderstood,
    Known,
    Rule,
    Span,
    Spans,
    read_rules,
)
from citizen_api.territory.clocks import zone_of

__all__ = [
    "UNKNOWN",
    "HolidayRegion",
    "Hours",
    "HoursNotUnderstood",
    "Opening",
    "holiday_region_of",
    "parse_hours",
    "zone_of",
]

_YEARS = range(1901, 2200)  # outside them the library answers "closed", and no calendar means anything
_ONE_DAY = timedelta(days=1)
_WEEK_AND_A_DAY = 8
_SOON = timedelta(hours=12)  # clock changes are months apart: what is this near belongs to the same one

_Facts = tuple[int | bool | None, ...]  # the weekday, then what holds of the day
_Plan = tuple[Spans, Spans]  # what the rules say of a day, and what its fallback rules do; later spans win
_Timeline = tuple[tuple[int, ...], tuple[tuple[Known, str], ...]]  # minutes (from 0) and the state from each on


@dataclass(frozen=True, slots=True)
class Opening:
    """The answer at one instant.

    `until` is the true instant, in the place's zone, at which open or closed next changes; None when no
    change is known within HORIZON_DAYS, and when the state is unknown. Around the autumn change compare it in
    UTC: Python compares two times of the same zone by their wall clock. `comment` is that of the rule which
    decided ("sur rendez-vous"), or "".
    """

    state: Known
    until: datetime | None
    comment: str


UNKNOWN = Opening("unknown", None, "")


@dataclass(frozen=True, slots=True)
class Hours:
    """An expression that was read; `at` answers for an instant. Made by `parse_hours`."""

    expression: str
    zone: ZoneInfo
    region: HolidayRegion
    _rules: tuple[Rule, ...] = field(repr=False, compare=False)
    _holidays: tuple[Holiday, ...] = field(repr=False, compare=False)  # those that the rules mention
    _weekly: bool = field(repr=False, compare=False)  # every week is like the other
    _sunny: bool = field(repr=False, compare=False)  # some hours follow the sun
    # Days of the same facts, after an eve of the same facts, are alike: worked out once.
    _timelines: dict[tuple[_Facts, _Facts], _Timeline] = field(default_factory=dict, repr=False, compare=False)

    def at(self, at: datetime) -> Opening:
        """State at `at` (aware, any zone) and until when; UNKNOWN outside the years 1901-2199."""
        if at.utcoffset() is None:
            raise ValueError("the instant must carry its offset")
        if at.year not in _YEARS:
            return UNKNOWN
        here = at.astimezone(self.zone)
        wall = here.replace(tzinfo=None, fold=0)
        state, comment = self._state(wall)
        until = None if state == "unknown" else self._until(wall, here.fold, state)
        return Opening(state, until, comment)

    def state_at(self, at: datetime) -> Known:
        """Only the state at `at`: several times faster than `at`, for choosing among many places."""
        if at.utcoffset() is None:
            raise ValueError("the instant must carry its offset")
        return self._state(at.astimezone(self.zone).replace(tzinfo=None))[0] if at.year in _YEARS else "unknown"

    def timeline(self, day: date) -> tuple[tuple[int, ...], tuple[tuple[Known, str], ...]]:
        """States of a local day: minutes after midnight (the first is 0), and the (state, comment) from each on."""
        return self._timeline(day)

    def _until(self, wall: datetime, fold: int, state: Known) -> datetime | None:
        """When the wall clock, at `wall` (its second coming if `fold`), next shows a time of another state.

        Wall clock and instant part ways only where the clock jumps: each turn of the loop passes such a jump.
        """
        while True:
            change = self._next_change(wall, state)
            soon = change is not None and change - wall < _SOON
            if not fold and _is_repeated(wall, self.zone):
                # A change within the hour that will come again is met first; else the clock goes back.
                if change is not None and soon and _is_repeated(change, self.zone):
                    return change.replace(tzinfo=self.zone)
                jump = _next_jump(wall.replace(tzinfo=self.zone))
            elif change is None:
                return None
            else:
                until = change.replace(tzinfo=self.zone, fold=fold if soon else 0)
                if _there_and_back(until) == change:
                    return until
                # A time that the clock skips: what counts is what it shows once it has jumped.
                jump = _next_jump(until - _SOON)
            wall, fold = jump.replace(tzinfo=None, fold=0), jump.fold
            if self._state(wall)[0] != state:
                return jump

    def _state(self, wall: datetime) -> tuple[Known, str]:
        starts, states = self._timeline(wall.date())
        return states[bisect_right(starts, wall.hour * 60 + wall.minute) - 1]

    def _next_change(self, wall: datetime, state: Known) -> datetime | None:
        """Find the next time of another state on a clock that never jumps; None beyond HORIZON_DAYS."""
        day, minute = wall.date(), wall.hour * 60 + wall.minute
        last = day + timedelta(days=HORIZON_DAYS)
        while day <= last:
            # As long as the same dates and holidays hold, the eighth day repeats the first, its eve included.
            turn = self._next_turn(day) or last + _ONE_DAY
            for ahead in range(min(_WEEK_AND_A_DAY, (turn - day).days)):
                that_day = day + timedelta(days=ahead)
                starts, states = self._timeline(that_day)
                for start, (other, _) in zip(starts, states, strict=True):
                    if start > minute and other != state:
                        return datetime.combine(that_day, time(start // 60, start % 60))
                minute = -1
            day = turn
        return None

    def _next_turn(self, day: date) -> date | None:
        """Find the next day on which other dates or holidays may hold; None beyond HORIZON_DAYS."""
        if self._weekly:
            return None
        if self._sunny:
            return day + _ONE_DAY
        turns = [rule.next_turn(day) for rule in self._rules]
        for kind, after in self._holidays:
            turn = next_holiday_turn(kind, day - after, self.region)
            turns.append(turn + after if turn else None)
        return min((turn for turn in turns if turn), default=None)

    def _timeline(self, day: date) -> _Timeline:
        """States of a local day in their order."""
        eve = day - _ONE_DAY
        key = (self._facts(eve), self._facts(day))
        timeline = self._timelines.get(key)
        if timeline is None:
            befores = [self._plan(eve, matching) for matching in self._matching(eve)]
            nows = [self._plan(day, matching) for matching in self._matching(day)]
            timeline = _merge(list(product(befores, nows)))
            if not self._sunny:
                self._timelines[key] = timeline
        return timeline

    def _facts(self, day: date) -> _Facts:
        """All that the rules may ask of a day; days of the same facts are alike, the sun apart."""
        if self._weekly:
            return (day.weekday(),)
        holidays = [_is_holiday(day, which, self.region) for which in self._holidays]
        return day.weekday(), *holidays, *[on for rule in self._rules for on in rule.dates_on(day)]

    def _matching(self, day: date) -> tuple[int, ...]:
        """Which rules speak of a day, one bit each; several answers when a holiday cannot be told."""
        told = {which: _is_holiday(day, which, self.region) for which in self._holidays}
        untold = [which for which, known in told.items() if known is None]
        holidays = {which: bool(known) for which, known in told.items()}
        found = set()
        for guesses in product((False, True), repeat=len(untold)):
            holidays.update(zip(untold, guesses, strict=True))
            found.add(sum(rule.matches(day, holidays) << bit for bit, rule in enumerate(self._rules)))
        return tuple(sorted(found))

    def _plan(self, day: date, matching: int) -> _Plan:
        """Spans of the service that begins on a day, as the rules that speak of it have it."""
        main: list[Span] = []
        fallback: list[Span] = []
        for bit, rule in enumerate(self._rules):
            if not matching >> bit & 1:
                continue
            spans = rule.spans if rule.sun is None else rule.sun.spans(day)
            if rule.fallback:
                fallback += spans
                continue
            if rule.replaces or rule.clears:
                main.clear()
            if rule.replaces:
                fallback.clear()
            main += spans
        return tuple(main), tuple(fallback)


def parse_hours(expression: str, *, insee_code: str, lat: float | None = None, lon: float | None = None) -> Hours:
    """Read an expression for a place in a commune (or a département), by its INSEE code.

    HoursNotUnderstood for what cannot be read with certainty: another syntax, hours that follow the sun
    without `lat` and `lon`, a commune whose time zone is not known. Such a place's state is UNKNOWN.
    """
    try:
        zone, region = zone_of(insee_code), holiday_region_of(insee_code)
    except ValueError as error:
        raise HoursNotUnderstood(str(error)) from error
    coords = None if lat is None or lon is None else (lat, lon)
    rules = read_rules(expression, zone=zone, coords=coords)
    return Hours(
        expression,
        zone,
        region,
        rules,
        tuple({which: None for rule in rules for which in rule.holidays}),
        all(rule.is_weekly() for rule in rules),
        any(rule.sun is not None for rule in rules),
    )


def _is_holiday(day: date, which: Holiday, region: HolidayRegion) -> bool | None:
    kind, after = which
    ask = is_public_holiday if kind == "PH" else is_school_holiday
    return ask(day - after, region)


def _merge(plans: list[tuple[_Plan, _Plan]]) -> _Timeline:
    """States of a day from pairs of its eve's plan and its own; unknown where the pairs disagree."""
    edges = {0}
    for eve, own in plans:
        edges.update(edge for layer in own for span in layer for edge in span[:2])
        edges.update(edge - DAY_MIN for layer in eve for span in layer for edge in span[:2])
    starts: list[int] = []
    states: list[tuple[Known, str]] = []
    for minute in sorted(edge for edge in edges if 0 <= edge < DAY_MIN):
        answers = {_answer(eve, own, minute) for eve, own in plans}
        said = {state for state, _ in answers}
        state: Known = said.pop() if len(said) == 1 else "unknown"
        answer = answers.pop() if len(answers) == 1 else (state, "")
        if not states or states[-1] != answer:
            starts.append(minute)
            states.append(answer)
    return tuple(starts), tuple(states)


def _answer(eve: _Plan, own: _Plan, minute: int) -> tuple[Known, str]:
    """State and comment at a minute of a day, from its own rules, the night before, and the fallbacks."""
    ours, night = _last_said(own[0], minute), _last_said(eve[0], minute + DAY_MIN)
    # Of two rules the later one wins; but one that means the whole day does not cut the service of the night.
    cut = ours and ours.rule >= night.rule and (ours.timed or night.state == "closed") if night else False
    if night and not cut:
        return night.state, night.comment
    if ours and (ours.timed or ours.state != "closed"):
        return ours.state, ours.comment
    fallback = _last_said(own[1], minute) or _last_said(eve[1], minute + DAY_MIN)
    if fallback and fallback.state != "closed":
        return fallback.state, fallback.comment
    return "closed", ours.comment if ours else ""


def _last_said(spans: Spans, minute: int) -> Span | None:
    return next((span for span in reversed(spans) if span.start <= minute < span.end), None)


def _is_repeated(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock shows `wall` twice, being put back."""
    first = wall.replace(tzinfo=zone)
    before, after = first.utcoffset(), first.replace(fold=1).utcoffset()
    return before is not None and after is not None and before > after


def _there_and_back(local: datetime) -> datetime:
    """Wall clock at the instant that `local` stands for; another time only if it never shows `local`."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None, fold=0)


def _next_jump(local: datetime) -> datetime:
    """When the offset first changes after `local`; that it does within a day is known."""
    zone, start = local.tzinfo, local.astimezone(UTC)
    before, low, high = local.utcoffset(), 0, 24 * 3600
    while high - low > 1:
        middle = (low + high) // 2
        same = (start + timedelta(seconds=middle)).astimezone(zone).utcoffset() == before
        low, high = (middle, high) if same else (low, middle)
    return (start + timedelta(seconds=high)).astimezone(zone)
