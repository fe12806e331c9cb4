"""One HTTP/2 connection as a state machine: bytes in, bytes out, no socket and no clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from notifications.transports import http2_frames as h2
from notifications.transports.http2_frames import Fields, HeadReader, HeadWriter, Lost, ProtocolError, Response

_ID_BITS: Final = 2**31 - 1
LAST_STREAM_ID: Final = _ID_BITS
_OUR_WINDOW: Final = 2**24
_STREAM_WINDOW: Final = 65_535
_LARGEST_BODY: Final = 32_768
"""More of an answer is not read; it is below the window of a stream, which therefore needs no updates."""
_LARGEST_BLOCK: Final = 65_536
_MOST_UNSENT: Final = 4_194_304
_PING_BYTES: Final = 8
_GOAWAY_BYTES: Final = 8
_PRIORITY_BYTES: Final = 5
_FINAL_STATUS: Final = 200

Outcome = Response | Lost


@dataclass(slots=True, eq=False)
class Request:
    """A body to post. `not_after`: seconds since 1970 from which on it must not be sent. `owner`: whose it is."""

    owner: Any
    index: int
    body: bytes
    not_after: float


@dataclass(slots=True, eq=False)
class _Stream:
    """A request under way. `end`: how many bytes must have left the connection for all of it to be written."""

    request: Request
    deadline: float
    end: int = 0
    unsent: bytes = b""
    window: int = 0
    head: tuple[int, str | None] | None = None
    body: list[bytes] = field(default_factory=list)
    body_bytes: int = 0


class Connection:
    """The client's side of a connection.

    `out` is what the owner has to write next; it calls `wrote` after it did. `settle` is called once for each request
    that was started. ProtocolError from `receive` means: give the connection up (`lose`).
    """

    def __init__(self, *, streams: int, settle: Callable[[Request, Outcome], None], heads: HeadReader) -> None:
        self.out = bytearray(
            h2.PREFACE
            + h2.settings_frame({h2.HEADER_TABLE_SIZE: 0, h2.ENABLE_PUSH: 0, h2.INITIAL_WINDOW_SIZE: _STREAM_WINDOW})
            + h2.long_frame(h2.WINDOW_UPDATE, 0, _OUR_WINDOW - h2.DEFAULT_WINDOW)
        )
        self.ready = False
        """Whether the peer has told its settings: before, nothing is asked of it."""
        self.retiring = False
        """No further request; it ends with the last answer."""
        self.answered = False
        self._streams: dict[int, _Stream] = {}
        self._most_streams = streams
        self._their_most_streams = streams
        self._next_id = 1
        self._settle = settle
        self._heads = heads
        self._writer = HeadWriter()
        self._written = 0
        self._window = h2.DEFAULT_WINDOW
        self._stream_window = h2.DEFAULT_WINDOW
        self._largest_frame = h2.LARGEST_FRAME
        self._blocked: list[int] = []
        self._consumed = 0
        self._tail = b""
        self._block: tuple[int, int, bytes] | None = None
        self._handlers = {
            h2.DATA: self._data,
            h2.HEADERS: self._headers,
            h2.RST_STREAM: self._reset,
            h2.SETTINGS: self._settings,
            h2.PUSH_PROMISE: self._refuse,
            h2.PING: self._ping,
            h2.GOAWAY: self._goaway,
            h2.WINDOW_UPDATE: self._window_update,
            h2.CONTINUATION: self._continuation,
        }

    def __len__(self) -> int:
        """How many requests are under way."""
        return len(self._streams)

    def capacity(self) -> int:
        """How many requests may be started now."""
        if self.retiring or not self.ready or self._blocked or self._window <= 0:
            return 0
        return max(0, min(self._most_streams, self._their_most_streams) - len(self._streams))

    def start(self, request: Request, fields: Fields, deadline: float) -> None:
        """Put a request into `out`, as far as the peer's windows allow. Ask `capacity` before."""
        stream_id, body = self._next_id, request.body
        self._next_id += 2
        if self._next_id > LAST_STREAM_ID:
            self.retiring = True
        block, length = self._writer.block(fields, len(body)), len(body)
        stream = self._streams[stream_id] = _Stream(request, deadline)
        out = self.out
        if len(block) <= self._largest_frame:
            out += h2.FRAME_HEADER.pack(len(block) >> 8, len(block) & 0xFF, h2.HEADERS, h2.END_HEADERS, stream_id)
            out += block
        else:
            self._long_block(stream_id, block)
        if length <= self._window and length <= self._stream_window and length <= self._largest_frame:
            self._window -= length
            out += h2.FRAME_HEADER.pack(length >> 8, length & 0xFF, h2.DATA, h2.END_STREAM, stream_id)
            out += body
            stream.end = self._written + len(out)
        else:
            stream.unsent, stream.window = body, self._stream_window
            self._blocked.append(stream_id)
            self._continue_blocked()

    def wrote(self, count: int) -> None:
        """Take note that the first `count` bytes of `out` were written."""
        del self.out[:count]
        self._written += count

    def receive(self, data: bytes) -> None:
        """Take what the peer sent; raises ProtocolError."""
        buffer = self._tail + data if self._tail else data
        position, size = 0, len(buffer)
        while size - position >= h2.FRAME_HEADER_BYTES:
            high, low, kind, flags, stream_id = h2.FRAME_HEADER.unpack_from(buffer, position)
            length = high << 8 | low
            if length > h2.LARGEST_FRAME:
                raise ProtocolError(h2.FRAME_SIZE_ERROR)
            start = position + h2.FRAME_HEADER_BYTES
            if start + length > size:
                break
            position = start + length
            if not self.ready and kind != h2.SETTINGS:
                raise ProtocolError
            if self._block is not None and kind != h2.CONTINUATION:
                raise ProtocolError
            handler = self._handlers.get(kind)
            if handler is not None:
                handler(flags, stream_id & _ID_BITS, buffer[start:position])
        self._tail = buffer[position:]
        if len(self.out) > _MOST_UNSENT:
            raise ProtocolError(h2.ENHANCE_YOUR_CALM)

    def time_out(self, now: float) -> None:
        """Give up requests whose deadline is over; whoever did not answer them gets no further one."""
        while self._streams:
            stream_id, stream = next(iter(self._streams.items()))
            if stream.deadline > now:
                return
            self.out += h2.long_frame(h2.RST_STREAM, stream_id, h2.CANCEL)
            self.retiring = True
            self._finish(stream_id, Lost.TIMEOUT if self._is_written(stream) else Lost.UNSENT)

    def next_deadline(self) -> float | None:
        """When the oldest request is over, or None."""
        return next(iter(self._streams.values())).deadline if self._streams else None

    def say_goodbye(self, code: int = h2.NO_ERROR) -> None:
        """Tell the peer that the connection ends."""
        self.out += h2.frame(h2.GOAWAY, 0, 0, bytes(4) + code.to_bytes(4))

    def lose(self) -> None:
        """Settle whatever is under way: the connection is gone."""
        self.retiring = True
        for stream_id, stream in list(self._streams.items()):
            self._finish(stream_id, Lost.CUT if self._is_written(stream) else Lost.UNSENT)

    def _is_written(self, stream: _Stream) -> bool:
        return 0 < stream.end <= self._written

    def _finish(self, stream_id: int, outcome: Outcome) -> None:
        stream = self._streams.pop(stream_id)
        if self._blocked and stream_id in self._blocked:
            self._blocked.remove(stream_id)
        self._settle(stream.request, outcome)

    def _long_block(self, stream_id: int, block: bytes) -> None:
        parts = [block[at : at + self._largest_frame] for at in range(0, len(block), self._largest_frame)]
        self.out += h2.frame(h2.HEADERS, 0, stream_id, parts[0])
        for part in parts[1:-1]:
            self.out += h2.frame(h2.CONTINUATION, 0, stream_id, part)
        self.out += h2.frame(h2.CONTINUATION, h2.END_HEADERS, stream_id, parts[-1])

    def _continue_blocked(self) -> None:
        """Send on with the bodies that wait for a window."""
        for stream_id in list(self._blocked):
            stream = self._streams[stream_id]
            while stream.unsent and (room := min(self._window, stream.window, self._largest_frame)) > 0:
                part, stream.unsent = stream.unsent[:room], stream.unsent[room:]
                self._window -= len(part)
                stream.window -= len(part)
                self.out += h2.frame(h2.DATA, 0 if stream.unsent else h2.END_STREAM, stream_id, part)
            if not stream.unsent:
                stream.end = self._written + len(self.out)
                self._blocked.remove(stream_id)

    def _known(self, stream_id: int) -> _Stream | None:
        """The stream, or None if it was settled before; a stream that we never opened is an error."""
        if stream_id % 2 == 0 or stream_id >= self._next_id:
            raise ProtocolError
        return self._streams.get(stream_id)

    def _data(self, flags: int, stream_id: int, payload: bytes) -> None:
        self._consumed += len(payload)
        if self._consumed > _OUR_WINDOW // 2:
            self.out += h2.long_frame(h2.WINDOW_UPDATE, 0, self._consumed)
            self._consumed = 0
        stream = self._known(stream_id)
        if stream is None:
            return
        if stream.head is None:
            raise ProtocolError
        part = h2.unpadded(flags, payload)
        stream.body.append(part)
        stream.body_bytes += len(payload)
        if flags & h2.END_STREAM:
            self._answered(stream_id, stream)
        elif stream.body_bytes > _LARGEST_BODY:
            self.out += h2.long_frame(h2.RST_STREAM, stream_id, h2.CANCEL)
            self._answered(stream_id, stream)

    def _answered(self, stream_id: int, stream: _Stream) -> None:
        if stream.head is None:
            raise ProtocolError
        self.answered = True
        body = stream.body[0] if len(stream.body) == 1 else b"".join(stream.body)
        self._finish(stream_id, Response(*stream.head, body[:_LARGEST_BODY]))
        if stream.unsent:
            self.out += h2.long_frame(h2.RST_STREAM, stream_id, h2.NO_ERROR)

    def _headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        block = h2.unpadded(flags, payload)
        if flags & h2.WITH_PRIORITY:
            if len(block) < _PRIORITY_BYTES:
                raise ProtocolError(h2.FRAME_SIZE_ERROR)
            block = block[_PRIORITY_BYTES:]
        if flags & h2.END_HEADERS:
            self._head(flags, stream_id, block)
        else:
            self._block = (flags, stream_id, block)

    def _continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is None or self._block[1] != stream_id:
            raise ProtocolError
        first_flags, _, block = self._block
        block += payload
        # Empty continuations without end would cost nothing but our time.
        if len(block) > _LARGEST_BLOCK or not (payload or flags & h2.END_HEADERS):
            raise ProtocolError(h2.ENHANCE_YOUR_CALM)
        if flags & h2.END_HEADERS:
            self._block = None
            self._head(first_flags, stream_id, block)
        else:
            self._block = (first_flags, stream_id, block)

    def _head(self, flags: int, stream_id: int, block: bytes) -> None:
        head = self._heads.read(block)
        stream = self._known(stream_id)
        if stream is None:
            return
        if stream.head is None:
            if not head[0]:
                raise ProtocolError
            if head[0] < _FINAL_STATUS:  # informational: the answer is still to come
                return
            stream.head = head
        elif not flags & h2.END_STREAM:  # trailers end a stream
            raise ProtocolError
        if flags & h2.END_STREAM:
            self._answered(stream_id, stream)

    def _reset(self, _flags: int, stream_id: int, payload: bytes) -> None:
        code = h2.read_long(payload)
        stream = self._known(stream_id)
        if stream is None:
            return
        if code == h2.REFUSED_STREAM:
            self._finish(stream_id, Lost.REFUSED)
        else:
            self._finish(stream_id, Lost.RESET if self._is_written(stream) else Lost.UNSENT)

    def _settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id:
            raise ProtocolError
        if flags & h2.ACK:
            if payload:
                raise ProtocolError(h2.FRAME_SIZE_ERROR)
            return
        for name, value in h2.read_settings(payload):
            self._apply(name, value)
        self.ready = True
        self.out += h2.frame(h2.SETTINGS, h2.ACK, 0)
        self._continue_blocked()

    def _apply(self, name: int, value: int) -> None:
        if name == h2.HEADER_TABLE_SIZE:
            self._writer.limit_table(value)
        elif name == h2.MAX_CONCURRENT_STREAMS:
            self._their_most_streams = value
        elif name == h2.INITIAL_WINDOW_SIZE:
            if value > h2.LARGEST_WINDOW:
                raise ProtocolError(h2.FLOW_CONTROL_ERROR)
            for blocked in self._blocked:
                self._streams[blocked].window += value - self._stream_window
            self._stream_window = value
        elif name == h2.MAX_FRAME_SIZE:
            if not h2.LARGEST_FRAME <= value < 2**24:
                raise ProtocolError
            self._largest_frame = value

    def _refuse(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        raise ProtocolError  # we allow no push

    def _ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id or len(payload) != _PING_BYTES:
            raise ProtocolError(h2.FRAME_SIZE_ERROR)
        if not flags & h2.ACK:
            self.out += h2.frame(h2.PING, h2.ACK, 0, payload)

    def _goaway(self, _flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id or len(payload) < _GOAWAY_BYTES:
            raise ProtocolError(h2.FRAME_SIZE_ERROR)
        self.retiring = True
        last = int.from_bytes(payload[:4]) & _ID_BITS
        for open_id in [open_id for open_id in self._streams if open_id > last]:
            self._finish(open_id, Lost.REFUSED)

    def _window_update(self, _flags: int, stream_id: int, payload: bytes) -> None:
        more = h2.read_long(payload) & h2.LARGEST_WINDOW
        if not more:
            raise ProtocolError
        if stream_id == 0:
            self._window += more
            if self._window > h2.LARGEST_WINDOW:
                raise ProtocolError(h2.FLOW_CONTROL_ERROR)
        else:
            stream = self._known(stream_id)
            if stream is not None:
                stream.window += more
        if self._blocked:
            self._continue_blocked()
