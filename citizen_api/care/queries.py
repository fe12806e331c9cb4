"""Reads of the care tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from citizen_api.care import rules
from citizen_api.care.directory import Place, SourceMention
from citizen_api.care.models import (
    DirectoryVersion,
    Facility,
    FacilityIdentifier,
    FacilityRecordRow,
    Import,
    Report,
    Source,
)

_BATCH = 2_000


def directory_version(session: Session) -> int:
    """Give the version of the facilities; 0 before the first import."""
    return session.scalar(select(DirectoryVersion.version)) or 0


def places(session: Session) -> list[Place]:
    """Read every place that is open for good and has a position, by id."""
    sources = {source.id: source for source in session.scalars(select(Source))}
    statement = (
        select(Facility)
        .where(Facility.closed_at.is_(None), Facility.lat.is_not(None))
        .order_by(Facility.id)
        .options(
            selectinload(Facility.categories),
            selectinload(Facility.identifiers),
            selectinload(Facility.records),
        )
        .execution_options(yield_per=_BATCH)
    )
    return [_place(facility, sources) for facility in session.scalars(statement)]


def facility(session: Session, facility_id: str) -> Facility | None:
    """Find a facility by its id, open or closed."""
    return session.get(Facility, facility_id)


def place(session: Session, facility_id: str) -> Place | None:
    """Read one place by its id, also one that is closed or without a position (NaN then)."""
    found = session.get(Facility, facility_id)
    if found is None:
        return None
    return _place(found, {source.id: source for source in session.scalars(select(Source))})


def _place(facility: Facility, sources: dict[str, Source]) -> Place:
    mentions = {
        row.source_id: SourceMention(row.source_id, sources[row.source_id].title, row.dated)
        for row in facility.records
        if row.closed_at is None or facility.closed_at is not None
    }
    return Place(
        id=facility.id,
        name=facility.name,
        categories=tuple(category.category for category in facility.categories),
        street=facility.street,
        postcode=facility.postcode,
        city=facility.city,
        commune_code=facility.commune_code,
        phone=facility.phone,
        website=facility.website,
        lat=float("nan") if facility.lat is None else facility.lat,
        lon=float("nan") if facility.lon is None else facility.lon,
        position_approximate=facility.position_approximate,
        wheelchair=facility.wheelchair,
        opening_hours=facility.opening_hours,
        opening_hours_verbatim=facility.opening_hours_verbatim,
        opening_hours_source=facility.opening_hours_source,
        identifiers=tuple((identifier.scheme, identifier.value) for identifier in facility.identifiers),
        sources=tuple(mentions[source_id] for source_id in sorted(mentions)),
        closed_at=facility.closed_at,
    )


def records_by_key(session: Session, source_id: str, keys: Collection[str]) -> dict[str, FacilityRecordRow]:
    """Find a source's records by their keys."""
    rows = session.scalars(
        select(FacilityRecordRow).where(FacilityRecordRow.source_id == source_id, FacilityRecordRow.key.in_(keys))
    )
    return {row.key: row for row in rows}


def open_keys(session: Session, source_id: str) -> set[str]:
    """Keys of the records of a source that are not closed."""
    return set(
        session.scalars(
            select(FacilityRecordRow.key).where(
                FacilityRecordRow.source_id == source_id, FacilityRecordRow.closed_at.is_(None)
            )
        )
    )


def digests(session: Session, source_id: str) -> dict[str, str]:
    """Digest of each record of a source that is not closed, by its key."""
    rows = session.execute(
        select(FacilityRecordRow.key, FacilityRecordRow.digest).where(
            FacilityRecordRow.source_id == source_id, FacilityRecordRow.closed_at.is_(None)
        )
    )
    return {row.key: row.digest for row in rows}


def facilities_by_identifier(session: Session, identifiers: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Facility id of each (scheme, value) that names one place and is known."""
    found: dict[tuple[str, str], str] = {}
    values = list(identifiers)
    for scheme in rules.IDENTIFYING_SCHEMES:
        wanted = [value for each, value in values if each == scheme]
        rows = session.execute(
            select(FacilityIdentifier.value, FacilityIdentifier.facility_id).where(
                FacilityIdentifier.scheme == scheme, FacilityIdentifier.value.in_(wanted)
            )
        )
        found.update({(scheme, value): facility_id for value, facility_id in rows})
    return found


def facilities_with_everything(session: Session, ids: Collection[str]) -> dict[str, Facility]:
    """Load facilities with their categories, identifiers and records."""
    rows = session.scalars(
        select(Facility)
        .where(Facility.id.in_(ids))
        .options(
            selectinload(Facility.categories),
            selectinload(Facility.identifiers),
            selectinload(Facility.records),
        )
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def records_not_seen(session: Session, source_id: str, import_id: int, *, limit: int) -> list[FacilityRecordRow]:
    """Records of a source, not closed, that an import did not meet."""
    return list(
        session.scalars(
            select(FacilityRecordRow)
            .where(
                FacilityRecordRow.source_id == source_id,
                FacilityRecordRow.closed_at.is_(None),
                FacilityRecordRow.seen_in.is_distinct_from(import_id),
            )
            .order_by(FacilityRecordRow.id)
            .limit(limit)
        )
    )


def unfinished_import(session: Session, source_id: str, content_digest: str) -> Import | None:
    """Find the newest import of the same content that was cut short, unless another finished since."""
    newest = session.scalar(select(Import).where(Import.source_id == source_id).order_by(Import.id.desc()).limit(1))
    if newest is not None and newest.finished_at is None and newest.content_digest == content_digest:
        return newest
    return None


def count_facilities(session: Session) -> int:
    """Count facilities that are open for good."""
    return session.scalar(select(func.count()).select_from(Facility).where(Facility.closed_at.is_(None))) or 0


def source_ids(session: Session) -> set[str]:
    """Ids of the known sources."""
    return set(session.scalars(select(Source.id)))


def records_of_source(session: Session, source_id: str) -> list[FacilityRecordRow]:
    """Every record of a source."""
    return list(session.scalars(select(FacilityRecordRow).where(FacilityRecordRow.source_id == source_id)))


def reports(session: Session, *, settled: bool, after_id: int, limit: int) -> list[tuple[Report, Facility]]:
    """List residents' reports with their places, oldest first."""
    condition = Report.settled_at.is_not(None) if settled else Report.settled_at.is_(None)
    rows = session.execute(
        select(Report, Facility)
        .join(Facility, Facility.id == Report.facility_id)
        .where(condition, Report.id > after_id)
        .order_by(Report.id)
        .limit(limit)
    )
    return [(report, facility) for report, facility in rows]


def report(session: Session, report_id: int) -> Report | None:
    """Find a report by its number."""
    return session.get(Report, report_id)


def open_reports_of(session: Session, facility_id: str, kind: str) -> int:
    """Count the reports of a kind on a place that wait for a moderator."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Report)
            .where(Report.facility_id == facility_id, Report.kind == kind, Report.settled_at.is_(None))
        )
        or 0
    )


def last_content(session: Session, source_id: str) -> str | None:
    """Digest of what the newest import of a source read, if that import finished."""
    newest = session.scalar(select(Import).where(Import.source_id == source_id).order_by(Import.id.desc()).limit(1))
    return newest.content_digest if newest is not None and newest.finished_at is not None else None
