"""Calls to a publisher of appointments: streamed, capped in bytes and in time, and asking only for what changed.

What is compressed is expanded here, in small pieces: a body of a few kilobytes can hold gigabytes, and httpx would
expand each piece that arrives at once. For the same reason redirects are followed here: httpx reads their bodies whole.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import httpx

from citizen_api.core.outgoing import RefusedError, within
from citizen_api.sources.air_fetch import (
    BusyError,
    CredentialsError,
    DownError,
    check_status,
    place_of,
    retry_after_s,
)
from citizen_api.sources.slot_source import (
    BusyPublisherError,
    FileState,
    RefusedPublisherError,
    SlotSourceError,
    TooLargeError,
    TooSlowError,
    UnreadablePublisherError,
)

WAIT_S: Final = 120.0
"""How long a whole file may be waited for and expanded. What is done with its records meanwhile does not count."""
WHOLE_S: Final = 1_800.0
"""How long a whole file may take, with all that is done with its records."""
MAX_REDIRECTS: Final = 5
MEMBERS_MOST: Final = 8
"""Gzip members of a file. An empty one stands alone: else a file without end could be made of nothing."""
_ENVELOPE_BYTES: Final = 4_096
"""What a compressed file may have beyond its content: headers, trailers."""
_STORED_SHARE: Final = 64
"""What cannot be compressed grows by less than one part in so many."""
_PIECE_BYTES: Final = 65_536
_VALIDATOR_LENGTH: Final = 200
_GZIP: Final = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: bytes once expanded, seconds of the publisher's, and seconds of whoever reads it too."""

    max_bytes: int
    wait_s: float = WAIT_S
    whole_s: float = WHOLE_S

    @property
    def max_raw_bytes(self) -> int:
        """Bytes as they arrive: a compressed file is hardly larger than its content."""
        return self.max_bytes + self.max_bytes // _STORED_SHARE + _ENVELOPE_BYTES


def fetch_changed(
    client: httpx.Client, url: str, known: FileState | None, *, accept: str, limits: Limits
) -> Body | None:
    """Ask for a file; None when it did not change since `known`. The body must be closed (it is a context manager).

    Raises SlotSourceError, whose message names host and path, never the query.
    """
    try:
        place = place_of(url)
    except (DownError, UnicodeError):
        raise RefusedPublisherError("what is published is not an address") from None
    conditions = _conditions(known)
    headers = {"Accept": accept, "Accept-Encoding": "gzip"} | conditions
    began = time.monotonic()
    with _as_slot_errors(place), within(limits.wait_s):
        answer = _follow(client, client.build_request("GET", url, headers=headers))
    with ExitStack() as closing:
        body = closing.enter_context(Body(answer, place, limits, left_s=limits.wait_s - (time.monotonic() - began)))
        if conditions and answer.status_code == HTTPStatus.NOT_MODIFIED:
            return None
        body.check()
        closing.pop_all()
    return body


def _follow(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    for _ in range(MAX_REDIRECTS + 1):
        answer = client.send(request, stream=True, follow_redirects=False)
        if answer.next_request is None:
            return answer
        answer.close()
        request = answer.next_request
    raise httpx.TooManyRedirects("too many redirects", request=request)


def _conditions(known: FileState | None) -> dict[str, str]:
    if known is None:
        return {}
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in asked.items() if value}


