"""Opening hours, packed: the state of every distinct schedule at every quarter of an hour of the coming days.

Places of the same hours, clock and holidays share one schedule; number 0 is "nobody told". A quarter in which the
state changes off the quarter is MIXED, and packed minute by minute beside. Moments outside the packed days are
evaluated exactly.

Schedules that are open at the same times share one of 64 buckets, so that a search passes over whole parts of the
country in which no place of a wanted bucket lies: at three in the night hardly one is left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from numpy.typing import NDArray

from citizen_api.care.holidays import holiday_region_of, public_calendar_of
from citizen_api.care.hours import UNKNOWN, Hours, Opening
from citizen_api.care.hours_syntax import Known
from citizen_api.care.place import HoursQuestion, Place, hours_question, read_hours
from citizen_api.territory.clocks import zone_of

CLOSED, OPEN, UNKNOWN_STATE, MIXED = range(4)
_STATES: Final[tuple[Known, ...]] = ("closed", "open", "unknown")
CODES: Final = {"closed": CLOSED, "open": OPEN, "unknown": UNKNOWN_STATE}
PACKED_DAYS: Final = 14
QUARTER: Final = timedelta(minutes=15)
_QUARTERS_A_DAY: Final = 96
_MINUTE: Final = timedelta(minutes=1)
_MOMENTS_KEPT: Final = 64
PACKED: Final = (
    *("states", "mixed_starts", "mixed_schedules", "mixed_minutes", "buckets"),
    *("change_starts", "change_minutes", "change_states", "zones"),
)
"""The arrays that `pack` gives."""

BUCKETS: Final = 64
_MINUTES: Final = 15
_SUNDAY: Final = 6
_LONGEST_VALIDITY: Final = timedelta(hours=12)

States = NDArray[np.uint8]
_NO_CHANGES: Final = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.uint8))
_Kept = tuple[datetime, datetime, bytes]
"""What is said of a schedule: from when, until when it holds, and its JSON."""

Arrays = Mapping[str, NDArray[Any]]
_PUBLIC: Final = re.compile(r"\bPH\b")
_SCHOOL: Final = re.compile(r"\bSH\b")


class ScheduleBook:
    """Numbers the distinct schedules of places, for one directory."""

    def __init__(self) -> None:
        self.questions: list[HoursQuestion | None] = [None]
        self._numbers: dict[object, int] = {}
        self._by_question: dict[HoursQuestion, int] = {}

    def number_of(self, place: Place) -> int:
        """Give the number of a place's schedule; 0 where its hours are not known or cannot be read."""
        return self.number(hours_question(place.opening_hours, place.commune_code, lat=place.lat, lon=place.lon))

    def number(self, question: HoursQuestion | None) -> int:
        """Give the number of the schedule that answers a question."""
        if question is None:
            return 0
        number = self._by_question.get(question)
        if number is None:
            number = self._by_question[question] = self._number(question)
        return number

    def _number(self, question: HoursQuestion) -> int:
        expression, commune, position = question
        try:
            zone = zone_of(commune).key
            public = public_calendar_of(commune) if _PUBLIC.search(expression) else None
            school = holiday_region_of(commune).school_zone if _SCHOOL.search(expression) else None
        except ValueError:
            return 0
        key = (expression, zone, public, school, position)
        number = self._numbers.get(key)
        if number is None:
            number = 0
            if read_hours(*question) is not None:
                number = len(self.questions)
                self.questions.append(question)
            self._numbers[key] = number
        return number


