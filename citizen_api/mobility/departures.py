"""The coming hours of one trip: every departure by every way compared, a frontier, one recommendation. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from citizen_api.mobility import departure_rules as rules
from citizen_api.mobility.departure_rules import Bounds, Opening, Option
from citizen_api.mobility.departure_ways import WEIGHTS, Question, Way, doses_of
from citizen_api.mobility.exposure import HOUR, STREET_POLLUTANTS, Background
from citizen_api.mobility.network import FloatArray
from citizen_api.mobility.rules import REFERENCES_UG_M3, ModeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When the goal is open; `leave_by`: the last departure by each mode that is of use, where it is not over."""

    opens_at: datetime
    closes_at: datetime | None
    leave_by: Mapping[ModeName, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of the strip. `least`: of its departures by the fastest way that with the least burden, if any is known.

    `reasons`: what speaks against its departures; () when there is one against which nothing does.
    """

    starts_at: datetime
    dark: bool
    opening: str | None
    level: int | None
    least: Option | None
    reasons: tuple[rules.Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that an answer tells. `references`: leaving as soon as it is of use, straight on, by each mode.

    `items`: the frontier of each mode. `pollutants`: those by which hours are compared. `only_advised_against`: nothing
    was free of heat, sun or darkness, so that `items` have what is of use at all.
    """

    question: Question
    ways: Sequence[Way]
    references: Mapping[ModeName, Option]
    items: Sequence[Option]
    best: Option | None
    hours: Sequence[Hour]
    spans: Sequence[Span]
    pollutants: tuple[str, ...]
    only_advised_against: bool
    reasons: tuple[rules.Reason, ...]
    """Why departures were left out, of all modes."""


def plan(ways: Sequence[Way], question: Question, background: Background) -> Plan:
    """Compare every departure by every way. `ways`: of each mode the fastest first; each mode has one at least."""
    bounds = replace(question.bounds, opening=_remembered(question.bounds.opening))
    spans = _spans(ways, question, bounds)
    also = [at for span in spans for at in span.leave_by.values()]
    departures = rules.moments(question.after, question.until, zone=question.zone, also=also)
    dark = [question.is_dark(at) for at in departures]
    options, pollutants = _options(ways, question, background, bounds, departures, dark)
    by_mode = {mode.name: [one for one in options if one.mode == mode.name] for mode in question.modes}
    useful = {name: [one for one in mine if one.useful] for name, mine in by_mode.items()}
    references = {name: _reference(mine) for name, mine in useful.items() if mine}
    free = any(one.free for mine in useful.values() for one in mine)
    items = [one for mine in useful.values() for one in rules.frontier(one for one in mine if one.free or not free)]
    quickest = min(references.values(), key=lambda one: (one.duration_s, one.depart_at), default=None)
    best = None if quickest is None else rules.best(items, quickest)
    shown = best.mode if best is not None else question.modes[0].name
    return Plan(
        question=question,
        ways=ways,
        references=references,
        items=sorted(items, key=lambda one: (one.depart_at, one.duration_s)),
        best=best,
        hours=_strip(by_mode[shown], question, background, bounds),
        spans=spans,
        pollutants=pollutants,
        only_advised_against=bool(items) and not free,
        reasons=tuple(dict.fromkeys(reason for one in options for reason in one.reasons)),
    )


def _remembered(opening: Callable[[datetime], Opening] | None) -> Callable[[datetime], Opening] | None:
    """The same, asked once a minute: a place's hours know no seconds."""
    if opening is None:
        return None
    asked, known = opening, dict[datetime, Opening]()

    def remembered(at: datetime) -> Opening:
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        if minute not in known:
            known[minute] = asked(minute)
        return known[minute]

    return remembered


def _spans(ways: Sequence[Way], question: Question, bounds: Bounds) -> list[Span]:
    if bounds.opening is None or not ways:
        return []
    fastest: dict[ModeName, float] = {}
    for way in ways:
        fastest[way.mode.name] = min(way.duration_s, fastest.get(way.mode.name, np.inf))
    longest = timedelta(seconds=max(fastest.values()))
    spans = []
    for opens_at, closes_at in rules.open_spans(bounds.opening, question.after, question.until + longest):
        leave_by: dict[ModeName, datetime] = {}
        for name, seconds in fastest.items():
            if closes_at is None:
                continue
            last = (closes_at - rules.STAY - timedelta(seconds=seconds)).replace(second=0, microsecond=0)
            if question.after.astimezone(UTC) <= last <= question.until.astimezone(UTC):
                leave_by[name] = last
        spans.append(Span(opens_at=opens_at, closes_at=closes_at, leave_by=leave_by))
    return spans


def _options(
    ways: Sequence[Way],
    question: Question,
    background: Background,
    bounds: Bounds,
    departures: Sequence[datetime],
    dark: Sequence[bool],
) -> tuple[list[Option], tuple[str, ...]]:
    doses = [_compared(way, background, departures) for way in ways]
    pollutants = _pollutants(doses[0], background) if ways else ()
    options = []
    for number, (way, told) in enumerate(zip(ways, doses, strict=True)):
        ratios = {name: (told[name] / REFERENCES_UG_M3[name]).tolist() for name in pollutants}
        for rank, at in enumerate(departures):
            if way.dark is not None and way.dark != dark[rank]:
                continue
            burden, guide = _burden({name: ratio[rank] for name, ratio in ratios.items()})
            if background.basis == "index":
                hour = background.hour(at)
                burden = None if hour is None else float(background.levels[hour]) or None
            unlit = question.minds_dark and dark[rank] and way.unlit
            options.append(
                Option(
                    mode=way.mode.name,
                    depart_at=at,
                    duration_s=way.duration_s,
                    way=number,
                    weight=way.weight,
                    burden=burden,
                    guide=guide,
                    reasons=bounds.reasons(at, at + timedelta(seconds=way.duration_s), unlit=unlit),
                )
            )
    return options, pollutants


def _compared(way: Way, background: Background, departures: Sequence[datetime]) -> dict[str, FloatArray]:
    """Doses by which departures are compared: no street is better for its ozone (see `exposure.STREET_POLLUTANTS`)."""
    flat = {name: factors for name, factors in way.factors.items() if name in STREET_POLLUTANTS}
    ones = np.ones(len(way.time_s))
    return doses_of(replace(way, factors={name: flat.get(name, ones) for name in way.factors}), background, departures)


def _pollutants(doses: Mapping[str, FloatArray], background: Background) -> tuple[str, ...]:
    if background.basis != "hours":
        return ()
    ratios = {
        name: None if np.isnan(told[0]) else float(told[0]) / REFERENCES_UG_M3[name] for name, told in doses.items()
    }
    return rules.comparable({name: (~np.isnan(told)).tolist() for name, told in doses.items()}, ratios)


def _burden(ratios: Mapping[str, float]) -> tuple[float | None, str | None]:
    """The highest ratio and whose it is; nothing where one is not known."""
    if not ratios or any(np.isnan(ratio) for ratio in ratios.values()):
        return None, None
    guide = max(ratios, key=lambda name: ratios[name])
    return ratios[guide], guide


def _reference(useful: Sequence[Option]) -> Option:
    """Leaving as soon as it is of use, straight on."""
    return min(useful, key=lambda one: (one.depart_at, one.weight, one.duration_s))


def _strip(options: Sequence[Option], question: Question, background: Background, bounds: Bounds) -> list[Hour]:
    clock = ZoneInfo(question.zone)
    hours: dict[datetime, list[Option]] = {}
    for option in options:
        local = option.depart_at.astimezone(clock)
        since = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        hours.setdefault(option.depart_at - since, []).append(option)
    strip = []
    for starts_at, mine in sorted(hours.items()):
        usable = [one for one in mine if one.free] or [one for one in mine if one.useful]
        known = [one for one in usable if one.burden is not None and one.weight == WEIGHTS[0]]
        number = background.hour(max(starts_at, question.after))
        against = dict.fromkeys(reason for one in mine for reason in one.reasons)
        strip.append(
            Hour(
                starts_at=starts_at,
                dark=question.is_dark(starts_at + HOUR / 2),
                opening=None if bounds.opening is None else bounds.opening(starts_at + HOUR / 2).state,
                level=None if number is None else int(background.levels[number]) or None,
                least=min(known, key=lambda one: one.burden or 0.0, default=None),
                reasons=() if any(one.free for one in mine) else tuple(against),
            )
        )
    return strip
