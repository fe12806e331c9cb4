"""What is not sent, or not any more: it is over, a newer word has its place, or somebody said so."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from citizen_api.people.device_models import Consent, Device, Preferences
from citizen_api.people.wishes import DEFAULT_PROFILE, QuietHours, quiet_ends_at
from notifications import delivery
from notifications.models import Chunk, Message, Outcome, Platform, Slice, Wave
from notifications.platforms import alarm
from notifications.transports.base import Answer
from tests.doubles import scripted
from tests.notifications.ledger_makers import NOW, make_wave, states_of
from tests.notifications.post import FIRST, Post, chunk, message


@pytest.fixture
def post(database, session, clock):
    return Post(database, session, clock)


def test_a_message_that_is_over_is_not_sent(post, session):
    wave = make_wave(session, expires_at=NOW)
    post.send()
    assert states_of(session, wave) == {"expired": 3}
    assert post.sent() == []
    assert wave.settled_at == NOW


def test_a_message_that_ends_between_its_load_and_its_turn_is_not_sent(post, session, monkeypatch):
    wave = make_wave(session, expires_at=NOW + timedelta(seconds=1))
    take = post.sender._office.pacer.take

    def slowly(wanted, *, lane):
        post.clock.moment += timedelta(seconds=1)
        return take(wanted, lane=lane)

    monkeypatch.setattr(post.sender._office.pacer, "take", slowly)
    post.send()
    assert states_of(session, wave) == {"expired": 3}
    assert post.sent() == []


def test_a_message_that_may_have_arrived_ends_uncertain_not_expired(post, session):
    wave = make_wave(session, devices=2, expires_at=NOW + timedelta(seconds=3))
    post.answers(f"{FIRST}/log", scripted.MAYBE)
    post.answers("wave-0000001/log", scripted.AGAIN)
    post.send()
    assert message(session).maybe_delivered
    post.send(after=timedelta(seconds=3))
    assert states_of(session, wave) == {"uncertain": 1, "expired": 1}
    assert len(post.sent()) == 2


def test_a_consent_that_was_withdrawn_meanwhile_stops_the_message(post, session):
    wave = make_wave(session)
    session.execute(update(Consent).where(Consent.device_id == FIRST).values(withdrawn_at=NOW))
    post.send()
    assert states_of(session, wave) == {"accepted": 2, "stopped": 1}


def test_a_consent_to_something_else_is_none(post, session):
    wave = make_wave(session, lane="campaigns")
    session.execute(update(Consent).where(Consent.device_id == FIRST).values(purpose="alerts"))
    post.send()
    assert states_of(session, wave) == {"accepted": 2, "stopped": 1}


def test_a_device_that_erases_itself_while_it_is_sent_to_is_counted_as_erased(post, session):
    wave = make_wave(session, registrations=("fcm_token", "log"))
    post.answers(f"{FIRST}/fcm_token", scripted.RETIRE)
    post.answers("wave-0000001/fcm_token", scripted.AGAIN)

    def erase(_):
        session.execute(delete(Device).where(Device.id.in_([FIRST, "wave-0000001"])))
        session.commit()

    post.services["fcm"].before_answers = erase
    post.send()
    assert states_of(session, wave) == {"accepted": 1, "erased": 2}
    assert wave.settled_at == NOW


def test_an_older_word_is_not_sent_over_a_newer_one(post, session):
    old = make_wave(session, devices=4)
    ids = [f"wave-000000{number}" for number in range(3)]
    newer = make_wave(session, "newer", devices=ids, noise=False)
    dead = update(Message).where(Message.wave_id == newer.id, Message.device_id == ids[2])
    session.execute(dead.values(state="dead"))
    maybe = update(Message).where(Message.wave_id == old.id, Message.device_id == ids[1])
    session.execute(maybe.values(maybe_delivered=True))
    post.send()
    assert states_of(session, old) == {"accepted": 2, "expired": 1, "uncertain": 1}
    assert states_of(session, newer) == {"accepted": 2, "dead": 1}
    assert sorted(post.sent()) == [f"wave-000000{number}/log" for number in range(4)]


def test_a_newer_word_that_comes_while_a_chunk_waits_for_its_turn_is_not_overwritten(post, session, monkeypatch):
    old = make_wave(session, devices=2)
    take = post.sender._office.pacer.take

    def slowly(wanted, *, lane):
        if not session.scalar(select(Wave.id).where(Wave.key == "newer")):
            make_wave(session, "newer", devices=[FIRST], noise=False)
            session.commit()
        return take(wanted, lane=lane)

    monkeypatch.setattr(post.sender._office.pacer, "take", slowly)
    post.send()
    assert states_of(session, old) == {"accepted": 1, "expired": 1}
    assert post.sent().count(f"{FIRST}/log") == 1


def test_another_day_has_its_own_place_on_the_screen(post, session):
    old = make_wave(session)
    make_wave(session, "newer", devices=[FIRST], tag="alert-2026-11-27", noise=False)
    post.send()
    assert states_of(session, old) == {"accepted": 3}


def test_a_wave_that_is_stopped_while_it_waits_for_its_turn_is_not_sent(post, session, monkeypatch):
    wave = make_wave(session)
    take = post.sender._office.pacer.take

    def stop(wanted, *, lane):
        session.execute(update(Wave).where(Wave.id == wave.id).values(stopped_at=NOW))
        session.commit()
        return take(wanted, lane=lane)

    monkeypatch.setattr(post.sender._office.pacer, "take", stop)
    post.send()
    assert states_of(session, wave) == {"stopped": 3}
    assert post.sent() == []
    session.refresh(wave)
    assert wave.settled_at == NOW


def test_the_end_of_a_message_comes_before_its_next_try(post, session):
    wave = make_wave(session, expires_at=NOW + timedelta(seconds=1))
    post.services["log"].otherwise = scripted.AGAIN
    post.send()
    assert chunk(session, wave).next_at == NOW + timedelta(seconds=1)
    assert session.scalar(select(Outcome.expires_at).where(Outcome.wave_id == wave.id)) == chunk(session, wave).next_at


def test_a_message_that_has_come_into_quiet_hours_is_held_until_they_end(post, session):
    wave = make_wave(session, devices=2)
    local = NOW.astimezone(ZoneInfo("Europe/Paris"))
    quiet = QuietHours(local.time().replace(minute=0), (local + timedelta(hours=1)).time().replace(minute=0))
    wished = update(Preferences).where(Preferences.device_id == FIRST)
    session.execute(wished.values(profile_key=replace(DEFAULT_PROFILE, quiet=quiet).key))
    other = update(Preferences).where(Preferences.device_id != FIRST)
    session.execute(other.values(profile_key=replace(DEFAULT_PROFILE, quiet=None).key))
    session.execute(update(Message).values(counted_at=NOW - timedelta(hours=1)))
    post.send()
    assert states_of(session, wave) == {"held": 1, "accepted": 1}
    assert message(session).again_at == quiet_ends_at(NOW, quiet, zone="Europe/Paris")
    # One that was planned in them, as an official alert may be, passes.
    session.execute(
        update(Message).where(Message.state == "held").values(state="pending", again_at=None, counted_at=NOW)
    )
    session.execute(update(Chunk).values(next_at=NOW))
    post.send()
    assert states_of(session, wave) == {"accepted": 2}


def test_a_phone_whose_service_refuses_our_key_waits_and_the_others_do_not(post, session, caplog, monkeypatch):
    monkeypatch.setattr(alarm, "_said_at_s", {})
    wave = make_wave(session, registrations=("fcm_token",))
    post.answers(f"{FIRST}/fcm_token", Answer("again", "THIRD_PARTY_AUTH_ERROR", retry_after_s=300.0))
    post.send()
    assert states_of(session, wave) == {"pending": 1, "accepted": 2}
    assert message(session).again_at >= NOW + timedelta(seconds=300)
    assert session.scalar(select(Platform.name)) is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_chunk_that_stays_long_on_a_slow_service_leaves_the_rest_for_a_moment(post, session, monkeypatch):
    monkeypatch.setattr(delivery, "AT_ONCE", {"webpush": 1})
    monkeypatch.setattr(delivery, "_LONGEST_STAY_S", 0.0)
    wave = make_wave(session, registrations=("webpush",))
    post.send()
    assert states_of(session, wave) == {"pending": 3}
    assert chunk(session, wave).next_at == NOW + timedelta(seconds=5)
    monkeypatch.setattr(delivery, "_LONGEST_STAY_S", 60.0)
    post.send(after=timedelta(seconds=5))
    assert states_of(session, wave) == {"accepted": 3}


@pytest.mark.parametrize(
    ("changed", "states"),
    [
        ({"state": "accepted"}, {"accepted": 1}),
        ({"state": "pending", "maybe_delivered": True}, {"accepted": 1}),
        ({"state": "pending", "again_at": NOW + timedelta(minutes=5)}, {"expired": 1}),
        ({"state": "dead"}, {"expired": 1}),
    ],
)
def test_an_all_clear_goes_only_to_whom_the_alert_may_have_reached(post, session, changed, states):
    alert = make_wave(session, devices=1)
    session.execute(update(Message).where(Message.wave_id == alert.id).values(**changed))
    session.execute(update(Chunk).values(next_at=NOW + timedelta(minutes=5)))
    clear = Wave(
        code="synthetic-clear",
        key="synthetic clear",
        lane="alerts",
        tag=alert.tag,
        day=alert.day,
        scope={},
        opened_at=NOW,
        planned_at=NOW,
    )
    session.add(clear)
    session.flush()
    outcome = Outcome(
        wave_id=clear.id, kind="all_clear", reason="all_clear", counts=False, expires_at=NOW + timedelta(hours=12)
    )
    session.add(outcome)
    session.flush()
    part = session.scalar(select(Message.air).where(Message.wave_id == alert.id))
    session.add(Message(wave_id=clear.id, device_id=FIRST, state="pending", outcome_id=outcome.id, air=part))
    session.add(
        Chunk(wave_id=clear.id, lane="alerts", first_device=FIRST, last_device=FIRST, next_at=NOW, unsettled=False)
    )
    session.add(Slice(wave_id=clear.id, number=1, after="", until=FIRST, eligible=1, no_consent=0, planned_at=NOW))
    post.send()
    assert states_of(session, clear) == states
