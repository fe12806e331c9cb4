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

    `not_before`, `not_after`: the first and last useful departure of it by the fastest way, where earlier or later ones
    of the same hour are of no use; `hindered`: why they are not. `reasons`: what speaks against its departures; () when
    there is one against which nothing does.
    """

    starts_at: datetime
    dark: bool
    opening: str | None
    level: int | None
    least: Option | None
    reasons: tuple[rules.Reason, ...]
    not_before: datetime | None = None
    not_after: datetime | None = None
    hindered: tuple[rules.Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that an answer tells. `references`: leaving as soon as it is of use, straight on, by each mode.

    `items`: the frontier of each mode. `guide`: the pollutant by which all are compared. `only_advised_against`:
    nothing was free of heat, sun or darkness, so that `items` have what is of use at all.
    """

    question: Question
    ways: Sequence[Way]
    references: Mapping[ModeName, Option]
    items: Sequence[Option]
    best: Option | None
    hours: Sequence[Hour]
    spans: Sequence[Span]
    guide: str | None
    shown: ModeName
    """The mode of `hours`: that of `best`, else the first by which there is a way."""
    air_known: bool
    """Whether the air of any departure of the window is known."""
    only_advised_against: bool
    reasons: tuple[rules.Reason, ...]
    """Why departures were left out, of all modes."""


def plan(ways: Sequence[Way], question: Question, background: Background, *, advised: bool = True) -> Plan:
    """Compare every departure by every way. `ways`: of each mode the fastest first; each mode has one at least.

    Not `advised`: nobody knows that one can go there, so that hours are told, and no departure.
    """
    bounds = replace(question.bounds, opening=_remembered(question.bounds.opening))
    spans = _spans(ways, question, bounds, advised=advised)
    also = [at for span in spans for at in span.leave_by.values()] + _in_time(ways, bounds)
    departures = rules.moments(question.after, question.until, zone=question.zone, also=also)
    dark = [question.is_dark(at) for at in departures]
    options, guide = _options(ways, question, background, bounds, departures, dark)
    by_mode = {mode.name: [one for one in options if one.mode == mode.name] for mode in question.modes}
    useful = {name: [one for one in mine if one.useful] for name, mine in by_mode.items()}
    references = {name: _reference(mine) for name, mine in useful.items() if mine}
    free = any(one.free for mine in useful.values() for one in mine)
    fronts = [
        rules.frontier((_against(one, references[name]) for one in mine if one.free or not free), most=None)
        for name, mine in useful.items()
        if mine
    ]
    offered = [one for front in fronts for one in front] if advised else []
    quickest = min(references.values(), key=lambda one: (one.duration_s, one.depart_at), default=None)
    best = None if quickest is None else rules.best([one for one in offered if not one.worse] or offered, quickest)
    keep = [] if best is None else [best]
    items = [one for front in fronts for one in rules.frontier(front, keep=keep)] if advised else []
    shown = best.mode if best is not None else (ways[0].mode.name if ways else question.modes[0].name)
    return Plan(
        question=question,
        ways=ways,
        references=references,
        items=sorted(items, key=lambda one: (one.depart_at, one.duration_s)),
        best=best,
        hours=_strip(by_mode[shown], question, background, bounds),
        spans=spans,
        guide=guide,
        shown=shown,
        air_known=any(one.burden is not None for one in options),
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


def _spans(ways: Sequence[Way], question: Question, bounds: Bounds, *, advised: bool) -> list[Span]:
    if bounds.opening is None or not ways:
        return []
    fastest = _fastest_s(ways)
    longest = timedelta(seconds=max(fastest.values()))
    spans = []
    for opens_at, closes_at in rules.open_spans(bounds.opening, question.after, question.until + longest):
        leave_by: dict[ModeName, datetime] = {}
        for name, seconds in fastest.items():
            if closes_at is None or not advised:
                continue
            there = closes_at - rules.STAY
            if bounds.until is not None:
                there = min(there, bounds.until.astimezone(UTC))
            last = (there - timedelta(seconds=seconds)).replace(second=0, microsecond=0)
            opened = last + timedelta(seconds=seconds) >= opens_at
            if opened and question.after.astimezone(UTC) <= last <= question.until.astimezone(UTC):
                leave_by[name] = last
        spans.append(Span(opens_at=opens_at, closes_at=closes_at, leave_by=leave_by))
    return spans


def _fastest_s(ways: Sequence[Way]) -> dict[ModeName, float]:
    found: dict[ModeName, float] = {}
    for way in ways:
        found[way.mode.name] = min(way.duration_s, found.get(way.mode.name, np.inf))
    return found


def _in_time(ways: Sequence[Way], bounds: Bounds) -> list[datetime]:
    """The last full minute of each mode from which one arrives by when one must."""
    if bounds.until is None:
        return []
    until = bounds.until.astimezone(UTC)
    return [(until - timedelta(seconds=s)).replace(second=0, microsecond=0) for s in _fastest_s(ways).values()]


def _options(
    ways: Sequence[Way],
    question: Question,
    background: Background,
    bounds: Bounds,
    departures: Sequence[datetime],
    dark: Sequence[bool],
) -> tuple[list[Option], str | None]:
    doses = [_compared(way, background, departures) for way in ways]
    guide = _guide(doses[0]) if ways and background.basis == "hours" else None
    options = []
    for number, (way, told) in enumerate(zip(ways, doses, strict=True)):
        ratios = {name: (dose / REFERENCES_UG_M3[name]).tolist() for name, dose in told.items()}
        for rank, at in enumerate(departures):
            if way.dark is not None and way.dark != dark[rank]:
                continue
            known = {name: ratio[rank] for name, ratio in ratios.items() if not np.isnan(ratio[rank])}
            burden = None if guide is None else known.get(guide)
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
                    guide=None if burden is None else guide,
                    ratios=known,
                    reasons=bounds.reasons(at, at + timedelta(seconds=round(way.duration_s)), unlit=unlit),
                )
            )
    return options, guide