class Body:
    """A file that arrives. `pieces` gives it once; `size` and `state` are of what was given so far."""

    def __init__(self, answer: httpx.Response, place: str, limits: Limits, *, left_s: float) -> None:
        self._answer = answer
        self._limits = limits
        now_s = time.monotonic()
        self._waited_until_s = now_s + left_s
        self._over_at_s = now_s + limits.whole_s
        self._raw_size = 0
        self._digest = hashlib.sha256()
        self.place = place
        self.url = str(answer.url)
        """Where it was found in the end, to which relative addresses in it relate."""
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, unless all was read and it can serve again."""
        self._answer.close()

    @property
    def state(self) -> FileState:
        """What tells the next time whether it changed."""
        headers = self._answer.headers
        return FileState(_validator(headers, "ETag"), _validator(headers, "Last-Modified"), self._digest.hexdigest())

    def check(self) -> None:
        """Raise SlotSourceError for an answer that is no file, or one that says that it is too large."""
        answer = self._answer
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers:
            raise BusyPublisherError(f"{self.place} asks to wait", retry_after_s=retry_after_s(answer.headers))
        try:
            check_status(answer, self.place)
        except CredentialsError as error:
            raise RefusedPublisherError(str(error)) from None
        except BusyError as error:
            raise BusyPublisherError(str(error), retry_after_s=error.retry_after_s) from None
        except DownError as error:
            raise SlotSourceError(str(error)) from None
        length = answer.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and len(length) < 20 and int(length) > self._limits.max_bytes:  # noqa: PLR2004
            raise self._too_large()

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes, expanded. Raises SlotSourceError where it breaks off or passes its limits."""
        encoding = self._answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip", ""}:
            raise UnreadablePublisherError(f"{self.place} is compressed in a way that was not asked for")
        arrived = self._arriving()
        for piece in self._expanded(arrived) if "gzip" in encoding else arrived:
            self._left_s()
            self.size += len(piece)
            if self.size > self._limits.max_bytes:
                raise self._too_large()
            self._digest.update(piece)
            given_at_s = time.monotonic()
            yield piece
            self._waited_until_s += time.monotonic() - given_at_s

    def _arriving(self) -> Iterator[bytes]:
        pieces = self._answer.iter_raw()
        while True:
            with _as_slot_errors(self.place), within(self._left_s()):
                piece = next(pieces, None)
            if piece is None:
                return
            self._raw_size += len(piece)
            if self._raw_size > self._limits.max_raw_bytes:
                raise self._too_large()
            yield piece

    def _left_s(self) -> float:
        """Give the seconds that are left. Asked in each loop: what has arrived already is read without waiting."""
        left_s = min(self._waited_until_s, self._over_at_s) - time.monotonic()
        if left_s <= 0:
            raise TooSlowError(f"{self.place} takes too long")
        return left_s

    def _expanded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from _gunzip(pieces)
        except zlib.error:
            raise UnreadablePublisherError(f"{self.place} says that it is gzip, and is not") from None
        except _MembersError:
            raise UnreadablePublisherError(f"{self.place} is gzip in too many members, or in empty ones") from None
        except EOFError:
            raise SlotSourceError(f"{self.place} breaks off") from None

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"{self.place} has more than {self._limits.max_bytes} bytes")


class _MembersError(Exception):
    """A gzip file in more members than MEMBERS_MOST, or in several of which one is empty."""


def _gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Expand a gzip file of one member or a few, little by little. Raises zlib.error, EOFError, _MembersError."""
    member = zlib.decompressobj(_GZIP)
    sizes = [0]
    """Of each member so far, expanded; the last one may not have begun."""
    is_begun = False
    for piece in pieces:
        rest = piece
        while rest:
            if len(sizes) > MEMBERS_MOST or 0 in sizes[:-1]:
                raise _MembersError
            is_begun = True
            if expanded := member.decompress(rest, _PIECE_BYTES):
                sizes[-1] += len(expanded)
                yield expanded
            rest = member.unconsumed_tail
            if member.eof:
                if len(sizes) > 1 and not sizes[-1]:
                    raise _MembersError
                rest, member, is_begun = member.unused_data, zlib.decompressobj(_GZIP), False
                sizes.append(0)
    if is_begun:
        raise EOFError


def _validator(headers: httpx.Headers, name: str) -> str | None:
    """Give a validator that can be sent back as it is."""
    value = headers.get(name)
    return value if value and value.isascii() and value.isprintable() and len(value) <= _VALIDATOR_LENGTH else None


@contextmanager
def _as_slot_errors(place: str) -> Iterator[None]:
    """Say what goes wrong in a call as SlotSourceError.

    From None: the exceptions hold the request, whose address may hold a key.
    """
    try:
        yield
    except RefusedError:
        raise RefusedPublisherError(f"{place} leads to an address that is not called") from None
    except httpx.ConnectTimeout:
        raise SlotSourceError(f"{place} cannot be reached (ConnectTimeout)") from None
    except httpx.TimeoutException:
        raise TooSlowError(f"{place} takes too long") from None
    except httpx.HTTPError as error:
        raise SlotSourceError(f"{place} cannot be reached or breaks off ({type(error).__name__})") from None
    except (httpx.InvalidURL, UnicodeError):
        raise RefusedPublisherError(f"{place} leads to what is not an address") from None
