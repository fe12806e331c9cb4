"""Web Push: what each answer of a push service leads to, and whom a bad one can harm."""

import logging
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpcore
import pytest

from citizen_api.core.outgoing import forget_origin
from notifications.transports.base import Answer
from notifications.transports.webpush_answers import judge
from notifications.transports.webpush_origins import service_name
from tests.doubles.webpush import serve_webpush
from tests.notifications.transports.webpush_makers import make_note, make_parcel, make_transport, sent

NOW = datetime(2026, 11, 26, 18, tzinfo=UTC)
PUBLIC = "93.184.215.14"


@pytest.fixture
def double():
    with serve_webpush() as double:
        yield double


@pytest.fixture
def transport(double, tmp_path):
    with make_transport(double, tmp_path) as transport:
        yield transport


def the_answer(transport, subscription, **changed) -> Answer:
    return sent(transport, [make_parcel(subscription, make_note(), **changed)])[0]


@pytest.mark.parametrize("status", [200, 201, 202])
def test_what_a_service_took_is_accepted(status):
    assert judge(status, None, takes_others=False, now=NOW) == Answer("accepted", str(status))


@pytest.mark.parametrize("status", ["404", "410"])
def test_a_subscription_that_is_gone_is_retired(double, transport, status):
    subscription = double.subscribe()
    double.fail(subscription, status)
    assert the_answer(transport, subscription) == Answer("retire", status)


@pytest.mark.parametrize("status", ["400", "401", "403"])
def test_a_refusal_by_a_service_that_takes_others_is_about_this_subscription(double, transport, status):
    good, bad = double.subscribe(), double.subscribe()
    double.fail(bad, status)
    the_answer(transport, good)
    assert the_answer(transport, bad) == Answer("quarantine", status)
    assert the_answer(transport, good).verdict == "accepted"


@pytest.mark.parametrize("status", ["400", "401", "403"])
def test_a_refusal_by_a_service_that_takes_nothing_may_be_our_fault_and_costs_nobody(double, transport, caplog, status):
    subscriptions = [double.subscribe() for _ in range(5)]
    for subscription in subscriptions:
        double.fail(subscription, status)
    answers = sent(transport, [make_parcel(one, make_note()) for one in subscriptions])
    assert set(answers.values()) == {Answer("again", status)}
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [(record.service, record.status) for record in warnings] == [("another", int(status))]


def test_a_refusal_of_a_longer_message_than_any_taken_costs_nobody(double, transport):
    subscription = double.subscribe()
    the_answer(transport, subscription)
    double.fail(subscription, "400")
    longer = make_parcel(subscription, make_note(body="x" * 2_000))
    assert sent(transport, [longer])[0] == Answer("again", "400")


def test_another_application_servers_subscription_is_quarantined(double, transport):
    the_answer(transport, double.subscribe())
    assert the_answer(transport, double.subscribe(key="another's")) == Answer("quarantine", "403")


def test_one_service_that_finds_a_message_too_long_does_not_stop_the_wave(double, transport):
    subscription = double.subscribe()
    double.fail(subscription, "413")
    assert the_answer(transport, subscription) == Answer("again", "413")


@pytest.mark.parametrize("status", [429, 406])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7.0),
        (None, 60.0),
        ("0", 60.0),
        ("-5", 60.0),
        ("soon", 60.0),
        ("9" * 5_000, 3_600.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 60.0),
        ("Thu, 26 Nov 2026 18:01:00 -0000", 60.0),
        ("Thu, 26 Nov 99999 18:01:00 GMT", 60.0),
    ],
)
def test_too_many_requests_says_when_to_come_back_and_slows_down_nobody_else(status, retry_after, seconds):
    answer = judge(status, retry_after, takes_others=True, now=NOW)
    assert answer == Answer("again", str(status), retry_after_s=seconds)


def test_a_service_that_says_too_many_several_times_in_a_row_is_left_alone(double, transport):
    busy, others = double.subscribe(), double.subscribe()
    double.fail(busy, "429", Retry_After="120")
    for _ in range(2):
        assert the_answer(transport, busy) == Answer("again", "429", retry_after_s=120)
    the_answer(transport, others)  # One phone too busy is not the whole service.
    for _ in range(3):
        the_answer(transport, busy)
    rests = the_answer(transport, others)
    assert (rests.verdict, rests.code, rests.slow_down) == ("again", "rests", False)
    assert 0 < rests.retry_after_s <= 120
    assert double.hits == {busy.id: 5, others.id: 1}


@pytest.mark.parametrize("status", ["500", "502", "503"])
def test_a_failure_of_the_service_may_come_after_the_delivery(double, transport, status):
    subscription = double.subscribe()
    double.fail(subscription, status, Retry_After="5")
    assert the_answer(transport, subscription) == Answer("again", status, retry_after_s=5, maybe_delivered=True)


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
def test_a_redirect_is_an_answer_and_is_not_followed(double, transport, status):
    subscription, elsewhere = double.subscribe(), double.subscribe()
    double.fail(subscription, status, Location=elsewhere.endpoint)
    assert the_answer(transport, subscription) == Answer("again", status)
    assert elsewhere.id not in double.hits


