"""Feeds in their turns: what is down, absurd or cut costs freshness, never what is known."""

from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_source import (
    BusyPublisherError,
    FileState,
    RefusedPublisherError,
    TooLargeError,
    TooSlowError,
    UnreadablePublisherError,
)
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult.feed_rules import lease_until
from citizen_api.teleconsult.feed_sync import THREADS, feed_turns
from citizen_api.teleconsult.models import Provider
from tests.teleconsult.slot_makers import make_feed
from tests.teleconsult.source_makers import (
    DOWN,
    HOUR,
    MINUTE,
    NOW,
    SLOTS_URL,
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
    saying,
    saying_slots,
    slots,
)


@pytest.fixture(autouse=True)
def feed(database):
    """A feed that was never read, beside one that is not due and has a slot."""
    return make_unread_feed(database)


@pytest.fixture
def keep(database, clock, tmp_path):
    """Make the keeper of synthetic publishers."""
    return partial(make_keeper, database, clock=clock, reports_dir=tmp_path)


# --- Turns --------------------------------------------------------------------------------------------------


def test_a_feed_is_read_at_once_and_then_when_it_is_due(keep, database, clock):
    publisher = SyntheticPublisher()
    keeper = keep(publisher)
    for seconds in (0, 59, 1, 59, 1):
        clock.moment += timedelta(seconds=seconds)
        keeper.turn()
    assert len(publisher.asked) == 3
    row = row_of(database)
    assert (row.checked_at, row.read_at, row.failures, row.problem, row.slots) == (
        clock.moment,
        clock.moment,
        0,
        None,
        3,
    )


def test_one_turn_reads_every_feed_that_is_due_the_longest_waiting_first(keep, database):
    order = []

    class Noting(SyntheticPublisher):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def look(self, known, *, since):
            order.append(self.name)
            return super().look(known, since=since)

    with database.session() as session:
        provider = session.get_one(Provider, "synthetic-clinic")
        make_feed(session, provider, "late", next_try_at=NOW - HOUR)
        make_feed(session, provider, "later", next_try_at=NOW - MINUTE)
    keep({name: Noting(name) for name in ("synthetic-clinic", "late", "later")}).turn()
    assert order == ["synthetic-clinic", "late", "later"]


@pytest.fixture
def make_other(database):
    """Make another feed of the same provider, that is due later."""

    def make(name):
        with database.session() as session:
            provider = session.get_one(Provider, "synthetic-clinic")
            make_feed(session, provider, name, checked_at=None, next_try_at=NOW - MINUTE)

    return make


def test_who_waits_behind_a_slow_publisher_is_left_to_others(keep, database, clock, make_other):
    make_other("patient")
    taken_until = []

    def slow():
        clock.moment += timedelta(seconds=11)
        return saying_slots(1)

    def patient():
        taken_until.append(row_of(database, "patient").next_try_at)
        return saying_slots(2)

    publishers = {"synthetic-clinic": SyntheticPublisher(slow), "patient": SyntheticPublisher(patient)}
    keep(publishers).turn()
    assert taken_until == [lease_until(NOW + timedelta(seconds=11), 60)]


def test_what_was_confirmed_is_noted_though_another_feed_fails_as_nobody_expected(keep, database, clock, make_other):
    make_other("absurd")
    same = SyntheticPublisher(make_publication(SyntheticFile(), etag="v1"))
    absurd = SyntheticPublisher(saying_slots(1), ZeroDivisionError())
    keeper = keep({"synthetic-clinic": same, "absurd": absurd})
    keeper.turn()
    clock.moment += MINUTE
    with pytest.raises(ZeroDivisionError):
        keeper.turn()
    row = row_of(database)
    assert (row.checked_at, row.next_try_at) == (clock.moment, clock.moment + MINUTE)


def test_the_feeds_of_a_provider_that_is_offered_no_more_are_not_asked(keep, database):
    with database.session() as session:
        session.get_one(Provider, "synthetic-clinic").retired_at = NOW
    publisher = SyntheticPublisher()
    assert keep(publisher).turn() == []
    assert publisher.asked == []


def test_turns_are_a_little_later_so_that_cities_do_not_ask_together(keep, database):
    keep(SyntheticPublisher(), draw=1.0).turn()
    assert row_of(database).next_try_at == NOW + MINUTE * 1.1


def test_two_processes_do_not_read_the_same_feed_at_once(keep, database):
    other = SyntheticPublisher()

    def meanwhile():
        assert keep(other).turn() == []
        return saying_slots(1)

    keep(SyntheticPublisher(meanwhile)).turn()
    assert (other.asked, slots(database)) == ([], named(1))


def test_what_staff_says_of_the_next_turn_meanwhile_stands(keep, database):
    def meanwhile():
        change(database, next_try_at=NOW + 9 * MINUTE)
        return saying_slots(1)

    keep(SyntheticPublisher(meanwhile)).turn()
    assert row_of(database).next_try_at == NOW + 9 * MINUTE


