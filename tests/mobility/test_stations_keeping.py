"""Bike share in its turns: what is down, busy, empty or absurd costs freshness, never what is known."""

from dataclasses import replace
from datetime import timedelta

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import SettingsError
from citizen_api.mobility import station_queries as queries
from citizen_api.mobility.models import BikeSystem
from citizen_api.mobility.station_sync import (
    JITTER,
    LEASE,
    LONGEST_WAIT,
    BikeKeeper,
    bike_turns,
    check_systems,
    forget_demo_bikes,
)
from citizen_api.sources.air_fetch import BusyError, CredentialsError, DownError, UnreadableError
from citizen_api.sources.gbfs_fetch import TIMEOUT_S
from citizen_api.sources.records import RejectedRow
from tests.mobility.station_makers import NOW, SyntheticSystem, make_reading, make_record, store

MINUTE = timedelta(minutes=1)
DOWN = DownError("https://bikes.example cannot be reached (synthetic)")
ABSURD = RejectedRow(7, "absurd_value: -1 bicycles cannot be.", "synthetic")


@pytest.fixture
def keep(database, clock, tmp_path):
    """Make the keeper of a synthetic system, its clock at NOW and no jitter."""

    def make(source, draw=0.0, silent_s=600.0):
        return BikeKeeper(
            database, "synthetic", source, clock=clock, reports_dir=tmp_path, silent_s=silent_s, draw=lambda: draw
        )

    return make


def row_of(database):
    with database.session(write=False) as session:
        return session.get(BikeSystem, "synthetic")


def bikes(database, at=NOW):
    with database.session(write=False) as session:
        return [station.bikes for station in queries.stations_now(session, at=at)]


def test_a_system_is_read_at_once_and_then_when_it_is_due(keep, clock):
    source = SyntheticSystem()
    keeper = keep(source)
    for seconds in (0, 59, 1, 59, 1):
        clock.moment += timedelta(seconds=seconds)
        keeper.turn()
    assert source.asked_at == [NOW, NOW + MINUTE, NOW + 2 * MINUTE]


@pytest.mark.parametrize(
    ("ttl_s", "silent_s", "wait_s"), [(0, 600, 60), (10, 600, 60), (120, 600, 120), (3_600, 600, 300), (3_600, 30, 60)]
)
def test_the_wait_is_the_feeds_own_but_never_so_long_that_stations_fall_silent(keep, database, ttl_s, silent_s, wait_s):
    keep(SyntheticSystem(make_reading(make_record(), ttl_s=ttl_s)), silent_s=silent_s).turn()
    assert row_of(database).next_try_at == NOW + timedelta(seconds=wait_s)


def test_turns_are_a_little_later_so_that_cities_do_not_ask_together(keep, database):
    keep(SyntheticSystem(), draw=1.0).turn()
    assert row_of(database).next_try_at == NOW + MINUTE * (1 + JITTER)


def test_a_reading_that_went_well_says_who_runs_the_system(keep, database):
    reading = make_reading(make_record(), producer="Ville", licence="ODbL", url="https://bikes.example")
    turn = keep(SyntheticSystem(reading)).turn()
    row = row_of(database)
    assert (turn.stations, turn.problem, bikes(database)) == (1, None, [5])
    assert (row.title, row.producer, row.licence) == ("Synthetic bikes", "Ville", "ODbL")
    assert (row.url, row.fetched_at, row.failures, row.problem) == ("https://bikes.example", NOW, 0, None)


def test_a_system_that_does_not_name_itself_is_named_by_the_settings(keep, database):
    keep(SyntheticSystem(make_reading(make_record(), title=None))).turn()
    assert row_of(database).title == "synthetic"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (DOWN, "down"),
        (BusyError("slow down", 5.0), "busy"),
        (CredentialsError("no such key", 401), "credentials"),
        (UnreadableError("a page of HTML"), "unreadable"),
        (make_reading(), "empty"),
        (make_reading(ABSURD), "empty"),
    ],
    ids=["down", "busy", "credentials", "unreadable", "empty", "absurd"],
)
def test_a_system_that_gives_nothing_keeps_what_its_stations_said(keep, database, clock, answer, problem):
    keeper = keep(SyntheticSystem(make_reading(make_record(bikes=9)), answer))
    keeper.turn()
    clock.moment += MINUTE
    assert keeper.turn().problem == problem
    row = row_of(database)
    assert (row.fetched_at, row.failures, row.problem, bikes(database)) == (NOW, 1, problem, [9])


def test_what_nobody_expected_is_raised_and_counts_as_a_failure(keep, database, caplog):
    with pytest.raises(OverflowError):
        keep(SyntheticSystem(make_reading(make_record(), ttl_s=1e300))).turn()
    row = row_of(database)
    assert (row.failures, row.problem, row.next_try_at) == (1, "failed", NOW + MINUTE)
    assert [record.why for record in caplog.records] == ["OverflowError"]


