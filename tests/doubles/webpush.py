"""A Web Push service on loopback that a browser could be behind: it checks all that RFC 8030, 8291 and 8292 ask of a
sender, decrypts what it receives, and fails on demand.

Also a program: `python -m tests.doubles.webpush --port 9444 --folder /tmp/webpush` (docs/webpush.md).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import http_ece  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from citizen_api.core.outgoing import allow_origin, forget_origin
from notifications.transports.base import Note, Parcel
from notifications.transports.webpush import WebPushTransport
from tests.doubles.certificates import make_certificate

LONGEST_BODY = 4_096
URGENCIES = {"very-low", "low", "normal", "high"}


@dataclass
class Fault:
    """What is done instead of taking a message, `times` times (None: always).

    `how`: a status as text, `hang` (until the double closes), `cut` (after reading), or `drip` (a byte now and then,
    for ever).
    """

    how: str
    times: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Subscription:
    """What a browser makes when its user agrees. `key`: the application server it is bound to; None: any."""

    id: str
    endpoint: str
    private_key: ec.EllipticCurvePrivateKey
    secret: bytes
    key: str | None = None

    @property
    def p256dh(self) -> str:
        return encoded(self.private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    @property
    def auth(self) -> str:
        return encoded(self.secret)

    @property
    def registration(self) -> dict[str, Any]:
        """As the API takes it."""
        return {"kind": "webpush", "endpoint": self.endpoint, "keys": {"p256dh": self.p256dh, "auth": self.auth}}


@dataclass
class Received:
    """A message that was taken. `claims`: of the sender's signature."""

    subscription: str
    payload: dict[str, Any]
    ttl_s: int
    topic: str | None
    urgency: str
    authorization: str
    claims: dict[str, Any]
    size: int


class RefusedError(Exception):
    """Why a message was not taken, and the status of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class WebPushDouble:
    """The state of the service; `received` is in order, `screens` is the last of each (subscription, topic)."""

    def __init__(self, origin: str, ca_file: Path) -> None:
        self.origin = origin
        self.ca_file = ca_file
        self.subscriptions: dict[str, Subscription] = {}
        self.gone: set[str] = set()
        self.received: list[Received] = []
        self.screens: dict[tuple[str, str], Received] = {}
        self.refused: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.hits: Counter[str] = Counter()
        """Requests for each subscription, whatever was answered."""
        self.connections = 0
        self.latency_s = 0.0
        self.closing = threading.Event()
        self.lock = threading.Lock()

    def subscribe(self, *, key: str | None = None, id: str | None = None, seed: bytes | None = None) -> Subscription:
        """Make a subscription; from a `seed` of 32 bytes always the same."""
        id, seed = id or encoded(os.urandom(12)), seed or os.urandom(32)
        number = int.from_bytes(hashlib.sha256(b"key" + seed).digest()) % (2**256 - 2**225) + 1
        private_key = ec.derive_private_key(number, ec.SECP256R1())
        secret = hashlib.sha256(b"auth" + seed).digest()[:16]
        made = self.subscriptions[id] = Subscription(id, f"{self.origin}/push/{id}", private_key, secret, key)
        return made

    def fail(self, subscription: Subscription, how: str, *, times: int | None = None, **headers: str) -> None:
        """Do this instead of taking the next messages; a header's name is written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.setdefault(subscription.id, []).append(Fault(how, times, named))

    def next_fault(self, id: str) -> Fault | None:
        with self.lock:
            self.hits[id] += 1
            waiting = self.faults.get(id, [])
            if not waiting:
                return None
            fault = waiting[0]
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    waiting.pop(0)
            return fault

    def take(self, path: str, headers: Any, body: bytes) -> Received:
        """Check a request and keep its message. Raises RefusedError."""
        id = path.removeprefix("/push/")
        if id in self.gone:
            raise RefusedError(410, "the user unsubscribed")
        subscription = self.subscriptions.get(id)
        if subscription is None:
            raise RefusedError(404, "no such subscription")
        claims = check_vapid(headers.get("Authorization", ""), origin=self.origin, key=subscription.key)
        ttl, topic, urgency = headers.get("TTL", ""), headers.get("Topic"), headers.get("Urgency", "normal")
        if not (ttl.isascii() and ttl.isdigit()):
            raise RefusedError(400, "TTL is missing or no number")
        if topic is not None and not is_topic(topic):
            raise RefusedError(400, "BadWebPushTopic")
        if urgency not in URGENCIES:
            raise RefusedError(400, "no such urgency")
        if headers.get("Content-Encoding") != "aes128gcm":
            raise RefusedError(415, "the message is not encrypted with aes128gcm")
        if len(body) > LONGEST_BODY:
            raise RefusedError(413, "the message is too long")
        try:
            plain = http_ece.decrypt(
                body, private_key=subscription.private_key, auth_secret=subscription.secret, version="aes128gcm"
            )
            payload = json.loads(plain)
        except (http_ece.ECEException, ValueError) as error:
            raise RefusedError(400, "the message cannot be decrypted") from error
        got = Received(id, payload, int(ttl), topic, urgency, headers.get("Authorization", ""), claims, size=len(plain))
        with self.lock:
            self.received.append(got)
            if topic is not None:
                self.screens[id, topic] = got
        return got


def is_topic(topic: str) -> bool:
    """As Apple reads it: at most 32 characters of base64url that can be decoded."""
    return re.fullmatch("[A-Za-z0-9_-]{1,32}", topic) is not None and len(topic) % 4 != 1