@pytest.mark.parametrize(("how", "code"), [("hang", "timeout"), ("drip", "timeout"), ("cut", "connection")])
def test_no_answer_to_a_written_request_leaves_open_whether_it_arrived(double, tmp_path, how, code):
    subscription = double.subscribe()
    double.fail(subscription, how)
    with make_transport(double, tmp_path, timeout_s=0.5) as transport:
        assert the_answer(transport, subscription) == Answer("again", code, maybe_delivered=True)


def test_a_connection_that_fails_has_delivered_nothing(double, tmp_path):
    with make_transport(double, tmp_path, ca_file=None) as trusting_nobody:
        assert the_answer(trusting_nobody, double.subscribe()) == Answer("again", "connection")
    assert not double.hits


def test_a_service_that_hangs_is_left_alone_after_a_few_tries_and_holds_up_no_other(double, tmp_path):
    with serve_webpush() as hanging:
        bundle = tmp_path / "both.pem"
        bundle.write_bytes(double.ca_file.read_bytes() + hanging.ca_file.read_bytes())
        slow, good = hanging.subscribe(), double.subscribe()
        hanging.fail(slow, "hang")
        with make_transport(double, tmp_path, threads=2, timeout_s=0.5, ca_file=bundle) as transport:
            the_answer(transport, good)
            note = make_note()
            answers = sent(transport, [make_parcel(slow, note) for _ in range(40)] + [make_parcel(good, note)])
    assert answers[40].verdict == "accepted"
    assert hanging.hits.total() == 3
    assert {answers[index].code for index in range(40)} == {"timeout", "rests"}


@pytest.mark.parametrize(
    "changed",
    [{"p256dh": None}, {"p256dh": "AAAA"}, {"p256dh": "B" + "A" * 86}, {"auth": ""}, {"auth": "é"}, {"auth": None}],
)
def test_keys_that_nothing_can_be_encrypted_to_are_quarantined(double, transport, changed):
    assert the_answer(transport, double.subscribe(), **changed) == Answer("quarantine", "bad_keys")
    assert not double.hits


@pytest.mark.parametrize(
    "value", ["", "nothing", "https://", "https://a\x00b/", "https://a\r\nX: y/", "https://[::1/x"]
)
def test_an_endpoint_that_is_no_address_is_quarantined(double, transport, value):
    assert the_answer(transport, double.subscribe(), value=value) == Answer("quarantine", "bad_endpoint")


@pytest.mark.parametrize(
    "value", ["https://10.0.0.1/x", "https://127.0.0.1:1/", "http://1.1.1.1/", "file:///etc/passwd"]
)
def test_a_private_address_and_plain_http_are_refused_before_any_connection(double, transport, monkeypatch, value):
    tried = []
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *_a, **_k: tried.append(1))
    answer = the_answer(transport, double.subscribe(), value=value)
    assert answer.verdict == "quarantine"
    assert tried == []


def test_a_name_that_turns_private_between_check_and_use_gains_nothing(double, transport, monkeypatch):
    """The first look-up says public, every later one the double's own port: it must never be reached."""
    forget_origin("127.0.0.1", int(double.origin.rpartition(":")[2]))
    lookups, tried = [], []

    def getaddrinfo(_host, port, *_args, **_kwargs):
        lookups.append(1)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC if len(lookups) == 1 else "127.0.0.1", port))]

    def connect(_self, host, *_args, **_kwargs):
        tried.append(host)
        raise httpcore.ConnectError("nobody answers in this test")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    subscription = double.subscribe()
    value = subscription.endpoint.replace("127.0.0.1", "push.rebinding.example")
    assert the_answer(transport, subscription, value=value) == Answer("again", "connection")
    assert the_answer(transport, subscription, value=value) == Answer("again", "refused_address")
    assert tried == [PUBLIC]
    assert not double.hits


def test_a_look_up_that_takes_all_the_time_is_followed_by_no_connection(double, tmp_path, monkeypatch):
    def getaddrinfo(_host, port, *_args, **_kwargs):
        double.closing.wait(0.3)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with make_transport(double, tmp_path, timeout_s=0.1) as transport:
        answer = the_answer(transport, double.subscribe(), value="https://slow.example/x")
    assert answer == Answer("again", "timeout")


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://fcm.googleapis.com", "Google"),
        ("https://wns2-par02p.notify.windows.com", "Microsoft"),
        ("https://push.alice.example:8443", "another"),
        ("https://evil-fcm.googleapis.com.example", "another"),
    ],
)
def test_only_the_large_services_are_named_in_the_log(origin, name):
    assert service_name(origin) == name
