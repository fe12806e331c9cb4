"""Calls to a bike share system: capped, and asking only for what changed (ETag, Last-Modified)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from citizen_api.core.outgoing import within
from citizen_api.sources.air_fetch import DownError, check_status, place_of, read_body

TIMEOUT_S: Final = 15.0
"""For a whole call."""
MAX_BYTES: Final = 10_000_000
"""The largest systems, of some 5,000 stations, publish 3 MB."""
_KEPT: Final = 8
_VALIDATORS: Final = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    conditions: dict[str, str]


class Fetcher:
    """GETs addresses, and keeps the last answers that can be asked about again."""

    def __init__(self, client: httpx.Client, *, max_bytes: int = MAX_BYTES, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._kept: dict[str, _Answer] = {}

    def get(self, url: str) -> bytes:
        """Give the body at an address, the one that is kept when it did not change.

        Raises DownError, BusyError, CredentialsError; their messages name host and path, never the query.
        """
        place = place_of(url)
        kept = self._kept.get(url)
        deadline = time.monotonic() + self._timeout_s
        headers = {"Accept": "application/json"} | (kept.conditions if kept else {})
        try:
            with (
                within(self._timeout_s),
                self._client.stream("GET", url, headers=headers, timeout=self._timeout_s) as answer,
            ):
                if kept and answer.status_code == HTTPStatus.NOT_MODIFIED:
                    return kept.body
                check_status(answer, place)
                body = read_body(answer, place, max_bytes=self._max_bytes, deadline=deadline)
        except httpx.TimeoutException:
            raise DownError(f"{place} took longer than {self._timeout_s:g} s") from None
        except httpx.HTTPError as error:
            # From None: the exception holds the request, whose address may hold a key.
            raise DownError(f"{place} cannot be reached ({type(error).__name__})") from None
        except (httpx.InvalidURL, UnicodeError):
            raise DownError(f"{place} leads to what is not an address") from None
        self._keep(url, body, answer.headers)
        return body

    def _keep(self, url: str, body: bytes, headers: httpx.Headers) -> None:
        self._kept.pop(url, None)
        conditions = {asked: headers[name] for name, asked in _VALIDATORS.items() if name in headers}
        if conditions:
            self._kept[url] = _Answer(body, conditions)
        while len(self._kept) > _KEPT:  # a system that moves its feeds at each reading
            del self._kept[next(iter(self._kept))]
