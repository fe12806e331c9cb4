"""Signatures by Standard Webhooks, checked against the official library, and against who forges them."""

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from citizen_api.teleconsult.webhooks import is_signed
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.webhook_makers import OLDER_SECRET, SECRET, STRANGERS_SECRET, sign

BODY = b'{"type": "booking.confirmed"}'
AT = str(int(SUNDAY_NIGHT.timestamp()))
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


def is_believed(body=BODY, *, secrets=(SECRET,), now=SUNDAY_NIGHT, headers=None, **changed):
    given_headers = (sign(BODY) if headers is None else headers) | {
        f"webhook-{name}": value for name, value in changed.items()
    }
    return is_signed(
        body,
        message_id=given_headers["webhook-id"],
        timestamp=given_headers["webhook-timestamp"],
        signatures=given_headers["webhook-signature"],
        secrets=secrets,
        now=now,
    )


def signature(message_id="msg_1", timestamp=AT, body=BODY, key=KEY, algorithm=hashlib.sha256):
    """A signature made by hand, with which anything may be wrong."""
    made = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, algorithm)
    return base64.b64encode(made).decode()


@given(
    st.text(max_size=200),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=256),
)
def test_what_the_official_library_signs_is_believed(text, message_id):
    body = text.encode("utf-8", "replace")
    assert is_believed(body, headers=sign(body, message_id=message_id))


def test_bytes_that_are_no_text_may_be_signed():
    body = b"\xff\x00\xfe"
    assert is_believed(body, id="msg_1", timestamp=AT, signature=f"v1,{signature(body=body)}")


@pytest.mark.parametrize("secret", [SECRET, OLDER_SECRET])
def test_while_a_secret_is_replaced_either_is_believed(secret):
    assert is_believed(secrets=(SECRET, OLDER_SECRET), headers=sign(BODY, secret))


def test_a_secret_that_was_revoked_is_not_believed():
    assert not is_believed(secrets=(SECRET,), headers=sign(BODY, OLDER_SECRET))


def test_a_strangers_secret_is_not_believed():
    assert not is_believed(headers=sign(BODY, STRANGERS_SECRET))


def test_without_a_secret_nothing_is_believed_not_even_what_an_empty_key_signs():
    assert not is_believed(secrets=(), id="msg_1", timestamp=AT, signature=f"v1,{signature(key=b'')}")


def test_one_right_signature_among_others_is_enough():
    made = sign(BODY, message_id="msg_1")["webhook-signature"]
    assert is_believed(id="msg_1", timestamp=AT, signature=f"v1a,AAAA v1,AAAA {made} v2,BBBB")


@pytest.mark.parametrize("skew_s", [-300, -299, 0, 299, 300])
def test_a_clock_may_be_five_minutes_off_either_way(skew_s):
    assert is_believed(headers=sign(BODY, at=SUNDAY_NIGHT + timedelta(seconds=skew_s)))


@pytest.mark.parametrize("skew_s", [-31_536_000, -301, 301, 31_536_000])
def test_a_message_of_another_time_is_not_believed(skew_s):
    assert not is_believed(headers=sign(BODY, at=SUNDAY_NIGHT + timedelta(seconds=skew_s)))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("body", BODY + b" "),
        ("body", b""),
        ("id", "msg_2"),
        ("timestamp", str(int(AT) + 1)),
        ("timestamp", f"0{AT}"),
    ],
)
def test_what_is_changed_after_it_was_signed_is_not_believed(part, value):
    headers = sign(BODY, message_id="msg_1")
    assert is_believed(headers=headers)
    changed = {} if part == "body" else {part: value}
    assert not is_believed(value if part == "body" else BODY, headers=headers, **changed)


def test_a_dot_moved_between_name_and_time_is_not_believed():
    moved = signature("msg", f"1.{AT}")
    assert moved == signature("msg.1", AT)
    assert not is_believed(id="msg.1", timestamp=AT, signature=f"v1,{moved}")


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "é", "a\n", "\x00", "a" * 257])
def test_a_name_that_is_none_is_not_believed_however_well_it_is_signed(message_id):
    assert not is_believed(id=message_id, timestamp=AT, signature=f"v1,{signature(message_id)}")


@pytest.mark.parametrize(
    "timestamp",
    ["", " ", "-1", "+" + AT, f"{AT}.0", f" {AT}", f"{AT}\n", f"{AT}e0", "nan", "inf", "9" * 400, hex(int(AT))]
    + [AT.translate({ord("0") + digit: base + digit for digit in range(10)}) for base in (0x0660, 0xFF10)],
)
def test_a_time_that_is_no_plain_number_is_not_believed_however_well_it_is_signed(timestamp):
    assert not is_believed(id="msg_1", timestamp=timestamp, signature=f"v1,{signature(timestamp=timestamp)}")


@pytest.mark.parametrize(
    "given_signature",
    [
        "",
        " ",
        "v1",
        "v1,",
        "v1,v1,",
        ",",
        signature(),
        f"v1a,{signature()}",
        f"v2,{signature()}",
        f"V1,{signature()}",
        f"v1={signature()}",
        f"v1,{signature()},",
        f"v1,{signature()}\n",
        f"v1,{signature()[:-1]}",
        f"v1,{signature()[:8]}",
        f"v1, {signature()}",
        f"v1,{signature(algorithm=hashlib.sha512)}",
        f"v1,{signature(algorithm=hashlib.sha1)}",
        f"v1,{signature(key=SECRET.encode())}",
        f"v1,{signature(key=b'')}",
        f"v1,{base64.b64decode(signature()).hex()}",
        "v1,é€",
        "v1,\udc80".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_another_form_or_algorithm_of_a_signature_is_not_believed(given_signature):
    assert is_believed(id="msg_1", timestamp=AT, signature=f"v1,{signature()}")
    assert not is_believed(id="msg_1", timestamp=AT, signature=given_signature)


def test_the_official_library_agrees_with_our_hand_made_signature():
    assert Webhook(SECRET).sign("msg_1", SUNDAY_NIGHT, BODY.decode()) == f"v1,{signature()}"
