"""Source -> tables: idempotent, batched, resumable.

A run reads the file twice. The first reading touches nothing: it counts, writes the rejected rows to a report and
finds out how many known places would vanish. The second writes, batch by batch, each batch one transaction
with the place reached; a killed run, started again on the same content, goes on from there.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy.orm import Session

from citizen_api.care import actions, queries, rules
from citizen_api.care.categories import LEFT_OUT, category_of
from citizen_api.care.hours import HoursNotUnderstood, parse_hours
from citizen_api.care.models import Facility, FacilityRecordRow, Import, Source
from citizen_api.core.db import Database
from citizen_api.sources.generic_csv import SourceInfo
from citizen_api.sources.records import FacilityRecord, RejectedRow
from citizen_api.territory import queries as territory_queries

BATCH_ROWS: Final = 500
MAX_VANISHING_SHARE: Final = 0.20
ANY_COMMUNE: Final = "75056"
_NOT_FACTS: Final = frozenset({"key", "closed", "closed_on", "source_id", "source_date"})

Reader = Callable[[BinaryIO], Iterator[FacilityRecord | RejectedRow]]
Progress = Callable[[str, int, int], None]
"""Told (what, rows done, rows in all)."""


class TooManyVanishingError(Exception):
    """The new stock lacks too many known places: more likely a broken file than a closed profession."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One file of one source (or of several, each row naming its own), ready to be read twice.

    `complete`: what is absent from it is closed.
    """

    path: Path
    sources: tuple[SourceInfo, ...]
    reader: Reader
    complete: bool
    url: str | None = None

    @property
    def default_source(self) -> SourceInfo:
        """The source of rows that name none."""
        return self.sources[0]


@dataclass(slots=True)
class ImportReport:
    """What an import did, or (dry run) would do: counts of records, and where the rejected rows are."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    hours_not_understood: int = 0
    rejected_file: Path | None = None
    resumed_at_row: int = 0


@dataclass(slots=True)
class _Survey:
    rows: int = 0
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """Source id -> key -> digest."""


def run_import(
    database: Database,
    stock: Stock,
    *,
    now: datetime,
    reports_dir: Path,
    dry_run: bool = False,
    force: bool = False,
    progress: Progress = lambda *_: None,
) -> ImportReport:
    """Import a stock; see the module. Raises SourceFormatError, TooManyVanishingError (nothing written then)."""
    report = ImportReport()
    content_digest = _digest_of_file(stock.path)
    survey = _survey(stock, report, reports_dir=reports_dir, now=now, progress=progress)
    _foresee(database, stock, survey, report, force=force)
    if dry_run:
        return report
    report.counts.clear()
    imports = _begin(database, stock, content_digest, now=now)
    done = report.resumed_at_row = min(row.rows_done for row in imports.values())
    report.counts.update(imports[stock.default_source.id].counts)
    with stock.path.open("rb") as stream:
        records = enumerate(_records(stock, stream), start=1)
        while batch := list(islice(records, BATCH_ROWS)):
            position = batch[-1][0]
            if position > done:
                rows = [item for number, item in batch if number > done and isinstance(item, FacilityRecord)]
                with database.session() as session:
                    _write_batch(session, stock, imports, rows, report, now=now)
                    for row in imports.values():
                        stored = session.merge(row)
                        stored.rows_done, stored.counts = position, dict(report.counts)
            progress("importing", position, survey.rows)
    _close_absent(database, stock, imports, report, now=now)
    return report


def _survey(stock: Stock, report: ImportReport, *, reports_dir: Path, now: datetime, progress: Progress) -> _Survey:
    survey = _Survey(keys={source.id: {} for source in stock.sources})
    rejected: list[RejectedRow] = []
    with stock.path.open("rb") as stream:
        for item in _records(stock, stream, report):
            survey.rows += 1
            if isinstance(item, RejectedRow):
                report.rejected[item.code] += 1
                rejected.append(item)
            elif item is not None:
                source_id = item.source_id or stock.default_source.id
                survey.keys[source_id][item.key] = _digest(_facts(item), closed=item.closed)
            if survey.rows % BATCH_ROWS == 0:
                progress("reading", survey.rows, 0)
    if rejected:
        report.rejected_file = _write_rejected(reports_dir, stock, rejected, now)
    return survey


