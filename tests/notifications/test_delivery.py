"""A chunk from its claim to its last answer: what each answer makes of the message, and of its registration."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from citizen_api.people.device_models import Registration
from notifications import delivery, steps
from notifications.models import Message, Platform
from tests.doubles import scripted
from tests.notifications.ledger_makers import (
    LATER,
    NOW,
    attempts_of,
    make_wave,
    registration,
    registrations_of,
    states_of,
)
from tests.notifications.post import FIRST, Post, chunk, message


@pytest.fixture
def post(database, session, clock):
    return Post(database, session, clock)


@pytest.fixture
def reached():
    seen = []
    steps.watchers.append(seen.append)
    yield seen
    steps.watchers.remove(seen.append)


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


def test_answers_are_written_while_others_are_awaited(post, session, monkeypatch):
    wave = make_wave(session)
    monkeypatch.setattr(delivery, "SETTLED_EVERY_S", 0)
    seen = []
    service = post.services["log"]
    service.at_once, answer = 1, service._answer

    def look(parcel):
        seen.append(states_of(session, wave).get("accepted", 0))
        return answer(parcel)

    service._answer = look
    post.send()
    assert seen == [0, 1, 2]


def test_messages_that_fail_together_come_back_together(post, session):
    make_wave(session, devices=50)
    post.services["log"].otherwise = scripted.AGAIN
    post.services["log"].at_once = 7
    post.send()
    again = select(Message.again_at).where(Message.state == "pending").distinct()
    assert len(session.scalars(again).all()) == 1
