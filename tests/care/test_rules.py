import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care import rules


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
