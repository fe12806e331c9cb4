"""Source -> tables: idempotent, batched, resumable.

A run first reads the whole file and writes nothing: it compares each record with what is known, sets the changes
aside, reports the rejected rows, and finds out how many known places would vanish. Then it writes the changes,
batch by batch, each batch one transaction with its counts. A killed run, started again, finds what it wrote
unchanged, and goes on with the rest. Memory holds a key and a digest for each place, whatever the file holds.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from citizen_api.care import actions, linking, locating, queries, rules
from citizen_api.care.actions import Change
from citizen_api.care.importing import only_import
from citizen_api.care.models import Import
from citizen_api.care.records import (
    CommuneFinder,
    digest_of,
    facts_of,
    fault_of,
    is_left_out,
    rejection_of,
    unknown_services,
    with_commune,
    with_known_services,
    with_readable_hours,
)
from citizen_api.care.rejected import Named
from citizen_api.core.db import Database
from citizen_api.people.actions import COMMAND_LINE, record_change
from citizen_api.sources.generic_csv import SourceInfo
from citizen_api.sources.records import CUT_OFF, FacilityRecord, RejectedRow, SourceFormatError
from citizen_api.sources.rejected import RejectedFile, remove_earlier
from citizen_api.territory.geocoding import GuardedGeocoder

BATCH_ROWS: Final = 1_000
MAX_VANISHING_SHARE: Final = 0.20

Reader = Callable[[BinaryIO], Iterator[FacilityRecord | RejectedRow]]
Vanished = Literal["closed", "deleted"]
Progress = Callable[[str, int, int], None]
"""Told (what, rows done, rows in all)."""


class TooManyVanishingError(Exception):
    """The new stock lacks too many known places: more likely a broken file than a closed profession."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One file of one source, or of several, each row naming its own.

    `complete`: what is absent from it is closed, or deleted if `vanished` says so: a register of persons has to be
    forgotten with them, down to the reports of rows that earlier runs rejected. `read_as` tells one way of reading a
    file from another: only a run that reads the same bytes in the same way resumes a killed one.
    """

    path: Path
    sources: tuple[SourceInfo, ...]
    reader: Reader
    complete: bool
    url: str | None = None
    read_as: str = ""
    vanished: Vanished = "closed"

    @property
    def default_source(self) -> SourceInfo:
        """The source of rows that name none."""
        return self.sources[0]

    @property
    def file_name(self) -> str:
        """Name of the file, or the last part of its address: nothing that an address may hold in secret."""
        return PurePosixPath(urlsplit(self.url).path).name if self.url else self.path.name


@dataclass(slots=True)
class ImportReport:
    """What an import did, or (dry run) would do: counts of records, and where the rejected rows are.

    `vanished`: what became of what the file lacks. `resumed`: how many changes a killed run had written already
    (they are in `counts`), or None. `services_unknown`: words for services that are none of ours, how often each.
    `located`: what the outside geocoder told, if it was to be asked.
    """

    vanished: Vanished = "closed"

    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    hours_not_understood: int = 0
    services_unknown: Counter[str] = field(default_factory=Counter)
    rejected_file: Path | None = None
    resumed: int | None = None
    located: locating.LocatingReport | None = None


@dataclass(slots=True)
class _Comparison:
    """What the file says against what is known, by source. `changes` holds the changes, one a line."""

    changes: IO[str]
    known: dict[str, dict[str, rules.KnownRecord]]
    seen: dict[str, set[str]] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    changed: int = 0

    def absent(self, source_id: str, vanished: Vanished) -> list[str]:
        """Keys that the file does not have: of the open places, or of all that are to be deleted."""
        known, seen = self.known[source_id], self.seen[source_id]
        wanted = vanished == "deleted"
        return sorted(key for key, record in known.items() if (wanted or record.is_open) and key not in seen)


def run_import(
    database: Database,
    stock: Stock,
    *,
    now: datetime,
    reports_dir: Path,
    dry_run: bool = False,
    force: bool = False,
    geocoder: GuardedGeocoder | None = None,
    progress: Progress = lambda *_: None,
) -> ImportReport:
    """Import a stock; see the module. A `geocoder` is asked, at the end, where the places without position are.

    Raises SourceFormatError, TooManyVanishingError, ImportRunningError; nothing is written then.
    """
    report = ImportReport(vanished=stock.vanished)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(only_import(database))
        changes = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        comparison = _compare(database, stock, changes, report, reports_dir=reports_dir, now=now, progress=progress)
        absent = {
            source.id: comparison.absent(source.id, stock.vanished) if stock.complete else []
            for source in stock.sources
        }
        if not force:
            if stock.complete:
                _refuse_if_cut_off(report)
            _refuse_if_too_many_vanish(comparison, absent)
        if dry_run:
            for source_id, counts in comparison.counts.items():
                report.counts += counts + Counter({stock.vanished: len(absent[source_id])})
            return report
        runs = _begin(database, stock, now=now)
        _write(database, comparison, runs, now=now, progress=progress)
        _take_out_absent(database, stock, absent, runs, now=now)
        linking.link_records(database, now=now, progress=progress)
        _finish(database, stock, comparison, runs, report, forced=force, now=now)
        if stock.vanished == "deleted":
            database.forget_deleted()
            # They name persons who may have left it since.
            remove_earlier(reports_dir, stock.default_source.id, kept=report.rejected_file)
        if geocoder is not None:
            report.located = locating.locate_places(
                database, geocoder, now=now, most_s=locating.AFTER_IMPORT_S, progress=progress
            )
    return report


def _compare(
    database: Database,
    stock: Stock,
    changes: IO[str],
    report: ImportReport,
    *,
    reports_dir: Path,
    now: datetime,
    progress: Progress,
) -> _Comparison:
    with database.session(write=False) as session:
        known = {source.id: queries.known_records(session, source.id) for source in stock.sources}
    comparison = _Comparison(changes, known)
    for source in stock.sources:
        comparison.seen[source.id], comparison.counts[source.id] = set(), Counter()
    dates = {source.id: source.date for source in stock.sources}
    named = {source_id: Named(keys) for source_id, keys in known.items()}
    communes = CommuneFinder(database)
    with (
        stock.path.open("rb") as stream,
        RejectedFile(reports_dir, stock.default_source.id, now) as rejected,
    ):
        for rows, item in enumerate(stock.reader(stream), start=1):
            if isinstance(item, RejectedRow):
                report.rejected[item.code] += 1
                rejected.write(item)
                # A known place whose row cannot be read this time has not vanished.
                for source_id, seen in comparison.seen.items():
                    seen.update(named[source_id].in_text(item.raw))
                continue
            source_id = item.source_id or stock.default_source.id
            if reason := fault_of(item, dates.keys()):
                refused = rejection_of(item, reason)
                report.rejected[refused.code] += 1
                rejected.write(refused)
                comparison.seen.get(source_id, set()).add(item.key)
            elif is_left_out(item):
                report.left_out[item.category_codes[0][1]] += 1
            else:
                record = with_known_services(with_readable_hours(with_commune(item, communes)))
                report.hours_not_understood += record.opening_hours is None and bool(record.opening_hours_verbatim)
                report.services_unknown.update(unknown_services(item))
                _set_aside(comparison, source_id, record, stock_date=dates[source_id], now=now)
            if rows % BATCH_ROWS == 0:
                progress("reading", rows, 0)
    report.rejected_file = rejected.path
    return comparison


def _set_aside(
    comparison: _Comparison, source_id: str, record: FacilityRecord, *, stock_date: date, now: datetime
) -> None:
    """Count what a record changes, and keep it for the writing if it changes anything."""
    comparison.seen[source_id].add(record.key)
    known = comparison.known[source_id].get(record.key)
    facts = facts_of(record)
    digest = digest_of(record, facts)
    dated = record.updated_on or record.source_date or stock_date
    what = rules.outcome(known, digest=digest, closed=record.closed)
    comparison.counts[source_id][what] += 1
    if what == "unchanged" and known is not None and known.dated == dated:
        return
    closed_on = record.closed_on or dated
    change = Change(
        source_id=source_id,
        key=record.key,
        what=what,
        dated=dated,
        digest=digest,
        facts=facts,
        closed_at=datetime(closed_on.year, closed_on.month, closed_on.day, tzinfo=now.tzinfo)
        if record.closed
        else None,
    )
    comparison.changes.write(change.to_line())
    comparison.changed += 1


def _refuse_if_cut_off(report: ImportReport) -> None:
    """Refuse a file whose rest is missing: whoever should stand there would count as gone."""
    if report.rejected[CUT_OFF]:
        raise SourceFormatError(
            "The file breaks off in its last row, so more may be missing. Nothing was changed. "
            "--force imports it all the same."
        )


def _refuse_if_too_many_vanish(comparison: _Comparison, absent: dict[str, list[str]]) -> None:
    for source_id, keys in absent.items():
        known = sum(record.is_open for record in comparison.known[source_id].values())
        share = rules.vanishing_share(known=known, vanished=len(keys))
        if share > MAX_VANISHING_SHARE:
            raise TooManyVanishingError(
                f"{len(keys)} of the {known} known places of {source_id} ({share:.0%}) are absent from "
                f"this file. Nothing was changed. If that is right, import it again with --force."
            )


@dataclass(slots=True)
class _Run:
    """The run of one source: its row, and what a killed run of the same content had counted, or None.

    `wrote`: whether it wrote anything, were it only newer dates.
    """

    import_id: int
    before: Counter[str] | None
    counts: Counter[str] = field(default_factory=Counter)
    wrote: bool = False


def _begin(database: Database, stock: Stock, *, now: datetime) -> dict[str, _Run]:
    """Register the sources and the runs, or find again those that were cut short."""
    digest = _content_digest(stock)
    runs = {}
    with database.session() as session:
        for info in stock.sources:
            actions.register_source(session, info, url=stock.url, now=now)
            row = queries.unfinished_import(session, info.id, digest)
            before = None if row is None else Counter(row.counts)
            row = row or actions.start_import(session, info.id, digest, now=now)
            runs[info.id] = _Run(row.id, before, Counter(before or {}), wrote=bool(before))
    return runs


def _write(
    database: Database, comparison: _Comparison, runs: dict[str, _Run], *, now: datetime, progress: Progress
) -> None:
    comparison.changes.seek(0)
    done = 0
    while lines := list(islice(comparison.changes, BATCH_ROWS)):
        batch = [Change.from_line(line) for line in lines]
        with database.session() as session:
            by_source: dict[str, list[Change]] = {}
            for change in batch:
                by_source.setdefault(change.source_id, []).append(change)
            for source_id, changes in by_source.items():
                actions.write_changes(session, source_id, changes, now=now)
                runs[source_id].wrote = True
                runs[source_id].counts.update(change.what for change in changes if change.what != "unchanged")
                actions.note_counts(session, runs[source_id].import_id, runs[source_id].counts)
        done += len(batch)
        progress("importing", done, comparison.changed)


def _take_out_absent(
    database: Database, stock: Stock, absent: dict[str, list[str]], runs: dict[str, _Run], *, now: datetime
) -> None:
    """Close what a complete stock no longer has, from its own day on, or delete it where that is personal data."""
    days = {source.id: datetime.combine(source.date, time.min, now.tzinfo) for source in stock.sources}
    for source_id, keys in absent.items():
        for start in range(0, len(keys), BATCH_ROWS):
            batch = keys[start : start + BATCH_ROWS]
            with database.session() as session:
                if stock.vanished == "deleted":
                    actions.delete_records(session, source_id, batch, now=now)
                else:
                    actions.close_records(session, source_id, batch, closed_at=min(days[source_id], now), now=now)
                runs[source_id].wrote = True
                runs[source_id].counts["absent"] += len(batch)
                actions.note_counts(session, runs[source_id].import_id, runs[source_id].counts)


def _finish(
    database: Database,
    stock: Stock,
    comparison: _Comparison,
    runs: dict[str, _Run],
    report: ImportReport,
    *,
    forced: bool,
    now: datetime,
) -> None:
    """Close the runs, and write those that changed anything to the audit log in the same transaction."""
    with database.session() as session:
        for source_id, run in runs.items():
            in_file = comparison.counts[source_id].total()
            counts = Counter({name: run.counts[name] for name in ("created", "updated", "closed")})
            # What a killed run wrote is found unchanged now, but this import is what changed it.
            counts["unchanged"] = in_file - counts.total()
            counts[stock.vanished] += run.counts["absent"]
            actions.finish_import(session, run.import_id, counts, now=now)
            if run.wrote:
                record_change(
                    session,
                    actor=COMMAND_LINE,
                    action="care.import",
                    subject=f"source {source_id}",
                    details={"counts": dict(counts), "forced": forced, "file": stock.file_name},
                    now=now,
                )
            report.counts += counts
            if run.before is not None:
                report.resumed = (report.resumed or 0) + run.before.total()


def _content_digest(stock: Stock) -> str:
    """Digest of the file and of the way it is read."""
    with stock.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(repr((stock.read_as, stock.complete, stock.sources)).encode())
    return digest.hexdigest()


def never_imported(database: Database, stock: Stock) -> list[str]:
    """Which sources of a stock no import ever finished, of whatever file."""
    ids = [source.id for source in stock.sources]
    with database.session(write=False) as session:
        finished = session.scalars(
            select(Import.source_id).where(Import.source_id.in_(ids), Import.finished_at.is_not(None))
        ).all()
    return [source_id for source_id in ids if source_id not in finished]
