"""Watches for slots that fire, each once, and several workers that tick at the same moment."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from citizen_api.core.db import Database
from citizen_api.people.device_models import Device
from citizen_api.teleconsult.models import Provider, Schedule
from citizen_api.teleconsult.watch_models import Reminder, SlotWatch
from notifications.audit import audits
from notifications.models import Mark, Message, Outcome, Slice, Wave
from notifications.planning import Planner
from notifications.triggers import handoffs
from notifications.triggers.air import Finder
from notifications.triggers.handoffs import Handoffs
from tests.notifications.ledger_makers import empty
from tests.notifications.makers import at
from tests.notifications.reminder_makers import (
    DUE_AT,
    MINUTE,
    NEVER_QUIET,
    NOON,
    killed_at,
    make_calendar,
    make_reminder,
    make_resident,
    make_slot_watch,
    watches_of,
)


def test_a_watch_fires_once_and_is_then_silent(desk, session):
    make_slot_watch(session, make_resident(session, "one"))
    make_calendar(session, new_at=NOON)
    desk.tell(NOON + MINUTE)
    assert desk.told() == [("one", "slot_found", "slot_watched", "pending")]
    assert watches_of(session) == ["bystander-w1"]
    session.execute(update(Schedule).values(last_new_at=NOON + 2 * MINUTE))
    desk.tell(NOON + 3 * MINUTE)
    desk.another().tell()
    assert len(desk.told()) == 1


def test_a_wave_of_slots_says_nothing_but_that_it_is_one(desk, session):
    make_slot_watch(session, make_resident(session, "one"))
    make_calendar(session, new_at=NOON)
    desk.tell(NOON + MINUTE)
    (wave,) = desk.waves()
    assert (wave.lane, wave.day, wave.tag, wave.scope) == ("reminders", None, "slot", {"slot": True})


def test_two_watches_of_a_device_that_fire_together_are_one_message(desk, session):
    make_resident(session, "one")
    make_slot_watch(session, "one", number=1)
    make_slot_watch(session, "one", specialty="midwifery", number=2)
    make_calendar(session, new_at=NOON)
    make_calendar(session, new_at=NOON, specialty="midwifery", name="other")
    desk.tell(NOON + MINUTE)
    assert len(desk.told()) == 1
    assert watches_of(session) == ["bystander-w1"]


def test_what_appears_between_two_minutes_is_told_at_once(desk, session):
    make_slot_watch(session, make_resident(session, "one"))
    desk.tell(NOON)
    assert desk.told() == []
    make_calendar(session, new_at=NOON + timedelta(seconds=10))
    desk.tell(NOON + timedelta(seconds=20))
    assert len(desk.told()) == 1


def test_what_becomes_visible_after_a_look_is_found_by_the_next(desk, session):
    make_slot_watch(session, make_resident(session, "one"))
    make_calendar(session, new_at=NOON + 5 * MINUTE, specialty="midwifery", name="quick")
    desk.tell(NOON + 5 * MINUTE)
    make_calendar(session, new_at=NOON + MINUTE, name="slow")
    desk.tell(NOON + 6 * MINUTE)
    assert [device for device, *_ in desk.told()] == ["one"]


def test_a_watch_in_quiet_hours_stands_and_fires_in_the_morning(desk, session):
    make_slot_watch(session, make_resident(session, "asleep"))
    make_slot_watch(session, make_resident(session, "awake", profile=NEVER_QUIET))
    make_calendar(session, new_at=at("25 22:30"))
    for moment in ("25 22:31", "25 22:32", "26 03:00", "26 06:59"):
        desk.tell(at(moment))
        assert [device for device, *_ in desk.told()] == ["awake"]
    desk.tell(at("26 07:00"))
    assert [device for device, *_ in desk.told()] == ["awake", "asleep"]
    assert watches_of(session) == ["bystander-w1"]


def test_a_watch_that_was_ended_meanwhile_tells_nothing(desk, session):
    make_resident(session, "one")
    session.commit()
    handoffs.tell_of_slots(session, [("one-w1", "one")], now=NOON)
    assert desk.told() == []
    assert desk.waves() == []


@pytest.mark.parametrize(
    ("step", "told"), [("plan.slice_written", 0), ("plan.slice_committed", 1)], ids=["before", "after"]
)
def test_a_crash_leaves_a_watch_with_no_message_or_a_message_with_no_watch(desk, session, step, told):
    make_slot_watch(session, make_resident(session, "one"))
    make_calendar(session, new_at=NOON)
    with killed_at(step):
        desk.tell(NOON + MINUTE)
    assert (len(desk.told()), len(watches_of(session))) == (told, 2 - told)
    desk.tell(NOON + MINUTE)
    assert len(desk.told()) == 1


def test_a_watch_of_who_does_not_agree_ends_without_a_message(desk, session):
    make_slot_watch(session, make_resident(session, "never", agrees=False))
    make_calendar(session, new_at=NOON)
    desk.tell(NOON + MINUTE)
    assert desk.told() == []
    assert session.execute(select(Slice.eligible, Slice.no_consent)).all() == [(1, 1)]
    assert watches_of(session) == ["bystander-w1"]


# Several workers, for real


@pytest.fixture
def own(prepared_database):
    """A database in which tests commit; they leave it as it was."""
    yield prepared_database
    with prepared_database.session() as session:
        empty(session)
        for table in (Provider, Mark):
            session.execute(delete(table))


def test_workers_that_tick_at_once_tell_each_reminder_and_each_watch_once(own):
    with own.session() as session:
        for number in range(20):
            make_reminder(session, make_resident(session, f"d{number:02d}", profile=NEVER_QUIET))
            make_slot_watch(session, f"d{number:02d}")
        make_calendar(session, new_at=NOON)
    start, failures = threading.Barrier(4), []

    def tick():
        worker = Handoffs(Database(own.engine), clock=lambda: DUE_AT, planned=lambda: None)
        start.wait()
        try:
            worker.tell()
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with own.session(write=False) as session:
        told = dict(
            session.execute(
                select(Outcome.kind, func.count())
                .join(Message, Message.outcome_id == Outcome.id)
                .group_by(Outcome.kind)
            ).all()
        )
        left = session.scalar(select(func.count()).select_from(Reminder)), watches_of(session)
        balances = audits(session, list(session.scalars(select(Wave.id))))
    assert told == {"day_ahead": 20, "slot_found": 20}
    assert left == (0, [])
    assert all(one.ailing is None for one in balances.values())


def test_a_planner_of_alerts_does_not_wait_for_reminders_being_told(own):
    if own.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, whatever it writes")
    with own.session() as session:
        make_reminder(session, make_resident(session, "one"))
        session.add(
            Wave(code="alert", key="alert", lane="alerts", day=at("26 00:00").date(), tag="t", scope={}, opened_at=NOON)
        )
    with own.session() as telling:
        handoffs._take_turn(telling, DUE_AT)
        assert Planner(own, clock=lambda: DUE_AT, find=Finder).plan_next()


def test_who_erases_a_device_waits_for_its_reminder_and_takes_the_message_along(own):
    if own.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, whatever it writes")
    with own.session() as session:
        make_reminder(session, make_resident(session, "one"))
    erased = []

    def erase():
        with own.session() as session:
            session.execute(delete(Device).where(Device.id == "one"))
        erased.append("one")

    eraser = threading.Thread(target=erase)
    with own.session() as session:
        handoffs.remind(session, now=DUE_AT)
        eraser.start()
        eraser.join(0.3)
        assert erased == []
    eraser.join()
    with own.session(write=False) as session:
        (wave_id,) = session.scalars(select(Wave.id))
        assert session.get_one(Wave, wave_id).erased == 1
        assert audits(session, [wave_id])[wave_id].ailing is None
        assert session.scalars(select(SlotWatch.id)).all() == []
