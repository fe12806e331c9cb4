"""Words of the page that `alentours rehearse` writes, and how it writes numbers, days and moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from content.words import LANGUAGES, ContentError, Words, check_names, read_file, read_words

_FILE: Final = "rehearsal.yaml"
_SECTIONS: Final = ("labels", "kinds", "outcomes", "forms")
_KINDS: Final = ("alert", "raised", "lowered", "all_clear")
_OUTCOMES: Final = ("held", "spared", "dropped", "capped")
_FORMS: Final = ("clock", "date", "full_date", "weekday_date", "percent", "duration")
_THOUSANDS: Final = {"fr": "\N{NARROW NO-BREAK SPACE}", "en": ","}
_DECIMAL: Final = {"fr": ",", "en": "."}
_FIRST_OF_MONTH: Final = {"fr": "1er", "en": "1"}
_MINUTE: Final = timedelta(minutes=1)
_HOUR_MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class RehearsalWords:
    """Every word of the page, in one language. Moments are given in the clock that is to be shown."""

    language: str
    labels: Mapping[str, Words]
    kinds: Mapping[str, Words]
    outcomes: Mapping[str, Words]
    forms: Mapping[str, Words]
    weekdays: Sequence[str]
    months: Sequence[str]

    def say(self, label: str, **values: object) -> str:
        """Give a text of the page, its placeholders filled. Raises KeyError for one that there is not."""
        return self.labels[label].say(self.language, **values)

    def kind(self, name: str) -> str:
        """What a kind of message is called."""
        return self.kinds[name].say(self.language)

    def outcome(self, name: str) -> str:
        """Why residents were not told, or not at once."""
        return self.outcomes[name].say(self.language)

    def number(self, value: float, *, decimals: int = 0) -> str:
        """Write a number: 100,000 or 1.9."""
        whole, _, part = f"{value:,.{decimals}f}".partition(".")
        whole = whole.replace(",", _THOUSANDS[self.language])
        return f"{whole}{_DECIMAL[self.language]}{part}" if part else whole

    def percent(self, share: float) -> str:
        """Write a share: 67%. One that is not nothing is never 0%."""
        value = self.number(100 * share)
        if share and value == "0":
            value = f"<{self.number(1)}"
        return self._form("percent", value=value)

    def clock(self, at: datetime) -> str:
        """Write a time of day: 07:00."""
        return self._form("clock", hour=at.hour, minute=at.minute)

    def day(self, day: date, *, weekday: bool = False, year: bool = False) -> str:
        """Write a day: 9 February, Thu 9 February, 9 February 2023."""
        form = "full_date" if year else "weekday_date" if weekday else "date"
        number = _FIRST_OF_MONTH[self.language] if day.day == 1 else str(day.day)
        values = {"day": number, "month": self.months[day.month - 1]}
        values |= {"year": str(day.year)} if year else {}
        values |= {"weekday": self.weekday(day)} if form == "weekday_date" else {}
        return self._form(form, **values)

    def weekday(self, day: date) -> str:
        """Write the day of the week, short: Thu."""
        return self.weekdays[day.weekday()]

    def moment(self, at: datetime) -> str:
        """Write a day and a time: 9 February, 07:00."""
        return f"{self.day(at.date())}, {self.clock(at)}"

    def duration(self, length: timedelta) -> str:
        """Write a length of time in hours: 2 h, 0.5 h, -1 h."""
        hours = round(length / _MINUTE) / _HOUR_MINUTES
        decimals = 0 if hours.is_integer() else 1
        written = self.number(abs(hours), decimals=decimals)
        return self._form("duration", hours=f"\N{MINUS SIGN}{written}" if hours < 0 else written)

    def _form(self, name: str, **values: object) -> str:
        return self.forms[name].say(self.language, **values)


def rehearsal_words(language: str) -> RehearsalWords:
    """The words in one language. Raises ContentError where they are incomplete."""
    return _all_languages()[language]


@cache
def _all_languages() -> Mapping[str, RehearsalWords]:
    return read_rehearsal(read_file(Path(__file__).parent, _FILE))


def read_rehearsal(raw: Any) -> dict[str, RehearsalWords]:
    """Check the words of the page, by language. Raises ContentError."""
    check_names(raw, (*_SECTIONS, "weekdays", "months"), _FILE)
    words = {
        section: {name: read_words(entry, f"{_FILE}: {section}: {name}") for name, entry in raw[section].items()}
        for section in _SECTIONS
    }
    for section, wanted in (("kinds", _KINDS), ("outcomes", _OUTCOMES), ("forms", _FORMS)):
        check_names(words[section], wanted, f"{_FILE}: {section}")
    return {
        language: RehearsalWords(
            language=language,
            labels=words["labels"],
            kinds=words["kinds"],
            outcomes=words["outcomes"],
            forms=words["forms"],
            weekdays=_names(raw, "weekdays", language, 7),
            months=_names(raw, "months", language, 12),
        )
        for language in LANGUAGES
    }


def _names(raw: Any, section: str, language: str, count: int) -> tuple[str, ...]:
    names = tuple(map(str, raw[section].get(language, ())))
    if len(names) != count:
        raise ContentError(f"{_FILE}: {section}: needs {count} in {language}")
    return names
