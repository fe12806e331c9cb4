from datetime import UTC, date, datetime

import pytest

from citizen_api.sources.air_records import MEASURED
from citizen_api.sources.air_values import (
    IMPOSSIBLE_UG_M3,
    concentration,
    day_of,
    moment,
    number,
    plain,
    rejected,
    required_moment,
    text_of,
    whole,
)
from citizen_api.sources.records import BadRowError


@pytest.mark.parametrize(
    "text",
    [
        "2023/12/18 14:32:34.817+01",
        "2023-12-18T14:32:34.817+01:00",
        "2023-12-18 14:32:34.817 +0100",
        "2023-12-18T13:32:34.817000Z",
    ],
)
def test_moments_are_read_with_any_offset(text):
    assert moment(text) == datetime(2023, 12, 18, 13, 32, 34, 817_000, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2023-12-18 14:32:34", "2023-13-18T14:32Z", "0001-01-01T00:00Z", "soon", "", None, 5])
def test_what_is_not_a_moment_with_an_offset_is_unknown(text):
    assert moment(text) is None


def test_a_needed_moment_is_refused_where_it_is_not_one():
    with pytest.raises(BadRowError, match="bad_time"):
        required_moment("2023-12-18 14:00")


@pytest.mark.parametrize(
    "text",
    ["2023-12-18", "2023/12/18", "2023-12-18T00:00:00Z", "2023-12-17T23:00:00Z", "2023-12-18 10:00:00"],
)
def test_a_day_is_the_one_that_begins_at_midnight_in_france(text):
    assert day_of(text) == date(2023, 12, 18)


@pytest.mark.parametrize("text", ["2023-02-30", "0001-01-01", "9999-12-31", "18/12/2023", "", None, True])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(BadRowError, match="bad_day"):
        day_of(text)


@pytest.mark.parametrize(
    ("value", "read"), [("3", 3), (3, 3), (3.0, 3), ("3,0", 3), ("", None), (None, None), (" ", None)], ids=repr
)
def test_whole_numbers_may_be_text(value, read):
    assert whole(value) == read


@pytest.mark.parametrize(
    "value",
    ["3.5", "three", True, [], float("nan"), float("inf"), "1e400", 10**400],
    ids=lambda value: repr(value)[:10],
)
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(BadRowError, match="bad_number"):
        whole(value)


def test_a_decimal_comma_is_understood():
    assert number("12,5") == 12.5


def test_noise_around_zero_is_zero():
    assert concentration(-1.4, "nox") == 0.0


@pytest.mark.parametrize("pollutant", MEASURED)
@pytest.mark.parametrize("value", [-5.1, -999.0, 100_000.0])
def test_absurd_values_are_refused(pollutant, value):
    with pytest.raises(BadRowError, match="absurd_value"):
        concentration(value, pollutant)


def test_every_measured_pollutant_has_a_bound():
    assert set(IMPOSSIBLE_UG_M3) == set(MEASURED)


def test_words_are_compared_without_accents_case_or_signs():
    assert plain(" Procédure d'INFORMATION-recommandation ") == "procedure d information recommandation"


def test_numbers_that_were_read_as_floats_are_text_without_a_point():
    assert text_of(75056.0) == "75056"


def test_half_characters_are_stored_nowhere():
    assert rejected(1, "code: a", {"name": "\ud800"}).raw == '{"name": "?"}'
