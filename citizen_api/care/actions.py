"""Writes of the care tables. None of them commits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from citizen_api.care import addresses, merging, queries, record_queries, rules
from citizen_api.care.models import (
    URL_LENGTH,
    DirectoryVersion,
    Facility,
    FacilityAlias,
    FacilityCategory,
    FacilityIdentifier,
    FacilityRecordRow,
    Import,
    Linking,
    Report,
    Source,
)
from citizen_api.core.db import Base
from citizen_api.core.problems import Problem, Unavailable
from citizen_api.sources.generic_csv import SourceInfo
from citizen_api.territory import queries as territory_queries

_BATCH: Final = 1_000
MAX_COMMENTS: Final = 10
"""Kept of the reports of one kind on one place: the newest, in the room that a row has."""


class ReportSettled(Problem):
    """A report can be settled once."""

    name, status = "report-settled", 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record to write. `what` it does: created, updated, closed; unchanged: only its date moves."""

    source_id: str
    key: str
    what: str
    dated: date
    digest: str
    facts: dict[str, Any]
    closed_at: datetime | None

    def to_line(self) -> str:
        """Write it as one line of JSON."""
        closed_at = self.closed_at.isoformat() if self.closed_at else None
        parts = self.source_id, self.key, self.what, self.dated.isoformat(), self.digest, self.facts, closed_at
        return json.dumps(parts) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Change:
        """Read what `to_line` wrote."""
        source_id, key, what, dated, digest, facts, closed_at = json.loads(line)
        return cls(
            source_id=source_id,
            key=key,
            what=what,
            dated=date.fromisoformat(dated),
            digest=digest,
            facts=facts,
            closed_at=datetime.fromisoformat(closed_at) if closed_at else None,
        )


def register_source(session: Session, info: SourceInfo, *, url: str | None, now: datetime) -> None:
    """Remember who says it; `url` holds no secret."""
    source = session.get(Source, info.id)
    if source is None:
        source = Source(id=info.id)
        session.add(source)
    source.title, source.producer, source.licence = info.title, info.producer, info.licence
    source.url, source.dated, source.imported_at = url and url[:URL_LENGTH], info.date, now
    session.flush()


def start_import(session: Session, source_id: str, content_digest: str, *, now: datetime) -> Import:
    """Register a run."""
    row = Import(source_id=source_id, content_digest=content_digest, started_at=now, counts={})
    session.add(row)
    session.flush()
    return row


def note_counts(session: Session, import_id: int, counts: Counter[str]) -> None:
    """Write down what a run did so far, in the same transaction as what it did."""
    session.execute(update(Import).where(Import.id == import_id).values(counts=dict(counts)))


def finish_import(session: Session, import_id: int, counts: Counter[str], *, now: datetime) -> None:
    """Write down that a run is whole, and what it did."""
    session.execute(update(Import).where(Import.id == import_id).values(counts=dict(counts), finished_at=now))


def move_directory_version(session: Session, *, now: datetime) -> None:
    """Tell every process that the facilities changed. Also serialises writers on PostgreSQL."""
    row = session.get(DirectoryVersion, 1, with_for_update=True)
    if row is None:
        session.add(DirectoryVersion(id=1, version=1, changed_at=now))
    else:
        row.version, row.changed_at = row.version + 1, now
    session.flush()


def write_changes(session: Session, source_id: str, changes: Sequence[Change], *, now: datetime) -> None:
    """Write what a source says, and bring the facilities that it speaks of in line."""
    keys = [change.key for change in changes]
    rows = queries.record_ids(session, source_id, keys)
    created = [change for change in changes if change.key not in rows]
    facility_ids = {facility_id for _, facility_id in rows.values()}
    if created:
        homes = _homes(session, source_id, created, now=now)
        _insert(
            session,
            FacilityRecordRow,
            [
                {
                    "source_id": source_id,
                    "key": change.key,
                    "facility_id": homes[change.key],
                    "dated": change.dated,
                    "digest": change.digest,
                    "facts": change.facts,
                    "closed_at": change.closed_at,
                    "confidence": 1.0,
                }
                for change in created
            ],
        )
        facility_ids.update(homes.values())
    updates = [
        {
            "id": rows[change.key][0],
            "dated": change.dated,
            "digest": change.digest,
            "facts": change.facts,
            "closed_at": change.closed_at,
        }
        for change in changes
        if change.key in rows
    ]
    _update(session, FacilityRecordRow, updates)
    merge_facilities(session, facility_ids, now=now)
    if any(change.what != "unchanged" for change in changes):
        note_moved_records(session)
    move_directory_version(session, now=now)