def _records(
    stock: Stock, stream: BinaryIO, report: ImportReport | None = None
) -> Iterator[FacilityRecord | RejectedRow | None]:
    """Read the stock's rows; None for one that is left out on purpose. Counts into `report` when given."""
    known = {source.id for source in stock.sources}
    for row, item in enumerate(stock.reader(stream), start=1):
        if isinstance(item, RejectedRow):
            yield item
            continue
        codes = [(scheme, code) for scheme, code in item.category_codes if category_of(scheme, code) is None]
        if len(codes) == len(item.category_codes) and item.category_codes:
            if all(scheme == "finess" and code in LEFT_OUT for scheme, code in codes):
                if report is not None:
                    report.left_out.update(code for _, code in codes)
                yield None
            else:
                named = ", ".join(f"{scheme}:{code}" for scheme, code in codes)
                yield RejectedRow(row, f"unknown_category: {named} is not a category that we know.", item.key)
            continue
        if item.source_id is not None and item.source_id not in known:
            yield RejectedRow(row, f"unknown_source: {item.source_id} is not described.", item.key)
            continue
        yield _with_readable_hours(item, report)


def _with_readable_hours(record: FacilityRecord, report: ImportReport | None) -> FacilityRecord:
    """Hours that cannot be read are unknown: kept word for word, never guessed."""
    if record.opening_hours is None:
        return record
    try:
        parse_hours(record.opening_hours, insee_code=record.commune_code or ANY_COMMUNE)
    except HoursNotUnderstood:
        if report is not None:
            report.hours_not_understood += 1
        verbatim = record.opening_hours_verbatim or record.opening_hours
        return replace(record, opening_hours=None, opening_hours_verbatim=verbatim)
    return record


def _foresee(database: Database, stock: Stock, survey: _Survey, report: ImportReport, *, force: bool) -> None:
    """Count what would happen, without writing. Raises TooManyVanishingError."""
    with database.session(write=False) as session:
        for source_id, keys in survey.keys.items():
            known = queries.digests(session, source_id)
            vanished = known.keys() - keys.keys() if stock.complete else set()
            share = rules.vanishing_share(known=len(known), vanished=len(vanished))
            if share > MAX_VANISHING_SHARE and not force:
                raise TooManyVanishingError(
                    f"{len(vanished)} of the {len(known)} known places of {source_id} ({share:.0%}) are absent from "
                    f"this file. Nothing was changed. If that is right, import it again with --force."
                )
            report.counts["created"] += len(keys.keys() - known.keys())
            report.counts["unchanged"] += sum(known.get(key) == digest for key, digest in keys.items())
            report.counts["updated"] += sum(key in known and known[key] != digest for key, digest in keys.items())
            report.counts["closed"] += len(vanished)


def _begin(database: Database, stock: Stock, content_digest: str, *, now: datetime) -> dict[str, Import]:
    """Register the sources and the run, or find again the run that was cut short."""
    with database.session() as session:
        imports = {}
        for info in stock.sources:
            source = session.get(Source, info.id)
            if source is None:
                source = Source(id=info.id)
                session.add(source)
            source.title, source.producer, source.licence = info.title, info.producer, info.licence
            source.url, source.dated, source.imported_at = stock.url, info.date, now
            session.flush()
            row = queries.unfinished_import(session, info.id, content_digest)
            if row is None:
                row = Import(source_id=info.id, content_digest=content_digest, started_at=now, rows_done=0, counts={})
                session.add(row)
            imports[info.id] = row
        session.flush()
        return imports


def _write_batch(
    session: Session,
    stock: Stock,
    imports: Mapping[str, Import],
    records: Sequence[FacilityRecord],
    report: ImportReport,
    *,
    now: datetime,
) -> None:
    by_source: dict[str, list[FacilityRecord]] = {}
    for record in records:
        by_source.setdefault(record.source_id or stock.default_source.id, []).append(record)
    touched: set[str] = set()
    for source_id, group in by_source.items():
        info = next(source for source in stock.sources if source.id == source_id)
        touched |= _write_records(session, info, imports[source_id].id, group, report, now=now)
    if touched:
        changed = actions.merge_facilities(session, touched, centroids=_centroids(session, records), now=now)
        if changed:
            actions.move_directory_version(session, now=now)


