"""Stations: which are heard of, what they have, how likely it is still there."""

from datetime import timedelta

import pytest

from citizen_api.mobility import station_actions as actions
from citizen_api.mobility import station_queries as queries
from citizen_api.mobility.station_rules import AHEAD_S, ONE_LESS_EVERY_S, chance_of, is_silent
from tests.mobility.station_makers import NOW, make_record, make_station, store

NORTH_OF_PARIS = 48.95


@pytest.mark.parametrize(
    ("age_s", "silent"), [(0, False), (600, False), (601, True), (-AHEAD_S, False), (-AHEAD_S - 1, True)]
)
def test_a_station_is_silent_after_the_setting_or_when_it_speaks_from_the_future(age_s, silent):
    assert is_silent(age_s, silent_s=600) is silent


@pytest.mark.parametrize(
    ("count", "age_s", "chance"),
    [
        (3, 0, "good"),
        (3, 1, "fair"),
        (4, ONE_LESS_EVERY_S, "good"),
        (1, 0, "fair"),
        (1, 1, "poor"),
        (2, ONE_LESS_EVERY_S, "fair"),
        (0, 0, "poor"),
        (3, -60, "good"),
        (None, 0, "unknown"),
    ],
)
def test_the_chance_falls_with_the_count_and_the_age(count, age_s, chance):
    assert chance_of(count, age_s=age_s) == chance


@pytest.mark.parametrize(
    ("change", "want", "count"),
    [
        ({}, "bike", 5),
        ({}, "ebike", 2),
        ({}, "dock", 15),
        ({"ebikes": None}, "ebike", None),
        ({"docks": None}, "dock", None),
        ({"is_renting": False}, "bike", 0),
        ({"is_renting": False}, "dock", 15),
        ({"is_returning": False}, "dock", 0),
        ({"is_returning": False}, "ebike", 2),
        ({"is_installed": False}, "bike", 0),
        ({"is_installed": False, "docks": None}, "dock", 0),
    ],
)
def test_a_station_has_what_it_gives_or_takes_now(change, want, count):
    assert make_station(**change).count_of(want) == count


@pytest.mark.parametrize(("ebikes", "ordinary"), [(2, 3), (5, 0), (None, None)])
def test_ordinary_bikes_are_those_without_a_motor_where_kinds_are_told(ebikes, ordinary):
    assert make_station(ebikes=ebikes).ordinary_bikes == ordinary


def test_what_was_read_is_what_is_known(database, session):
    store(database, make_record(), make_record("2", ebikes=None, docks=None, capacity=None))
    first, second = queries.stations_now(session, at=NOW)
    assert first == make_station()
    assert (second.id, second.ebikes, second.docks, second.capacity) == ("synthetic:2", None, None, None)


def test_silent_stations_are_left_out_and_counted(database, session):
    store(database, make_record(age_s=600), make_record("2", age_s=601), make_record("3", age_s=-301))
    heard, silent = queries.heard_and_silent(session, at=NOW, silent_s=600)
    assert ([station.code for station in heard], silent) == (["1"], 2)


def test_a_clock_a_little_ahead_makes_no_negative_age(database, session):
    store(database, make_record(age_s=-20))
    assert queries.stations_now(session, at=NOW)[0].age_s == 0


def test_only_the_stations_in_a_box_are_asked_for(database, session):
    store(database, make_record(), make_record("2", lat=NORTH_OF_PARIS), make_record("3", lon=2.6))
    found = queries.stations_now(session, at=NOW, box=(48.8, 2.3, 48.9, 2.4))
    assert [station.code for station in found] == ["1"]


def test_a_later_reading_replaces_stations_and_removes_those_that_are_gone(database, session):
    store(database, make_record(), make_record("2"), system_id="noise")
    store(database, make_record(), make_record("2"))
    store(database, make_record("2", bikes=9, age_s=-40), make_record("3"), at=NOW + timedelta(minutes=1))
    found = [station for station in queries.stations_now(session, at=NOW) if station.system_id == "synthetic"]
    assert [(station.code, station.bikes) for station in found] == [("2", 9), ("3", 5)]
    assert len(queries.stations_now(session, at=NOW)) == 4


def test_a_system_goes_with_its_stations(database, session):
    for name in ("velib", "noise", "demo"):
        store(database, make_record(), system_id=name)
    actions.keep_only(session, ["velib"])
    session.commit()
    assert set(queries.systems(session)) == {"velib", "demo"}
    actions.remove_system(session, "demo")
    session.commit()
    assert [(station.system_id, station.made_up) for station in queries.stations_now(session, at=NOW)] == [
        ("velib", False)
    ]


def test_with_no_system_in_the_settings_only_the_demo_city_stays(database, session):
    for name in ("velib", "demo"):
        store(database, make_record(), system_id=name)
    actions.keep_only(session, [])
    session.commit()
    (station,) = queries.stations_now(session, at=NOW)
    assert station.made_up


def near(session, **changes):
    asked = {"lat": 48.86, "lon": 2.35, "want": "bike", "limit": 5, "at": NOW} | changes
    return queries.nearest_stations(session, **asked)


def test_the_nearest_come_first_with_their_geodesic_distance(database, session):
    store(database, make_record("far", lat=48.87), make_record("near", lat=48.861), make_record("nearest"))
    found = near(session).found
    assert [each.station.code for each in found] == ["nearest", "near", "far"]
    assert [round(each.distance_m) for each in found] == [0, 111, 1112]


def test_a_station_without_what_is_wanted_is_passed_by(database, session):
    store(database, make_record(bikes=0, ebikes=0), make_record("2", lat=48.861), make_record("3", is_renting=False))
    result = near(session)
    assert [each.station.code for each in result.found] == ["2"]
    assert result.heard == 3


def test_a_station_that_does_not_tell_is_offered_as_unknown(database, session):
    store(database, make_record(ebikes=None))
    (found,) = near(session, want="ebike").found
    assert (found.wanted, found.chance) == (None, "unknown")


def test_the_chance_is_that_at_the_end_of_the_walk(database, session):
    store(database, make_record(bikes=4, age_s=0, lat=48.868))
    (found,) = near(session).found
    assert found.chance == "fair"


def test_beyond_three_kilometres_nothing_is_near(database, session):
    store(database, make_record(lat=48.8865), make_record("2", lat=48.8873))
    result = near(session)
    assert [each.station.code for each in result.found] == ["1"]


@pytest.mark.parametrize(("lat", "lon"), [(90.0, 0.0), (-90.0, 180.0), (0.0, 180.0)])
def test_at_the_ends_of_the_world_nothing_breaks(session, lat, lon):
    assert near(session, lat=lat, lon=lon).found == []
