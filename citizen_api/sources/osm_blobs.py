"""A look through a PBF before libosmium gets it: a tag with a NUL in it makes libosmium read beyond its memory.

OpenStreetMap never holds one, so a file that does is damaged or made to harm. The look takes one unpacking of the
file and the few fields on the way to its strings: https://wiki.openstreetmap.org/wiki/PBF_Format.
"""

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from citizen_api.sources.records import SourceFormatError

HEADER_MAX_BYTES: Final = 64 * 1024
BLOB_MAX_BYTES: Final = 32 * 1024 * 1024
"""The format's own limits, packed and unpacked."""

_VARINT: Final = 0
_BYTES: Final = 2
_SIZES: Final = {1: 8, 5: 4}
_LONGEST_VARINT: Final = 10

_DATA_SIZE: Final = (3, _VARINT)
_RAW: Final = (1, _BYTES)
_ZLIB: Final = (3, _BYTES)
_OTHERWISE_PACKED: Final = frozenset({(4, _BYTES), (5, _BYTES), (6, _BYTES), (7, _BYTES)})
_STRING_TABLE: Final = (1, _BYTES)
_STRING: Final = (1, _BYTES)


def check_strings(stream: BinaryIO) -> None:
    """Read the stream to its end. Raises SourceFormatError when it is no whole PBF or a string in it holds a NUL."""
    try:
        for block in _blocks(stream):
            for field, table in _fields(block):
                if field == _STRING_TABLE and _holds_nul(table):
                    raise SourceFormatError("A PBF with NULs in its tags: it is damaged, or made to harm.")
    except (IndexError, zlib.error):
        raise SourceFormatError("Not a whole OpenStreetMap PBF (it is damaged, or ends too soon).") from None


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Unpack the blocks of the file, one after the other."""
    while size := stream.read(4):
        header = _exactly(stream, int.from_bytes(size, "big"), HEADER_MAX_BYTES)
        sizes = [int.from_bytes(content, "little") for field, content in _fields(header) if field == _DATA_SIZE]
        for field, content in _fields(_exactly(stream, sizes[-1], BLOB_MAX_BYTES)):
            if field == _RAW:
                yield content
            elif field == _ZLIB:
                yield zlib.decompressobj().decompress(content, BLOB_MAX_BYTES)
            elif field in _OTHERWISE_PACKED:
                raise SourceFormatError("A PBF packed otherwise than with zlib: pack it again.")


def _exactly(stream: BinaryIO, size: int, at_most: int) -> bytes:
    content = stream.read(size) if size <= at_most else b""
    if len(content) != size:
        raise IndexError
    return content


def _holds_nul(table: bytes) -> bool:
    # The first string of a table is empty by rule: its length is the one 0 that a table usually has.
    if table.count(0) == 0 or (table.count(0) == 1 and table.startswith(b"\x0a\x00")):
        return False
    return any(field == _STRING and 0 in string for field, string in _fields(table))


def _fields(message: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Split a protobuf message into ((number, wire type), content); a number comes as its bytes, the lowest first.

    Raises IndexError when it is none, or ends too soon.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _varint(message, at)
            yield (key >> 3, kind), number.to_bytes(_LONGEST_VARINT, "little")
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        else:
            size = _SIZES[kind] if kind in _SIZES else len(message) + 1
        if at + size > len(message):
            raise IndexError
        yield (key >> 3, kind), message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Read a number; give it with the place after it."""
    number = 0
    for shift in range(0, 7 * _LONGEST_VARINT, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says "more"
            return number, at
    raise IndexError
