"""What is believed of a place when its sources differ."""

from datetime import UTC, date, datetime

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
