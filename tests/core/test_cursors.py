import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.core.problems import CursorInvalid

KINDS = (int, str)


def test_a_cursor_reads_back():
    assert read_cursor(write_cursor(["q", 1], [-3, "75056"]), ["q", 1], KINDS) == [-3, "75056"]


def test_a_cursor_belongs_to_its_search():
    with pytest.raises(CursorInvalid):
        read_cursor(write_cursor(["q", 1], [-3, "75056"]), ["q", 2], KINDS)


def test_a_cursor_does_not_carry_what_was_searched():
    cursor = write_cursor(["pharmacie du temple"], [1, "a"])
    assert b"temple" not in base64.urlsafe_b64decode(cursor + "==")


def test_a_cursor_of_other_kinds_is_refused():
    with pytest.raises(CursorInvalid):
        read_cursor(write_cursor(["q"], ["1", "a"]), ["q"], KINDS)


@given(st.text(max_size=80))
def test_a_made_up_cursor_is_refused(text):
    with pytest.raises(CursorInvalid):
        read_cursor(text, ["q"], KINDS)


@pytest.mark.parametrize("last", [[2**63, "a"], [-(2**63) - 1, "a"], [1, "a\0b"], [1, "\ud800"]])
def test_a_made_up_cursor_with_what_no_database_can_compare_is_refused(last):
    with pytest.raises(CursorInvalid):
        read_cursor(write_cursor(["q"], last), ["q"], KINDS)


@pytest.mark.parametrize("last", [float("nan"), float("inf")])
def test_a_made_up_cursor_without_a_finite_number_is_refused(last):
    with pytest.raises(CursorInvalid):
        read_cursor(write_cursor(["q"], [last]), ["q"], [float])
