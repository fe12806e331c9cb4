"""Feeds in their turn: what is down, busy, empty, absurd or unreadable costs freshness, never what is known."""

from datetime import timedelta
from math import ceil

import pytest
from sqlalchemy import select

from citizen_api.air.keeping import FIRST_WAIT, JITTER, LEASE, OPENS_AFTER, AirKeeper
from citizen_api.air.models import AirFact, AirSource, Reading
from citizen_api.sources.air_fetch import TIMEOUT_S, BusyError, CredentialsError, DownError, UnreadableError
from citizen_api.sources.air_records import EpisodeRecord, Zone
from citizen_api.sources.airparif import COMMUNES_PER_CALL
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.air.makers import DAY, HOUR, NOON, SyntheticFeed, make_index_record, make_reading, make_source, measure

DOWN = DownError("https://air.example cannot be reached (synthetic)")
ABSURD = [RejectedRow(1, "absurd_value: 10000 ug/m3 of no2 cannot be.", "synthetic")]


@pytest.fixture
def keep(database, clock, tmp_path):
    """Make a keeper of synthetic feeds, its clock at noon and its jitter in the middle."""
    clock.moment = NOON

    def make(*feeds, draw=0.5):
        return AirKeeper(database, [each.feed for each in feeds], clock=clock, reports_dir=tmp_path, draw=lambda: draw)

    return make


def row_of(database, source_id="synthetic"):
    with database.session(write=False) as session:
        row = session.get(AirSource, source_id)
        session.refresh(row)
        return row


def levels(database):
    with database.session(write=False) as session:
        return session.scalars(select(AirFact.level).order_by(AirFact.known_at)).all()


def test_a_feed_is_read_at_once_and_then_when_it_is_due(keep, clock):
    feed = SyntheticFeed()
    keeper = keep(feed)
    counts = []
    for minutes in (0, 59, 1, 59, 1):
        clock.moment += timedelta(minutes=minutes)
        counts.append(len(keeper.turn()))
    assert counts == [1, 0, 1, 0, 1]


def test_a_reading_that_went_well_says_when_and_what(keep, database):
    (turn,) = keep(SyntheticFeed()).turn()
    row = row_of(database)
    assert (turn.problem, turn.report.facts) == (None, {"new": 1})
    assert (row.fetched_at, row.failures, row.problem, row.next_try_at) == (NOON, 0, None, NOON + HOUR)


@pytest.mark.parametrize(("draw", "minutes"), [(0.0, 54), (0.5, 60), (1.0, 66)])
def test_turns_are_a_little_earlier_or_later_so_that_cities_do_not_ask_together(keep, database, draw, minutes):
    keep(SyntheticFeed(), draw=draw).turn()
    assert JITTER == 0.1
    assert row_of(database).next_try_at == NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (DOWN, "down"),
        (BusyError("slow down", 5.0), "busy"),
        (CredentialsError("no such key", 401), "credentials"),
        (UnreadableError("a page of HTML"), "unreadable"),
        (SourceFormatError("It breaks in the middle."), "unreadable"),
        ([], "empty"),
        (ABSURD, "empty"),
        ([make_reading(20.0, NOON + 24 * HOUR)], "empty"),
    ],
)
def test_a_source_that_gives_nothing_keeps_its_last_good_facts(keep, database, clock, answer, problem):
    feed = SyntheticFeed()
    feed.answers = [[make_index_record(4)], answer]
    keeper = keep(feed)
    keeper.turn()
    clock.moment += HOUR
    (turn,) = keeper.turn()
    row = row_of(database)
    assert (turn.problem, turn.report, levels(database)) == (problem, None, [4])
    assert (row.problem, row.failures, row.fetched_at) == (problem, 1, NOON)


def test_only_the_last_reading_of_a_source_leaves_a_report_of_its_rejected_rows(keep, clock, tmp_path):
    feed = SyntheticFeed()
    feed.answers = [[make_index_record(), *ABSURD]]
    keeper = keep(feed)
    reports = []
    for _ in range(3):
        keeper.turn()
        reports.append([path.name for path in tmp_path.iterdir() if path.name.endswith("-rejected.csv")])
        clock.moment += HOUR
    assert [len(names) for names in reports] == [1, 1, 1]
    assert len({names[0] for names in reports}) == 3
    feed.answers = [[make_index_record()]]
    keeper.turn()
    assert not list(tmp_path.glob("*-rejected.csv"))


def test_a_source_without_an_episode_has_answered(keep, database):
    feed = SyntheticFeed(may_be_empty=True)
    feed.answers = [[]]
    (turn,) = keep(feed).turn()
    assert (turn.problem, row_of(database).failures) == (None, 0)


def test_an_answer_of_which_every_row_was_rejected_is_not_well_read(keep):
    feed = SyntheticFeed(may_be_empty=True)
    feed.answers = [ABSURD]
    assert keep(feed).turn()[0].problem == "empty"


def test_a_source_without_an_episode_has_answered_beside_a_rejected_row(keep):
    feed = SyntheticFeed(may_be_empty=True)
    none = EpisodeRecord(zone=Zone(kind="departement", code="75"), day=DAY, pollutant="pm10", tier=None)
    feed.answers = [[none, *ABSURD]]
    assert keep(feed).turn()[0].problem is None


