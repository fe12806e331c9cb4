"""What FCM answers, without a socket: access tokens, its limits, the faults asked for, and what screens show."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qs

import jwt
import orjson

from tests.doubles.certificates import ServiceAccount
from tests.doubles.fcm_faults import (
    Faults,
    Reply,
    bad_address_reply,
    error_reply,
    invalid_reply,
    json_reply,
    quota_reply,
    unauthenticated_reply,
)
from tests.doubles.fcm_schema import TARGETS, Violation, get_either, limit_violations, schema_violations

GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
"""What google-auth writes into an assertion, wherever it sends it."""

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = frozenset(
    {"https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/firebase.messaging"}
)

Route = Literal["send", "elsewhere", "token", "count", "reset", "screens", "marked", "unknown"]
_READ: Final[dict[str, Route]] = {"/count": "count", "/screens": "screens", "/marked": "marked"}


@dataclass(frozen=True, slots=True)
class Head:
    """What is read of a request's header, once for all requests with the same bytes."""

    route: Route
    bearer: str


@dataclass(slots=True)
class Counts:
    """What came and what became of it."""

    count: int = 0
    accepted: int = 0
    validated: int = 0
    invalid: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    tokens_issued: int = 0
    connections: int = 0
    most_streams: int = 0


class FcmService:
    """One project of FCM. Asked by one thread; read by any."""

    def __init__(self, account: ServiceAccount, *, validate_every: int, track: bool, keep: int) -> None:
        self.account = account
        self.token_uri = ""
        self.validate_every = validate_every
        self.track = track
        self.latency_s = 0.0
        self.rate_per_s: float | None = None
        self.rate_retry_after_s: float | None = None
        self.token_lifetime_s = 3_599
        self.faults = Faults()
        self.echo: Callable[[dict[str, Any]], None] | None = None
        self.mark: bytes | None = None
        """How requests begin the arrival of whose messages is noted, if they are accepted."""
        self._lock = threading.Lock()
        self._bearers: dict[str, float] = {}
        self._allowance = 0.0
        self._allowed_at = 0.0
        self._send_path = f"/v1/projects/{account.project_id}/messages:send"
        self._name = f'{{\n  "name": "projects/{account.project_id}/messages/0:%016d%%%08x"\n}}\n'.encode()
        self._named = 0
        self._keep = keep
        self.reset()

    def reset(self) -> None:
        """Forget what came; settings, faults and access tokens stay."""
        self.counts = Counts()
        self.received: deque[dict[str, Any]] = deque(maxlen=self._keep)
        self.violations: deque[Violation] = deque(maxlen=self._keep)
        self.marked: list[float] = []
        with self._lock:
            self._screens: dict[str, dict[str, dict[str, Any]]] = {}
            self._shown: Counter[tuple[str, str]] = Counter()

    def screens(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What each device's screen shows: by its token, by tag, the last message."""
        with self._lock:
            return {token: dict(places) for token, places in self._screens.items()}

    def shown(self) -> Counter[tuple[str, str]]:
        """How often a message with this token and tag was accepted."""
        with self._lock:
            return Counter(self._shown)

    def revoke_tokens(self) -> None:
        """Make every access token issued so far unknown, as Google does when a key is withdrawn."""
        self._bearers.clear()

    def issue_token(self, lifetime_s: float) -> str:
        """Give an access token that is taken for so long."""
        token = f"ya29.synthetic-{secrets.token_urlsafe(24)}"
        self._bearers[token] = time.monotonic() + lifetime_s
        self.counts.tokens_issued += 1
        return token

    def read_head(self, method: str, target: str, authorization: str) -> Head:
        """Decide where a request goes."""
        path = target.partition("?")[0]
        route: Route = "unknown"
        if method == "POST" and path.startswith("/v1/projects/") and path.endswith("/messages:send"):
            route = "send" if path == self._send_path else "elsewhere"
        elif method == "POST" and path in {"/token", "/reset"}:
            route = "token" if path == "/token" else "reset"
        elif method == "GET" and path in _READ:
            route = _READ[path]
        scheme, _, bearer = authorization.partition(" ")
        return Head(route, bearer if scheme.lower() == "bearer" else "")

    def accepted_body(self) -> bytes:
        """The name of a message just accepted, each time another one of the same length."""
        self._named += 1
        return self._name % (1_700_000_000_000_000 + self._named, self._named)

    def answer(self, head: Head, body: bytes) -> Reply | None:
        """Answer one request; None is the plain acceptance of a message, of which there are very many."""
        if head.route != "send":
            return self._answer_other(head, body)
        counts = self.counts
        counts.count += 1
        if self._bearers.get(head.bearer, 0.0) <= time.monotonic():
            return self._refuse("unauthenticated", unauthenticated_reply())
        if self.rate_per_s is not None and not self._within_rate():
            return self._refuse("rate", quota_reply(self.rate_retry_after_s))
        validate = counts.count % self.validate_every == 0
        if validate or self.track or self.faults.waiting or self.echo is not None:
            accepted_before = counts.accepted
            reply = self._read_message(body, validate=validate)
            accepted = counts.accepted > accepted_before
        else:
            counts.accepted += 1
            reply, accepted = None, True
        if accepted and self.mark is not None and body.startswith(self.mark):
            self.marked.append(time.time())
        return reply

    def _refuse(self, why: str, reply: Reply) -> Reply:
        self.counts.refused[why] += 1
        return reply

    def _within_rate(self) -> bool:
        """Take one from the allowance, which holds the rate of one second at most."""
        rate = self.rate_per_s or 0.0
        now = time.monotonic()
        self._allowance = min(rate, self._allowance + (now - self._allowed_at) * rate)
        self._allowed_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _read_message(self, body: bytes, *, validate: bool) -> Reply | None:
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            self.counts.invalid += 1
            text = f"Invalid JSON payload received. {error.msg}"
            return error_reply(400, "INVALID_ARGUMENT", text)
        if validate or not isinstance(request, dict) or not isinstance(request.get("message"), dict):
            refusal = self._validate(request)
            if refusal is not None:
                return refusal
        message = request["message"]
        target = next((name for name in TARGETS if name in message), "token")
        token = message.get(target, "")
        self.received.append(message)
        fault = self.faults.meet(token=token)
        if fault is None or fault.delivered:
            if get_either(request, "validateOnly"):
                name = f"projects/{self.account.project_id}/messages/fake_message_id"
                return Reply(200, orjson.dumps({"name": name}), slow=True)
            self.counts.accepted += 1
            self._show(token, message)
        if fault is not None:
            by_fid = fault.kind == "bad_token" and target == "fid"
            return self._refuse(fault.kind, bad_address_reply(target) if by_fid else fault.reply)
        return None

    def _validate(self, request: Any) -> Reply | None:
        """Refuse what Google's description, or FCM's limits, do not allow."""
        self.counts.validated += 1
        violations = schema_violations(request)
        code = None if violations else "INVALID_ARGUMENT"
        violations = violations or limit_violations(request)
        if not violations:
            return None
        self.counts.invalid += 1
        self.violations.extend(violations)
        return invalid_reply(violations, fcm_code=code)

    def _show(self, token: str, message: dict[str, Any]) -> None:
        if self.echo is not None:
            self.echo(message)
        if self.track:
            tag = tag_of(message)
            with self._lock:
                self._screens.setdefault(token, {})[tag] = message
                self._shown[token, tag] += 1

    def _answer_other(self, head: Head, body: bytes) -> Reply:
        match head.route:
            case "token":
                return self._grant(body)
            case "elsewhere":
                return self._answer_elsewhere(head)
            case "marked":
                return json_reply(self.marked)
            case "count" | "reset" | "screens":
                if head.route == "reset":
                    self.reset()
                return json_reply(self.screens() if head.route == "screens" else self.summary())
            case _:
                page = b"<!DOCTYPE html>\n<html lang=en><title>Error 404 (Not Found)!!1</title>\n"
                return Reply(404, page, "text/html; charset=UTF-8")

    def _answer_elsewhere(self, head: Head) -> Reply:
        """Refuse a message for a project that is not ours."""
        self.counts.count += 1
        if self._bearers.get(head.bearer, 0.0) <= time.monotonic():
            return self._refuse("unauthenticated", unauthenticated_reply())
        text = "Permission 'cloudmessaging.messages.create' denied on resource (or it may not exist)."
        return self._refuse("project", error_reply(403, "PERMISSION_DENIED", text, reason="IAM_PERMISSION_DENIED"))

    def summary(self) -> dict[str, Any]:
        """The counts, for people and for programs."""
        counts = self.counts
        with self._lock:
            twice = sum(times > 1 for times in self._shown.values())
            shown = len(self._shown)
        return {
            "count": counts.count,
            "accepted": counts.accepted,
            "validated": counts.validated,
            "invalid": counts.invalid,
            "refused": dict(counts.refused),
            "shown": shown,
            "accepted_again": twice,
            "tokens_issued": counts.tokens_issued,
            "connections": counts.connections,
            "most_streams": counts.most_streams,
        }

    def _grant(self, body: bytes) -> Reply:
        """Exchange a signed assertion for an access token, as the OAuth token endpoint does."""
        fault = self.faults.meet(at_token_endpoint=True)
        if fault is not None:
            return self._refuse(fault.kind, fault.reply)
        form = parse_qs(body.decode("latin-1"))
        if form.get("grant_type") != [GRANT]:
            return json_reply({"error": "unsupported_grant_type", "error_description": "Invalid grant_type."}, 400)
        try:
            claims = jwt.decode(
                form.get("assertion", [""])[0],
                self.account.key.public_key(),
                algorithms=["RS256"],
                audience=[GOOGLE_AUDIENCE, self.token_uri],
                issuer=self.account.email,
                options={"require": ["iss", "aud", "exp", "iat"]},
            )
        except jwt.InvalidTokenError as error:
            return json_reply({"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"}, 400)
        if claims["exp"] - claims["iat"] > 3_600:
            text = "Invalid JWT: Token must be a short-lived token (60 minutes)."
            return json_reply({"error": "invalid_grant", "error_description": text}, 400)
        if not SCOPES & set(str(claims.get("scope", "")).split()):
            return json_reply({"error": "invalid_scope", "error_description": "Invalid OAuth scope."}, 400)
        token = self.issue_token(self.token_lifetime_s)
        return json_reply({"access_token": token, "expires_in": self.token_lifetime_s, "token_type": "Bearer"})


def tag_of(message: dict[str, Any]) -> str:
    """The place on the screen that a message takes: Android's, a browser's or an iPhone's name for it."""
    places = (
        ((message.get("android") or {}).get("notification") or {}).get("tag"),
        ((message.get("webpush") or {}).get("notification") or {}).get("tag"),
        ((message.get("apns") or {}).get("headers") or {}).get("apns-collapse-id"),
    )
    return next((tag for tag in places if tag), "")
