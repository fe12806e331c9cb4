"""Indices, means, windows and freshness of the air: bounds, what is missing, clock changes, overseas."""

import csv
import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from citizen_api.air.rules import (
    ATMO,
    EAQI_2017,
    EAQI_REVISED,
    Freshness,
    Mean,
    Standing,
    age_s,
    air_index,
    daily_max,
    daily_mean,
    freshness,
    mean_so_far,
    plausible,
    reading_freshness,
    running_mean_24h,
    speaks_for_neighbourhood,
    standing,
    sub_index,
    utc_day,
    worst,
)
from citizen_api.people.wishes import day_bounds
from citizen_api.sources.air_records import POLLUTANTS
from citizen_api.territory.clocks import zone_of
from tests.shared_data import shared_file

TABLES = (ATMO, EAQI_2017, EAQI_REVISED)
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = st.lists(st.none() | st.floats(-20, 12_000) | st.just(math.nan), max_size=30)
ZONES = [zone_of(code).key for code in ("75", "971", "973", "974", "975", "976", "98731", "986", "988")]


def make_hours(*, known, of=24, value=10.0):
    return [value] * known + [None] * (of - known)


# --- Indices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("pollutant", POLLUTANTS)
def test_a_bound_belongs_to_the_class_below_it(table, pollutant):
    bounds = table.bounds[pollutant]
    assert [sub_index(table, pollutant, bound) for bound in bounds] == [1, 2, 3, 4, 5]
    assert [sub_index(table, pollutant, math.nextafter(bound, math.inf)) for bound in bounds] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_says_of_each_pollutant_of_the_index_how_it_is_averaged_and_where_it_comes_from(table):
    assert set(table.bounds) == set(table.averaging) == set(POLLUTANTS)
    assert all(list(bounds) == sorted(set(bounds)) for bounds in table.bounds.values())
    assert table.source


def test_the_european_index_judges_particles_over_24_hours_before_its_revision_and_by_the_hour_since():
    assert EAQI_2017.averaging["pm10"] == "running_mean_24h"
    assert set(EAQI_REVISED.averaging.values()) == {"hourly"}


@given(st.sampled_from(TABLES), st.sampled_from(POLLUTANTS), st.floats(0, 9_999), st.floats(0, 9_999))
def test_a_higher_concentration_never_gives_a_lower_class(table, pollutant, one, other):
    low, high = sorted((one, other))
    assert 1 <= sub_index(table, pollutant, low) <= sub_index(table, pollutant, high) <= 6


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1.1, -50.0, 10_000.0, 1e9])
def test_what_is_missing_or_absurd_has_no_class(value):
    assert sub_index(ATMO, "pm10", value) is None


@pytest.mark.parametrize("value", [-1.0, -0.6, -0.0, 0.0])
def test_the_noise_of_clean_air_is_clean_air(value):
    assert sub_index(ATMO, "pm25", value) == 1


def test_nitrogen_oxides_are_never_taken_for_nitrogen_dioxide():
    assert sub_index(ATMO, "nox", 382.0) is None
    assert air_index(ATMO, {"nox": 382.0, "no": 200.0, "co": 1.0}).level is None


def test_the_worst_pollutant_makes_the_index():
    result = air_index(ATMO, {"pm25": 22.0, "pm10": 30.0, "no2": 41.0, "o3": 20.0, "so2": 2.0})
    assert (result.level, result.driver, result.missing) == (3, "pm25", ())
    assert result.levels == {"pm25": 3, "pm10": 2, "no2": 2, "o3": 1, "so2": 1}


def test_of_equally_bad_pollutants_the_one_that_harms_most_is_named_first():
    result = air_index(ATMO, {"so2": 300.0, "o3": 120.0, "pm10": 45.0})
    assert (result.drivers, result.driver) == (("pm10", "o3", "so2"), "pm10")


def test_an_index_says_which_pollutants_it_does_not_know():
    result = air_index(ATMO, {"no2": 10.0, "o3": None, "pm10": math.nan})
    assert (result.level, result.missing) == (1, ("pm25", "pm10", "o3", "so2"))


def test_an_index_of_nothing_is_unknown_and_not_good():
    result = air_index(ATMO, {})
    assert (result.level, result.driver, result.drivers, result.levels) == (None, None, (), {})
    assert result.missing == POLLUTANTS


