"""Where the sentences of the card before a handoff were read: `teleconsult/card.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from content.words import Source, check_names, read_file, read_source

_FILE: Final = "teleconsult/card.yaml"
_OFFERS: Final = "offer_"
"""Labels that state no fact begin with this."""


def read_card_facts(folder: Path) -> Mapping[str, Source]:
    """Read the source of the fact behind each sentence, by its label. Raises ContentError where one has none."""
    raw = read_file(folder, _FILE)
    check_names(raw["facts"], [code for code in raw["labels"] if not code.startswith(_OFFERS)], f"{_FILE}: facts")
    return {code: read_source(entry, raw["sources"], f"{_FILE}: facts: {code}") for code, entry in raw["facts"].items()}