def test_a_feed_that_is_removed_while_it_is_asked_leaves_nothing(keep, database):
    def meanwhile():
        with database.session() as session:
            session.delete(queries.feed_named(session, "synthetic-clinic"))
        raise DOWN

    assert keep(SyntheticPublisher(meanwhile)).turn()[0].problem == "down"
    assert (row_of(database), slots(database, "noise")) == (None, named(1))


def test_a_feed_that_is_removed_while_it_says_that_nothing_changed_is_let_go(keep, database):
    def meanwhile():
        with database.session() as session:
            session.delete(queries.feed_named(session, "synthetic-clinic"))

    (turn,) = keep(SyntheticPublisher(meanwhile)).turn()
    assert (turn.problem, row_of(database)) == ("removed", None)


@pytest.mark.parametrize("answer", [saying_slots(1), DOWN], ids=["well", "failing"])
def test_staff_may_have_a_feed_read_that_is_not_due(keep, database, feed, answer):
    keeper = keep(SyntheticPublisher(answer, saying_slots(2)))
    keeper.turn()
    keeper.read_feed(feed.id)
    assert slots(database) == named(2)


def test_what_did_not_change_is_not_read_but_confirmed(keep, database, clock):
    file = SyntheticFile([make_schedule_record(), *make_slot_records(1)])
    keeper = keep(SyntheticPublisher(make_publication(file, etag="v1")))
    for _ in range(3):
        keeper.turn()
        clock.moment += MINUTE
    row = row_of(database)
    assert (len(file.asked), row.read_at, row.checked_at) == (1, NOW, NOW + 2 * MINUTE)


def test_a_file_that_did_not_change_is_not_read_and_its_slots_stay(keep, database, clock):
    first = SyntheticFile([make_schedule_record(), *make_slot_records(1)], etag="v1")
    second = SyntheticFile(make_slot_records(2), url="https://synthetic-clinic.example/2")
    third = SyntheticFile(make_slot_records(3), url="https://synthetic-clinic.example/2")
    keeper = keep(SyntheticPublisher(make_publication(first, second), make_publication(first, third)))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    assert (first.asked, slots(database)) == ([None, FileState(etag="v1")], named(1, 3))


def test_a_file_whose_address_holds_a_signature_is_known_again(keep, clock):
    first, again = (
        SyntheticFile([make_schedule_record(), *make_slot_records(1)], etag="v1", url=f"{SLOTS_URL}?sig={sig}")
        for sig in "ab"
    )
    keeper = keep(SyntheticPublisher(make_publication(first), make_publication(again)))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    assert again.asked == [FileState(etag="v1")]


def test_files_that_differ_only_in_their_query_are_read_together(keep, database, clock):
    one = SyntheticFile([make_schedule_record(), *make_slot_records(1)], etag="v1", url=f"{SLOTS_URL}?part=1")
    two = SyntheticFile(make_slot_records(2), etag="v1", url=f"{SLOTS_URL}?part=2")
    keeper = keep(SyntheticPublisher(make_publication(one, two)))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    assert (one.asked[1], two.asked[1], slots(database)) == (None, None, named(1, 2))


def test_calendars_are_not_forgotten_because_their_file_did_not_change(keep, database, feed, clock):
    calendars = SyntheticFile([make_schedule_record("s1"), make_schedule_record("s2")], holds_slots=False, etag="v1")
    slots_of = [SyntheticFile(make_slot_records(n), url="https://synthetic-clinic.example/2") for n in (1, 2)]
    keeper = keep(SyntheticPublisher(*(make_publication(calendars, file) for file in slots_of)))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    with database.session(write=False) as session:
        assert set(queries.schedule_ids_of(session, feed.id)) == {"s1", "s2"}


def test_calendars_that_are_published_no_more_are_forgotten(keep, database, feed, clock):
    places = SyntheticFile([], holds_slots=False, etag="v1", url="https://synthetic-clinic.example/places")
    files = [
        SyntheticFile([make_schedule_record(name)], holds_slots=False, url="https://synthetic-clinic.example/calendars")
        for name in ("s1", "s2")
    ]
    keeper = keep(SyntheticPublisher(*(make_publication(places, file) for file in files)))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    with database.session(write=False) as session:
        assert set(queries.schedule_ids_of(session, feed.id)) == {"s2"}
    assert places.asked == [None, FileState(etag="v1"), None]


def test_another_address_is_read_as_if_nothing_were_known(keep, database, clock):
    publisher = SyntheticPublisher(make_publication(SyntheticFile(), etag="v1"))
    keeper = keep(publisher)
    keeper.turn()
    change(database, url="https://synthetic-clinic.example/other")
    clock.moment += MINUTE
    keeper.turn()
    assert publisher.asked == [(None, None), (None, None)]


