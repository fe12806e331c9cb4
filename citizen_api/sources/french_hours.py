"""Opening hours written for people, in French, read into OSM's `opening_hours` syntax.

Three rules, in this order:

- a text is understood as a whole or not at all: one word too many ("sauf vacances", "sur rendez-vous") and the
  reading is None, which means unknown; whoever calls keeps the text itself;
- a day of which nothing is said is `unknown`, never closed: in OSM's syntax silence would mean closed;
- and so it is with public holidays (`PH unknown`), save where every day is open round the clock.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from citizen_api.sources.french_hours_phrases import (
    ALL_DAY,
    ALL_WEEK,
    DAY_MIN,
    PUBLIC_HOLIDAYS,
    DayHours,
    Days,
    NotUnderstoodError,
    Phrase,
    is_round_the_clock,
    kinds_of,
    read_phrases,
    read_tokens,
)
from citizen_api.sources.records import clean

__all__ = ["DayHours", "join_days", "read_hours_of_day", "read_hours_of_week"]

_OSM_DAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su", "PH")

# Over the letters of phrases (see Phrase): "lundi : 9h-12h", "9h-12h le lundi", "fermé le lundi". A sentence keeps
# to one of the orders, else "fermé lundi, mardi 9h-12h" would close the Tuesday; a closing may end it. "fermé"
# belongs to the days before it only where a mark says so: "du lundi au vendredi, fermé samedi : 9h-12h".
_DAY: Final = re.compile("(?:o:?)?T|x")
_DAYS_FIRST: Final = "[DQ](?:[:,e-]?(?:o:?)?T|[:-]x|x(?=[-,/e]|$))"
_TIMES_FIRST: Final = "T[,e-]?[DQ]"
_CLOSED_FIRST: Final = "x:?D"
_SENTENCE: Final = re.compile(
    rf"[-:,/e]*(?:o:?)?(?:{_DAYS_FIRST}(?:(?:,e|[-/,e])?{_DAYS_FIRST})*(?:[-/,e]?{_CLOSED_FIRST})?"
    rf"|{_TIMES_FIRST}(?:,{_TIMES_FIRST})*(?:,?{_CLOSED_FIRST})?"
    rf"|{_CLOSED_FIRST})(?:,?(?:[EI]D|Q))?"
)
_CLAUSE: Final = re.compile(rf"{_DAYS_FIRST}|{_TIMES_FIRST}|{_CLOSED_FIRST}|(?P<but>[EI]D|Q)")
_DAYS_BEFORE: Final = re.compile("[DQ][:,e-]?$")
_TIMES_AFTER: Final = re.compile("o:?T")


@dataclass(slots=True)
class _Week:
    """What clauses have said so far: 0 is Monday, 7 the public holidays."""

    timed: list[tuple[frozenset[int], DayHours]] = field(default_factory=list)
    closed: frozenset[int] = frozenset()
    excepted: frozenset[int] = frozenset()


def read_hours_of_day(text: str) -> DayHours | None:
    """Read the hours of one day: "9h-12h30/13h30-18h30", "fermé"; None when they are not told, or not understood."""
    try:
        return _hours_of_day(text)
    except NotUnderstoodError:
        return None


def read_hours_of_week(text: str) -> str | None:
    """Read the hours of a week ("lun-ven 9h-18h ; sam 9h-13h") into OSM syntax; None when not understood whole."""
    try:
        return _hours_of_week(text)
    except NotUnderstoodError:
        return None


def join_days(texts: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Join texts by day ("lundi": "9h-12h", …) into OSM syntax and one text; None for what tells nothing.

    A day that is missing or not understood is `unknown`. A key that is no day, or a day named twice, leaves the
    whole unread. "jours fériés" may stand among the days.
    """
    said: dict[int, DayHours | None] = {}
    verbatim: dict[str, tuple[int, str]] = {}
    sure = True
    for name, text in texts.items():
        day = _day_of(name)
        sure = sure and day is not None and day not in said
        if day is not None:
            said[day] = read_hours_of_day(text)
        if written := clean(text):
            place = len(_OSM_DAYS) if day is None else day
            verbatim[name] = place, f"{clean(name)} : {written}"
    told = {day: hours for day, hours in said.items() if hours is not None}
    lines = [line for _, line in sorted(verbatim.values(), key=lambda each: each[0])]
    return (_written(told) if told and sure else None), " ; ".join(lines) or None


def _hours_of_day(text: str) -> DayHours:
    # A semicolon parts two ranges of a day; in a week it parts two sentences.
    tokens = [token._replace(kind=",") if token.kind == ";" else token for token in read_tokens(text)]
    phrases = read_phrases(tokens)
    if not _DAY.fullmatch(kinds_of(phrases)):
        raise NotUnderstoodError
    return phrases[-1].hours


