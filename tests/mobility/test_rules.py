"""Every formula of moving, breathing and burning, on the figures of FACTS, "Active mobility"."""

from math import inf, isclose
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.mobility import rules
from citizen_api.mobility.local_factors import read_table
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.rules import MODES, VEHICLES

WALK, BIKE, EBIKE = MODES["walk"], MODES["bike"], MODES["ebike"]


# --- Breathing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "ug"),
    [(BIKE, 38.25), (WALK, 11.3025), (VEHICLES["car"], 11.41875), (VEHICLES["bus"], 8.67825)],
    ids=["bike", "walk", "car", "bus"],
)
def test_half_an_hour_at_15_ug_m3_is_the_dose_of_the_table(mode, ug):
    assert isclose(rules.dose_ug(15.0, mode=mode, hours=0.5), ug)


def test_the_air_costs_a_second_lambda_times_what_is_breathed_against_the_reference():
    assert isclose(rules.air_price(30.0, pollutant="pm25", mode=WALK, weight=2.0), 2 * 1.1 * 1.37 * 30 / 15)


def test_a_street_without_a_wish_for_clean_air_costs_its_time():
    assert rules.exposure_cost_s(60, 200, pollutant="no2", mode=BIKE, weight=0) == 60


def test_a_street_in_the_air_of_the_reference_costs_its_time_and_what_is_breathed():
    cost_s = rules.exposure_cost_s(60, 25, pollutant="no2", mode=BIKE, weight=0.5)
    assert isclose(cost_s, 60 * (1 + 0.5 * 2.0 * 2.55))


def test_every_pollutant_of_streets_has_a_reference_of_the_who():
    assert rules.REFERENCES_UG_M3 == {"no2": 25, "pm25": 15, "pm10": 45, "o3": 100}


# --- Burning -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "minutes"), [(WALK, 105), (BIKE, 204), (EBIKE, 120)])
def test_met_minutes_of_half_an_hour_take_a_motor_to_help_as_much_as_it_can(mode, minutes):
    assert isclose(rules.met_minutes(mode, minutes=30), minutes)


def test_an_hour_on_foot_burns_what_adults_of_60_to_80_kg_burn():
    assert rules.kcal_range(WALK, hours=1) == (210, 280)


def test_the_range_of_an_electric_bicycle_goes_from_much_help_to_little():
    assert rules.kcal_range(EBIKE, hours=1) == (4.0 * 60, 6.0 * 80)


@pytest.mark.parametrize(("mode", "vigorous"), [(WALK, False), (BIKE, True), (EBIKE, False)])
def test_an_activity_is_vigorous_from_6_met_on_whatever_a_motor_does(mode, vigorous):
    assert rules.is_vigorous(mode) is vigorous


@pytest.mark.parametrize(("mode", "share"), [(WALK, 0.2), (BIKE, 0.4), (EBIKE, 0.2)])
def test_vigorous_minutes_count_twice_in_the_week_of_the_who(mode, share):
    assert isclose(rules.week_share(mode, minutes=30), share)


# --- Climate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "g_km"),
    [
        ("thermal_car", 142.3),
        ("electric_car", 67.4),
        ("thermal_bus", 122.4),
        ("metro", 4.4),
        ("tram", 4.3),
        ("rer", 9.8),
        ("walk", 0.0),
        ("bike", 0.2),
        ("ebike", 10.9),
        ("escooter", 24.9),
    ],
)
def test_a_kilometre_emits_what_ademe_says_for_use_and_making(means, g_km):
    assert isclose(rules.CO2E[means].g_km, g_km)


@pytest.mark.parametrize(("mode", "grams"), [(WALK, 284.6), (BIKE, 284.2), (EBIKE, 262.8)])
def test_two_kilometres_save_the_difference_to_a_thermal_car(mode, grams):
    assert isclose(rules.co2e_saved_g(mode, distance_m=2_000), grams)


# --- Tainio 2016 -------------------------------------------------------------------------------------------


def test_a_week_at_rest_breathes_sleep_and_rest():
    assert isclose(rules.week_dose_ug(10), 10 * 7 * (0.27 * 8 + 0.609 * 16))


