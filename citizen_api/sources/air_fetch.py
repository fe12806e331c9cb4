"""One call to an outside source of air facts: capped in size and in time, its errors one family.

A message names host and path and nothing else: addresses and headers carry keys, bodies carry passwords.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, TypeVar

import httpx

from citizen_api.core.downloads import public_part
from citizen_api.sources.records import SourceFormatError

TIMEOUT_S: Final = 60.0
"""For a whole call: the index of all communes of France is some 25 MB."""

Params = Mapping[str, str | Sequence[str]]
"""A value that is a list is sent as the same name several times."""

_LONGEST_WAIT_S: Final = 86_400.0

Item = TypeVar("Item")


class AirSourceError(Exception):
    """A source of air facts gave nothing. The message is one line without secrets."""


class DownError(AirSourceError):
    """It is unreachable, too slow, failing, or sends more than can be right."""


class BusyError(AirSourceError):
    """It asks to slow down. `retry_after_s`: for how long, None when it does not say."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CredentialsError(AirSourceError):
    """It does not accept the key, the password or the token. `status`: 401 or 403."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnreadableError(AirSourceError):
    """It answers in another form than the documented one."""


def fetch(
    client: httpx.Client,
    url: str,
    *,
    max_bytes: int,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
    json: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> bytes:
    """GET an address, or POST `json` to it, and give the body. A redirect is not followed: it would carry the key on.

    Raises DownError, BusyError, CredentialsError.
    """
    place = place_of(url)
    deadline = time.monotonic() + timeout_s
    try:
        with client.stream(
            "GET" if json is None else "POST",
            url,
            params=params,
            headers=dict(headers or {}),
            json=json,
            timeout=timeout_s,
            follow_redirects=False,
        ) as answer:
            check_status(answer, place)
            return read_body(answer, place, max_bytes=max_bytes, deadline=deadline)
    except httpx.TimeoutException:
        raise DownError(f"{place} took longer than {timeout_s:g} s") from None
    except UnicodeEncodeError:
        raise CredentialsError(f"{place}: the key holds characters that no header takes", 401) from None
    except httpx.HTTPError as error:
        # From None: the exception holds the request, with its key.
        raise DownError(f"{place} cannot be reached ({type(error).__name__})") from None


def read_whole(url: str, read: Callable[[bytes], Iterable[Item]], body: bytes) -> list[Item]:
    """Read a whole answer. Raises UnreadableError where `read` raises SourceFormatError."""
    try:
        return list(read(body))
    except SourceFormatError as error:
        raise UnreadableError(f"{place_of(url)}: {error}") from None


def place_of(url: str) -> str:
    """Scheme, host and path of an address, for messages. Raises DownError when it is not an address."""
    try:
        return public_part(url)
    except httpx.InvalidURL:
        raise DownError("what is configured is not an address") from None


def check_status(answer: httpx.Response, place: str) -> None:
    """Raise CredentialsError, BusyError or DownError for an answer that is not 200."""
    status = answer.status_code
    if status == HTTPStatus.OK:
        return
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise CredentialsError(f"{place} does not accept the credentials ({status})", status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise BusyError(f"{place} asks to slow down", retry_after_s(answer.headers))
    raise DownError(f"{place} answered {status}")


def read_body(answer: httpx.Response, place: str, *, max_bytes: int, deadline: float) -> bytes:
    """Read a body until `deadline` (monotonic). Raises DownError for one that is too large or too slow."""
    body = bytearray()
    for some in answer.iter_bytes():
        body += some
        if len(body) > max_bytes:
            raise DownError(f"{place} sends more than {max_bytes} bytes")
        # httpx's timeout is for each step: a server that drips bytes would hold the worker for ever.
        if time.monotonic() > deadline:
            raise DownError(f"{place} takes too long")
    return bytes(body)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date seen from the answer's own; at most a day. None when it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT_S)
    try:
        wait_s = (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S)
