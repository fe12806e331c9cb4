"""French texts about opening hours, told day by day, and those of a real file."""

import csv
import hashlib

import pytest

from citizen_api.care.hours import parse_hours
from citizen_api.sources.french_hours import join_days, read_hours_of_day
from tests.shared_data import shared_file

PARIS = "75056"

# --- Days one by one ----------------------------------------------------------------------------------------


def test_days_are_joined_and_those_that_tell_nothing_are_unknown():
    texts = {"lundi": "9h-12h", "mardi": "9:00-12:00", "Mercredi": "Fermé", "jeudi": "ouvert", "samedi": ""}
    assert join_days(texts) == (
        "Mo-Tu 09:00-12:00; We off; Th-Su unknown; PH unknown",
        "lundi : 9h-12h ; mardi : 9:00-12:00 ; Mercredi : Fermé ; jeudi : ouvert",
    )


def test_days_are_written_in_the_order_of_the_week():
    assert join_days({"samedi": "8h-12h", "lundi": "9h-12h"})[1] == "lundi : 9h-12h ; samedi : 8h-12h"


def test_days_that_tell_nothing_leave_only_the_text():
    assert join_days({"lundi": "ouvert", "mardi": "non précisé"}) == (None, "lundi : ouvert ; mardi : non précisé")


@pytest.mark.parametrize("texts", [{}, {"lundi": " ", "mardi": ""}])
def test_nothing_said_of_any_day_is_nothing(texts):
    assert join_days(texts) == (None, None)


def test_public_holidays_may_stand_among_the_days():
    assert join_days({"dimanche": "fermé", "jours fériés": "9h-12h"})[0] == "Mo-Sa unknown; Su off; PH 09:00-12:00"


@pytest.mark.parametrize("texts", [{"lundi": "9h-12h", "été": "fermé"}, {"lundi": "9h-12h", "Lun.": "fermé"}])
def test_a_key_that_is_no_day_or_a_day_named_twice_leaves_the_week_unread(texts):
    assert join_days(texts)[0] is None


def test_the_text_of_a_key_that_is_no_day_is_kept():
    assert join_days({"été": "fermé", "lundi": "9h-12h"})[1] == "lundi : 9h-12h ; été : fermé"


# --- The real file ------------------------------------------------------------------------------------------


def rows_of_the_region():
    path = shared_file("opening_hours/horaires_francais_A_idf_2021-04.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def half_of(text):
    """Half of the real strings: the parser was written with only A in sight (docs/data-quality/french-hours.md)."""
    return "AB"[hashlib.blake2b(text.encode()).digest()[0] & 1]


def test_the_half_that_the_parser_was_written_with_is_read_as_far_as_it_tells_times():
    texts = {row["horaire"].strip() for row in rows_of_the_region()}
    unread = {text for text in texts if half_of(text) == "A" and read_hours_of_day(text) is None}
    assert unread == {"", "ouvert", "N/A", "ouverture occasionnelle", "13h30 16h", "9h50 12h20"}


def test_real_weeks_are_accepted_by_the_evaluator():
    places = {}
    for number, row in enumerate(rows_of_the_region()):
        places.setdefault(number // 7, {})[row["jour"]] = row["horaire"]
    expressions = {join_days(texts)[0] for texts in places.values()}
    assert all(parse_hours(expression, insee_code=PARIS) for expression in expressions if expression)
