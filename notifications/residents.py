"""Simulated residents for a rehearsal: spread as the population is, with synthetic wishes.

Where they live follows the legal population of the bundled communes. Everything else about them is made up: the shares
below are assumptions, and no resident's wishes were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Final

import numpy as np

from citizen_api.people.wishes import DEFAULT_PROFILE, QuietHours
from citizen_api.territory.sync import read_rows
from notifications.rehearsal import Group
from notifications.rehearsal_facts import ALERT, HAZARD, HIGH, LESSER
from notifications.rules import Watch, When

DEPARTEMENTS: Final = ("75", "92", "93", "94")
"""Paris and the départements around it."""
SYNTHETIC_QUIET: Final[Mapping[QuietHours | None, float]] = {
    QuietHours(time(22), time(7)): 0.70,
    QuietHours(time(23), time(6, 30)): 0.15,
    QuietHours(time(21), time(8)): 0.10,
    None: 0.05,
}
SYNTHETIC_LEVELS: Final[Mapping[int, float]] = {HIGH: 0.80, LESSER: 0.15, ALERT: 0.05}
SYNTHETIC_WORK_SHARE: Final = 0.4
"""Share who watch a second commune, where they work. It is drawn by population: no data about jobs is at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A commune or arrondissement where residents live."""

    code: str
    departement: str
    population: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticResidents:
    """Simulated residents by what they wish. `homes`: how many live in each département, `places` in how many communes.

    `with_work`: how many watch a second commune.
    """

    groups: Sequence[Group]
    homes: Mapping[str, int]
    places: int
    with_work: int

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(group.residents for group in self.groups)


def read_places() -> list[Place]:
    """The communes of `DEPARTEMENTS`, and the arrondissements instead of Paris, from the bundled territory."""
    rows = [row for row in read_rows("communes.csv.gz") if row["departement"] in DEPARTEMENTS and row["population"]]
    parents = {row["parent"] for row in rows}
    return [
        Place(code=row["code"], departement=row["departement"], population=int(row["population"]))
        for row in rows
        if row["code"] not in parents
    ]


def spread(count: int, populations: Sequence[int]) -> list[int]:
    """Share out `count` in proportion to `populations`, by the largest remainder; the first of equal ones gets it."""
    total = sum(populations)
    shares = [divmod(count * population, total) for population in populations]
    given = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(shares)), key=lambda number: -shares[number][1])
    for number in by_remainder[: count - sum(given)]:
        given[number] += 1
    return given


def make_synthetic_residents(
    count: int, *, places: Sequence[Place], today_share: float = 0.0, seed: int = 1
) -> SyntheticResidents:
    """Simulate `count` residents: homes in proportion to the population, wishes drawn with `seed`.

    `today_share`: share who wish to be told on the morning of the day, not the evening before.
    """
    populations = [place.population for place in places]
    spread_out = spread(count, populations)
    random = np.random.default_rng(seed)
    home = np.repeat(np.arange(len(places)), spread_out)
    quiet = random.choice(len(SYNTHETIC_QUIET), size=count, p=list(SYNTHETIC_QUIET.values()))
    level = random.choice(len(SYNTHETIC_LEVELS), size=count, p=list(SYNTHETIC_LEVELS.values()))
    today = random.random(count) < today_share
    work = random.choice(len(places), size=count, p=np.array(populations) / sum(populations))
    works = (random.random(count) < SYNTHETIC_WORK_SHARE) & (work != home)
    # One number for each combination of wishes.
    wishes = ((quiet * len(SYNTHETIC_LEVELS) + level) * 2 + today) * 2 + works
    _, examples, sizes = np.unique(wishes, return_index=True, return_counts=True)
    groups = []
    for example, size in zip(examples, sizes, strict=True):
        communes = [places[home[example]].code, *([places[work[example]].code] if works[example] else [])]
        when: When = "today" if today[example] else "evening_before"
        wished = list(SYNTHETIC_LEVELS)[level[example]]
        groups.append(
            Group(
                profile=replace(DEFAULT_PROFILE, quiet=list(SYNTHETIC_QUIET)[quiet[example]]),
                watches=tuple(Watch(commune=code, hazard=HAZARD, level=wished, when=when) for code in communes),
                residents=int(size),
            )
        )
    homes: dict[str, int] = {}
    for place, here in zip(places, spread_out, strict=True):
        homes[place.departement] = homes.get(place.departement, 0) + here
    return SyntheticResidents(
        groups=groups,
        homes=homes,
        places=sum(here > 0 for here in spread_out),
        with_work=int(np.count_nonzero(works)),
    )