def test_published_sub_indices_make_an_index_too():
    assert worst({"no2": 2, "pm25": 3, "nox": 6}).driver == "pm25"


@given(
    st.dictionaries(st.sampled_from(POLLUTANTS), st.none() | st.floats(-5, 12_000)),
    st.sampled_from(POLLUTANTS),
    st.floats(0, 9_999),
)
def test_learning_one_more_concentration_never_lowers_the_index(known, pollutant, value):
    before = air_index(ATMO, {key: given for key, given in known.items() if key != pollutant})
    after = air_index(ATMO, known | {pollutant: value})
    assert after.level >= (before.level or 0)
    assert set(after.levels) | set(after.missing) == set(POLLUTANTS)


# --- Means -------------------------------------------------------------------------------------------------


def test_a_daily_mean_needs_three_quarters_of_its_hours():
    assert daily_mean(make_hours(known=17)) is None
    assert daily_mean(make_hours(known=18)) == Mean(value_ug_m3=10.0, hours=18)


def test_a_missing_hour_is_not_a_clean_one():
    assert daily_mean([*[30.0] * 18, *[math.nan] * 6]).value_ug_m3 == pytest.approx(30.0)


def test_the_mean_of_a_day_that_is_still_running_says_so():
    assert mean_so_far([10.0, 20.0, None, 30.0]) == Mean(value_ug_m3=20.0, hours=3, complete=False)


@pytest.mark.parametrize("hourly", [[], [None], [None, 20.0], [10.0, 20.0, None, None]])
def test_too_few_hours_make_no_mean_of_a_running_day(hourly):
    assert mean_so_far(hourly) is None


def test_a_running_mean_is_of_the_last_24_hours_only():
    assert running_mean_24h([1_000.0] * 24 + [10.0] * 24) == Mean(value_ug_m3=10.0, hours=24)
    assert running_mean_24h([10.0] * 30 + [None] * 7) is None


def test_the_maximum_of_a_day_is_its_worst_known_hour():
    assert daily_max([None, 12.0, 90.0, math.nan, 20_000.0]) == pytest.approx(90.0)
    assert daily_max([None, math.nan]) is None
    assert daily_max([]) is None


@given(HOURLY)
@example([None] * 24)
def test_a_mean_lies_between_the_known_values_and_is_none_without_them(hourly):
    known = [value for value in map(plausible, hourly) if value is not None]
    for mean in (daily_mean(hourly), mean_so_far(hourly)):
        if mean is not None:
            assert min(known) - 1e-9 <= mean.value_ug_m3 <= max(known) + 1e-9
            assert mean.hours == len(known)
    if not known:
        assert daily_mean(hourly) is mean_so_far(hourly) is daily_max(hourly) is None


def test_the_hour_that_ends_at_midnight_utc_is_the_last_of_its_day():
    assert utc_day(datetime(2023, 9, 19, 0, tzinfo=UTC)) == date(2023, 9, 18)
    assert utc_day(datetime(2023, 9, 19, 1, tzinfo=UTC)) == date(2023, 9, 19)
    assert utc_day(datetime.fromisoformat("2023-09-19T02:00+02:00")) == date(2023, 9, 18)


def test_the_background_station_of_montpellier_had_42_ug_m3_of_pm10_on_18_september_2023():
    file = shared_file("air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        hourly = [
            float(row["valeur"])
            for row in csv.DictReader(lines)
            if (row["nom_poll"], row["influence"]) == ("PM10", "Fond")
            and utc_day(datetime.fromisoformat(row["date_fin"].replace("/", "-"))) == date(2023, 9, 18)
        ]
    mean = daily_mean(hourly)
    assert (round(mean.value_ug_m3), mean.hours) == (42, 24)
    assert sub_index(ATMO, "pm10", mean.value_ug_m3) == 3


