"""When a device may be told, by its own clock: over both clock changes, overseas and across midnight."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.people.wishes import (
    DEFAULT_PROFILE,
    Profile,
    QuietHours,
    day_bounds,
    is_quiet,
    local_day,
    local_instant,
    quiet_ends_at,
)

NIGHT = QuietHours(time(22), time(7))
SIESTA = QuietHours(time(12, 30), time(14))
PARIS = "Europe/Paris"
SPRING = date(2026, 3, 29)
"""In Paris the clock jumps from 02:00 to 03:00 (01:00 UTC)."""
AUTUMN = date(2026, 10, 25)
"""In Paris the clock goes back from 03:00 to 02:00 (01:00 UTC)."""
ZONES = (
    PARIS,
    "Indian/Reunion",
    "America/Martinique",
    "America/Cayenne",
    "Pacific/Noumea",
    "Pacific/Marquesas",  # at a half hour
    "America/Miquelon",  # changes its clock by other dates than Paris
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Havana",  # skips and repeats midnight
    "Africa/Cairo",
)
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
MOMENTS = st.one_of(
    st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - as it wants them
    # near the clock changes of Paris, where errors hide
    st.builds(
        lambda day, minutes: datetime.combine(day, time(), tzinfo=UTC) + timedelta(minutes=minutes),
        st.sampled_from([SPRING, AUTUMN]),
        st.integers(-36 * 60, 36 * 60),
    ),
)
QUIETS = st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: QuietHours(*pair))
PROFILES = st.builds(
    Profile,
    zone=st.sampled_from(ZONES),
    quiet=st.none() | QUIETS,
    brief_at=MINUTES,
    cap_per_day=st.integers(1, 10),
    cap_per_week=st.integers(1, 50),
    alerts_pass_quiet=st.booleans(),
)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def paris(*parts, fold=0):
    return datetime(*parts, tzinfo=ZoneInfo(PARIS), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"),
    [(21, 59, False), (22, 0, True), (23, 59, True), (0, 0, True), (6, 59, True), (7, 0, False), (12, 0, False)],
)
def test_quiet_hours_cross_midnight_with_their_start_and_without_their_end(hour, minute, quiet):
    assert is_quiet(paris(2026, 11, 22, hour, minute), NIGHT, zone=PARIS) is quiet


@pytest.mark.parametrize(("hour", "minute", "quiet"), [(12, 29, False), (12, 30, True), (13, 59, True), (14, 0, False)])
def test_quiet_hours_within_a_day(hour, minute, quiet):
    assert is_quiet(paris(2026, 11, 22, hour, minute), SIESTA, zone=PARIS) is quiet


@pytest.mark.parametrize(
    ("zone", "quiet"),
    [(PARIS, True), ("Indian/Reunion", True), ("America/Martinique", False), ("Pacific/Noumea", False)],
)
def test_the_clock_of_the_zone_decides(zone, quiet):
    assert is_quiet(utc(2026, 11, 22, 21, 40), NIGHT, zone=zone) is quiet


def test_the_hour_repeated_in_autumn_is_quiet_both_times():
    late = QuietHours(time(2), time(3))
    assert [is_quiet(paris(2026, 10, 25, 2, 30, fold=fold), late, zone=PARIS) for fold in (0, 1)] == [True, True]


def test_quiet_hours_that_start_when_they_end_are_refused():
    with pytest.raises(ValueError, match="another time"):
        QuietHours(time(22), time(22))


def test_what_is_not_quiet_waits_for_nothing():
    noon = paris(2026, 11, 22, 12)
    assert quiet_ends_at(noon, NIGHT, zone=PARIS) == noon


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (paris(2026, 11, 22, 22), paris(2026, 11, 23, 7)),
        (paris(2026, 11, 23, 6, 59), paris(2026, 11, 23, 7)),
        (paris(2026, 12, 31, 23, 59), paris(2027, 1, 1, 7)),
        # The night of the spring is an hour shorter, that of the autumn an hour longer.
        (paris(2026, 3, 28, 22), utc(2026, 3, 29, 5)),
        (paris(2026, 10, 24, 22), utc(2026, 10, 25, 6)),
    ],
)
def test_the_night_ends_when_the_local_clock_says_so(at, ends):
    assert quiet_ends_at(at, NIGHT, zone=PARIS) == ends


def test_an_end_that_the_spring_skips_is_the_jump_itself():
    assert quiet_ends_at(paris(2026, 3, 29, 1), QuietHours(time(22), time(2, 30)), zone=PARIS) == utc(2026, 3, 29, 1)


def test_an_end_in_the_repeated_hour_comes_twice():
    late = QuietHours(time(22), time(2, 30))
    assert quiet_ends_at(paris(2026, 10, 25, 1), late, zone=PARIS) == paris(2026, 10, 25, 2, 30, fold=0)
    assert quiet_ends_at(paris(2026, 10, 25, 2, 10, fold=1), late, zone=PARIS) == paris(2026, 10, 25, 2, 30, fold=1)


def test_quiet_hours_that_start_in_the_repeated_hour_end_when_the_clock_goes_back():
    late = QuietHours(time(2, 30), time(7))
    assert quiet_ends_at(paris(2026, 10, 25, 2, 45, fold=0), late, zone=PARIS) == utc(2026, 10, 25, 1)


@settings(deadline=None)
@given(at=MOMENTS, quiet=QUIETS, zone=st.sampled_from(ZONES))
def test_quiet_ends_at_the_first_minute_that_is_not_quiet(at, quiet, zone):
    at = at.replace(second=0, microsecond=0)  # clocks change at whole minutes, quiet hours end at them
    walked = at
    while is_quiet(walked, quiet, zone=zone):
        walked += timedelta(minutes=1)
    assert quiet_ends_at(at, quiet, zone=zone) == walked


@given(at=MOMENTS, quiet=QUIETS, zone=st.sampled_from(ZONES))
def test_what_ends_is_never_quiet_nor_earlier(at, quiet, zone):
    ends = quiet_ends_at(at, quiet, zone=zone)
    assert ends.tzinfo is UTC
    assert ends >= at
    assert not is_quiet(ends, quiet, zone=zone)


def test_a_local_time_is_an_instant():
    assert local_instant(date(2026, 11, 22), time(7, 15), zone=PARIS) == utc(2026, 11, 22, 6, 15)
    assert local_instant(date(2026, 11, 22), time(7, 15), zone="Indian/Reunion") == utc(2026, 11, 22, 3, 15)


def test_a_time_that_the_spring_skips_stands_for_the_first_instant_after_the_gap():
    assert local_instant(SPRING, time(2, 30), zone=PARIS) == utc(2026, 3, 29, 1)
    assert local_instant(SPRING, time(3), zone=PARIS) == utc(2026, 3, 29, 1)


def test_a_time_that_the_autumn_repeats_stands_for_its_first():
    assert local_instant(AUTUMN, time(2, 30), zone=PARIS) == utc(2026, 10, 25, 0, 30)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 11, 22), 24)])
def test_a_day_is_as_long_as_its_clock_makes_it(day, hours):
    start, end = day_bounds(day, zone=PARIS)
    assert end - start == timedelta(hours=hours)


def test_a_day_whose_midnight_is_skipped_starts_after_the_gap():
    start, _ = day_bounds(date(2026, 3, 8), zone="America/Havana")
    assert start.astimezone(ZoneInfo("America/Havana")).time() == time(1)


def test_a_day_that_an_island_left_out_is_empty():
    start, end = day_bounds(date(2011, 12, 30), zone="Pacific/Apia")
    assert start == end == utc(2011, 12, 30, 10)


def test_the_local_day_is_that_of_the_zone():
    at = utc(2026, 11, 22, 23, 30)
    zones = (PARIS, "America/Martinique", "Pacific/Noumea")
    assert [local_day(at, zone=zone).day for zone in zones] == [23, 22, 23]


@given(at=MOMENTS, zone=st.sampled_from(ZONES))
def test_a_moment_lies_in_the_bounds_of_its_day_and_of_no_other(at, zone):
    day = local_day(at, zone=zone)
    start, end = day_bounds(day, zone=zone)
    assert start <= at < end
    assert local_day(start, zone=zone) == day
    assert local_day(end, zone=zone) == day + timedelta(days=1)


@given(profile=PROFILES)
def test_a_profile_is_read_back_from_its_key(profile):
    assert Profile.from_key(profile.key) == profile
    assert len(profile.key) <= 100


@given(one=PROFILES, other=PROFILES)
def test_two_profiles_share_a_key_only_when_they_are_the_same(one, other):
    assert (one.key == other.key) == (one == other)


def test_the_default_profile_is_kept_as_readable_text():
    assert DEFAULT_PROFILE.key == "Europe/Paris 22:00-07:00 07:15 3/10 hold"


@pytest.mark.parametrize(
    "key", ["", "Europe/Paris", "Europe/Paris never 07:15 3/10 perhaps", "Europe/Paris x 07:15 3/10 hold"]
)
def test_a_key_that_no_profile_wrote_is_refused(key):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Profile.from_key(key)
