"""Reads of what the sources say: for those who place the records, and who look for faults in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from citizen_api.care.models import (
    Facility,
    FacilityAlias,
    FacilityCategory,
    FacilityIdentifier,
    FacilityRecordRow,
    Linking,
    Report,
)
from citizen_api.territory.models import Commune, FormerCommune

_STREAMED = 5_000


def aliases(session: Session, ids: Collection[str], of: Collection[str]) -> dict[str, str]:
    """Aliases with one of these ids, and those of these facilities: {alias: facility id}."""
    chosen = or_(FacilityAlias.id.in_(ids), FacilityAlias.facility_id.in_(of))
    return {row.id: row.facility_id for row in session.execute(select(FacilityAlias.__table__).where(chosen))}


def linking(session: Session) -> Linking:
    """Give the row that tells whether the records are placed as they stand."""
    return session.get_one(Linking, 1, populate_existing=True)


def count_records(session: Session) -> int:
    """Count what all sources say, open or closed."""
    return session.scalar(select(func.count()).select_from(FacilityRecordRow)) or 0


def all_records(session: Session) -> Iterator[Any]:
    """Stream every record: id, source_id, key, facility_id, facts, closed_at, confidence, dated."""
    row = FacilityRecordRow
    statement = select(row.id, row.source_id, row.key, row.facility_id, row.facts, row.closed_at, row.confidence)
    return iter(session.execute(statement.add_columns(row.dated).execution_options(yield_per=_STREAMED)))


def towns(session: Session) -> dict[str, tuple[str, str | None]]:
    """(commune, arrondissement) of each code that is not simply a commune's: old codes and arrondissements."""
    parents: dict[str, tuple[str, str | None]] = {
        code: (parent or code, code)
        for code, parent in session.execute(
            select(Commune.code, Commune.parent_code).where(Commune.parent_code.is_not(None))
        )
    }
    former = select(FormerCommune.code, FormerCommune.commune_code).where(
        FormerCommune.code.not_in(select(Commune.code))
    )
    old = {code: parents.get(now, (now, None)) for code, now in session.execute(former)}
    return old | parents


def still_described(session: Session, ids: Collection[str]) -> set[str]:
    """Those of the facilities that a record describes."""
    chosen = select(FacilityRecordRow.facility_id).where(FacilityRecordRow.facility_id.in_(ids)).distinct()
    return set(session.scalars(chosen))


def reports_on(session: Session, ids: Collection[str]) -> list[Report]:
    """Reports on these facilities, oldest first, kept from others meanwhile."""
    chosen = select(Report).where(Report.facility_id.in_(ids)).order_by(Report.id)
    return list(session.scalars(chosen.with_for_update().execution_options(populate_existing=True)))


def shown_places(session: Session) -> Iterator[Any]:
    """Stream the columns of every place that is open for good, by id."""
    statement = select(Facility.__table__).where(Facility.closed_at.is_(None)).order_by(Facility.id)
    return iter(session.execute(statement.execution_options(yield_per=_STREAMED)))


def categories_by_place(session: Session) -> dict[str, list[str]]:
    """Categories of every place, what it is first of all first."""
    row = FacilityCategory
    found: dict[str, list[str]] = defaultdict(list)
    chosen = select(row.facility_id, row.category).order_by(row.facility_id, row.rank, row.category)
    for facility_id, category in session.execute(chosen.execution_options(yield_per=_STREAMED)):
        found[facility_id].append(category)
    return found


def identifiers_by_place(session: Session, scheme: str) -> dict[str, str]:
    """Value of a scheme for every place that has one (the smallest of several)."""
    row = FacilityIdentifier
    chosen = select(row.facility_id, func.min(row.value)).where(row.scheme == scheme).group_by(row.facility_id)
    return dict(session.execute(chosen).tuples().all())


def sources_by_place(session: Session) -> dict[str, set[str]]:
    """Which sources speak of every place."""
    found: dict[str, set[str]] = defaultdict(set)
    chosen = select(FacilityRecordRow.facility_id, FacilityRecordRow.source_id).distinct()
    for facility_id, source_id in session.execute(chosen.execution_options(yield_per=_STREAMED)):
        found[facility_id].add(source_id)
    return found


def shared_positions(session: Session, *, at_least: int) -> dict[tuple[float, float], int]:
    """Positions (lat, lon) that several open places give as their own, and how many."""
    number = func.count()
    chosen = (
        select(Facility.lat, Facility.lon, number)
        .where(Facility.closed_at.is_(None), Facility.lat.is_not(None), Facility.position_approximate.is_(False))
        .group_by(Facility.lat, Facility.lon)
        .having(number >= at_least)
    )
    return {(lat, lon): count for lat, lon, count in session.execute(chosen) if lat is not None and lon is not None}


def centres(session: Session) -> list[tuple[str, str | None, float, float, bool]]:
    """(code, code of the city, lat, lon, borrowed) of every commune and arrondissement whose centre is known."""
    chosen = select(Commune.code, Commune.parent_code, Commune.lat, Commune.lon, Commune.centre_approximate)
    rows = session.execute(chosen.where(Commune.lat.is_not(None)).order_by(Commune.code))
    return [(code, parent, lat or 0.0, lon or 0.0, borrowed) for code, parent, lat, lon, borrowed in rows]


def phones(session: Session) -> Iterator[Any]:
    """Stream what the sources say of telephones: facility_id, source_id, key, facts, dated; of open records."""
    row = FacilityRecordRow
    chosen = select(row.facility_id, row.source_id, row.key, row.facts, row.dated).where(row.closed_at.is_(None))
    return iter(session.execute(chosen.order_by(row.id).execution_options(yield_per=_STREAMED)))
