import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.records import (
    BadRowError,
    RejectedRow,
    clean,
    parse_commune_code,
    parse_date,
    parse_position,
    required_finess,
    required_name,
)


@pytest.mark.parametrize(
    ("written", "postcode", "number"),
    [
        ("01 42 72 60 71", None, "+33142726071"),
        ("142726071", "75004", "+33142726071"),
        ("0142726071", None, "+33142726071"),
        ("+33 (0)1 42 72 60 71", None, "+33142726071"),
        ("Tél. : 01.42.72.60.71 / 06 12 34 56 78", None, "+33142726071"),
        ("0596 55 20 00", "97200", "+596596552000"),
        ("0262 90 50 50", "97400", "+262262905050"),
        ("01 42 72", None, None),
        ("3237", None, None),
        ("néant", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_phone_is_made_e164_or_none(written, postcode, number):
    assert normalise_phone(written, postcode=postcode) == number


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2013-10-24", date(2013, 10, 24)),
        ("2026-05-01T00:00:00Z", date(2026, 5, 1)),
        (" 24/10/2013 ", date(2013, 10, 24)),
        ("1900-01-01", None),
        ("2013-02-30", None),
        ("2013", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_read_or_unknown(written, read):
    assert parse_date(written) == read


def test_a_position_may_have_decimal_commas():
    assert parse_position("48,8573751", " 2,3524425 ") == (48.8573751, 2.3524425)


def test_a_position_that_is_not_given_is_none():
    assert parse_position("", None) == (None, None)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        ("0", "0"),
        ("91", "2"),
        ("48", "181"),
        ("nan", "2"),
        ("inf", "2"),
        ("48.8", ""),
        ("x", "2"),
        ("6571540", "870262"),
    ],
)
def test_a_wrong_position_is_refused(lat, lon):
    with pytest.raises(BadRowError, match=r"^bad_position: "):
        parse_position(lat, lon)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_position_in_degrees_is_kept_exactly(lat, lon):
    if lat or lon:
        assert parse_position(repr(lat), repr(lon)) == (lat, lon)
    assert math.isfinite(lat)


def test_a_finess_number_gets_back_the_zero_that_a_spreadsheet_took():
    assert required_finess("10009496") == "010009496"


def test_a_corsican_finess_number_holds_a_letter():
    assert required_finess("2a0000012") == "2A0000012"


@pytest.mark.parametrize(
    ("written", "code"), [("", "no_identifier"), ("75001059", ""), ("7500105X7", "bad_identifier")]
)
def test_a_wrong_finess_number_is_refused(written, code):
    if not code:
        assert required_finess(written) == "075001059"
        return
    with pytest.raises(BadRowError, match=f"^{code}: "):
        required_finess(written)


@pytest.mark.parametrize("written", ["", "  ", "-", None])
def test_a_row_without_a_name_is_refused(written):
    with pytest.raises(BadRowError, match=r"^no_name: "):
        required_name(written)


@pytest.mark.parametrize(("written", "code"), [(" 2a004 ", "2A004"), ("97411", "97411"), ("1053", None), (None, None)])
def test_a_commune_code_has_five_characters(written, code):
    assert parse_commune_code(written) == code


def test_control_characters_and_white_space_are_cleaned():
    assert clean(" PHARMACIE\x00 \t DU\u200b VILLAGE\n") == "PHARMACIE DU VILLAGE"


def test_a_rejected_row_tells_its_code():
    assert RejectedRow(3, "no_name: The row has no name.", "raw").code == "no_name"
