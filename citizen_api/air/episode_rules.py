"""Rules about pollution episodes: thresholds by date, the tier of a day, persistence, exceedances hour by hour.

Tiers are those of `content.hazards`: information, then alert. Concentrations are in ug/m3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from citizen_api.air.rules import daily_mean, plausible

Tier = Literal["information", "alert"]
Lasting = Literal["two_days", "three_days"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Means over `averaging` above which a tier begins. `alert_hours`: how many in a row above it an alert needs.

    `lasting`: after how many days at the information tier it becomes an alert, by persistence; None: never.
    """

    averaging: Literal["1h", "day"]
    information_ug_m3: float
    alert_ug_m3: float
    alert_hours: int = 1
    lasting: Lasting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeTable:
    """Thresholds of information and alert by pollutant, and from which day on they are law."""

    name: str
    source: str
    valid_from: date
    thresholds: Mapping[str, Threshold]


# Ozone has further alert thresholds (240 and 300 for 3 hours, 360): they decide which measures a prefect takes, not
# what residents should do, so they are no tier of ours.
FRANCE: Final = EpisodeTable(
    name="France",
    source="Code de l'environnement, R221-1; arrêté du 7 avril 2016 modifié le 26 août 2016, article 1",
    valid_from=date(2016, 8, 28),
    thresholds={
        "pm10": Threshold(averaging="day", information_ug_m3=50, alert_ug_m3=80, lasting="two_days"),
        "no2": Threshold(averaging="1h", information_ug_m3=200, alert_ug_m3=400, alert_hours=3, lasting="three_days"),
        "o3": Threshold(averaging="1h", information_ug_m3=180, alert_ug_m3=240, lasting="two_days"),
        "so2": Threshold(averaging="1h", information_ug_m3=300, alert_ug_m3=500, alert_hours=3),
    },
)
# Information and alert of particles have the same value: one day above it already is an alert here.
EU_2024: Final = EpisodeTable(
    name="EU 2024/2881",
    source="Directive (EU) 2024/2881, annex I, section 4",
    valid_from=date(2026, 12, 11),
    thresholds={
        "pm25": Threshold(averaging="day", information_ug_m3=50, alert_ug_m3=50),
        "pm10": Threshold(averaging="day", information_ug_m3=90, alert_ug_m3=90),
        "no2": Threshold(averaging="1h", information_ug_m3=150, alert_ug_m3=200, alert_hours=3),
        "o3": Threshold(averaging="1h", information_ug_m3=180, alert_ug_m3=240),
        "so2": Threshold(averaging="1h", information_ug_m3=275, alert_ug_m3=350, alert_hours=3),
    },
)


def table_for(day: date, *, switch_on: date = EU_2024.valid_from) -> EpisodeTable:
    """The thresholds that are law on `day`; `switch_on`: the first day of the European ones (transposed by then)."""
    return EU_2024 if day >= switch_on else FRANCE


# --- The tier of a day -------------------------------------------------------------------------------------


def tier_of_day(
    table: EpisodeTable, pollutant: str, hourly: Sequence[float | None], *, before: Sequence[float | None] = ()
) -> Tier | None:
    """Tier that the hours of a day reach; None when they reach none or tell nothing.

    `before`: the last hours of the day before, for consecutive hours that cross midnight.
    """
    threshold = table.thresholds.get(pollutant)
    if threshold is None:
        return None
    if threshold.averaging == "day":
        mean = daily_mean(hourly)
        return tier_of_mean(table, pollutant, None if mean is None else mean.value_ug_m3)
    carried = threshold.alert_hours - 1
    hours = [*(before[-carried:] if carried else ()), *hourly]
    if _longest_run(hours, above=threshold.alert_ug_m3) >= threshold.alert_hours:
        return "alert"
    return "information" if _longest_run(hourly, above=threshold.information_ug_m3) else None


def tier_of_mean(table: EpisodeTable, pollutant: str, daily_mean_ug_m3: float | None) -> Tier | None:
    """Tier that a daily mean reaches, measured or forecast; None for a pollutant that is judged by the hour."""
    threshold, value = table.thresholds.get(pollutant), plausible(daily_mean_ug_m3)
    if threshold is None or threshold.averaging != "day" or value is None:
        return None
    if value > threshold.alert_ug_m3:
        return "alert"
    return "information" if value > threshold.information_ug_m3 else None


