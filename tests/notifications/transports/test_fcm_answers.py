"""Every row of the table of docs/fcm.md, and what a service may say instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from notifications.transports.base import ACCEPTED, Answer
from notifications.transports.fcm_answers import answer_of
from tests.notifications.transports.makers import NOW

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
HTML = b"<!DOCTYPE html><title>Error</title>"
BAD_TOKEN = "The registration token is not a valid FCM registration token"


def make_body(
    status: str, fcm: str | None = None, *, fields: tuple[str, ...] = (), reason: str | None = None, message: str = ""
) -> bytes:
    details: list[Any] = []
    if fcm:
        details.append({"@type": FCM_ERROR, "errorCode": fcm})
    if fields:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": field} for field in fields]})
    if reason:
        details.append({"@type": ERROR_INFO, "reason": reason})
    return json.dumps({"error": {"code": 0, "message": message, "status": status, "details": details}}).encode()


def answer(status: int, body: bytes = b"", retry_after: str | None = None) -> Answer:
    return answer_of(status, retry_after, body, NOW)


def test_a_message_that_fcm_names_is_accepted():
    assert answer(200, b'{\n  "name": "projects/p/messages/0:1"\n}') is ACCEPTED


@pytest.mark.parametrize("body", [b"", HTML, b"{}"])
def test_a_page_of_somebody_else_is_no_acceptance(body):
    assert answer(200, body) == Answer("again", "unreadable", maybe_delivered=True)


ROWS = {
    "unregistered": (404, make_body("NOT_FOUND", "UNREGISTERED"), "retire", "UNREGISTERED"),
    "wrong sender": (403, make_body("PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "quarantine", "SENDER_ID_MISMATCH"),
    "violation of the token": (
        400,
        make_body("INVALID_ARGUMENT", "INVALID_ARGUMENT", fields=("message.token",)),
        "retire",
        "INVALID_ARGUMENT",
    ),
    "violation of the fid": (400, make_body("INVALID_ARGUMENT", fields=("message.fid",)), "retire", "INVALID_ARGUMENT"),
    "sentence about the token": (
        400,
        make_body("INVALID_ARGUMENT", "INVALID_ARGUMENT", message=BAD_TOKEN),
        "retire",
        "INVALID_ARGUMENT",
    ),
    "violation elsewhere": (
        400,
        make_body("INVALID_ARGUMENT", fields=("message.data[0].value",)),
        "malformed",
        "INVALID_ARGUMENT",
    ),
    "violations of the token and elsewhere": (
        400,
        make_body("INVALID_ARGUMENT", "INVALID_ARGUMENT", fields=("message.token", "message.android.ttl")),
        "malformed",
        "INVALID_ARGUMENT",
    ),
    "violation elsewhere under the sentence": (
        400,
        make_body("INVALID_ARGUMENT", "INVALID_ARGUMENT", fields=("message.apns",), message=BAD_TOKEN),
        "malformed",
        "INVALID_ARGUMENT",
    ),
    "sentence without FcmError": (
        400,
        make_body("INVALID_ARGUMENT", message=BAD_TOKEN),
        "malformed",
        "INVALID_ARGUMENT",
    ),
    "invalid, nobody says what": (
        400,
        make_body("INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        "malformed",
        "INVALID_ARGUMENT",
    ),
    "too large for a proxy": (413, HTML, "malformed", "413"),
    "a page with 400": (400, HTML, "malformed", "400"),
    "credentials": (401, make_body("UNAUTHENTICATED"), "stop_platform", "UNAUTHENTICATED"),
    "a page with 401": (401, HTML, "stop_platform", "401"),
    "wrong project": (403, make_body("PERMISSION_DENIED"), "stop_platform", "PERMISSION_DENIED"),
    "API disabled": (
        403,
        make_body("PERMISSION_DENIED", reason="SERVICE_DISABLED"),
        "stop_platform",
        "SERVICE_DISABLED",
    ),
    "a page with 403": (403, HTML, "stop_platform", "403"),
    "unknown project": (404, make_body("NOT_FOUND"), "stop_platform", "NOT_FOUND"),
    "a page with 404": (404, HTML, "stop_platform", "404"),
    "a redirect": (302, HTML, "stop_platform", "302"),
    "unknown refusal": (418, b"", "stop_platform", "418"),
}


def test_a_key_that_apple_refuses_costs_the_phones_behind_it_a_rest_and_nobody_else_anything():
    body = make_body("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")
    assert answer(401, body) == Answer("again", "THIRD_PARTY_AUTH_ERROR", retry_after_s=300.0)


@pytest.mark.parametrize(("status", "body", "verdict", "code"), ROWS.values(), ids=ROWS.keys())
def test_a_lasting_refusal_is_handled_by_the_table(status, body, verdict, code):
    assert answer(status, body) == Answer(verdict, code)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, make_body("PERMISSION_DENIED", "UNREGISTERED")),
        (400, make_body("INVALID_ARGUMENT", "UNREGISTERED")),
        (410, make_body("NOT_FOUND", "UNREGISTERED")),
        (404, make_body("UNREGISTERED")),
        (404, make_body("PERMISSION_DENIED", "SENDER_ID_MISMATCH")),
        (401, make_body("PERMISSION_DENIED", "SENDER_ID_MISMATCH")),
        (403, make_body("SENDER_ID_MISMATCH")),
        (404, make_body("NOT_FOUND", fields=("message.token",))),
        (500, make_body("INVALID_ARGUMENT", fields=("message.token",))),
        (503, make_body("NOT_FOUND", "UNREGISTERED")),
        (429, make_body("NOT_FOUND", "UNREGISTERED")),
        (400, make_body("INVALID_ARGUMENT", fields=("message.tokens", "token", "message"))),
        (404, b'{"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}}'),
        (404, b'{"error": {"message": "UNREGISTERED", "status": "NOT_FOUND"}}'),
    ],
)
def test_no_registration_is_touched_but_by_the_answer_that_fcm_documents(status, body):
    assert answer(status, body).verdict not in ("retire", "quarantine")


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("Wed, 25 Nov 2026 12:01:30 GMT", 90.0),
        ("Wed, 25 Nov 2026 12:01:30 -0000", 90.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        (None, 60.0),
        ("soon", 60.0),
        ("-5", 60.0),
        ("1.5", 60.0),
        ("²", 60.0),
        ("Wed, 99 Nov 2026 12:01:30 GMT", 60.0),
        ("9" * 400, 86_400.0),
        ("Wed, 25 Nov 9999 12:01:30 GMT", 86_400.0),
    ],
)
def test_a_quota_is_waited_for_as_long_as_fcm_asks_and_a_minute_otherwise(retry_after, wait_s):
    expected = Answer("again", "QUOTA_EXCEEDED", retry_after_s=wait_s, slow_down=True)
    assert answer(429, make_body("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), retry_after) == expected


def test_a_page_with_429_slows_everybody_down_too():
    assert answer(429, HTML) == Answer("again", "429", retry_after_s=60.0, slow_down=True)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, make_body("INTERNAL", "INTERNAL"), "INTERNAL"),
        (503, make_body("UNAVAILABLE", "UNAVAILABLE"), "UNAVAILABLE"),
        (502, HTML, "502"),
        (504, b"", "504"),
        (599, b"\xff\xfe", "599"),
        (408, HTML, "408"),
        (409, make_body("ABORTED"), "ABORTED"),
        (0, b"", "0"),
    ],
)
def test_an_error_of_the_service_may_hide_a_delivery(status, body, code):
    assert answer(status, body) == Answer("again", code, maybe_delivered=True)
    assert answer(status, body, "9").retry_after_s == 9


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"UNREGISTERED"',
        b'{"error": null}',
        b'{"error": "UNREGISTERED"}',
        b'{"error": {"details": {"@type": 1}}}',
        b'{"error": {"details": [null, 1, "x", []]}}',
        b'{"error": {"status": ["INVALID_ARGUMENT"], "message": {}}}',
        b'{"error": {"details": [{"@type": "' + BAD_REQUEST.encode() + b'", "fieldViolations": [7]}]}}',
        b'{"error": {"details": [{"@type": "' + FCM_ERROR.encode() + b'", "errorCode": {"a": 1}}]}}',
        b'{"error": {"status": "NOT_FOUND", "details": [{"@type"',
        b"[" * 30_000,
        b"\xff\xfe\x00",
        HTML,
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_cannot_be_read_is_judged_by_its_status_and_never_retires(status, body):
    assert answer(status, body).verdict == {400: "malformed", 403: "stop_platform", 404: "stop_platform"}[status]


def test_no_word_of_an_answer_is_repeated_unless_it_is_a_known_code():
    body = make_body("synthetic-secret", "synthetic-secret", reason="synthetic-secret", message="synthetic-secret")
    for status in (400, 403, 429, 500):
        assert "synthetic" not in repr(answer(status, body))