def test_what_a_system_said_last_is_not_offered_once_it_is_silent(keep, database, clock):
    keeper = keep(SyntheticSystem(make_reading(make_record()), DOWN))
    for minutes in range(15):
        clock.moment = NOW + minutes * MINUTE
        keeper.turn()
    assert bikes(database, at=NOW + 9 * MINUTE) == [5]
    assert bikes(database, at=NOW + 10 * MINUTE) == []


def test_a_system_that_is_down_is_asked_more_and_more_seldom(keep, clock):
    source = SyntheticSystem(DOWN)
    keeper = keep(source)
    for _ in range(90):
        keeper.turn()
        clock.moment += MINUTE
    waits = [(later - earlier) // MINUTE for earlier, later in zip(source.asked_at, source.asked_at[1:], strict=False)]
    assert waits == [1, 2, 4, 8, 15, 15, 15, 15]
    assert LONGEST_WAIT == 15 * MINUTE


def test_a_system_that_answers_again_is_asked_as_before(keep, database, clock):
    keeper = keep(SyntheticSystem(DOWN, make_reading(make_record())))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    assert (row_of(database).failures, row_of(database).problem) == (0, None)


def test_who_asks_to_slow_down_is_left_alone_for_so_long(keep, database):
    keep(SyntheticSystem(BusyError("slow down", 7_200.0))).turn()
    assert row_of(database).next_try_at == NOW + timedelta(hours=2)


def test_two_processes_do_not_read_the_same_system_at_once(keep, clock):
    other = SyntheticSystem()

    class Slow(SyntheticSystem):
        def read(self, now):
            clock.moment += LEASE - timedelta(seconds=1)
            assert keep(other).turn() is None
            return super().read(now)

    assert keep(Slow()).turn().stations == 1
    assert other.asked_at == []


def test_a_turn_is_left_alone_as_long_as_all_its_calls_may_last():
    assert timedelta(seconds=5 * TIMEOUT_S) < LEASE


def test_no_transaction_is_open_while_the_outside_is_asked(keep, database, monkeypatch):
    open_now = []

    class Watched(SyntheticSystem):
        def read(self, now):
            assert not open_now
            return super().read(now)

    opened = database.open

    def watched(*, write):
        session = opened(write=write)
        open_now.append(session)
        close = session.close

        def closing():
            open_now.remove(session)
            close()

        session.close = closing
        return session

    monkeypatch.setattr(database, "open", watched)
    assert keep(Watched()).turn().stations == 1


def test_rejected_rows_are_reported_and_the_last_report_kept(keep, clock, tmp_path):
    keeper = keep(SyntheticSystem(make_reading(make_record(), ABSURD)))
    for _ in range(2):
        turn = keeper.turn()
        clock.moment += MINUTE
    assert (turn.stations, turn.rejected) == (1, {"absurd_value": 1})
    (report,) = tmp_path.glob("*-rejected.csv")
    assert report.read_text(encoding="utf-8").splitlines()[1].startswith("7,absurd_value")


# --- The settings ------------------------------------------------------------------------------------------


def test_a_system_that_left_the_settings_is_removed_at_the_next_start(settings, database, clock):
    for name in ("velib", "gone"):
        store(database, make_record(), system_id=name)
    settings = replace(settings, mobility_gbfs=("velib=https://velib.example/gbfs.json",))
    with make_client(settings) as client:
        turns = bike_turns(settings, database, client, clock)
    with database.session(write=False) as session:
        assert set(queries.systems(session)) == {"velib"}
    assert len(turns) == 1


def test_a_turn_of_the_settings_asks_the_address_of_the_system(settings, database, clock):
    settings = replace(settings, mobility_gbfs=("velib=https://127.0.0.1/gbfs.json?key=s3cret",))
    with make_client(settings) as client:
        (turn,) = bike_turns(settings, database, client, clock)
        result = turn()
    assert (result.problem, result.why) == ("down", "https://127.0.0.1/gbfs.json cannot be reached (RefusedError)")


@pytest.mark.parametrize(
    "names", [("demo",), ("velib", "velib"), ("x" * 41,)], ids=["of the demo city", "twice", "too long"]
)
def test_names_that_cannot_be_are_refused_without_their_address(settings, names):
    settings = replace(settings, mobility_gbfs=tuple(f"{name}=https://velib.example/?key=s3cret" for name in names))
    with pytest.raises(SettingsError, match="MOBILITY_GBFS") as raised:
        check_systems(settings)
    assert "s3cret" not in str(raised.value)


def test_a_start_without_demo_forgets_the_demo_city_and_nothing_else(database):
    for name in ("velib", "demo"):
        store(database, make_record(), system_id=name)
    forget_demo_bikes(database)
    with database.session(write=False) as session:
        assert set(queries.systems(session)) == {"velib"}
        assert len(queries.stations_now(session, at=NOW)) == 1
