"""What may be said of how many handoffs there were, without telling of a few. Pure.

The rule. Counts are kept by week and commune, and summed by département; nothing else is ever summed: not weeks, not
providers, not communes by any other border. A count below LEAST is not shown. With the hidden communes of a
département in one week, its total would tell their sum, and often each of them: it is shown only where

- nothing is hidden below it, or
- what is hidden makes at least LEAST together, and is not all as small or all as large as it can be: n communes of 1 to
  LEAST - 1 each, whose sum is above n and below n x (LEAST - 1). (So one alone never stands beside its total.)

Then each hidden commune still can have been at least two numbers, whoever knows this rule, all other numbers, and which
communes had no handoff at all. Whether something is shown depends on its week and its département only, never on what
was asked: a question about a commune, its département, or more weeks shows the same numbers.

The same is done for rates, by their denominators, which are not shown; a rate is shown only beside its count, rounded.

One provider beside all of them would be a sum, too: its own staff sees it, and not the others; a city sees all of them
together, and none alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

LEAST: Final = 11
"""Handoffs below which nothing is said of them."""
DECIMALS: Final = 2
MOST_WEEKS: Final = 53
USUAL_WEEKS: Final = 8
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Counts:
    """Handoffs made in one week, and how many of them reached which state."""

    made: int
    opened: int
    gone: int
    booked: int

    @property
    def arrivals(self) -> int:
        """How often somebody arrived at a slot: it was free, or it was gone."""
        return self.opened + self.gone


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be said. A rate is None where it stands on too few."""

    made: int
    gone_rate: float | None
    booked_rate: float | None


def shown_commune(counts: Counts) -> Shown | None:
    """What may be said of one week of one commune, or of handoffs without a place; None: nothing."""
    if counts.made < LEAST:
        return None
    return Shown(
        counts.made,
        _rate(counts.gone, counts.arrivals) if counts.arrivals >= LEAST else None,
        _rate(counts.booked, counts.opened) if counts.opened >= LEAST else None,
    )


def shown_total(communes: Collection[Counts]) -> Shown | None:
    """What may be said of one week of a département, of which these are all communes with handoffs; None: nothing."""
    if not is_total_shown([one.made for one in communes]):
        return None
    # Where a commune's count is hidden, its rate is: it counts as a hidden part, however often its few were opened.
    arrivals = [min(one.arrivals, one.made) for one in communes]
    opened = [min(one.opened, one.made) for one in communes]
    total = Counts(*(sum(getattr(one, name) for one in communes) for name in ("made", "opened", "gone", "booked")))
    return Shown(
        total.made,
        _rate(total.gone, total.arrivals) if is_total_shown(arrivals) else None,
        _rate(total.booked, total.opened) if is_total_shown(opened) else None,
    )


def is_total_shown(parts: Iterable[int]) -> bool:
    """Whether a total may stand beside those of its parts that are shown."""
    known = [part for part in parts if part > 0]
    hidden = [part for part in known if part < LEAST]
    if not hidden:
        return bool(known)
    count, together = len(hidden), sum(hidden)
    return together >= LEAST and count < together < count * (LEAST - 1)


def weeks_asked(first: date | None, last: date | None, *, this_week: date) -> Sequence[date] | None:
    """Mondays of the whole weeks of a question, the first one first; None: too many of them, or none.

    `first`, `last`: days in the first and the last week; None: USUAL_WEEKS, until the last one. `this_week`: the Monday
    of the one that is not over: from one day to the next it would tell of a few, so it is left out.
    """
    until = this_week - _WEEK if last is None else _monday(last)
    since = _weeks_before(until, USUAL_WEEKS - 1) if first is None else _monday(first)
    count = (until - since) // _WEEK + 1
    if not 1 <= count <= MOST_WEEKS:
        return None
    return [week for week in (since + number * _WEEK for number in range(count)) if week < this_week]


def week_name(monday: date) -> str:
    """A week as ISO 8601 names it: 2026-W47."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks_before(monday: date, count: int) -> date:
    """A Monday before another one, or the first one of the calendar."""
    return date.fromordinal(max(date.min.toordinal(), monday.toordinal() - count * _WEEK.days))


def _rate(part: int, whole: int) -> float:
    return round(part / whole, DECIMALS)