def pack(questions: Sequence[HoursQuestion | None], start: datetime, days: int = PACKED_DAYS) -> Arrays:
    """Pack `days` days from `start` (UTC, on a quarter) on.

    `states` (quarters, schedules) are those of the quarters. `mixed_minutes` are the MIXED ones, minute by minute: two
    bits each, the first minute lowest; those of quarter `q` lie from `mixed_starts[q]` to `mixed_starts[q + 1]`, each
    of the schedule that `mixed_schedules` tells. `buckets` (schedules,) are numbers below BUCKETS.

    Of schedule `n`, `change_minutes` (since `start`) and `change_states` from `change_starts[n]` to
    `change_starts[n + 1]` tell each change and what comes after it, the first at minute 0; `zones` (schedules, bytes)
    name its clock, "" where only evaluating it tells all: it has comments, or nobody can read it.
    """
    quarters = days * _QUARTERS_A_DAY
    states = np.full((len(questions), quarters), UNKNOWN_STATE, dtype=np.uint8)
    mixed: list[tuple[NDArray[np.intp], int, NDArray[np.uint32]]] = []
    changes: list[tuple[NDArray[np.intp], States]] = [_NO_CHANGES] * len(questions)
    zones = [b""] * len(questions)
    for number, question in enumerate(questions):
        hours = read_hours(*question) if question else None
        if hours is not None:
            local_days, of_day, dates = _local_quarters(hours.zone, start, quarters)
            timelines = [hours.timeline(day) for day in dates]
            days_of_it = [_quarters_of(*timeline) for timeline in timelines]
            states[number] = np.stack([day.states for day in days_of_it])[local_days, of_day]
            where = np.flatnonzero(states[number] == MIXED)
            if len(where):
                minutes = np.stack([day.minutes for day in days_of_it])[local_days[where], of_day[where]]
                mixed.append((where, number, minutes))
            if not any(comment for _, told in timelines for _, comment in told):
                zones[number] = hours.zone.key.encode()
                by_minute = np.stack([day.by_minute for day in days_of_it])[local_days, of_day].reshape(-1)
                at_minute = np.flatnonzero(np.diff(by_minute, prepend=MIXED))
                changes[number] = at_minute, by_minute[at_minute]
    at = np.concatenate([where for where, _, _ in mixed]) if mixed else np.empty(0, dtype=np.intp)
    order = np.argsort(at, kind="stable")
    schedules = np.repeat([number for _, number, _ in mixed], [len(where) for where, _, _ in mixed])
    return {
        "states": np.ascontiguousarray(states.T),
        "mixed_starts": np.searchsorted(at[order], np.arange(quarters + 1)),
        "mixed_schedules": schedules[order].astype(np.int32),
        "mixed_minutes": (np.concatenate([each for _, _, each in mixed]) if mixed else np.empty(0))[order].astype(
            np.uint32
        ),
        "buckets": _buckets(states, start),
        "change_starts": np.cumsum([0, *(len(minutes) for minutes, _ in changes)], dtype=np.int64),
        "change_minutes": np.concatenate([minutes for minutes, _ in changes]).astype(np.int32),
        "change_states": np.concatenate([told for _, told in changes]).astype(np.uint8),
        "zones": np.array(zones, dtype="S32"),
    }


def _buckets(states: States, start: datetime) -> NDArray[np.uint8]:
    """Sort the schedules (rows) by how much they are open when few are, and cut them into BUCKETS; 0 stays alone."""
    quarters = np.arange(states.shape[1])
    hour, day = quarters // 4 % 24, (start.weekday() + quarters // _QUARTERS_A_DAY) % 7
    night = (hour >= 21) | (hour < 4)  # noqa: PLR2004 - UTC; of an hour more or less nothing depends but speed
    rarely = (night, day == _SUNDAY, day == _SUNDAY - 1, (hour >= 17) & ~night, (hour >= 11) & (hour < 13))  # noqa: PLR2004
    shares = np.stack([(states[:, when] == OPEN).mean(axis=1) for when in rarely])
    buckets = np.zeros(len(states), dtype=np.uint8)
    order = 1 + np.lexsort(shares[::-1, 1:])
    buckets[order] = 1 + np.arange(len(order)) * (BUCKETS - 1) // max(len(order), 1)
    return buckets


