"""What is believed of a place when its sources differ."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care import rules
from citizen_api.care.merging import SourceStatement, merge

CLOSED = datetime(2026, 1, 1, tzinfo=UTC)


def make_statement(source_id="a", *, dated=date(2026, 1, 1), closed_at=None, categories=("pharmacy",), **facts):
    return SourceStatement(
        source_id=source_id, key="k", dated=dated, facts=facts, categories=categories, closed_at=closed_at
    )


def test_the_newest_source_that_says_something_is_believed():
    old = make_statement("old", dated=date(2020, 1, 1), name="Old", phone="+331")
    new = make_statement("new", name="New", phone=None)
    merged = merge([old, new])
    assert (merged.values["name"], merged.values["phone"]) == ("New", "+331")


@given(order=st.permutations(range(4)))
def test_the_order_in_which_sources_are_read_does_not_matter(order):
    said = [
        make_statement("a", name="A", lat=1.0, lon=2.0, identifiers=[["finess", "1"]]),
        make_statement("b", name="B", opening_hours="24/7", categories=("hospital",)),
        make_statement("c", name="C", closed_at=CLOSED),
        make_statement(rules.DEMO_SOURCE, name="Demo", dated=date(2030, 1, 1)),
    ]
    assert merge([said[rank] for rank in order]) == merge(said)


def test_a_demo_statement_wins_over_nothing_real():
    demo = make_statement(rules.DEMO_SOURCE, dated=date(2030, 1, 1), name="Demo", opening_hours="24/7")
    merged = merge([demo, make_statement("real", name="Real")])
    assert (merged.values["name"], merged.opening_hours, merged.opening_hours_source) == ("Real", "24/7", "demo")


def test_a_place_is_open_while_one_real_source_still_describes_it():
    closed = make_statement("a", closed_at=CLOSED, lat=1.0, lon=2.0)
    assert merge([closed, make_statement("b")]).closed_at is None
    assert merge([closed, make_statement(rules.DEMO_SOURCE)]).closed_at == CLOSED
    assert merge([closed]).lat == 1.0
    assert merge([closed, make_statement("b")]).lat is None


def test_a_demo_statement_takes_nothing_from_a_place_that_closed():
    closed = make_statement(
        "real", closed_at=CLOSED, name="Real", street="1 rue du Test", phone="+33142726071", lat=1.0, lon=2.0
    )
    demo = make_statement(rules.DEMO_SOURCE, dated=date(2030, 1, 1), name="Demo", opening_hours="24/7")
    merged = merge([demo, closed])
    assert (merged.values["name"], merged.values["street"], merged.lat) == ("Real", "1 rue du Test", 1.0)
    assert merged.closed_at == CLOSED


def test_a_place_that_only_the_demo_describes_is_open():
    assert merge([make_statement(rules.DEMO_SOURCE, closed_at=CLOSED)]).closed_at is None


FINESS = [["finess", "750010597"]]


def at(day):
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def make_word(source_id, dated, *, closed_on=None):
    """Make what a source says of a place that it knows by its number."""
    closed_at = at(closed_on) if closed_on else None
    return make_statement(source_id, dated=dated, closed_at=closed_at, name=source_id, identifiers=FINESS)


FROZEN, SINCE, NOW = date(2012, 11, 19), date(2026, 5, 4), date(2026, 11, 1)


@pytest.mark.parametrize(
    ("words", "closed_on"),
    [
        ([make_word("frozen", FROZEN), make_word("register", NOW, closed_on=NOW)], NOW),
        ([make_word("frozen", FROZEN, closed_on=FROZEN), make_word("register", NOW)], None),
        ([make_word("frozen", FROZEN, closed_on=FROZEN), make_word("register", NOW, closed_on=NOW)], NOW),
        ([make_word("frozen", FROZEN), make_word("roll", SINCE, closed_on=SINCE), make_word("register", NOW)], None),
        ([make_word("roll", SINCE), make_word("register", NOW, closed_on=FROZEN)], FROZEN),
        ([make_word("roll", SINCE, closed_on=NOW), make_word("register", NOW)], None),
    ],
    ids=[
        "a frozen extract keeps nothing open that a newer register closed",
        "a frozen extract closes nothing that a newer register lists",
        "closed for both, from the later day",
        "an open word newer than every closing",
        "a closing of long ago, entered lately, is a new word",
        "of two words of one day, the open one",
    ],
)
def test_the_newest_word_of_those_who_know_a_place_by_its_number_decides(words, closed_on):
    merged = merge(words)
    assert merged.closed_at == (at(closed_on) if closed_on else None)
    assert merge(words[::-1]) == merged


def test_a_list_without_identifiers_closes_and_opens_nothing_that_a_register_knows():
    register = make_word("register", FROZEN)
    assert merge([register, make_statement("map", dated=NOW, closed_at=at(NOW))]).closed_at is None
    closed = make_word("register", FROZEN, closed_on=FROZEN)
    assert merge([closed, make_statement("map", dated=NOW)]).closed_at == at(FROZEN)


def test_a_place_that_no_source_knows_by_its_number_closes_only_with_the_last_list_that_names_it():
    newer = make_statement("map", dated=NOW, closed_at=at(NOW))
    assert merge([newer, make_statement("roll", dated=FROZEN)]).closed_at is None
    assert merge([newer, make_statement("roll", dated=FROZEN, closed_at=at(FROZEN))]).closed_at == at(NOW)


@st.composite
def words(draw):
    """What up to six sources say of one place, some by its number, some closed, of four days in all."""
    days = st.sampled_from([FROZEN, SINCE, NOW, date(2026, 11, 2)])
    said = []
    for source_id in draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1)):
        word = make_word(source_id, draw(days), closed_on=draw(st.none() | days))
        said.append(word if draw(st.booleans()) else make_statement(source_id, dated=word.dated, name=source_id))
    return said


@given(said=words(), data=st.data())
def test_whether_a_place_is_closed_depends_on_no_order(said, data):
    assert merge(data.draw(st.permutations(said))) == merge(said)


@given(said=words())
def test_one_more_open_word_of_today_opens_whatever_was_said_before(said):
    today = make_word("today", date(2026, 12, 1))
    assert merge([*said, today]).closed_at is None
