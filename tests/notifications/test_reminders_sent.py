"""A reminder from its wave to the screen, and what staff and residents see of it afterwards."""

import hashlib
import logging
from datetime import UTC, timedelta

import pytest
from sqlalchemy import select, update

from citizen_api.core.db import Base
from citizen_api.people.device_models import Consent
from citizen_api.teleconsult.handoff_models import Handoff
from notifications import keeping
from notifications.audit import audit_open, audits
from notifications.holding import Releaser, look_after
from notifications.keeping import FORGOTTEN, KEPT_FOR, keep
from notifications.models import Message, Outcome, Wave
from notifications.outbox import claim
from notifications.transports.log import LogTransport
from notifications.triggers.air import Finder
from notifications.worker import Worker
from tests.doubles import scripted
from tests.notifications.ledger_makers import make_wave, states_of
from tests.notifications.makers import at, make_profile
from tests.notifications.post import Post
from tests.notifications.reminder_makers import (
    DUE_AT,
    MINUTE,
    NOON,
    TOMORROW,
    Desk,
    make_calendar,
    make_handoff,
    make_reminder,
    make_resident,
    make_slot_watch,
)
from tests.people.makers import bearer, make_device, make_key

HOUR_BEFORE = TOMORROW - timedelta(hours=1)


@pytest.fixture
def desk(database, session, clock):
    return Desk(database, session, clock)


@pytest.fixture
def post(desk):
    made = Post(desk.database, desk.session, desk.clock)
    desk.clock.moment = NOON
    return made


def titles(post):
    return {parcel.value: parcel.note.title for service in post.services.values() for parcel in service.sent}


def remind(desk, session, identity="one", kind="day", **resident):
    make_reminder(session, make_resident(session, identity, **resident), kind)
    desk.tell(DUE_AT if kind == "day" else HOUR_BEFORE)
    return desk.waves()[-1]


def test_a_reminder_reaches_the_screen_and_its_wave_settles(desk, post, session):
    wave = remind(desk, session)
    post.send()
    assert states_of(session, wave) == {"accepted": 1}
    assert wave.settled_at == DUE_AT
    (parcel,) = post.services["log"].sent
    note = parcel.note
    assert (note.title, note.kind, note.reason) == ("Rendez-vous demain à 14:20", "day_ahead", "reminder_asked")
    assert (note.tag, note.expires_at, note.urgent) == (wave.tag, TOMORROW, False)
    assert note.data == {"message": wave.code, "kind": "day_ahead"}


def test_each_device_reads_its_own_language_and_clock(desk, post, session):
    wished = {
        "paris": {},
        "english": {"language": "en"},
        "martinique": {"profile": make_profile(zone="America/Martinique", quiet=None)},
        "noumea": {"profile": make_profile(zone="Pacific/Noumea", quiet=None)},
    }
    for name, resident in wished.items():
        make_reminder(session, make_resident(session, name, **resident))
    desk.tell(DUE_AT)
    post.send()
    assert titles(post) == {
        "paris/log": "Rendez-vous demain à 14:20",
        "english/log": "Appointment tomorrow at 14:20",
        "martinique/log": "Rendez-vous demain à 09:20",
        "noumea/log": "Rendez-vous demain à 00:20",
    }


def test_a_reminder_that_is_tried_again_after_midnight_says_today(desk, post, session):
    remind(desk, session)
    post.answers("one/log", scripted.AGAIN, scripted.ACCEPTED)
    post.send()
    post.send(after=at("26 07:00") - DUE_AT)
    assert [parcel.note.title for parcel in post.services["log"].sent] == [
        "Rendez-vous demain à 14:20",
        "Rendez-vous aujourd'hui à 14:20",
    ]


def test_the_hour_wakes_the_phone_and_stands_in_the_place_of_the_day(desk, post, session):
    handoff_id = make_handoff(session, make_resident(session, "one"))
    for kind in ("day", "hour"):
        make_reminder(session, "one", kind, handoff_id=handoff_id)
    desk.tell(DUE_AT)
    post.send()
    desk.tell(HOUR_BEFORE)
    post.send()
    (note,) = post.services["log"].screens["one/log"].values()
    assert (note.title, note.urgent) == ("Rendez-vous dans l'heure, à 14:20", True)


