"""Messages go 60 days after their wave has ended; its counts stay."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from citizen_api.people.device_models import Device
from notifications import keeping, queries
from notifications.keeping import KEPT_FOR, keep
from notifications.models import Attempt, Chunk, Message, Outcome, Part, Slice, Wave
from tests.notifications.wave_makers import OPENED_AT, make_attempt, make_wave

ENDED_AT = OPENED_AT + timedelta(hours=3)
LATER = ENDED_AT + KEPT_FOR + timedelta(seconds=1)


def left(session):
    return {
        table.__name__: session.scalar(select(func.count()).select_from(table))
        for table in (Message, Attempt, Outcome, Chunk, Slice)
    }


def keep_all(database, now=LATER):
    for _ in range(100):
        if not keep(database, now=now):
            return
    raise AssertionError("it never ends")


@pytest.fixture
def ended(session):
    made = make_wave(session, {"accepted": 3, "dead": 2}, no_consent=4, settled_at=ENDED_AT, erased=0)
    make_attempt(session, made, made.devices["accepted"][0])
    make_attempt(session, made, made.devices["accepted"][1])
    make_attempt(session, made, made.devices["dead"][0], verdict="retire", code="UNREGISTERED of old")
    session.commit()
    return made


def test_after_60_days_only_the_counts_of_a_wave_are_left_and_they_answer_everything(database, session, ended):
    before = queries.show(session, ended.wave, now=LATER)
    keep_all(database)
    session.expire_all()
    after = queries.show(session, ended.wave, now=LATER)
    assert left(session) == dict.fromkeys(("Message", "Attempt", "Outcome", "Chunk", "Slice"), 0)
    assert (after.balance, after.attempts) == (before.balance, before.attempts)
    assert after.accepted_per_s == before.accepted_per_s
    assert queries.eligible(session, [ended.wave]) == {ended.wave.id: 9}
    assert session.scalar(select(func.count()).select_from(Part)) == 1


@pytest.mark.usefixtures("ended")
def test_a_wave_is_kept_for_its_60_days(database, session):
    assert not keep(database, now=ENDED_AT + KEPT_FOR)
    assert left(session)["Message"] == 5


def test_an_open_wave_is_kept_however_old_it_is(database, session):
    make_wave(session, {"held": 1})
    session.commit()
    assert not keep(database, now=LATER + timedelta(days=400))
    assert left(session)["Message"] == 1


def test_a_stopped_wave_goes_60_days_after_it_was_stopped(database, session):
    make_wave(session, {"stopped": 1}, stopped_at=ENDED_AT)
    session.commit()
    keep_all(database)
    assert left(session)["Message"] == 0


def test_what_goes_is_not_counted_as_erased_and_neither_is_who_goes_later(database, session, ended):
    counted = "accepted"
    keep(database, now=ENDED_AT)
    keeping._count_old(database, LATER)
    session.execute(delete(Device).where(Device.id == ended.devices[counted][0]))
    session.commit()
    keep_all(database)
    session.expire_all()
    shown = queries.show(session, ended.wave, now=LATER)
    assert (shown.wave.erased, shown.balance.counts["erased"], shown.balance.counts[counted]) == (0, 0, 3)


def test_who_erased_themselves_before_stay_counted(database, session, ended):
    session.execute(delete(Device).where(Device.id == ended.devices["dead"][0]))
    session.commit()
    keep_all(database)
    session.expire_all()
    balance = queries.show(session, ended.wave, now=LATER).balance
    assert (balance.counts["erased"], balance.counts["dead"], balance.missing) == (1, 1, 0)


@pytest.mark.usefixtures("ended")
def test_messages_go_in_bounded_portions_and_the_next_call_goes_on(database, session, monkeypatch):
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    told = []
    while True:
        more = keep(database, now=LATER)
        told.append((more, left(session)["Message"]))
        if not more:
            break
    assert told == [(True, 3), (True, 1), (True, 0), (True, 0), (False, 0)]


@pytest.mark.usefixtures("ended")
def test_the_messages_of_other_waves_stay(database, session):
    young = make_wave(session, {"accepted": 2}, opened_at=LATER - timedelta(days=1), settled_at=LATER)
    session.commit()
    keep_all(database)
    assert left(session)["Message"] == 2
    assert session.scalars(select(Wave.id).where(Wave.counts.is_(None))).all() == [young.wave.id]
