"""A FHIR server as a publisher of appointments: one search, page after page, as the SAS guide asks for slots.

The pages are fetched before any of them is read, and kept on disk where they are large: only then is it known whether
anything changed, for FHIR servers send no validators and number each search anew.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson

from citizen_api.core.clock import Clock, system_clock
from citizen_api.sources.air_values import day_in_france
from citizen_api.sources.fhir_bundles import Bundle, read_bundle
from citizen_api.sources.fhir_slots import SlotReader
from citizen_api.sources.slot_fetch import WAIT_S, Limits, fetch_changed
from citizen_api.sources.slot_source import (
    FileState,
    Publication,
    RefusedPublisherError,
    SlotItem,
    SlotSourceError,
    TooLargeError,
    TooSlowError,
    UnreadablePublisherError,
)

PAGES_MOST: Final = 500
PAGE_MAX_BYTES: Final = 10_000_000
"""A page is held whole to be read. One of 1,000 slots, which the guide's examples ask for, has 1 to 3 MB."""
HORIZON: Final = timedelta(days=31)
"""How far ahead is asked for: the guide wants an end."""
_IN_MEMORY_BYTES: Final = 4_000_000
_ACCEPT: Final = "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
_WHOLE_SEARCH: Final = "status=free&_include=Slot:schedule&_include:iterate=Schedule:actor&_count=1000"


class FhirSearch:
    """One publisher, from the address of its search.

    An address without a query is asked as the guide does for single practitioners; one with a query is asked as it is.
    Either way the days are added where it names none. `max_bytes`: of all pages together; `wait_s`: for all of them.
    """

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        *,
        max_bytes: int,
        clock: Clock = system_clock,
        wait_s: float = WAIT_S,
    ) -> None:
        self._client = client
        self._url = url
        self._limits = Limits(max_bytes, wait_s)
        self._clock = clock

    def look(self, known: FileState | None, *, since: datetime | None) -> Publication | None:  # noqa: ARG002
        """Give the search, always: it is asked when it is read, and only whole."""
        url = search_url(self._url, day_in_france(self._clock()))
        files = [SearchFile(self._client, url, self._limits)]
        return Publication(state=FileState(), published_at=None, is_whole=True, files=files)


def search_url(url: str, today: date) -> str:
    """Complete the address of a search of Slot, or of Schedule with its slots (as for SOS Médecins).

    What it says itself is left as it is written.
    """
    address, _, query = url.partition("#")[0].partition("?")
    start = "_has:Slot:schedule:start" if urlsplit(address).path.rstrip("/").endswith("/Schedule") else "start"
    asked = [query or _WHOLE_SEARCH]
    if start not in {name for name, _ in parse_qsl(query)}:
        asked += [f"{start}=ge{today}", f"{start}=le{today + HORIZON}"]
    return f"{address}?{'&'.join(asked)}"


class SearchFile:
    """A search with all its pages."""

    holds_slots = True

    def __init__(self, client: httpx.Client, url: str, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self.url = url

    def read(self, known: FileState | None) -> SearchReading | None:
        """Ask for all pages; None when their entries are those of `known`. Raises SlotSourceError."""
        with ExitStack() as stack:
            kept = stack.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))
            pages = self._fetch(kept)
            if known is not None and known.digest == pages.digest:
                return None
            return SearchReading(stack.pop_all(), kept, pages)

    def _fetch(self, kept: IO[bytes]) -> _Pages:
        ends_at = time.monotonic() + self._limits.wait_s
        digest = hashlib.sha256()
        sizes: list[int] = []
        asked: set[str] = set()
        place = ""
        url: str | None = self.url
        while url is not None:
            if len(sizes) == PAGES_MOST:
                raise TooLargeError(f"{place} has more than {PAGES_MOST} pages")
            asked.add(url)
            page = self._page(url, self._limits.max_bytes - sum(sizes), ends_at - time.monotonic())
            place = page.place
            digest.update(page.canonical)
            kept.write(page.content)
            sizes.append(len(page.content))
            url = page.next_url
            if url in asked:
                raise UnreadablePublisherError(f"{place} has pages that go round in a circle")
        return _Pages(place, sizes, digest.hexdigest())

    def _page(self, url: str, left_bytes: int, left_s: float) -> _Page:
        if left_s <= 0:
            raise TooSlowError("a search takes too long, page after page")
        limits = Limits(min(left_bytes, PAGE_MAX_BYTES), left_s)
        body = fetch_changed(self._client, url, None, accept=_ACCEPT, limits=limits)
        if body is None:  # only what is known can be unchanged
            raise UnreadablePublisherError("a search without an answer")
        with body:
            content = b"".join(body.pieces())
        with _said_by(body.place):
            bundle = read_bundle(content)
            return _Page(body.place, content, _canonical(bundle), _next_url(body.url, bundle))


class SearchReading:
    """The pages of a search, fetched already."""

    def __init__(self, stack: ExitStack, kept: IO[bytes], pages: _Pages) -> None:
        self._stack = stack
        self._kept = kept
        self._pages = pages

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[SlotItem]:
        reader = SlotReader()
        self._kept.seek(0)
        with _said_by(self._pages.place):
            for size in self._pages.sizes:
                yield from reader.read(read_bundle(self._kept.read(size)))
            reader.check_whole()

    @property
    def state(self) -> FileState:
        """What to keep, once all was read."""
        return FileState(digest=self._pages.digest)

    @property
    def size(self) -> int:
        """Bytes of all pages, expanded."""
        return sum(self._pages.sizes)


@dataclass(frozen=True, slots=True)
class _Page:
    place: str
    content: bytes
    canonical: bytes
    next_url: str | None


@dataclass(frozen=True, slots=True)
class _Pages:
    place: str
    sizes: Sequence[int]
    digest: str


@contextmanager
def _said_by(place: str) -> Iterator[None]:
    """Say in the message of an error who sent what cannot be read."""
    try:
        yield
    except SlotSourceError as error:
        raise type(error)(f"{place}: {error}") from None


def _canonical(bundle: Bundle) -> bytes:
    """Write the entries alone: what is around them (the number of the search, its moment) changes each time."""
    try:
        return orjson.dumps(bundle.entries)
    except orjson.JSONEncodeError:
        raise UnreadablePublisherError("a FHIR bundle that nests too deep") from None


def _next_url(page_url: str, bundle: Bundle) -> str | None:
    """Give the address of the next page. Raises RefusedPublisherError where it is on another server."""
    if bundle.next_url is None:
        return None
    try:
        here = httpx.URL(page_url)
        there = here.join(bundle.next_url)
    except (httpx.InvalidURL, ValueError):
        raise RefusedPublisherError("the next page is not at an address") from None
    origins = [(url.scheme, url.host, url.port) for url in (here, there)]
    if origins[0] != origins[1] or there.userinfo not in {b"", here.userinfo}:
        raise RefusedPublisherError("the next page is on another server")
    return str(there)
