"""Round walks: as long as wished, little repeated, green and away from traffic, different from day to day."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from citizen_api.mobility.network import Flag
from citizen_api.mobility.outing_plan import breathed
from citizen_api.mobility.outings import (
    MAX_REPEATED,
    MAX_SHARED,
    OFF_BY,
    WALK,
    joined,
    pleasant_weight,
    repeated_part,
    seed_of,
    walks_from,
)
from citizen_api.mobility.planning import shared_part
from citizen_api.mobility.profiles import ends_near
from citizen_api.mobility.search import Route, snap
from citizen_api.mobility.shapes import route_points
from tests.mobility.makers import changed, make_grid
from tests.mobility.network_makers import FROM, TO, sample_network
from tests.mobility.outing_makers import WINTER, make_background, make_line, make_one_way, make_park

MINUTES = (20, 30, 45)
DAYS = [WINTER + timedelta(days=number) for number in range(5)]
PARK = make_park()
MIDDLE = 15 * 30 + 15


def walk(network=PARK, junction=MIDDLE, minutes=MINUTES, day=WINTER, **wishes):
    place = {"lat": network.lats[junction], "lon": network.lons[junction]}
    starts = ends_near(network, WALK, **place, wishes=wishes.get("wishes", ()))
    return walks_from(network, starts, minutes=minutes, day=day, **wishes)[1]


def as_bytes(walks):
    return [each.route.streets.tobytes() for each in walks]


def make_route(*pieces, seconds=60.0):
    streets, begins, ends = zip(*pieces, strict=True)
    return Route(
        streets=np.array(streets, np.int32),
        begins=np.array(begins, np.float32),
        ends=np.array(ends, np.float32),
        time_s=np.full(len(pieces), seconds),
        cost=1.0,
    )


# --- What a walk is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", DAYS)
def test_round_walks_take_the_wished_minutes_within_their_margin(day):
    walks = walk(day=day)
    assert [each.wished_min for each in walks] == list(MINUTES)
    assert all(abs(each.duration_s / 60 / each.wished_min - 1) <= OFF_BY for each in walks)


@pytest.mark.parametrize("day", DAYS)
def test_round_walks_repeat_little_of_themselves(day):
    assert all(each.repeated <= MAX_REPEATED for each in walk(day=day))


@pytest.mark.parametrize("day", DAYS)
def test_walks_of_a_day_are_not_nearly_the_same(day):
    first, second, third = walk(day=day, minutes=(30,))
    pairs = [(first, second), (second, third), (first, third)]
    assert all(shared_part(PARK, one.route, other.route) <= MAX_SHARED for one, other in pairs)


def test_a_walk_ends_where_it_started():
    for each in walk():
        points, _ = route_points(PARK, each.route)
        assert points[0] == pytest.approx(points[-1])


def test_a_walk_is_a_line_without_a_jump():
    for each in walk():
        points, _ = route_points(PARK, each.route)
        steps_m = np.hypot(*(np.diff(points, axis=0) * [111_000, 73_000]).T)
        assert steps_m.max() < 81


def test_the_minutes_take_turns():
    assert [each.wished_min for each in walk(minutes=(20, 30))] == [20, 30, 20]


# --- Where it goes ----------------------------------------------------------------------------------------------


def test_walks_are_greener_and_calmer_than_the_streets_around():
    junction = 4 * 30 + 14  # at the edge of the park, near the main road
    walks = [each for day in DAYS for each in walk(junction=junction, day=day)]
    assert np.mean([each.green for each in walks]) > 0.6
    assert np.mean([each.away for each in walks]) > 0.9


def test_the_green_and_the_calm_weigh_less_and_what_lies_beside_traffic_more():
    grid = make_grid(3, 2)
    kinds = ["residential", "footway", "residential", "residential", "primary", "residential", "steps"]
    flags = np.zeros(7, np.uint16)
    flags[2] = Flag.GREEN
    main_road_m = np.full(7, 500.0, np.float32)
    main_road_m[[3, 4]] = [20, 0]
    factors = {"no2": [1, 1, 1, 1, 2, 1.5, 1]}
    weight = pleasant_weight(changed(grid, kinds=kinds, flags=flags, main_road_m=main_road_m, factors=factors))
    plain, foot, green, beside, main, dirty, steps = weight
    assert max(foot, green) < plain < min(beside, dirty)
    assert main == weight.max()
    assert steps > foot


def test_no_weight_is_below_what_a_search_takes():
    flags = np.full(len(PARK.flags), Flag.GREEN, np.uint16)
    best = changed(PARK, kinds=["footway"] * len(flags), flags=flags, factors={"no2": np.full(len(flags), 0.01)})
    assert pleasant_weight(best).min() >= 0.1


def test_steps_are_left_out_for_a_wheelchair():
    flags = PARK.flags.copy()
    flags[::5] |= np.uint16(Flag.STEPS)
    stepped = changed(PARK, flags=flags)
    (here,) = ends_near(stepped, WALK, lat=PARK.lats[MIDDLE], lon=PARK.lons[MIDDLE], wishes=("wheelchair",))
    assert not stepped.flags[here.street] & Flag.STEPS
    walks = walk(stepped, wishes=("wheelchair",))
    assert walks
    assert not any((stepped.flags[each.route.streets] & Flag.STEPS).any() for each in walks)


# --- From day to day --------------------------------------------------------------------------------------------


def test_the_walks_of_one_day_are_the_same_however_often_one_asks():
    assert as_bytes(walk()) == as_bytes(walk())


def test_each_of_the_walks_is_another_one_on_the_next_day():
    days = [as_bytes(walk(day=day)) for day in DAYS]
    assert all(today != tomorrow for each in pairwise(days) for today, tomorrow in zip(*each, strict=True))


@pytest.mark.parametrize("place", [FROM, TO])
def test_in_central_paris_there_are_three_round_walks_every_day_and_others_on_the_next(place):
    network = sample_network()
    starts = ends_near(network, WALK, **place)
    days = [walks_from(network, starts, minutes=MINUTES, day=day)[1] for day in DAYS]
    assert all(each.is_round for walks in days for each in walks)
    assert [len(walks) for walks in days] == [3] * len(DAYS)
    assert all(as_bytes(today) != as_bytes(tomorrow) for today, tomorrow in pairwise(days))


def test_two_places_of_one_coarse_cell_have_one_seed_and_the_next_cell_another():
    (here,) = snap(PARK, "walk", lat=PARK.lats[0], lon=PARK.lons[0])
    near, far = replace(here, lat=here.lat + 0.0001), replace(here, lat=here.lat + 0.01)
    assert seed_of(here, WINTER) == seed_of(near, WINTER)
    assert seed_of(here, WINTER) != seed_of(far, WINTER)


# --- Where there is no room -------------------------------------------------------------------------------------


def test_without_a_loop_one_walks_there_and_back():
    (only,) = walk(make_line(), junction=0, minutes=(20,))
    assert not only.is_round
    assert only.repeated == pytest.approx(0.5)
    assert only.duration_s / 60 == pytest.approx(20, rel=OFF_BY)


def test_a_walk_there_and_back_says_what_it_really_takes():
    (only,) = walk(make_line(9), junction=0, minutes=(30,))
    assert 12 < only.duration_s / 60 < 24
    assert only.wished_min == 30


def test_on_a_piece_of_a_few_streets_there_is_no_walk():
    assert walk(make_grid(2, 2, block_m=50), junction=0) == []


def test_off_the_network_there_is_no_walk():
    assert walks_from(PARK, [], minutes=MINUTES, day=WINTER) == (None, [])


def test_the_next_piece_of_the_network_serves_where_the_nearest_is_too_small():
    # A short street of its own, beside the grid: pieces are told apart by their component.
    here = MIDDLE
    island = int(np.flatnonzero((PARK.tails == here) | (PARK.heads == here))[0])
    walk_graph = PARK.graphs["walk"]
    cut = np.isin(np.arange(len(PARK.tails)), [island])
    starts = snap(PARK, "walk", lat=PARK.lats[here], lon=PARK.lons[here])
    alone = replace(starts[0], street=island, distance_m=0.0, component=1)
    # Nothing leaves the street that was cut off: its arcs take for ever.
    time_s = np.where(cut[walk_graph.streets], np.inf, walk_graph.time_s).astype(np.float32)
    network = changed(PARK, graphs={**PARK.graphs, "walk": replace(walk_graph, time_s=time_s)})
    other = replace(starts[0], street=int(np.flatnonzero(PARK.tails == here + 30)[0]), fraction=0.0)
    start, walks = walks_from(network, [alone, other], minutes=(20,), day=WINTER)
    assert start == other
    assert walks


def test_a_street_that_is_walked_one_way_only_is_never_walked_against():
    oneway = tuple(range(0, len(PARK.tails), 3))
    network = make_one_way(PARK, oneway)
    for each in walk(network):
        against = each.route.begins > each.route.ends
        assert not np.isin(each.route.streets[against], oneway).any()


def test_where_one_way_streets_lead_away_and_none_back_there_is_no_walk():
    every = tuple(range(len(PARK.tails)))
    assert walk(make_one_way(PARK, every), junction=0) == []


# --- Its parts --------------------------------------------------------------------------------------------------


def test_what_is_gone_along_twice_is_repeated_in_either_direction():
    grid = make_grid(3, 2)
    assert repeated_part(grid, make_route((0, 0, 1), (0, 1, 0))) == pytest.approx(0.5)
    assert repeated_part(grid, make_route((0, 0, 1), (0, 0.5, 1))) == pytest.approx(1 / 3)


def test_two_parts_of_one_street_repeat_nothing():
    assert repeated_part(make_grid(3, 2), make_route((0, 0.5, 1), (0, 0, 0.5))) == 0


def test_going_in_and_straight_out_again_is_left_out():
    way = joined([make_route((0, 0, 1), (1, 0, 1)), make_route((1, 1, 0), (3, 0, 1))])
    assert way.streets.tolist() == [0, 3]


# --- What is breathed -------------------------------------------------------------------------------------------


def test_the_dose_is_compared_with_the_same_minutes_on_a_mean_street():
    clean = changed(PARK, factors={"no2": np.full(len(PARK.tails), 0.8)})
    (first, *_) = walk(clean)
    background = make_background(no2=25, pm25=1)
    walked = breathed(clean, first, background, background.starts_at)
    assert walked.guide == "no2"
    assert walked.against_mean == pytest.approx(-0.2)
    assert walked.dose_ug["no2"] == pytest.approx(25 * 0.8 * 1.1 * 1.37 * first.duration_s / 3600)
    assert walked.dose_ug["o3"] is None


def test_with_an_index_alone_no_street_is_said_to_be_better():
    (first, *_) = walk()
    walked = breathed(PARK, first, make_background(no2=None, pm25=None, basis="index"), WINTER_NOON)
    assert (walked.guide, walked.against_mean) == (None, None)
    assert set(walked.dose_ug.values()) == {None}


def test_without_a_moment_no_dose_is_told():
    (first, *_) = walk()
    assert set(breathed(PARK, first, make_background(), None).dose_ug.values()) == {None}


def test_of_hours_beyond_what_is_known_no_dose_is_told():
    (first, *_) = walk()
    background = make_background(hours=2)
    walked = breathed(PARK, first, background, background.starts_at + timedelta(hours=5))
    assert (walked.against_mean, walked.dose_ug["no2"]) == (None, None)


WINTER_NOON = make_background().starts_at + timedelta(hours=3)