def check_vapid(authorization: str, *, origin: str, key: str | None) -> dict[str, Any]:
    """Give the claims of a signature (RFC 8292). Raises RefusedError: 401, or 403 for another sender's."""
    scheme, _, rest = authorization.partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme.lower() != "vapid" or not {"t", "k"} <= parts.keys():
        raise RefusedError(401, "no VAPID signature")
    try:
        signed, _, signature = parts["t"].rpartition(".")
        header, claims = (json.loads(decoded(part)) for part in signed.split("."))
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(parts["k"]))
        raw = decoded(signature)
        pair = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        point.verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature) as error:
        raise RefusedError(401, "the VAPID signature is wrong") from error
    if header.get("alg") != "ES256" or claims.get("aud") != origin:
        raise RefusedError(403, "BadJwtToken: alg or aud")
    if not 0 < claims.get("exp", 0) - time.time() <= 86_400:
        raise RefusedError(403, "BadJwtToken: exp")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https://")):
        raise RefusedError(403, "BadJwtToken: sub")
    if key is not None and parts["k"] != key:
        raise RefusedError(403, "another application server's subscription")
    return dict(claims)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def do_POST(self) -> None:
        double = self.server.double
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        double.closing.wait(double.latency_s)
        if (fault := double.next_fault(self.path.removeprefix("/push/"))) is not None:
            self._fail(fault)
            return
        try:
            got = double.take(self.path, self.headers, body)
        except RefusedError as error:
            double.refused.append(str(error))
            self._answer(error.status, {}, str(error))
            return
        self.server.tell(got)
        self._answer(201, {"Location": f"{double.origin}/message/{len(double.received)}", "TTL": str(got.ttl_s)})

    def _fail(self, fault: Fault) -> None:
        if fault.how.isdigit():
            self._answer(int(fault.how), fault.headers, "as the test asked")
            return
        self.close_connection = True
        if fault.how == "hang":
            self.server.double.closing.wait()
        elif fault.how == "drip":
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 201 Created\r\nX-Drip: ")
                while not self.server.double.closing.wait(0.02):
                    self.wfile.write(b".")

    def _answer(self, status: int, headers: dict[str, str], text: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """TLS is agreed on in the connection's own thread, so that a slow client holds up nobody."""

    request_queue_size = 256

    def __init__(self, port: int, folder: Path, *, aloud: bool) -> None:
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(make_certificate(folder))
        self._aloud = aloud
        super().__init__(("127.0.0.1", port), _Handler)
        self.double = WebPushDouble(f"https://127.0.0.1:{self.server_port}", folder / "ca.pem")

    def finish_request(self, request: Any, client_address: Any) -> None:
        with suppress(OSError, ValueError):
            request.settimeout(_Handler.timeout)
            with self.double.lock:  # counted before the handshake, which the client may be the first to find done
                self.double.connections += 1
            with self.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

    def tell(self, got: Received) -> None:
        if self._aloud:
            seen = {"ttl_s": got.ttl_s, "urgency": got.urgency, "topic": got.topic, **got.payload}
            click.echo(json.dumps(seen, ensure_ascii=False))


@contextmanager
def serve_webpush(*, port: int = 0, folder: Path | None = None, aloud: bool = False) -> Iterator[WebPushDouble]:
    """Serve over loopback, and let this process call that origin. Its certificate authority is `ca_file`."""
    with tempfile.TemporaryDirectory() as temporary:
        server = _Server(port, folder or Path(temporary), aloud=aloud)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        allow_origin("127.0.0.1", server.server_port)
        try:
            yield server.double
        finally:
            forget_origin("127.0.0.1", server.server_port)
            server.double.closing.set()
            server.shutdown()
            thread.join()
            server.server_close()


@click.command()
@click.option("--port", default=9444, show_default=True, type=click.IntRange(1, 65_535))
@click.option(
    "--folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Keeps its certificates."
)
@click.option(
    "--key", type=click.Path(dir_okay=False, path_type=Path), help="Send itself one message, signed with this key."
)
def main(port: int, folder: Path, key: Path | None) -> None:
    """Serve one subscription until it is interrupted, and print each message, decrypted, as a line of JSON."""
    with serve_webpush(port=port, folder=folder, aloud=True) as double:
        seed = folder / "subscription.seed"
        if not seed.exists():
            seed.touch(mode=0o600)
            seed.write_bytes(os.urandom(32))
        subscription = double.subscribe(id="trial", seed=seed.read_bytes())
        click.echo(f"Certificate authority to trust: {double.ca_file}")
        click.echo(json.dumps({"items": [subscription.registration]}))
        with suppress(KeyboardInterrupt):
            if key is not None:
                _send_itself_one(double, subscription, key)
            threading.Event().wait()


def _send_itself_one(double: WebPushDouble, subscription: Subscription, key: Path) -> None:
    """Send through the product's own transport, as the worker would."""
    over = datetime.now(UTC) + timedelta(minutes=5)
    note = Note(
        title="Essai",
        body="Le chemin est ouvert.",
        language="fr",
        tag="trial",
        kind="trial",
        expires_at=over,
        urgent=False,
    )
    parcel = Parcel(1, "webpush", subscription.endpoint, note, subscription.p256dh, subscription.auth)
    transport = WebPushTransport(key, subject="mailto:trial@ville.example.fr", ca_file=double.ca_file)
    for batch in transport.send([parcel]):
        click.echo(f"Answer: {batch[0][1].verdict} {batch[0][1].code}")
    transport.close()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    main()
