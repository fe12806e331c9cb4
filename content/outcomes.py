"""What became of a message, in words: read from `push/outcomes.yaml` and checked when the product starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from content.words import Words, check_names, read_template

OUTCOMES: Final = (
    "no_consent",
    "no_registration",
    "capped",
    "quiet_dropped",
    "held",
    "pending",
    "accepted",
    "dead",
    "expired",
    "stopped",
    "uncertain",
    "erased",
)
"""Everything that may become of a message: `notifications.ledger.CATEGORIES`."""
_FILE = "push/outcomes.yaml"


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """What became of one message: said to its resident, and what it means of everybody in a wave, said to staff."""

    to_resident: Words
    meaning: Words


def read_outcomes(raw: Any) -> Mapping[str, OutcomeWords]:
    """Check `push/outcomes.yaml`: exactly the OUTCOMES, in both of its sections."""
    for section in ("outcomes", "meanings"):
        check_names(raw[section], OUTCOMES, f"{_FILE}: {section}")
    return {
        code: OutcomeWords(
            to_resident=read_template(raw["outcomes"][code], f"{_FILE}: outcomes: {code}"),
            meaning=read_template(raw["meanings"][code], f"{_FILE}: meanings: {code}"),
        )
        for code in OUTCOMES
    }
