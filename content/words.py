"""One text in every language: reading it, checking it, saying it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any, Final

import yaml

LANGUAGES: Final = ("fr", "en")
_JOINED_SPACE: Final = re.compile(r" (?=[?!:;»])|(?<=«) |(?<=[\d}]) (?=(?:%|°C|h\b|min\b))|(?<=\d) (?=\d)")
"""A space of French at which no line may end; a placeholder before a unit stands for a number."""


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
        return text.format_map(dict.fromkeys(placeholders(text), "…"))


def read_words(raw: Any, where: str) -> Words:
    """Check one text: every language present, not empty, the same placeholders in each."""
    if not isinstance(raw, dict) or set(raw) != set(LANGUAGES):
        raise ContentError(f"{where}: needs exactly the languages {', '.join(LANGUAGES)}")
    texts = {language: str(raw[language] or "").strip() for language in LANGUAGES}
    for language, text in texts.items():
        if not text:
            raise ContentError(f"{where}: empty in {language}")
    try:
        found = {frozenset(placeholders(text)) for text in texts.values()}
    except ValueError as error:
        raise ContentError(f"{where}: {error}") from error
    if len(found) > 1:
        raise ContentError(f"{where}: the languages have different placeholders")
    return Words(texts | {"fr": _with_french_spaces(texts["fr"])})


def read_template(raw: Any, where: str, allowed: Iterable[str] = (), *, needed: Iterable[str] = ()) -> Words:
    """Check one text that must hold the placeholders `needed`, and beside them only those `allowed`."""
    words = read_words(raw, where)
    found = placeholders(words.by_language[LANGUAGES[0]])
    if unknown := found - {*allowed, *needed}:
        raise ContentError(f"{where}: {{{min(unknown)}}} is no placeholder here")
    if missing := set(needed) - found:
        raise ContentError(f"{where}: lacks {{{min(missing)}}}")
    return words


def read_short(raw: Any, where: str, most: int) -> Words:
    """Check one text without a placeholder, of `most` characters in each language."""
    words = read_template(raw, where)
    for language, text in words.by_language.items():
        if len(text) > most:
            raise ContentError(f"{where}: {len(text)} characters in {language}, at most {most}")
    return words


def read_file(folder: Path, name: str) -> Any:
    """Read a YAML file of words."""
    try:
        with (folder / name).open(encoding="utf-8") as file:
            return yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ContentError(f"{name}: cannot be read ({' '.join(str(error).split())})") from error


def check_names(raw: Mapping[Any, Any], wanted: Iterable[Any], where: str) -> None:
    """Check that the keys of `raw` are those `wanted`: none missing, none too many."""
    for name in wanted:
        if name not in raw:
            raise ContentError(f"{where}: lacks {name}")
    if extra := set(raw) - set(wanted):
        raise ContentError(f"{where}: {min(map(str, extra))} is too many")


def check_said_once(texts: Iterable[tuple[str, Words]]) -> None:
    """Check that no text, said to be at a place, stands at another too, in any language."""
    seen: dict[str, str] = {}
    for where, words in texts:
        for language in LANGUAGES:
            text = " ".join(words.by_language[language].casefold().split())
            if text in seen:
                raise ContentError(f"{where}: stands at {seen[text]} too, in {language}")
            seen[text] = where


def placeholders(text: str) -> set[str]:
    """Names between braces. Raises ValueError where a brace is alone."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _with_french_spaces(text: str) -> str:
    """Keep « and », the double signs, units and groups of digits together, as French typography has it."""
    return _JOINED_SPACE.sub("\N{NO-BREAK SPACE}", text)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read, and when that was last reviewed."""

    name: str
    url: str
    reviewed_on: date


def read_source(entry: dict[str, Any], sources: dict[str, dict[str, str]], where: str) -> Source:
    """Check where the fact of one text was read: `source` names one of `sources`, `reviewed_on` is a day."""
    source = sources.get(entry.get("source", ""))
    if source is None or not source.get("name") or not str(source.get("url")).startswith("https://"):
        raise ContentError(f"{where}: needs a source with a name and an https address")
    reviewed_on = entry.get("reviewed_on")
    if not isinstance(reviewed_on, date):
        raise ContentError(f"{where}: needs the date of its review (reviewed_on)")
    return Source(source["name"], source["url"], reviewed_on)
