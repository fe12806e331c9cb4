"""From an extract to a network: junctions, joining, cutting, islands, and nothing lost without being told."""

import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from citizen_api.mobility import building_graph
from citizen_api.mobility.building import NoNetworkError, build_network
from citizen_api.mobility.building_streets import DOUBLE, GAP, ISLAND, NO_ACCESS, NO_WAY_BACK, OTHER_KIND
from citizen_api.sources.osm_street_tags import StreetTags
from citizen_api.sources.osm_streets import Extract, Street
from tests.mobility.street_makers import ABOUT, AIR, build, check, make_line, streets
from tests.sources.osm_makers import make_node, make_way

LINE = make_line(*range(1, 8))
BESIDE = [make_node(20 + number, lat=48.8 + number * 100 / 111_208, lon=2.31) for number in range(1, 8)]


def lengths(network):
    return [street.length_m for street in streets(network)]


def test_points_where_nothing_forks_are_the_shape_of_one_street(tmp_path):
    network, report = build(tmp_path, *LINE, make_way(50, [1, 2, 3, 4], highway="residential"))
    (street,) = streets(network)
    assert street.length_m == pytest.approx(300, abs=0.2)
    assert [round(lat, 5) for lat, _ in network.shape(0)] == [48.8009, 48.8018, 48.8027, 48.8036]
    assert (report.nodes, report.edges) == (2, 1)
    check(network)


def test_ways_of_the_same_kind_are_joined_whichever_way_they_are_drawn(tmp_path):
    ways = [
        make_way(50, [1, 2], highway="residential", name="A"),
        make_way(51, [3, 2], highway="residential", name="A"),
        make_way(52, [3, 4], highway="residential", name="A"),
    ]
    network, _ = build(tmp_path, *LINE, *ways)
    assert lengths(network) == [pytest.approx(300, abs=0.2)]
    check(network)


@pytest.mark.parametrize(
    "other",
    [
        {"highway": "tertiary"},
        {"highway": "residential", "name": "B"},
        {"highway": "residential", "lit": "yes"},
        {"highway": "residential", "incline": "5%"},
        {"highway": "residential", "bridge": "yes"},
    ],
)
def test_ways_of_which_different_things_are_told_are_not_joined(tmp_path, other):
    network, _ = build(
        tmp_path, *LINE, make_way(50, [1, 2, 3], highway="residential"), make_way(51, [3, 4, 5], **other)
    )
    assert (len(network.tails), len(network.lats)) == (2, 3)


def test_one_way_streets_are_joined_when_they_lead_the_same_way_only(tmp_path):
    around = make_way(52, [5, 25, 21, 1], highway="residential")
    ahead = make_way(50, [1, 2, 3], highway="residential", oneway="yes")
    same = make_way(51, [5, 4, 3], highway="residential", oneway="-1")
    network, _ = build(tmp_path, *LINE, *BESIDE, ahead, same, around)
    assert [street.bike for street in streets(network)] in (["<", "<>"], [">", "<>"])
    check(network)


def test_a_crossing_makes_a_junction_of_both_ways(tmp_path):
    ways = [make_way(50, [1, 2, 3], highway="residential"), make_way(51, [22, 2], highway="footway")]
    network, _ = build(tmp_path, *LINE, *BESIDE, *ways)
    assert (len(network.lats), len(network.tails)) == (4, 3)
    check(network)


def test_ways_that_cross_without_a_common_point_do_not_meet(tmp_path):
    west, east = make_node(30, lat=48.8018, lon=2.29), make_node(31, lat=48.8018, lon=2.31)
    bridge = make_way(51, [30, 31], highway="residential", bridge="yes", name="Pont")
    network, _ = build(tmp_path, *LINE, west, east, make_way(50, [1, 2, 3, 4], highway="residential"), bridge)
    assert len(streets(network)) == 1  # the longer one; the other is an island


def test_a_way_is_cut_where_points_are_missing_and_the_gap_is_told(tmp_path):
    ways = [
        make_way(50, [1, 2, 99, 3, 4], highway="residential"),
        make_way(51, [1, 22, 24, 4], highway="residential"),
        make_way(52, [97, 98, 1], highway="residential"),
    ]
    network, report = build(tmp_path, *LINE, *BESIDE, *ways)
    assert (report.gaps, report.missing_points) == (1, 3)
    assert report.dropped[GAP] == (1, 0)
    assert report.kept_km == pytest.approx(network.length_m.sum() / 1000, abs=1e-6)
    assert 99 not in network.shape_lat_e7
    check(network)


