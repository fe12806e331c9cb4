"""Reads one feed once: asks what there is, file by file, and stores it. Knows nothing of turns and waits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.rejected import RejectedFile, remove_earlier
from citizen_api.sources.slot_source import FileState, Publication, PublishedFile, SlotSource, TooSlowError
from citizen_api.teleconsult.feed_rules import is_believed, is_whole_due
from citizen_api.teleconsult.feed_state import ReadState, accepts_shrink, state_of
from citizen_api.teleconsult.models import Feed, Provider
from citizen_api.teleconsult.slot_ids import file_key
from citizen_api.teleconsult.slot_store import Intake, Scope, Stored

REPORTED_MOST: Final = 1_000
"""Rejected rows of one reading that are written down; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reading did. `stored` None: nothing had changed. `read_bytes` None: not all was read."""

    state: ReadState
    stored: Stored | None = None
    rejected: Counter[str]
    took_s: float = 0.0
    read_bytes: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether it says suspiciously little, and is not believed yet."""
        return self.stored is not None and self.stored.is_held


class Report:
    """Counts the rows that are rejected, and writes the first of them into a file."""

    def __init__(self, file: RejectedFile) -> None:
        self._file = file
        self.counts: Counter[str] = Counter()

    def reject(self, row: RejectedRow) -> None:
        """Take in a row."""
        if self.counts.total() < REPORTED_MOST:
            self._file.write(row)
        self.counts[row.code] += 1


class FeedReader:
    """Reads a feed within `within_s` seconds. `database`: that of `slot_store.connected`."""

    def __init__(
        self, database: Database, source: SlotSource, *, clock: Clock, reports_dir: Path, within_s: float
    ) -> None:
        self._database = database
        self._source = source
        self._clock = clock
        self._reports_dir = reports_dir
        self._within_s = within_s

    def read(self, feed: Feed, provider: Provider) -> Reading:
        """Read it and store what it says. Raises SlotSourceError; then nothing is forgotten."""
        now = self._clock()
        began_s = time.monotonic()
        known = state_of(feed)
        since = _since(feed, known, now)
        publication = self._source.look(_manifest(known, since), since=since)
        self._beat(now)
        if publication is None:
            return Reading(state=known if since else replace(known, whole_at=now), rejected=Counter())
        report_name = f"slots-{feed.name}"
        with RejectedFile(self._reports_dir, report_name, now) as file:
            report = Report(file)
            reading = self._take_in(feed, provider, publication, known, since, now, report)
        remove_earlier(self._reports_dir, report_name, kept=file.path)
        return replace(reading, took_s=time.monotonic() - began_s)

    def _take_in(
        self,
        feed: Feed,
        provider: Provider,
        publication: Publication,
        known: ReadState,
        since: datetime | None,
        now: datetime,
        report: Report,
    ) -> Reading:
        intake = Intake(self._database, feed.id, provider, now=now, reject=report.reject, beat=lambda: self._beat(now))
        # Of files that were changed upon since, what did not change would undo the changes.
        known_files = {} if since or known.has_changes else known.files
        files = _Files(publication.files, known_files, intake)
        files.read()
        scope = Scope(
            is_whole=publication.is_whole,
            forgets=publication.is_whole and files.tells_all_calendars,
            unread=files.unread,
            believed=is_believed(feed.held_since, now, accepted=accepts_shrink(feed)),
        )
        stored = intake.store(scope)
        reads_all = publication.is_whole and not files.unread
        return Reading(
            state=_next_state(known, publication, files.states, since, now),
            stored=stored,
            rejected=report.counts,
            read_bytes=files.size if reads_all else None,
        )

    def _beat(self, began_at: datetime) -> None:
        if (self._clock() - began_at).total_seconds() > self._within_s:
            raise TooSlowError(f"the reading took longer than {self._within_s:g} s")


class _Files:
    """The files of a publication, read into an intake. `known`: what is known of each, by its key.

    Those that share a key (`file_key`) are always read: one that did not change would hide what the other lost.
    """

    def __init__(self, files: Sequence[PublishedFile], known: Mapping[int, FileState], intake: Intake) -> None:
        self._files = files
        self._known = known
        self._intake = intake
        self._times = Counter(file_key(file.url) for file in files)
        self.states: dict[int, FileState] = {}
        self.unread: set[int] = set()
        self.size = 0
        self.tells_all_calendars = False

    def read(self) -> None:
        """Read those that changed. One of places or calendars is never read without the others of them."""
        describing = [file for file in self._files if not file.holds_slots]
        holding = [file for file in self._files if file.holds_slots]
        changed = [self._read(file, self._state_of(file)) for file in describing]
        if any(changed):
            changed = [was_read or self._read(file, None) for file, was_read in zip(describing, changed, strict=True)]
        said = self._intake.schedules_said
        holding_changed = [self._read(file, self._state_of(file)) for file in holding]
        all_said_beside = bool(describing) and self._intake.schedules_said == said
        self.tells_all_calendars = all(changed) and (all_said_beside or all(holding_changed))

    def _read(self, file: PublishedFile, known: FileState | None) -> bool:
        key = file_key(file.url)
        reading = file.read(known)
        if reading is None:
            self.unread.add(key)
            self.states[key] = known or FileState()
            return False
        with reading:
            self._intake.take(reading, key)
        self.unread.discard(key)
        self.size += reading.size
        if self._times[key] == 1:
            self.states[key] = reading.state
        return True

    def _state_of(self, file: PublishedFile) -> FileState | None:
        key = file_key(file.url)
        return self._known.get(key) if self._times[key] == 1 else None


def _since(feed: Feed, known: ReadState, now: datetime) -> datetime | None:
    """Since when changes are asked for; None: for all, as when a suspicious answer waits to be believed."""
    if not feed.asks_since or feed.held_since is not None or is_whole_due(known.whole_at, now):
        return None
    return known.published_at


def _manifest(known: ReadState, since: datetime | None) -> FileState | None:
    if since is None:
        return known.manifest
    return known.changes if known.changes_since == since else None


def _next_state(
    known: ReadState, publication: Publication, files: Mapping[int, FileState], since: datetime | None, now: datetime
) -> ReadState:
    if publication.is_whole:
        return ReadState(manifest=publication.state, files=files, published_at=publication.published_at, whole_at=now)
    return replace(
        known,
        published_at=publication.published_at or known.published_at,
        has_changes=known.has_changes or bool(publication.files),
        changes_since=since,
        changes=publication.state,
    )
