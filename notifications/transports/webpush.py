"""Web Push: browsers' push services, and UnifiedPush, by the standard (RFC 8030, encryption RFC 8291, VAPID RFC 8292).

An endpoint is an address that a resident gave us, so nothing of it is trusted: it is checked while connecting
(`core.outgoing`), no redirect is followed, what it answers can harm nobody else (`webpush_answers`), and no log and no
exception names it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import VapidException  # type: ignore[import-untyped]
from pywebpush import WebPusher  # type: ignore[import-untyped]

from citizen_api.core.clock import Clock, system_clock
from citizen_api.core.outgoing import RefusedError, make_transport, refusal, within
from citizen_api.people.webpush import is_auth, is_point
from notifications.transports import webpush_answers as answers
from notifications.transports.base import Answer, Note, Parcel
from notifications.transports.fair_pool import FairPool
from notifications.transports.webpush_call import Call
from notifications.transports.webpush_keys import check_subject, load_key
from notifications.transports.webpush_origins import Origins, service_name

_log = logging.getLogger("alentours.push")

LONGEST_BYTES: Final = 3_993
"""Of the plain text: 4,096, which every service must take (RFC 8030, 7.2), less header (86), tag (16), padding (1)."""
_LONGEST_TTL_S: Final = 2_419_200
"""Four weeks: what the strictest of the large services keeps."""
_LONGEST_ANSWER_BYTES: Final = 65_536
_QUICK_S: Final = 2.0
_PATIENCE: Final = 6
"""How many timeouts a call may last; what had no turn until then is answered unsent."""

_starting = threading.Lock()
os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_starting.release)


class _ExpiredError(Exception):
    """The note's time was over when its request was about to be written."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is the same in every copy of a note."""

    note: Note
    plain: bytes
    topic: str


@dataclass(frozen=True, slots=True)
class _Running:
    """What belongs to one process: threads and connections do not survive a fork."""

    pid: int
    pool: FairPool
    http: httpx.BaseTransport
    origins: Origins
    closing: threading.Event = field(default_factory=threading.Event)


