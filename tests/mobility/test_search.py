"""The search finds the way of least cost: against igraph, against a plain Dijkstra, and on ways that one can see."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from citizen_api.mobility import kernel, landmarks, search
from citizen_api.mobility.search import Route, find_route, reach, times_to
from tests.mobility.hashcode_makers import HASHCODE, read_hashcode
from tests.mobility.makers import changed, make_graph, make_grid
from tests.mobility.search_makers import cost_of, draw_snaps, least_costs, make_costs, make_snap, plain_labels
from tests.shared_data import shared_file


@pytest.fixture(scope="module")
def grid():
    """1,600 junctions, no two ways of one length."""
    return make_grid(40, 40, seed=7)


@pytest.fixture(scope="module")
def paris():
    return read_hashcode(shared_file(HASHCODE))


def make_air(network, *, seed=1, price=0.0):
    factor = np.random.default_rng(seed).uniform(0.6, 1.6, len(network.tails)).astype(np.float32)
    return {"factor": factor, "hours": np.array([float(price)])}


# ---- against igraph: 25 starts x 40 goals = 1,000 pairs


def assert_least(network, graph, costs):
    starts, goals = draw_snaps(network, 25, seed=11, graph=graph), draw_snaps(network, 40, seed=12, graph=graph)
    expected = least_costs(network, starts, goals, costs, graph)
    found = [[find_route(network, graph, start, goal, costs) for goal in goals] for start in starts]
    costs_found = np.array([[route.cost for route in row] for row in found])
    assert np.isfinite(expected).all()
    assert costs_found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    return found


def test_without_air_a_thousand_ways_take_as_long_as_the_shortest_of_igraph(grid):
    found = assert_least(grid, "walk", make_costs(grid))
    assert all(route.duration_s == pytest.approx(route.cost) for row in found for route in row)


def test_on_the_streets_of_paris_a_thousand_ways_on_foot_are_as_short_as_those_of_igraph(paris):
    assert_least(paris, "walk", make_costs(paris))


def test_on_the_streets_of_paris_a_thousand_ways_by_bike_heed_each_one_way_as_igraph_does(paris):
    assert_least(paris, "bike", make_costs(paris, "bike"))


def test_with_one_price_of_air_for_ever_and_weights_of_streets_the_cost_is_the_least_too(grid):
    weight = np.random.default_rng(3).uniform(1, 4, len(grid.tails)).astype(np.float32)
    assert_least(grid, "walk", make_costs(grid, weight=weight, **make_air(grid, price=4)))


def test_ways_that_are_quicker_than_the_graph_says_are_still_the_shortest(grid):
    pace = np.random.default_rng(5).uniform(0.5, 1.2, len(grid.graphs["walk"].time_s)).astype(np.float32)
    assert_least(grid, "walk", make_costs(grid, time_s=grid.graphs["walk"].time_s * pace))


# ---- what a weight brings


def test_the_more_clean_air_is_worth_the_more_a_way_costs_and_the_less_is_breathed_in(grid):
    starts, goals = draw_snaps(grid, 30, seed=21), draw_snaps(grid, 30, seed=22)
    gained = 0
    for start, goal in zip(starts, goals, strict=True):
        costs = [make_costs(grid, **make_air(grid, price=price)) for price in (0.0, 0.5, 2.0, 8.0)]
        routes = [find_route(grid, "walk", start, goal, each) for each in costs]
        breathed = [float((route.time_s * costs[0].factor[route.streets]).sum()) for route in routes]
        durations = [route.duration_s for route in routes]
        assert [route.cost for route in routes] == sorted(route.cost for route in routes)
        assert np.diff(breathed).max() < 1e-6
        assert np.diff(durations).min() > -1e-6
        gained += breathed[-1] < 0.99 * breathed[0]
    assert gained > 20


# ---- prices that change on the way


def slow_grid():
    """Blocks of half an hour: a way across lasts for many hours."""
    return make_grid(9, 9, block_m=2400.0, seed=5)


@pytest.mark.parametrize("first_s", [0.0, 700.0, 3600.0])
def test_the_price_is_that_of_the_hour_in_which_a_street_is_reached(first_s):
    network = slow_grid()
    hours = np.random.default_rng(9).uniform(0, 5, 24)
    costs = make_costs(network, **make_air(network) | {"hours": hours, "first_s": first_s})
    for start, goal in zip(draw_snaps(network, 20, seed=31), draw_snaps(network, 20, seed=32), strict=True):
        route = find_route(network, "walk", start, goal, costs)
        assert route.cost == pytest.approx(cost_of(route, costs), rel=1e-9)


def test_with_a_guide_the_way_is_that_of_a_plain_search_at_every_hour():
    network = slow_grid()
    hours = np.random.default_rng(10).uniform(0, 5, 24)
    costs = make_costs(network, **make_air(network) | {"hours": hours, "first_s": 1200.0})
    labels = plain_labels(network, costs, [(0, 0.0, 0.0)])
    start = make_snap(network, 0, 0.0)
    durations = []
    for street, head in enumerate(network.heads.tolist()):
        cost, seconds, _ = labels[head]
        route = find_route(network, "walk", start, make_snap(network, street, 1.0), costs)
        assert (route.cost, route.duration_s) == (pytest.approx(cost, rel=1e-12), pytest.approx(seconds, rel=1e-12))
        durations.append(route.duration_s)
    # Beyond the hours that the first guide knows, too.
    assert max(durations) > (search._NEAR_HOURS + 2) * 3600


# ---- ways that one can see: streets 0 to 2 lead east from junction 0, 1, 2


def line(*, oneway=()):
    """Junctions 0 to 3 in a row, and a second row 4 to 7 above it."""
    network = make_grid(4, 2)
    times = network.length_m / np.float32(1.0)
    walk = make_graph(8, network.tails, network.heads, times, oneway=oneway)
    return changed(network, graphs={"walk": walk, "bike": walk})


def way(network, start, goal, **costs):
    found = find_route(
        network, "walk", make_snap(network, *start), make_snap(network, *goal), make_costs(network, **costs)
    )
    return found and [
        tuple(round(float(v), 3) for v in piece) for piece in zip(found.streets, found.begins, found.ends, strict=True)
    ]


def test_along_one_street_nobody_turns_round():
    assert way(line(), (1, 0.2), (1, 0.7)) == [(1, 0.2, 0.7)]
    assert way(line(), (1, 0.7), (1, 0.2)) == [(1, 0.7, 0.2)]


def test_against_a_one_way_street_one_goes_round_the_block():
    network = line(oneway={1})
    assert way(network, (1, 0.2), (1, 0.7)) == [(1, 0.2, 0.7)]
    around = way(network, (1, 0.7), (1, 0.2))
    assert (around[0], around[-1], len(around)) == ((1, 0.7, 1.0), (1, 0.0, 0.2), 5)


def test_from_where_one_is_to_there_takes_no_time_even_on_a_street_that_is_barred():
    network = line()
    barred = np.full(len(network.graphs["walk"].time_s), np.inf, np.float32)
    for costs in ({}, {"time_s": barred}):
        route = find_route(network, "walk", *[make_snap(network, 1, 0.4)] * 2, make_costs(network, **costs))
        assert (route.duration_s, route.cost, route.streets.tolist()) == (0.0, 0.0, [1])


def test_at_the_end_of_a_street_one_is_at_its_junction():
    network = line(oneway={0})
    assert way(network, (1, 0.0), (1, 1.0)) == way(network, (0, 1.0), (2, 0.0)) == [(1, 0.0, 1.0)]
    # From the beginning of a one-way street the others lead away too, and whoever comes back need not enter it.
    assert way(network, (0, 0.0), (3, 0.0)) is not None
    assert way(network, (1, 0.5), (0, 1.0)) == [(1, 0.5, 0.0)]
    same = find_route(network, "walk", make_snap(network, 0, 1.0), make_snap(network, 1, 0.0), make_costs(network))
    assert (same.duration_s, len(same.streets)) == (0.0, 1)


def test_a_way_that_is_barred_is_not_gone_and_without_another_there_is_none():
    network = line()
    roads = network.graphs["walk"]
    time_s = roads.time_s.copy()
    time_s[[roads.forward_arcs[1], roads.backward_arcs[1]]] = np.inf
    assert 1 not in {street for street, *_ in way(network, (0, 0.5), (2, 0.5), time_s=time_s)}
    assert way(network, (0, 0.5), (1, 0.5), time_s=time_s) is None
    assert way(network, (1, 0.5), (0, 0.5), time_s=time_s) is None


def test_between_parts_that_do_not_touch_there_is_no_way():
    network = line()
    kept = [street for street in range(len(network.tails)) if street in {0, 2, 3, 5}]
    walk = make_graph(8, network.tails[kept], network.heads[kept], np.full(len(kept), 100, np.float32))
    network = changed(network, graphs={"walk": replace(walk, components=np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int32))},
                      tails=network.tails[kept], heads=network.heads[kept])  # fmt: skip
    assert way(network, (0, 0.5), (1, 0.5)) is None
    seconds = reach(network, "walk", make_snap(network, 0, 0.0), make_costs(network), limit_s=1e6)
    assert np.isfinite(seconds).tolist() == [True, True, False, False, False, False, False, False]


def test_of_ways_that_cost_the_same_it_is_always_the_same_one():
    found = {tuple(way(make_grid(12, 12), (3, 0.5), (120, 0.5))) for _ in range(3)}
    assert len(found) == 1


# ---- many goals


def test_times_to_many_goals_are_those_of_the_ways_to_each(grid):
    costs = make_costs(grid, **make_air(grid, price=2))
    start, goals = draw_snaps(grid, 1, seed=41)[0], draw_snaps(grid, 30, seed=42)
    goals.append(make_snap(grid, start.street, 0.99))
    expected = [find_route(grid, "walk", start, goal, costs).duration_s for goal in goals]
    found = times_to(grid, "walk", start, [*goals, None], costs, limit_s=1e9)
    assert found[:-1] == pytest.approx(expected, rel=1e-9)
    assert np.isinf(found[-1])


def test_beyond_the_limit_a_goal_is_not_reached(grid):
    costs, start = make_costs(grid), draw_snaps(grid, 1, seed=43)[0]
    goals = draw_snaps(grid, 40, seed=44)
    everything = times_to(grid, "walk", start, goals, costs, limit_s=np.inf)
    limit_s = float(np.median(everything))
    limited = times_to(grid, "walk", start, goals, costs, limit_s=limit_s)
    assert np.array_equal(limited, np.where(everything <= limit_s, everything, np.inf))


def test_no_goal_at_all_is_no_trouble(grid):
    assert times_to(grid, "walk", draw_snaps(grid, 1, seed=1)[0], [], make_costs(grid), limit_s=9).shape == (0,)
    assert np.isinf(times_to(grid, "walk", draw_snaps(grid, 1, seed=1)[0], [None], make_costs(grid), limit_s=9)).all()


def test_reach_is_the_time_to_each_junction_within_the_limit(grid):
    costs, start = make_costs(grid), make_snap(grid, 800, 0.3)
    seconds = reach(grid, "walk", start, costs, limit_s=600)
    whole = reach(grid, "walk", start, costs, limit_s=np.inf)
    ends = [make_snap(grid, street, 1.0) for street in range(0, len(grid.tails), 97)]
    expected = [find_route(grid, "walk", start, end, costs).duration_s for end in ends]
    assert whole[grid.heads[::97]] == pytest.approx(expected)
    assert np.array_equal(seconds, np.where(whole <= 600, whole, np.inf))
    assert 0 < np.isfinite(seconds).sum() < len(seconds)


# ---- never changed, whoever asks


def digest(network):
    arrays = [
        value for value in (getattr(network, name) for name in network.__slots__) if isinstance(value, np.ndarray)
    ]
    arrays += [getattr(graph, name) for graph in network.graphs.values() for name in graph.__slots__]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def locked(network):
    """The same as from mapped files: whoever writes to it fails."""
    columns = {name: getattr(network, name) for name in network.__slots__}
    fixed = {name: kernel.fixed(value) for name, value in columns.items() if isinstance(value, np.ndarray)}
    graphs = {
        name: replace(graph, **{part: kernel.fixed(getattr(graph, part)) for part in graph.__slots__})
        for name, graph in network.graphs.items()
    }
    return replace(network, graphs=graphs, **fixed)


def answers(network, seed):
    start, goal = draw_snaps(network, 2, seed=seed)
    costs = make_costs(network, **make_air(network, price=seed % 5))
    route = find_route(network, "walk", start, goal, costs)
    times = times_to(network, "walk", start, draw_snaps(network, 5, seed=seed + 1), costs, limit_s=2000)
    seconds = reach(network, "walk", goal, costs, limit_s=900)
    return [route.streets.tolist(), route.time_s.tolist(), route.cost, times.tolist(), seconds.tolist()]


@pytest.fixture
def restless():
    """Threads that take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_sixteen_threads_get_the_answers_of_one(grid):
    fresh = locked(grid)  # landmarks too are worked out in the middle of it
    alone = [answers(grid, seed) for seed in range(64)]
    with ThreadPoolExecutor(16) as threads:
        together = list(threads.map(lambda seed: answers(fresh, seed), range(64)))
    assert together == alone