def _longest_run(hourly: Sequence[float | None], *, above: float) -> int:
    """Most consecutive hours above a value; a missing hour ends a run."""
    longest = run = 0
    for value in map(plausible, hourly):
        run = run + 1 if value is not None and value > above else 0
        longest = max(longest, run)
    return longest


def with_persistence(
    table: EpisodeTable, pollutant: str, *, yesterday: Tier | None, today: Tier | None, tomorrow: Tier | None
) -> tuple[Tier | None, bool]:
    """Tier of today, and whether only persistence makes it an alert. `tomorrow` is as forecast.

    PM10 and O3: exceeded today, and yesterday or expectedly tomorrow. NO2: on all three days.
    """
    threshold = table.thresholds.get(pollutant)
    lasting = None if threshold is None else threshold.lasting
    if today != "information" or lasting is None:
        return today, False
    beside = sum(tier is not None for tier in (yesterday, tomorrow))
    return ("alert", True) if beside >= (1 if lasting == "two_days" else 2) else (today, False)


# --- Exceedances, hour by hour -----------------------------------------------------------------------------

UNKNOWN_AFTER_HOURS: Final = 6
"""So many missing hours in a row, and nothing is known any more of what holds now."""
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceedance:
    """From the end of the first hour at the bound to the end of the hour that cleared it (None: not yet)."""

    opened_at: datetime
    peak: float
    peak_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceedanceState:
    """What the hours so far tell of a bound. It opens at `bound`, closes after `clear_hours` below `clear_below`.

    A missing hour neither opens nor closes, nor interrupts the hours below. After `UNKNOWN_AFTER_HOURS` of them nothing
    is known of an open exceedance, and the first known hour decides: below `clear_below` it is closed.
    `exceedance`: the one that is open, or the last that was.
    """

    bound: float
    clear_below: float
    clear_hours: int
    exceedance: Exceedance | None = None
    hours_below: int = 0
    hours_missing: int = UNKNOWN_AFTER_HOURS
    last_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether an exceedance was opened and not closed."""
        return self.exceedance is not None and self.exceedance.closed_at is None

    @property
    def is_known(self) -> bool:
        """Whether the last hours tell anything of now."""
        return self.hours_missing < UNKNOWN_AFTER_HOURS

    def step(self, ends_at: datetime, value: float | None) -> ExceedanceState:
        """State after the hour that ended at `ends_at`; hours left out since the last one count as missing.

        ValueError for an hour that is not after the last.
        """
        if self.last_at is not None and ends_at <= self.last_at:
            raise ValueError(f"hours must come in their order: {ends_at} after {self.last_at}")
        skipped = 0 if self.last_at is None else (ends_at - self.last_at) // _HOUR - 1
        value = plausible(value)
        missing = self.hours_missing + skipped + (value is None)
        below = self.clear_hours - 1 if missing >= UNKNOWN_AFTER_HOURS else self.hours_below
        state = replace(self, last_at=ends_at, hours_missing=missing, hours_below=below)
        return state if value is None else _after(replace(state, hours_missing=0), ends_at, value)


def _after(state: ExceedanceState, ends_at: datetime, value: float) -> ExceedanceState:
    """The state after a known hour."""
    current = state.exceedance
    if current is None or current.closed_at is not None:
        if value < state.bound:
            return state
        return replace(state, exceedance=Exceedance(opened_at=ends_at, peak=value, peak_at=ends_at), hours_below=0)
    if value > current.peak:
        current = replace(current, peak=value, peak_at=ends_at)
    below = state.hours_below + 1 if value < state.clear_below else 0
    if below >= state.clear_hours:
        return replace(state, exceedance=replace(current, closed_at=ends_at), hours_below=0)
    return replace(state, exceedance=current, hours_below=below)


def watching(bound: float, *, clear_below: float | None = None, clear_hours: int = 3) -> ExceedanceState:
    """The state before the first hour. `clear_below` is nine tenths of the bound unless told."""
    return ExceedanceState(
        bound=bound, clear_below=0.9 * bound if clear_below is None else clear_below, clear_hours=clear_hours
    )
