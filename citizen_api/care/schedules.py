"""Opening hours, packed: the state of every distinct schedule at every quarter of an hour of the coming days.

Places of the same hours, clock and holidays share one schedule; number 0 is "nobody told". A quarter in which the
state changes off the quarter is MIXED: it is evaluated exactly, and so are moments outside the packed days.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from numpy.typing import NDArray

from citizen_api.care.holidays import holiday_region_of, public_calendar_of, zone_of
from citizen_api.care.hours import UNKNOWN, Hours, Opening
from citizen_api.care.place import HoursQuestion, Place, hours_question, read_hours

CLOSED, OPEN, UNKNOWN_STATE, MIXED = range(4)
CODES: Final = {"closed": CLOSED, "open": OPEN, "unknown": UNKNOWN_STATE}
PACKED_DAYS: Final = 14
QUARTER: Final = timedelta(minutes=15)
_QUARTERS_A_DAY: Final = 96
_MINUTE: Final = timedelta(minutes=1)
_ROWS_KEPT: Final = 64
_LONGEST_VALIDITY: Final = timedelta(hours=12)

States = NDArray[np.uint8]
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
        question = hours_question(place.opening_hours, place.commune_code, lat=place.lat, lon=place.lon)
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


def pack(questions: Sequence[HoursQuestion | None], start: datetime, days: int = PACKED_DAYS) -> States:
    """Give the states, shape (quarters, schedules), of `days` days from `start` (UTC, on a quarter) on."""
    quarters = days * _QUARTERS_A_DAY
    states = np.full((len(questions), quarters), UNKNOWN_STATE, dtype=np.uint8)
    for number, question in enumerate(questions):
        hours = read_hours(*question) if question else None
        if hours is not None:
            local_days, of_day, dates = _local_quarters(hours.zone, start, quarters)
            table = np.stack([_quarters_of(*hours.timeline(day)) for day in dates])
            states[number] = table[local_days, of_day]
    return np.ascontiguousarray(states.T)


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


@lru_cache(maxsize=20_000)
def _quarters_of(starts: tuple[int, ...], states: tuple[tuple[str, str], ...]) -> States:
    """Say the state of each quarter of a day whose state changes at `starts`, in minutes."""
    minutes = np.empty(_QUARTERS_A_DAY * 15, dtype=np.uint8)
    for begin, end, (state, _) in zip(starts, (*starts[1:], len(minutes)), states, strict=True):
        minutes[begin:end] = CODES[state]
    by_quarter = minutes.reshape(_QUARTERS_A_DAY, 15)
    same = (by_quarter == by_quarter[:, :1]).all(axis=1)
    return np.where(same, by_quarter[:, 0], MIXED).astype(np.uint8)


class Schedules:
    """The packed schedules of one directory, as they are asked. Safe among threads: what is kept is only replaced."""

    def __init__(self, states: States, start: datetime, questions: bytes, offsets: NDArray[np.int64]) -> None:
        """`questions`: a JSON text for each schedule; `offsets` (schedules + 1,): where each begins."""
        self.start = start
        self.end = start + len(states) * QUARTER
        self._states = states
        self._questions = questions
        self._offsets = offsets
        self._hours: dict[int, Hours | None] = {0: None}
        self._rows: dict[datetime, States] = {}
        self._openings: dict[int, tuple[datetime, datetime, bytes]] = {}

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def hours(self, number: int) -> Hours | None:
        """Read the hours of a schedule, at the first use."""
        if number not in self._hours:
            text = bytes(self._questions[self._offsets[number] : self._offsets[number + 1]])
            expression, commune, position = orjson.loads(text)
            self._hours[number] = read_hours(expression, commune, tuple(position) if position else None)
        return self._hours[number]

    def row(self, at: datetime) -> States | None:
        """Give the state of every schedule at a moment (aware); None outside the packed days."""
        if not self.start <= at < self.end:
            return None
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        row = self._rows.get(minute)
        if row is None:
            row = np.array(self._states[(minute - self.start) // QUARTER])
            for number in np.flatnonzero(row == MIXED):
                row[number] = self.state(int(number), minute)
            if len(self._rows) >= _ROWS_KEPT:
                self._rows = {}
            self._rows[minute] = row
        return row

    def state(self, number: int, at: datetime) -> int:
        """Evaluate one schedule exactly."""
        hours = self.hours(number)
        return UNKNOWN_STATE if hours is None else CODES[hours.state_at(at)]

    def opening(self, number: int, at: datetime) -> Opening:
        """Tell a schedule's state at a moment, and until when."""
        hours = self.hours(number)
        return UNKNOWN if hours is None else hours.at(at)

    def opening_json(self, number: int, at: datetime) -> bytes:
        """Give `opening` as members of a JSON object; kept as long as it holds."""
        if number == 0:
            return _UNKNOWN_JSON
        kept = self._openings.get(number)
        if kept is not None and kept[0] <= at < kept[1]:
            return kept[2]
        minute = at.replace(second=0, microsecond=0)
        opening = self.opening(number, minute)
        text = opening_json(opening)
        # A comment, or not knowing, may end before the next change from open to closed.
        until = minute.astimezone(UTC) + _MINUTE
        if opening.until is not None and not opening.comment:
            until = min(opening.until.astimezone(UTC), until + _LONGEST_VALIDITY)
        self._openings[number] = (minute, until, text)
        return text


def opening_json(opening: Opening) -> bytes:
    """Write the members of `opening` that change with the time."""
    until = f'"{opening.until.isoformat()}"'.encode() if opening.until else b"null"
    comment = orjson.dumps(opening.comment) if opening.comment else b"null"
    return b'"state":"' + opening.state.encode() + b'","until":' + until + b',"comment":' + comment


_UNKNOWN_JSON: Final = opening_json(UNKNOWN)


def questions_json(questions: Sequence[HoursQuestion | None]) -> tuple[bytes, NDArray[np.int64]]:
    """Write the schedules' questions one after the other, with where each begins."""
    texts = [orjson.dumps(question) if question else b"" for question in questions]
    return b"".join(texts), np.cumsum([0, *map(len, texts)], dtype=np.int64)
