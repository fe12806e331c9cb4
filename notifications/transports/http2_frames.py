"""Frames and header blocks of HTTP/2 (RFC 9113, RFC 7541), as far as a client that posts small bodies needs them."""

from __future__ import annotations

import logging
import struct
from enum import StrEnum
from typing import Final, NamedTuple

import hpack

# Told to log everything, it would log headers: our authorization is one of them.
logging.getLogger("hpack").setLevel(logging.INFO)

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5

NO_ERROR: Final = 0x0
PROTOCOL_ERROR: Final = 0x1
FLOW_CONTROL_ERROR: Final = 0x3
FRAME_SIZE_ERROR: Final = 0x6
REFUSED_STREAM: Final = 0x7
CANCEL: Final = 0x8
COMPRESSION_ERROR: Final = 0x9
ENHANCE_YOUR_CALM: Final = 0xB

FRAME_HEADER: Final = struct.Struct(">HBBBL")
FRAME_HEADER_BYTES: Final = 9
LARGEST_FRAME: Final = 16_384
"""What a peer may send unless we allow more, and we do not."""
LARGEST_WINDOW: Final = 2**31 - 1
DEFAULT_WINDOW: Final = 65_535
_LONG: Final = struct.Struct(">L")
_SETTING: Final = struct.Struct(">HL")
_TABLE_BYTES: Final = 4_096
_ENTRY_BYTES: Final = 32
"""What an entry of a header table costs besides its name and value."""
_CONTENT_LENGTH: Final = b"\x0f\x0d"
"""A literal without indexing, named by entry 28 of the static table."""
_LARGEST_HEAD: Final = 65_536
_MOST_HEADS: Final = 1_024
_STATUS_DIGITS: Final = 3

Fields = tuple[tuple[str, str], ...]
"""Names and values of a request's header, pseudo-headers first."""


class ProtocolError(Exception):
    """The peer broke the protocol; the connection is given up. `code` is what the peer is told."""

    def __init__(self, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(f"HTTP/2 error {code}")
        self.code = code


class Lost(StrEnum):
    """Why a request has no answer. Only after `TIMEOUT`, `CUT` and `RESET` may the peer have acted on it."""

    EXPIRED = "expired"
    UNREACHABLE = "unreachable"
    UNSENT = "unsent"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    CUT = "cut"
    RESET = "reset"


class Response(NamedTuple):
    """What came back. `body` may have been cut at a limit."""

    status: int
    retry_after: str | None
    body: bytes


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Put a frame together."""
    length = len(payload)
    return FRAME_HEADER.pack(length >> 8, length & 0xFF, kind, flags, stream_id) + payload


def settings_frame(values: dict[int, int]) -> bytes:
    """Announce our settings."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*value) for value in values.items()))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Read a peer's settings, in their order."""
    if len(payload) % _SETTING.size:
        raise ProtocolError(FRAME_SIZE_ERROR)
    return list(_SETTING.iter_unpack(payload))


def long_frame(kind: int, stream_id: int, number: int) -> bytes:
    """Put together a frame that carries one number: RST_STREAM, WINDOW_UPDATE."""
    return frame(kind, 0, stream_id, _LONG.pack(number))


def read_long(payload: bytes) -> int:
    """Read the one number of such a frame."""
    if len(payload) != _LONG.size:
        raise ProtocolError(FRAME_SIZE_ERROR)
    return int.from_bytes(payload)


def unpadded(flags: int, payload: bytes) -> bytes:
    """Take the padding of a DATA or HEADERS frame away."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ProtocolError
    return payload[1 : len(payload) - payload[0]]


class HeadWriter:
    """Header blocks of the requests on one connection.

    The fields are the same for every request, so they are encoded once: into the peer's table where it has room, then
    a few bytes refer to them (the authorization alone is 1 KB).
    """

    def __init__(self) -> None:
        self._encoder = hpack.Encoder()
        self._room = _TABLE_BYTES
        self._fields: Fields | None = None
        self._block = b""

    def limit_table(self, size: int) -> None:
        """Obey the peer's bound on its table."""
        self._room = min(size, _TABLE_BYTES)
        self._encoder.header_table_size = self._room
        self._fields = None

    def block(self, fields: Fields, length: int) -> bytes:
        """Give the block of a request with a body of `length` bytes; blocks must be sent in the order given."""
        digits = b"%d" % length
        end = _CONTENT_LENGTH + bytes((len(digits),)) + digits
        if fields is self._fields:
            return self._block + end
        fits = sum(len(name) + len(value) + _ENTRY_BYTES for name, value in fields) <= self._room
        # Without room nothing may be remembered, on either side.
        headers = [hpack.HeaderTuple(*field) if fits else hpack.NeverIndexedHeaderTuple(*field) for field in fields]
        first = self._encoder.encode(headers)
        self._block = self._encoder.encode(headers)
        self._fields = fields
        return first + end


class HeadReader:
    """Reads header blocks of answers. We allow the peer no table, so equal bytes mean equal headers: read once."""

    def __init__(self) -> None:
        self._read: dict[bytes, tuple[int, str | None]] = {}

    def read(self, block: bytes) -> tuple[int, str | None]:
        """Give status and Retry-After; the status is 0 in trailers."""
        head = self._read.get(block)
        if head is None:
            if len(self._read) >= _MOST_HEADS:
                self._read.clear()
            head = self._read[block] = _read_head(block)
        return head


def _read_head(block: bytes) -> tuple[int, str | None]:
    decoder = hpack.Decoder(max_header_list_size=_LARGEST_HEAD)
    decoder.max_allowed_table_size = 0
    decoder.header_table_size = 0
    try:
        fields = {bytes(field[0]): bytes(field[1]) for field in decoder.decode(block, raw=True)}
    except hpack.HPACKError as error:
        raise ProtocolError(COMPRESSION_ERROR) from error
    status = fields.get(b":status", b"")
    if status and not (len(status) == _STATUS_DIGITS and status.isdigit()):
        raise ProtocolError
    wait = fields.get(b"retry-after")
    return int(status or 0), None if wait is None else wait.decode("ascii", "replace")
