"""The double's side of HTTP/1.1, for clients that speak nothing newer (`firebase_admin.messaging.send_each`)."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

from tests.doubles.fcm_faults import Reply
from tests.doubles.fcm_service import FcmService

MAX_REQUEST_BYTES = 1 << 20


class Http1Connection(asyncio.Protocol):
    """One client's connection, kept alive; requests are answered one after the other."""

    def __init__(self, service: FcmService) -> None:
        self._service = service
        self._unread = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer the next request once it is whole."""
        self._unread += data
        if len(self._unread) > MAX_REQUEST_BYTES:
            self._transport.abort()
        elif not self._busy:
            self._read_next()

    def _read_next(self) -> None:
        head, separator, rest = self._unread.partition(b"\r\n\r\n")
        if not separator:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        words = first.split(" ")
        length = fields.get("content-length", "0")
        if len(words) != 3 or "transfer-encoding" in fields or not length.isdecimal():
            self._write(Reply(411, b"", "text/plain"), close=True)
            return
        if len(rest) < int(length):
            return
        body, self._unread = rest[: int(length)], rest[int(length) :]
        close = fields.get("connection", "").lower() == "close"
        known = self._service.read_head(words[0], words[1], fields.get("authorization", ""))
        reply = self._service.answer(known, body) or Reply(body=self._service.accepted_body(), slow=True)
        if reply.gesture is not None:
            self._busy = True
            # It has no streams to refuse: the connection goes instead.
            if reply.gesture != "hang":
                self._transport.abort()
        elif reply.slow and self._service.latency_s:
            self._busy = True
            asyncio.get_running_loop().call_later(self._service.latency_s, self._finish, reply, close)
        else:
            self._finish(reply, close)

    def _finish(self, reply: Reply, close: bool) -> None:  # noqa: FBT001 - called by the event loop
        self._busy = False
        if not self._transport.is_closing():
            self._write(reply, close=close)
            if not close:
                self._read_next()

    def _write(self, reply: Reply, *, close: bool) -> None:
        headers = (
            ("content-type", reply.content_type),
            ("content-length", str(len(reply.body))),
            *reply.headers,
            *((("connection", "close"),) if close else ()),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        status = HTTPStatus(reply.status)
        self._transport.write(f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode() + reply.body)
        if close:
            self._transport.close()
