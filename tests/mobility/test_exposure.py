"""The air of a commune hour by hour, what it costs a search, and what a way through it breathes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from citizen_api.air import actions
from citizen_api.air.outlook import DEMO_SOURCE
from citizen_api.air.page import air_page
from citizen_api.demo.air import read_demo_air
from citizen_api.mobility.exposure import METHODS, concentrations_ug_m3, doses_ug, hour_prices, read_background
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.search import NO_HOURS, Costs, find_route, snap
from citizen_api.territory.problems import FarFromCommunes
from tests.air.makers import (
    DAY,
    HOUR,
    NOON,
    PARIS_4,
    SYNTHETIC,
    expect,
    make_episode,
    make_fact,
    make_reading,
    make_source,
    measure,
    say,
)
from tests.mobility.exposure_makers import EIGHT, make_background, make_route
from tests.mobility.makers import changed, make_grid

WALK, BIKE = MODES["walk"], MODES["bike"]
IN_PARIS_4 = {"lat": 48.8573751, "lon": 2.3524425}
TOMORROW = DAY + timedelta(days=1)
HALF_PAST = NOON + HOUR / 2


@pytest.fixture
def read(session):
    """What is known of the air of Paris 4e at a moment."""

    def run(at=HALF_PAST):
        return read_background(session, at=at, **IN_PARIS_4)

    return run


def methods(background, pollutant="no2"):
    """How each hour is known, from that which ends at NOON on."""
    first = (NOON - background.starts_at) // HOUR - 1
    return [METHODS[number] for number in background.methods[pollutant][first:]]


def known(background, pollutant="no2"):
    """{hours from NOON on: ug/m3} of the hours that are known."""
    first = (background.starts_at - NOON) // HOUR
    return {
        first + number: value
        for number, value in enumerate(background.values_ug_m3[pollutant].tolist())
        if not np.isnan(value)
    }


# --- What is known -----------------------------------------------------------------------------------------


def test_hours_begin_before_now_and_reach_three_hours_into_the_day_after_tomorrow(read):
    background = read()
    assert background.starts_at == NOON - HOUR
    assert background.starts_at + len(background.levels) * HOUR == datetime(2026, 1, 8, 2, tzinfo=UTC)  # 3:00 in Paris


def test_the_hours_of_a_day_of_25_are_all_there(read):
    background = read(datetime(2026, 10, 24, 12, tzinfo=UTC))  # the clock goes back in the night to 25 October
    ends_at = background.starts_at + len(background.levels) * HOUR
    assert ends_at == datetime(2026, 10, 26, 2, tzinfo=UTC)  # 3:00 in Paris, in winter time


def test_an_hour_of_the_forecast_is_that_which_ends_there(database, read):
    expect(database, 21, hours=[1, 25])
    assert known(read()) == {0: 21, 24: 21}


def test_a_forecast_is_no_measurement_and_rests_on_the_run_that_says_so(database, read):
    expect(database, 21, hours=[1])
    background = read()
    assert (background.basis, background.known_at, background.sources) == ("hours", NOON, (SYNTHETIC.id,))
    assert methods(background)[:3] == ["modelled"] * 3


def test_a_measured_hour_stands_for_those_after_it_while_it_is_still_now(database, read):
    measure(database, [make_reading(30, NOON, "no2")])
    background = read()
    assert known(background) == {-1: 30, 0: 30, 1: 30, 2: 30}
    assert methods(background)[:4] == ["measured", "last_measured", "last_measured", "last_measured"]
    assert background.known_at == NOON


def test_what_a_model_says_of_an_hour_goes_before_what_was_measured_earlier(database, read):
    measure(database, [make_reading(30, NOON, "no2")])
    expect(database, 21, hours=[2])
    background = read()
    assert known(background) == {-1: 30, 0: 30, 1: 21, 2: 30}
    assert methods(background)[:4] == ["measured", "last_measured", "modelled", "last_measured"]


def test_what_is_measured_is_told_of_each_pollutant_by_itself(database, read):
    measure(database, [make_reading(30, NOON, "pm25")])
    expect(database, 21, hours=[0])
    background = read()
    assert (methods(background)[0], methods(background, "pm25")[0]) == ("modelled", "measured")


def test_a_measured_hour_that_is_no_longer_now_says_nothing_of_now(database, read):
    measure(database, [make_reading(30, NOON - 3 * HOUR, "no2")])
    background = read()
    assert (known(background), background.basis) == ({-1: 30}, "unknown")


def test_hours_in_which_only_another_pollutant_is_known_are_no_basis(session, read):
    actions.keep_source(session, SYNTHETIC)
    rows = [{"pollutant": "so2", "ends_at": NOON + HOUR, "value_ug_m3": 4.0}]
    actions.store_forecast(session, SYNTHETIC.id, PARIS_4, rows, known_at=NOON)
    assert read().basis == "unknown"


def test_the_concentrations_are_those_of_the_page(database, session, read):
    expect(database, 21, hours=range(1, 30))
    measure(database, [make_reading(30, NOON + number * HOUR, "no2") for number in range(-2, 1)])
    page = {hour.ends_at: hour.values_ug_m3["no2"] for hour in air_page(session, PARIS_4, at=HALF_PAST).hours}
    expected = {(ends_at - NOON) // HOUR - 1: value for ends_at, value in page.items() if ends_at > NOON - HOUR}
    assert known(read()) == expected


def test_where_only_an_index_exists_its_levels_are_told_by_the_day_of_the_place(database, read):
    say(database, make_fact(level=3, published_at=NOON - HOUR), make_fact(level=5, day=TOMORROW))
    background = read()
    midnight = background.hour(datetime(2026, 1, 6, 23, tzinfo=UTC))
    assert (background.basis, known(background)) == ("index", {})
    assert background.levels.tolist()[midnight - 1 : midnight + 1] == [3, 5]
    assert background.levels.tolist()[-3:] == [0, 0, 0]
    assert (background.sources, background.known_at) == ((SYNTHETIC.id,), NOON - HOUR)


def test_an_open_episode_raises_the_level_of_its_day(database, read):
    say(database, make_fact(level=2), make_episode("alert"))
    assert read().levels[0] > 2


def test_where_nothing_is_known_nothing_is_told(read):
    background = read()
    assert (background.basis, background.sources, background.known_at) == ("unknown", (), None)
    assert not background.levels.any()


def test_air_that_the_demo_city_made_up_is_said_to_be(session, read):
    actions.keep_source(session, make_source(DEMO_SOURCE))
    rows = [{"pollutant": "no2", "ends_at": NOON + HOUR, "value_ug_m3": 4.0}]
    actions.store_forecast(session, DEMO_SOURCE, PARIS_4, rows, known_at=NOON)
    assert read().made_up


def test_air_that_a_real_source_tells_is_not_made_up(database, read):
    expect(database, 21, hours=[1])
    assert not read().made_up


def test_a_moment_that_comes_with_another_clock_gives_the_same_hours(database, read):
    expect(database, 21, hours=[1])
    assert known(read(HALF_PAST.astimezone(tz=None))) == known(read())


def test_a_place_at_sea_has_no_commune(session):
    with pytest.raises(FarFromCommunes):
        read_background(session, lat=45.0, lon=-15.0, at=NOON)


def test_the_demo_city_tells_every_hour_from_now_to_a_day_ahead_of_all_pollutants(settings, database, clock, read):
    clock.moment = datetime(2026, 11, 25, 22, 50, tzinfo=UTC)
    read_demo_air(settings, database, clock)
    background = read(clock.moment)
    first = background.hour(clock.moment)
    assert all(not np.isnan(values[first : first + 26]).any() for values in background.values_ug_m3.values())
    assert (background.basis, background.made_up) == ("hours", True)


# --- One hour ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "hour"),
    [
        (timedelta(seconds=-1), None),
        (timedelta(0), 0),
        (HOUR - timedelta(seconds=1), 0),
        (HOUR, 1),
        (4 * HOUR - timedelta(seconds=1), 3),
        (4 * HOUR, None),
    ],
    ids=["before", "first", "end of the first", "second", "last", "after"],
)
def test_a_moment_lies_in_the_hour_that_has_begun_and_not_ended(after, hour):
    assert make_background().hour(EIGHT + after) == hour


@pytest.mark.parametrize(
    ("values", "guide"),
    [
        ({"no2": [20], "pm25": [60], "pm10": [90], "o3": [200]}, "no2"),
        ({"pm25": [16], "pm10": [47], "o3": [200]}, "pm25"),
        ({"pm25": [15], "pm10": [90]}, "pm10"),
        ({"o3": [200]}, None),
        ({"no2": [None], "pm25": [3]}, "pm25"),
    ],
    ids=["nitrogen dioxide", "worst of particles", "other particles", "ozone", "hole"],
)
def test_streets_are_compared_by_what_tells_them_apart_and_never_by_ozone(values, guide):
    assert make_background(**values).guide(EIGHT) == guide


def test_beyond_what_is_known_nothing_guides():
    assert make_background(no2=[20]).guide(EIGHT + 2 * HOUR) is None


# --- What the search counts --------------------------------------------------------------------------------


def test_a_price_is_the_weight_times_the_air_that_is_breathed_against_its_reference():
    prices, _ = hour_prices(make_background(no2=[25, 50]), pollutant="no2", depart_at=EIGHT, mode=WALK, weight=2)
    assert prices == pytest.approx([2 * 1.1 * 1.37, 2 * 1.1 * 1.37 * 2])


def test_prices_begin_with_the_hour_of_the_departure_and_say_how_long_it_still_lasts():
    background = make_background(no2=[25, 50, 75, 100])
    depart_at = EIGHT + HOUR + timedelta(minutes=40)
    prices, first_s = hour_prices(background, pollutant="no2", depart_at=depart_at, mode=WALK, weight=1)
    assert (len(prices), first_s) == (3, 1200)
    assert prices[0] == pytest.approx(1.1 * 1.37 * 2)


def test_an_hour_that_is_not_known_has_the_price_of_the_one_before_or_else_of_the_next_known():
    background = make_background(no2=[None, 25, None, 50, None])
    prices, _ = hour_prices(background, pollutant="no2", depart_at=EIGHT, mode=WALK, weight=1)
    assert (prices / (1.1 * 1.37)) == pytest.approx([1, 1, 1, 2, 2])


@pytest.mark.parametrize(
    ("background", "pollutant", "depart_at"),
    [
        (make_background(no2=[25]), None, EIGHT),
        (make_background(no2=[25]), "pm25", EIGHT),
        (make_background(no2=[25]), "no2", EIGHT + 3 * HOUR),
    ],
    ids=["no guide", "unknown pollutant", "beyond"],
)
def test_where_nothing_is_known_the_air_has_no_price(background, pollutant, depart_at):
    prices, _ = hour_prices(background, pollutant=pollutant, depart_at=depart_at, mode=WALK, weight=8)
    assert prices is NO_HOURS


# --- What a way breathes -----------------------------------------------------------------------------------


@pytest.fixture
def network():
    """A grid on whose first street the NO2 is double, and half on its second."""
    grid = make_grid(3, 2)
    return changed(grid, factors={"no2": [2, 0.5, *[1] * (len(grid.length_m) - 2)]})


def test_the_concentration_on_a_street_is_the_background_of_the_hour_times_its_factor(network):
    route = make_route((0, 60), (1, 60), (2, 60))
    found = concentrations_ug_m3(network, route, pollutant="no2", background=make_background(no2=[20]), depart_at=EIGHT)
    assert found.tolist() == [40, 10, 20]


def test_a_street_is_in_the_air_of_the_hour_in_which_it_is_reached_even_if_that_ends_on_it(network):
    background = make_background(no2=[20, 30])
    route = make_route((2, 60), (3, 120), (4, 60))
    depart_at = EIGHT + timedelta(minutes=58)
    found = concentrations_ug_m3(network, route, pollutant="no2", background=background, depart_at=depart_at)
    assert found.tolist() == [20, 20, 30]


def test_a_street_that_is_reached_at_the_full_hour_is_in_the_new_one(network):
    background = make_background(no2=[20, 30])
    found = concentrations_ug_m3(
        network,
        make_route((2, 60), (3, 60)),
        pollutant="no2",
        background=background,
        depart_at=EIGHT + timedelta(minutes=59),
    )
    assert found.tolist() == [20, 30]


def test_the_dose_is_the_sum_over_the_streets_of_the_formula(network):
    route = make_route((0, 600), (1, 1200))
    doses = doses_ug(network, route, mode=BIKE, background=make_background(no2=[20]), depart_at=EIGHT)
    assert doses["no2"] == pytest.approx((40 * 600 + 10 * 1200) / 3600 * 2.0 * 2.55)


def test_half_an_hour_by_bicycle_through_the_mean_of_the_city_is_the_dose_of_the_table():
    doses = doses_ug(
        make_grid(), make_route((0, 1800)), mode=BIKE, background=make_background(pm25=[15]), depart_at=EIGHT
    )
    assert doses == {"no2": None, "pm25": pytest.approx(38.25), "pm10": None, "o3": None}


def test_a_dose_is_not_told_when_one_of_its_hours_is_not_known(network):
    route = make_route((2, 1800), (3, 1800), (4, 60))
    doses = doses_ug(network, route, mode=WALK, background=make_background(no2=[20, None, 20]), depart_at=EIGHT)
    assert doses["no2"] is None


@pytest.mark.parametrize("depart_at", [EIGHT - HOUR, EIGHT + HOUR / 2, EIGHT + 5 * HOUR], ids=["early", "over", "late"])
def test_a_dose_is_not_told_outside_of_what_is_known(network, depart_at):
    route = make_route((2, 1800), (3, 1800))
    doses = doses_ug(network, route, mode=WALK, background=make_background(no2=[20]), depart_at=depart_at)
    assert doses["no2"] is None


def test_what_a_search_counts_for_a_way_is_its_time_and_the_weight_of_its_dose():
    network = make_grid(4, 4, block_m=3_000, seed=5)
    network = changed(network, factors={"no2": np.random.default_rng(5).uniform(0.5, 2, len(network.length_m))})
    background = make_background(no2=[20, 35, 50])
    depart_at = EIGHT + timedelta(minutes=31)
    hours, first_s = hour_prices(background, pollutant="no2", depart_at=depart_at, mode=BIKE, weight=2)
    costs = Costs(
        time_s=network.graphs["bike"].time_s,
        weight=np.ones(len(network.length_m), np.float32),
        factor=network.factors["no2"],
        hours=hours,
        first_s=first_s,
    )
    start, goal = (snap(network, "bike", lat=network.lats[node], lon=network.lons[node])[0] for node in (0, 15))
    route = find_route(network, "bike", start, goal, costs)
    dose = doses_ug(network, route, mode=BIKE, background=background, depart_at=depart_at)["no2"]
    assert route.duration_s > first_s + 1800  # it reaches into the second hour
    assert route.cost == pytest.approx(route.duration_s + 2 * dose * 3600 / 25, rel=1e-5)