def test_each_thread_searches_in_a_space_of_its_own(grid):
    roads = grid.graphs["walk"]
    with ThreadPoolExecutor(1) as other:
        assert other.submit(search._space, roads).result() is not search._space(roads)
    assert search._space(roads) is search._space(roads)


def test_no_question_changes_the_network_and_one_machine_code_serves_all(grid):
    before, network = digest(grid), locked(grid)
    answers(grid, 5)
    answers(network, 5)
    search.warm_up(network)
    assert digest(grid) == digest(network) == before
    functions = (kernel.grow, kernel.unwind, kernel.leave_all, kernel.settled_seconds)
    assert [len(each.signatures) for each in functions] == [1, 1, 1, 1]


# ---- landmarks


def test_a_guide_tells_most_of_what_is_left_and_never_more(paris):
    goal, costs = draw_snaps(paris, 1, seed=51, graph="bike")[0], make_costs(paris, "bike")
    goal = make_snap(paris, goal.street, 1.0, "bike")
    junctions = np.array([paris.heads[goal.street]], np.int32)
    guide = landmarks.guide_to(landmarks.table_of(paris.graphs["bike"]), junctions, scale=1.0, hours=1)
    told, left = [], []
    for street in [drawn.street for drawn in draw_snaps(paris, 60, seed=52, graph="bike")]:
        start = make_snap(paris, street, 1.0, "bike")
        left.append(find_route(paris, "bike", start, goal, costs).duration_s)
        told.append(kernel._left(guide.table, guide.goal, guide.scale, int(paris.heads[street])))
    assert (np.array(told) <= np.array(left) + 1e-9).all()
    assert sum(told) > 0.7 * sum(left)


def test_landmarks_are_kept_as_long_as_their_graph_and_are_those_of_its_times():
    network = make_grid(6, 6, seed=1)
    roads = network.graphs["walk"]
    first = landmarks.table_of(roads)
    assert landmarks.table_of(roads) is first
    slower = replace(roads, time_s=2 * roads.time_s)
    assert landmarks.table_of(slower).max() > 1.9 * first.max()
    key = tuple(map(id, (slower.offsets, slower.heads, slower.time_s)))
    assert key in landmarks._tables
    del slower
    assert key not in landmarks._tables


def test_a_way_is_cost_and_pieces(grid):
    route = find_route(grid, "walk", *draw_snaps(grid, 2, seed=61), make_costs(grid))
    assert isinstance(route, Route)
    assert (route.streets.dtype, route.begins.dtype, route.ends.dtype) == (np.int32, np.float32, np.float32)
    assert route.length_m(grid).sum() / (4.8 / 3.6) == pytest.approx(route.duration_s, rel=1e-5)
