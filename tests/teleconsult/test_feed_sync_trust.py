"""Feeds that say too little, only changes, or must be asked while a resident waits; slots that are over."""

from datetime import timedelta
from functools import partial

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.sources.slot_source import FileState
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult.feed_sync import accept_shrink, forget_past, recheck
from tests.teleconsult.slot_makers import make_schedule, make_slot
from tests.teleconsult.source_makers import (
    DOWN,
    HOUR,
    MINUTE,
    NOW,
    SyntheticFile,
    SyntheticPublisher,
    change,
    make_keeper,
    make_publication,
    make_schedule_record,
    make_slot_records,
    make_unread_feed,
    named,
    row_of,
    saying_slots,
    slots,
)

MANY = range(30)


@pytest.fixture(autouse=True)
def feed(database):
    """A feed that was never read, beside one that is not due and has a slot."""
    return make_unread_feed(database)


@pytest.fixture
def keep(database, clock, tmp_path):
    """Make the keeper of synthetic publishers."""
    return partial(make_keeper, database, clock=clock, reports_dir=tmp_path)


# --- What is suspicious -------------------------------------------------------------------------------------


@pytest.fixture
def shrunk(keep, clock):
    """A keeper whose feed knew thirty slots and says one now; it was held back a moment ago."""
    publisher = SyntheticPublisher(saying_slots(*MANY), saying_slots(1))
    keeper = keep(publisher)
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    keeper.publisher = publisher
    return keeper


@pytest.mark.usefixtures("shrunk")
def test_a_feed_that_says_hardly_anything_is_held_back(database):
    row = row_of(database)
    assert (row.problem, row.held_since, row.checked_at) == ("shrunk", NOW + MINUTE, NOW)
    assert (row.failures, row.slots, slots(database)) == (0, 30, named(*MANY))


def test_what_stood_for_an_hour_is_believed(shrunk, database, clock):
    for _ in range(59):
        clock.moment += MINUTE
        shrunk.turn()
    assert slots(database) == named(*MANY)
    clock.moment += MINUTE
    shrunk.turn()
    row = row_of(database)
    assert (slots(database), row.problem, row.held_since, row.checked_at) == (named(1), None, None, clock.moment)


def test_what_staff_accepts_is_believed_once(shrunk, database, clock):
    with database.session() as session:
        assert accept_shrink(session, queries.feed_named(session, "synthetic-clinic"))
    for answer in (saying_slots(1), saying_slots(*MANY), saying_slots(1)):
        shrunk.publisher.answers = [answer]
        clock.moment += MINUTE
        shrunk.turn()
    assert (row_of(database).problem, slots(database)) == ("shrunk", named(*MANY))


def test_nothing_is_accepted_where_nothing_is_held_back(database):
    with database.session() as session:
        assert not accept_shrink(session, queries.feed_named(session, "noise"))


def test_a_feed_that_says_all_again_is_well_and_the_hour_begins_anew(shrunk, database, clock):
    shrunk.publisher.answers = [saying_slots(*MANY), saying_slots(2)]
    for _ in range(2):
        clock.moment += MINUTE
        shrunk.turn()
    assert row_of(database).held_since == clock.moment


def test_a_suspicious_answer_is_read_again_though_it_did_not_change(keep, clock):
    held = saying_slots(1)
    file = SyntheticFile(held.files[0].items, etag="v2")
    keeper = keep(SyntheticPublisher(saying_slots(*MANY), make_publication(file, etag="m2")))
    for _ in range(3):
        keeper.turn()
        clock.moment += MINUTE
    assert file.asked == [FileState(), FileState()]


# --- Changes only -------------------------------------------------------------------------------------------


def changes(*numbers, minutes=1, is_free=True):
    file = SyntheticFile(make_slot_records(*numbers, is_free=is_free), url="https://synthetic-clinic.example/changes")
    return make_publication(file, is_whole=False, published_at=NOW + minutes * MINUTE)


def test_a_feed_that_tells_changes_is_asked_since_it_last_spoke(keep, database, clock):
    change(database, asks_since=True)
    publisher = SyntheticPublisher(saying_slots(1, 2), changes(3), changes(1, minutes=2, is_free=False))
    keeper = keep(publisher)
    for _ in range(3):
        keeper.turn()
        clock.moment += MINUTE
    assert [since for _, since in publisher.asked] == [None, NOW, NOW + MINUTE]
    assert slots(database) == named(2, 3)


