"""Episodes: thresholds by date, tiers of a day, persistence, exceedances hour by hour."""

import csv
import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.air.episode_rules import (
    EU_2024,
    FRANCE,
    UNKNOWN_AFTER_HOURS,
    table_for,
    tier_of_day,
    tier_of_mean,
    watching,
    with_persistence,
)
from citizen_api.sources.air_records import POLLUTANTS
from content.hazards import TIERS
from tests.shared_data import shared_file

MIDNIGHT = datetime(2023, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIERS_OR_NONE = st.sampled_from((None, *TIERS))
HOURLY = st.lists(st.none() | st.floats(0, 500), min_size=24, max_size=24)


def make_day(*values, rest=10.0):
    """A day's hours: `values`, then `rest`."""
    return [*values, *[rest] * (24 - len(values))]


def make_hours(*values):
    return [(MIDNIGHT + n * HOUR, value) for n, value in enumerate(values, 1)]


def make_state(*values, bound=200.0):
    state = watching(bound)
    for ends_at, value in make_hours(*values):
        state = state.step(ends_at, value)
    return state


def exceedances(hourly, **wished):
    """Every exceedance of hours, each as it was left; the last may be open."""
    state, found = watching(**wished), {}
    for ends_at, value in hourly:
        state = state.step(ends_at, value)
        if state.exceedance is not None:
            found[state.exceedance.opened_at] = state.exceedance
    return list(found.values())


# --- Which law ---------------------------------------------------------------------------------------------


def test_the_european_thresholds_hold_from_the_day_of_the_switch_on():
    assert table_for(date(2026, 12, 10)) is FRANCE
    assert table_for(date(2026, 12, 11)) is EU_2024


def test_a_city_may_be_told_another_day_for_the_switch():
    assert table_for(date(2026, 12, 11), switch_on=date(2027, 3, 1)) is FRANCE
    assert table_for(date(2027, 3, 1), switch_on=date(2027, 3, 1)) is EU_2024


@pytest.mark.parametrize("table", [FRANCE, EU_2024], ids=lambda table: table.name)
def test_no_alert_begins_below_the_information_tier(table):
    assert set(table.thresholds) <= set(POLLUTANTS)
    assert all(known.information_ug_m3 <= known.alert_ug_m3 for known in table.thresholds.values())
    assert table.source


# --- The tier of a day -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "pollutant", "hourly", "tier"),
    [
        (FRANCE, "o3", make_day(180.0), None),
        (FRANCE, "o3", make_day(180.1), "information"),
        (FRANCE, "o3", make_day(240.1), "alert"),
        (FRANCE, "no2", make_day(200.1), "information"),
        (FRANCE, "no2", make_day(401.0, 401.0), "information"),
        (FRANCE, "no2", make_day(401.0, 401.0, 401.0), "alert"),
        (FRANCE, "no2", make_day(401.0, 401.0, 10.0, 401.0), "information"),
        (FRANCE, "no2", make_day(401.0, None, 401.0, 401.0), "information"),
        (FRANCE, "so2", make_day(301.0), "information"),
        (FRANCE, "so2", make_day(501.0, 501.0, 501.0), "alert"),
        (FRANCE, "pm10", make_day(rest=50.0), None),
        (FRANCE, "pm10", make_day(rest=50.1), "information"),
        (FRANCE, "pm10", make_day(rest=80.1), "alert"),
        (FRANCE, "pm25", make_day(rest=200.0), None),
        (EU_2024, "no2", make_day(150.1), "information"),
        (EU_2024, "no2", make_day(201.0, 201.0, 201.0), "alert"),
        (EU_2024, "so2", make_day(276.0), "information"),
        (EU_2024, "so2", make_day(351.0, 351.0, 351.0), "alert"),
        (EU_2024, "o3", make_day(240.1), "alert"),
        (EU_2024, "pm10", make_day(rest=90.0), None),
        (EU_2024, "pm10", make_day(rest=90.1), "alert"),
        (EU_2024, "pm25", make_day(rest=50.1), "alert"),
    ],
)
def test_a_day_reaches_the_tier_whose_threshold_it_exceeds(table, pollutant, hourly, tier):
    assert tier_of_day(table, pollutant, hourly) == tier


