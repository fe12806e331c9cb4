"""Alternatives: cleaner ways cost time, none is worse than another in all, and no gain is invented."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.mobility.exposure import doses_ug, hour_prices
from citizen_api.mobility.network import POLLUTANTS, Flag
from citizen_api.mobility.planning import (
    DOSE_DIGITS,
    NEAR_APART,
    SHARED,
    SHARED_APART,
    ascent_m,
    candidates,
    latest_departure,
    shared_part,
    stress_of,
)
from citizen_api.mobility.profiles import costs_of
from citizen_api.mobility.rules import WALK_SPEED_M_S, dose_ug
from citizen_api.mobility.search import Costs, find_route, snap
from tests.mobility.makers import changed, make_grid
from tests.mobility.trip_makers import NINE, at_junction, later, make_air, make_dirty_row, mode, row_streets


def ask(network, start, goal, *, name="walk", air=None, depart_at=NINE, doors_m=None, **options):
    """`doors_m`: how far the two ends are from the streets."""
    ends = [at_junction(network, junction, mode(name).graph) for junction in (start, goal)]
    if doors_m is not None:
        ends = [replace(end, distance_m=away_m) for end, away_m in zip(ends, doors_m, strict=True)]
    return candidates(network, mode(name), *ends, background=air or make_air(), depart_at=depart_at, **options)


def random_city(seed, *, columns=9, rows=9):
    """A grid of random lengths, classes and factors."""
    network = make_grid(columns, rows, seed=seed)
    chance = np.random.default_rng(seed + 1)
    kinds = chance.choice(["residential", "secondary", "primary", "footway"], len(network.tails))
    factor = np.where(np.isin(kinds, ["secondary", "primary"]), 2.0, 0.7) * chance.uniform(0.8, 1.2, len(kinds))
    return changed(network, kinds=list(kinds), factors=dict.fromkeys(POLLUTANTS, factor))


def labelled(found, label):
    return next(way for way in found if label in way.labels)


def test_a_dirty_straight_street_is_the_fastest_and_the_street_beside_it_the_cleanest():
    network = make_dirty_row(9, 5, row=2, dirt=4.0)
    found = ask(network, 18, 26)
    fastest, cleanest = labelled(found, "fastest"), labelled(found, "cleanest")
    assert set(fastest.route.streets[1:-1].tolist()) <= set(row_streets(9, 2))
    assert cleanest.guide_ug < fastest.guide_ug / 2
    assert cleanest.duration_s > fastest.duration_s


def test_where_every_street_is_alike_one_way_has_every_label():
    found = ask(make_grid(5, 5), 10, 14)
    assert [way.labels for way in found] == [("fastest", "cleanest", "balanced", "calm")]


def test_where_nitrogen_dioxide_is_not_known_fine_particles_guide():
    found = ask(make_dirty_row(), 14, 20, air=make_air(no2=np.nan, pm25=30.0))
    assert {way.guide for way in found} == {"pm25"}
    assert all(way.guide_ug == way.dose_ug["pm25"] for way in found)


@pytest.mark.parametrize("basis", ["index", "unknown"])
def test_without_concentrations_no_dose_is_told_and_nothing_is_called_clean(basis):
    found = ask(make_dirty_row(9, 5), 18, 26, air=make_air(basis=basis))
    assert all(way.guide is None and way.guide_ug is None for way in found)
    assert all(value is None for way in found for value in way.dose_ug.values())
    assert {label for way in found for label in way.labels} == {"fastest", "calm"}


def test_without_concentrations_the_calm_way_is_another_where_traffic_is():
    found = ask(make_dirty_row(9, 5), 18, 26, air=make_air(basis="index"))
    fastest, calm = labelled(found, "fastest"), labelled(found, "calm")
    assert calm is not fastest
    assert not set(calm.route.streets[1:-1].tolist()) <= set(row_streets(9, 2))


def test_an_hour_in_which_the_guide_is_not_known_takes_every_dose_of_it_away():
    # The walk ends after 10:00, of which nothing is known.
    air = make_air(no2=[40.0, np.nan], pm25=[12.0, np.nan], hours=2)
    network = make_dirty_row(60, 3, row=1, block_m=100.0)
    found = ask(network, 60, 119, air=air)
    assert all(way.dose_ug["no2"] is None for way in found)
    assert {label for way in found for label in way.labels} == {"fastest", "calm"}


def test_no_calm_way_is_looked_for_when_none_is_wanted():
    assert all("calm" not in way.labels for way in ask(make_dirty_row(9, 5), 18, 26, calm=False))


@given(seed=st.integers(0, 10_000), name=st.sampled_from(["walk", "bike", "ebike"]))
@settings(max_examples=15, deadline=None)
def test_no_alternative_is_as_slow_and_as_dirty_as_another_in_what_is_shown(seed, name):
    found = ask(random_city(seed), 0, 80, name=name)
    shown = [(round(way.duration_s), round(way.guide_ug, DOSE_DIGITS)) for way in found]
    assert shown == sorted(shown)
    assert all(later_ug < sooner_ug for (_, sooner_ug), (_, later_ug) in pairwise(shown))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_no_two_alternatives_are_nearly_the_same(seed):
    network = random_city(seed)
    found = ask(network, 0, 80)
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            apart = abs(one.guide_ug - other.guide_ug) / max(one.guide_ug, other.guide_ug)
            assert apart >= NEAR_APART - 0.01
            assert not (shared_part(network, one.route, other.route) >= SHARED and apart < SHARED_APART - 0.01)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_each_label_is_given_once(seed):
    labels = [label for way in ask(random_city(seed), 0, 80) for label in way.labels]
    assert sorted(labels) == ["balanced", "calm", "cleanest", "fastest"]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_more_clean_air_is_worth_the_more_a_way_costs_and_the_less_is_breathed(seed):
    network = random_city(seed)
    air, walk = make_air(), mode()
    start, goal = at_junction(network, 0), at_junction(network, 80)
    time_s, weight = costs_of(network, walk)
    costs, doses, times = [], [], []
    for worth in (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0):
        hours, first_s = hour_prices(air, pollutant="no2", depart_at=NINE, mode=walk, weight=worth)
        asked = Costs(time_s=time_s, weight=weight, factor=network.factors["no2"], hours=hours, first_s=first_s)
        route = find_route(network, "walk", start, goal, asked)
        costs.append(route.cost)
        times.append(route.duration_s)
        doses.append(doses_ug(network, route, mode=walk, background=air, depart_at=NINE)["no2"])
    assert costs == sorted(costs)
    assert np.diff(times).min() > -1e-3
    assert np.diff(doses).max() < 1e-4


def test_the_fastest_is_the_way_of_least_time():
    network = random_city(5)
    time_s, weight = costs_of(network, mode())
    costs = Costs(time_s=time_s, weight=weight, factor=weight, hours=np.zeros(1))
    least = find_route(network, "walk", at_junction(network, 0), at_junction(network, 80), costs)
    assert ask(network, 0, 80)[0].duration_s == pytest.approx(least.duration_s, abs=0.5)


def test_what_a_wish_avoids_is_not_offered_as_faster_and_cleaner():
    # The straight row is unlit and clean; who avoids it at night is not sent there for its air.
    network = make_dirty_row(9, 5, dirt=0.4, clean=1.5)
    flags = np.where(np.isin(np.arange(len(network.tails)), row_streets(9, 2)), int(Flag.UNLIT), int(Flag.LIT))
    network = changed(network, flags=flags.astype(np.uint16))
    found = ask(network, 18, 26, wishes=["avoid_unlit"], dark=True)
    unlit = {street for way in found for street in way.route.streets[1:-1].tolist()} & set(row_streets(9, 2))
    assert unlit == set()
    assert set(ask(network, 18, 26)[0].route.streets.tolist()) & set(row_streets(9, 2))


def test_a_goal_on_a_flight_of_steps_is_not_reached_with_wheels():
    network = make_grid(4, 3)
    own = network.flags.copy()
    own[0] = int(Flag.STEPS)
    network = changed(network, flags=own)
    middle = (network.lons[0] + network.lons[1]) / 2
    goal = snap(network, "walk", lat=float(network.lats[0]), lon=float(middle))[0]
    options = {"background": make_air(), "depart_at": NINE, "wishes": ["wheelchair"]}
    assert candidates(network, mode(), at_junction(network, 8), goal, **options) == []


def test_no_way_that_fits_the_wishes_is_no_way():
    network = make_grid(4, 2)
    network = changed(network, flags=np.full(len(network.tails), int(Flag.STEPS), np.uint16))
    assert ask(network, 0, 3, wishes=["wheelchair"]) == []


def test_a_way_climbs_what_its_streets_climb_in_its_direction():
    network = make_grid(3, 2)
    ascent, descent = np.full(len(network.tails), 4.0, np.float32), np.full(len(network.tails), 1.0, np.float32)
    network = changed(network, ascent_m=ascent, descent_m=descent)
    there, back = ask(network, 0, 2)[0], ask(network, 2, 0)[0]
    assert (there.ascent_m, back.ascent_m) == (pytest.approx(8.0), pytest.approx(2.0))


def test_one_street_of_unknown_slope_makes_the_climb_unknown():
    network = make_grid(3, 2)
    ascent = np.array([4.0] + [np.nan] * (len(network.tails) - 1), np.float32)
    network = changed(network, ascent_m=ascent, descent_m=ascent)
    assert ascent_m(network, ask(network, 0, 2)[0].route) is None


def test_who_arrives_at_a_given_time_breathes_the_air_of_their_own_departure():
    # Clean until 11:00 in Paris, then dirty; asked about at 9:10, but one wants to be there at 11:30.
    air = make_air(no2=[10.0, 10.0, 80.0, 80.0, 80.0], pm25=1.0, hours=5)
    network = make_grid(5, 2)
    (early,) = ask(network, 0, 4, air=air)
    (late,) = ask(network, 0, 4, air=air, arrive_by=later(hours=2, minutes=20))
    assert late.dose_ug["no2"] == pytest.approx(8 * early.dose_ug["no2"])


@pytest.mark.parametrize("name", ["walk", "bike", "ebike"])
def test_the_metres_from_door_to_door_count_on_foot_by_every_mode(name):
    network = make_grid(5, 2)
    (on_streets,), (from_doors,) = (ask(network, 0, 4, name=name, doors_m=doors) for doors in ((0, 0), (100, 40)))
    assert from_doors.duration_s - on_streets.duration_s == pytest.approx(1.3 * 140 / WALK_SPEED_M_S)
    assert from_doors.distance_m - on_streets.distance_m == pytest.approx(1.3 * 140)


@pytest.mark.parametrize("name", ["walk", "bike"])
def test_a_far_door_makes_no_way_cleaner_than_another(name):
    network = make_dirty_row(9, 5, row=0, dirt=4.0)

    def gap_ug(doors):
        found = ask(network, 0, 8, name=name, doors_m=doors)
        return labelled(found, "fastest").guide_ug - labelled(found, "cleanest").guide_ug

    assert gap_ug((140, 60)) == pytest.approx(gap_ug((0, 0)))
    assert gap_ug((0, 0)) > 0


def test_what_is_breathed_between_the_doors_and_the_streets_counts():
    (way,) = ask(make_grid(5, 2), 0, 4, doors_m=(100, 40))
    hours = (400 + 1.3 * 140) / WALK_SPEED_M_S / 3600
    assert way.dose_ug["no2"] == pytest.approx(dose_ug(40.0, mode=mode(), hours=hours), rel=1e-4)


def test_who_walks_to_the_street_first_comes_later_into_the_air_of_the_next_hour():
    # The air turns bad 3 minutes after one leaves. Streets of 75 s are reached after 0, 75, 150 and 225 s, and from a
    # door 97.5 s away the last three of them after 172.5, 247.5 and 322.5 s.
    air, at = make_air(no2=[40.0, 80.0, 80.0]), NINE.replace(minute=57)
    (way,) = ask(make_grid(5, 2), 0, 4, air=air, depart_at=at, doors_m=(100, 0))
    before, after = (dose_ug(value, mode=mode(), hours=1 / 3600) for value in (40.0, 80.0))
    assert way.dose_ug["no2"] == pytest.approx((97.5 + 75 + 75) * before + 150 * after, rel=1e-4)


def test_the_streets_are_chosen_by_the_air_of_the_hour_in_which_one_is_on_them():
    # There is no air to avoid in the minute in which one leaves the door, and much when one comes to the street, of
    # which the first block is quick and dirty.
    network = make_dirty_row(9, 5)
    graph, quick = network.graphs["walk"], row_streets(9, 2)[0]
    time_s = np.where(graph.streets == quick, graph.time_s / 2, graph.time_s)
    network = changed(network, graphs={"walk": replace(graph, time_s=time_s)})
    options = {"air": make_air(no2=[0.0, 80.0, 80.0]), "depart_at": NINE.replace(minute=59)}
    at_once, from_door = (
        labelled(ask(network, 18, 26, doors_m=(away_m, 0), **options), "cleanest") for away_m in (0, 100)
    )
    assert [quick in way.route.streets for way in (at_once, from_door)] == [True, False]


def test_the_latest_departure_arrives_in_time_to_the_second():
    assert latest_departure(later(hours=1), 600.4) == later(minutes=50)


def test_a_cycle_way_takes_most_of_the_stress_from_a_cyclist_and_none_from_a_walker():
    network = make_grid(2, 2, kind="primary")
    own = changed(network, flags=network.flags | int(Flag.CYCLE))
    assert stress_of(own, mode("bike"))[0] < stress_of(network, mode("bike"))[0]
    assert stress_of(own, mode())[0] == stress_of(network, mode())[0]


def test_searching_changes_nothing_of_the_network():
    network = random_city(3)
    before = {name: values.copy() for name, values in network.factors.items()}
    times = network.graphs["walk"].time_s.copy()
    ask(network, 0, 80, wishes=["avoid_hills", "pushchair"])
    assert np.array_equal(network.graphs["walk"].time_s, times)
    assert all(np.array_equal(network.factors[name], values) for name, values in before.items())