def _hours_of_week(text: str) -> str:
    tokens = read_tokens(text)
    if is_round_the_clock(tokens):
        return "24/7"
    week = _Week()
    for sentence in _sentences(read_phrases(tokens)):
        _read_sentence(sentence, week)
    return _written(_settled(week))


def _sentences(phrases: Sequence[Phrase]) -> Iterator[list[Phrase]]:
    """Cut at semicolons and full stops, and before "ouvert", save in "lundi : ouvert de 9h à 12h"."""
    kinds = kinds_of(phrases)
    sentence: list[Phrase] = []
    for place, phrase in enumerate(phrases):
        begins = phrase.kind == "o" and not (
            _DAYS_BEFORE.search(kinds[max(0, place - 2) : place]) and _TIMES_AFTER.match(kinds, place)
        )
        while begins and sentence and sentence[-1].kind in ",/e-":
            sentence.pop()
        if sentence and (begins or phrase.kind == ";"):
            yield sentence
            sentence = []
        if phrase.kind != ";":
            sentence.append(phrase)
    if sentence:
        yield sentence


def _read_sentence(sentence: Sequence[Phrase], week: _Week) -> None:
    kinds = kinds_of(sentence)
    if not _SENTENCE.fullmatch(kinds):
        raise NotUnderstoodError
    here: list[tuple[frozenset[int], DayHours]] = []
    for found in _CLAUSE.finditer(kinds):
        part = sentence[found.start() : found.end()]
        days = next(phrase.days for phrase in part if phrase.kind in "DQ")
        if found["but"]:
            _add_exception(found["but"], days, here, week)
        elif "x" in found[0]:
            if days.excepted:
                raise NotUnderstoodError
            week.closed |= days.named
        else:
            here.append((days.named, next(phrase.hours for phrase in part if phrase.kind == "T")))
            week.excepted |= days.excepted
    week.timed += here


def _add_exception(kind: str, days: Days, here: list[tuple[frozenset[int], DayHours]], week: _Week) -> None:
    """Take "sauf …" or "y compris …", said after the hours, into the clauses that it speaks of."""
    known = frozenset[int]().union(*(named for named, _ in here)) | {PUBLIC_HOLIDAYS}
    if days.excepted or not days.named <= known:
        raise NotUnderstoodError
    if kind == "ED":
        here[:] = [(named - days.named, hours) for named, hours in here]
        week.excepted |= days.named
    elif len(here) == 1:
        here[0] = here[0][0] | days.named, here[0][1]
    else:
        raise NotUnderstoodError


def _settled(week: _Week) -> dict[int, DayHours]:
    """Hours of the days that the clauses tell; a closing may only carve out of a longer list of days."""
    told: dict[int, DayHours] = {}
    for days, hours in week.timed:
        open_days = days - week.closed
        if not open_days or not told.keys().isdisjoint(days):
            raise NotUnderstoodError
        told |= dict.fromkeys(open_days, hours)
    told |= dict.fromkeys(week.closed | (week.excepted - told.keys()), ())
    if not told:
        raise NotUnderstoodError
    return told


def _day_of(name: str) -> int | None:
    try:
        tokens = read_tokens(name.strip(" :"))
    except NotUnderstoodError:
        return None
    return next(iter(tokens[0].days)) if len(tokens) == 1 and len(tokens[0].days) == 1 else None


def _written(told: Mapping[int, DayHours]) -> str:
    if all(told.get(day) == ALL_DAY for day in ALL_WEEK) and told.get(PUBLIC_HOLIDAYS, ALL_DAY) == ALL_DAY:
        return "24/7"
    days_of: dict[DayHours | None, list[int]] = {}
    for day in range(PUBLIC_HOLIDAYS):
        days_of.setdefault(told.get(day), []).append(day)
    rules = [f"{','.join(_runs(days))} {_state(hours)}" for hours, days in days_of.items()]
    return "; ".join([*rules, f"PH {_state(told.get(PUBLIC_HOLIDAYS))}"])


def _runs(days: Iterable[int]) -> Iterator[str]:
    """Write consecutive days as one: "Mo-We", "Fr"."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    for run in runs:
        yield _OSM_DAYS[run[0]] if len(run) == 1 else f"{_OSM_DAYS[run[0]]}-{_OSM_DAYS[run[-1]]}"


def _state(hours: DayHours | None) -> str:
    if hours is None:
        return "unknown"
    return ",".join(f"{_clock(start)}-{_clock(end)}" for start, end in hours) or "off"


def _clock(minute: int) -> str:
    past = minute - DAY_MIN if minute > DAY_MIN else minute
    return f"{past // 60:02}:{past % 60:02}"
