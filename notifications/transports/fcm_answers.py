"""What FCM's answers mean: the table of docs/fcm.md as a pure function. Nothing of an answer's text leaves here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from notifications.transports.base import ACCEPTED, Answer, Verdict

WAIT_S: Final = 60.0
"""After a 429 that tells no time: what FCM's documentation asks for."""
LONGEST_WAIT_S: Final = 86_400.0
THIRD_PARTY: Final = "THIRD_PARTY_AUTH_ERROR"
"""Apple or a browser's service refuses the key that the project has with it: it says nothing of Android phones."""
THIRD_PARTY_RESTS_S: Final = 300.0
"""A phone behind it is tried again after so long: the key may have been put right."""
_FCM_ERROR: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_TARGETS: Final = frozenset({"message.token", "message.fid"})
_BAD_TOKEN: Final = "The registration token is not a valid FCM registration token"  # noqa: S105  FCM's words
"""For a token that cannot be one, FCM documents this sentence beside an FcmError, and no field violation."""
_MESSAGE_NAME: Final = b'"name"'
_CODES: Final = frozenset(
    {
        "ABORTED",
        "ALREADY_EXISTS",
        "APNS_AUTH_ERROR",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "FAILED_PRECONDITION",
        "IAM_PERMISSION_DENIED",
        "INTERNAL",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "OUT_OF_RANGE",
        "PERMISSION_DENIED",
        "QUOTA_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "SENDER_ID_MISMATCH",
        "SERVICE_DISABLED",
        "THIRD_PARTY_AUTH_ERROR",
        "UNAUTHENTICATED",
        "UNAVAILABLE",
        "UNIMPLEMENTED",
        "UNKNOWN",
        "UNREGISTERED",
        "UNSPECIFIED_ERROR",
    }
)
"""Only words of this list are repeated: an answer may hold anything, a token too."""
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.MISDIRECTED_REQUEST, 499})
"""Refusals that tell nothing about our message, and that the next attempt may not meet."""
_MALFORMED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.LENGTH_REQUIRED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


@dataclass(frozen=True, slots=True)
class _Error:
    """The readable part of an error. `fcm`: FcmError's code; `reason`: ErrorInfo's; `status`: the general one."""

    fcm: str | None = None
    reason: str | None = None
    status: str | None = None
    fields: tuple[str, ...] = ()
    says_bad_token: bool = False


def answer_of(status: int, retry_after: str | None, body: bytes, now: datetime) -> Answer:
    """Say what came of a message. `retry_after`: the header's value; `now`: to read a date in it."""
    if status == HTTPStatus.OK:
        # A page of some proxy is no acceptance: FCM names the message that it took.
        return ACCEPTED if _MESSAGE_NAME in body else Answer("again", "unreadable", maybe_delivered=True)
    error = _read(body)
    code = error.fcm or error.reason or error.status or str(status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = _seconds(retry_after, now)
        return Answer("again", code, retry_after_s=WAIT_S if wait_s is None else wait_s, slow_down=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
        return Answer("again", code, retry_after_s=_seconds(retry_after, now), maybe_delivered=True)
    if status in _PASSING:
        return Answer("again", code, retry_after_s=_seconds(retry_after, now), maybe_delivered=True)
    if status == HTTPStatus.UNAUTHORIZED and error.fcm == THIRD_PARTY:
        return Answer("again", code, retry_after_s=THIRD_PARTY_RESTS_S)
    return Answer(_verdict(status, error), code)


def _verdict(status: int, error: _Error) -> Verdict:
    """Refusals that last. Only what FCM itself says of the registration, with the status it documents, touches it."""
    if status == HTTPStatus.NOT_FOUND and error.fcm == "UNREGISTERED":
        return "retire"
    if status == HTTPStatus.FORBIDDEN and error.fcm == "SENDER_ID_MISMATCH":
        return "quarantine"
    if status == HTTPStatus.BAD_REQUEST and _names_the_target(error):
        return "retire"
    if status in _MALFORMED:
        return "malformed"
    # 401, 403, 404 without UNREGISTERED (a wrong project or address), a redirect: the same for every message, so
    # nothing goes out until somebody looked, and no registration and no wave pays for it.
    return "stop_platform"


def _names_the_target(error: _Error) -> bool:
    if "INVALID_ARGUMENT" not in (error.fcm, error.status):
        return False
    if error.fields:
        return _TARGETS.issuperset(error.fields)
    return error.fcm == "INVALID_ARGUMENT" and error.says_bad_token


def _read(body: bytes) -> _Error:
    try:
        error = json.loads(body)["error"]
        details = [detail for detail in error.get("details") or [] if isinstance(detail, dict)]
        fields = tuple(
            str(violation.get("field"))
            for detail in details
            if detail.get("@type") == _BAD_REQUEST
            for violation in detail.get("fieldViolations") or []
        )
        fcm = _first(details, _FCM_ERROR, "errorCode")
        reason = _first(details, _ERROR_INFO, "reason")
        message = error.get("message")
        says_bad_token = isinstance(message, str) and message.rstrip(".") == _BAD_TOKEN
        return _Error(fcm, reason, _known(error.get("status")), fields, says_bad_token)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _Error()


def _first(details: list[dict[str, Any]], kind: str, name: str) -> str | None:
    return next((_known(detail.get(name)) for detail in details if detail.get("@type") == kind), None)


def _known(word: Any) -> str | None:
    return word if isinstance(word, str) and word in _CODES else None


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read Retry-After, in seconds or as a date (RFC 9110 10.2.3); None if it cannot be read."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)
