"""What a bike share station is worth to somebody: silent or not, what may be taken there, how likely. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Want = Literal["bike", "ebike", "dock"]
WANTS: Final[tuple[Want, ...]] = ("bike", "ebike", "dock")
"""A bicycle of either kind, an electric one, a place to leave one."""
Chance = Literal["good", "fair", "poor", "unknown"]

DEMO_SYSTEM: Final = "demo"
"""Id of the system that the demo city makes up."""
ONE_LESS_EVERY_S: Final = 300.0
"""Assumed, not measured: of what a station showed one is gone for every five minutes since."""
GOOD_FROM: Final = 3.0
FAIR_FROM: Final = 1.0
FORESEEN_S: Final = 1_800.0
"""Assumed: what a station showed tells nothing of what it has longer than this after."""
AHEAD_S: Final = 300.0
"""How far the clock of a station may be ahead of ours; what is dated later than that is as good as silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationNow:
    """A station that is heard of, as it last reported itself.

    `bikes`: all that can be taken; `ebikes`: how many of them are electric, None where its system does not tell kinds.
    `docks`, `capacity`: None where not told. `age_s`: since `last_reported`. `made_up`: by the demo city.
    """

    system_id: str
    code: str
    name: str
    lat: float
    lon: float
    capacity: int | None
    bikes: int
    ebikes: int | None
    docks: int | None
    is_installed: bool
    is_renting: bool
    is_returning: bool
    last_reported: datetime
    age_s: int
    made_up: bool

    @property
    def id(self) -> str:
        """Name of the station among those of all systems."""
        return f"{self.system_id}:{self.code}"

    @property
    def ordinary_bikes(self) -> int | None:
        """How many bikes have no motor; None where kinds are not told."""
        return None if self.ebikes is None else max(0, self.bikes - self.ebikes)

    def count_of(self, want: Want) -> int | None:
        """How many of what is wanted it showed; None: it does not tell. 0 where it gives, or takes, nothing now."""
        if not self.is_installed or not (self.is_returning if want == "dock" else self.is_renting):
            return 0
        return {"bike": self.bikes, "ebike": self.ebikes, "dock": self.docks}[want]


def is_silent(age_s: float, *, silent_s: float) -> bool:
    """Whether a station that reported `age_s` ago counts as one that is not heard of."""
    return age_s > silent_s or age_s < -AHEAD_S


def chance_of(count: int | None, *, age_s: float) -> Chance:
    """How likely one is left of `count` that were shown `age_s` before somebody gets there: a rule of thumb.

    One is taken off for every `ONE_LESS_EVERY_S`; at least 3 left: good; at least 1: fair; else poor. Beyond
    `FORESEEN_S`: unknown.
    """
    if count is None or age_s > FORESEEN_S:
        return "unknown"
    left = count - max(0.0, age_s) / ONE_LESS_EVERY_S
    if left >= GOOD_FROM:
        return "good"
    return "fair" if left >= FAIR_FROM else "poor"