def test_a_day_reminder_that_never_went_out_gives_way_to_the_hour(desk, post, session):
    handoff_id = make_handoff(session, make_resident(session, "one"))
    for kind in ("day", "hour"):
        make_reminder(session, "one", kind, handoff_id=handoff_id)
    desk.tell(HOUR_BEFORE)
    post.send()
    day, hour = desk.waves()
    assert (states_of(session, day), states_of(session, hour)) == ({"expired": 1}, {"accepted": 1})


def test_no_reminder_goes_out_once_its_appointment_has_begun(desk, post, session):
    wave = remind(desk, session, kind="hour")
    post.send(after=timedelta(hours=1))
    assert states_of(session, wave) == {"expired": 1}
    assert post.sent() == []


def test_consent_to_reminders_is_asked_again_before_sending(desk, post, session):
    make_resident(session, "other")
    make_reminder(session, "other")
    wave = remind(desk, session)
    session.execute(update(Consent).where(Consent.device_id == "one").values(withdrawn_at=DUE_AT))
    post.send()
    assert states_of(session, wave) == {"accepted": 1, "stopped": 1}
    assert post.sent() == ["other/log"]


def test_quiet_hours_that_begin_before_sending_hold_no_reminder(desk, post, session, database):
    make_reminder(session, make_resident(session, "one"), "hour", starts_at=at("25 22:59"))
    desk.tell(at("25 21:59"))
    (wave,) = desk.waves()
    post.send(after=2 * MINUTE)
    assert states_of(session, wave) == {"accepted": 1}
    assert Releaser(database, clock=desk.clock, find=Finder).release() == 0


def test_a_slot_reaches_the_screen(desk, post, session):
    make_slot_watch(session, make_resident(session, "one"))
    make_calendar(session, new_at=NOON)
    desk.tell(NOON + MINUTE)
    post.send()
    (parcel,) = post.services["log"].sent
    note = parcel.note
    assert (note.title, note.kind, note.urgent) == ("Un créneau est apparu", "slot_found", True)
    assert note.data["kind"] == "slot_found"
    assert note.expires_at == NOON + MINUTE + timedelta(hours=12)


def test_alerts_overtake_reminders_and_reminders_overtake_campaigns(desk, session, database):
    make_wave(session, "campaign", lane="campaigns", now=NOON, noise=False)
    remind(desk, session)
    make_wave(session, "alert", now=NOON, noise=False)
    session.commit()
    lanes = [claim(database, owner=str(turn), now=DUE_AT).lane for turn in range(3)]
    assert lanes == ["alerts", "reminders", "campaigns"]


def test_a_thread_that_is_kept_for_alerts_takes_no_reminder(desk, session, database):
    remind(desk, session)
    assert claim(database, owner="kept", now=DUE_AT, campaigns=False) is None


@pytest.mark.parametrize(
    ("table", "changed"),
    [(Outcome, {"kind": "week_ahead"}), (Wave, {"scope": {}})],
    ids=["unknown kind", "no appointment"],
)
def test_a_reminder_that_cannot_be_worded_stops_its_wave_as_malformed(desk, post, session, table, changed):
    wave = remind(desk, session)
    session.execute(update(table).values(changed))
    post.send()
    assert states_of(session, wave) == {"stopped": 1}
    session.refresh(wave)
    assert wave.stop_reason == "malformed: words"


def test_the_log_says_the_words_and_the_reason_and_nobodys_name(desk, post, session, caplog):
    wave = remind(desk, session)
    post.services["log"] = LogTransport(clock=desk.clock)
    with caplog.at_level(logging.INFO, "alentours.push"):
        sender = post.another("log")
        assert sender.send_next()
    (line,) = (record for record in caplog.records if record.name == "alentours.push")
    assert (line.title, line.reason, line.wave) == ("Rendez-vous demain à 14:20", "reminder_asked", wave.code)
    assert "one" not in [str(value) for value in vars(line).values()]


