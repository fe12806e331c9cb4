"""Formulas of moving, breathing and burning: each one function, with its source and unit. Pure.

What they can and cannot tell is said in `docs/health-model.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Final, Literal, TypeVar

from citizen_api.mobility.network import FloatArray, GraphName

ModeName = Literal["walk", "bike", "ebike"]
_Number = TypeVar("_Number", float, FloatArray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Co2e:
    """Grams of CO2 equivalent for a kilometre: of using a thing, and of making it."""

    use_g_km: float
    making_g_km: float

    @property
    def g_km(self) -> float:
        """Both together."""
        return self.use_g_km + self.making_g_km


CO2E: Final[Mapping[str, Co2e]] = {
    "thermal_car": Co2e(use_g_km=110.6, making_g_km=31.7),
    "electric_car": Co2e(use_g_km=12.1, making_g_km=55.3),
    "thermal_bus": Co2e(use_g_km=113.5, making_g_km=8.9),
    "metro": Co2e(use_g_km=4.2, making_g_km=0.2),
    "tram": Co2e(use_g_km=3.8, making_g_km=0.5),
    "rer": Co2e(use_g_km=6.6, making_g_km=3.2),
    "walk": Co2e(use_g_km=0.0, making_g_km=0.0),
    "bike": Co2e(use_g_km=0.0, making_g_km=0.2),
    "ebike": Co2e(use_g_km=2.2, making_g_km=8.7),
    "escooter": Co2e(use_g_km=2.0, making_g_km=22.9),
}
"""ADEME, Impact CO2, as of July 2026; on foot nothing is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breath:
    """How somebody under way breathes. `per`: the air met against the background; `vr_m3_h`: the air breathed."""

    per: float
    vr_m3_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode(Breath):
    """A way of moving. `met`: of the 2024 Compendium; `met_least`: with all the help that a motor gives.

    `pace`: time against that of an adult on foot, or on an ordinary bicycle (the arcs' `time_s`). `rr`: relative risk
    of dying at 11.25 MET-hours a week of this activity (in Tainio 2016).
    """

    name: ModeName
    graph: GraphName
    met: float
    met_least: float
    pace: float
    rr: float

    @property
    def co2e_g_km(self) -> float:
        """Of using and making what one rides."""
        return CO2E[self.name].g_km


SLEEP_M3_H: Final = 0.27
REST_M3_H: Final = 0.609
MODES: Final[Mapping[ModeName, Mode]] = {
    "walk": Mode(name="walk", graph="walk", per=1.1, vr_m3_h=1.37, met=3.5, met_least=3.5, pace=1.0, rr=0.90),
    "bike": Mode(name="bike", graph="bike", per=2.0, vr_m3_h=2.55, met=6.8, met_least=6.8, pace=1.0, rr=0.87),
    # How much its motor helps is not known: light help is 6.0 MET, much of it 4.0. Nobody has measured PER and VR for
    # it in these sources: those of a bicycle tell too much rather than too little.
    "ebike": Mode(name="ebike", graph="bike", per=2.0, vr_m3_h=2.55, met=6.0, met_least=4.0, pace=15 / 19, rr=0.87),
}
"""PER and VR: Tainio 2016."""
VEHICLES: Final[Mapping[str, Breath]] = {
    "car": Breath(per=2.5, vr_m3_h=REST_M3_H),
    "bus": Breath(per=1.9, vr_m3_h=REST_M3_H),
}
"""Sitting at rest; PER: Tainio 2016."""
WALK_SPEED_M_S: Final = 4.8 / 3.6
BIKE_SPEED_M_S: Final = 15 / 3.6
PUSH_SPEED_M_S: Final = 4.0 / 3.6
DETOUR: Final = 1.3
"""Length of a way against the straight line, where the streets are not known, and from a door to its street."""

HOT_HOURS: Final[Mapping[int, tuple[int, int]]] = {3: (11, 21), 4: (10, 24)}
"""Hours of the local clock that are hot under an orange warning (Santé publique France), and under a red one."""
REFERENCES_UG_M3: Final[Mapping[str, float]] = {"no2": 25.0, "pm25": 15.0, "pm10": 45.0, "o3": 100.0}
"""WHO 2021 guideline values of a day (24 h; of ozone the highest mean of 8 h)."""

ADULT_KG: Final = (60.0, 80.0)
"""Whose energy is told: nobody's weight is asked for."""
WEEK_MINUTES: Final = 150.0
"""WHO 2020: at least so many minutes of moderate activity a week; those of vigorous activity count twice."""
VIGOROUS_MET: Final = 6.0
"""WHO 2020: from here on an activity is vigorous."""

DAY_H: Final = 24.0
SLEEP_H: Final = 8.0
RR_PER_10_UG_M3: Final = 1.07
"""Relative risk of dying for 10 ug/m3 more PM2.5 (in Tainio 2016)."""
MET_H_A_WEEK: Final = 11.25
"""At which `Mode.rr` holds: 150 minutes of 4.5 MET."""
SHORTEST_H: Final = 10 / 60
"""Less time outside than this is not worth a proposal."""
Advice = Literal["encourage", "shorter", "indoors"]


def dose_ug(concentration_ug_m3: _Number, *, mode: Breath, hours: _Number) -> _Number:
    """What is breathed in: C x PER x VR x h, in ug (Tainio 2016)."""
    return concentration_ug_m3 * mode.per * mode.vr_m3_h * hours