@lru_cache(maxsize=64)
def _local_quarters(
    zone: ZoneInfo, start: datetime, quarters: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], tuple[date, ...]]:
    """Day (its rank) and quarter of the day that the clock shows at each quarter; and the days."""
    local = [(start + rank * QUARTER).astimezone(zone) for rank in range(quarters)]
    dates = tuple(sorted({each.date() for each in local}))
    ranks = {day: rank for rank, day in enumerate(dates)}
    return (
        np.array([ranks[each.date()] for each in local], dtype=np.intp),
        np.array([each.hour * 4 + each.minute // 15 for each in local], dtype=np.intp),
        dates,
    )


class _Day(NamedTuple):
    """The quarters of a day: the state of each; of each minute in it, two bits a minute; and minute by minute."""

    states: States
    minutes: NDArray[np.uint32]
    by_minute: States


@lru_cache(maxsize=20_000)
def _quarters_of(starts: tuple[int, ...], states: tuple[tuple[str, str], ...]) -> _Day:
    """Say the quarters of a day whose state changes at `starts`, in minutes."""
    minutes = np.empty(_QUARTERS_A_DAY * _MINUTES, dtype=np.uint32)
    for begin, end, (state, _) in zip(starts, (*starts[1:], len(minutes)), states, strict=True):
        minutes[begin:end] = CODES[state]
    by_quarter = minutes.reshape(_QUARTERS_A_DAY, _MINUTES)
    same = (by_quarter == by_quarter[:, :1]).all(axis=1)
    packed = np.bitwise_or.reduce(by_quarter << (2 * np.arange(_MINUTES, dtype=np.uint32)), axis=1)
    states_of_quarters = np.where(same, by_quarter[:, 0], MIXED).astype(np.uint8)
    return _Day(states_of_quarters, packed, by_quarter.astype(np.uint8))


class Moment(NamedTuple):
    """What a search reads at one minute: the state of every schedule, and by the states wanted (bits) the buckets.

    `buckets[wanted]` has a bit for each bucket in which some schedule is in one of the wanted states.
    """

    states: States
    buckets: tuple[np.uint64, ...]


class Schedules:
    """The packed schedules of one directory, as they are asked. Safe among threads: what is kept is only replaced."""

    def __init__(self, arrays: Arrays, start: datetime, questions: bytes, offsets: NDArray[np.int64]) -> None:
        """`arrays`: see `pack`; `questions`: a JSON text for each; `offsets` (schedules + 1,): where each begins."""
        self.start = start
        self.end = start + len(arrays["states"]) * QUARTER
        self._arrays = arrays
        self._questions = questions
        self._offsets = offsets
        self._hours: dict[int, Hours | None] = {0: None}
        self._moments: dict[datetime, Moment] = {}
        self.kept: dict[int, _Kept] = {}
        """What `opening_json` gave."""

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def hours(self, number: int) -> Hours | None:
        """Read the hours of a schedule, at the first use."""
        if number not in self._hours:
            text = bytes(self._questions[self._offsets[number] : self._offsets[number + 1]])
            expression, commune, position = orjson.loads(text)
            self._hours[number] = read_hours(expression, commune, tuple(position) if position else None)
        return self._hours[number]

    def moment(self, at: datetime) -> Moment | None:
        """Give the state of every schedule at a moment (aware); None outside the packed days."""
        if not self.start <= at < self.end:
            return None
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        moment = self._moments.get(minute)
        if moment is None:
            if len(self._moments) >= _MOMENTS_KEPT:
                self._moments = {}
            moment = self._moments[minute] = self._moment(minute)
        return moment

    def _moment(self, minute: datetime) -> Moment:
        quarter, rest = divmod(minute - self.start, QUARTER)
        states = np.array(self._arrays["states"][quarter])
        here = slice(*self._arrays["mixed_starts"][quarter : quarter + 2])
        minutes = self._arrays["mixed_minutes"][here]
        states[self._arrays["mixed_schedules"][here]] = minutes >> np.uint32(2 * (rest // _MINUTE)) & 3
        buckets = self._arrays["buckets"]
        by_state = [
            sum(1 << bucket for bucket in np.unique(buckets[states == state]).tolist()) for state in range(len(CODES))
        ]
        closed, is_open, unknown = by_state
        both = closed | is_open
        every = (0, closed, is_open, both, unknown, closed | unknown, is_open | unknown, both | unknown)
        return Moment(states, tuple(map(np.uint64, every)))

    def state(self, number: int, at: datetime) -> int:
        """Evaluate one schedule exactly."""
        hours = self.hours(number)
        return UNKNOWN_STATE if hours is None else CODES[hours.state_at(at)]

    def opening(self, number: int, at: datetime) -> Opening:
        """Tell a schedule's state at a moment, and until when."""
        hours = self.hours(number)
        return UNKNOWN if hours is None else hours.at(at)

    def opening_json(self, number: int, at: datetime) -> bytes:
        """Give `opening` as the last members of a JSON object; kept as long as it holds."""
        if number == 0:
            return _UNKNOWN_JSON
        kept = self.kept.get(number)
        if kept is not None and kept[0] <= at < kept[1]:
            return kept[2]
        kept = self._packed_json(number, at) or self._exact_json(number, at)
        self.kept[number] = kept
        return kept[2]

    def _packed_json(self, number: int, at: datetime) -> _Kept | None:
        """Read the opening off the packed changes; None where they do not tell all."""
        zone = self._arrays["zones"][number]
        if not zone or not self.start <= at < self.end:
            return None
        first, end = self._arrays["change_starts"][number : number + 2].tolist()
        minutes = self._arrays["change_minutes"][first:end]
        past = int(np.searchsorted(minutes, (at - self.start) // _MINUTE, side="right"))
        if past == len(minutes):
            return None
        since, until = (self.start + int(minutes[rank]) * _MINUTE for rank in (past - 1, past))
        state = _STATES[self._arrays["change_states"][first + past - 1]]
        told = None if state == UNKNOWN.state else until.astimezone(_zone(zone))
        return since, until, opening_json(Opening(state, told, ""))

    def _exact_json(self, number: int, at: datetime) -> _Kept:
        minute = at.replace(second=0, microsecond=0)
        opening = self.opening(number, minute)
        # A comment, or not knowing, may end before the next change from open to closed.
        until = minute.astimezone(UTC) + _MINUTE
        if opening.until is not None and not opening.comment:
            until = min(opening.until.astimezone(UTC), until + _LONGEST_VALIDITY)
        return minute, until, opening_json(opening)


@lru_cache(maxsize=64)
def _zone(name: bytes) -> ZoneInfo:
    return ZoneInfo(name.decode())


def opening_json(opening: Opening) -> bytes:
    """Write the members of `opening` that change with the time, and close its object."""
    until = f'"{opening.until.isoformat()}"'.encode() if opening.until else b"null"
    comment = orjson.dumps(opening.comment) if opening.comment else b"null"
    return b',"state":"' + opening.state.encode() + b'","until":' + until + b',"comment":' + comment + b"}"


_UNKNOWN_JSON: Final = opening_json(UNKNOWN)


def questions_json(questions: Sequence[HoursQuestion | None]) -> tuple[bytes, NDArray[np.int64]]:
    """Write the schedules' questions one after the other, with where each begins."""
    texts = [orjson.dumps(question) if question else b"" for question in questions]
    return b"".join(texts), np.cumsum([0, *map(len, texts)], dtype=np.int64)
