"""What the demo clinics tell Alentours of bookings: signed messages, straight to this installation's own address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.teleconsult.provider_actions import SECRET_PREFIX
from citizen_api.teleconsult.webhook_actions import webhook_secrets

PATH: Final = "/v1/teleconsultations/webhooks"
_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """What Alentours answered. `status` None: nothing. `title`, `detail`: of its problem, "" where there is none."""

    status: int | None
    title: str = ""
    detail: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether it was accepted."""
        return self.status is not None and httpx.codes.is_success(self.status)


@dataclass(frozen=True, slots=True)
class News:
    """What became of a booking. `kind`: `booking.confirmed` and so on; `start`, `end`: of what is booked or moved."""

    kind: str
    referral: str
    start: datetime | None = None
    end: datetime | None = None

    def body(self) -> bytes:
        """The message."""
        data: dict[str, Any] = {"booking_referral": self.referral}
        if self.start is not None and self.end is not None:
            data |= {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return orjson.dumps({"type": self.kind, "data": data})


Tell = Callable[[str, News, str], Told]
"""Tells news of a provider (its id); the answer's words are in a language."""


def signed_headers(body: bytes, *, secret: str, message_id: str, now: datetime) -> Mapping[str, str]:
    """Headers of Standard Webhooks 1.0. `secret`: `whsec_` and base64."""
    timestamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def teller(database: Database, clock: Clock, *, port: int) -> Tell:
    """Make what tells news to the server on a port of this machine."""

    def tell(provider_id: str, news: News, language: str) -> Told:
        with database.session(write=False) as session:
            known = webhook_secrets(session, provider_id)
        if not known:
            return Told(None)
        body = news.body()
        headers = signed_headers(body, secret=known[0], message_id=f"msg_demo_{secrets.token_hex(12)}", now=clock())
        return send(f"http://127.0.0.1:{port}{PATH}/{quote(provider_id)}", body, headers, language)

    return tell


def send(url: str, body: bytes, headers: Mapping[str, str], language: str) -> Told:
    """Send one message, past every proxy of the environment; it is our own address."""
    sent = {"Content-Type": "application/json", "Accept-Language": language, **headers}
    try:
        answer = httpx.post(url, content=body, headers=sent, timeout=_WAIT_S, trust_env=False)
    except httpx.HTTPError:
        return Told(None)
    return told_by(answer.status_code, answer.content)


def told_by(status: int, body: bytes) -> Told:
    """Read an answer."""
    try:
        problem = orjson.loads(body)
        return Told(status, str(problem["title"]), str(problem["detail"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Told(status)