def note_moved_records(session: Session) -> None:
    """Remember that records changed, so that some may belong elsewhere: the linking of an import finds out."""
    session.execute(update(Linking).values(changed=Linking.changed + 1))


def _homes(session: Session, source_id: str, created: Sequence[Change], *, now: datetime) -> dict[str, str]:
    """Facility of each new record, by its key: the known one of the same identifier, else a new one."""
    wanted = {
        change.key: rules.identifying((scheme, value) for scheme, value in change.facts.get("identifiers", ()))
        for change in created
    }
    known = queries.facilities_by_identifier(session, [pair for pairs in wanted.values() for pair in pairs])
    homes: dict[str, str] = {}
    names: dict[str, str] = {}
    for change in created:
        pairs = wanted[change.key]
        home = next((known[pair] for pair in pairs if pair in known), None)
        if home is None:
            home = rules.facility_id(pairs, source_id=source_id, key=change.key)
            names[home] = change.facts["name"]
            known.update(dict.fromkeys(pairs, home))
        homes[change.key] = home
    create_facilities(session, names, now=now)
    return homes


def create_facilities(session: Session, names: Mapping[str, str], *, now: datetime) -> None:
    """Insert those of the facilities, {id: name}, that are not there yet; to be merged by who creates them."""
    new = names.keys() - queries.existing_facilities(session, names)
    session.execute(delete(FacilityAlias).where(FacilityAlias.id.in_(new)))
    _insert(
        session,
        Facility,
        [
            {
                "id": home,
                "name": names[home],
                "position_approximate": False,
                "services": [],
                "languages": [],
                "field_sources": {},
                "conflicts": {},
                "updated_at": now,
            }
            for home in sorted(new)
        ],
    )


def place_records(session: Session, placed: Sequence[dict[str, Any]]) -> None:
    """Write where records belong: rows of id, facility_id, confidence."""
    _update(session, FacilityRecordRow, placed)


def name_aliases(session: Session, aliases: Mapping[str, str]) -> None:
    """Let old ids, {alias: facility id}, answer for a place from now on; one that is its own target goes."""
    session.execute(delete(FacilityAlias).where(FacilityAlias.id.in_(aliases)))
    rows = [{"id": alias, "facility_id": target} for alias, target in sorted(aliases.items()) if alias != target]
    _insert(session, FacilityAlias, rows)


def move_reports(session: Session, targets: Mapping[str, str]) -> None:
    """Move the reports on places that merged, {old id: new id}; of one kind and place still only one waits."""
    for report in record_queries.reports_on(session, targets):
        target = targets[report.facility_id]
        waiting = queries.waiting_report(session, target, report.kind) if report.settled_at is None else None
        if waiting is None:
            report.facility_id = target
        else:
            waiting.times += report.times
            waiting.comments = list(dict.fromkeys([*waiting.comments, *report.comments]))[:MAX_COMMENTS]
            waiting.created_at = min(waiting.created_at, report.created_at)
            session.delete(report)
        session.flush()


def close_records(
    session: Session, source_id: str, keys: Collection[str], *, closed_at: datetime, now: datetime
) -> None:
    """Close what a source does not have any more, from the day of the stock that lacks it."""
    rows = queries.record_ids(session, source_id, keys)
    _update(session, FacilityRecordRow, [{"id": row_id, "closed_at": closed_at} for row_id, _ in rows.values()])
    merge_facilities(session, {facility_id for _, facility_id in rows.values()}, now=now)
    note_moved_records(session)
    move_directory_version(session, now=now)


def delete_records(session: Session, source_id: str, keys: Collection[str], *, now: datetime) -> None:
    """Forget what a source does not have any more; a place that nothing else describes goes, with all about it."""
    rows = queries.record_ids(session, source_id, keys)
    session.execute(delete(FacilityRecordRow).where(FacilityRecordRow.id.in_([row_id for row_id, _ in rows.values()])))
    merge_facilities(session, {facility_id for _, facility_id in rows.values()}, now=now)
    note_moved_records(session)
    move_directory_version(session, now=now)


