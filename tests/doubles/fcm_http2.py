"""The double's side of HTTP/2 (RFC 9113), by hand: the bench needs it to be several times faster than what it measures.

A request costs a few dictionary look-ups: header blocks that were seen before are not decoded again, and all answers
to what came in one read leave in one write, with the same header block.
"""

from __future__ import annotations

import asyncio
import struct
from typing import NamedTuple, cast

from hpack import Decoder, HPACKError

from tests.doubles.fcm_faults import Reply
from tests.doubles.fcm_service import FcmService, Head

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR, REFUSED_STREAM, COMPRESSION_ERROR = 0x0, 0x1, 0x6, 0x7, 0x9
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE = 0x3, 0x4, 0x6

MAX_FRAME_BYTES = 16_384
MAX_BODY_BYTES = 1 << 20
WIDEST_WINDOW = (1 << 31) - 1
MAX_KNOWN_BLOCKS = 4_096

_FRAME = struct.Struct(">HBBBL")
_SETTING = struct.Struct(">HL")
_OK = 0x88
"""Entry 8 of HPACK's static table: `:status: 200`."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def header_block(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Headers written without HPACK's table, so that the same block serves every stream of every connection."""
    block = bytearray([_OK]) if status == 200 else bytearray(b"\x08\x03%d" % status)
    for name, value in headers:
        for text in (b"\x00", *(bytes([len(item)]) + item for item in (name.encode(), value.encode()))):
            block += text
    return bytes(block)


class _Answers(NamedTuple):
    """What one read asks for: the streams of plain acceptances, and the other replies."""

    accepted: list[int]
    replies: list[tuple[int, Reply]]


