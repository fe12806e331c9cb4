"""Web Push: what is sent, and what each answer leads to."""

import hashlib
import logging
import multiprocessing
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notifications.transports.base import Answer
from notifications.transports.webpush import LONGEST_BYTES
from notifications.transports.webpush_keys import VapidError, public_key
from tests.doubles.webpush import serve_webpush
from tests.notifications.transports.webpush_makers import make_note, make_parcel, make_transport, sent


@pytest.fixture
def double():
    with serve_webpush() as double:
        yield double


@pytest.fixture
def transport(double, tmp_path):
    with make_transport(double, tmp_path) as transport:
        yield transport


def the_answer(transport, parcel) -> Answer:
    return sent(transport, [parcel])[0]


def test_a_browser_decrypts_what_the_note_says(double, transport):
    subscription = double.subscribe()
    answer = the_answer(transport, make_parcel(subscription, make_note()))
    assert answer == Answer("accepted", "201")
    assert double.received[0].payload == {
        "title": "Pollution demain à Paris 4e",
        "body": "Indice mauvais : préférez la marche par les petites rues.",
        "lang": "fr",
        "tag": "air-75104",
        "kind": "alert",
        "data": {"commune": "75104"},
    }
    assert double.refused == []


@pytest.mark.parametrize(("urgent", "urgency"), [(True, "high"), (False, "normal")])
def test_only_what_is_urgent_may_wake_a_phone(double, transport, urgent, urgency):
    the_answer(transport, make_parcel(double.subscribe(), make_note(urgent=urgent)))
    assert double.received[0].urgency == urgency


def test_a_service_keeps_a_note_until_it_is_over_and_never_longer(double, tmp_path):
    now = datetime.now(UTC)
    note = make_note(expires_at=now + timedelta(seconds=90.9))
    with make_transport(double, tmp_path, clock=lambda: now) as transport:
        the_answer(transport, make_parcel(double.subscribe(), note))
    assert double.received[0].ttl_s == 90


def test_no_note_is_kept_for_more_than_four_weeks(double, transport):
    note = make_note(expires_at=datetime.now(UTC) + timedelta(days=60))
    the_answer(transport, make_parcel(double.subscribe(), note))
    assert double.received[0].ttl_s == 2_419_200


