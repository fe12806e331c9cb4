"""Moving a handoff: history, counts, reminders, and what is forgotten at the end."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from sqlalchemy import select

from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.people.device_actions import erase_device
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult import handoff_actions as actions
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult.handoff_counts import week_of
from citizen_api.teleconsult.handoff_models import Handoff, HandoffCount
from citizen_api.teleconsult.handoff_problems import HandoffMoveIllegal
from citizen_api.teleconsult.models import Slot
from citizen_api.teleconsult.watch_models import Reminder
from tests.conftest import SUNDAY_NIGHT, fresh_database_url
from tests.people.makers import do_at_once, store_device
from tests.teleconsult.handoff_makers import code_of, counts_of, make_offer, moves_of, open_and_book, store_handoff

STARTS = SUNDAY_NIGHT + timedelta(days=3)
STARTS_S = int(STARTS.timestamp())


@pytest.fixture
def slot(session):
    return make_offer(session, start=STARTS)


@pytest.fixture
def device(database):
    return store_device(database)


@pytest.fixture
def noise(session, slot, database):
    """A booked handoff of somebody else, with reminders."""
    other = store_handoff(session, slot, store_device(database), territory_code="")
    open_and_book(session, other)
    return other


def reminders_of(session, handoff):
    rows = session.scalars(select(Reminder).where(Reminder.handoff_id == handoff.id).order_by(Reminder.due_at))
    return [(row.kind, row.due_at) for row in rows]


def test_every_move_is_in_the_history(session, slot, noise):
    handoff = store_handoff(session, slot)
    open_and_book(session, handoff)
    actions.move(session, handoff, "completed", by="provider", now=STARTS)

    assert moves_of(session, handoff) == [
        ("made", "opened", "system"),
        ("opened", "booked", "provider"),
        ("booked", "completed", "provider"),
    ]
    assert len(moves_of(session, noise)) == 2


def test_every_illegal_move_is_a_problem_and_changes_nothing(session, slot):
    for state, became, by in product(rules.STATES, rules.STATES, ("resident", "provider", "system")):
        if rules.may_move(state, became, by) or rules.is_repeated(state, became, same_times=True):
            continue
        handoff = store_handoff(session, slot, state=state)

        with pytest.raises(HandoffMoveIllegal) as caught:
            actions.move(session, handoff, became, by=by, now=SUNDAY_NIGHT)

        assert caught.value.details == {"state": state, "move": became}
        assert (handoff.state, moves_of(session, handoff)) == (state, [])


@pytest.mark.parametrize(
    ("capacity", "told", "left"), [(None, {}, 1), (1, {}, 1), (2, {}, 2), (None, {"starts_s": STARTS_S + 900}, 2)]
)
def test_a_slot_that_is_booked_is_offered_to_nobody_else(session, slot, capacity, told, left):
    make_offer(session, "other")
    slot.capacity = capacity
    handoff = store_handoff(session, slot)

    open_and_book(session, handoff, **told)

    assert session.query(Slot).count() == left


def test_a_resident_who_says_that_it_is_booked_takes_no_slot_from_others(session, slot):
    handoff = store_handoff(session, slot)
    actions.move(session, handoff, "opened", by="system", now=SUNDAY_NIGHT)
    actions.move(session, handoff, "booked", by="resident", now=SUNDAY_NIGHT)
    assert session.query(Slot).count() == 1


def test_an_appointment_is_not_over_before_it_begins(session, slot):
    handoff = store_handoff(session, slot)
    open_and_book(session, handoff)

    with pytest.raises(HandoffMoveIllegal):
        actions.move(session, handoff, "completed", by="provider", now=STARTS - timedelta(seconds=1))


def test_what_is_gone_keeps_only_what_others_are_found_by(session, slot, device):
    handoff = store_handoff(session, slot, device)

    actions.move(session, handoff, "gone", by="system", now=SUNDAY_NIGHT)

    dropped = ("device_id", "feed_id", "slot_key", "link", "starts_s", "ends_s", "ended_at")
    assert {getattr(handoff, name) for name in dropped} == {None}
    assert (handoff.specialty, handoff.modality, handoff.remind) == ("general-practice", "video", False)


def test_who_agreed_gets_both_reminders_of_what_is_booked(session, slot, device):
    handoff = store_handoff(session, slot, device)

    open_and_book(session, handoff)

    assert reminders_of(session, handoff) == [
        ("day", STARTS - timedelta(hours=24)),
        ("hour", STARTS - timedelta(hours=1)),
    ]


def test_who_did_not_agree_gets_none(session, slot, device):
    handoff = store_handoff(session, slot, device, remind=False)

    open_and_book(session, handoff)

    assert reminders_of(session, handoff) == []


def test_a_moved_appointment_moves_its_reminders(session, slot, device, noise):
    handoff = store_handoff(session, slot, device)
    open_and_book(session, handoff)
    later = STARTS_S + 3_600

    actions.move(session, handoff, "booked", by="provider", now=SUNDAY_NIGHT, starts_s=later, ends_s=later + 900)

    assert (handoff.starts_s, handoff.ends_s, handoff.sequence) == (later, later + 900, 1)
    assert reminders_of(session, handoff)[1] == ("hour", STARTS)
    assert reminders_of(session, noise)[1] == ("hour", STARTS - timedelta(hours=1))


def test_the_same_times_once_more_are_no_move(session, slot):
    handoff = store_handoff(session, slot)
    open_and_book(session, handoff)
    moves = moves_of(session, handoff)

    changed = actions.move(
        session, handoff, "booked", by="provider", now=SUNDAY_NIGHT, starts_s=slot.start_s, ends_s=slot.end_s
    )

    assert (changed, handoff.sequence, moves_of(session, handoff)) == (False, 0, moves)


def test_a_booking_at_the_time_of_its_slot_has_not_moved(session, slot):
    handoff = store_handoff(session, slot)

    open_and_book(session, handoff, starts_s=slot.start_s, ends_s=slot.end_s)

    assert handoff.sequence == 0


def test_a_time_told_for_the_first_time_is_no_change_of_it(session):
    make_offer(session)
    handoff = store_handoff(session)

    open_and_book(session, handoff, starts_s=STARTS_S)

    assert (handoff.starts_s, handoff.sequence) == (STARTS_S, 0)


@pytest.mark.parametrize("end", ["cancelled", "completed"])
def test_an_end_drops_its_reminders_and_whom_and_what_it_was_for(session, slot, device, noise, end):
    handoff = store_handoff(session, slot, device)
    open_and_book(session, handoff)

    actions.move(session, handoff, end, by="provider", now=STARTS)

    forgotten = ("device_id", "feed_id", "slot_key", "specialty", "modality", "link", "starts_s", "ends_s")
    assert {getattr(handoff, name) for name in forgotten} == {None}
    assert (handoff.remind, handoff.ended_at) == (False, STARTS)
    assert (handoff.key_salt, handoff.asked) == ("", "")
    assert reminders_of(session, handoff) == []
    assert len(reminders_of(session, noise)) == 2


def test_each_state_counts_once_and_the_counts_stay(session, slot, noise):
    handoff = store_handoff(session, slot)
    open_and_book(session, handoff)
    actions.move(session, handoff, "booked", by="provider", now=SUNDAY_NIGHT, starts_s=STARTS_S + 60)
    actions.move(session, handoff, "cancelled", by="resident", now=SUNDAY_NIGHT)
    session.delete(noise)
    session.flush()
    session.delete(handoff)
    session.flush()

    rows = session.scalars(select(HandoffCount).order_by(HandoffCount.territory_code)).all()
    assert [
        (row.territory_code, row.feed_id == slot.feed_id, row.opened, row.booked, row.cancelled) for row in rows
    ] == [
        ("", True, 1, 1, 0),
        ("75104", True, 1, 1, 1),
    ]


def test_a_handoff_counts_in_the_week_in_which_it_was_made(session, slot):
    handoff = store_handoff(session, slot)

    actions.move(session, handoff, "opened", by="system", now=SUNDAY_NIGHT + timedelta(hours=1, minutes=30))

    assert session.scalars(select(HandoffCount.week)).all() == [date(2026, 11, 16)]


def test_the_week_turns_at_midnight_in_paris():
    assert week_of(SUNDAY_NIGHT + timedelta(minutes=79)) == date(2026, 11, 16)
    assert week_of(SUNDAY_NIGHT + timedelta(minutes=80)) == date(2026, 11, 23)


def test_an_erased_device_takes_its_handoffs_along_and_leaves_the_counts(session, slot, device, noise):
    handoff = store_handoff(session, slot, device)
    open_and_book(session, handoff)

    erase_device(session, device)

    session.expire_all()
    assert session.scalars(select(Handoff.id)).all() == [noise.id]
    assert session.scalar(select(HandoffCount.booked).where(HandoffCount.territory_code == "75104")) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request, tmp_path, worker):
    """A database of its own, in which transactions really meet."""
    with fresh_database_url(request.param, f"alentours_handoffs_{worker}", tmp_path) as url:
        database = Database.from_settings(Settings(database_url=url))
        prepare_database(database)
        yield database
        database.engine.dispose()


def asked_for(slot):
    return actions.Asked(
        key="synthetic-key-at-once", slot=code_of(slot), provider=None, remind=False, device_id=None, body={}
    )


@pytest.fixture
def own_slot(own_database):
    with own_database.open(write=True) as session:
        return make_offer(session)


def test_the_same_question_asked_at_once_makes_one_handoff(own_database, own_slot):
    asked = asked_for(own_slot)

    def make(session):
        handoff, token = actions.make(session, asked, now=SUNDAY_NIGHT)
        return handoff.id, token

    got = do_at_once(own_database, *[make] * 4)

    assert (len(got), len(set(got))) == (4, 1)
    with own_database.session(write=False) as session:
        assert session.query(Handoff).count() == 1
        assert counts_of(session) == {"made": 1}


def test_of_two_moves_at_once_only_one_ends_it(own_database, own_slot):
    with own_database.session() as session:
        handoff = store_handoff(session, session.merge(own_slot), state="opened")

    def move_to(became):
        def move(session):
            mine = session.get_one(Handoff, handoff.id)
            return actions.move(session, mine, became, by="resident", now=SUNDAY_NIGHT)

        return move

    got = do_at_once(own_database, move_to("too_late"), move_to("failed"))

    assert sorted(map(str, got)) == ["True", "handoff-move-illegal"]
    with own_database.session(write=False) as session:
        assert len(moves_of(session, handoff)) == 1