def test_a_week_with_an_hour_of_cycling_a_day_breathes_more_in_that_hour():
    more = rules.active_week_dose_ug(10, mode=BIKE, hours=1) - rules.week_dose_ug(10)
    assert isclose(more, 10 * 7 * (2.55 * 2.0 - 0.609))


def test_the_equivalent_change_is_the_air_at_rest_that_gives_the_same_dose():
    change = rules.equivalent_change_ug_m3(22, mode=BIKE, hours=1)
    assert isclose(rules.week_dose_ug(22 + change), rules.active_week_dose_ug(22, mode=BIKE, hours=1))


def test_clean_air_changes_nothing():
    assert rules.equivalent_change_ug_m3(0, mode=BIKE, hours=1) == 0


def test_ten_ug_m3_more_are_seven_per_cent_more_risk():
    assert isclose(rules.air_risk(10), 1.07)


@pytest.mark.parametrize(("mode", "rr"), [(WALK, 0.90), (BIKE, 0.87)])
def test_the_risk_of_an_activity_is_that_of_the_table_at_eleven_and_a_quarter_met_hours_a_week(mode, rr):
    assert isclose(rules.activity_risk(mode, hours=11.25 / 7 / mode.met), rr)


@pytest.mark.parametrize(
    ("concentration", "mode", "hours", "total"),
    [
        (10, BIKE, 0.5, 0.8271),
        (10, WALK, 0.5, 0.8982),
        (22, BIKE, 1, 0.7943),
        (22, WALK, 1, 0.8657),
        (100, BIKE, 0.5, 0.9278),
        (100, BIKE, 2, 1.1112),
    ],
)
def test_air_and_activity_together_are_the_totals_of_the_table(concentration, mode, hours, total):
    assert round(rules.total_risk(concentration, mode=mode, hours=hours), 4) == total


@given(concentration=st.floats(20, 500), mode=st.sampled_from([WALK, BIKE, EBIKE]))
@settings(max_examples=30)
def test_the_tipping_point_is_where_the_total_is_lowest(concentration, mode):
    hours = rules.tipping_point_h(concentration, mode=mode)
    lowest = rules.total_risk(concentration, mode=mode, hours=hours)
    assert all(
        lowest <= rules.total_risk(concentration, mode=mode, hours=hours * factor) for factor in (0.5, 0.9, 1.1, 2)
    )


@given(concentration=st.floats(20, 500), mode=st.sampled_from([WALK, BIKE, EBIKE]))
@settings(max_examples=30)
def test_moving_four_times_as_long_as_to_the_tipping_point_breaks_even(concentration, mode):
    hours = 4 * rules.tipping_point_h(concentration, mode=mode)
    assert isclose(rules.total_risk(concentration, mode=mode, hours=hours), 1, rel_tol=1e-9)


def test_clean_air_has_no_tipping_point():
    assert rules.tipping_point_h(0, mode=WALK) == inf


@pytest.mark.parametrize(
    ("concentration", "mode", "hours", "advice"),
    [
        (10, BIKE, 2, "encourage"),
        (25, BIKE, 3, "encourage"),
        (100, WALK, 2, "encourage"),
        (100, BIKE, 0.3, "encourage"),
        (100, BIKE, 0.5, "shorter"),
        (100, BIKE, 2, "shorter"),
        (200, BIKE, 0.5, "indoors"),
        (300, WALK, 0.25, "encourage"),
        (400, WALK, 0.25, "indoors"),
    ],
)
def test_moving_is_encouraged_to_the_tipping_point_then_made_shorter_then_brought_indoors(
    concentration, mode, hours, advice
):
    assert rules.moving_wins(concentration, mode=mode, hours=hours) == advice


CITY_UG_M3 = 25
"""PM2.5 of a bad day in a French city; the yearly means are below 15."""