def test_the_lease_is_longer_than_all_calls_for_a_region_of_1_300_communes_may_last():
    assert timedelta(seconds=TIMEOUT_S) * ceil(1_300 / COMMUNES_PER_CALL) < LEASE


def test_a_source_that_is_down_is_asked_more_and_more_seldom(keep, database, clock):
    feed = SyntheticFeed()
    feed.answers = [DOWN]
    keeper = keep(feed)
    waits = []
    for _ in range(OPENS_AFTER + 2):
        keeper.turn()
        waits.append((row_of(database).next_try_at - clock.moment) / FIRST_WAIT)
        clock.moment = row_of(database).next_try_at
    assert waits == [1, 2, 4, 8, 60, 60, 60]


def test_a_source_is_never_asked_more_seldom_than_if_it_were_well(keep, database, clock):
    feed = SyntheticFeed(every=timedelta(minutes=3))
    feed.answers = [DOWN]
    keeper = keep(feed)
    for _ in range(3):
        clock.moment = row_of(database).next_try_at if feed.asked_at else clock.moment
        keeper.turn()
    assert row_of(database).next_try_at - clock.moment == timedelta(minutes=3)


def test_a_busy_source_is_left_alone_for_as_long_as_it_asks(keep, database):
    feed = SyntheticFeed()
    feed.answers = [BusyError("slow down", 7_200.0)]
    keep(feed).turn()
    assert row_of(database).next_try_at == NOON + 2 * HOUR


def test_a_source_that_is_well_again_is_read_as_before(keep, database, clock):
    feed = SyntheticFeed()
    feed.answers = [DOWN, DOWN, [make_index_record(5)]]
    keeper = keep(feed)
    for minutes in (0, 1, 2):
        clock.moment += timedelta(minutes=minutes)
        keeper.turn()
    row = row_of(database)
    assert (row.failures, row.problem, row.next_try_at) == (0, None, clock.moment + HOUR)
    assert levels(database) == [5]


def test_a_source_that_is_down_does_not_keep_the_others(keep):
    down, well = SyntheticFeed(), SyntheticFeed(make_source("airparif"))
    down.answers = [DOWN]
    turns = keep(down, well).turn()
    assert [(turn.source_id, turn.problem) for turn in turns] == [("synthetic", "down"), ("airparif", None)]


def test_of_two_keepers_only_one_reads(keep):
    feed = SyntheticFeed()
    assert [len(keeper.turn()) for keeper in (keep(feed), keep(feed))] == [1, 0]
    assert len(feed.asked_at) == 1


def test_the_turn_of_a_keeper_that_died_in_it_is_taken_after_the_lease(keep, clock):
    feed = SyntheticFeed()
    feed.answers = [KeyboardInterrupt(), [make_index_record()]]
    with pytest.raises(KeyboardInterrupt):
        keep(feed).turn()
    other = keep(feed)
    clock.moment = NOON + LEASE - timedelta(seconds=1)
    assert other.turn() == []
    clock.moment = NOON + LEASE
    assert len(other.turn()) == 1


@pytest.mark.parametrize("answer", [[make_index_record()], DOWN], ids=["well", "down"])
def test_a_source_that_somebody_wants_read_while_it_is_being_read_is_read_again(keep, database, clock, answer):
    class Wanted(SyntheticFeed):
        def _read(self, now):
            if not self.asked_at:
                with database.session() as session:
                    session.get(AirSource, "synthetic").next_try_at = clock()
            return super()._read(now)

    feed = Wanted()
    feed.answers = [answer, [make_index_record()]]
    keeper = keep(feed)
    assert [len(keeper.turn()) for _ in range(3)] == [1, 1, 0]


def test_while_a_source_is_asked_no_transaction_is_open(keep, database):
    opened = []
    session_of = database.session

    class Watching(SyntheticFeed):
        def _read(self, now):
            assert opened == []
            return super()._read(now)

    def session(**options):
        manager = session_of(**options)

        class Watched:
            def __enter__(self):
                opened.append(1)
                return manager.__enter__()

            def __exit__(self, *error):
                opened.pop()
                return manager.__exit__(*error)

        return Watched()

    keeper = keep(Watching())
    database.session = session
    assert keeper.turn()[0].problem is None


def test_after_a_reading_days_long_past_are_forgotten_of_that_source_only(keep, database, clock):
    old = NOON - timedelta(days=9)
    for source_id in ("synthetic", "airparif"):
        measure(database, [make_reading(1.0, old)], source_id)
    keep(SyntheticFeed()).turn()
    with database.session(write=False) as session:
        assert session.scalars(select(Reading.source_id)).all() == ["airparif"]
    assert levels(database) == [3]
    assert clock().date() == DAY


def test_a_source_that_is_down_forgets_nothing(keep, database):
    feed = SyntheticFeed()
    feed.answers = [DOWN]
    measure(database, [make_reading(1.0, NOON - timedelta(days=9))])
    keep(feed).turn()
    with database.session(write=False) as session:
        assert len(session.scalars(select(Reading.ends_at)).all()) == 1


def test_the_log_names_the_source_and_the_problem_and_no_address_with_a_key(keep, caplog):
    feed = SyntheticFeed()
    feed.answers = [DOWN]
    with caplog.at_level("INFO", logger="alentours.air"):
        keep(feed).turn()
    (record,) = caplog.records
    assert (record.levelname, record.source, record.problem) == ("WARNING", "synthetic", "down")
