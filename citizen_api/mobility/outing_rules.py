"""When it is best to be active outdoors on a day, why, and what to mind. Pure: the time is passed in.

Hours are compared by a burden, which is ours and no measure of harm: the highest concentration against its reference
(WHO 2021, 24 h) counts as it is, and the rest is weighed against it (the constants below). Of a hazard known for the
day only, the hours are told apart by the height of the sun and by the hours that official advice calls the hottest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

from citizen_api.mobility.rules import MODES, moving_wins

HOUR: Final = timedelta(hours=1)
OUT_BETWEEN: Final = (6, 22)
"""Hours of the local clock in which a walk is proposed at all."""
PLEASANT: Final = (8, 20)
LONGEST_H: Final = 3
LEAST_LEFT: Final = timedelta(minutes=30)
"""How much of the running hour must be left for it to be proposed."""
ALIKE: Final = 0.25
"""Burdens that differ by no more are alike: such hours make one window, such days are equally good."""
CLEANER: Final = 0.9
"""A window is said to be cleaner when it has at most this of a pollutant against the mean of the hours to come."""
_BY_NAME: Final = ("no2", "pm25", "pm10", "o3")
"""Of which pollutant the air is said to be cleaner: the first of them of which it is."""

_DARK: Final = 1.0
_EARLY_OR_LATE: Final = 0.05
_UV_FROM: Final = 3
"""UV index from which WHO advises protection."""
_SUN_HIGH: Final = 2.0
"""Hours before and after the sun's highest in which UV is strong: 12 to 16 o'clock of the French summer."""
_WARM: Final = (12, 20)
_HOT: Final[Mapping[int, tuple[int, int]]] = {3: (11, 21), 4: (10, 24)}
"""Hours to keep out of the heat under an orange warning (11 to 21 o'clock: Santé publique France), and a red one."""
_MILD: Final = (11, 16)
_WARNING: Final = 3
"""Orange, of Météo-France's vigilance."""
_POLLEN_HIGH: Final = 4
_AIR: Final[Mapping[int, str]] = {4: "air_poor", 5: "air_very_poor", 6: "air_extremely_poor"}
"""What to mind of the air by the ATMO index of the day."""
BRIEF_LEVEL: Final = 5
"""ATMO index from which the advice is to keep outings brief and easy (`content/advice`); an episode says so, too."""
_POLLEN_STEP: Final = 0.3
_LEVEL_STEP: Final = 0.5

Choice = Literal["go", "shorter", "indoors", "over"]
Basis = Literal["hours", "index", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HourAir:
    """The air of one whole hour by the local clock; None: unknown.

    `ratio`: the highest concentration against its reference; `values_ug_m3`: of each pollutant that is known.
    `level`: the ATMO index of its day, 0 unknown. `episode`: whether an official episode is open on that day.
    """

    starts_at: datetime
    ratio: float | None = None
    values_ug_m3: Mapping[str, float] = field(default_factory=dict)
    pm25_ug_m3: float | None = None
    level: int = 0
    episode: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The level of a hazard, and from when until when it holds."""

    level: int
    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAround:
    """One local day. `sun`: its rise and set, None where there is none. `hazards`: those of which a level is known.

    `hours`: the hours of the day by the local clock, oldest first, whether or not their air is known.
    """

    day: date
    sun: tuple[datetime, datetime] | None
    hours: Sequence[HourAir]
    hazards: Mapping[str, Known] = field(default_factory=dict)

    def level(self, hazard: str) -> int | None:
        """Level of a hazard on this day; None unknown."""
        known = self.hazards.get(hazard)
        return None if known is None else known.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something to be said, by its code in `content/mobility/outings.yaml`, with what fills it."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What to do on a day. `starts_at`, `ends_at`: the window, None without one; `burden`: of its hours, on average.

    `choice`: go; shorter (outdoors, but not for long); indoors (move, but inside); over (no hour is left).
    """

    day: date
    choice: Choice
    basis: Basis
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    light: bool | None = None
    burden: float | None = None
    reasons: tuple[Said, ...] = ()
    minds: tuple[Said, ...] = ()


Planned = tuple[DayAround, Window]


@dataclass(frozen=True, slots=True)
class _Hour:
    air: HourAir
    light: bool
    burden: float
    allowed: bool


def best_window(day: DayAround, *, at: datetime, minutes: int) -> Window:
    """The best one to three hours of a day that are still to come, and what speaks for them.

    `minutes`: of the longest walk. The air keeps nobody in as long as walking in it wins (`rules.moving_wins`); from
    BRIEF_LEVEL on, and in an episode, the outing is a short one.
    """
    basis = _basis(day)
    hours = [_judge(air, day) for air in _filled(day.hours) if _is_offered(air.starts_at, at)]
    allowed = [hour for hour in hours if hour.allowed]
    minds = _minds(day, basis)
    if not allowed:
        if not hours:
            return Window(day=day.day, choice="over", basis=basis)
        kept_in = tuple(Said(code=f"{hazard}_indoors") for hazard in ("storms", "heat") if _warns(day, hazard))
        said = {"mind_storms", "mind_heat"}
        minds = tuple(mind for mind in minds if mind.code not in said)
        return Window(day=day.day, choice="indoors", basis=basis, reasons=kept_in, minds=minds)
    chosen = _around_the_best(hours)
    burden = _mean([hour.burden for hour in chosen])
    known = [hour.air.pm25_ug_m3 for hour in chosen if hour.air.pm25_ug_m3 is not None]
    brief = _warns(day, "heat") or _warns(day, "cold") or _is_brief(day)
    choice: Choice = "shorter" if brief else "go"
    advice = moving_wins(_mean(known), mode=MODES["walk"], hours=minutes / 60) if known else "encourage"
    if advice != "encourage":
        choice = advice
        minds = (*minds, Said(code=f"mind_air_{advice}"))
    light = all(hour.light for hour in chosen)
    return Window(
        day=day.day,
        choice=choice,
        basis=basis,
        starts_at=max(chosen[0].air.starts_at, _next_quarter(at)),
        ends_at=chosen[-1].air.starts_at + HOUR,
        light=None if day.sun is None else light,
        burden=burden,
        reasons=tuple(_reasons(day, basis, chosen, hours)),
        minds=minds if light or day.sun is None else (Said(code="dark"), *minds),
    )


def better_day(
    today: tuple[DayAround, Window], tomorrow: tuple[DayAround, Window]
) -> Literal["today", "tomorrow"] | None:
    """Which day is clearly better; None when they are alike, or not known alike.

    Compared by the burden of the windows where the hours of both are known; where they are alike, or not known, by
    the index of the days, and by pollen, where those are known for both.
    """
    if today[1].choice in {"over", "indoors"} or tomorrow[1].choice in {"over", "indoors"}:
        first, second = (window.choice in {"go", "shorter"} for _, window in (today, tomorrow))
        return ("today" if first else "tomorrow") if first != second else None
    bases = {today[1].basis, tomorrow[1].basis}
    levels = [_index(day) for day, _ in (today, tomorrow)]
    if bases != {"hours"} and None in levels:
        return None
    difference = (tomorrow[1].burden or 0) - (today[1].burden or 0) if bases == {"hours"} else 0.0
    if abs(difference) <= ALIKE and None not in levels:
        difference = _LEVEL_STEP * ((levels[1] or 0) - (levels[0] or 0))
    pollen = [day.level("pollen") for day, _ in (today, tomorrow)]
    if None not in pollen:
        high = [max(0, (level or 0) - _POLLEN_HIGH + 1) for level in pollen]
        difference += _POLLEN_STEP * (high[1] - high[0])
    if abs(difference) <= ALIKE:
        return None
    return "today" if difference > 0 else "tomorrow"


def _basis(day: DayAround) -> Basis:
    if any(hour.ratio is not None for hour in day.hours):
        return "hours"
    return "index" if any(hour.level for hour in day.hours) else "unknown"


def _filled(hours: Sequence[HourAir]) -> list[HourAir]:
    """Let an hour of unknown air count as the worst that is known of the day: unknown is never preferred."""
    worst = max((hour.ratio for hour in hours if hour.ratio is not None), default=None)
    return [
        HourAir(starts_at=hour.starts_at, ratio=worst, level=hour.level) if hour.ratio is None else hour
        for hour in hours
    ]


def _is_offered(starts_at: datetime, at: datetime) -> bool:
    return OUT_BETWEEN[0] <= starts_at.hour < OUT_BETWEEN[1] and starts_at + HOUR - at >= LEAST_LEFT


def _judge(air: HourAir, day: DayAround) -> _Hour:
    middle = air.starts_at + HOUR / 2
    clock = air.starts_at.hour
    light = day.sun is None or day.sun[0] <= middle <= day.sun[1]
    burden = (air.ratio or 0.0) + (0 if light else _DARK)
    burden += _EARLY_OR_LATE * max(0, PLEASANT[0] - clock, clock + 1 - PLEASANT[1])
    allowed = True
    levels = {hazard: known.level for hazard, known in day.hazards.items() if known.holds(middle)}
    uv, heat = levels.get("uv", 0), levels.get("heat", 0)
    if uv >= _UV_FROM and _sun_is_high(day, middle):
        burden += (uv - _UV_FROM + 1) / 3
    if heat >= _WARNING:
        hot = _HOT[heat]
        allowed = not hot[0] <= clock < hot[1]
    elif heat == _WARNING - 1 and _WARM[0] <= clock < _WARM[1]:
        burden += 1
    if levels.get("cold", 0) >= _WARNING and not _MILD[0] <= clock < _MILD[1]:
        burden += 1
    if levels.get("storms", 0) >= _WARNING:
        allowed = False
    return _Hour(air, light, burden, allowed)


def _sun_is_high(day: DayAround, at: datetime) -> bool:
    if day.sun is None:
        return True
    highest = day.sun[0] + (day.sun[1] - day.sun[0]) / 2
    return abs((at - highest) / HOUR) <= _SUN_HIGH


def _around_the_best(hours: Sequence[_Hour]) -> list[_Hour]:
    """The best hour, the earliest of equals, and up to two beside it that are as good and follow without a gap."""
    allowed = [number for number, hour in enumerate(hours) if hour.allowed]
    best = min(allowed, key=lambda number: (hours[number].burden, number))
    first = last = best
    most = hours[best].burden + ALIKE
    while last - first + 1 < LONGEST_H:
        beside = [
            number
            for number in (last + 1, first - 1)
            if 0 <= number < len(hours)
            and hours[number].allowed
            and hours[number].burden <= most
            and hours[number].light == hours[best].light
        ]
        if not beside:
            break
        chosen = min(beside, key=lambda number: hours[number].burden)
        first, last = min(first, chosen), max(last, chosen)
    return list(hours[first : last + 1])


def _reasons(day: DayAround, basis: Basis, chosen: Sequence[_Hour], hours: Sequence[_Hour]) -> list[Said]:
    found: list[Said] = []
    if basis == "hours":
        found += _air_reasons(chosen, hours)
    else:
        found.append(Said(code="air_by_day" if basis == "index" else "air_unknown"))
    if day.sun is not None and all(hour.light for hour in chosen):
        found.append(Said(code="daylight"))
    middles = [hour.air.starts_at + HOUR / 2 for hour in chosen]
    if (day.level("uv") or 0) >= _UV_FROM and not any(_sun_is_high(day, at) for at in middles):
        found.append(Said(code="sun_low"))
    if (day.level("heat") or 0) >= _WARNING - 1 and middles[-1].hour < _WARM[0]:
        found.append(Said(code="cooler"))
    if _warns(day, "cold") and all(_MILD[0] <= at.hour < _MILD[1] for at in middles):
        found.append(Said(code="milder"))
    return found


def _air_reasons(chosen: Sequence[_Hour], hours: Sequence[_Hour]) -> list[Said]:
    """What the air speaks for: of one pollutant against itself, in hours that are known; and which others rise then.

    Nitrogen dioxide before particles, and ozone last. Nothing is said where some rise and none falls.
    """
    if any(not hour.air.values_ug_m3 for hour in chosen):
        return [Said(code="air_partly_known")]
    changes = {
        name: _mean([hour.air.values_ug_m3[name] for hour in chosen]) / mean - 1
        for name in _BY_NAME
        if all(name in hour.air.values_ug_m3 for hour in chosen)
        and (mean := _mean([hour.air.values_ug_m3[name] for hour in hours if name in hour.air.values_ug_m3])) > 0
    }
    falls = next((name for name, change in changes.items() if change <= CLEANER - 1), None)
    rises = {name: change for name, change in changes.items() if change >= 1 - CLEANER}
    if falls is None:
        return [] if rises else [Said(code="air_steady")]
    gain = Said(code="cleaner", values={"percent": round(-100 * changes[falls]), "pollutant": falls})
    return [gain, *(_rise(name, change) for name, change in rises.items())]


def _rise(pollutant: str, change: float) -> Said:
    return Said(code="but_more", values={"percent": round(100 * change), "pollutant": pollutant})


def _minds(day: DayAround, basis: Basis) -> tuple[Said, ...]:
    level = _index(day) or 0
    told = {
        **{code: level == poor for poor, code in _AIR.items()},
        "air_episode": level < BRIEF_LEVEL and _is_brief(day),
        "pollen": (day.level("pollen") or 0) >= _POLLEN_HIGH,
        "uv": (day.level("uv") or 0) >= _UV_FROM,
        "heat_yellow": day.level("heat") == _WARNING - 1,
        "heat": _warns(day, "heat"),
        "cold": _warns(day, "cold"),
        "storms_yellow": day.level("storms") == _WARNING - 1,
        "storms": _warns(day, "storms"),
        "air_not_known": basis == "unknown",
    }
    return tuple(Said(code=f"mind_{code}") for code, holds in told.items() if holds)


def _index(day: DayAround) -> int | None:
    return max((hour.level for hour in day.hours), default=0) or None


def _is_brief(day: DayAround) -> bool:
    """Whether the air of the day asks for a brief and easy outing."""
    return (_index(day) or 0) >= BRIEF_LEVEL or any(hour.episode for hour in day.hours)


def _warns(day: DayAround, hazard: str) -> bool:
    return (day.level(hazard) or 0) >= _WARNING


def _next_quarter(at: datetime) -> datetime:
    """The next full quarter of an hour: a time that one says."""
    quarter = timedelta(minutes=15)
    whole = at.replace(minute=0, second=0, microsecond=0)
    return whole + -(-(at - whole) // quarter) * quarter


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
