"""Loads the words and checks them when the product starts: a missing language or placeholder refuses to start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Final

import yaml

LANGUAGES: Final = ("fr", "en")
_FOLDER = Path(__file__).parent


class ContentError(ValueError):
    """The words are incomplete; the message says where, in one line."""


@dataclass(frozen=True, slots=True)
class Words:
    """One text in every language, with the same placeholders in each."""

    by_language: Mapping[str, str]

    def say(self, language: str, **values: object) -> str:
        """Give the text in `language`, its placeholders filled."""
        return self.by_language[language].format_map(values) if values else self.by_language[language]

    def outline(self, language: str) -> str:
        """Give the text in `language`, with a mark where each placeholder will be filled."""
        text = self.by_language[language]
        return text.format_map(dict.fromkeys(_placeholders(text), "…"))


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

    def validation_message(self, message: str, language: str) -> str:
        """Say a message of the validation library in plain words; one it does not know stays as it is."""
        for pattern, words in self.validation:
            if found := pattern.fullmatch(message):
                return words.by_language[language].format(*found.groups())
        return message


def read_words(raw: Any, where: str) -> Words:
    """Check one text: every language present, not empty, the same placeholders in each."""
    if not isinstance(raw, dict) or set(raw) != set(LANGUAGES):
        raise ContentError(f"{where}: needs exactly the languages {', '.join(LANGUAGES)}")
    texts = {language: str(raw[language] or "").strip() for language in LANGUAGES}
    for language, text in texts.items():
        if not text:
            raise ContentError(f"{where}: empty in {language}")
    try:
        placeholders = {frozenset(_placeholders(text)) for text in texts.values()}
    except ValueError as error:
        raise ContentError(f"{where}: {error}") from error
    if len(placeholders) > 1:
        raise ContentError(f"{where}: the languages have different placeholders")
    return Words(texts | {"fr": _with_french_spaces(texts["fr"])})


def _with_french_spaces(text: str) -> str:
    """Keep « and » and the double signs with their word, as French typography has it, so that no line ends there."""
    return re.sub(r" (?=[?!:;»])|(?<=«) ", "\N{NO-BREAK SPACE}", text)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _validation(entry: dict[str, Any]) -> tuple[re.Pattern[str], Words]:
    """Check what is said instead of a message of the validation library: each {0} has its group."""
    where = f"problems.yaml: validation: {entry['match']}"
    pattern = re.compile(entry["match"])
    words = read_words({language: entry.get(language) for language in LANGUAGES}, where)
    if _placeholders(words.by_language[LANGUAGES[0]]) - {str(group) for group in range(pattern.groups)}:
        raise ContentError(f"{where}: a placeholder has no group in the pattern")
    return pattern, words


def _read_file(folder: Path, name: str) -> Any:
    try:
        with (folder / name).open(encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ContentError(f"{name}: cannot be read ({' '.join(str(error).split())})") from error


def load_catalogue(folder: Path = _FOLDER) -> Catalogue:
    """Read and check every file. Raises ContentError."""
    try:
        return _load(folder)
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise ContentError(f"the words in {folder.name}/ are not in the expected form: {error!r}") from error


def _load(folder: Path) -> Catalogue:
    problems = _read_file(folder, "problems.yaml")
    care = _read_file(folder, "care.yaml")
    territory = _read_file(folder, "territory.yaml")
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
            for name, file in (("care.yaml", care), ("territory.yaml", territory))
            for code, raw in file["notices"].items()
        },
        reasons={code: read_words(raw, f"care.yaml: reasons: {code}") for code, raw in care["reasons"].items()},
        emergency=tuple(_read_emergency(entry) for entry in care["emergency"]),
    )


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