# --- What holds when ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "zone", "start", "hours"),
    [
        ("2026-01-06", "Europe/Paris", "2026-01-05T23:00Z", 24),
        ("2026-03-29", "Europe/Paris", "2026-03-28T23:00Z", 23),
        ("2026-10-25", "Europe/Paris", "2026-10-24T22:00Z", 25),
        ("2026-10-25", "Indian/Reunion", "2026-10-24T20:00Z", 24),
        ("2026-03-08", "America/Miquelon", "2026-03-08T03:00Z", 23),
        ("2026-01-06", "Pacific/Wallis", "2026-01-05T12:00Z", 24),
        ("2026-01-06", "Pacific/Marquesas", "2026-01-06T09:30Z", 24),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_there(day, zone, start, hours):
    starts_at, ends_at = day_bounds(date.fromisoformat(day), zone=zone)
    assert starts_at == datetime.fromisoformat(start)
    assert ends_at - starts_at == timedelta(hours=hours)


@given(st.dates(date(2021, 1, 1), date(2035, 12, 30)), st.sampled_from(ZONES))
@example(date(2026, 3, 29), "Europe/Paris")
@example(date(2026, 10, 25), "Europe/Paris")
@example(date(2026, 11, 1), "America/Miquelon")
def test_days_follow_each_other_without_gap_or_overlap(day, zone):
    starts_at, ends_at = day_bounds(day, zone=zone)
    assert ends_at == day_bounds(day + timedelta(days=1), zone=zone)[0]
    assert timedelta(hours=23) <= ends_at - starts_at <= timedelta(hours=25)
    assert starts_at.utcoffset() == ends_at.utcoffset() == timedelta(0)


@given(st.dates(date(2025, 1, 1), date(2030, 1, 1)), st.sampled_from(ZONES), st.integers(-4_000, 4_000))
def test_an_index_is_current_on_its_own_day_only(day, zone, minutes):
    starts_at, ends_at = day_bounds(day, zone=zone)
    at = starts_at + timedelta(minutes=minutes)
    state = freshness("index", starts_at=starts_at, ends_at=ends_at, published_at=starts_at, at=at).state
    assert (state == "current") == (starts_at <= at < ends_at)
    assert state == "coming" if at < starts_at else state in {"current", "over"}


@pytest.mark.parametrize("kind", ["index", "episode", "forecast", "vigilance"])
def test_at_the_end_of_its_window_everything_is_over(kind):
    found = freshness(kind, starts_at=NOON - 24 * HOUR, ends_at=NOON, published_at=NOON - HOUR, at=NOON)
    assert found == Freshness("over", 3_600)


@pytest.mark.parametrize(
    ("kind", "published_h_ago", "state"),
    [
        ("vigilance", 30, "current"),
        ("vigilance", 31, "stale"),
        ("forecast", 36, "current"),
        ("forecast", 37, "stale"),
        ("index", 60, "current"),
        ("episode", 60, "current"),
        ("index", None, "current"),
        ("vigilance", None, "stale"),
    ],
)
def test_inside_its_window_a_fact_is_believed_for_as_long_as_its_kind_is(kind, published_h_ago, state):
    published_at = None if published_h_ago is None else NOON - published_h_ago * HOUR
    found = freshness(kind, starts_at=NOON, ends_at=NOON + HOUR, published_at=published_at, at=NOON)
    assert found == Freshness(state, None if published_h_ago is None else published_h_ago * 3_600)


def test_a_warning_that_became_too_old_is_not_even_coming():
    found = freshness(
        "vigilance", starts_at=NOON + HOUR, ends_at=NOON + 9 * HOUR, published_at=NOON - 31 * HOUR, at=NOON
    )
    assert found.state == "stale"


@pytest.mark.parametrize(
    ("minutes", "state"), [(-1, "coming"), (0, "current"), (180, "current"), (181, "stale"), (1_440, "stale")]
)
def test_a_measured_hour_is_now_for_three_hours(minutes, state):
    assert reading_freshness(NOON, NOON + timedelta(minutes=minutes)) == Freshness(state, max(0, minutes * 60))


def test_an_age_is_never_negative_nor_rounded_up():
    assert age_s(NOON, NOON - HOUR) == 0
    assert age_s(NOON, NOON + timedelta(seconds=1, microseconds=999_999)) == 1


# --- Whose air it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("influence", "speaks"), [("background", True), ("traffic", False), ("industrial", False), (None, False)]
)
def test_only_a_background_station_speaks_for_a_neighbourhood(influence, speaks):
    assert speaks_for_neighbourhood(influence) is speaks


@pytest.mark.parametrize(
    ("distance_m", "said_m"), [(None, None), (0.0, 100), (149.0, 100), (1_234.0, 1_200), (25_000.0, 25_000)]
)
def test_a_distance_is_told_to_a_hundred_metres_and_only_where_a_position_is_known(distance_m, said_m):
    assert standing(distance_m, "background") == Standing(said_m, "background")
