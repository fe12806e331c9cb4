"""Where the sentences of the card before a handoff were read: `teleconsult/card.yaml`, checked at its first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from content.words import ContentError, check_names, read_file

_FILE: Final = "teleconsult/card.yaml"
_OFFERS: Final = "offer_"
"""Labels that state no fact begin with this."""


@dataclass(frozen=True, slots=True)
class CardFact:
    """Where the fact of one sentence was read, and when that was last reviewed."""

    source_name: str
    source_url: str
    reviewed_on: date


@cache
def card_facts(folder: Path = Path(__file__).parent) -> Mapping[str, CardFact]:
    """Give the fact behind each sentence, by its label. Raises ContentError where one has no source or date."""
    raw = read_file(folder, _FILE)
    check_names(raw["facts"], [code for code in raw["labels"] if not code.startswith(_OFFERS)], f"{_FILE}: facts")
    return {code: _fact(entry, raw["sources"], f"{_FILE}: facts: {code}") for code, entry in raw["facts"].items()}


def _fact(entry: dict[str, Any], sources: dict[str, dict[str, str]], where: str) -> CardFact:
    source = sources.get(entry.get("source", ""))
    if source is None or not source.get("name") or not str(source.get("url")).startswith("https://"):
        raise ContentError(f"{where}: needs a source with a name and an https address")
    reviewed_on = entry.get("reviewed_on")
    if not isinstance(reviewed_on, date):
        raise ContentError(f"{where}: needs the date of its review (reviewed_on)")
    return CardFact(source["name"], source["url"], reviewed_on)
