"""What hazards, levels, pollutants, taxa, tiers and audiences are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from content.hazards import AUDIENCES, SCALES, TIERS
from content.words import ContentError, Words, check_names, read_template

POLLUTANTS: Final = ("pm25", "pm10", "no2", "o3", "so2", "no", "nox", "co")
TAXA: Final = ("alder", "birch", "olive", "grass", "mugwort", "ragweed")
"""Codes of the pollutants and taxa that the sources give, and that need a name."""
_FILE = "hazards.yaml"
_COLOUR = re.compile(r"#[0-9A-F]{6}")


@dataclass(frozen=True, slots=True)
class LevelNames:
    """What one level is called, alone ("poor") and in a sentence ("poor air"), and its colour (#RRGGBB)."""

    name: Words
    phrase: Words
    colour: str


@dataclass(frozen=True, slots=True)
class HazardNames:
    """What one hazard and each of its levels is called; `unknown` where no level is published, in a grey."""

    name: Words
    levels: Mapping[int, LevelNames]
    unknown: Words
    unknown_colour: str


@dataclass(frozen=True, slots=True)
class PollutantNames:
    """What one pollutant is called in full, and in short."""

    name: Words
    short: Words


@dataclass(frozen=True, slots=True)
class TierNames:
    """What one tier of an official episode is called, and how the episode is called in a title."""

    name: Words
    phrase: Words


@dataclass(frozen=True, slots=True)
class Names:
    """Every name, by its code."""

    hazards: Mapping[str, HazardNames]
    pollutants: Mapping[str, PollutantNames]
    taxa: Mapping[str, Words]
    tiers: Mapping[str, TierNames]
    audiences: Mapping[str, Words]

    def cause(self, code: str) -> Words:
        """Give the short name of what makes a level: a pollutant of the air, or a taxon of pollen."""
        pollutant = self.pollutants.get(code)
        return self.taxa[code] if pollutant is None else pollutant.short


def read_names(raw: Any) -> Names:
    """Check `hazards.yaml`: every hazard with every level of its scale, pollutant, taxon, tier and audience."""
    check_names(raw["hazards"], SCALES, f"{_FILE}: hazards")
    check_names(raw["pollutants"], POLLUTANTS, f"{_FILE}: pollutants")
    check_names(raw["taxa"], TAXA, f"{_FILE}: taxa")
    check_names(raw["tiers"], TIERS, f"{_FILE}: tiers")
    check_names(raw["audiences"], AUDIENCES, f"{_FILE}: audiences")
    return Names(
        hazards={hazard: _hazard(hazard, entry, raw["unknown_colour"]) for hazard, entry in raw["hazards"].items()},
        pollutants={
            code: PollutantNames(
                name=read_template(entry.get("name"), f"{_FILE}: pollutants: {code}: name"),
                short=read_template(entry.get("short"), f"{_FILE}: pollutants: {code}: short"),
            )
            for code, entry in raw["pollutants"].items()
        },
        taxa={code: read_template(entry, f"{_FILE}: taxa: {code}") for code, entry in raw["taxa"].items()},
        tiers={
            tier: TierNames(
                name=read_template(entry.get("name"), f"{_FILE}: tiers: {tier}: name"),
                phrase=read_template(entry.get("phrase"), f"{_FILE}: tiers: {tier}: phrase"),
            )
            for tier, entry in raw["tiers"].items()
        },
        audiences={
            code: read_template(entry, f"{_FILE}: audiences: {code}") for code, entry in raw["audiences"].items()
        },
    )


def _hazard(hazard: str, entry: dict[str, Any], unknown_colour: str) -> HazardNames:
    where = f"{_FILE}: {hazard}"
    check_names(entry["levels"], SCALES[hazard].levels, f"{where}: levels")
    return HazardNames(
        name=read_template(entry.get("name"), f"{where}: name"),
        levels={
            level: LevelNames(
                name=read_template(said.get("name"), f"{where}: level {level}: name"),
                phrase=read_template(said.get("phrase"), f"{where}: level {level}: phrase"),
                colour=_colour(said.get("colour"), f"{where}: level {level}"),
            )
            for level, said in entry["levels"].items()
        },
        unknown=read_template(entry.get("unknown"), f"{where}: unknown"),
        unknown_colour=_colour(unknown_colour, f"{_FILE}: unknown_colour"),
    )


def _colour(raw: Any, where: str) -> str:
    if not isinstance(raw, str) or not _COLOUR.fullmatch(raw):
        raise ContentError(f"{where}: needs a colour like #50F0E6")
    return raw
