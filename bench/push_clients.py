"""Three ways to post the same messages to the same double: our transport, firebase-admin's `send_each`, libcurl."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import firebase_admin
import pycurl
from firebase_admin import credentials, messaging

from bench.push_double import Double
from bench.residents import TOKEN_LETTERS
from citizen_api.core.clock import system_clock
from notifications.transports.base import Note, Parcel
from notifications.transports.fcm import FcmTransport
from notifications.transports.fcm_credentials import AccessTokens
from notifications.transports.fcm_message import _message, template_of

STREAMS = 100
CONNECTIONS = (8, 16)
ROUNDS = 3
AT_ONCE = 500
"""Messages of a call of `send_each`: the most that it takes."""
TTL_S = int(timedelta(hours=6).total_seconds()) - 1
"""What our transport writes for a note that is over in six hours."""
WARM = 2_000
"""Messages before the clock starts: connections are open then."""


def measure(double: Double, *, messages: int, sent_each: int) -> dict[str, Any]:
    """Messages/s of each client, in rounds taken in turn: `messages` in each, `sent_each` for `send_each`."""
    rates: dict[str, list[float]] = {}
    note = make_note()
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, client in (("transport", _transport), ("libcurl", _libcurl)):
                took_s = _counted(double, client, note, messages, connections)
                rates.setdefault(f"{name}, {connections} connections", []).append(round(messages / took_s, 1))
        took_s = _counted(double, _send_each, note, sent_each, 0)
        rates.setdefault("send_each", []).append(round(sent_each / took_s, 1))
    size = len(template_of(note, TTL_S, "token").body(_target(0)))
    return {"messages": messages, "sent_each": sent_each, "body_bytes": size, "messages_per_s": rates}


def make_note() -> Note:
    """A note such as an alert's."""
    now = system_clock()
    return Note(
        title="Air mauvais demain à Villeneuve-d'Ascq",
        body="Particules fines élevées toute la journée. Préférez un trajet loin des grands axes et remettez l'effort.",
        language="fr",
        tag=f"alert-{now.date()}",
        kind="alert",
        expires_at=now + timedelta(seconds=TTL_S + 1),
        urgent=True,
        data={"message": "synthetic-code-1", "kind": "alert", "day": now.date().isoformat()},
    )


def _target(number: int) -> str:
    return f"{number:0{TOKEN_LETTERS}d}"


def _counted(
    double: Double, client: Callable[[Double, Note, int, int], float], note: Note, messages: int, connections: int
) -> float:
    """Give the seconds that a client took for so many messages, all of which the double took."""
    before = double.accepted()
    took_s = client(double, note, messages, connections)
    warm = WARM if connections else AT_ONCE
    assert double.accepted() - before == messages + warm, "messages were lost"
    return took_s


def _transport(double: Double, note: Note, messages: int, connections: int) -> float:
    transport = FcmTransport(
        double.credentials, origin=double.origin, ca_file=double.ca_file, connections=connections, streams=STREAMS
    )
    parcels = [Parcel(number, "fcm_token", _target(number), note) for number in range(messages)]
    with closing(transport):
        for portion in (parcels[:WARM], parcels):
            started_s = time.perf_counter()
            codes = Counter(answer.verdict for batch in transport.send(portion) for _, answer in batch)
            took_s = time.perf_counter() - started_s
            assert set(codes) == {"accepted"}, codes
    return took_s


def _send_each(double: Double, note: Note, messages: int, _: int) -> float:
    # Its pool of connections is smaller than its pool of threads, and says so for each.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    os.environ["REQUESTS_CA_BUNDLE"] = str(double.ca_file)
    app = firebase_admin.initialize_app(credentials.Certificate(str(double.credentials)), name="bench")
    try:
        # No emulator exists, and no public way to aim it elsewhere.
        service = messaging._get_messaging_service(app)  # noqa: SLF001 - there is no other way to aim it
        service._fcm_url = service._fcm_url.replace("https://fcm.googleapis.com", double.origin)  # noqa: SLF001 - as above
        made = [_message(note, TTL_S, "token") for _ in range(AT_ONCE)]
        for number, message in enumerate(made):
            message.token = _target(number)
        # The first call asks for the access token, too.
        for calls in (1, messages // AT_ONCE):
            started_s = time.perf_counter()
            accepted = sum(messaging.send_each(made, app=app).success_count for _ in range(calls))
            took_s = time.perf_counter() - started_s
            assert accepted == calls * AT_ONCE, accepted
    finally:
        firebase_admin.delete_app(app)
        del os.environ["REQUESTS_CA_BUNDLE"]
    return took_s


def _libcurl(double: Double, note: Note, messages: int, connections: int) -> float:
    tokens = AccessTokens(double.credentials, ca_file=double.ca_file)
    template = template_of(note, TTL_S, "token")
    bodies = [template.body(_target(number)) for number in range(messages)]
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, connections)
    multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, STREAMS)
    handles = [_handle(double, tokens) for _ in range(connections * STREAMS)]
    for portion in (bodies[:WARM], bodies):
        started_s = time.perf_counter()
        _post_all(multi, handles, portion)
        took_s = time.perf_counter() - started_s
    for handle in handles:
        handle.close()
    multi.close()
    return took_s


def _handle(double: Double, tokens: AccessTokens) -> pycurl.Curl:
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, f"{double.origin}/v1/projects/{tokens.project_id}/messages:send")
    handle.setopt(pycurl.CAINFO, str(double.ca_file))
    handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    handle.setopt(pycurl.PIPEWAIT, 1)
    handle.setopt(pycurl.POST, 1)
    header = [f"authorization: Bearer {tokens.get()}", "content-type: application/json; charset=utf-8", "expect:"]
    handle.setopt(pycurl.HTTPHEADER, header)
    handle.setopt(pycurl.WRITEFUNCTION, len)
    return handle


def _post_all(multi: pycurl.CurlMulti, handles: Sequence[pycurl.Curl], bodies: Sequence[bytes]) -> None:
    free, started, done = list(handles), 0, 0
    while done < len(bodies):
        while free and started < len(bodies):
            handle = free.pop()
            handle.setopt(pycurl.POSTFIELDS, bodies[started])
            multi.add_handle(handle)
            started += 1
        multi.perform()
        waiting = 1
        while waiting:
            waiting, answered, failed = multi.info_read()
            assert not failed, failed
            for handle in answered:
                assert handle.getinfo(pycurl.RESPONSE_CODE) == 200, "refused"  # noqa: PLR2004 - OK
                multi.remove_handle(handle)
                free.append(handle)
            done += len(answered)
        multi.select(0.05)
