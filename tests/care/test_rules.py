import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care import rules

CLOSED = datetime(2026, 1, 1, tzinfo=UTC)


def make_statement(source_id="a", *, dated=date(2026, 1, 1), closed_at=None, categories=("pharmacy",), **facts):
    return rules.SourceStatement(
        source_id=source_id, key="k", dated=dated, facts=facts, categories=categories, closed_at=closed_at
    )


def make_known(*, digest="same", is_open=True):
    return rules.KnownRecord(digest, date(2026, 1, 1), is_open)


@pytest.mark.parametrize(
    ("known", "digest", "closed", "expected"),
    [
        (None, "same", False, "created"),
        (None, "same", True, "created"),
        (make_known(), "same", False, "unchanged"),
        (make_known(), "other", False, "updated"),
        (make_known(), "other", True, "closed"),
        (make_known(is_open=False), "same", True, "unchanged"),
        (make_known(is_open=False), "same", False, "updated"),
        (make_known(is_open=False), "other", True, "updated"),
    ],
)
def test_what_a_record_does_to_what_is_known(known, digest, closed, expected):
    assert rules.outcome(known, digest=digest, closed=closed) == expected


def test_the_newest_source_that_says_something_is_believed():
    old = make_statement("old", dated=date(2020, 1, 1), name="Old", phone="+331")
    new = make_statement("new", name="New", phone=None)
    merged = rules.merge([old, new])
    assert (merged.values["name"], merged.values["phone"]) == ("New", "+331")


@given(order=st.permutations(range(4)))
def test_the_order_in_which_sources_are_read_does_not_matter(order):
    said = [
        make_statement("a", name="A", lat=1.0, lon=2.0, identifiers=[["finess", "1"]]),
        make_statement("b", name="B", opening_hours="24/7", categories=("hospital",)),
        make_statement("c", name="C", closed_at=CLOSED),
        make_statement(rules.DEMO_SOURCE, name="Demo", dated=date(2030, 1, 1)),
    ]
    assert rules.merge([said[rank] for rank in order]) == rules.merge(said)


def test_a_demo_statement_wins_over_nothing_real():
    demo = make_statement(rules.DEMO_SOURCE, dated=date(2030, 1, 1), name="Demo", opening_hours="24/7")
    merged = rules.merge([demo, make_statement("real", name="Real")])
    assert (merged.values["name"], merged.opening_hours, merged.opening_hours_source) == ("Real", "24/7", "demo")


def test_a_place_is_open_while_one_real_source_still_describes_it():
    closed = make_statement("a", closed_at=CLOSED, lat=1.0, lon=2.0)
    assert rules.merge([closed, make_statement("b")]).closed_at is None
    assert rules.merge([closed, make_statement(rules.DEMO_SOURCE)]).closed_at == CLOSED
    assert rules.merge([closed]).lat == 1.0
    assert rules.merge([closed, make_statement("b")]).lat is None


def test_a_demo_statement_takes_nothing_from_a_place_that_closed():
    closed = make_statement(
        "real", closed_at=CLOSED, name="Real", street="1 rue du Test", phone="+33142726071", lat=1.0
    )
    demo = make_statement(rules.DEMO_SOURCE, dated=date(2030, 1, 1), name="Demo", opening_hours="24/7")
    merged = rules.merge([demo, closed])
    assert (merged.values["name"], merged.values["street"], merged.lat) == ("Real", "1 rue du Test", 1.0)
    assert merged.closed_at == CLOSED


def test_a_place_that_only_the_demo_describes_is_open():
    assert rules.merge([make_statement(rules.DEMO_SOURCE, closed_at=CLOSED)]).closed_at is None


def test_the_id_derives_from_the_strongest_identifier_else_from_the_key():
    finess = [("siret", "1"), ("finess", "750010597")]
    assert rules.facility_id(finess, source_id="a", key="k") == rules.facility_id(finess, source_id="b", key="l")
    assert rules.facility_id([], source_id="a", key="k") != rules.facility_id([], source_id="b", key="k")


@given(key=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
def test_every_id_looks_like_one(key):
    assert rules.is_facility_id(rules.facility_id([], source_id="a", key=key))


@pytest.mark.parametrize("text", ["", "a", "A" * 13, "a" * 14, "a\x00aaaaaaaaaaa", "é" * 13, "a" * 13 + "\n"])
def test_what_is_no_id_does_not_look_like_one(text):
    assert not rules.is_facility_id(text)


def test_nothing_known_vanishes_by_no_share():
    assert rules.vanishing_share(known=0, vanished=0) == 0
    assert rules.vanishing_share(known=10, vanished=2) == 0.2


@given(
    width=st.floats(0, 360, allow_nan=False),
    height=st.floats(0, 180, allow_nan=False),
)
def test_the_cells_of_a_crowded_map_are_powers_of_two(width, height):
    cell = rules.cluster_cell_deg(width_deg=width, height_deg=height)
    assert math.log2(cell).is_integer()
    assert cell * rules.CLUSTERS_ACROSS >= max(width, height)


@given(positions=st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), max_size=60))
def test_groups_count_every_place_once_and_hold_it(positions):
    groups = rules.cluster(positions, cell_deg=4.0)
    assert sum(group.count for group in groups) == len(positions)
    for group in groups:
        west, south, east, north = group.bbox
        assert south - 1e-9 <= group.lat <= north + 1e-9
        assert west - 1e-9 <= group.lon <= east + 1e-9


def test_the_grid_does_not_move_with_the_map():
    inside = [(48.85, 2.35), (48.851, 2.351), (48.9, 2.5)]
    wider = [*inside, (49.9, 3.9)]
    assert rules.cluster(inside, cell_deg=0.125) == rules.cluster(wider, cell_deg=0.125)[:-1]
