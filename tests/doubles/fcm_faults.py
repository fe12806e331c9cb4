"""What can go wrong with FCM: the bodies in which Google says it, and which message is to meet it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import orjson

from tests.doubles.fcm_schema import Violation

Kind = Literal[
    "quota",
    "quota_silent",
    "internal",
    "unavailable",
    "html",
    "hang",
    "cut",
    "unregistered",
    "wrong_sender",
    "bad_token",
    "bad_token_bare",
    "bad_argument",
    "bad_credentials",
    "unauthenticated",
    "goaway",
    "refused_stream",
    "token_invalid_grant",
    "token_internal",
    "token_hang",
]
"""Named after what the client meets; those that begin with `token_` are met at the token endpoint."""

Gesture = Literal["hang", "cut", "goaway", "refused_stream"]
"""What a connection does instead of answering."""

JSON = "application/json; charset=UTF-8"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or the gesture that takes its place. `slow`: it comes after the latency of a message."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    gesture: Gesture | None = None
    slow: bool = False


def json_reply(document: Any, status: int = 200) -> Reply:
    """An answer of the double itself or of the token endpoint."""
    return Reply(status, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def error_reply(
    status: int,
    name: str,
    message: str,
    *,
    fcm_code: str | None = None,
    violations: Sequence[Violation] = (),
    reason: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """An error in Google's shape; `name` is that of the canonical code, `fcm_code` FCM's own."""
    details: list[Mapping[str, Any]] = []
    if fcm_code is not None:
        details.append({"@type": FCM_ERROR, "errorCode": fcm_code})
    if violations:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [item._asdict() for item in violations]})
    if reason is not None:
        details.append({"@type": ERROR_INFO, "reason": reason, "domain": "googleapis.com"})
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = details
    body = orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2)
    return Reply(status, body, headers=headers, slow=True)


def invalid_reply(violations: Sequence[Violation], *, fcm_code: str | None = "INVALID_ARGUMENT") -> Reply:
    """The refusal of a message. What is wrong with its JSON is found before FCM reads it: there is no FCM code then."""
    text = "\n".join(item.description for item in violations)
    return error_reply(400, "INVALID_ARGUMENT", text, fcm_code=fcm_code, violations=violations)


def bad_address_reply(target: str) -> Reply:
    """What the message is addressed by (`token` or `fid`) never was an address."""
    return invalid_reply([Violation(f"message.{target}", "Invalid registration token")])


def _retry(retry_after_s: float | None) -> tuple[tuple[str, str], ...]:
    return () if retry_after_s is None else (("retry-after", f"{retry_after_s:g}"),)


def quota_reply(retry_after_s: float | None) -> Reply:
    """More was sent than the project may."""
    text = "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute'."
    return error_reply(429, "RESOURCE_EXHAUSTED", text, fcm_code="QUOTA_EXCEEDED", headers=_retry(retry_after_s))


def unauthenticated_reply() -> Reply:
    """The access token is missing, unknown or too old."""
    return error_reply(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
        reason="ACCESS_TOKEN_EXPIRED",
        headers=(("www-authenticate", 'Bearer realm="https://accounts.google.com/", error="invalid_token"'),),
    )


_ERRORS: dict[str, tuple[int, str, str, str]] = {
    "internal": (500, "INTERNAL", "Internal error encountered.", "INTERNAL"),
    "unavailable": (503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE"),
    "unregistered": (404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
    "wrong_sender": (403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
    # What FCM says in fact of a token that never was one: no violation names the field.
    "bad_token_bare": (
        400,
        "INVALID_ARGUMENT",
        "The registration token is not a valid FCM registration token",
        "INVALID_ARGUMENT",
    ),
    "bad_credentials": (401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", "THIRD_PARTY_AUTH_ERROR"),
}

_OTHERS: dict[str, Reply] = {
    "quota": quota_reply(None),
    "quota_silent": quota_reply(None),
    "html": Reply(
        502,
        b"<!DOCTYPE html>\n<html lang=en><title>Error 502 (Server Error)!!1</title><p>That is an error.\n",
        "text/html; charset=UTF-8",
        slow=True,
    ),
    "hang": Reply(gesture="hang"),
    "cut": Reply(gesture="cut"),
    "goaway": Reply(gesture="goaway"),
    "refused_stream": Reply(gesture="refused_stream"),
    "unauthenticated": unauthenticated_reply(),
    "bad_token": bad_address_reply("token"),
    "bad_argument": invalid_reply([Violation("message.android.ttl", "Invalid value of the time to live")]),
    "token_invalid_grant": json_reply({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400),
    "token_internal": json_reply({"error": "internal_failure"}, 500),
    "token_hang": Reply(gesture="hang"),
}


def reply_of(kind: Kind, retry_after_s: float | None) -> Reply:
    """What the client meets."""
    if kind in _ERRORS:
        status, name, text, code = _ERRORS[kind]
        return error_reply(status, name, text, fcm_code=code, headers=_retry(retry_after_s))
    reply = _OTHERS[kind]
    if kind == "quota":
        retry_after_s = 1 if retry_after_s is None else retry_after_s
    return reply if kind == "quota_silent" else replace(reply, headers=(*reply.headers, *_retry(retry_after_s)))


@dataclass(slots=True)
class Fault:
    """A fault that waits for its messages. `delivered`: the message reaches the screen all the same."""

    kind: Kind
    reply: Reply
    times: int | None = None
    token: str | None = None
    share: float | None = None
    delivered: bool = False

    @property
    def at_token_endpoint(self) -> bool:
        """Whether it is met when an access token is asked for."""
        return self.kind.startswith("token_")


@dataclass(slots=True)
class Faults:
    """Those that wait, in the order in which they were asked for; the first that fits is met."""

    waiting: list[Fault] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(6))

    def add(
        self,
        kind: Kind,
        *,
        times: int | None = None,
        token: str | None = None,
        share: float | None = None,
        retry_after_s: float | None = None,
        delivered: bool = False,
    ) -> None:
        """Let messages meet `kind`: so many of them, those to one token, a share of them, or all."""
        if kind not in get_args(Kind):
            raise ValueError(f"{kind} is not one of {', '.join(get_args(Kind))}")
        fault = Fault(kind, reply_of(kind, retry_after_s), times, token, share, delivered)
        # A new list each time: the server's thread may be reading the old one.
        self.waiting = [*self.waiting, fault]

    def heal(self) -> None:
        """Forget them all."""
        self.waiting = []

    def meet(self, *, token: str | None = None, at_token_endpoint: bool = False) -> Fault | None:
        """The fault that this request meets, counted."""
        for fault in self.waiting:
            if fault.at_token_endpoint != at_token_endpoint or fault.token not in {None, token}:
                continue
            if fault.share is not None and self._chance.random() >= fault.share:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting = [other for other in self.waiting if other is not fault]
            return fault
        return None