def test_three_consecutive_hours_may_cross_midnight():
    assert tier_of_day(FRANCE, "no2", make_day(401.0), before=[401.0, 401.0]) == "alert"
    assert tier_of_day(FRANCE, "no2", make_day(401.0), before=[401.0, 10.0]) == "information"
    assert tier_of_day(FRANCE, "no2", make_day(401.0, 401.0), before=[401.0]) == "alert"


@pytest.mark.parametrize("pollutant", ["no2", "o3"])
def test_hours_of_the_day_before_make_no_episode_of_a_clean_day(pollutant):
    assert tier_of_day(FRANCE, pollutant, make_day(), before=[500.0] * 5) is None


def test_a_day_of_which_too_little_is_known_has_no_tier():
    assert tier_of_day(FRANCE, "pm10", [None] * 7 + [500.0] * 17) is None
    assert tier_of_day(FRANCE, "o3", [None] * 24) is None


def test_what_is_no_pollutant_of_the_law_has_no_tier():
    assert tier_of_day(FRANCE, "nox", make_day(rest=900.0)) is None
    assert tier_of_mean(FRANCE, "nox", 900.0) is None


@pytest.mark.parametrize(("mean", "tier"), [(None, None), (math.nan, None), (50.0, None), (51.0, "information")])
def test_a_forecast_mean_is_judged_like_a_measured_one(mean, tier):
    assert tier_of_mean(FRANCE, "pm10", mean) == tier


def test_a_daily_mean_tells_nothing_of_a_pollutant_that_is_judged_by_the_hour():
    assert tier_of_mean(FRANCE, "o3", 500.0) is None


@given(st.sampled_from((FRANCE, EU_2024)), st.sampled_from(POLLUTANTS), HOURLY, st.floats(0, 400))
def test_worse_air_never_lowers_the_tier(table, pollutant, hourly, more):
    worse = [None if value is None else value + more for value in hourly]
    ranks = [
        0 if tier is None else 1 + TIERS.index(tier)
        for tier in (tier_of_day(table, pollutant, hourly), tier_of_day(table, pollutant, worse))
    ]
    assert ranks == sorted(ranks)


# --- Persistence -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pollutant", "yesterday", "today", "tomorrow", "expected"),
    [
        ("pm10", None, "information", None, ("information", False)),
        ("pm10", "information", "information", None, ("alert", True)),
        ("pm10", None, "information", "information", ("alert", True)),
        ("o3", None, "information", "alert", ("alert", True)),
        ("pm10", "information", None, "information", (None, False)),
        ("pm10", "alert", "alert", "alert", ("alert", False)),
        ("no2", "information", "information", None, ("information", False)),
        ("no2", None, "information", "information", ("information", False)),
        ("no2", "information", "information", "information", ("alert", True)),
        ("so2", "information", "information", "information", ("information", False)),
        ("nox", "information", "information", "information", ("information", False)),
    ],
)
def test_an_episode_that_lasts_becomes_an_alert(pollutant, yesterday, today, tomorrow, expected):
    assert with_persistence(FRANCE, pollutant, yesterday=yesterday, today=today, tomorrow=tomorrow) == expected


@given(st.sampled_from(POLLUTANTS), TIERS_OR_NONE, TIERS_OR_NONE, TIERS_OR_NONE)
def test_persistence_makes_no_episode_of_a_day_without_one_and_lowers_none(pollutant, yesterday, today, tomorrow):
    tier, lasts = with_persistence(FRANCE, pollutant, yesterday=yesterday, today=today, tomorrow=tomorrow)
    assert (tier is None) == (today is None)
    assert lasts == (tier != today)


# --- Exceedances -------------------------------------------------------------------------------------------


def test_an_exceedance_opens_at_the_bound_and_remembers_its_first_peak():
    (found,) = exceedances(make_hours(199.9, 200.0, 250.0, 250.0, 190.0), bound=200)
    assert (found.opened_at, found.peak_at, found.peak) == (MIDNIGHT + 2 * HOUR, MIDNIGHT + 3 * HOUR, 250.0)
    assert found.closed_at is None


def test_it_closes_after_three_consecutive_hours_below_nine_tenths():
    (found,) = exceedances(make_hours(210.0, 179.9, 179.9, 180.0, 179.9, 179.9, 179.9, 50.0), bound=200)
    assert found.closed_at == MIDNIGHT + 7 * HOUR


def test_where_it_clears_may_be_told():
    (found,) = exceedances(make_hours(210.0, 99.0), bound=200, clear_below=100, clear_hours=1)
    assert found.closed_at == MIDNIGHT + 2 * HOUR


