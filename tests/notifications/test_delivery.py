"""A chunk from its claim to its last answer: what each answer makes of the message, and of its registration."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from citizen_api.people.device_models import Consent, Device, Registration
from notifications import steps
from notifications.models import Chunk, Message, Outcome, Platform, Wave
from notifications.sending import Sender
from tests.doubles import scripted
from tests.doubles.scripted import ScriptedTransport
from tests.notifications.ledger_makers import (
    LATER,
    NOW,
    attempts_of,
    make_wave,
    registration,
    registrations_of,
    states_of,
)

FIRST = "wave-0000000"


class Post:
    """A sender over one scripted service for each platform, on a clock that stands still."""

    def __init__(self, database, session, clock):
        self.session, self.clock = session, clock
        clock.moment = NOW
        self.services = {name: ScriptedTransport(name) for name in ("fcm", "webpush", "log")}
        self.database = database
        self.sender = self.another()

    def another(self, *names):
        services = [self.services[name] for name in names or self.services]
        return Sender(self.database, services, rate_per_s=1_000_000, clock=self.clock)

    def answers(self, value, *answers):
        self.services[_platform(value)].script[value] = list(answers)

    def send(self, after=None):
        self.session.commit()
        self.clock.moment += after or timedelta(0)
        sent = 0
        while self.sender.send_next():
            sent += 1
            assert sent < 50
        return sent

    def sent(self):
        return [value for service in self.services.values() for value in service.values()]


def _platform(value):
    kind = value.partition("/")[2]
    return "fcm" if kind.startswith("fcm") else kind


@pytest.fixture
def post(database, session, clock):
    return Post(database, session, clock)


@pytest.fixture
def reached():
    seen = []
    steps.watchers.append(seen.append)
    yield seen
    steps.watchers.remove(seen.append)


def message(session, device_id=FIRST):
    session.expire_all()
    return session.scalars(select(Message).where(Message.device_id == device_id).order_by(Message.wave_id)).first()


def chunk(session, wave):
    session.expire_all()
    return session.scalars(select(Chunk).where(Chunk.wave_id == wave.id)).one()


def test_an_accepted_wave_is_settled_and_its_chunk_given_back(post, session, reached):
    wave = make_wave(session)
    assert post.send() == 1
    assert states_of(session, wave) == {"accepted": 3}
    assert wave.settled_at == NOW
    found = chunk(session, wave)
    assert (found.next_at, found.lease_until, found.owner, found.unsettled) == (None, None, None, False)
    assert attempts_of(session, wave) == [(f"wave-000000{n}/log", "accepted", "ok", 1) for n in range(3)]
    assert reached == [
        "claim.written",
        "claim.committed",
        "send.loaded",
        "send.first_answer",
        "send.all_answered",
        "settle.written",
        "settle.committed",
        "wave.settled",
    ]


def test_a_note_says_what_is_meant_for_a_screen_and_nothing_else(post, session):
    wave = make_wave(session, devices=2)
    post.send()
    first, second = (parcel.note for parcel in post.services["log"].sent)
    assert first is second
    assert (first.tag, first.kind, first.urgent, first.language) == (wave.tag, "alert", True, "fr")
    assert first.expires_at == LATER
    assert first.data == {"message": wave.code, "kind": "alert", "day": "2026-11-26"}
    assert "demain" in first.title + first.body


def test_a_registration_that_is_gone_is_retired_and_the_next_one_tried_at_once(post, session):
    wave = make_wave(session, devices=1, registrations=("log", "webpush", "fcm_token", "fcm_fid"))
    post.answers(f"{FIRST}/fcm_fid", scripted.RETIRE)
    post.answers(f"{FIRST}/fcm_token", scripted.QUARANTINE)
    post.send()
    assert post.sent() == [f"{FIRST}/fcm_fid", f"{FIRST}/fcm_token", f"{FIRST}/webpush"]
    assert states_of(session, wave) == {"accepted": 1}
    assert registrations_of(session, FIRST) == {
        "fcm_fid": "retired",
        "fcm_token": "quarantine",
        "webpush": "alive",
        "log": "alive",
    }


def test_of_two_registrations_of_a_kind_the_newer_is_tried_first(post, session):
    make_wave(session, devices=1, registrations=("fcm_token",))
    newer = registration(FIRST, "fcm_token", now=NOW + timedelta(hours=1), name="-newer")
    session.add(Registration(**newer))
    post.send()
    assert post.sent() == [f"{FIRST}/fcm_token-newer"]


def test_a_message_without_a_way_left_is_dead(post, session):
    wave = make_wave(session, devices=2, registrations=("fcm_token",))
    post.answers(f"{FIRST}/fcm_token", scripted.RETIRE)
    session.execute(delete(Registration).where(Registration.device_id == "wave-0000001"))
    post.send()
    assert states_of(session, wave) == {"dead": 2}
    assert attempts_of(session, wave) == [(f"{FIRST}/fcm_token", "retire", "UNREGISTERED", 1)]


def test_a_registration_that_was_replaced_while_it_was_sent_to_is_not_retired(post, session):
    make_wave(session, devices=1, registrations=("fcm_token",))
    post.answers(f"{FIRST}/fcm_token", scripted.RETIRE)

    def replace(_):
        changed = {"value": "fresh", "digest": "fresh"}
        session.execute(update(Registration).where(Registration.device_id == FIRST).values(**changed))
        session.commit()

    post.services["fcm"].before_answers = replace
    post.send()
    assert registrations_of(session, FIRST) == {"fcm_token": "alive"}


def test_what_is_not_taken_now_is_tried_again_later_each_time(post, session):
    wave = make_wave(session, devices=2)
    post.answers(f"{FIRST}/log", scripted.AGAIN, scripted.AGAIN, scripted.ACCEPTED)
    post.send()
    assert states_of(session, wave) == {"accepted": 1, "pending": 1}
    first = message(session)
    assert (first.tried, first.maybe_delivered) == (1, False)
    assert timedelta(seconds=2) <= first.again_at - NOW <= timedelta(seconds=4)
    assert chunk(session, wave).next_at == first.again_at
    assert post.send() == 0
    post.send(after=timedelta(seconds=4))
    second = message(session)
    assert second.tried == 2
    assert timedelta(seconds=4) <= second.again_at - post.clock() <= timedelta(seconds=7)
    assert wave.settled_at is None
    post.send(after=timedelta(seconds=7))
    assert states_of(session, wave) == {"accepted": 2}
    assert (f"{FIRST}/log", "accepted", "ok", 3) in attempts_of(session, wave)
    assert post.sent().count("wave-0000001/log") == 1


def test_a_service_is_given_the_time_that_it_asks_for_and_everybody_slows_down(post, session):
    wave = make_wave(session, devices=2)
    post.services["log"].otherwise = scripted.SLOW_DOWN
    post.send()
    assert states_of(session, wave) == {"pending": 2}
    assert message(session).again_at >= NOW + timedelta(seconds=60)
    turn = post.sender._office.pacer.take(1, lane="alerts")
    assert turn.count == 0


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


def test_a_malformed_message_stops_its_wave_and_harms_no_registration(post, session, caplog):
    wave = make_wave(session, devices=5, chunk=2)
    post.answers(f"{FIRST}/log", scripted.MALFORMED)
    with caplog.at_level(logging.ERROR):
        post.send()
    assert states_of(session, wave) == {"accepted": 1, "stopped": 4}
    assert (wave.stopped_at, wave.stop_reason) == (NOW, "malformed: INVALID_ARGUMENT")
    assert registrations_of(session, FIRST) == {"log": "alive"}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert FIRST not in caplog.text


def test_a_note_that_cannot_be_written_is_malformed(post, session):
    wave = make_wave(session)
    session.execute(update(Message).where(Message.wave_id == wave.id).values(air=None))
    post.send()
    assert states_of(session, wave) == {"stopped": 3}
    assert wave.stop_reason == "malformed: words"


def test_a_platform_that_refuses_our_credentials_rests_and_other_ways_are_used(post, session, caplog):
    wave = make_wave(session, devices=1, registrations=("fcm_token", "webpush"))
    lonely = make_wave(session, "lonely", devices=2, registrations=("fcm_token",), noise=False)
    post.services["fcm"].otherwise = scripted.STOP_PLATFORM
    with caplog.at_level(logging.ERROR):
        post.send()
    assert states_of(session, wave) == {"accepted": 1}
    assert states_of(session, lonely) == {"pending": 2}
    assert post.sent() == [f"{FIRST}/fcm_token", f"{FIRST}/webpush"]
    assert session.scalars(select(Platform)).one().stopped_until == NOW + timedelta(minutes=5)
    assert len(caplog.records) == 1
    assert registrations_of(session, FIRST)["fcm_token"] == "alive"
    post.services["fcm"].otherwise = scripted.ACCEPTED
    post.send(after=timedelta(minutes=5))
    assert states_of(session, lonely) == {"accepted": 2}


def test_a_way_that_is_not_configured_is_passed_over(post, session, caplog):
    wave = make_wave(session, devices=1, registrations=("fcm_token", "webpush"))
    lonely = make_wave(session, "lonely", devices=2, registrations=("fcm_token",), noise=False)
    post.sender = post.another("webpush")
    with caplog.at_level(logging.WARNING):
        post.send()
    assert states_of(session, wave) == {"accepted": 1}
    assert states_of(session, lonely) == {"dead": 2}
    assert {code for _, _, code, _ in attempts_of(session, lonely)} == {"no_transport"}
    assert len(caplog.records) == 1


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


def test_a_transport_that_breaks_its_promise_loses_nothing(post, session, caplog):
    wave = make_wave(session)
    service = post.services["log"]
    service.at_once = 1

    def fail(parcel):
        if parcel.value != f"{FIRST}/log":
            raise ValueError(parcel.value)
        return scripted.ACCEPTED

    service._answer = fail
    post.send()
    assert states_of(session, wave) == {"accepted": 1, "pending": 2}
    assert message(session, "wave-0000001").maybe_delivered
    assert "wave-0000001" not in caplog.text


def test_messages_that_fail_together_come_back_together(post, session):
    make_wave(session, devices=50)
    post.services["log"].otherwise = scripted.AGAIN
    post.services["log"].at_once = 7
    post.send()
    again = select(Message.again_at).where(Message.state == "pending").distinct()
    assert len(session.scalars(again).all()) == 1


def test_the_end_of_a_message_comes_before_its_next_try(post, session):
    wave = make_wave(session, expires_at=NOW + timedelta(seconds=1))
    post.services["log"].otherwise = scripted.AGAIN
    post.send()
    assert chunk(session, wave).next_at == NOW + timedelta(seconds=1)
    assert session.scalar(select(Outcome.expires_at).where(Outcome.wave_id == wave.id)) == chunk(session, wave).next_at