def test_reminders_count_towards_no_cap(desk, post, session):
    remind(desk, session)
    post.send()
    assert session.scalars(select(Message.counted_at)).all() == [None]


def test_a_wave_that_nobody_agreed_to_is_settled_by_the_sweep_and_balances(desk, session, database):
    remind(desk, session, agrees=False)
    look_after(database, desk.clock())
    assert audit_open(database, now=desk.clock()) == 0
    session.expire_all()
    assert desk.waves()[0].settled_at == DUE_AT


def test_after_sixty_days_only_the_counts_are_left(desk, post, session, database):
    wave = remind(desk, session)
    post.send()
    session.commit()
    while keep(database, now=DUE_AT + KEPT_FOR + MINUTE):
        pass
    session.expire_all()
    assert session.scalars(select(Message.device_id)).all() == []
    assert session.get_one(Wave, wave.id).counts["accepted"] == 1


# What is forgotten of it


def rows_of(session):
    """Every value that is in the tables of the ledger, as text."""
    tables = [table for name, table in Base.metadata.tables.items() if name.startswith("notifications_")]
    return [str(value) for table in tables for row in session.execute(select(table)) for value in row]


def traces_of(session, handoff_ids):
    """Which values of the ledger hold something of a handoff's row, or of a digest that can be made of it."""
    rows = session.execute(select(Handoff.__table__).where(Handoff.id.in_(handoff_ids))).all()
    told = (TOMORROW.astimezone(UTC), int(TOMORROW.timestamp()))
    known = {str(value) for row in rows for value in (*row, *told)}
    known = {one for one in known if len(one) >= len("handoff-0")} - {"one", "synthetic-clinic"}
    digests = {hashlib.sha256(one.encode()).hexdigest()[:16] for one in known}
    return [value for value in rows_of(session) if any(one in value for one in known | digests)]


def remind_of_both(desk, post, session):
    """Let a device be told the day before and the hour before an appointment; give the handoff."""
    handoff_id = make_handoff(session, make_resident(session, "one"))
    for kind in ("day", "hour"):
        make_reminder(session, "one", kind, handoff_id=handoff_id)
    for moment in (DUE_AT, HOUR_BEFORE):
        desk.tell(moment)
        post.send()
    session.commit()
    return handoff_id


def test_once_an_appointment_has_begun_nothing_leads_from_its_handoff_to_a_message(desk, post, session, database):
    handoff_id = remind_of_both(desk, post, session)
    assert traces_of(session, [handoff_id])
    keep(database, now=TOMORROW)
    assert traces_of(session, [handoff_id]) == []
    assert [(wave.scope, wave.tag) for wave in desk.waves()] == [
        ({"reminder": {"kind": kind}}, FORGOTTEN) for kind in ("day", "hour")
    ]


def test_what_is_forgotten_still_balances(desk, post, session, database):
    remind_of_both(desk, post, session)
    keep(database, now=TOMORROW)
    found = audits(session, [wave.id for wave in desk.waves()])
    assert [(one.ailing, one.balance.counts["accepted"]) for one in found.values()] == [(None, 1), (None, 1)]


def test_until_an_appointment_begins_its_reminder_keeps_what_it_says(desk, post, session, database):
    wave = remind(desk, session)
    post.send()
    session.commit()
    before = wave.scope, wave.tag
    keep(database, now=TOMORROW - timedelta(seconds=1))
    session.refresh(wave)
    assert (wave.scope, wave.tag) == before


def test_a_reminder_that_is_not_settled_keeps_what_it_says(desk, session, database):
    wave = remind(desk, session)
    session.commit()
    keep(database, now=TOMORROW + MINUTE)
    session.refresh(wave)
    assert wave.scope["reminder"]["starts_s"] == int(TOMORROW.timestamp())


def test_what_is_no_reminder_keeps_what_it_says(desk, post, session, database):
    make_slot_watch(session, make_resident(session, "two"))
    make_calendar(session, new_at=NOON)
    desk.tell(NOON + MINUTE)
    post.send()
    alert = make_wave(session, "alert", now=NOON, noise=False)
    alert.settled_at = NOON
    session.commit()
    before = [(wave.scope, wave.tag) for wave in desk.waves()]
    keep(database, now=TOMORROW + timedelta(days=2))
    assert [(wave.scope, wave.tag) for wave in desk.waves()] == before
    assert session.scalars(select(Outcome.kind).where(Outcome.kind == "slot_found")).all() == ["slot_found"]


