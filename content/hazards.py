"""The scale of each hazard: the one table of levels that facts, wishes, advice and decisions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TIERS: Final = ("information", "alert")
"""Tiers of an official episode, the lesser first: information and recommendation, alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Whole levels from `least` to `most`, both included; a higher one is worse.

    `raised_to`: the level to which an episode of a tier raises the hazard, at least (see `raised`).
    """

    hazard: str
    least: int
    most: int
    raised_to: Mapping[str, int] = field(default_factory=dict)

    @property
    def levels(self) -> range:
        """Every level."""
        return range(self.least, self.most + 1)

    def raised(self, level: int | None, tier: str | None) -> int | None:
        """Level of a hazard whose index is `level` (None: unknown) while an episode of `tier` (None: none) is open."""
        least = self.raised_to.get(tier or "")
        if least is None:
            return level
        return least if level is None else max(level, least)


SCALES: Final[Mapping[str, Scale]] = {
    scale.hazard: scale
    for scale in (
        # ATMO index. An information threshold lies in its class 4 (O3 180, NO2 200 and SO2 300 ug/m3, PM10 50 at its
        # lower bound), an alert threshold in its class 5 or at its edge (O3 240; SO2 500): arrêté du 10 juillet 2020.
        Scale(hazard="air", least=1, most=6, raised_to={"information": 4, "alert": 5}),
        # Pollen index of Atmo France; its own alert flag is raised from class 4 (red) on.
        Scale(hazard="pollen", least=0, most=6, raised_to={"alert": 4}),
        # Colours of Météo-France's vigilance: green, yellow, orange, red.
        Scale(hazard="heat", least=1, most=4),
        # Global solar UV index (WHO 2002); 11 stands for 11 and more.
        Scale(hazard="uv", least=0, most=11),
        Scale(hazard="cold", least=1, most=4),
        Scale(hazard="storms", least=1, most=4),
    )
}
WATCHED: Final = ("air", "pollen", "heat", "uv")
"""Hazards that a resident may watch, and for which there is advice. The first goes first in a message."""
AUDIENCES: Final = (
    "everyone",
    "sensitive_to_air",
    "young_children",
    "exercising_outdoors",
    "working_outdoors",
    "pregnant",
    "older_people",
)