def test_after_it_closed_another_may_open():
    first, second = exceedances(make_hours(210.0, 1.0, 1.0, 1.0, 150.0, 300.0), bound=200)
    assert first.closed_at < second.opened_at
    assert second.peak == pytest.approx(300.0)


@pytest.mark.parametrize("missing", [None, math.nan, -40.0, 20_000.0])
def test_a_missing_hour_neither_opens_nor_closes(missing):
    assert make_state(150.0, missing).exceedance is None
    assert make_state(210.0, 100.0, 100.0, missing).is_open
    assert not make_state(210.0, 100.0, 100.0, missing, 100.0).is_open


def test_after_six_missing_hours_nothing_is_known_and_what_was_open_is_not_said_to_be_closed():
    state = make_state(210.0, 100.0, 100.0, *[None] * (UNKNOWN_AFTER_HOURS - 1))
    assert state.is_known
    state = make_state(210.0, 100.0, 100.0, *[None] * UNKNOWN_AFTER_HOURS)
    assert (state.is_known, state.is_open) == (False, True)


def test_after_six_missing_hours_the_first_known_hour_decides_whether_it_is_still_open():
    unknown = (210.0, *[None] * UNKNOWN_AFTER_HOURS)
    assert not make_state(*unknown, 100.0).is_open
    still = make_state(*unknown, 190.0)
    assert (still.is_known, still.is_open) == (True, True)
    assert make_state(*unknown, 190.0, 100.0, 100.0).is_open


def test_hours_that_are_left_out_are_missing_hours():
    state = watching(200.0).step(MIDNIGHT, 210.0)
    assert not state.step(MIDNIGHT + 7 * HOUR, None).is_known
    assert state.step(MIDNIGHT + 6 * HOUR, None).hours_missing == UNKNOWN_AFTER_HOURS
    assert state.step(MIDNIGHT + 5 * HOUR, None).is_known


def test_before_the_first_hour_nothing_is_known():
    assert not watching(200.0).is_known
    assert watching(200.0).step(MIDNIGHT, 10.0).is_known


@pytest.mark.parametrize("hours", [0, -1])
def test_hours_out_of_their_order_are_refused(hours):
    with pytest.raises(ValueError, match="in their order"):
        watching(200.0).step(MIDNIGHT, 10.0).step(MIDNIGHT + hours * HOUR, 10.0)


@given(st.lists(st.none() | st.floats(0, 400), max_size=60))
def test_exceedances_follow_each_other_and_hold_what_they_say(values):
    hourly = make_hours(*values)
    known = dict(hourly)
    found = exceedances(hourly, bound=200)
    for exceedance in found:
        closed_at = exceedance.closed_at or hourly[-1][0]
        inside = [value for at, value in hourly if value is not None and exceedance.opened_at <= at <= closed_at]
        assert known[exceedance.opened_at] >= 200
        assert known[exceedance.peak_at] == exceedance.peak == max(inside)
    assert all(one.closed_at is not None and one.closed_at < other.opened_at for one, other in pairwise(found))


@given(st.lists(st.none() | st.floats(0, 400), min_size=1, max_size=40), st.data())
def test_what_comes_later_changes_nothing_of_what_was_known(values, data):
    cut = data.draw(st.integers(0, len(values)))
    state = make_state(*values[:cut])
    later = state
    for ends_at, value in make_hours(*values)[cut:]:
        later = later.step(ends_at, value)
    assert state == make_state(*values[:cut])
    assert later == make_state(*values)


def test_in_february_2023_nitrogen_oxides_passed_200_in_paris_on_the_8th_at_22_utc():
    with shared_file("air/airparif/2023_NOX.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines) if row and row[0].startswith("2023-02")]
    hourly = []
    for moment, *stations in rows:
        known = [float(value) for value in stations if value and float(value) >= 0]
        hourly.append((datetime.fromisoformat(moment), median(known) if known else None))
    first = exceedances(hourly, bound=200)[0]
    assert first.opened_at == datetime(2023, 2, 8, 22, tzinfo=UTC)
    assert dict(hourly)[first.opened_at] == pytest.approx(203.2)
    assert first.peak_at == datetime(2023, 2, 9, 9, tzinfo=UTC)
    assert first.peak == pytest.approx(382.0, abs=0.1)