def test_a_note_that_is_over_is_not_sent(double, transport):
    note = make_note(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    answer = the_answer(transport, make_parcel(double.subscribe(), note))
    assert answer == Answer("again", "expired")
    assert not double.hits


def test_a_note_that_is_over_once_the_connection_stands_is_not_sent(double, tmp_path):
    now = datetime.now(UTC)
    moments = iter([now, now, now + timedelta(seconds=20)])  # before, for the signature, about to write
    note = make_note(expires_at=now + timedelta(seconds=10))
    with make_transport(double, tmp_path, clock=lambda: next(moments)) as transport:
        answer = the_answer(transport, make_parcel(double.subscribe(), note))
    assert answer == Answer("again", "expired")
    assert (double.connections, double.hits.total()) == (1, 0)


def test_the_time_that_connecting_took_is_not_given_back(double, tmp_path):
    now = datetime.now(UTC)
    moments = iter([now, now, now + timedelta(seconds=4), now + timedelta(seconds=4)])
    note = make_note(expires_at=now + timedelta(seconds=10))
    with make_transport(double, tmp_path, clock=lambda: next(moments)) as transport:
        the_answer(transport, make_parcel(double.subscribe(), note))
    assert double.received[0].ttl_s == 6


def test_a_later_note_of_the_same_tag_takes_the_earlier_ones_place_while_the_phone_is_off(double, transport):
    subscription = double.subscribe()
    for title in ("Pollution demain", "Fin de l'alerte"):
        the_answer(transport, make_parcel(subscription, make_note(title=title)))
    the_answer(transport, make_parcel(subscription, make_note(tag="heat-75104")))
    assert len(double.received) == 3
    assert [screen.payload["title"] for screen in double.screens.values()] == [
        "Fin de l'alerte",
        "Pollution demain à Paris 4e",
    ]


def test_a_push_service_learns_nothing_from_the_topic(double, transport):
    the_answer(transport, make_parcel(double.subscribe(), make_note()))
    topic = double.received[0].topic
    assert len(topic) == 32
    assert topic not in hashlib.sha256(b"air-75104").hexdigest()


def test_one_signature_serves_for_hours_and_is_renewed_before_it_is_over(double, tmp_path):
    shift = timedelta()
    with make_transport(double, tmp_path, clock=lambda: datetime.now(UTC) + shift) as transport:
        subscription = double.subscribe(key=public_key(tmp_path / "vapid.pem"))
        note = make_note(expires_at=datetime.now(UTC) + timedelta(days=2))
        for hours in (0, 5, 5.9, 7, 0):
            shift = timedelta(hours=hours)
            assert the_answer(transport, make_parcel(subscription, note)).verdict == "accepted"
    first, *same, renewed, set_back = [got.authorization for got in double.received]
    assert same == [first, first]
    assert renewed != first
    assert set_back != renewed
    assert double.received[0].claims["sub"] == "mailto:sante@ville.example.fr"


def test_the_longest_note_arrives_and_one_byte_more_is_our_own_mistake(double, transport):
    subscription, empty = double.subscribe(), make_note(body="")
    the_answer(transport, make_parcel(subscription, empty))
    room = LONGEST_BYTES - double.received[0].size
    parcels = [make_parcel(subscription, replace(empty, body="x" * size)) for size in (room, room + 1)]
    assert sent(transport, parcels) == {0: Answer("accepted", "201"), 1: Answer("malformed", "too_long")}
    assert double.received[-1].size == LONGEST_BYTES


def test_connections_are_shared(double, transport):
    subscription, note = double.subscribe(), make_note()
    answers = sent(transport, [make_parcel(subscription, note) for _ in range(100)])
    assert {answer.verdict for answer in answers.values()} == {"accepted"}
    assert double.connections <= 4


def test_200_threads_at_once_get_each_answer_once(double, transport):
    subscription, note = double.subscribe(), make_note()
    all_of_them = []

    def send() -> None:
        all_of_them.append(sent(transport, [make_parcel(subscription, note) for _ in range(3)]))

    threads = [threading.Thread(target=send) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.verdict for answers in all_of_them for answer in answers.values()] == ["accepted"] * 600
    assert len(double.received) == 600


def test_whoever_stops_reading_abandons_the_rest(double, tmp_path):
    double.latency_s = 0.05
    with make_transport(double, tmp_path, threads=1) as transport:
        subscription, note = double.subscribe(), make_note()
        reading = transport.send([make_parcel(subscription, note) for _ in range(50)])
        assert next(reading)
        reading.close()
    assert len(double.received) < 50


def test_a_closed_transport_starts_again_when_it_is_used(double, transport):
    subscription, note = double.subscribe(), make_note()
    for _ in range(2):
        assert the_answer(transport, make_parcel(subscription, note)).verdict == "accepted"
        transport.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_has_threads_and_connections_of_its_own(double, transport):
    subscription, note = double.subscribe(), make_note()
    the_answer(transport, make_parcel(subscription, note))
    forking = multiprocessing.get_context("fork")
    verdicts = forking.SimpleQueue()

    def send() -> None:
        verdicts.put(the_answer(transport, make_parcel(subscription, note)).verdict)
        transport.close()

    child = forking.Process(target=send)
    child.start()
    child.join()
    assert verdicts.get() == "accepted"
    verdicts.close()
    assert the_answer(transport, make_parcel(subscription, note)).verdict == "accepted"
    assert double.connections == 2


def test_nothing_that_names_a_browser_reaches_a_log(double, transport, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    good, cut, refused = (double.subscribe() for _ in range(3))
    double.fail(cut, "cut")
    double.fail(refused, "403")
    note = make_note()
    parcels = [make_parcel(one, note) for one in (refused, good, cut)]
    parcels.append(make_parcel(good, note, value="https://127.0.0.1:1/secret"))
    parcels.append(make_parcel(good, note, value="https://bad host/secret"))
    sent(transport, parcels)
    monkeypatch.setattr("notifications.transports.webpush._ask", lambda *_: 1 / 0)
    assert the_answer(transport, parcels[1]) == Answer("again", "broken", maybe_delivered=True)
    for secret in (good.id, cut.id, refused.id, good.auth, good.p256dh, "/push/", "/secret", "75104"):
        assert secret not in caplog.text


@pytest.mark.parametrize("subject", ["", "sante@ville.fr", "mailto:ville", "mailto:a@ville.local", "http://ville.fr"])
def test_a_subject_that_no_service_could_reach_is_refused_at_once(double, tmp_path, subject):
    with pytest.raises(VapidError, match="subject"), make_transport(double, tmp_path, subject=subject):
        pass