# --- What fails ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (DOWN, "down"),
        (BusyPublisherError("slow down"), "busy"),
        (RefusedPublisherError("no such key"), "refused"),
        (UnreadablePublisherError("a page of HTML"), "unreadable"),
        (TooLargeError("2 GB"), "too_large"),
        (TooSlowError("a trickle"), "too_slow"),
    ],
    ids=["down", "busy", "refused", "unreadable", "too_large", "too_slow"],
)
@pytest.mark.parametrize("where", ["manifest", "file"])
def test_a_feed_that_cannot_be_read_keeps_what_it_said_with_its_age(keep, database, clock, error, problem, where):
    broken = error if where == "manifest" else saying(make_schedule_record(), *make_slot_records(9), breaks=error)
    keeper = keep(SyntheticPublisher(saying_slots(1, 2), broken))
    keeper.turn()
    clock.moment += MINUTE
    assert keeper.turn()[0].problem == problem
    row = row_of(database)
    assert (row.checked_at, row.failures, row.problem, slots(database)) == (NOW, 1, problem, named(1, 2))


def test_a_reading_that_takes_too_long_in_all_its_files_is_ended(keep, clock):
    def pass_time():
        clock.moment += MINUTE

    files = [SyntheticFile([], url=f"{SLOTS_URL}/{number}", on_read=pass_time) for number in range(9)]
    assert keep(SyntheticPublisher(make_publication(*files)), within_s=300).turn()[0].problem == "too_slow"
    assert sum(len(file.asked) for file in files) == 6


def test_what_nobody_expected_is_raised_and_counts_as_a_failure(keep, database):
    with pytest.raises(ZeroDivisionError):
        keep(SyntheticPublisher(ZeroDivisionError())).turn()
    row = row_of(database)
    assert (row.failures, row.problem, row.next_try_at) == (1, "failed", NOW + MINUTE)


def test_a_feed_that_is_down_is_asked_more_and_more_seldom(keep, clock):
    asked_at = []

    def down():
        asked_at.append(clock.moment)
        raise DOWN

    keeper = keep(SyntheticPublisher(down))
    for _ in range(70):
        keeper.turn()
        clock.moment += MINUTE
    waits = [(later - earlier) // MINUTE for earlier, later in pairwise(asked_at)]
    assert waits == [1, 2, 4, 8, 15, 15, 15]


def test_who_asks_to_be_left_alone_is_left_alone(keep, database):
    keep(SyntheticPublisher(BusyPublisherError("slow down", retry_after_s=7_200.0))).turn()
    assert row_of(database).next_try_at == NOW + 2 * HOUR


def test_a_feed_that_answers_again_is_well(keep, database, clock):
    keeper = keep(SyntheticPublisher(DOWN, saying_slots(1)))
    keeper.turn()
    clock.moment += MINUTE
    keeper.turn()
    assert (row_of(database).failures, row_of(database).problem, slots(database)) == (0, None, named(1))


def test_the_log_of_a_failure_holds_codes_and_no_address(keep, caplog):
    keep(SyntheticPublisher(DOWN)).turn()
    (record,) = caplog.records
    assert (record.feed, record.problem) == ("synthetic-clinic", "down")
    assert "example" not in str(record.__dict__)


def test_rejected_rows_are_reported_and_the_last_report_kept(keep, clock, tmp_path):
    absurd = RejectedRow(7, "no_start: The slot has no start.", "synthetic")
    keeper = keep(SyntheticPublisher(saying(make_schedule_record(), absurd)))
    for _ in range(2):
        (turn,) = keeper.turn()
        clock.moment += MINUTE
    assert turn.rejected == {"no_start": 1}
    (report,) = tmp_path.glob("slots-synthetic-clinic-*-rejected.csv")
    assert report.read_text(encoding="utf-8").splitlines()[1].startswith("7,no_start")


def test_millions_of_rejected_rows_do_not_fill_the_disk(keep, tmp_path):
    rows = [RejectedRow(number, "no_start: The slot has no start.", "synthetic") for number in range(1_500)]
    (turn,) = keep(SyntheticPublisher(saying(*rows))).turn()
    (report,) = tmp_path.glob("*-rejected.csv")
    assert (turn.rejected.total(), len(report.read_text(encoding="utf-8").splitlines())) == (1_500, 1_001)


# --- The settings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["smart", "fhir", "availability"])
def test_a_turn_of_the_settings_reads_a_feed_of_each_kind_and_calls_no_private_address(settings, database, clock, kind):
    change(database, kind=kind, url="https://127.0.0.1/feed?key=s3cret")
    with make_client(settings) as client:
        turns = feed_turns(settings, database, client, clock)
        (turn,) = turns[0]()
    assert (len(turns), turn.problem, "s3cret" in turn.why) == (THREADS, "refused", False)