def air_price(concentration_ug_m3: _Number, *, pollutant: str, mode: Breath, weight: float) -> _Number:
    """What the air adds to each second: lambda x PER x VR x C/Cref, without unit; `weight` is lambda.

    Ours, in the family of Green Paths (Helsinki: length x (1 + (aqi - 1)/4 x s)), on time instead of length.
    """
    return weight * mode.per * mode.vr_m3_h * concentration_ug_m3 / REFERENCES_UG_M3[pollutant]


def exposure_cost_s(time_s: float, concentration_ug_m3: float, *, pollutant: str, mode: Breath, weight: float) -> float:
    """What a street costs, in seconds as they are felt: t x (1 + lambda x PER x VR x C/Cref)."""
    return time_s * (1 + air_price(concentration_ug_m3, pollutant=pollutant, mode=mode, weight=weight))


def met_minutes(mode: Mode, *, minutes: float) -> float:
    """MET x minutes (2024 Compendium), at least: a motor is taken to help as much as it can."""
    return mode.met_least * minutes


def kcal_range(mode: Mode, *, hours: float) -> tuple[float, float]:
    """MET x kg x h for the lightest and the heaviest of ADULT_KG, rest included (2024 Compendium)."""
    lightest, heaviest = ADULT_KG
    return mode.met_least * lightest * hours, mode.met * heaviest * hours


def is_vigorous(mode: Mode) -> bool:
    """Whether an activity is vigorous: from 6 MET on, whatever a motor does (WHO 2020)."""
    return mode.met_least >= VIGOROUS_MET


def week_share(mode: Mode, *, minutes: float) -> float:
    """Share of a week's 150 moderate minutes, those of a vigorous activity counting twice (WHO 2020); 1 is all."""
    return minutes * (2 if is_vigorous(mode) else 1) / WEEK_MINUTES


def co2e_saved_g(mode: Mode, *, distance_m: float) -> float:
    """Grams of CO2e less than by a thermal car over the same distance, use and making (ADEME)."""
    return (CO2E["thermal_car"].g_km - mode.co2e_g_km) * distance_m / 1_000


def week_dose_ug(concentration_ug_m3: float) -> float:
    """D0: PM2.5 breathed in a week without the activity: 8 h of sleep and 16 h of rest a day (Tainio 2016)."""
    return concentration_ug_m3 * 7 * (SLEEP_M3_H * SLEEP_H + REST_M3_H * (DAY_H - SLEEP_H))


def active_week_dose_ug(concentration_ug_m3: float, *, mode: Mode, hours: float) -> float:
    """D1: the same with `hours` of the activity every day in place of rest (Tainio 2016)."""
    rest = REST_M3_H * (DAY_H - SLEEP_H - hours)
    return concentration_ug_m3 * 7 * (SLEEP_M3_H * SLEEP_H + rest + mode.vr_m3_h * mode.per * hours)


def equivalent_change_ug_m3(concentration_ug_m3: float, *, mode: Mode, hours: float) -> float:
    """C x (D1/D0 - 1): how much dirtier air at rest would be the same dose (Tainio 2016)."""
    if not concentration_ug_m3:
        return 0.0
    active = active_week_dose_ug(concentration_ug_m3, mode=mode, hours=hours)
    return concentration_ug_m3 * (active / week_dose_ug(concentration_ug_m3) - 1)


def air_risk(change_ug_m3: float) -> float:
    """Relative risk of dying of so much more PM2.5: 1.07^(dC/10) (Tainio 2016)."""
    return float(RR_PER_10_UG_M3 ** (change_ug_m3 / 10))


def activity_risk(mode: Mode, *, hours: float) -> float:
    """Relative risk of dying with `hours` of the activity every day: RR0^sqrt(MET x 7h/11.25) (Tainio 2016)."""
    return float(mode.rr ** sqrt(mode.met_least * 7 * hours / MET_H_A_WEEK))


def total_risk(concentration_ug_m3: float, *, mode: Mode, hours: float) -> float:
    """Both together, against staying at rest; below 1 moving wins (Tainio 2016). No resident sees it."""
    change = equivalent_change_ug_m3(concentration_ug_m3, mode=mode, hours=hours)
    return air_risk(change) * activity_risk(mode, hours=hours)


def tipping_point_h(concentration_ug_m3: float, *, mode: Mode) -> float:
    """Hours a day at which `total_risk` is lowest, after which one minute more adds risk; inf in clean air.

    Tainio 2016's tipping point, solved: the logarithm of the total is a x h - b x sqrt(h), lowest at (b/2a)^2. It is
    back at that of rest, the break-even point, at (b/a)^2: four times as long.
    """
    a = log(air_risk(equivalent_change_ug_m3(concentration_ug_m3, mode=mode, hours=1)))
    b = -log(activity_risk(mode, hours=1))
    return (b / (2 * a)) ** 2 if a > 0 else inf


def moving_wins(concentration_pm25_ug_m3: float, *, mode: Mode, hours: float) -> Advice:
    """Whether moving for `hours` in such air still wins, or what to offer instead.

    "encourage" up to the tipping point; beyond it "shorter", an activity that ends there; "indoors" when that is not
    even SHORTEST_H away. Of the two limits of Tainio 2016 this is the stricter: between it and the break-even point
    moving still wins over resting, but a shorter way wins more.
    """
    limit_h = tipping_point_h(concentration_pm25_ug_m3, mode=mode)
    if hours <= limit_h:
        return "encourage"
    return "shorter" if limit_h >= SHORTEST_H else "indoors"
