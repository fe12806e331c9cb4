"""The Web Push double reads what the standards' own examples say, refuses what a real service refuses, and fails on
demand.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from notifications.transports.webpush_keys import make_vapid_key
from tests.doubles import webpush
from tests.doubles.webpush import RefusedError, check_vapid, decoded, is_topic, serve_webpush
from tests.notifications.transports.webpush_makers import make_note, make_parcel, make_transport, sent

# RFC 8291, section 5.
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
# RFC 8292, section 2.4.
SIGNED = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9"
    ".eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsIn"
    "N1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2"
    "L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)
SIGNED_UNTIL = 1_453_523_768
ORIGIN = "https://push.example.net"


@pytest.fixture
def double():
    with serve_webpush() as double:
        yield double


@pytest.fixture
def in_time(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: SIGNED_UNTIL - 60)


def post(double, path, *, body=b"", **headers):
    """Post as any sender might, and give the status of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(double.origin + path, data=body, headers=named, method="POST")  # noqa: S310
    try:
        context = ssl.create_default_context(cafile=double.ca_file)
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - the double's own https address
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def a_good_request(double, tmp_path):
    """Headers and body as our transport makes them."""
    subscription = double.subscribe()
    taken = []
    original = double.take
    double.take = lambda path, headers, body: taken.append((path, dict(headers), body)) or original(path, headers, body)
    with make_transport(double, tmp_path) as transport:
        sent(transport, [make_parcel(subscription, make_note())])
    double.take = original
    return taken[0]


def test_the_example_of_rfc_8291_is_decrypted(double):
    number = int.from_bytes(decoded(RECEIVER))
    subscription = double.subscribe()
    subscription.private_key = webpush.ec.derive_private_key(number, webpush.ec.SECP256R1())
    subscription.secret = decoded(SECRET)
    assert (subscription.p256dh, subscription.auth) == (RECEIVER_POINT, SECRET)
    plain = webpush.http_ece.decrypt(
        decoded(BODY), private_key=subscription.private_key, auth_secret=subscription.secret, version="aes128gcm"
    )
    assert plain == b"When I grow up, I want to be a watermelon"


@pytest.mark.usefixtures("in_time")
def test_the_example_of_rfc_8292_is_a_good_signature():
    claims = check_vapid(SIGNED, origin=ORIGIN, key=None)
    assert claims == {"aud": ORIGIN, "exp": SIGNED_UNTIL, "sub": "mailto:push@example.com"}


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(
    ("authorization", "origin", "key", "why"),
    [
        ("", ORIGIN, None, "no VAPID signature"),
        ("Bearer x", ORIGIN, None, "no VAPID signature"),
        ("vapid t=a.b.c, k=d", ORIGIN, None, "signature is wrong"),
        (SIGNED.replace("i3CYb7", "i3CYb8"), ORIGIN, None, "signature is wrong"),
        (SIGNED, "https://elsewhere.example", None, "aud"),
        (SIGNED, ORIGIN, "another", "another application server"),
    ],
)
def test_a_signature_that_a_service_refuses_is_refused(authorization, origin, key, why):
    with pytest.raises(RefusedError, match=why):
        check_vapid(authorization, origin=origin, key=key)


@pytest.mark.parametrize("seconds", [0, 1, -86_401])
def test_a_signature_is_good_for_a_day_at_most(monkeypatch, seconds):
    monkeypatch.setattr(time, "time", lambda: SIGNED_UNTIL + seconds)
    with pytest.raises(RefusedError, match="exp"):
        check_vapid(SIGNED, origin=ORIGIN, key=None)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 201),
        ({"TTL": ""}, 400),
        ({"TTL": "-1"}, 400),
        ({"Topic": "x" * 33}, 400),
        ({"Topic": "air/75104"}, 400),
        ({"Topic": "collie-update"}, 400),
        ({"Urgency": "now"}, 400),
        ({"Content-Encoding": "aesgcm"}, 415),
        ({"Authorization": "none"}, 401),
    ],
)
def test_each_header_is_checked(double, tmp_path, changed, status):
    path, headers, body = a_good_request(double, tmp_path)
    assert post(double, path, body=body, **headers | changed) == status


def test_a_body_that_is_too_long_or_for_another_browser_is_refused(double, tmp_path):
    path, headers, body = a_good_request(double, tmp_path)
    del headers["Content-Length"]
    assert post(double, path, body=body + b"x" * 4_096, **headers) == 413
    other = double.subscribe()
    assert post(double, f"/push/{other.id}", body=body, **headers) == 400
    assert double.refused == ["the message is too long", "the message cannot be decrypted"]


def test_a_subscription_that_ended_is_gone_and_one_that_never_was_is_not_found(double):
    ended = double.subscribe()
    double.gone.add(ended.id)
    assert post(double, f"/push/{ended.id}") == 410
    assert post(double, "/push/never") == 404


def test_a_fault_lasts_as_often_as_it_was_asked_for(double, tmp_path):
    path, headers, body = a_good_request(double, tmp_path)
    subscription = double.subscriptions[path.removeprefix("/push/")]
    double.fail(subscription, "503", times=2)
    assert [post(double, path, body=body, **headers) for _ in range(3)] == [503, 503, 201]


def test_apple_reads_a_topic_as_base64():
    assert is_topic("collie-updat")
    assert not is_topic("collie-update")


def test_the_program_prints_a_subscription_and_each_message_decrypted(tmp_path, unused_port):
    key = tmp_path / "vapid.pem"
    make_vapid_key(key)
    program = [sys.executable, "-m", "tests.doubles.webpush", "--port", str(unused_port)]
    program += ["--folder", str(tmp_path), "--key", str(key)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment) as running:
        try:
            lines = [running.stdout.readline().strip() for _ in range(4)]
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(10) == 0
    assert lines[0].endswith("ca.pem")
    (registration,) = json.loads(lines[1])["items"]
    assert registration["endpoint"] == f"https://127.0.0.1:{unused_port}/push/trial"
    assert json.loads(lines[2])["title"] == "Essai"
    assert lines[3] == "Answer: accepted 201"


@pytest.fixture
def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        return nobody.getsockname()[1]
