"""The FCM transport against the double: what arrives, and what each fault leads to."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from notifications.transports import fcm_credentials
from notifications.transports.base import ACCEPTED, Answer
from notifications.transports.fcm import FcmTransport
from notifications.transports.fcm_credentials import CredentialsError
from tests.doubles.fcm import FcmDouble
from tests.notifications.transports.makers import answers_of, make_note, make_parcel

SECRET = "synthetic-secret-token"


@pytest.fixture
def double(tmp_path):
    with FcmDouble(folder=tmp_path / "double") as running:
        yield running


def make_transport(double: FcmDouble, **options) -> FcmTransport:
    options = {"ca_file": double.ca_file, "origin": double.origin, "timeout_s": 5.0} | options
    return FcmTransport(double.write_credentials(double.folder), **options)


@pytest.fixture
def transport(double):
    made = make_transport(double)
    yield made
    made.close()


def test_a_thousand_messages_arrive_once_each(double, transport):
    note = make_note()
    parcels = [make_parcel(f"synthetic-{number}", note=note) for number in range(1_000)]
    assert answers_of(transport, parcels) == [ACCEPTED] * 1_000
    assert Counter(message["token"] for message in double.received) == {parcel.value: 1 for parcel in parcels}
    assert not double.invalid


def test_tokens_and_installation_ids_go_in_their_own_fields(double, transport):
    parcels = [make_parcel("synthetic-token"), make_parcel("synthetic-fid", kind="fcm_fid")]
    assert answers_of(transport, parcels) == [ACCEPTED] * 2
    assert {(message.get("token"), message.get("fid")) for message in double.received} == {
        ("synthetic-token", None),
        (None, "synthetic-fid"),
    }


def test_a_token_with_anything_in_it_is_still_one_json_string(double, transport):
    hostile = 'x","topic":"all"}\n\u2028é\ud800'
    answers_of(transport, [make_parcel(hostile)])
    assert not any("topic" in message for message in double.received)


def test_several_senders_share_a_transport(double, transport):
    totals: list[int] = []

    def send() -> None:
        totals.append(answers_of(transport, [make_parcel(f"t{number}") for number in range(300)]).count(ACCEPTED))

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert totals == [300] * 4
    assert double.accepted == 1_200


FAULTS = {
    "quota": Answer("again", "QUOTA_EXCEEDED", retry_after_s=3.0, slow_down=True),
    "quota_silent": Answer("again", "QUOTA_EXCEEDED", retry_after_s=60.0, slow_down=True),
    "internal": Answer("again", "INTERNAL", retry_after_s=3.0, maybe_delivered=True),
    "unavailable": Answer("again", "UNAVAILABLE", retry_after_s=3.0, maybe_delivered=True),
    "html": Answer("again", "502", retry_after_s=3.0, maybe_delivered=True),
    "cut": Answer("again", "cut", maybe_delivered=True),
    "refused_stream": Answer("again", "refused"),
    "unregistered": Answer("retire", "UNREGISTERED"),
    "bad_token": Answer("retire", "INVALID_ARGUMENT"),
    "bad_token_bare": Answer("retire", "INVALID_ARGUMENT"),
    "wrong_sender": Answer("quarantine", "SENDER_ID_MISMATCH"),
    "bad_argument": Answer("malformed", "INVALID_ARGUMENT"),
    "bad_credentials": Answer("again", "THIRD_PARTY_AUTH_ERROR", retry_after_s=300.0),
}


@pytest.mark.parametrize(("kind", "expected"), FAULTS.items(), ids=FAULTS.keys())
def test_each_fault_leads_to_its_answer_and_is_not_retried(double, transport, kind, expected):
    double.fail(kind, token="synthetic-token", retry_after=3)
    assert answers_of(transport, [make_parcel()]) == [expected]
    assert double.count <= 1


def test_a_refused_access_token_is_fetched_anew(double, transport):
    assert answers_of(transport, [make_parcel()]) == [ACCEPTED]
    double.revoke_tokens()
    assert answers_of(transport, [make_parcel()]) == [Answer("stop_platform", "UNAUTHENTICATED")]
    assert answers_of(transport, [make_parcel()]) == [ACCEPTED]


def test_of_a_goaway_only_what_was_answered_is_settled(double, transport):
    double.fail("goaway", times=1)
    answers = answers_of(transport, [make_parcel(f"t{number}") for number in range(50)])
    assert all(answer.verdict in ("accepted", "again") for answer in answers)
    assert answers.count(ACCEPTED) == double.accepted
    assert answers.count(ACCEPTED) < 50


def test_a_hang_ends_with_the_timeout(double):
    double.fail("hang")
    transport = make_transport(double, timeout_s=0.3)
    try:
        answers = answers_of(transport, [make_parcel(f"t{number}") for number in range(5_000)])
    finally:
        transport.close()
    assert {answer.verdict for answer in answers} == {"again"}
    assert Answer("again", "timeout", maybe_delivered=True) in answers
    written = sum(answer.maybe_delivered for answer in answers)
    assert 0 < written <= 800, "no more than the streams of the connections"


def test_a_service_that_stops_and_comes_back_is_found_again(double, transport):
    assert answers_of(transport, [make_parcel()]) == [ACCEPTED]
    double.stop()
    answer = answers_of(transport, [make_parcel()])[0]
    while answer.code != "unreachable":  # the end of the old connection may be noticed first
        assert answer.verdict == "again"
        answer = answers_of(transport, [make_parcel()])[0]
    assert not answer.maybe_delivered
    assert answer.retry_after_s
    double.start()
    until = time.monotonic() + 10
    while answers_of(transport, [make_parcel()]) != [ACCEPTED]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_note_that_is_over_is_never_sent(double, transport):
    over = make_note(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    barely = make_note(expires_at=datetime.now(UTC) - timedelta(microseconds=1))
    parcels = [make_parcel("a", note=over), make_parcel("b"), make_parcel("c", note=barely)]
    expired = Answer("again", "expired")
    assert answers_of(transport, parcels) == [expired, ACCEPTED, expired]
    assert double.count == 1


def test_a_note_that_ends_while_it_waits_is_not_written(double):
    class Clock:
        moment = datetime.now(UTC)
        asked = 0

        def __call__(self) -> datetime:
            self.asked += 1
            # Encoded in time; when a stream is free the time is over.
            return self.moment if self.asked <= 2 else self.moment + timedelta(hours=1)

    transport = make_transport(double, clock=Clock())
    try:
        note = make_note(expires_at=Clock.moment + timedelta(minutes=1))
        assert answers_of(transport, [make_parcel(note=note)]) == [Answer("again", "expired")]
    finally:
        transport.close()
    assert double.count == 0


def test_a_parcel_that_is_not_for_fcm_is_our_mistake_and_sends_nothing(double, transport):
    parcels = [make_parcel(kind="webpush"), make_parcel(""), make_parcel("x" * 5_000)]
    no_token = Answer("quarantine", "not_a_token")
    assert answers_of(transport, parcels) == [Answer("malformed", "wrong_kind"), no_token, no_token]
    assert double.count == 0


def test_a_note_too_large_for_fcm_is_not_sent(double, transport):
    assert answers_of(transport, [make_parcel(note=make_note(body="é" * 2_100))]) == [Answer("malformed", "too_large")]
    assert answers_of(transport, [make_parcel(note=make_note(body="\ud800"))]) == [Answer("malformed", "encoding")]
    assert double.count == 0


def test_no_parcels_are_answered_with_nothing(transport):
    assert answers_of(transport, []) == []


def test_a_sender_that_goes_away_abandons_the_rest(double):
    transport = make_transport(double, connections=1, streams=1)
    try:
        batches = transport.send([make_parcel(f"t{number}") for number in range(20_000)])
        next(batches)
        batches.close()
    finally:
        transport.close()
    assert double.count < 20_000


def test_a_closed_transport_answers_that_nothing_was_sent(transport):
    assert answers_of(transport, [make_parcel()]) == [ACCEPTED]
    transport.close()
    assert answers_of(transport, [make_parcel()] * 3) == [Answer("again", "unsent")] * 3


def test_neither_tokens_nor_words_of_fcm_reach_the_log(double, transport, caplog):
    caplog.set_level(logging.DEBUG)
    for kind in ("unregistered", "internal", "cut", "token_internal"):
        double.fail(kind, times=1)
        transport.tokens.drop(transport.tokens._token or "")
        answers_of(transport, [make_parcel(SECRET)])
    assert SECRET not in caplog.text
    assert "ya29" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("token_invalid_grant", Answer("stop_platform", "invalid_grant", retry_after_s=60.0)),
        ("token_internal", Answer("again", "token_unavailable", retry_after_s=5.0)),
        ("token_hang", Answer("again", "token_unreachable", retry_after_s=5.0)),
    ],
)
def test_without_an_access_token_nothing_is_sent_and_it_is_asked_for_once(double, fault, expected):
    double.fail(fault, times=1)
    transport = make_transport(double, timeout_s=0.5)
    try:
        assert answers_of(transport, [make_parcel(), make_parcel()]) == [expected] * 2
        # The fault is over, but for a while nobody is asked again.
        again = answers_of(transport, [make_parcel()])[0]
    finally:
        transport.close()
    assert (again.verdict, again.code) == (expected.verdict, expected.code)
    assert double.count == 0


def test_an_access_token_is_replaced_ahead_of_its_end_while_sending_goes_on(transport, monkeypatch):
    old = transport.tokens.get()
    assert transport.tokens.get() == old
    monkeypatch.setattr(fcm_credentials, "_AHEAD_S", 3_600.0)
    monkeypatch.setattr(transport.tokens, "_ask_again_at", 0.0)
    assert transport.tokens.get() == old, "the old one is good: nobody waits"
    until = time.monotonic() + 10
    while transport.tokens._token == old:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert answers_of(transport, [make_parcel()]) == [ACCEPTED]


def test_a_child_forked_while_a_token_was_fetched_fetches_its_own(transport):
    with transport.tokens._lock:
        child = os.fork()
        if child == 0:  # whatever happens, the child must not come back to pytest
            try:
                os._exit(0 if transport.tokens.get() else 1)
            finally:
                os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "file_missing"),
        (b"", "not_a_service_account"),
        (b"[]", "not_a_service_account"),
        (b'{"type": "authorized_user"}', "not_a_service_account"),
        (b'{"type": "service_account", "private_key": "synthetic-secret-token"}', "not_a_service_account"),
        (b"\xff\xfe", "not_a_service_account"),
    ],
)
def test_a_file_that_is_no_service_account_is_told_in_a_word(tmp_path, content, code):
    file = tmp_path / "account.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CredentialsError) as caught:
        FcmTransport(file)
    assert caught.value.code == code
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_double_that_validates_saw_no_message_that_google_would_refuse(double, transport):
    notes = [
        make_note(urgent=False, data={}),
        make_note(tag="é" * 70, expires_at=datetime.now(UTC) + timedelta(weeks=30)),
        make_note(expires_at=datetime.now(UTC) + timedelta(seconds=0.9), title="😀"),
    ]
    assert (
        answers_of(transport, [make_parcel(f"t{number}", note=note) for number, note in enumerate(notes)])
        == [ACCEPTED] * 3
    )
    assert not double.invalid
