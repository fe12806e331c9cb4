"""The plot of a week of a rehearsal, as SVG that sits in its page: the page's style sheet gives the colours.

The hourly value is a curve, the bound dashed, the nights shaded, the peak a dot; bars on top are residents told. It is
readable at 360 px and larger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from citizen_api.people.wishes import day_bounds, local_instant
from content.rehearsal import RehearsalWords
from notifications.rehearsal_facts import HOUR
from notifications.rehearsal_report import DAYS_OF_A_WEEK, Day, Replayed

_WIDTH, _HEIGHT = 360, 212
_LEFT, _RIGHT = 30, 332
_BAND_TOP, _BAND_FOOT = 18, 54
_TOP, _FOOT = 66, 186
_NIGHT: Final = (time(22), time(7))
_STEP_UG_M3: Final = 100
_DAY: Final = timedelta(days=1)
_LABEL_WIDTH: Final = 36


@dataclass(frozen=True, slots=True)
class _Scale:
    """Places moments of a week, and values up to `most`, on the plot."""

    start: datetime
    end: datetime
    most: float

    def x(self, at: datetime) -> float:
        at = min(max(at, self.start), self.end)
        return _LEFT + (at - self.start) / (self.end - self.start) * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        return _FOOT - min(value, self.most) / self.most * (_FOOT - _TOP)


def draw_week(replayed: Replayed, days: Sequence[Day], week: int, words: RehearsalWords, *, pollutant: str) -> str:
    """Draw the seven days of a week, counted from 0; they may go beyond the days that are replayed."""
    first = replayed.first + DAYS_OF_A_WEEK * week * _DAY
    last = first + (DAYS_OF_A_WEEK - 1) * _DAY
    start, end = day_bounds(first, zone=replayed.zone)[0], day_bounds(last, zone=replayed.zone)[1]
    replay_end = day_bounds(replayed.last, zone=replayed.zone)[1]
    values = {at: value for at, value in sorted(replayed.values.items()) if start < at <= min(end, replay_end)}
    scale = _Scale(start, end, _most(replayed))
    peak = max(values, key=lambda at: values[at]) if values else None
    title = words.say(
        "week_title", pollutant=pollutant, first=words.day(first), last=words.day(min(last, replayed.last))
    )
    described = words.say("week_unknown")
    if peak is not None:
        at = words.moment(_local(peak, replayed.zone))
        described = words.say("week_desc", peak=words.number(values[peak]), at=at)
    parts = [
        *_nights(scale, first, replayed.zone),
        *_axis(scale, words),
        *_bound(scale, replayed.high, words),
        f'<path class="v" d="{_curve(values, scale)}"/>',
        *([] if peak is None else _peak(scale, peak, values[peak], words)),
        *_told(scale, days, replayed.residents, words),
        *_days(scale, first, replayed.zone, words),
    ]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="w{week} d{week}">'
        f'<title id="w{week}">{escape(title)}</title><desc id="d{week}">{escape(described)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _most(replayed: Replayed) -> float:
    """The top of the scale: above all values and the bound, the same for each week."""
    highest = max([replayed.high, *replayed.values.values()])
    return _STEP_UG_M3 * (highest * 1.05 // _STEP_UG_M3 + 1)


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def _nights(scale: _Scale, first: date, zone: str) -> Iterator[str]:
    for number in range(-1, DAYS_OF_A_WEEK):
        day = first + number * _DAY
        left = scale.x(local_instant(day, _NIGHT[0], zone=zone))
        right = scale.x(local_instant(day + _DAY, _NIGHT[1], zone=zone))
        yield f'<rect class="n" x="{_n(left)}" y="{_TOP}" width="{_n(right - left)}" height="{_FOOT - _TOP}"/>'


def _axis(scale: _Scale, words: RehearsalWords) -> Iterator[str]:
    step = _STEP_UG_M3 * max(1, round(scale.most / _STEP_UG_M3 / 5))
    for value in range(0, int(scale.most) + 1, step):
        y = scale.y(value)
        yield f'<path class="g" d="M{_LEFT} {_n(y)}H{_RIGHT}"/>'
        yield _text(_LEFT - 4, y + 4, words.number(value), "s", "end")


def _bound(scale: _Scale, high: float, words: RehearsalWords) -> Iterator[str]:
    y = scale.y(high)
    yield f'<path class="b" d="M{_LEFT} {_n(y)}H{_RIGHT}"/>'
    yield _text(_RIGHT + 3, y + 4, words.number(high), "o", "start")


def _curve(values: dict[datetime, float], scale: _Scale) -> str:
    points, before = [], None
    for at, value in values.items():
        points.append(f"{'L' if before == at - HOUR else 'M'}{_n(scale.x(at))} {_n(scale.y(value))}")
        before = at
    return "".join(points)


def _peak(scale: _Scale, at: datetime, value: float, words: RehearsalWords) -> Iterator[str]:
    x, y = scale.x(at), scale.y(value)
    yield f'<circle class="p" cx="{_n(x)}" cy="{_n(y)}" r="4"/>'
    left = x > (_LEFT + _RIGHT) / 2
    yield _text(x - 8 if left else x + 8, y + 4, words.number(value), "k", "end" if left else "start")


def _told(scale: _Scale, days: Sequence[Day], residents: int, words: RehearsalWords) -> Iterator[str]:
    """The bars on top, each with its share where there is room: the largest first."""
    yield f'<path class="g" d="M{_LEFT} {_BAND_FOOT}H{_RIGHT}"/>'
    told: Counter[datetime] = Counter()
    for moment in (moment for day in days for moment in day.moments):
        if moment.kind in {"alert", "raised"} and scale.start <= moment.at < scale.end:
            told[moment.at] += moment.residents
    labelled: list[float] = []
    for at, count in told.most_common():
        height = max(1.5, count / residents * (_BAND_FOOT - _BAND_TOP))
        x, top = scale.x(at), _BAND_FOOT - height
        yield f'<rect class="t" x="{_n(x - 1.5)}" y="{_n(top)}" width="3" height="{_n(height)}"/>'
        middle = min(max(x, _LEFT + _LABEL_WIDTH / 2), _WIDTH - _LABEL_WIDTH / 2)
        if all(abs(middle - other) >= _LABEL_WIDTH for other in labelled):
            labelled.append(middle)
            yield _text(middle, top - 4, words.percent(count / residents), "k")


def _days(scale: _Scale, first: date, zone: str, words: RehearsalWords) -> Iterator[str]:
    for number in range(DAYS_OF_A_WEEK):
        day = first + number * _DAY
        left, right = (scale.x(at) for at in day_bounds(day, zone=zone))
        yield f'<path class="g" d="M{_n(left)} {_FOOT}v6"/>'
        yield _text((left + right) / 2, _FOOT + 17, f"{words.weekday(day)} {day.day}", "s")
