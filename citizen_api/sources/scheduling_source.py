"""A publisher of SMART Scheduling Links as a `SlotSource`: its manifest, then its files, one connection at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import httpx
import orjson

from citizen_api.core.outgoing import refusal
from citizen_api.core.setting_checks import LAST_PORT
from citizen_api.sources.records import SourceFormatError
from citizen_api.sources.scheduling_links import KINDS, Manifest, read_lines, read_manifest
from citizen_api.sources.slot_fetch import WAIT_S, Body, Limits, fetch_changed
from citizen_api.sources.slot_source import (
    FileState,
    Publication,
    RefusedPublisherError,
    SlotItem,
    UnreadablePublisherError,
)

MANIFEST_MAX_BYTES: Final = 5_000_000
_MANIFEST_TYPE: Final = "application/json"
_FILE_TYPE: Final = "application/fhir+ndjson"


class SchedulingLinks:
    """One publisher, from the address of its manifest. `max_bytes`: of each file; `wait_s`: for each."""

    def __init__(self, client: httpx.Client, url: str, *, max_bytes: int, wait_s: float = WAIT_S) -> None:
        self._client = client
        self._url = url
        self._limits = Limits(max_bytes, wait_s)

    def look(self, known: FileState | None, *, since: datetime | None) -> Publication | None:
        """Ask for the manifest; None when it did not change since `known`.

        `since` (aware): ask only for what changed since. Raises SlotSourceError.
        """
        url = self._url if since is None else _asking_since(self._url, since)
        limits = Limits(MANIFEST_MAX_BYTES, self._limits.wait_s)
        body = fetch_changed(self._client, url, known, accept=_MANIFEST_TYPE, limits=limits)
        if body is None:
            return None
        with body:
            content = b"".join(body.pieces())
        try:
            manifest = read_manifest(content)
        except SourceFormatError as error:
            raise UnreadablePublisherError(f"{body.place}: {error}") from None
        state = _state_of(manifest, body.state)
        if known is not None and state.digest is not None and known.digest == state.digest:
            return None
        return Publication(
            state=state, published_at=manifest.published_at, is_whole=since is None, files=self._files(manifest, body)
        )

    def _files(self, manifest: Manifest, body: Body) -> Sequence[NdjsonFile]:
        """Give each file once, places first; one that is named under two kinds is read with the later one."""
        rank_of: dict[str, int] = {}
        for kind, written in manifest.outputs:
            url = _absolute(body, written)
            rank_of[url] = max(rank_of.get(url, 0), KINDS.index(kind))
        in_order = sorted(rank_of.items(), key=lambda file: file[1])
        return [
            NdjsonFile(self._client, url, self._limits, holds_slots=KINDS[rank] == "Slot") for url, rank in in_order
        ]


class NdjsonFile:
    """One file of a publication."""

    def __init__(self, client: httpx.Client, url: str, limits: Limits, *, holds_slots: bool) -> None:
        self._client = client
        self._limits = limits
        self.url = url
        self.holds_slots = holds_slots

    def read(self, known: FileState | None) -> NdjsonReading | None:
        """Ask for it; None when it did not change since `known`. Raises SlotSourceError."""
        body = fetch_changed(self._client, self.url, known, accept=_FILE_TYPE, limits=self._limits)
        return None if body is None else NdjsonReading(body)


class NdjsonReading:
    """A file that is being read."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._body.close()

    def __iter__(self) -> Iterator[SlotItem]:
        try:
            yield from read_lines(self._body.pieces())
        except SourceFormatError as error:
            raise UnreadablePublisherError(f"{self._body.place}: {error}") from None

    @property
    def state(self) -> FileState:
        """What to keep, once all was read."""
        return self._body.state

    @property
    def size(self) -> int:
        """Bytes read so far, expanded."""
        return self._body.size


def _state_of(manifest: Manifest, state: FileState) -> FileState:
    """What tells whether a manifest changed: its moment and its files, however it is written.

    One that does not say when it was published tells nothing about its files: each is asked for every time.
    """
    if manifest.published_at is None:
        return FileState()
    said = orjson.dumps([manifest.published_at, manifest.outputs])
    return FileState(state.etag, state.modified, hashlib.sha256(said).hexdigest())


def _asking_since(url: str, since: datetime) -> str:
    """Add `_since` to an address, its other parameters untouched."""
    moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    address, _, _ = url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}_since={moment}"


def _absolute(body: Body, written: str) -> str:
    """Give the address of a file. Raises RefusedPublisherError for one that may not be called."""
    try:
        url = httpx.URL(body.url).join(written)
        is_address = bool(url.host) and (url.port or 0) <= LAST_PORT
        reason = refusal(str(url)) if is_address else "not an address"
    except (httpx.InvalidURL, ValueError):
        reason = "not an address"
    if reason:
        raise RefusedPublisherError(f"{body.place} names a file that is not fetched: {reason}")
    return str(url)
