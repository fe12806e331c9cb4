"""Daylight: against almanacs, at the poles, and overseas."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.mobility.daylight import is_dark, sun

PARIS = {"lat": 48.8566, "lon": 2.3522}
TROMSO = {"lat": 69.6492, "lon": 18.9553}


@pytest.mark.parametrize(
    ("day", "zone", "place", "rise", "down"),
    [
        # Almanac times, rounded to the minute.
        (date(2026, 6, 21), "Europe/Paris", PARIS, "05:47", "21:58"),
        (date(2026, 12, 21), "Europe/Paris", PARIS, "08:41", "16:56"),
        (date(2026, 6, 21), "Indian/Reunion", {"lat": -20.88, "lon": 55.45}, "06:53", "17:45"),
        (date(2026, 6, 21), "America/Guadeloupe", {"lat": 16.24, "lon": -61.53}, "05:36", "18:41"),
        (date(2026, 6, 21), "Pacific/Noumea", {"lat": -22.28, "lon": 166.46}, "06:34", "17:19"),
        (date(2026, 6, 21), "Pacific/Tahiti", {"lat": -17.54, "lon": -149.57}, "06:27", "17:32"),
    ],
)
def test_the_sun_rises_and_sets_as_almanacs_say_by_the_clock_of_the_place(day, zone, place, rise, down):
    found = sun(day, zone, **place)
    for at, said in zip(found, (rise, down), strict=True):
        hours, minutes = map(int, said.split(":"))
        assert at.date() == day
        assert abs(at.hour * 60 + at.minute - hours * 60 - minutes) <= 3


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.sampled_from([-10, 0, 5, 11]))
@settings(max_examples=25)
def test_a_day_of_the_tropics_has_one_sunrise_and_the_sunset_after_it_whatever_the_clock(day, hours_east):
    zone = f"Etc/GMT{-hours_east:+d}" if hours_east else "UTC"
    rise, down = sun(day, zone, lat=-15, lon=15.0 * hours_east)
    assert rise.date() == day
    assert timedelta(hours=11) < down - rise < timedelta(hours=13.5)


@pytest.mark.parametrize("day", [date(2026, 6, 21), date(2026, 12, 21)])
def test_polar_night_and_midnight_sun_have_neither(day):
    assert sun(day, "Europe/Oslo", **TROMSO) is None


def test_polar_night_is_dark_at_midnight_and_the_midnight_sun_is_not():
    assert is_dark(datetime(2026, 12, 21, 23, tzinfo=UTC), **TROMSO)
    assert not is_dark(datetime(2026, 6, 21, 23, tzinfo=UTC), **TROMSO)


def test_it_is_dark_after_civil_twilight_not_at_sunset():
    _, down = sun(date(2026, 11, 22), "Europe/Paris", **PARIS)
    assert not is_dark(down, **PARIS)
    assert not is_dark(down + timedelta(minutes=25), **PARIS)
    assert is_dark(down + timedelta(minutes=45), **PARIS)


def test_noon_of_paris_is_night_in_noumea():
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert is_dark(noon, lat=-22.28, lon=166.46)
    assert not is_dark(noon, **PARIS)


def test_a_moment_means_the_same_in_every_zone():
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert is_dark(noon.astimezone(), lat=-22.28, lon=166.46)
