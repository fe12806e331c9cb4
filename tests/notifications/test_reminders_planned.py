"""Reminders that are due: each is told once, in waves that balance, not in quiet hours, and leaves nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from citizen_api.people.device_models import Consent, Device, Preferences, Registration
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.watch_models import Reminder
from notifications.models import Chunk, Mark, Message, Outcome, Slice
from notifications.outbox import CHUNK
from notifications.triggers import handoffs
from notifications.triggers.handoffs import Due, told_at
from tests.notifications.ledger_makers import make_devices
from tests.notifications.makers import at, make_profile
from tests.notifications.reminder_makers import (
    DUE_AT,
    MINUTE,
    NEVER_QUIET,
    NOON,
    TOMORROW,
    killed_at,
    make_handoff,
    make_reminder,
    make_resident,
    reminders_of,
    utc,
)


def test_a_reminder_that_is_due_is_one_message_and_goes(desk, session):
    make_reminder(session, make_resident(session, "one"))
    desk.tell(DUE_AT)
    assert desk.told() == [("one", "day_ahead", "reminder_asked", "pending")]
    assert [device for device, _, _ in reminders_of(session)] == ["bystander"]
    assert desk.planned == 1


def test_nothing_is_told_or_written_before_it_is_due(desk, session):
    make_reminder(session, make_resident(session, "one"))
    desk.tell(DUE_AT - timedelta(seconds=1))
    assert desk.told() == []
    assert session.scalars(select(Mark.subject)).all() == []
    assert desk.planned == 0


def test_a_reminder_is_told_once_also_by_another_worker(desk, session):
    make_reminder(session, make_resident(session, "one"))
    desk.tell(DUE_AT)
    desk.another().tell()
    desk.tell(DUE_AT + MINUTE)
    assert len(desk.told()) == 1


def test_a_wave_of_reminders_is_whole_from_the_start_and_about_no_day_of_the_air(desk, session):
    make_reminder(session, make_resident(session, "one"))
    desk.tell(DUE_AT)
    (wave,) = desk.waves()
    assert (wave.lane, wave.day, wave.opened_at, wave.planned_at) == ("reminders", None, DUE_AT, DUE_AT)
    assert wave.scope == {"reminder": {"kind": "day", "starts_s": int(TOMORROW.timestamp())}}
    (outcome,) = session.scalars(select(Outcome)).all()
    assert (outcome.expires_at, outcome.counts) == (TOMORROW, False)
    (message,) = session.scalars(select(Message)).all()
    assert message.counted_at is None
    (chunk,) = session.scalars(select(Chunk)).all()
    assert (chunk.lane, chunk.first_device, chunk.last_device, chunk.next_at) == ("reminders", "one", "one", DUE_AT)


def test_appointments_at_one_time_share_a_wave_and_others_have_their_own(desk, session):
    for name, starts_at in (("one", TOMORROW), ("two", TOMORROW), ("three", TOMORROW - MINUTE)):
        make_reminder(session, make_resident(session, name), starts_at=starts_at)
    desk.tell(DUE_AT)
    assert [(device, kind) for device, kind, _, _ in desk.told()] == [
        ("three", "day_ahead"),
        ("one", "day_ahead"),
        ("two", "day_ahead"),
    ]
    assert len(desk.waves()) == 2


def test_the_hour_takes_the_place_of_the_day_on_the_screen(desk, session):
    handoff_id = make_handoff(session, make_resident(session, "one"))
    for kind in ("hour", "day"):
        make_reminder(session, "one", kind, handoff_id=handoff_id)
    desk.tell(DUE_AT)
    desk.tell(TOMORROW - timedelta(hours=1))
    day, hour = desk.waves()
    assert day.tag == hour.tag
    assert "2026" not in day.tag
    assert str(int(TOMORROW.timestamp())) not in day.tag
    assert [kind for _, kind, _, _ in desk.told()] == ["day_ahead", "hour_ahead"]


def test_after_a_pause_of_the_worker_the_hour_is_planned_after_the_day(desk, session):
    handoff_id = make_handoff(session, make_resident(session, "one"))
    for kind in ("hour", "day"):
        make_reminder(session, "one", kind, handoff_id=handoff_id)
    desk.tell(TOMORROW - timedelta(minutes=30))
    assert [kind for _, kind, _, _ in desk.told()] == ["day_ahead", "hour_ahead"]


def test_two_appointments_of_a_device_at_one_time_are_one_message(desk, session):
    make_resident(session, "one")
    make_reminder(session, "one")
    make_reminder(session, "one")
    desk.tell(DUE_AT)
    assert len(desk.told()) == 1
    assert session.scalars(select(Slice.eligible)).all() == [1]


def test_many_reminders_of_one_hour_go_in_chunks(desk, session):
    total = CHUNK + 1
    ids = [f"d-{number:05d}" for number in range(total)]
    make_devices(session, ids, purpose="reminders", now=NOON)
    handoff_id = make_handoff(session, ids[0])
    (handoff,) = session.execute(select(Handoff.__table__).where(Handoff.id == handoff_id)).mappings().all()
    names = ("id", "token_hash", "key_hash", "referral")
    rows = [{**handoff, **dict.fromkeys(names, one), "device_id": one} for one in ids]
    session.execute(insert(Handoff.__table__), rows)
    due = {"kind": "day", "due_at": DUE_AT, "starts_s": int(TOMORROW.timestamp())}
    session.execute(insert(Reminder), [{"handoff_id": one, "device_id": one, **due} for one in ids])
    desk.tell(DUE_AT)
    query = select(Chunk.first_device, Chunk.last_device).order_by(Chunk.id)
    assert [tuple(row) for row in session.execute(query)] == [(ids[0], ids[CHUNK - 1]), (ids[CHUNK], ids[CHUNK])]
    assert len(desk.told()) == total


def test_more_than_one_transaction_tells_all(desk, session, monkeypatch):
    monkeypatch.setattr(handoffs, "AT_ONCE", 2)
    for number in range(5):
        make_reminder(session, make_resident(session, f"d{number}"))
    desk.tell(DUE_AT)
    assert [device for device, *_ in desk.told()] == [f"d{number}" for number in range(5)]
    assert desk.planned == 3


@pytest.mark.parametrize(
    ("step", "told"), [("plan.slice_written", 0), ("plan.slice_committed", 1)], ids=["before", "after"]
)
def test_a_crash_around_the_commit_tells_all_or_nothing_and_then_the_rest(desk, session, step, told):
    make_reminder(session, make_resident(session, "one"))
    with killed_at(step):
        desk.tell(DUE_AT)
    assert len(desk.told()) == told
    assert len(reminders_of(session)) == 2 - told
    desk.tell(DUE_AT + MINUTE)
    assert len(desk.told()) == 1


def test_the_key_of_a_wave_does_not_depend_on_what_it_is_about(desk, session):
    handoff_id = make_handoff(session, make_resident(session, "one"))
    for moment in (DUE_AT, DUE_AT + MINUTE):
        make_reminder(session, "one", handoff_id=handoff_id)
        desk.tell(moment)
    first, second = desk.waves()
    assert (first.scope, first.tag) == (second.scope, second.tag)
    assert first.key != second.key


def test_who_has_not_agreed_is_counted_and_named_nowhere(desk, session):
    make_resident(session, "never", agrees=False)
    make_resident(session, "withdrawn")
    make_resident(session, "agrees")
    session.execute(update(Consent).where(Consent.device_id == "withdrawn").values(withdrawn_at=NOON))
    for name in ("never", "withdrawn", "agrees"):
        make_reminder(session, name)
    desk.tell(DUE_AT)
    assert [device for device, *_ in desk.told()] == ["agrees"]
    assert session.execute(select(Slice.eligible, Slice.no_consent)).all() == [(3, 2)]


def test_a_wave_in_which_nobody_agrees_has_no_message_and_no_chunk(desk, session):
    make_reminder(session, make_resident(session, "never", agrees=False))
    desk.tell(DUE_AT)
    assert desk.told() == []
    assert session.scalars(select(Chunk.id)).all() == []
    assert session.execute(select(Slice.eligible, Slice.no_consent)).all() == [(1, 1)]


def test_who_cannot_be_reached_has_a_message_that_says_so_and_no_chunk_is_due(desk, session):
    make_resident(session, "mute", registrations=())
    make_resident(session, "gone")
    session.execute(update(Registration).where(Registration.device_id == "gone").values(state="retired"))
    for name in ("mute", "gone"):
        make_reminder(session, name)
    desk.tell(DUE_AT)
    assert [(device, state) for device, _, _, state in desk.told()] == [
        ("gone", "no_registration"),
        ("mute", "no_registration"),
    ]
    assert session.scalars(select(Chunk.next_at)).all() == [None]


def test_an_appointment_that_has_begun_is_not_reminded_of(desk, session):
    make_reminder(session, make_resident(session, "one"), "hour")
    desk.tell(TOMORROW)
    assert desk.told() == []
    assert len(reminders_of(session)) == 1


def test_a_moved_appointment_is_told_at_its_new_time_only(desk, session):
    reminder = make_reminder(session, make_resident(session, "one"))
    later = TOMORROW + timedelta(days=2)
    session.execute(delete(Reminder).where(Reminder.handoff_id == reminder.handoff_id))
    make_reminder(session, "one", starts_at=later, handoff_id=reminder.handoff_id)
    desk.tell(DUE_AT)
    assert desk.told() == []
    desk.tell(later - timedelta(days=1))
    (wave,) = desk.waves()
    assert wave.scope["reminder"]["starts_s"] == int(later.timestamp())


def test_a_dropped_appointment_is_not_reminded_of(desk, session):
    reminder = make_reminder(session, make_resident(session, "one"))
    make_reminder(session, make_resident(session, "two"))
    session.execute(delete(Reminder).where(Reminder.handoff_id == reminder.handoff_id))
    desk.tell(DUE_AT)
    assert [device for device, *_ in desk.told()] == ["two"]


def test_an_erased_device_takes_its_reminders_along_and_is_counted_once_it_has_a_message(desk, session):
    for name in ("early", "late", "stays"):
        make_reminder(session, make_resident(session, name))
    session.execute(delete(Device).where(Device.id == "early"))
    desk.tell(DUE_AT)
    session.execute(delete(Device).where(Device.id == "late"))
    session.commit()
    assert [device for device, *_ in desk.told()] == ["stays"]
    (wave,) = desk.waves()
    assert wave.erased == 1
    assert session.scalars(select(Slice.eligible)).all() == [2]


def test_a_device_whose_wishes_cannot_be_read_has_the_default_ones(desk, session):
    make_reminder(session, make_resident(session, "one"))
    session.execute(update(Preferences).where(Preferences.device_id == "one").values(profile_key="of another time"))
    desk.tell(DUE_AT)
    assert [device for device, *_ in desk.told()] == ["one"]


# Quiet hours


def due(kind="hour", starts_at=TOMORROW, profile=None):
    return Due(handoff_id="h", kind=kind, device_id="d", starts_at=starts_at, profile=profile or make_profile())


@pytest.mark.parametrize(
    ("starts", "now", "told"),
    [
        ("26 08:00", "26 07:00", "26 07:00"),
        ("26 07:59", "26 06:59", "26 07:00"),
        ("26 07:10", "26 06:10", "26 07:00"),
        ("26 07:09", "26 06:09", None),
        ("26 23:30", "26 22:30", None),
        ("26 22:59", "26 21:59", "26 21:59"),
    ],
)
def test_quiet_hours_put_a_reminder_off_where_ten_minutes_are_left(starts, now, told):
    assert told_at(due(starts_at=at(starts)), at(now)) == (told and at(told))


def test_without_quiet_hours_a_reminder_goes_at_night():
    assert told_at(due(starts_at=at("26 03:30"), profile=NEVER_QUIET), at("26 02:30")) == at("26 02:30")


def test_a_reminder_that_is_late_goes_at_once_however_near_the_appointment_is():
    now = TOMORROW - MINUTE
    assert told_at(due(), now) == now


def test_a_day_that_is_not_tomorrow_yet_is_waited_for():
    # Monday 0:10 in Paris after the short Sunday: 24 hours before, it is Saturday 23:10.
    starts_at = utc(2027, 3, 28, 22, 10)
    now = starts_at - timedelta(days=1)
    midnight = utc(2027, 3, 27, 23)
    assert told_at(due("day", starts_at, NEVER_QUIET), now) == midnight
    assert told_at(due("hour", starts_at, NEVER_QUIET), now) == now
    assert told_at(due("day", starts_at), now) == utc(2027, 3, 28, 5)


def test_a_reminder_in_quiet_hours_waits_and_is_told_once_when_they_end(desk, session):
    starts_at = at("26 07:40")
    make_reminder(session, make_resident(session, "one"), "hour", starts_at=starts_at)
    desk.tell(at("26 06:40"))
    assert desk.told() == []
    assert ("one", "hour", at("26 07:00")) in reminders_of(session)
    desk.tell(at("26 06:59"))
    assert desk.told() == []
    desk.tell(at("26 07:00"))
    assert desk.told() == [("one", "hour_ahead", "reminder_asked", "pending")]


def test_a_reminder_for_which_quiet_hours_leave_no_moment_is_dropped_and_counted(desk, session):
    starts_at = at("26 06:30")
    make_reminder(session, make_resident(session, "asleep"), "hour", starts_at=starts_at)
    make_reminder(session, make_resident(session, "awake", profile=NEVER_QUIET), "hour", starts_at=starts_at)
    desk.tell(at("26 05:30"))
    assert desk.told() == [
        ("asleep", "hour_ahead", "quiet_dropped", "quiet_dropped"),
        ("awake", "hour_ahead", "reminder_asked", "pending"),
    ]
    assert len(reminders_of(session)) == 1