def test_it_is_read_whole_once_an_hour_and_every_file_then(keep, database, clock):
    change(database, asks_since=True)
    whole = [SyntheticFile([make_schedule_record(), *make_slot_records(1)], etag="v1") for _ in range(2)]
    publisher = SyntheticPublisher(make_publication(whole[0]), changes(3), make_publication(whole[1]))
    keeper = keep(publisher)
    for wait in (MINUTE, HOUR, MINUTE):
        keeper.turn()
        clock.moment += wait
    assert [since for _, since in publisher.asked] == [None, NOW, None]
    assert (whole[1].asked, slots(database)) == ([None], named(1))


def test_a_feed_of_which_changes_are_not_asked_is_read_whole(keep, clock):
    publisher = SyntheticPublisher()
    keeper = keep(publisher)
    for _ in range(2):
        keeper.turn()
        clock.moment += MINUTE
    assert [since for _, since in publisher.asked] == [None, None]


# --- A resident waits ---------------------------------------------------------------------------------------


def test_a_cheap_feed_is_asked_again_before_a_resident_is_sent_there(keep, database, feed, clock):
    publisher = SyntheticPublisher(saying_slots(1, 2), saying_slots(2))
    keeper = keep(publisher)
    keeper.turn()
    clock.moment += MINUTE
    assert keeper.recheck(feed.id)
    assert (slots(database), row_of(database).checked_at) == (named(2), clock.moment)


@pytest.mark.parametrize(
    "facts",
    [
        {"read_s": 1.0},
        {"read_bytes": 2_000_000},
        {"read_s": None},
        {"problem": "down"},
        {"checked_at": NOW + timedelta(seconds=1)},
        {"checked_at": None},
        {"next_try_at": NOW + 20 * MINUTE},
    ],
    ids=["slow", "large", "never whole", "failing", "fresh", "never read", "being read"],
)
def test_a_feed_that_is_dear_failing_fresh_or_being_read_is_not_asked_again(keep, database, feed, clock, facts):
    publisher = SyntheticPublisher()
    keeper = keep(publisher)
    keeper.turn()
    change(database, **facts)
    clock.moment += MINUTE
    assert not keeper.recheck(feed.id)
    assert len(publisher.asked) == 1


def test_a_feed_that_fails_just_then_is_not_fresh_and_raises_nothing(keep, database, feed, clock):
    keeper = keep(SyntheticPublisher(saying_slots(1), DOWN))
    keeper.turn()
    clock.moment += MINUTE
    assert not keeper.recheck(feed.id)
    assert (row_of(database).problem, slots(database)) == ("down", named(1))


def test_a_feed_that_is_gone_is_not_fresh(keep):
    assert not keep(SyntheticPublisher()).recheck(99_999)


def test_before_a_handoff_a_publisher_that_may_not_be_called_is_only_not_fresh(settings, database, feed, clock):
    change(database, checked_at=NOW - HOUR, read_s=0.1, read_bytes=10, url="https://127.0.0.1/feed")
    with make_client(settings) as client:
        assert not recheck(database, feed.id, client, settings, clock)
    assert row_of(database).problem == "refused"


def test_before_a_handoff_not_even_an_unknown_kind_of_fault_is_raised(settings, database, feed, clock, caplog):
    change(database, checked_at=NOW - HOUR, read_s=0.1, read_bytes=10)
    assert not recheck(database, feed.id, None, settings, clock)
    assert caplog.records[-1].why == "AttributeError"


# --- Facts, and what is over --------------------------------------------------------------------------------


def test_readiness_tells_the_age_and_the_trouble_of_each_feed_and_no_address(database):
    change(database, failures=5, problem="down", url="https://synthetic-clinic.example/?key=s3cret")
    with database.session(write=False) as session:
        facts = queries.readiness(session, NOW + MINUTE)
    assert facts == {
        "noise": {"age_s": 60, "failures": 0, "broken": False, "problem": None},
        "synthetic-clinic": {"age_s": None, "failures": 5, "broken": True, "problem": "down"},
    }


@pytest.mark.parametrize("size", [1, 2, 100])
def test_slots_that_are_over_are_forgotten_and_those_that_are_not_stay(database, monkeypatch, size):
    monkeypatch.setattr("citizen_api.teleconsult.feed_sync._FORGOTTEN_AT_ONCE", size)
    with database.session() as session:
        schedule = make_schedule(session, queries.feed_named(session, "synthetic-clinic"))
        for minutes in (-60, -30, -15, -14, 5):
            make_slot(session, schedule, NOW + minutes * MINUTE, source_id=f"at {minutes}")
    assert forget_past(database, NOW) == 3
    assert (slots(database), slots(database, "noise")) == ({"at -14", "at 5"}, named(1))
