"""A note as FCM's message, and what of firebase-admin that rests on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import firebase_admin
import pytest
from firebase_admin import credentials, exceptions, messaging
from firebase_admin._messaging_encoder import MessageEncoder
from hypothesis import given
from hypothesis import strategies as st

from notifications.transports.fcm_answers import _CODES, _FCM_ERROR
from notifications.transports.fcm_message import LONGEST_TTL_S, MalformedNoteError, template_of
from tests.doubles.fcm_schema import Violation, discovery_document, limit_violations, schema_violations
from tests.notifications.transports.makers import make_note

_WORDS = st.text(st.characters(codec="utf-8"), max_size=80)
END = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)


def encode(
    target: str = "synthetic-token",
    *,
    ttl_s: int = 600,
    field: str = "token",
    **changed: Any,
) -> dict[str, Any]:
    note = make_note(**({"expires_at": END} | changed))
    request: dict[str, Any] = json.loads(template_of(note, ttl_s, field).body(target))
    return request


def violations_of(request: dict[str, Any]) -> list[Violation]:
    return schema_violations(request) or limit_violations(request)


def test_an_urgent_note_says_the_same_on_every_platform():
    assert encode() == {
        "message": {
            "token": "synthetic-token",
            "notification": {"title": "Air mauvais à Paris", "body": "Ozone élevé cet après-midi."},
            "data": {"commune": "75104"},
            "android": {
                "collapse_key": "air:75104",
                "priority": "high",
                "ttl": "600s",
                "notification": {"tag": "air:75104", "channel_id": "air"},
            },
            "apns": {
                "headers": {
                    "apns-collapse-id": "air:75104",
                    "apns-expiration": "1795629600",
                    "apns-priority": "10",
                },
                "payload": {
                    "aps": {
                        "alert": {"title": "Air mauvais à Paris", "body": "Ozone élevé cet après-midi."},
                        "sound": "default",
                        "thread-id": "air",
                        "interruption-level": "time-sensitive",
                    }
                },
            },
            "webpush": {
                "headers": {"TTL": "600", "Urgency": "high", "Topic": sha256(b"air:75104").hexdigest()[:32]},
                "notification": {"tag": "air:75104", "lang": "fr"},
            },
        }
    }


def test_a_note_that_is_not_urgent_wakes_nobody():
    message = encode(urgent=False)["message"]
    assert message["android"]["priority"] == "normal"
    assert message["apns"]["headers"]["apns-priority"] == "5"
    assert message["apns"]["payload"]["aps"]["interruption-level"] == "active"
    assert "sound" not in message["apns"]["payload"]["aps"]
    assert message["webpush"]["headers"]["Urgency"] == "normal"


def test_a_validate_only_request_says_so():
    request = json.loads(template_of(make_note(), 1, "token", validate_only=True).body("x"))
    assert request["validate_only"] is True
    assert "validate_only" not in json.loads(template_of(make_note(), 1, "token").body("x"))


def test_long_tags_are_shortened_where_the_platform_demands_it():
    headers = encode(tag="é" * 40)["message"]["apns"]["headers"]
    assert len(headers["apns-collapse-id"]) == 64
    assert headers["apns-collapse-id"] != encode(tag="é" * 41)["message"]["apns"]["headers"]["apns-collapse-id"]


def test_a_note_is_encoded_once_for_all_who_read_it():
    note = make_note()
    assert template_of(note, 60, "token") is template_of(note, 60, "token")
    assert template_of(note, 60, "token") is not template_of(note, 59, "token")
    assert template_of(note, 60, "token") is not template_of(make_note(), 60, "token")


@given(token=st.text(min_size=1), title=_WORDS, body=_WORDS, tag=_WORDS)
def test_whatever_the_words_the_message_is_one_that_google_describes(token, title, body, tag):
    request = encode(token, title=title, body=body, tag=tag)
    assert request["message"]["token"] == token
    assert request["message"].get("notification", {}).get("title", "") == title
    assert schema_violations(request) == []


@pytest.mark.parametrize("field", ["token", "fid"])
@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("ttl_s", [0, 1, LONGEST_TTL_S])
def test_messages_are_such_as_google_describes(field, urgent, ttl_s):
    assert violations_of(encode(field=field, urgent=urgent, ttl_s=ttl_s)) == []


def test_the_limit_is_of_what_one_device_gets():
    fits = encode(body="x" * 1_800)  # twice in what an iPhone gets
    assert len(json.dumps(fits)) < 4_400
    with pytest.raises(MalformedNoteError):
        encode(body="x" * 2_100)
    with pytest.raises(MalformedNoteError):
        encode(data={"url": "x" * 4_000})


def test_google_calls_the_fields_of_a_device_as_we_do():
    fields = discovery_document()["schemas"]["Message"]["properties"]
    assert fields["token"]["deprecated"] is True
    assert "(FID)" in fields["fid"]["description"]


def test_the_private_parts_of_firebase_admin_that_we_use_are_as_they_were():
    assert firebase_admin.__version__.startswith("7.7.")
    message = messaging.Message(notification=messaging.Notification(title="t", body="b"))
    message.token = "synthetic-token"
    assert MessageEncoder().default(message) == {
        "notification": {"title": "t", "body": "b"},
        "token": "synthetic-token",
    }
    message.fid = "synthetic-fid"
    with pytest.raises(ValueError, match="Exactly one"):
        MessageEncoder().default(message)


def test_the_error_codes_are_those_of_firebase_admin():
    assert set(messaging._MessagingService.FCM_ERROR_TYPES) <= _CODES
    general = {name for name in vars(exceptions) if name.isupper() and not name.startswith("_")}
    assert general - _CODES <= {"CONFLICT", "DATA_LOSS"}  # firebase-admin's own names for what comes as a status
    named = messaging._MessagingService._build_fcm_error(
        {"details": [{"@type": _FCM_ERROR, "errorCode": "UNREGISTERED"}]}
    )
    assert named is messaging.UnregisteredError


def test_a_certificate_gives_a_credential_for_messaging():
    assert "https://www.googleapis.com/auth/cloud-platform" in credentials._scopes
    assert hasattr(credentials.Certificate, "project_id")