class Http2Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, service: FcmService, *, max_streams: int) -> None:
        self._service = service
        self._max_streams = max_streams
        self._decoder = Decoder()
        self._known: dict[bytes, Head] = {}
        self._rest = b""
        self._greeted = False
        self._streams: dict[int, Head] = {}
        self._partial: dict[int, bytearray] = {}
        self._gathering: tuple[int, int, bytearray] | None = None
        self._highest = 0
        self._last: int | None = None
        self._consumed = 0
        self._window = 65_535
        self._initial_window = 65_535
        self._moved: dict[int, int] = {}
        self._blocked: dict[int, bytes] = {}
        self._ready = _Answers([], [])
        body = service.accepted_body()
        self._body_bytes = len(body)
        block = header_block(200, (("content-type", "application/json; charset=UTF-8"),))
        self._opening = frame(HEADERS, END_HEADERS, 0, block)[:5]
        self._middle = block + len(body).to_bytes(3) + bytes((DATA, END_STREAM))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet: our settings, and a window that need hardly ever be widened."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        settings = ((MAX_CONCURRENT_STREAMS, self._max_streams), (INITIAL_WINDOW_SIZE, MAX_BODY_BYTES))
        payload = b"".join(_SETTING.pack(*item) for item in (*settings, (MAX_HEADER_LIST_SIZE, 65_536)))
        widen = (WIDEST_WINDOW - 65_535).to_bytes(4)
        self._transport.write(frame(SETTINGS, 0, 0, payload) + frame(WINDOW_UPDATE, 0, 0, widen))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the streams: answers that are still to come find none."""
        self._streams.clear()
        self._blocked.clear()

    def data_received(self, data: bytes) -> None:
        """Read every whole frame, then answer all of them at once."""
        if self._rest:
            data = self._rest + data
        start, end = 0, len(data)
        if not self._greeted:
            if end < len(PREFACE):
                self._rest = data
                return
            if not data.startswith(PREFACE):
                self._transport.abort()
                return
            self._greeted, start = True, len(PREFACE)
        while end - start >= 9:
            high, low, kind, flags, stream = _FRAME.unpack_from(data, start)
            length = high << 8 | low
            if length > MAX_FRAME_BYTES:
                self._give_up(FRAME_SIZE_ERROR)
                return
            after = start + 9 + length
            if after > end:
                break
            self._read(kind, flags, stream & 0x7FFFFFFF, data[start + 9 : after])
            start = after
            if self._transport.is_closing():
                return
        self._rest = data[start:]
        if self._consumed > WIDEST_WINDOW // 2:
            self._transport.write(frame(WINDOW_UPDATE, 0, 0, self._consumed.to_bytes(4)))
            self._consumed = 0
        self._dispatch()

    def _read(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == DATA:
            self._consumed += len(payload)
            if flags & PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            if flags & END_STREAM and not self._partial:
                self._take(stream, payload)
            else:
                self._read_part(stream, flags, payload)
        elif kind == HEADERS:
            if flags & PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            if flags & WITH_PRIORITY:
                payload = payload[5:]
            if flags & END_HEADERS:
                self._open(stream, flags, payload)
            else:
                self._gathering = (stream, flags, bytearray(payload))
        else:
            self._read_control(kind, flags, stream, payload)

    def _open(self, stream: int, flags: int, block: bytes) -> None:
        head = self._known.get(block) or self._decode(block)
        if head is None or (self._last is not None and stream > self._last):
            return
        self._highest = max(self._highest, stream)
        if len(self._streams) >= self._max_streams:
            self._service.counts.refused["too_many_streams"] += 1
            self._transport.write(frame(RST_STREAM, 0, stream, REFUSED_STREAM.to_bytes(4)))
            return
        self._streams[stream] = head
        self._service.counts.most_streams = max(self._service.counts.most_streams, len(self._streams))
        if flags & END_STREAM:
            self._take(stream, b"")

    def _decode(self, block: bytes) -> Head | None:
        """Decode a header block. It is kept by its bytes until the decoder's table, to which it may refer, changes."""
        table = self._decoder.header_table
        before = (table.dynamic_entries[0] if table.dynamic_entries else None, len(table.dynamic_entries))
        try:
            headers = dict(self._decoder.decode(block, raw=True))
            method, target = headers[b":method"].decode(), headers[b":path"].decode()
        except (HPACKError, KeyError, UnicodeDecodeError):
            self._give_up(COMPRESSION_ERROR)
            return None
        head = self._service.read_head(method, target, headers.get(b"authorization", b"").decode("latin-1"))
        newest = table.dynamic_entries[0] if table.dynamic_entries else None
        if newest is not before[0] or len(table.dynamic_entries) != before[1]:
            self._known.clear()
        elif len(self._known) < MAX_KNOWN_BLOCKS:
            self._known[block] = head
        return head

    def _read_part(self, stream: int, flags: int, payload: bytes) -> None:
        if stream not in self._streams:
            self._partial.pop(stream, None)
            return
        body = self._partial.setdefault(stream, bytearray())
        body += payload
        if len(body) > MAX_BODY_BYTES:
            self._give_up(PROTOCOL_ERROR)
        elif flags & END_STREAM:
            del self._partial[stream]
            self._take(stream, bytes(body))

    def _take(self, stream: int, body: bytes) -> None:
        """Ask for the answer to a request that is whole."""
        head = self._streams.get(stream)
        if head is None:
            return
        reply = self._service.answer(head, body)
        if reply is None:
            self._ready.accepted.append(stream)
        elif reply.gesture is None:
            self._ready.replies.append((stream, reply))
        elif reply.gesture == "cut":
            self._transport.abort()
        elif reply.gesture == "refused_stream":
            self._refuse(stream)
        elif reply.gesture == "goaway":
            self._go_away(stream)

    def _refuse(self, stream: int) -> None:
        del self._streams[stream]
        self._transport.write(frame(RST_STREAM, 0, stream, REFUSED_STREAM.to_bytes(4)))

    def _go_away(self, stream: int) -> None:
        """Say that this stream and later ones were not looked at; the earlier ones are answered, then it is over."""
        if stream == self._highest:
            del self._streams[stream]
            self._last = max(0, stream - 2)
        else:
            self._refuse(stream)
            self._last = self._highest
        self._transport.write(frame(GOAWAY, 0, 0, self._last.to_bytes(4) + NO_ERROR.to_bytes(4)))

    def _give_up(self, error: int) -> None:
        self._transport.write(frame(GOAWAY, 0, 0, self._highest.to_bytes(4) + error.to_bytes(4)))
        self._transport.close()

    def _read_control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            self._read_settings(payload)
        elif kind == PING and not flags & ACK:
            self._transport.write(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            self._widen(stream, int.from_bytes(payload) & 0x7FFFFFFF)
        elif kind == RST_STREAM:
            self._forget(stream)
        elif kind == CONTINUATION:
            self._gather(stream, flags, payload)
        elif kind == PUSH_PROMISE:
            self._give_up(PROTOCOL_ERROR)

    def _gather(self, stream: int, flags: int, payload: bytes) -> None:
        if self._gathering is None or self._gathering[0] != stream:
            self._give_up(PROTOCOL_ERROR)
            return
        _, first_flags, block = self._gathering
        block += payload
        if flags & END_HEADERS:
            self._gathering = None
            self._open(stream, first_flags, bytes(block))

    def _widen(self, stream: int, more: int) -> None:
        if stream == 0:
            self._window += more
        elif stream in self._streams or stream in self._blocked:
            self._moved[stream] = self._moved.get(stream, 0) + more
        if self._blocked:
            self._send_blocked()

    def _read_settings(self, payload: bytes) -> None:
        for name, value in _SETTING.iter_unpack(payload):
            if name == INITIAL_WINDOW_SIZE:
                self._initial_window = value
        self._transport.write(frame(SETTINGS, ACK, 0))
        if self._blocked:
            self._send_blocked()

    def _forget(self, stream: int) -> None:
        for place in (self._streams, self._partial, self._moved, self._blocked):
            cast("dict[int, object]", place).pop(stream, None)

    def _dispatch(self) -> None:
        """Write what is ready, now or after the latency of a message."""
        ready, latency_s = self._ready, self._service.latency_s
        if not (ready.accepted or ready.replies):
            self._leave_if_over()
            return
        self._ready = _Answers([], [])
        if not latency_s:
            self._write(ready)
            return
        at_once = [item for item in ready.replies if not item[1].slow]
        if at_once:
            self._write(_Answers([], at_once))
            ready = _Answers(ready.accepted, [item for item in ready.replies if item[1].slow])
        if ready.accepted or ready.replies:
            self._loop.call_later(latency_s, self._write, ready)

    def _write(self, ready: _Answers) -> None:
        frames: list[bytes] = []
        streams, opening, middle = self._streams, self._opening, self._middle
        name = self._service.accepted_body
        wide = self._window >= len(ready.accepted) * self._body_bytes and self._initial_window >= self._body_bytes
        if not wide:
            block = middle[:-5]
            for stream in ready.accepted:
                self._send(stream, block, name())
        else:
            for stream in ready.accepted:
                if streams.pop(stream, None) is not None:
                    number = stream.to_bytes(4)
                    frames += (opening, number, middle, number, name())
            self._window -= len(frames) // 5 * self._body_bytes
        if frames:
            self._transport.write(b"".join(frames))
            if self._moved:
                self._moved = {stream: moved for stream, moved in self._moved.items() if stream in streams}
        for stream, reply in ready.replies:
            headers = (("content-type", reply.content_type), *reply.headers)
            self._send(stream, header_block(reply.status, headers), reply.body)
        self._leave_if_over()

    def _send(self, stream: int, block: bytes, body: bytes) -> None:
        """Answer one stream, as far as the client's windows allow; the rest waits."""
        if self._streams.pop(stream, None) is not None:
            self._transport.write(frame(HEADERS, END_HEADERS, stream, block))
            self._blocked[stream] = body
            self._send_blocked()

    def _send_blocked(self) -> None:
        for stream, body in list(self._blocked.items()):
            rest = body
            while rest:
                moved = self._moved.get(stream, 0)
                now = min(self._window, self._initial_window + moved, MAX_FRAME_BYTES, len(rest))
                if now <= 0:
                    break
                part, rest = rest[:now], rest[now:]
                self._window -= now
                self._moved[stream] = moved - now
                self._transport.write(frame(DATA, 0 if rest else END_STREAM, stream, part))
            if rest:
                self._blocked[stream] = rest
            else:
                self._forget(stream)

    def _leave_if_over(self) -> None:
        if self._last is not None and not self._streams and not self._blocked:
            self._transport.close()
