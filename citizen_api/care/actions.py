"""Writes of the care tables. None of them commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from citizen_api.care import queries, rules
from citizen_api.care.categories import category_of
from citizen_api.care.models import (
    DirectoryVersion,
    Facility,
    FacilityCategory,
    FacilityIdentifier,
    FacilityRecordRow,
    Report,
)
from citizen_api.core.problems import Problem


class ReportSettled(Problem):
    """A report can be settled once."""

    name, status = "report-settled", 409


def move_directory_version(session: Session, *, now: datetime) -> None:
    """Tell every process that the facilities changed. Also serialises writers on PostgreSQL."""
    row = session.get(DirectoryVersion, 1, with_for_update=True)
    if row is None:
        session.add(DirectoryVersion(id=1, version=1, changed_at=now))
    else:
        row.version, row.changed_at = row.version + 1, now
    session.flush()


def merge_facilities(
    session: Session,
    ids: Collection[str],
    *,
    centroids: Mapping[str, tuple[float, float]],
    now: datetime,
) -> int:
    """Bring facilities in line with their records; give how many changed.

    A place without coordinates of its own takes the centroid of its commune, flagged approximate; a place that
    no record describes any more goes (only removing a whole source leaves such a one).
    """
    changed = 0
    for facility in queries.facilities_with_everything(session, ids).values():
        if not facility.records:
            session.delete(facility)
            changed += 1
            continue
        changed += _apply(facility, rules.merge([_statement(row) for row in facility.records]), centroids, now)
    session.flush()
    return changed


def _statement(row: FacilityRecordRow) -> rules.SourceStatement:
    codes = row.facts.get("category_codes", ())
    mapped = (category_of(scheme, code) for scheme, code in codes)
    return rules.SourceStatement(
        source_id=row.source_id,
        key=row.key,
        dated=row.dated,
        facts=row.facts,
        categories=tuple(dict.fromkeys(category for category in mapped if category)),
        closed_at=row.closed_at,
    )


def _apply(
    facility: Facility, merged: rules.MergedPlace, centroids: Mapping[str, tuple[float, float]], now: datetime
) -> bool:
    values: dict[str, Any] = dict(merged.values)
    values["name"] = values["name"] or facility.name
    lat, lon = merged.lat, merged.lon
    approximate = lat is None
    if approximate:
        lat, lon = centroids.get(values["commune_code"] or "", (None, None))
    values |= {
        "lat": lat,
        "lon": lon,
        "position_approximate": approximate and lat is not None,
        "opening_hours": merged.opening_hours,
        "opening_hours_source": merged.opening_hours_source,
        "closed_at": merged.closed_at,
    }
    changed = any(getattr(facility, name) != value for name, value in values.items())
    if changed:
        for name, value in values.items():
            setattr(facility, name, value)
    if tuple(row.category for row in facility.categories) != merged.categories:
        known = {row.category: row for row in facility.categories}
        for rank, category in enumerate(merged.categories):
            if category in known:
                known[category].rank = rank
        facility.categories = [
            known.get(category) or FacilityCategory(category=category, rank=rank)
            for rank, category in enumerate(merged.categories)
        ]
        changed = True
    known_identifiers = {(row.scheme, row.value): row for row in facility.identifiers}
    if set(known_identifiers) != set(merged.identifiers):
        facility.identifiers = [
            known_identifiers.get(pair) or FacilityIdentifier(scheme=pair[0], value=pair[1])
            for pair in merged.identifiers
        ]
        changed = True
    if changed:
        facility.updated_at = now
    return changed


def remove_source(session: Session, source_id: str, *, now: datetime) -> int:
    """Take back everything that a source said, as if it had never been imported; give how many places changed."""
    rows = queries.records_of_source(session, source_id)
    ids = {row.facility_id for row in rows}
    for row in rows:
        session.delete(row)
    session.flush()
    changed = merge_facilities(session, ids, centroids={}, now=now) if ids else 0
    if changed:
        move_directory_version(session, now=now)
    return changed


def report_facility(session: Session, *, facility_id: str, kind: str, comment: str | None, now: datetime) -> Report:
    """Queue a resident's report for a moderator."""
    row = Report(facility_id=facility_id, kind=kind, comment=comment, created_at=now)
    session.add(row)
    session.flush()
    return row


def settle_report(session: Session, row: Report, *, settlement: str, note: str | None, now: datetime) -> None:
    """Settle a report, once. Raises ReportSettled."""
    if row.settled_at is not None:
        raise ReportSettled
    row.settled_at, row.settlement, row.settlement_note = now, settlement, note
    session.flush()
