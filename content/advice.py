"""What to do, by hazard, level and audience: read from `advice/` and checked when the product starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from content.hazards import AUDIENCES, SCALES
from content.words import ContentError, Words, check_names, read_short, read_source

SHORT_MOST: Final = 140
LONG_MOST: Final = 600
EASY_MOST: Final = 100
"""Characters, in each language: of a line on a card, of a paragraph, of an easy-read sentence."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do: in a line, in a paragraph, and for easy reading; where its fact was read and when it was reviewed."""

    short: Words
    long: Words
    easy: Words
    source_name: str
    source_url: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class AdviceBook:
    """Every piece of advice."""

    by_key: Mapping[tuple[str, int, str], Advice]

    def find(self, hazard: str, level: int, audience: str) -> Advice:
        """Give the advice for a level of a watched hazard. Raises KeyError outside its scale."""
        return self.by_key[hazard, level, audience]

    def texts(self) -> Iterator[tuple[str, Words]]:
        """Give each text once, with its place: levels of one band share theirs."""
        seen: set[int] = set()
        for (hazard, level, audience), advice in self.by_key.items():
            if id(advice) not in seen:
                seen.add(id(advice))
                where = f"advice/{hazard}.yaml: level {level}: {audience}"
                yield from ((f"{where}: {name}", getattr(advice, name)) for name in ("short", "long", "easy"))


def read_advice(files: Mapping[str, Any]) -> AdviceBook:
    """Check the files, by hazard: every level of the scale exactly once, and for each every audience."""
    by_key: dict[tuple[str, int, str], Advice] = {}
    for hazard, raw in files.items():
        where = f"advice/{hazard}.yaml"
        for levels, band in read_bands(raw["advice"], hazard, where):
            at = f"{where}: levels {levels}"
            check_names(band, ("levels", *AUDIENCES), at)
            for audience in AUDIENCES:
                advice = _advice(band[audience], raw["sources"], f"{at}: {audience}")
                by_key.update({(hazard, level, audience): advice for level in levels})
    return AdviceBook(by_key)


def read_bands(raw: list[dict[str, Any]], hazard: str, where: str) -> list[tuple[list[int], dict[str, Any]]]:
    """Give each band with its levels. Together they are the scale of the hazard, each level exactly once."""
    bands = [(list(band["levels"]), band) for band in raw]
    listed = [level for levels, _ in bands for level in levels]
    for level in SCALES[hazard].levels:
        if listed.count(level) != 1:
            raise ContentError(f"{where}: level {level} stands in {listed.count(level)} bands instead of one")
    if extra := set(listed) - set(SCALES[hazard].levels):
        raise ContentError(f"{where}: level {min(extra)} is not on the scale")
    return bands


def _advice(entry: dict[str, Any], sources: dict[str, dict[str, str]], where: str) -> Advice:
    source = read_source(entry, sources, where)
    return Advice(
        short=read_short(entry.get("short"), f"{where}: short", SHORT_MOST),
        long=read_short(entry.get("long"), f"{where}: long", LONG_MOST),
        easy=read_short(entry.get("easy"), f"{where}: easy", EASY_MOST),
        source_name=source.name,
        source_url=source.url,
        reviewed_on=source.reviewed_on,
    )