def test_a_way_that_goes_in_a_circle_becomes_two_streets(tmp_path):
    network, _ = build(tmp_path, *LINE, *BESIDE, make_way(50, [1, 2, 22, 21, 1], highway="residential"))
    assert (len(network.lats), len(network.tails)) == (2, 2)
    check(network)


def test_a_circle_at_the_end_of_a_street_has_two_ends(tmp_path):
    ways = [make_way(50, [1, 2], highway="residential"), make_way(51, [2, 3, 23, 2], highway="residential")]
    network, _ = build(tmp_path, *LINE, *BESIDE, *ways)
    assert (len(network.lats), len(network.tails)) == (3, 3)
    check(network)


def test_two_streets_between_the_same_junctions_are_both_kept(tmp_path):
    ways = [
        make_way(50, [1, 2, 3], highway="residential"),
        make_way(51, [1, 22, 3], highway="residential"),
        make_way(52, [3, 4], highway="residential"),
    ]
    network, _ = build(tmp_path, *LINE, *BESIDE, *ways)
    assert (len(network.lats), len(network.tails)) == (3, 3)
    check(network)


def test_a_way_drawn_twice_is_kept_once(tmp_path):
    ways = [
        make_way(50, [1, 2, 3], highway="residential"),
        make_way(51, [3, 2, 1], highway="residential"),
        make_way(52, [3, 4, 3], highway="residential"),
    ]
    network, report = build(tmp_path, *LINE, *ways)
    assert lengths(network) == [pytest.approx(300, abs=0.2)]
    assert report.dropped[DOUBLE] == (2, pytest.approx(0.3, abs=0.001))
    check(network)


def test_a_cycle_track_drawn_on_the_points_of_its_road_is_kept_beside_it(tmp_path):
    ways = [make_way(50, [1, 2], highway="primary"), make_way(51, [1, 2], highway="cycleway")]
    network, _ = build(tmp_path, *LINE, *ways)
    assert {street.kind for street in streets(network)} == {"primary", "cycleway"}


def test_points_in_one_place_make_no_street_without_length(tmp_path):
    twins = [make_node(1, lat=48.8, lon=2.3), make_node(2, lat=48.8, lon=2.3), make_node(3, lat=48.801, lon=2.3)]
    ways = [make_way(50, [1, 2], highway="steps"), make_way(51, [2, 2, 3], highway="residential")]
    network, _ = build(tmp_path, *twins, *ways)
    assert min(lengths(network)) == 0.1
    check(network)


def test_nobody_passes_a_turnstile_and_a_gate_is_open(tmp_path):
    way = make_way(50, [1, 2, 3, 4, 5], highway="footway", name="X")
    points = [LINE[0], *make_line(2, barrier="gate"), *make_line(3, barrier="turnstile"), LINE[3], LINE[4]]
    other = make_way(51, [5, 25, 26], highway="footway", name="Y")
    network, report = build(tmp_path, *points, *BESIDE, way, other)
    kept = {street.name: street.length_m for street in streets(network)}
    assert kept["X"] == pytest.approx(200, abs=0.2)
    assert report.dropped[ISLAND] == (1, pytest.approx(0.2, abs=0.001))
    check(network)


def test_a_short_island_is_dropped_and_a_long_one_kept(tmp_path, monkeypatch):
    ways = [
        make_way(50, [1, 2, 3, 4, 5, 6, 7], highway="residential", name="long"),
        make_way(51, [21, 22, 23], highway="residential", name="short"),
    ]
    network, report = build(tmp_path, *LINE, *BESIDE, *ways)
    assert [street.name for street in streets(network)] == ["long"]
    assert report.dropped[ISLAND] == (1, pytest.approx(0.2, abs=0.001))
    monkeypatch.setattr(building_graph, "ISLAND_M", 150)
    network, report = build(tmp_path, *LINE, *BESIDE, *ways)
    assert [street.name for street in streets(network)] == ["long", "short"]
    assert report.parts_by_graph == {"walk": 2, "bike": 2}
    check(network)


def test_what_is_an_island_for_bicycles_is_a_street_for_walkers(tmp_path):
    ways = [
        make_way(50, [1, 2, 3, 4], highway="residential", name="town"),
        make_way(51, [4, 24], highway="steps", name="steps"),
        make_way(52, [24, 25], highway="residential", name="terrace"),
    ]
    network, report = build(tmp_path, *LINE, *BESIDE, *ways)
    assert [(street.name, street.walk, street.bike) for street in streets(network)] == [
        ("steps", "<>", ""),
        ("terrace", "<>", ""),
        ("town", "<>", "<>"),
    ]
    assert not report.dropped.get(ISLAND)
    check(network)


