"""Trips by shared bicycle: which stations, which bicycle, when not; on synthetic streets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from citizen_api.mobility.rules import BIKE_SPEED_M_S, WALK_SPEED_M_S
from citizen_api.mobility.sharing import NEVER, PICK_UP_S, RETURN_S, RISKS_S, find_shared
from citizen_api.mobility.trip_parts import Question
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trips import find_trips
from tests.mobility.makers import changed, make_grid
from tests.mobility.station_makers import make_station
from tests.mobility.trip_makers import FakeNetworks, make_air

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
NETWORK = make_grid(columns=31, rows=3)
"""3 km from west to east; junctions every 100 m."""


def at(column, row=1, network=NETWORK):
    """Position of a junction of the grid."""
    node = row * 31 + column
    return {"lat": float(network.lats[node]), "lon": float(network.lons[node])}


def station(code, column, row=1, **facts):
    reported = NOON - timedelta(seconds=facts.get("age_s", 0))
    plain = {"age_s": 0, "bikes": 10, "ebikes": 5, "docks": 10, "last_reported": reported}
    return make_station(code, **plain | at(column, row) | facts)


def find(*stations, start=0, goal=30, network=NETWORK, **wishes):
    ends = {f"from_{name}": value for name, value in at(start, network=network).items()}
    ends |= {f"to_{name}": value for name, value in at(goal, network=network).items()}
    return find_shared(network, stations, **ends, background=None, **{"depart_at": NOON} | wishes)


def used(trip):
    return None if trip is None else [leg.station.code for leg in trip.legs if leg.station]


NEAR_START, NEAR_GOAL = station("take", 2), station("leave", 28)


def test_one_walks_rides_and_walks():
    trip = find(NEAR_START, NEAR_GOAL)
    assert used(trip) == ["take", "leave"]
    assert [leg.mode.name for leg in trip.legs] == ["walk", "bike", "walk"]
    lengths = [leg.route.length_m(NETWORK).sum() for leg in trip.legs]
    assert lengths == pytest.approx([200, 2_600, 200], rel=1e-3)


def test_taking_and_leaving_the_bicycle_takes_its_time():
    first, ride, last = find(NEAR_START, NEAR_GOAL).legs
    walk_s, ride_s = 200 / WALK_SPEED_M_S, 2_600 / BIKE_SPEED_M_S
    starts = [first.starts_s, ride.starts_s, last.starts_s]
    assert starts == pytest.approx([0, walk_s + PICK_UP_S, walk_s + PICK_UP_S + ride_s + RETURN_S], rel=1e-3)


def test_the_whole_lasts_until_the_end_of_the_last_walk():
    trip = find(NEAR_START, NEAR_GOAL)
    expected_s = 400 / WALK_SPEED_M_S + 2_600 / BIKE_SPEED_M_S + PICK_UP_S + RETURN_S
    assert trip.duration_s == pytest.approx(expected_s, rel=1e-3)


def test_the_steps_from_the_street_to_the_station_and_back_count():
    lon = (at(2)["lon"] + at(3)["lon"]) / 2  # amid a block, so that no other street is nearer
    on_it, aside = (find(station("take", 2, lon=lon, lat=at(2)["lat"] + apart), NEAR_GOAL) for apart in (0, 0.0003))
    apart_s = 2 * 0.0003 * 111_200 / WALK_SPEED_M_S
    assert aside.duration_s - on_it.duration_s == pytest.approx(apart_s, rel=0.02)


def test_who_must_walk_to_the_street_first_takes_the_bicycle_that_is_surer_to_be_there_by_then():
    # "few" is reached after 150 s with 3.1 of its bicycles likely left, from a door 100 m off after 247 s with 2.8;
    # "sure", a street farther on the way, takes 51 s more.
    stations = station("few", 2, 2, bikes=4, ebikes=0, age_s=120), station("sure", 3, 2), station("leave", 28, 2)
    ends = {f"from_{name}": value for name, value in at(0, 2).items()}
    ends |= {f"to_{name}": value for name, value in at(30, 2).items()}
    door = ends | {"from_lat": ends["from_lat"] + 100 / 111_200}
    taken = [
        used(find_shared(NETWORK, stations, **given, background=None, depart_at=NOON))[0] for given in (ends, door)
    ]
    assert taken == ["few", "sure"]


def test_the_pair_that_is_quickest_in_all_is_taken():
    stations = [station(f"t{column}", column) for column in (1, 4, 7)]
    stations += [station(f"l{column}", column) for column in (23, 26, 29)]
    assert used(find(*stations)) == ["t1", "l29"]


def test_distances_over_the_streets_decide_not_those_in_a_straight_line():
    # The middle row is cut west of the start's neighbour: what is near as the crow flies is far on foot.
    graph = NETWORK.graphs["walk"]
    time_s = graph.time_s.copy()
    blocked = [
        street for street in range(len(NETWORK.tails)) if {NETWORK.tails[street], NETWORK.heads[street]} == {31, 32}
    ]
    time_s[np.isin(graph.streets, blocked)] = 4_000
    network = changed(NETWORK, graphs={**NETWORK.graphs, "walk": replace(graph, time_s=time_s)})
    assert used(find(station("near", 1), station("up", 0, 2), NEAR_GOAL, network=network)) == ["up", "leave"]


@pytest.mark.parametrize(
    "change",
    [{"bikes": 0, "ebikes": 0}, {"is_renting": False}, {"is_installed": False}],
    ids=["empty", "closed", "not there"],
)
def test_a_station_that_gives_no_bicycle_is_passed_by(change):
    assert used(find(station("no", 1, **change), NEAR_START, NEAR_GOAL)) == ["take", "leave"]


@pytest.mark.parametrize("change", [{"docks": 0}, {"is_returning": False}], ids=["full", "closed"])
def test_a_station_that_takes_no_bicycle_is_passed_by(change):
    assert used(find(NEAR_START, station("no", 29, **change), NEAR_GOAL)) == ["take", "leave"]


def test_a_station_that_does_not_tell_its_docks_may_take_the_bicycle():
    trip = find(NEAR_START, station("leave", 28, docks=None))
    assert (trip.docks, trip.dock_chance, trip.counts_too_early) == (None, "unknown", False)


@pytest.mark.parametrize(
    ("electric", "ebikes", "mode", "count"),
    [
        (None, 5, "bike", 10),
        (None, 10, "ebike", 10),
        (None, None, "bike", 10),
        (True, 5, "ebike", 5),
        (False, 4, "bike", 6),
        (False, None, "bike", 10),
    ],
)
def test_the_kind_of_bicycle_is_that_which_is_asked_for_and_there(electric, ebikes, mode, count):
    trip = find(station("take", 2, ebikes=ebikes), NEAR_GOAL, electric=electric)
    assert (trip.legs[1].mode.name, trip.bikes) == (mode, count)


@pytest.mark.parametrize(("electric", "ebikes"), [(True, 0), (True, None), (False, 10)])
def test_without_the_kind_that_is_asked_for_there_is_no_trip(electric, ebikes):
    assert find(station("take", 2, ebikes=ebikes), NEAR_GOAL, electric=electric) is None


def test_an_electric_bicycle_is_quicker():
    ordinary, electric = (find(NEAR_START, NEAR_GOAL, electric=wish) for wish in (False, True))
    assert electric.duration_s < ordinary.duration_s


def test_a_bicycle_is_left_only_within_its_own_system():
    assert find(NEAR_START, station("leave", 28, system_id="another")) is None


def test_a_bicycle_is_not_left_where_it_was_taken():
    assert find(station("both", 15), start=12, goal=18) is None


def test_walking_is_better_where_it_is_as_fast():
    assert find(station("take", 1), station("leave", 3), start=0, goal=4) is None


@pytest.mark.parametrize("wish", sorted(NEVER))
def test_nobody_takes_a_shared_bicycle_with_a_wheelchair_a_pushchair_or_a_child(wish):
    assert find(NEAR_START, NEAR_GOAL, wishes=[wish]) is None


@pytest.mark.parametrize("stations", [[], [NEAR_START], [NEAR_GOAL], [station("far", 15)]])
def test_without_two_stations_near_the_ends_there_is_no_trip(stations):
    assert find(*stations) is None


def test_a_place_off_the_streets_has_no_trip():
    ends = {"from_lat": 48.9, "from_lon": 2.5, "to_lat": 48.91, "to_lon": 2.5}
    assert find_shared(NETWORK, [NEAR_START, NEAR_GOAL], **ends, background=None, depart_at=NOON) is None


def test_a_station_that_may_be_empty_is_passed_by_for_a_sure_one_a_little_farther():
    assert used(find(station("one left", 1, bikes=1, ebikes=0), NEAR_START, NEAR_GOAL)) == ["take", "leave"]


def test_a_station_that_may_be_empty_is_better_than_a_long_detour():
    assert RISKS_S["poor"] < 600 / WALK_SPEED_M_S * 2
    trip = find(station("one left", 1, bikes=1, ebikes=0), NEAR_GOAL)
    assert (used(trip), trip.bike_chance, trip.bikes) == (["one left", "leave"], "poor", 1)


def test_the_chance_of_a_dock_is_that_at_the_end_of_the_ride():
    trip = find(NEAR_START, station("leave", 28, docks=4))
    # Some 14 minutes after what it showed.
    assert (trip.bike_chance, trip.dock_chance, trip.docks) == ("good", "fair", 4)


def test_old_news_make_a_bicycle_less_likely():
    assert find(station("take", 2, bikes=5, age_s=540), NEAR_GOAL).bike_chance == "fair"


@pytest.mark.parametrize(
    ("ahead_min", "chances"),
    [
        (0, ("good", "good")),
        (12, ("fair", "fair")),
        (29, ("unknown", "unknown")),
        (60 * 24 * 30, ("unknown", "unknown")),
    ],
)
def test_whoever_leaves_later_counts_on_fewer_bicycles_and_half_an_hour_ahead_on_no_number(ahead_min, chances):
    few = station("take", 2, bikes=4, ebikes=0), station("leave", 28, docks=8)
    trip = find(*few, depart_at=NOON + timedelta(minutes=ahead_min))
    assert (trip.bike_chance, trip.dock_chance) == chances
    assert trip.counts_too_early == ("unknown" in chances)


def test_stations_that_are_empty_or_full_now_are_not_passed_by_by_whoever_leaves_in_some_hours():
    empty, full = station("empty", 1, bikes=0, ebikes=0, docks=20), station("full", 29, docks=0)
    now, later = (find(empty, NEAR_START, NEAR_GOAL, full, depart_at=NOON + timedelta(hours=hours)) for hours in (0, 3))
    assert [used(now), used(later)] == [["take", "leave"], ["empty", "full"]]
    assert (later.bikes, later.docks, later.legs[1].mode.name) == (None, None, "bike")


@pytest.mark.parametrize(("ahead", "said"), [(timedelta(0), False), (timedelta(days=1), True)])
def test_beside_a_later_trip_it_is_said_that_the_numbers_are_those_of_now(ahead, said):
    ends = {f"{end}_{name}": value for end, node in (("from", 0), ("to", 30)) for name, value in at(node).items()}
    question = Question(**ends, modes=("bikeshare",), wishes=frozenset(), depart_at=NOON + ahead)
    found = find_trips(FakeNetworks(NETWORK), question, background=make_air(), stations=lambda: [NEAR_START, NEAR_GOAL])
    assert ("bike_counts_then" in TripPresenter(found, "en", at=NOON, sources={}).notices()) is said


@pytest.mark.parametrize(
    "change", [{"is_renting": False}, {"is_returning": False}, {"is_installed": False}], ids=["gives", "takes", "there"]
)
def test_a_station_that_is_closed_now_is_not_counted_on_later(change):
    later = NOON + timedelta(hours=3)
    assert find(station("take", 2, **change), station("leave", 28, **change), depart_at=later) is None


@pytest.mark.parametrize(("ebikes", "expected"), [(0, "ebike"), (None, None)])
def test_later_an_electric_bicycle_is_hoped_for_where_kinds_are_told(ebikes, expected):
    trip = find(station("take", 2, ebikes=ebikes), NEAR_GOAL, electric=True, depart_at=NOON + timedelta(hours=3))
    assert (trip and trip.legs[1].mode.name) == expected


def test_the_same_question_has_the_same_answer_whatever_the_order_of_stations():
    stations = [station(f"t{row}", 2, row) for row in (0, 2)] + [station(f"l{row}", 28, row) for row in (0, 2)]
    assert used(find(*stations)) == used(find(*reversed(stations)))


class Air:
    """A background of which one pollutant is known, the same in all hours."""

    starts_at = NOON - timedelta(hours=1)

    def __init__(self):
        self.values_ug_m3 = {"no2": np.full(24, 50.0)}

    def guide(self, _at):
        return "no2"

    def hour(self, moment):
        return int((moment - self.starts_at).total_seconds() // 3600)


def test_who_wants_cleaner_air_rides_over_cleaner_streets():
    # The middle row, the shortest, is dirty.
    middle = [31 <= tail < 62 and head == tail + 1 for tail, head in zip(NETWORK.tails, NETWORK.heads, strict=True)]
    network = changed(NETWORK, factors={"no2": np.where(middle, 3.0, 0.5)})
    ends = {f"from_{name}": value for name, value in at(0).items()} | {
        f"to_{name}": value for name, value in at(30).items()
    }
    lengths = [
        find_shared(network, [NEAR_START, NEAR_GOAL], **ends, background=Air(), depart_at=NOON, weight=weight)
        .legs[1]
        .route.length_m(network)
        .sum()
        for weight in (0.0, 8.0)
    ]
    assert lengths == pytest.approx([2_600, 2_800], rel=1e-3)
