"""Names of slots: short, stable, and saying nothing of what they name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Final

PREFIX: Final = "sl_"
_PACKED: Final = struct.Struct(">IQ")
_POSITIVE: Final = (1 << 63) - 1
_FEEDS: Final = 1 << 32


def slot_key(source_id: str) -> int:
    """63 bits of a digest of a publisher's id of a slot."""
    return _digest(source_id.encode())


def file_key(url: str) -> int:
    """63 bits of a digest of a file's address without its query, which may hold a signature that changes."""
    return _digest(url.partition("?")[0].encode())


def slot_code(feed_id: int, key: int) -> str:
    """Public name of a slot."""
    return PREFIX + base64.urlsafe_b64encode(_PACKED.pack(feed_id, key)).decode()


def read_slot_code(code: str) -> tuple[int, int] | None:
    """(feed id, key) of a public name; None for what is none."""
    try:
        packed = base64.b64decode(code.removeprefix(PREFIX).encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    if not code.startswith(PREFIX) or len(packed) != _PACKED.size:
        return None
    feed_id, key = _PACKED.unpack(packed)
    return (feed_id, key) if feed_id < _FEEDS // 2 and key <= _POSITIVE and slot_code(feed_id, key) == code else None


def _digest(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) & _POSITIVE
