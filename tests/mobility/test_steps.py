"""Instructions: turns, names, lengths, in two languages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from citizen_api.mobility.network import Flag
from citizen_api.mobility.search import NO_HOURS, Costs, find_route
from citizen_api.mobility.shapes import route_points
from citizen_api.mobility.steps import say_distance, say_step, steps_of
from content.catalogue import catalogue
from tests.mobility.makers import changed, make_grid
from tests.mobility.trip_makers import at_junction, make_route

WORDS = catalogue().moving["trips"]


def make_corner(**columns):
    """Three columns and three rows, each street with its own name."""
    return changed(make_grid(3, 3), **columns)


def tell(network, *pieces, graph="walk"):
    route = make_route(*pieces)
    points, parts = route_points(network, route)
    return steps_of(network, route, points, parts, graph=graph)


def spoken(steps, lang="en"):
    return [say_step(step, WORDS, lang) for step in steps]


def renamed(network, numbers):
    """The same network, where streets with one number have one name; -1: none."""
    return changed(network, names=np.array(numbers, np.int32))


def test_a_left_turn_is_told_where_it_is():
    network = make_corner()
    steps = tell(network, (0, 0.0, 1.0), (7, 0.0, 1.0))
    assert [step.turn for step in steps] == ["depart", "left", "arrive"]
    assert steps[1].lat == pytest.approx(network.lats[1], abs=1e-6)
    assert steps[1].lon == pytest.approx(network.lons[1], abs=1e-6)


def test_a_right_turn_is_told_when_the_street_is_gone_backward():
    assert [step.turn for step in tell(make_corner(), (0, 1.0, 0.0), (6, 0.0, 1.0))] == ["depart", "right", "arrive"]


def test_the_first_step_says_towards_where():
    network = make_corner()
    assert tell(network, (0, 0.0, 1.0))[0].direction == "east"
    assert tell(network, (0, 1.0, 0.0))[0].direction == "west"
    assert tell(network, (6, 0.0, 1.0))[0].direction == "north"


def test_going_straight_on_into_another_street_is_said():
    assert spoken(tell(make_corner(), (0, 0.0, 1.0), (1, 0.0, 1.0)))[1] == "Go straight on: Rue synthétique 1."


def test_pieces_of_one_name_are_one_step_with_their_whole_length():
    network = renamed(make_corner(), [0, 0, *range(2, 12)])
    steps = tell(network, (0, 0.0, 1.0), (1, 0.0, 1.0))
    assert [step.turn for step in steps] == ["depart", "arrive"]
    assert steps[0].distance_m == pytest.approx(200)


def test_a_nameless_crossing_is_no_step_of_its_own():
    network = renamed(make_grid(4, 2, block_m=20.0), [0, -1, 0, *range(3, 10)])
    steps = tell(network, (0, 0.0, 1.0), (1, 0.0, 1.0), (2, 0.0, 1.0))
    assert [step.onto for step in steps] == ["Rue synthétique 0", None]
    assert steps[0].distance_m == pytest.approx(60)


def test_a_nameless_link_out_of_the_door_leads_to_the_first_name():
    network = renamed(make_grid(4, 2, block_m=20.0), [-1, 1, 1, *range(3, 10)])
    assert tell(network, (0, 0.5, 1.0), (1, 0.0, 1.0))[0].onto == "Rue synthétique 1"


def test_a_flight_of_steps_is_said_even_when_it_is_short():
    network = renamed(make_grid(4, 2, block_m=20.0), [0, -1, 2, *range(3, 10)])
    network = changed(network, kinds=["residential", "steps", *["residential"] * 8])
    assert "Take the stairs." in spoken(tell(network, (0, 0.0, 1.0), (1, 0.0, 1.0), (2, 0.0, 1.0)))


def test_where_a_bicycle_is_pushed_is_said_to_who_rides_only():
    network = make_corner()
    flags = network.flags.copy()
    flags[7] = int(Flag.PUSH)
    network = changed(network, flags=flags)
    pieces = ((0, 0.0, 1.0), (7, 0.0, 1.0))
    assert spoken(tell(network, *pieces, graph="bike"))[1].endswith("Push the bike here.")
    assert "Push" not in spoken(tell(network, *pieces))[1]


def test_a_way_without_a_name_is_named_by_what_it_is():
    network = renamed(make_corner(kinds=["footway", *["residential"] * 11]), [-1, *range(1, 12)])
    assert spoken(tell(network, (0, 0.0, 1.0))) == ["Head east: footpath.", "You have arrived."]


def test_lengths_and_times_of_all_steps_add_up_to_those_of_the_way():
    network = make_grid(6, 6, seed=4)
    start, goal = at_junction(network, 0), at_junction(network, 35)
    ones = np.ones(len(network.tails), np.float32)
    costs = Costs(time_s=network.graphs["walk"].time_s, weight=ones, factor=ones, hours=NO_HOURS)
    route = find_route(network, "walk", start, goal, costs)
    points, parts = route_points(network, route)
    steps = steps_of(network, route, points, parts, graph="walk")
    assert sum(step.distance_m for step in steps) == pytest.approx(route.length_m(network).sum(), rel=1e-6)
    assert sum(step.duration_s for step in steps) == pytest.approx(route.duration_s, rel=1e-6)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_instruction_has_words_in_every_language(lang):
    turns = ("straight", "slight_left", "left", "sharp_left", "slight_right", "right", "sharp_right", "back", "arrive")
    step = tell(make_corner(), (0, 0.0, 1.0), (7, 0.0, 1.0))[1]
    for turn in turns:
        assert say_step(replace(step, turn=turn), WORDS, lang)


@pytest.mark.parametrize(
    ("metres", "lang", "expected"),
    [(3, "en", "10 m"), (118, "fr", "120 m"), (994, "en", "990 m"), (996, "en", "1.0 km"), (2345, "fr", "2,3 km")],
)
def test_a_length_is_said_as_people_do(metres, lang, expected):
    assert say_distance(metres, WORDS, lang) == expected