@given(concentration=st.floats(0, CITY_UG_M3), hours=st.floats(0, 2.9), mode=st.sampled_from([WALK, BIKE, EBIKE]))
@settings(max_examples=50)
def test_nearly_three_hours_are_always_encouraged_at_levels_of_french_cities(concentration, hours, mode):
    assert rules.moving_wins(concentration, mode=mode, hours=hours) == "encourage"


@given(concentration=st.floats(1, CITY_UG_M3), mode=st.sampled_from([WALK, BIKE, EBIKE]))
@settings(max_examples=50)
def test_the_tipping_point_comes_soonest_by_electric_bicycle_in_the_worst_of_these_levels(concentration, mode):
    soonest_h = rules.tipping_point_h(CITY_UG_M3, mode=EBIKE)
    assert rules.tipping_point_h(concentration, mode=mode) >= soonest_h


@pytest.mark.parametrize(
    ("concentration", "mode", "hours", "advice"),
    [
        (25, EBIKE, 2.95, "encourage"),
        (25, EBIKE, 2.97, "shorter"),
        (22, EBIKE, 3.8, "encourage"),
        (22, EBIKE, 4, "shorter"),
        (25, BIKE, 5, "encourage"),
        (25, BIKE, 5.1, "shorter"),
    ],
)
def test_only_hours_and_hours_on_a_bicycle_are_too_much_at_these_levels(concentration, mode, hours, advice):
    assert rules.moving_wins(concentration, mode=mode, hours=hours) == advice


# --- What docs/health-model.md says ------------------------------------------------------------------------

NAMES = {"walk": "on foot", "bike": "by bicycle", "ebike": "by electric bicycle", "car": "by car", "bus": "by bus"}


def told(hours):
    """A time as the page tells it, whole minutes gone by."""
    minutes = int(hours * 60)
    if hours > 24:
        return "more than a day"
    return f"{minutes // 60} h {minutes % 60:02}" if minutes >= 60 else f"{minutes} min"


def rows():
    """Rows of the page's tables, as the code gives them."""
    for name, mode in {**MODES, **VEHICLES}.items():
        dose = rules.dose_ug(15.0, mode=mode, hours=0.5)
        yield f"| {NAMES[name]} | {mode.per} | {mode.vr_m3_h} | {dose:.1f} µg |"
    for name, mode in MODES.items():
        least, most = rules.kcal_range(mode, hours=0.5)
        met = " to ".join(dict.fromkeys([str(mode.met_least), str(mode.met)]))
        yield f"| {NAMES[name]} | {met} | {'yes' if rules.is_vigorous(mode) else 'no'} | {least:.0f} to {most:.0f} |"
    for concentration in (15, CITY_UG_M3, 50, 100, 150):
        times = (told(rules.tipping_point_h(concentration, mode=mode)) for mode in MODES.values())
        yield f"| {concentration} µg/m³ | {' | '.join(times)} |"
    kinds = read_table(None).kinds
    for kind in ("trunk", "primary", "secondary", "tertiary", "unclassified"):
        yield f"| {kind} | {' | '.join(str(kinds[pollutant][kind]) for pollutant in POLLUTANTS)} |"
    saved = [f"{rules.co2e_saved_g(mode, distance_m=1_000):.0f}" for mode in MODES.values()]
    yield f"{saved[0]} g a kilometre on foot, {saved[1]} by bicycle, {saved[2]} by electric bicycle"
    yield f"{1 - 1 / kinds['no2']['primary']:.0%} less than a primary road".replace("%", " %")
    city_h = [told(rules.tipping_point_h(CITY_UG_M3, mode=mode)) for mode in (EBIKE, BIKE)]
    yield f"Up to {CITY_UG_M3} µg/m³ of PM2.5 this holds for any way of up to {city_h[0]}"
    yield f"on an electric bicycle, {city_h[1]} on an ordinary one, and any walk"
    yield f"given, {told(4 * rules.tipping_point_h(100, mode=BIKE))}"


def test_the_page_about_the_model_has_the_figures_of_the_code():
    page = (Path(__file__).parents[2] / "docs" / "health-model.md").read_text(encoding="utf-8")
    flat = " ".join(page.split())
    assert [row for row in rows() if " ".join(row.split()) not in flat] == []
