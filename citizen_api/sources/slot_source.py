"""How a publisher of appointments is read: first whether anything changed, then file by file, record by record.

Whoever keeps the slots (`teleconsult/feed_sync`) knows only this; each format has a reader of its own. Nothing is held
whole in memory: a file is a stream of records, capped in bytes and in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord

SlotItem = PlaceRecord | ScheduleRecord | SlotRecord | RejectedRow


class SlotSourceError(Exception):
    """A publisher could not be read. The message is one line for a log: host and path, never a query or a body."""

    code = "down"
    """Of `Feed.problem`."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BusyPublisherError(SlotSourceError):
    """It asks to be left alone for a while (429, or 503 with Retry-After)."""

    code = "busy"


class RefusedPublisherError(SlotSourceError):
    """It does not let us in (401, 403), or its address is none that may be called."""

    code = "refused"


class UnreadablePublisherError(SlotSourceError):
    """What it says is not in its format."""

    code = "unreadable"


class TooLargeError(SlotSourceError):
    """A file is larger than the setting allows, once decompressed too."""

    code = "too_large"


class TooSlowError(SlotSourceError):
    """It took longer than a whole reading may."""

    code = "too_slow"


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells whether a file changed: its validators, and a digest of its bytes. All None: nothing is known."""

    etag: str | None = None
    modified: str | None = None
    digest: str | None = None


class FileReading(Protocol):
    """A file that is being read: a context manager that gives its records, once."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""

    def __iter__(self) -> Iterator[SlotItem]:
        """Give the records in their order. Raises SlotSourceError for a file that breaks off or passes its caps."""

    @property
    def state(self) -> FileState:
        """What to keep, once all was read."""

    @property
    def size(self) -> int:
        """Bytes read so far."""


class PublishedFile(Protocol):
    """One file of a publication. `url` as it is asked; a FHIR search with all its pages is one file."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def holds_slots(self) -> bool:
        """False: only places or schedules."""

    def read(self, known: FileState | None) -> FileReading | None:
        """Ask for it; None when it did not change since `known`. Raises SlotSourceError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a publisher has now. `state`: to be handed in the next time. `published_at`: by its own word.

    `is_whole`: what it does not say any more is gone; False: it says only what changed. `files`: places and schedules
    before slots, where they are apart.
    """

    state: FileState
    published_at: datetime | None
    is_whole: bool
    files: Sequence[PublishedFile]


class SlotSource(Protocol):
    """A reader of one feed."""

    def look(self, known: FileState | None, *, since: datetime | None) -> Publication | None:
        """Ask what there is; None when nothing changed since `known`.

        `since`: ask only for what changed since (a publisher may ignore it). Raises SlotSourceError.
        """