def test_a_one_way_track_out_of_nowhere_is_dropped(tmp_path):
    ways = [
        make_way(50, [1, 2, 3, 4], highway="residential"),
        make_way(51, [23, 3], highway="cycleway", oneway="yes"),
    ]
    network, report = build(tmp_path, *LINE, *BESIDE, *ways)
    assert [street.kind for street in streets(network)] == ["residential"]
    assert len(network.lats) == 2  # where it met the street nothing forks any more
    assert report.dropped[NO_WAY_BACK][0] == 1
    check(network)


def test_what_is_no_street_for_us_and_what_is_closed_are_told_apart(tmp_path):
    ways = [
        make_way(50, [1, 2], highway="residential"),
        make_way(51, [2, 3], highway="motorway"),
        make_way(52, [3, 4], highway="construction"),
        make_way(53, [4, 5, 6], highway="service", access="private"),
    ]
    _, report = build(tmp_path, *LINE, *ways)
    assert report.dropped[OTHER_KIND] == (2, pytest.approx(0.2, abs=0.001))
    assert report.dropped[NO_ACCESS] == (1, pytest.approx(0.2, abs=0.001))


def test_an_extract_of_motorways_makes_no_network(tmp_path):
    with pytest.raises(NoNetworkError, match="walked or cycled"):
        build(tmp_path, *LINE, make_way(51, [2, 3], highway="motorway"))


def test_a_country_makes_no_network(tmp_path):
    far = make_node(30, lat=46.0, lon=2.3)
    with pytest.raises(NoNetworkError, match="cut it to a city"):
        build(tmp_path, LINE[0], far, make_way(51, [1, 30], highway="residential"))


def test_every_cell_that_a_street_touches_holds_it(tmp_path):
    network, _ = build(tmp_path, *LINE, *BESIDE, make_way(50, [1, 24, 7, 22], highway="residential"))
    for street in range(len(network.tails)):
        points = np.array([network.plane(lat=lat, lon=lon) for lat, lon in network.shape(street)])
        for begin, end in pairwise(points):
            for share in np.linspace(0, 1, 97):
                x, y = begin + share * (end - begin)
                column = min(int((x - network.west_m) // network.cell_m), network.columns - 1)
                row = min(int((y - network.south_m) // network.cell_m), network.rows - 1)
                cell = row * network.columns + column
                assert street in network.cell_streets[network.cell_offsets[cell] : network.cell_offsets[cell + 1]]


KINDS = st.sampled_from(["residential", "footway", "cycleway", "steps", "motorway", "primary"])
WAYS = st.lists(
    st.tuples(
        KINDS,
        st.sampled_from([-1, 0, 1]),
        st.sampled_from([None, True, False]),
        st.lists(st.integers(-1, 24), min_size=2, max_size=7),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ways=WAYS, shut=st.frozensets(st.integers(0, 24), max_size=3))
@example(ways=[("residential", -1, None, [0, 3, 0]), ("residential", -1, None, [1, 2, 1, 0])], shut=frozenset())
def test_of_any_ways_what_is_kept_and_what_is_dropped_is_all_there_was(ways, shut):
    rank = np.arange(25)
    extract = Extract(
        streets=[
            Street(StreetTags(kind=kind, bike_oneway=oneway, foot=foot), np.array(points))
            for kind, oneway, foot, points in ways
        ],
        lats_e7=488_000_000 + rank // 5 * 9_000,
        lons_e7=23_000_000 + rank % 5 * 13_000 + rank // 5,
        shut=shut,
        parks=[],
        dated=None,
        missing=0,
    )
    try:
        network, report = build_network(extract, ABOUT, air=AIR)
    except NoNetworkError:
        return
    dropped = sum(km for _, km in report.dropped.values())
    assert math.isclose(report.kept_km + dropped, report.total_km, abs_tol=1e-9)
    assert math.isclose(report.kept_km, sum(report.km_by_kind.values()), rel_tol=1e-5)
    check(network)
    assert not joinable(network)


def joinable(network):
    """Junctions where nothing forks and two streets that do not form a circle are alike."""
    ends = defaultdict(list)
    for street in streets(network):
        ahead = (street.kind, street.name, street.flags, street.walk, street.bike)
        turn = {"<": ">", ">": "<"}
        back = (*ahead[:3], turn.get(street.walk, street.walk), turn.get(street.bike, street.bike))
        tail, head = int(network.tails[street.number]), int(network.heads[street.number])
        ends[tail].append((ahead, back, head))
        ends[head].append((back, ahead, tail))
    return [
        junction
        for junction, met in ends.items()
        if len(met) == 2 and met[0][0] == met[1][1] and met[0][2] != met[1][2]
    ]