def merge_facilities(session: Session, ids: Collection[str], *, now: datetime) -> bool:
    """Bring facilities in line with what their sources say; tell whether any changed.

    A place without coordinates of its own takes those that its address is known to have (`addresses`), else the
    centre of its commune, flagged approximate; a place that no record describes any more goes.
    """
    statements = queries.statements(session, ids)
    merged = {facility_id: merging.merge(said) for facility_id, said in statements.items()}
    lost = [place for place in merged.values() if place.lat is None]
    communes = {place.values["commune_code"] for place in lost} - {None}
    centres = territory_queries.centres(session, communes) if communes else {}
    known = addresses.known_positions(session, (addresses.Address.of(place.values) for place in lost))
    stored = queries.stored_facilities(session, merged)
    changed, categories, identifiers = [], {}, {}
    for facility_id, place in merged.items():
        values = _values(place, centres, known)
        before = stored[facility_id]
        if any(before.values[name] != value for name, value in values.items()):
            changed.append({"id": facility_id, "updated_at": now} | values)
        if before.categories != place.categories:
            categories[facility_id] = place.categories
        if before.identifiers != place.identifiers:
            identifiers[facility_id] = place.identifiers
    _update(session, Facility, changed)
    _replace(
        session,
        FacilityCategory,
        categories,
        [
            {"facility_id": facility_id, "category": category, "rank": rank}
            for facility_id, names in categories.items()
            for rank, category in enumerate(names)
        ],
    )
    _replace(
        session,
        FacilityIdentifier,
        identifiers,
        [
            {"facility_id": facility_id, "scheme": scheme, "value": value}
            for facility_id, pairs in identifiers.items()
            for scheme, value in pairs
        ],
    )
    gone = set(ids) - merged.keys()
    session.execute(delete(Facility).where(Facility.id.in_(gone)))
    return bool(changed or categories or identifiers or gone)


def _replace(
    session: Session,
    table: type[FacilityCategory | FacilityIdentifier],
    facility_ids: Collection[str],
    rows: Sequence[dict[str, Any]],
) -> None:
    if facility_ids:
        session.execute(delete(table).where(table.facility_id.in_(facility_ids)))
    _insert(session, table, rows)


def _insert(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of the same columns, all in one go: the ORM would split them by which are empty."""
    if rows:
        session.execute(insert(cast("Table", model.__table__)), rows)


def _update(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Update rows of the same columns, each named by its `id`, all in one go."""
    if rows:
        table = cast("Table", model.__table__)
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
        session.execute(
            update(table).where(table.c.id == bindparam("its_id")).values(columns),
            [{"its_id" if name == "id" else f"new_{name}": value for name, value in row.items()} for row in rows],
        )


def _values(
    place: merging.MergedPlace,
    centres: Mapping[str, tuple[float, float]],
    known: Mapping[str, addresses.KnownPosition],
) -> dict[str, Any]:
    lat, lon, sources = place.lat, place.lon, dict(place.field_sources)
    approximate = lat is None or place.position_approximate
    if lat is None:
        lat, lon = centres.get(place.values["commune_code"] or "", (None, None))
        address = addresses.Address.of(place.values) if known else None
        if address and (found := known.get(address.digest)):
            lat, lon, approximate = found.lat, found.lon, found.approximate
            sources[merging.POSITION] = [addresses.GEOCODER, found.asked_on.isoformat()]
    return {
        **place.values,
        "lat": lat,
        "lon": lon,
        "position_approximate": approximate and lat is not None,
        "opening_hours": place.opening_hours,
        "opening_hours_source": place.opening_hours_source,
        "field_sources": sources,
        "conflicts": dict(place.conflicts),
        "closed_at": place.closed_at,
    }


def remove_source(session: Session, source_id: str, *, now: datetime) -> int:
    """Take back everything that a source said, as if it had never been imported; give how many places it concerns."""
    ids = sorted(queries.facilities_of_source(session, source_id))
    session.execute(delete(FacilityRecordRow).where(FacilityRecordRow.source_id == source_id))
    for start in range(0, len(ids), _BATCH):
        merge_facilities(session, ids[start : start + _BATCH], now=now)
    if ids:
        note_moved_records(session)
        move_directory_version(session, now=now)
    return len(ids)


def report_facility(session: Session, *, facility_id: str, kind: str, comment: str | None, now: datetime) -> None:
    """Queue a resident's report for a moderator, or count it on the one of its kind and place that waits."""
    waiting = queries.waiting_report(session, facility_id, kind)
    if waiting is None:
        try:
            with session.begin_nested():
                session.add(Report(facility_id=facility_id, kind=kind, times=0, comments=[], created_at=now))
        except IntegrityError:
            pass  # somebody reported the same at the same moment
        waiting = queries.waiting_report(session, facility_id, kind)
        if waiting is None:  # settled in between: the next try opens a new one
            raise Unavailable(headers={"Retry-After": "1"})
    waiting.times += 1
    if comment is not None:
        others = [said for said in waiting.comments if said != comment]
        waiting.comments = [comment, *others][:MAX_COMMENTS]
    session.flush()


def settle_report(session: Session, row: Report, *, settlement: str, note: str | None, now: datetime) -> None:
    """Settle a report, once. Raises ReportSettled."""
    if row.settled_at is not None:
        raise ReportSettled
    row.settled_at, row.settlement, row.settlement_note = now, settlement, note
    session.flush()
