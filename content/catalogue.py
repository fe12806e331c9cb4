"""Loads the words and checks them when the product starts: a missing language or placeholder refuses to start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from content.advice import AdviceBook, read_advice
from content.card import read_card_facts
from content.hazards import WATCHED
from content.names import Names, read_names
from content.outcomes import OutcomeWords, read_outcomes
from content.push import PushBook, read_push, read_reasons
from content.rehearsal import read_rehearsal
from content.subjects import BOOKING, MOVING, read_subjects
from content.words import (
    LANGUAGES,
    ContentError,
    Source,
    Words,
    check_names,
    check_said_once,
    placeholders,
    read_file,
    read_template,
    read_words,
)

__all__ = ("LANGUAGES", "Catalogue", "ContentError", "Words", "catalogue", "load_catalogue", "read_words")

_FOLDER = Path(__file__).parent
_WITH_NOTICES: Final = ("air.yaml", "care.yaml", "hazards.yaml", "territory.yaml")
AIR_LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "now": (),
    "today": (),
    "tomorrow": (),
    "air_of": ("moment",),
    "hours": ("pollutant",),
    "hours_of_means": ("pollutant",),
    "episode": ("pollutant", "day", "tier"),
    "mostly": ("pollutant",),
    "near": ("distance", "influence"),
    "in_the_city": (),
    "background": (),
    "traffic": (),
    "industrial": (),
    "station": (),
    "source": ("source", "age"),
    "minutes": ("count",),
    "hours_ago": ("count",),
    "days_ago": ("count",),
    "just_now": (),
}
"""Short words beside the air, each with the placeholders that it needs."""


@dataclass(frozen=True, slots=True)
class ProblemWords:
    """What a problem is called and what its reader can do."""

    title: Words
    detail: Words


@dataclass(frozen=True, slots=True)
class EmergencyNumber:
    """A number to call (or write to) and what it is for.

    `tel` is what a phone dials. `everywhere`: one for the whole country, to stand beside every answer.
    """

    number: str
    tel: str
    name: Words
    text: Words
    channel: str
    source: str
    checked_on: str
    everywhere: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every word of the product."""

    problems: Mapping[str, ProblemWords]
    validation: tuple[tuple[re.Pattern[str], Words], ...]
    notices: Mapping[str, Words]
    reasons: Mapping[str, Words]
    emergency: tuple[EmergencyNumber, ...]
    air: Mapping[str, Words]
    names: Names
    advice: AdviceBook
    push: PushBook
    why: Mapping[str, Words]
    """Why a device is told or not, by the reason of a decision."""
    outcomes: Mapping[str, OutcomeWords]
    """What became of a message, by its category in the wave ledger."""
    moving: Mapping[str, Mapping[str, Words]]
    """Labels about moving, by subject (a file of `mobility/`) and code."""
    booking: Mapping[str, Mapping[str, Words]]
    """Labels about appointments, by subject (a file of `teleconsult/`) and code."""
    card_facts: Mapping[str, Source]
    """Where the fact of each sentence of the card before a handoff was read, by its label."""

    def validation_message(self, message: str, language: str) -> str:
        """Say a message of the validation library in plain words; one it does not know stays as it is."""
        for pattern, words in self.validation:
            if found := pattern.fullmatch(message):
                return words.by_language[language].format(*found.groups())
        return message


def _validation(entry: dict[str, Any]) -> tuple[re.Pattern[str], Words]:
    """Check what is said instead of a message of the validation library: each {0} has its group."""
    where = f"problems.yaml: validation: {entry['match']}"
    pattern = re.compile(entry["match"])
    words = read_words({language: entry.get(language) for language in LANGUAGES}, where)
    if placeholders(words.by_language[LANGUAGES[0]]) - {str(group) for group in range(pattern.groups)}:
        raise ContentError(f"{where}: a placeholder has no group in the pattern")
    return pattern, words


def load_catalogue(folder: Path = _FOLDER) -> Catalogue:
    """Read and check every file. Raises ContentError."""
    try:
        return _load(folder)
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise ContentError(f"the words in {folder.name}/ are not in the expected form: {error!r}") from error


def _load(folder: Path) -> Catalogue:
    problems = read_file(folder, "problems.yaml")
    care = read_file(folder, "care.yaml")
    air = read_file(folder, "air.yaml")
    names = read_names(read_file(folder, "hazards.yaml"))
    advice = read_advice({hazard: read_file(folder, f"advice/{hazard}.yaml") for hazard in WATCHED})
    push = read_push(
        {hazard: read_file(folder, f"push/{hazard}.yaml") for hazard in WATCHED},
        read_file(folder, "push/messages.yaml"),
        names,
    )
    read_rehearsal(read_file(folder, "rehearsal.yaml"))
    moving_notices, moving = read_subjects(folder, "mobility", MOVING)
    booking_notices, booking = read_subjects(folder, "teleconsult", BOOKING)
    check_said_once([*advice.texts(), *push.texts()])
    return Catalogue(
        problems={
            name: ProblemWords(
                title=read_words(entry.get("title"), f"problems.yaml: {name}: title"),
                detail=read_words(entry.get("detail"), f"problems.yaml: {name}: detail"),
            )
            for name, entry in problems["problems"].items()
        },
        validation=tuple(_validation(entry) for entry in problems["validation"]),
        notices={
            code: read_words(raw, f"{name}: notices: {code}")
            for name in _WITH_NOTICES
            for code, raw in read_file(folder, name)["notices"].items()
        }
        | moving_notices
        | booking_notices,
        reasons={code: read_words(raw, f"care.yaml: reasons: {code}") for code, raw in care["reasons"].items()},
        emergency=tuple(_read_emergency(entry) for entry in care["emergency"]),
        air=_labels(air["labels"]),
        names=names,
        advice=advice,
        push=push,
        why=read_reasons(read_file(folder, "push/reasons.yaml")),
        outcomes=read_outcomes(read_file(folder, "push/outcomes.yaml")),
        moving=moving,
        booking=booking,
        card_facts=read_card_facts(folder),
    )


def _labels(raw: dict[str, Any]) -> dict[str, Words]:
    check_names(raw, AIR_LABELS, "air.yaml: labels")
    return {
        name: read_template(raw[name], f"air.yaml: labels: {name}", needed=needed)
        for name, needed in AIR_LABELS.items()
    }


def _read_emergency(entry: dict[str, Any]) -> EmergencyNumber:
    where = f"care.yaml: emergency: {entry.get('number')}"
    try:
        return EmergencyNumber(
            number=str(entry["number"]),
            tel=str(entry["tel"]),
            name=read_words(entry["name"], f"{where}: name"),
            text=read_words(entry["text"], f"{where}: text"),
            channel=entry["channel"],
            source=entry["source"],
            checked_on=str(entry["checked_on"]),
            everywhere=bool(entry.get("everywhere", True)),
        )
    except KeyError as error:
        raise ContentError(f"{where}: lacks {error}") from error


@cache
def catalogue() -> Catalogue:
    """The product's words, read once."""
    return load_catalogue()
