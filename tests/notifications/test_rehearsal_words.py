"""The words of the rehearsal: complete in every language."""

import copy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import content
from content.rehearsal import read_rehearsal, rehearsal_words
from content.words import LANGUAGES, ContentError, read_file

RAW = read_file(Path(content.__file__).parent, "rehearsal.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw["labels"]["title"].pop("en"), "labels: title"),
        (lambda raw: raw["kinds"].pop("raised"), "kinds: lacks raised"),
        (lambda raw: raw["outcomes"].update(other={"fr": "a", "en": "b"}), "other is too many"),
        (lambda raw: raw["months"]["fr"].pop(), "months: needs 12 in fr"),
        (lambda raw: raw.pop("weekdays"), "lacks weekdays"),
    ],
    ids=["language", "kind", "outcome", "month", "section"],
)
def test_incomplete_words_are_refused_in_one_line_that_says_where(change, said):
    raw = copy.deepcopy(RAW)
    change(raw)
    with pytest.raises(ContentError, match=said):
        read_rehearsal(raw)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fr", ["100\u202f000", "1,9", "67\u00a0%", "<1\u00a0%", "0\u00a0%"]),
        ("en", ["100,000", "1.9", "67%", "<1%", "0%"]),
    ],
)
def test_numbers_are_written_as_the_language_does(language, written):
    words = rehearsal_words(language)
    shown = [words.number(100_000), words.number(1.9, decimals=1), *map(words.percent, (2 / 3, 0.001, 0))]
    assert shown == written


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("fr", ["1er février", "jeu 9 février", "9 février 2023", "9 février, 7\u00a0h\u00a005"]),
        ("en", ["1 February", "Thu 9 February", "9 February 2023", "9 February, 07:05"]),
    ],
)
def test_days_and_moments_are_written_as_the_language_does(language, written):
    words, day = rehearsal_words(language), date(2023, 2, 9)
    assert written == [
        words.day(date(2023, 2, 1)),
        words.day(day, weekday=True),
        words.day(day, year=True),
        words.moment(datetime(2023, 2, 9, 7, 5, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("minutes", "written"), [(180, "3"), (0, "0"), (30, "0.5"), (-60, "\N{MINUS SIGN}1"), (-15, "\N{MINUS SIGN}0.2")]
)
def test_a_length_of_time_is_in_hours(minutes, written):
    assert rehearsal_words("en").duration(timedelta(minutes=minutes)) == f"{written}\u00a0h"


def test_every_language_has_its_words():
    assert {rehearsal_words(language).language for language in LANGUAGES} == set(LANGUAGES)