class WebPushTransport:
    """Sends to browsers' push services; see `base.Transport`.

    `vapid_key_file`: made by `make_vapid_key`. `subject`: how a push service reaches the operator, `mailto:…` or an
    https address. `ca_file`: certificate authorities to trust besides the system's. Raises VapidError.
    """

    platform = "webpush"

    def __init__(
        self,
        vapid_key_file: Path,
        *,
        subject: str,
        threads: int = 16,
        timeout_s: float = 10.0,
        ca_file: Path | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._key = load_key(vapid_key_file)
        self._subject = check_subject(subject)
        self._threads = threads
        self._timeout_s = timeout_s
        self._ca_file = ca_file
        self._clock = clock
        self._topic_key = _topic_key(self._key)
        self._running: _Running | None = None

    def send(self, parcels: Sequence[Parcel]) -> Iterator[list[tuple[int, Answer]]]:
        """Send each parcel once; a call lasts at most seven timeouts, whatever the services do."""
        running = self._start()
        call = Call(patience_s=_PATIENCE * self._timeout_s, grace_s=self._timeout_s + 1.0)
        with closing(call):
            letters: dict[int, _Letter] = {}
            for index, parcel in enumerate(parcels):
                # By identity: a call is short, and its parcels hold the notes.
                letter = letters.get(id(parcel.note)) or letters.setdefault(id(parcel.note), self._letter(parcel.note))
                origin = _origin(parcel.value)
                call.expect(index)
                if (refused := _refused(parcel, letter, origin)) is not None:
                    call.answer(index, refused)
                else:
                    running.pool.submit(origin, partial(self._deliver, running, call, index, parcel, letter, origin))
            yield from call.batches()

    def close(self) -> None:
        """Finish what is under way, and let go of threads and connections."""
        with _starting:
            running, self._running = self._running, None
        if running is not None and running.pid == os.getpid():
            running.closing.set()
            running.pool.close(timeout_s=self._timeout_s + 1.0)
            running.http.close()

    def _start(self) -> _Running:
        with _starting:
            if self._running is None or self._running.pid != os.getpid():
                self._running = _Running(
                    pid=os.getpid(),
                    pool=FairPool(threads=self._threads, name="webpush"),
                    http=make_transport(connections=self._threads, ca_file=self._ca_file),
                    origins=Origins(self._key, subject=self._subject, clock=self._clock),
                )
            return self._running

    def _letter(self, note: Note) -> _Letter:
        plain = json.dumps(
            {
                "title": note.title,
                "body": note.body,
                "lang": note.language,
                "tag": note.tag,
                "kind": note.kind,
                "data": dict(note.data),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        # A tag names a place and what is wrong there: the push service gets a name that only we can make. Of 32
        # characters, because Apple decodes it and refuses what is no whole base64 ("BadWebPushTopic").
        topic = hmac.digest(self._topic_key, note.tag.encode(), "sha256").hex()[:32]
        return _Letter(note, plain, topic)

    def _deliver(self, running: _Running, call: Call, index: int, parcel: Parcel, letter: _Letter, origin: str) -> None:
        """Be the work of one thread for one parcel: answer it, whatever happens."""
        if running.closing.is_set():
            call.answer(index, answers.CLOSED)
        elif call.begin(index):
            try:
                answer = self._post(running, parcel, letter, origin)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not lose the answer, nor name the endpoint
                _log.error("webpush broke", extra={"error": type(error).__name__})
                answer = answers.BROKEN
            call.answer(index, answer)

    def _post(self, running: _Running, parcel: Parcel, letter: _Letter, origin: str) -> Answer:
        if (rest_s := running.origins.rest_s(origin)) > 0:
            return Answer("again", "rests", retry_after_s=rest_s)
        if self._ttl(letter.note) < 1:
            return answers.EXPIRED
        try:
            authorization = running.origins.header(origin)
        except VapidException:
            return answers.BAD_ENDPOINT
        about_to_write = _AboutToWrite(partial(self._ttl, letter.note))
        request = httpx.Request(
            "POST",
            parcel.value,
            headers={
                "Authorization": authorization,
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": "",
                "Topic": letter.topic,
                "Urgency": "high" if letter.note.urgent else "normal",
                "User-Agent": "Alentours/0.1 (+city health companion)",
            },
            content=_encrypted(parcel, letter.plain),
            extensions={"timeout": httpx.Timeout(self._timeout_s).as_dict(), "trace": about_to_write},
        )
        return self._exchange(running, request, about_to_write, origin, len(letter.plain))

    def _exchange(
        self, running: _Running, request: httpx.Request, about_to_write: _AboutToWrite, origin: str, size: int
    ) -> Answer:
        """Send a request whose message has so many bytes, and say what came of it."""
        began = time.monotonic()
        try:
            with within(self._timeout_s):
                status, retry_after = _ask(running.http, request)
        except _ExpiredError:
            return answers.EXPIRED
        except RefusedError:
            return answers.REFUSED_ADDRESS if _is_ip(request.url.host) else answers.REFUSED_NAME
        except httpx.HTTPError as error:
            running.origins.failed(origin)
            running.pool.judge(origin, quick=False)
            code = "timeout" if isinstance(error, httpx.TimeoutException) else "connection"
            return Answer("again", code, maybe_delivered=about_to_write.written)
        running.pool.judge(origin, quick=time.monotonic() - began < _QUICK_S)
        takes_others = running.origins.takes(origin, size)
        answer = answers.judge(status, retry_after, takes_others=takes_others, now=self._clock())
        _remember(running.origins, origin, size, status, answer)
        return answer

    def _ttl(self, note: Note) -> int:
        """Whole seconds until the note is over."""
        return min(int((note.expires_at - self._clock()).total_seconds()), _LONGEST_TTL_S)


class _AboutToWrite:
    """httpcore's `trace`: called when the connection stands, right before the first byte of the request.

    Connecting takes time, which TTL must not give back, and the note may be over: so TTL is filled in only here.
    """

    def __init__(self, ttl: partial[int]) -> None:
        self._ttl = ttl
        self.written = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started"):
            if (ttl := self._ttl()) < 1:
                raise _ExpiredError
            request = info["request"]
            request.headers = [
                (name, b"%d" % ttl if name.lower() == b"ttl" else value) for name, value in request.headers
            ]
            self.written = True


def _ask(http: httpx.BaseTransport, request: httpx.Request) -> tuple[int, str | None]:
    """Give status and Retry-After. What is said beyond is read, so that the connection can serve again, not kept."""
    response = http.handle_request(request)
    try:
        read = 0
        for chunk in response.iter_raw():
            read += len(chunk)
            if read > _LONGEST_ANSWER_BYTES:
                break
    except httpx.HTTPError:
        pass  # The answer stands in its status.
    finally:
        response.close()
    return response.status_code, response.headers.get("Retry-After")


def _remember(origins: Origins, origin: str, size: int, status: int, answer: Answer) -> None:
    if answer.verdict == "accepted":
        origins.took(origin, size)
    elif status in answers.TOO_MANY:
        origins.said_too_many(origin, answer.retry_after_s or 0.0)
    elif status >= 500:  # noqa: PLR2004 - all of 5xx
        origins.failed(origin)
    else:
        origins.answered(origin)
        if answer.verdict == "again" and status in answers.ABOUT_THE_SUBSCRIPTION and origins.doubts(origin):
            _log.warning(
                "a push service refuses messages and takes none: see docs/webpush.md",
                extra={"service": service_name(origin), "status": status},
            )


def _refused(parcel: Parcel, letter: _Letter, origin: str) -> Answer | None:
    """Why a parcel is not even tried, or None."""
    if len(letter.plain) > LONGEST_BYTES:
        return answers.TOO_LONG
    if not origin:
        return answers.BAD_ENDPOINT
    if refusal(parcel.value) is not None:
        return answers.REFUSED_ADDRESS
    if not is_point(parcel.p256dh or "") or not is_auth(parcel.auth or ""):
        return answers.BAD_KEYS
    return None


def _origin(endpoint: str) -> str:
    """Give scheme, host and port of an endpoint, or "" when it is no address."""
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, ValueError, TypeError):
        return ""
    return f"{url.scheme}://{url.netloc.decode('ascii')}" if url.scheme and url.host else ""


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _encrypted(parcel: Parcel, plain: bytes) -> bytes:
    keys = {"p256dh": parcel.p256dh, "auth": parcel.auth}
    encoded = WebPusher({"endpoint": parcel.value, "keys": keys}).encode(plain, "aes128gcm")
    return bytes(encoded["body"])


def _topic_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    scalar = key.private_numbers().private_value.to_bytes(32)
    return hashlib.sha256(b"alentours web push topic" + scalar).digest()
