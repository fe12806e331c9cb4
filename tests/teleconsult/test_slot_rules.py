"""In which order slots stand, and why."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from citizen_api.teleconsult.slot_rules import (
    Candidate,
    Lane,
    Question,
    granularity_of,
    lanes,
    local_day,
    standing,
    wants_remote_first,
    window_of,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ANY = Question(starts_s=0, ends_s=1)
HERE = replace(ANY, lat=48.85, lon=2.35)
NINE_S = int(datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp())
"""9:00 in Paris."""


def make_candidate(start_s=NINE_S, distance_m=math.inf, *, schedule_id=1, key=1):
    return Candidate(1, key, schedule_id, start_s, distance_m)


def lane_of(question, modality):
    return next(lane for lane in lanes(question) if modality in lane.modalities)


def in_order(question, *slots):
    """Names of slots (name, modality, candidate) in their order."""
    ordered = sorted(slots, key=lambda slot: standing(slot[2], lane_of(question, slot[1]), question))
    return "".join(name for name, _, _ in ordered)


def test_without_a_wish_all_modalities_stand_together():
    assert lanes(ANY) == [Lane(0, ("practice", "home", "video", "assisted"))]


def test_with_a_place_distance_counts_for_all_but_video():
    assert lanes(HERE) == [Lane(0, ("video",)), Lane(0, ("practice", "home", "assisted"), local=True)]


def test_only_the_modalities_asked_for_are_looked_for():
    assert lanes(replace(ANY, modalities=("assisted",))) == [Lane(0, ("assisted",))]


def test_where_doctors_are_short_booths_and_video_stand_first():
    assert [(lane.rank, lane.modalities) for lane in lanes(replace(ANY, remote_first=True))] == [
        (0, ("video", "assisted")),
        (1, ("practice", "home")),
    ]


def test_on_a_weak_network_video_stands_last():
    assert [(lane.rank, lane.modalities) for lane in lanes(replace(ANY, weak_network=True))] == [
        (0, ("practice", "home", "assisted")),
        (2, ("video",)),
    ]


def test_on_a_weak_network_where_doctors_are_short_booths_stand_first_and_video_last():
    question = replace(ANY, weak_network=True, remote_first=True)
    assert [(lane.rank, lane.modalities) for lane in lanes(question)] == [
        (0, ("assisted",)),
        (1, ("practice", "home")),
        (2, ("video",)),
    ]


def test_the_soonest_stands_first():
    later = make_candidate(NINE_S + 900)
    assert in_order(ANY, ("b", "video", later), ("a", "practice", make_candidate())) == "ab"


def test_a_later_booth_of_the_day_stands_before_a_practice_where_doctors_are_short():
    question = replace(ANY, remote_first=True)
    booth = make_candidate(NINE_S + 8 * 3_600)
    assert in_order(question, ("practice", "practice", make_candidate()), ("booth", "assisted", booth)).startswith(
        "booth"
    )


def test_a_booth_of_the_next_day_stands_after_a_practice_even_where_doctors_are_short():
    question = replace(ANY, remote_first=True)
    booth = make_candidate(NINE_S + 24 * 3_600)
    assert in_order(question, ("booth", "assisted", booth), ("practice", "practice", make_candidate())).startswith(
        "practice"
    )


def test_on_a_weak_network_video_stands_after_booths_and_practices_of_later_days():
    question = replace(ANY, weak_network=True)
    slots = [
        ("c", "video", make_candidate()),
        ("b", "practice", make_candidate(NINE_S + 6 * 86_400)),
        ("a", "assisted", make_candidate(NINE_S + 5 * 86_400)),
        ("d", "video", make_candidate(NINE_S + 86_400)),
    ]
    assert in_order(question, *slots) == "abcd"


def test_at_the_same_moment_the_nearer_stands_first():
    far, near = make_candidate(distance_m=900.0), make_candidate(distance_m=899.0, schedule_id=2)
    assert in_order(HERE, ("b", "practice", far), ("a", "practice", near)) == "ab"


def test_at_the_same_moment_and_distance_identifiers_decide():
    one, other = make_candidate(key=5), make_candidate(key=6)
    assert in_order(ANY, ("b", "video", other), ("a", "video", one)) == "ab"


def test_by_distance_the_nearer_stands_first_whatever_its_time():
    question = replace(HERE, order="nearest")
    near = make_candidate(NINE_S + 9_000, 100.0)
    assert in_order(question, ("b", "practice", make_candidate(distance_m=200.0)), ("a", "practice", near)) == "ab"


def test_by_distance_the_slots_of_a_calendar_stay_together():
    question = replace(HERE, order="nearest")
    slots = [
        ("a", "practice", make_candidate(NINE_S, 100.0, schedule_id=1)),
        ("b", "practice", make_candidate(NINE_S + 1_800, 100.0, schedule_id=1)),
        ("c", "practice", make_candidate(NINE_S + 900, 100.0, schedule_id=2)),
    ]
    assert in_order(question, *slots) == "abc"


def test_by_distance_video_stands_after_all_places_by_time():
    question = replace(HERE, order="nearest")
    late, soon = make_candidate(NINE_S + 900), make_candidate(NINE_S)
    practice = make_candidate(NINE_S + 9_000, 100.0)
    assert in_order(question, ("c", "video", late), ("b", "video", soon), ("a", "practice", practice)) == "abc"


@pytest.mark.parametrize(("zone", "day"), [("Europe/Paris", 24), ("America/Martinique", 23)])
def test_a_day_is_that_of_the_clock_of_the_place(zone, day):
    at_s = int(datetime(2026, 11, 23, 23, 30, tzinfo=UTC).timestamp())
    assert local_day(at_s, ZoneInfo(zone)) == date(2026, 11, day)


@pytest.mark.parametrize(
    ("is_short", "specialty", "chose", "expected"),
    [
        (True, None, False, True),
        (True, "general-practice", False, True),
        (True, "dermatology", False, False),
        (True, None, True, False),
        (False, None, False, False),
    ],
)
def test_remote_slots_rise_only_where_general_practitioners_are_short_and_sought(is_short, specialty, chose, expected):
    assert wants_remote_first(is_short=is_short, specialty=specialty, chose_modality=chose) is expected


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "expected"),
    [
        (None, None, (NOW, NOW + 7 * DAY, False)),
        (NOW - DAY, None, (NOW, NOW + 7 * DAY, False)),
        (NOW + DAY, None, (NOW + DAY, NOW + 8 * DAY, False)),
        (NOW + 30 * DAY, None, (NOW + 30 * DAY, NOW + 31 * DAY, False)),
        (None, NOW + 31 * DAY, (NOW, NOW + 31 * DAY, False)),
        (None, NOW + 32 * DAY, (NOW, NOW + 31 * DAY, True)),
        (NOW + DAY, NOW + 2 * DAY, (NOW + DAY, NOW + 2 * DAY, False)),
    ],
)
def test_a_window_starts_now_at_the_earliest_and_ends_in_31_days_at_the_latest(starts_at, ends_at, expected):
    assert window_of(starts_at, ends_at, now=NOW) == expected


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [(None, NOW), (None, NOW - DAY), (NOW + DAY, NOW + DAY), (NOW + 31 * DAY, None), (NOW + 40 * DAY, NOW + 41 * DAY)],
)
def test_a_window_without_a_length_is_none(starts_at, ends_at):
    assert window_of(starts_at, ends_at, now=NOW) is None


@pytest.mark.parametrize(
    ("said", "own_link", "calendar_link", "names_slot", "expected"),
    [
        ("slot", True, True, False, "slot"),
        ("practice", True, True, True, "practice"),
        ("slot", False, True, True, "practice"),
        ("home", False, True, True, "home"),
        ("slot", False, False, True, "slot"),
        ("slot", False, False, False, "home"),
        ("practice", False, False, False, "practice"),
    ],
)
def test_a_link_opens_no_more_than_where_it_comes_from(said, own_link, calendar_link, names_slot, expected):
    found = granularity_of(said, own_link=own_link, calendar_link=calendar_link, names_slot=names_slot)
    assert found == expected
