"""The demo city's bike share: read by the usual reader, dated now, said to be made up, gone without --demo."""

from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.demo import bikes as demo_bikes
from citizen_api.demo.data import derive_stations
from citizen_api.mobility import station_queries as queries
from citizen_api.mobility.station_sync import forget_demo_bikes
from citizen_api.sources import gbfs
from citizen_api.sources.records import RejectedRow
from tests.shared_data import SHARED, shared_file

MOMENTS = [datetime(2026, 11, 22, 21, 40, tzinfo=UTC), datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)]


@pytest.fixture
def read(settings, database, clock):
    """Publish and read once, as a start does."""
    return lambda: demo_bikes.read_demo_bikes(settings, database, clock)


def heard(database, at):
    with database.session(write=False) as session:
        return queries.heard_and_silent(session, at=at)


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_feed_is_read_whole_by_the_usual_reader(moment):
    feeds = demo_bikes.publications(lambda path: f"http://127.0.0.1:9{path}", lambda: moment)
    bodies = {path.removeprefix("/bikes/").removesuffix(".json"): publish() for path, publish in feeds.items()}
    assert set(gbfs.read_discovery(bodies["gbfs"])) == set(bodies)
    places = gbfs.read_information(bodies["station_information"])
    items = list(gbfs.read_stations(bodies["station_status"], places))
    assert len(items) == len(demo_bikes.demo_stations())
    assert not [item for item in items if isinstance(item, RejectedRow)]


def test_a_start_finds_most_stations_heard_of_within_a_minute(read, database, clock):
    turn = read()
    stations, silent = heard(database, clock())
    assert (turn.problem, turn.stations) == (None, len(stations) + silent)
    assert len(stations) > 300
    assert 1 <= silent < 20
    assert max(station.age_s for station in stations) < 60
    assert all(station.made_up for station in stations)


def test_it_is_said_whose_facts_they_were_and_that_they_are_made_up_now(read, database):
    read()
    with database.session(write=False) as session:
        (system,) = queries.systems(session).values()
    assert (system.id, "fictifs" in system.title) == ("demo", True)
    assert "Vélib" in system.producer
    assert "2022" in system.producer
    assert "Licence Ouverte" in system.licence


def test_a_start_reads_even_where_an_earlier_run_waits(read, clock):
    read()
    clock.moment += timedelta(seconds=1)
    assert read().stations > 0


def test_its_turns_read_it_again_every_minute(settings, database, clock):
    with (
        make_client(settings) as client,
        demo_bikes.serving_demo_bikes(settings, database, client, clock) as (turn,),
    ):
        assert turn().stations > 0
        clock.moment += timedelta(seconds=30)
        assert turn() is None
        clock.moment += timedelta(seconds=40)
        assert turn().stations > 0
    assert heard(database, clock())[0]


def test_a_start_without_demo_leaves_nothing_of_it(read, database, clock):
    read()
    forget_demo_bikes(database)
    assert heard(database, clock()) == ([], 0)


def test_no_station_ever_holds_more_than_it_had_bicycles_and_docks():
    for station in demo_bikes.demo_stations()[::7]:
        for minute in range(0, 90, 9):
            said = demo_bikes.status_of(station, MOMENTS[0] + timedelta(minutes=minute))
            total = said["num_bikes_available"] + said["num_docks_available"]
            assert total == station.bikes + station.docks
            assert min(said["num_bikes_available"], said["num_docks_available"]) >= 0


def test_bicycles_come_and_go_but_are_the_same_for_all_in_one_minute():
    station = next(each for each in demo_bikes.demo_stations() if each.bikes > 5 and each.docks > 5)
    moment = MOMENTS[0].replace(second=0)
    counts = [
        demo_bikes.status_of(station, moment + timedelta(minutes=number))["num_bikes_available"] for number in range(90)
    ]
    assert {count - station.bikes for count in counts} == {-2, -1, 0, 1, 2}
    later = demo_bikes.status_of(station, moment + timedelta(seconds=59))
    assert later["num_bikes_available"] == counts[0]


def test_the_bundled_stations_are_derived_from_the_shared_feed():
    shared_file("gbfs/velib_2022-02/station_status.json")
    text, counts = derive_stations.derive(SHARED)
    assert text == derive_stations.TARGET.read_text(encoding="utf-8")
    assert counts["kept"] == len(demo_bikes.demo_stations()) == 317
