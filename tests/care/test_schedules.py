"""Packed hours say what evaluating them says."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.care import schedules
from citizen_api.care.schedules import CODES, MIXED, ScheduleBook, Schedules, opening_json, pack, questions_json
from tests.care.directory_makers import make_place
from tests.care.test_nearest_filters import COMMUNES, HOURS

START = datetime(2026, 10, 19, tzinfo=UTC)  # the clocks go back on the 25th


def make_schedules(*places, start=START):
    book = ScheduleBook()
    numbers = [book.number_of(place) for place in places]
    return Schedules(pack(book.questions, start), start, *questions_json(book.questions)), numbers


@settings(max_examples=200, deadline=None)
@given(
    hours=st.sampled_from(HOURS),
    commune=st.sampled_from(COMMUNES),
    minute=st.integers(0, 14 * 24 * 60 - 1),
    second=st.integers(0, 59),
)
def test_the_packed_state_is_the_evaluated_one_at_every_minute(hours, commune, minute, second):
    place = make_place("a", lat=48.86, lon=2.35, opening_hours=hours, commune_code=commune)
    packed, (number,) = make_schedules(place)
    at = START + timedelta(minutes=minute, seconds=second)
    assert packed.moment(at).states[number] == CODES[place.state_at(at)]
    assert packed.opening_json(number, at) == opening_json(place.opening_at(at))


@settings(max_examples=100, deadline=None)
@given(
    hours=st.sampled_from(HOURS[1:]),
    commune=st.sampled_from(COMMUNES),
    minutes=st.lists(st.integers(0, 60 * 24 * 60), min_size=2, max_size=12),
)
def test_an_opening_that_is_kept_is_never_said_too_long(hours, commune, minutes):
    place = make_place("a", lat=48.86, lon=2.35, opening_hours=hours, commune_code=commune)
    packed, (number,) = make_schedules(place)
    for minute in minutes:  # in any order, also back in time
        at = START + timedelta(minutes=minute)
        assert packed.opening_json(number, at) == opening_json(place.opening_at(at))


def test_outside_the_packed_days_there_is_no_row():
    packed, _ = make_schedules(make_place("a", lat=48.86, lon=2.35, opening_hours="24/7"))
    assert packed.moment(START - timedelta(seconds=1)) is None
    assert packed.moment(START + timedelta(days=14)) is None
    assert packed.moment(START + timedelta(days=14, seconds=-1)) is not None


def test_places_of_the_same_hours_clock_and_holidays_share_a_schedule():
    def number(commune, hours):
        return make_place("a", lat=48.86, lon=2.35, commune_code=commune, opening_hours=hours)

    plain, ph, sh = "Mo-Fr 09:00-18:00", "Mo-Fr 09:00-18:00; PH off", "Mo-Fr 09:00-18:00; SH off"
    _, numbers = make_schedules(
        number("75104", plain), number("57463", plain), number("97411", plain),
        number("75104", ph), number("13055", ph), number("57463", ph),
        number("75104", sh), number("34172", sh), number("13055", sh),
    )  # fmt: skip
    assert numbers == [1, 1, 2, 3, 3, 4, 5, 5, 6]


def test_unknown_hours_share_number_nought():
    _, numbers = make_schedules(
        make_place("a", lat=48.86, lon=2.35),
        make_place("b", lat=48.86, lon=2.35, opening_hours="?!"),
        make_place("c", lat=-20.9, lon=55.5, commune_code=None, opening_hours="24/7"),
        make_place("d", lat=48.86, lon=2.35, commune_code="98901", opening_hours="24/7"),
    )
    assert numbers == [0, 0, 0, 0]


@pytest.mark.parametrize(("hours", "mixed"), [("Mo-Su 09:00-12:15", 0), ("Mo-Su 09:05-12:15", 14)])
def test_only_quarters_with_a_change_inside_are_left_open(hours, mixed):
    book = ScheduleBook()
    number = book.number_of(make_place("a", lat=48.86, lon=2.35, opening_hours=hours))
    assert int(np.sum(pack(book.questions, START)["states"][:, number] == MIXED)) == mixed


def test_moments_are_kept_for_a_while_and_not_for_ever(monkeypatch):
    monkeypatch.setattr(schedules, "_MOMENTS_KEPT", 3)
    packed, _ = make_schedules(make_place("a", lat=48.86, lon=2.35, opening_hours="Mo-Su 09:05-12:15"))
    first = packed.moment(START)
    assert packed.moment(START + timedelta(seconds=30)) is first
    for minute in range(10):
        packed.moment(START + timedelta(minutes=minute))
    assert packed.moment(START) is not first
