"""What a reading says is what is known afterwards: no more, no less, and nothing of other feeds."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_source import TooLargeError, TooSlowError
from citizen_api.teleconsult import slot_store
from citizen_api.teleconsult.models import Feed, Provider, Schedule, Slot
from citizen_api.teleconsult.slot_ids import slot_key
from citizen_api.teleconsult.slot_store import Intake, Scope, connected
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot
from tests.teleconsult.source_makers import (
    NOW,
    NOW_S,
    make_place_record,
    make_schedule_record,
    make_slot_record,
    make_slot_records,
)

A, B = 1, 2
WHOLE = Scope(is_whole=True, forgets=True)
CHANGES = Scope(is_whole=False)


def make_noise(session, provider):
    """Have another feed of the same provider, with a slot that bears the same id."""
    schedule = make_schedule(session, make_feed(session, provider, "noise"), "s1")
    make_slot(session, schedule, source_id="slot-1", file=A)


@pytest.fixture
def feed(database):
    with database.session() as session:
        provider = make_provider(session)
        make_noise(session, provider)
        return make_feed(session, provider)


@pytest.fixture
def take(database, feed):
    """Read files (key -> records) of the feed and store them; `take.rejected` are the rows of the last reading."""

    def run(files, scope=WHOLE, *, now=NOW, beat=lambda: None):
        run.rejected = []
        with connected(database) as pinned:
            with pinned.session(write=False) as session:
                provider = session.get_one(Provider, feed.provider_id)
            intake = Intake(pinned, feed.id, provider, now=now, reject=run.rejected.append, beat=beat)
            for file, items in files.items():
                intake.take(items, file)
            return intake.store(scope)

    return run


def in_portions(monkeypatch, size):
    """Have so many slots stored at once."""
    monkeypatch.setattr(slot_store, "BATCH", 1)
    monkeypatch.setattr(slot_store, "PORTION", size)


def slots(database, feed):
    with database.session(write=False) as session:
        return set(session.scalars(select(Slot.source_id).where(Slot.feed_id == feed.id)))


def noise(database):
    with database.session(write=False) as session:
        return session.scalars(
            select(Slot.source_id).join(Feed, Feed.id == Slot.feed_id).where(Feed.name == "noise")
        ).all()


def row(database, feed, source_id="slot-1"):
    with database.session(write=False) as session:
        return session.get(Slot, (feed.id, slot_key(source_id)))


def test_all_that_a_slot_says_is_stored(take, database, feed):
    take({A: [make_schedule_record(), make_slot_record(1, capacity=3, phone="+33100000000")]})
    found = row(database, feed)
    assert (found.start_s, found.end_s, found.capacity) == (NOW_S + 39_660, NOW_S + 40_560, 3)
    assert (found.link, found.phone, found.file) == ("https://synthetic-clinic.example/book", "+33100000000", A)


def test_a_whole_reading_leaves_exactly_what_it_says(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(1, 2, 3)]})
    stored = take({A: [make_schedule_record(), *make_slot_records(2, 4)]})
    assert slots(database, feed) == {"slot-2", "slot-4"}
    assert (stored.written, stored.gone) == (1, 2)


def test_another_feed_keeps_what_it_said(take, database):
    take({A: [make_schedule_record(), *make_slot_records(1)]})
    take({A: []})
    take({A: make_slot_records(1, is_free=False)}, CHANGES)
    assert noise(database) == ["slot-1"]


def test_what_is_said_again_is_not_written_again(take):
    said = {A: [make_schedule_record(), *make_slot_records(1, 2)]}
    take(said)
    assert take(said).written == 0


@pytest.mark.parametrize(
    "changed", [{"capacity": 9}, {"link": None}, {"phone": "+33100000000"}, {"end_s": NOW_S + 90_000}]
)
def test_what_a_slot_says_anew_takes_the_place_of_what_it_said(take, database, feed, changed):
    take({A: [make_schedule_record(), make_slot_record(1)]})
    assert take({A: [make_slot_record(1, **changed)]}, CHANGES).written == 1
    ((name, value),) = changed.items()
    assert getattr(row(database, feed), name) == value


def test_a_slot_moves_with_its_calendar(take, database, feed):
    calendars = [make_schedule_record("s1"), make_schedule_record("s2")]
    take({A: [*calendars, make_slot_record(1)]})
    take({A: [*calendars, make_slot_record(1, schedule_id="s2")]})
    with database.session(write=False) as session:
        of = session.scalar(select(Schedule.source_id).join(Slot).where(Slot.feed_id == feed.id))
    assert of == "s2"


def test_a_slot_that_is_taken_is_forgotten_and_the_rest_stays(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(1, 2)]})
    stored = take({B: [make_slot_record(1, is_free=False)]}, CHANGES)
    assert (slots(database, feed), stored.gone) == ({"slot-2"}, 1)


def test_changes_say_nothing_of_what_they_do_not_name(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(1, 2)]})
    take({B: make_slot_records(3)}, CHANGES)
    assert slots(database, feed) == {"slot-1", "slot-2", "slot-3"}


def test_the_slots_of_a_file_that_did_not_change_stay(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(1)], B: make_slot_records(2)})
    take({B: make_slot_records(3)}, Scope(is_whole=True, unread=[A]))
    assert slots(database, feed) == {"slot-1", "slot-3"}


def test_the_slots_of_a_file_that_is_published_no_more_go(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(1)], B: make_slot_records(2)})
    take({A: make_slot_records(1)}, Scope(is_whole=True))
    assert slots(database, feed) == {"slot-1"}


def test_a_slot_that_another_file_says_now_belongs_to_it(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(1)]})
    take({B: make_slot_records(1)}, CHANGES)
    assert row(database, feed).file == B


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_of_a_slot_that_is_said_twice_the_last_word_counts(take, database, feed, monkeypatch, size):
    in_portions(monkeypatch, size)
    said = [make_slot_record(1, capacity=1), make_slot_record(2), make_slot_record(1, capacity=2)]
    take({A: [make_schedule_record(), *said, make_slot_record(2, is_free=False)]})
    assert (slots(database, feed), row(database, feed).capacity) == ({"slot-1"}, 2)


def test_a_slot_that_is_over_is_not_stored(take, database, feed):
    take({A: [make_schedule_record(), make_slot_record(1, in_h=-5), make_slot_record(2, in_h=-0.1)]})
    assert slots(database, feed) == {"slot-2"}


def test_a_slot_that_was_moved_into_the_past_is_forgotten(take, database, feed):
    take({A: [make_schedule_record(), make_slot_record(1)]})
    take({A: [make_slot_record(1, in_h=-5)]}, CHANGES)
    assert slots(database, feed) == set()


def test_a_slot_of_no_known_calendar_is_rejected_and_the_rest_stored(take, database, feed):
    take({A: [make_schedule_record(), make_slot_record(1), make_slot_record(2, schedule_id="nobody")]})
    assert slots(database, feed) == {"slot-1"}
    assert [(one.code, one.raw) for one in take.rejected] == [("schedule_unknown", "slot-2")]


def test_a_calendar_may_be_described_after_its_slots(take, database, feed):
    take({A: [make_slot_record(1), make_schedule_record()]})
    assert slots(database, feed) == {"slot-1"}


def test_slots_wait_for_their_calendar_and_the_last_word_counts(take, database, feed, monkeypatch):
    in_portions(monkeypatch, 1)
    said = [*make_slot_records(1, 2, 3), make_slot_record(2, is_free=False), make_schedule_record("s1")]
    take({A: [*said, make_slot_record(3, capacity=5), make_slot_record(2, is_free=False)]})
    assert (slots(database, feed), row(database, feed, "slot-3").capacity) == ({"slot-1", "slot-3"}, 5)


def test_only_some_slots_wait_for_their_calendar(take, database, feed, monkeypatch):
    in_portions(monkeypatch, 1)
    monkeypatch.setattr(slot_store, "WAITING_MOST", 2)
    take({A: [*make_slot_records(1, 2, 3), make_schedule_record()]})
    assert slots(database, feed) == {"slot-1", "slot-2"}
    assert [(one.code, one.raw) for one in take.rejected] == [("schedule_unknown", "slot-3")]


def test_a_calendar_waits_for_its_place(take, database, feed, monkeypatch):
    in_portions(monkeypatch, 1)
    calendar = make_schedule_record(modality="practice", place_id="p1")
    take({A: [calendar, *make_slot_records(1, 2), make_place_record(), make_slot_record(3)]})
    assert (slots(database, feed), take.rejected) == ({"slot-1", "slot-2", "slot-3"}, [])


def test_slots_of_calendars_that_were_described_before_are_stored(take, database, feed):
    take({A: [make_schedule_record()]})
    take({B: make_slot_records(1)}, CHANGES)
    assert slots(database, feed) == {"slot-1"}


def test_a_calendar_that_cannot_be_used_is_rejected_with_its_slots(take, database, feed):
    practice = {"modality": "practice"}
    calendars = [
        make_schedule_record(place_id="p1", **practice),
        make_schedule_record("s2", place_id="gone", **practice),
    ]
    take({A: [make_place_record(), *calendars, make_slot_record(1), make_slot_record(2, schedule_id="s2")]})
    assert slots(database, feed) == {"slot-1"}
    assert [(one.code, one.raw) for one in take.rejected] == [("place_unknown", "s2"), ("schedule_unknown", "slot-2")]


def test_what_cannot_be_used_is_handed_on(take):
    refused = RejectedRow(7, "no_start: The slot has no start.", "synthetic")
    take({A: [make_schedule_record(), refused]})
    assert take.rejected == [refused]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_portions_of_any_size_come_to_the_same(take, database, feed, monkeypatch, size):
    in_portions(monkeypatch, size)
    take({A: [make_schedule_record(), *make_slot_records(*range(9))]})
    stored = take({A: [make_schedule_record(), *make_slot_records(*range(5, 12)), make_slot_record(5, is_free=False)]})
    assert slots(database, feed) == {f"slot-{number}" for number in range(6, 12)}
    assert (stored.written, stored.gone) == (3, 6)


# --- New slots, which watches look for ----------------------------------------------------------------------


def last_new(database, feed):
    with database.session(write=False) as session:
        rows = session.execute(select(Schedule.source_id, Schedule.last_new_at).where(Schedule.feed_id == feed.id))
        return dict(rows.all())


def test_a_calendar_in_which_a_slot_appears_says_when(take, database, feed):
    calendars = [make_schedule_record("s1"), make_schedule_record("s2")]
    take({A: [*calendars, make_slot_record(1)]})
    assert last_new(database, feed) == {"s1": NOW, "s2": None}


def test_a_slot_that_only_changes_is_not_new(take, database, feed):
    take({A: [make_schedule_record(), make_slot_record(1)]})
    later = NOW + timedelta(minutes=5)
    take({A: [make_schedule_record(languages=("fr",)), make_slot_record(1, capacity=4)]}, now=later)
    assert last_new(database, feed) == {"s1": NOW}


# --- What is suspicious -------------------------------------------------------------------------------------


def test_a_whole_reading_that_would_leave_hardly_anything_deletes_nothing(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(*range(30))]})
    stored = take({A: [make_schedule_record(), make_slot_record(1, capacity=7), make_slot_record(99)]})
    assert (stored.is_held, stored.gone, len(slots(database, feed))) == (True, 0, 31)
    assert row(database, feed).capacity == 7


def test_the_same_is_believed_when_it_is_told_to_be(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(*range(30))]})
    stored = take({A: []}, Scope(is_whole=True, forgets=True, believed=True))
    assert (stored.is_held, stored.gone, slots(database, feed)) == (False, 30, set())


def test_slots_that_are_said_to_be_taken_are_not_suspicious(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(*range(30))]})
    stored = take({A: [make_schedule_record(), *make_slot_records(*range(30), is_free=False)]})
    assert (stored.is_held, slots(database, feed)) == (False, set())


def test_slots_that_are_replaced_by_others_are_not_suspicious(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(*range(30))]})
    stored = take({A: [make_schedule_record(), *make_slot_records(*range(100, 130))]})
    assert (stored.is_held, stored.gone, len(slots(database, feed))) == (False, 30, 30)


def test_slots_that_are_over_are_not_missed(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(*range(30))]})
    stored = take({A: []}, now=NOW + timedelta(days=2))
    assert (stored.is_held, slots(database, feed)) == (False, set())


def test_slots_of_files_that_did_not_change_count_as_left(take, database, feed):
    take({A: [make_schedule_record(), *make_slot_records(*range(30))], B: make_slot_records(*range(30, 40))})
    stored = take({A: []}, Scope(is_whole=True, unread=[B]))
    assert (stored.is_held, len(slots(database, feed))) == (False, 10)


# --- Caps, and readings that break off ----------------------------------------------------------------------


def test_a_feed_that_says_more_than_may_be_read_ends_its_reading(take, monkeypatch):
    monkeypatch.setattr(slot_store, "SLOTS_MOST", 2)
    with pytest.raises(TooLargeError):
        take({A: make_slot_records(1, 2, 3)})


@pytest.mark.parametrize("make", [make_place_record, make_schedule_record], ids=["places", "calendars"])
def test_more_of_what_is_held_in_memory_than_may_be_ends_the_reading(take, monkeypatch, make):
    monkeypatch.setattr(slot_store, "HELD_MOST", 2)
    with pytest.raises(TooLargeError):
        take({A: [make(f"s{number}") for number in range(3)]})


def test_a_reading_may_be_ended_between_two_batches(take, database, feed):
    def too_slow():
        raise TooSlowError("synthetic")

    with pytest.raises(TooSlowError):
        take({A: [make_schedule_record(), *make_slot_records(1)]}, beat=too_slow)
    assert slots(database, feed) == set()


@pytest.mark.parametrize("size", [1, 100])
def test_a_reading_that_breaks_off_takes_nothing_away(take, database, feed, monkeypatch, size):
    take({A: [make_schedule_record(), *make_slot_records(1, 2, 3)]})
    in_portions(monkeypatch, size)

    def breaking():
        yield from [make_slot_record(1), make_slot_record(2, is_free=False), make_slot_record(2, is_free=False)]
        raise TooSlowError("synthetic")

    with pytest.raises(TooSlowError):
        take({A: breaking()})
    assert slots(database, feed) == {"slot-1", "slot-2", "slot-3"}


def test_what_a_reading_that_broke_off_had_stored_goes_where_the_next_does_not_say_it(
    take, database, feed, monkeypatch
):
    in_portions(monkeypatch, 1)

    def breaking():
        yield make_schedule_record()
        yield make_slot_record(1)
        raise TooSlowError("synthetic")

    with pytest.raises(TooSlowError):
        take({A: breaking()})
    take({A: [make_schedule_record(), make_slot_record(2)]})
    assert slots(database, feed) == {"slot-2"}


# --- The database while the outside is read -----------------------------------------------------------------