def test_many_reminders_are_forgotten_in_portions(desk, post, session, database, monkeypatch):
    monkeypatch.setattr(keeping, "REMINDERS_AT_ONCE", 1)
    remind_of_both(desk, post, session)
    keep(database, now=TOMORROW)
    assert [wave.tag for wave in desk.waves()] == [FORGOTTEN, FORGOTTEN]


def test_a_device_that_looks_later_sees_no_appointment_of_the_past(client, desk, session, database):
    device_id, headers = make_device(client, language="en")
    session.add(Consent(device_id=device_id, purpose="reminders", version="1", given_at=NOON))
    session.flush()
    make_reminder(session, device_id)
    desk.tell(DUE_AT)
    look_after(database, desk.clock())
    desk.clock.moment = TOMORROW
    keep(database, now=TOMORROW)
    assert client.get("/v1/me/messages", headers=headers).get_json()["items"] == []


# What is seen of it


def test_a_device_sees_its_reminder_as_it_was_said(client, desk, session):
    device_id, headers = make_device(client, language="en")
    session.add(Consent(device_id=device_id, purpose="reminders", version="1", given_at=NOON))
    session.flush()
    make_reminder(session, device_id)
    make_reminder(session, make_resident(session, "other"))
    desk.tell(DUE_AT)
    desk.clock.moment = TOMORROW
    (said,) = client.get("/v1/me/messages", headers=headers).get_json()["items"]
    assert (said["kind"], said["day"], said["title"]) == ("day_ahead", None, "Appointment tomorrow at 14:20")
    assert said["reason"] == {"code": "reminder_asked", "text": "You asked to be reminded of this appointment."}
    assert said["outcome"]["code"] == "no_registration"


def test_a_device_sees_a_reminder_that_its_quiet_hours_swallowed(client, desk, session):
    device_id, headers = make_device(client, language="en")
    session.add(Consent(device_id=device_id, purpose="reminders", version="1", given_at=NOON))
    session.flush()
    make_reminder(session, device_id, "hour", starts_at=at("26 06:30"))
    desk.tell(at("26 05:30"))
    (said,) = client.get("/v1/me/messages", headers=headers).get_json()["items"]
    assert said["reason"]["code"] == "quiet_dropped"


def test_staff_list_and_open_waves_of_reminders(client, desk, post, session):
    reader = bearer(make_key(session, "reader")[1])
    make_wave(session, "alert", now=NOON, noise=False)
    wave = remind(desk, session)
    post.send()
    session.commit()
    listed = client.get("/v1/waves", query_string={"lane": "reminders"}, headers=reader).get_json()["items"]
    assert [(item["code"], item["lane"], item["day"]) for item in listed] == [(wave.code, "reminders", None)]
    shown = client.get(f"/v1/waves/{wave.code}", headers=reader).get_json()
    assert (shown["balance"]["accepted"], shown["balance"]["balanced"], shown["notices"]) == (1, True, [])


# The worker


class CalledEngine:
    """An engine that only counts how often it is called."""

    def __init__(self):
        self.calls = 0

    def start(self):
        """Nothing to begin."""

    def notify(self):
        self.calls += 1

    def stop(self):
        """Nothing to end."""


def test_a_tick_of_the_worker_tells_what_is_due_and_calls_the_engine(desk, session, database):
    engine = CalledEngine()
    worker = Worker(database, engine, clock=desk.clock)
    make_reminder(session, make_resident(session, "one"))
    make_slot_watch(session, make_resident(session, "two"))
    make_calendar(session, new_at=NOON)
    session.commit()
    desk.clock.moment = DUE_AT
    worker.tick()
    assert [(device, kind) for device, kind, _, _ in desk.told()] == [("one", "day_ahead"), ("two", "slot_found")]
    assert engine.calls == 2
    worker.tick()
    assert (len(desk.told()), engine.calls) == (2, 2)