def _write_records(
    session: Session,
    info: SourceInfo,
    import_id: int,
    records: Sequence[FacilityRecord],
    report: ImportReport,
    *,
    now: datetime,
) -> set[str]:
    """Write what a source says; give the ids of the facilities that it concerns and that may have changed."""
    known = queries.records_by_key(session, info.id, [record.key for record in records])
    facilities = queries.facilities_by_identifier(
        session, (pair for record in records for pair in rules.identifying(record.identifiers))
    )
    touched: set[str] = set()
    for record in records:
        facts = _facts(record)
        digest = _digest(facts, closed=record.closed)
        row = known.get(record.key)
        if row is not None and row.digest == digest and (row.closed_at is None or record.closed):
            row.seen_in = import_id
            report.counts["unchanged"] += 1
            continue
        dated = record.updated_on or record.source_date or info.date
        closed_at = _moment(record.closed_on or info.date, now) if record.closed else None
        if row is None:
            facility_id = _facility_for(session, record, info, facilities, now=now)
            session.add(
                FacilityRecordRow(
                    source_id=info.id,
                    key=record.key,
                    facility_id=facility_id,
                    dated=dated,
                    digest=digest,
                    facts=facts,
                    closed_at=closed_at,
                    seen_in=import_id,
                )
            )
            report.counts["created"] += 1
            touched.add(facility_id)
        else:
            row.dated, row.digest, row.facts, row.closed_at = dated, digest, facts, closed_at
            row.seen_in = import_id
            report.counts["updated"] += 1
            touched.add(row.facility_id)
    session.flush()
    return touched


def _facility_for(
    session: Session,
    record: FacilityRecord,
    info: SourceInfo,
    facilities: dict[tuple[str, str], str],
    *,
    now: datetime,
) -> str:
    """Find the facility that a new record speaks of, by identifier; else make it."""
    pairs = rules.identifying(record.identifiers)
    for pair in pairs:
        if pair in facilities:
            return facilities[pair]
    facility_id = rules.facility_id(record.identifiers, source_id=info.id, key=record.key)
    if session.get(Facility, facility_id) is None:
        session.add(Facility(id=facility_id, name=record.name, position_approximate=False, updated_at=now))
    for pair in pairs:
        facilities[pair] = facility_id
    return facility_id


def _centroids(session: Session, records: Sequence[FacilityRecord]) -> dict[str, tuple[float, float]]:
    codes = {record.commune_code for record in records if record.lat is None and record.commune_code}
    return territory_queries.centres(session, codes) if codes else {}


def _close_absent(
    database: Database, stock: Stock, imports: Mapping[str, Import], report: ImportReport, *, now: datetime
) -> None:
    """Close, batch by batch, what a complete stock no longer has; then the run is finished."""
    for source_id, row in imports.items():
        while stock.complete:
            with database.session() as session:
                absent = queries.records_not_seen(session, source_id, row.id, limit=BATCH_ROWS)
                if not absent:
                    break
                for record in absent:
                    record.closed_at = now
                report.counts["closed"] += len(absent)
                session.flush()
                actions.merge_facilities(session, {r.facility_id for r in absent}, centroids={}, now=now)
                actions.move_directory_version(session, now=now)
        with database.session() as session:
            stored = session.merge(row)
            stored.finished_at, stored.counts = now, dict(report.counts)


def _facts(record: FacilityRecord) -> dict[str, Any]:
    """Fields of a record that say something, as JSON keeps them."""
    facts: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if each.name in _NOT_FACTS or value in (None, "", ()):
            continue
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = [list(pair) for pair in value]
        facts[each.name] = value
    return facts


def _digest(facts: Mapping[str, Any], *, closed: bool) -> str:
    text = json.dumps([facts, closed], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _moment(day: date, now: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _write_rejected(reports_dir: Path, stock: Stock, rejected: Sequence[RejectedRow], now: datetime) -> Path:
    reports_dir.mkdir(parents=True, exist_ok=True)
    path = reports_dir / f"{stock.default_source.id}-{now:%Y%m%dT%H%M%S}-rejected.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "reason", "raw"])
        writer.writerows([row.row, row.reason, row.raw] for row in rejected)
    return path


def is_imported(database: Database, stock: Stock) -> bool:
    """Whether the newest finished import of every source of a stock was of this very content."""
    digest = _digest_of_file(stock.path)
    with database.session(write=False) as session:
        return all(queries.last_content(session, source.id) == digest for source in stock.sources)