def _compared(way: Way, background: Background, departures: Sequence[datetime]) -> dict[str, FloatArray]:
    """Doses by which departures are compared: no street is better for its ozone (see `exposure.STREET_POLLUTANTS`)."""
    flat = {name: factors for name, factors in way.factors.items() if name in STREET_POLLUTANTS}
    ones = np.ones(len(way.time_s))
    return doses_of(replace(way, factors={name: flat.get(name, ones) for name in way.factors}), background, departures)


def _guide(doses: Mapping[str, FloatArray]) -> str | None:
    """The pollutant by which every departure by every way is compared."""
    ratios = {
        name: None if np.isnan(told[0]) else float(told[0]) / REFERENCES_UG_M3[name] for name, told in doses.items()
    }
    return rules.guide_of({name: (~np.isnan(told)).tolist() for name, told in doses.items()}, ratios)


def _against(option: Option, reference: Option) -> Option:
    return replace(option, worse=True) if rules.is_worse(option, reference) else option


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
        straight = [one for one in mine if one.weight == WEIGHTS[0]]
        useful = [one.depart_at for one in straight if one.useful]
        hindered = [one for one in straight if not one.useful] if useful else []
        strip.append(
            Hour(
                starts_at=starts_at,
                dark=question.is_dark(starts_at + HOUR / 2),
                opening=None if bounds.opening is None else bounds.opening(starts_at + HOUR / 2).state,
                level=None if number is None else int(background.levels[number]) or None,
                least=min(known, key=lambda one: one.burden or 0.0, default=None),
                reasons=() if any(one.free for one in mine) else tuple(against),
                not_before=min(useful) if any(one.depart_at < min(useful) for one in hindered) else None,
                not_after=max(useful) if any(one.depart_at > max(useful) for one in hindered) else None,
                hindered=tuple(dict.fromkeys(reason for one in hindered for reason in one.reasons)),
            )
        )
    return strip
