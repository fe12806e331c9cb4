"""What stands on the card that is shown before a handoff: the same for everybody, so that nobody needs to be asked.

A specialty only decides which signs come first; every sign stands on every card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from citizen_api.sources.slot_records import Modality
from content.catalogue import LANGUAGES, catalogue

SUBJECT: Final = "card"
"""Whose labels these are (`content/teleconsult/card.yaml`)."""
Network = Literal["good", "weak", "none"]
GOOD: Final[Network] = "good"
NETWORKS: Final[tuple[Network, ...]] = (GOOD, "weak", "none")
USUAL: Final[Modality] = "video"
"""Whose card is shown where no modality is said: the one that says the most."""
SIGNS: Final = (
    "chest_pain",
    "breathing",
    "stroke",
    "bleeding",
    "unconscious",
    "seizure",
    "allergy",
    "infant_fever",
    "child",
    "suicidal",
    "doubt",
)
_FIRST: Final[Mapping[str, tuple[str, ...]]] = {
    "paediatrics": ("infant_fever", "child"),
    "psychiatry": ("suicidal",),
    "psychology": ("suicidal",),
    "neurology": ("stroke", "seizure"),
    "pulmonology": ("breathing",),
    "allergology": ("allergy", "breathing"),
}
"""Signs that come first where somebody looks for a specialty."""
_LIMITS: Final = ("examine", "emergency", "sick_leave", "medicines", "reimbursement", "phone")
_PAPERS: Final = ("carte_vitale", "mutuelle", "prescriptions", "test_results")
_OFFERS: Final = ("assisted", "phone")
_VERSION_LENGTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What stands on a card, by codes. `have_ready`: of `provider_rules.HAVE_READY`. `offers`: instead of a video."""

    signs: tuple[str, ...]
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...]
    have_ready: tuple[str, ...]
    offers: tuple[str, ...] = ()


def card_for(*, specialty: str | None, modality: Modality | None, network: Network) -> Card:
    """Give the card of a modality: a short one in person, where there is nothing to explain.

    `network`: of the resident's phone, as the client sees it; it counts only for a video on that phone.
    """
    first = _FIRST.get(specialty or "", ())
    signs = (*first, *(sign for sign in SIGNS if sign not in first))
    match modality or USUAL:
        case "video":
            return Card(
                signs=signs,
                can=("talk", "prescribe"),
                cannot=_LIMITS,
                have_ready=(*_PAPERS, "payment_card", "phone_number", "camera", "quiet_place"),
                offers=() if network == GOOD else _OFFERS,
            )
        case "assisted":
            return Card(
                signs=signs,
                can=("talk", "prescribe", "measure", "be_helped"),
                cannot=_LIMITS,
                have_ready=(*_PAPERS, "payment_card", "phone_number"),
            )
        case _:
            return Card(signs=signs, cannot=("emergency",), have_ready=_PAPERS)


@cache
def card_version() -> str:
    """Name the words of the card: a digest of them in every language. Other words have to be shown again."""
    words = catalogue().booking[SUBJECT]
    said = "\0".join(f"{code}\0{words[code].say(language)}" for code in sorted(words) for language in LANGUAGES)
    return hashlib.blake2b(said.encode()).hexdigest()[:_VERSION_LENGTH]
