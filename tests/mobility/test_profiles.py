"""What a wish makes of a network: what is barred, what weighs, how fast one goes."""

from __future__ import annotations

import numpy as np
import pytest

from citizen_api.mobility.network import Flag
from citizen_api.mobility.profiles import (
    CHILD_PACE,
    CHILD_WEIGHTS,
    ROUGH_WEIGHT,
    UNKNOWN_LIGHT_WEIGHT,
    UNLIT_WEIGHT,
    costs_of,
    ends_near,
)
from citizen_api.mobility.search import NO_HOURS, Costs, find_route, snap
from tests.mobility.makers import changed, make_grid
from tests.mobility.trip_makers import mode


def with_flags(*, flags, street=0, **columns):
    """A grid, of which one street has these flags and nothing else."""
    network = make_grid(4, 3, **columns)
    own = network.flags.copy()
    own[street] = int(flags)
    return changed(network, flags=own)


def arcs_of(network, street, graph="walk"):
    arcs = network.graphs[graph]
    return [int(arcs.forward_arcs[street]), int(arcs.backward_arcs[street])]


def test_without_a_wish_the_times_are_the_network_s_own_and_every_weight_is_one():
    network = make_grid(4, 3, seed=1)
    time_s, weight = costs_of(network, mode())
    assert np.array_equal(time_s, network.graphs["walk"].time_s)
    assert (weight == 1).all()


@pytest.mark.parametrize("wish", ["wheelchair", "pushchair"])
@pytest.mark.parametrize("barrier", [Flag.STEPS, Flag.NO_WHEELCHAIR])
def test_nobody_with_wheels_is_led_over_steps_or_what_is_said_to_be_impassable(wish, barrier):
    network = with_flags(flags=barrier)
    time_s, _ = costs_of(network, mode(), wishes=[wish])
    assert np.isinf(time_s[arcs_of(network, 0)]).all()
    assert np.isfinite(np.delete(time_s, arcs_of(network, 0))).all()


def test_a_street_of_the_class_steps_is_barred_even_without_its_flag():
    network = make_grid(4, 3)
    network = changed(network, kinds=["steps"] + ["residential"] * (len(network.tails) - 1))
    time_s, _ = costs_of(network, mode(), wishes=["wheelchair"])
    assert np.isinf(time_s[arcs_of(network, 0)]).all()


@pytest.mark.parametrize("wish", ["wheelchair", "pushchair"])
def test_a_rough_surface_costs_more_with_wheels(wish):
    _, weight = costs_of(with_flags(flags=Flag.ROUGH), mode(), wishes=[wish])
    assert weight[0] == ROUGH_WEIGHT[wish]
    assert (weight[1:] == 1).all()


def test_nobody_rides_a_bicycle_with_a_wheelchair():
    time_s, _ = costs_of(make_grid(3, 3), mode("bike"), wishes=["wheelchair"])
    assert np.isinf(time_s).all()


@pytest.mark.parametrize(("metres", "expected"), [(0.0, 1.0), (2.9, 1.0), (3.1, 1.5), (6.5, 3.0), (np.nan, 1.0)])
def test_only_a_slope_that_is_known_to_be_steep_costs_more(metres, expected):
    network = make_grid(4, 3)
    ascent, descent = network.ascent_m.copy(), network.descent_m.copy()
    ascent[0], descent[0] = metres, 0.0
    _, weight = costs_of(changed(network, ascent_m=ascent, descent_m=descent), mode(), wishes=["avoid_hills"])
    assert weight[0] == expected


@pytest.mark.parametrize(
    ("flags", "expected"), [(Flag.LIT, 1.0), (Flag.UNLIT, UNLIT_WEIGHT), (Flag(0), UNKNOWN_LIGHT_WEIGHT)]
)
def test_at_night_an_unlit_street_costs_much_and_one_that_does_not_say_a_little(flags, expected):
    _, weight = costs_of(with_flags(flags=flags), mode(), wishes=["avoid_unlit"], dark=True)
    assert weight[0] == expected


def test_by_day_light_does_not_matter():
    _, weight = costs_of(with_flags(flags=Flag.UNLIT), mode(), wishes=["avoid_unlit"], dark=False)
    assert (weight == 1).all()


@pytest.mark.parametrize("kind", ["trunk", "primary"])
def test_a_child_does_not_ride_on_a_main_road_without_a_cycle_way(kind):
    network = changed(make_grid(4, 3, kind=kind), flags=make_grid(4, 3).flags)
    time_s, _ = costs_of(network, mode("bike"), wishes=["child_bike"])
    assert np.isinf(time_s).all()


def test_a_child_rides_on_a_main_road_along_a_cycle_way_and_slower():
    network = make_grid(4, 3, kind="primary")
    network = changed(network, flags=network.flags | int(Flag.CYCLE))
    time_s, weight = costs_of(network, mode("bike"), wishes=["child_bike"])
    assert time_s == pytest.approx(network.graphs["bike"].time_s * CHILD_PACE)
    assert (weight == 1).all()


def test_a_secondary_road_costs_a_child_much():
    _, weight = costs_of(make_grid(4, 3, kind="secondary"), mode("bike"), wishes=["child_bike"])
    assert (weight == CHILD_WEIGHTS["secondary"]).all()


def test_a_child_s_wish_changes_nothing_on_foot():
    network = make_grid(4, 3, kind="primary")
    time_s, weight = costs_of(network, mode(), wishes=["child_bike"])
    assert np.array_equal(time_s, network.graphs["walk"].time_s)
    assert (weight == 1).all()


def test_an_electric_bicycle_is_faster_but_not_where_it_is_pushed():
    network = with_flags(flags=Flag.PUSH)
    time_s, _ = costs_of(network, mode("ebike"))
    plain = network.graphs["bike"].time_s
    pushed = arcs_of(network, 0, "bike")
    assert np.array_equal(time_s[pushed], plain[pushed])
    assert np.delete(time_s, pushed) == pytest.approx(np.delete(plain, pushed) * 15 / 19)


def test_a_way_for_a_wheelchair_goes_round_the_steps():
    network = with_flags(street=1, flags=Flag.STEPS)
    time_s, weight = costs_of(network, mode(), wishes=["wheelchair"])
    factor = np.zeros(len(network.tails), np.float32)
    costs = Costs(time_s=time_s, weight=weight, factor=factor, hours=NO_HOURS)
    start, goal = (snap(network, "walk", lat=network.lats[0], lon=lon)[0] for lon in (network.lons[0], network.lons[3]))
    route = find_route(network, "walk", start, goal, costs)
    assert 1 not in route.streets
    assert route.duration_s == pytest.approx(500 / (4.8 / 3.6), rel=1e-3)


def test_one_begins_and_ends_on_a_street_that_one_may_go():
    network = with_flags(street=0, flags=Flag.STEPS)
    middle = (network.lons[0] + network.lons[1]) / 2
    place = {"lat": network.lats[0], "lon": middle}
    assert ends_near(network, mode(), **place)[0].street == 0
    assert ends_near(network, mode(), **place, wishes=["wheelchair"])[0].street != 0
