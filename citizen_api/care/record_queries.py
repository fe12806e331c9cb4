"""Reads of what the sources say: for those who place the records, and who look for faults in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session, aliased

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
_ASKED_AT_ONCE = 1_000


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


_ADDRESS = (Facility.id, Facility.name, Facility.street, Facility.postcode, Facility.city)
_POSITION = (Facility.commune_code, Facility.lat, Facility.lon, Facility.position_approximate)


def _open_places(session: Session, *columns: Any, where: Sequence[Any] = ()) -> Iterator[Any]:
    chosen = select(*_ADDRESS, *columns).where(Facility.closed_at.is_(None), *where).order_by(Facility.id)
    return iter(session.execute(chosen.execution_options(yield_per=_STREAMED)))


def places_to_match(session: Session) -> Iterator[Any]:
    """Stream every open place, by id: its address and its position."""
    return _open_places(session, *_POSITION)


def positioned_places(session: Session) -> Iterator[Any]:
    """Stream every open place that has a position, by id, and who says what (`field_sources`)."""
    return _open_places(session, *_POSITION, Facility.field_sources, where=[Facility.lat.is_not(None)])


def places_in_conflict(session: Session) -> Iterator[Any]:
    """Stream all of every open place of which two sources say different things, by id."""
    chosen = select(Facility.__table__).where(Facility.closed_at.is_(None), cast(Facility.conflicts, Text) != "{}")
    return iter(session.execute(chosen.order_by(Facility.id).execution_options(yield_per=_STREAMED)))


def places_of_unknown_hours(session: Session) -> Iterator[Any]:
    """Stream every open place whose hours are kept word for word only, by id."""
    row = Facility
    where = row.opening_hours_verbatim.is_not(None), row.opening_hours.is_(None)
    return _open_places(session, row.opening_hours_verbatim, row.field_sources, where=where)


def count_known_hours(session: Session) -> int:
    """Count the open places whose hours are understood."""
    chosen = select(func.count()).where(Facility.closed_at.is_(None), Facility.opening_hours.is_not(None))
    return session.scalar(chosen) or 0


def places(session: Session, ids: Collection[str]) -> dict[str, Any]:
    """Columns of these places, by id."""
    found: dict[str, Any] = {}
    for some in _cut(ids):
        found |= {row.id: row for row in session.execute(select(Facility.__table__).where(Facility.id.in_(some)))}
    return found


def categories_by_place(session: Session) -> dict[str, frozenset[str]]:
    """Categories of every place. The few different sets are held once."""
    row = FacilityCategory
    found: dict[str, frozenset[str]] = {}
    known: dict[frozenset[str], frozenset[str]] = {}
    chosen = select(row.facility_id, row.category).order_by(row.facility_id)
    for facility_id, category in session.execute(chosen.execution_options(yield_per=_STREAMED)):
        every = found.get(facility_id, frozenset()) | {category}
        found[facility_id] = known.setdefault(every, every)
    return found


def registered(session: Session, scheme: str) -> set[str]:
    """Which places have an identifier of a scheme."""
    chosen = select(FacilityIdentifier.facility_id).where(FacilityIdentifier.scheme == scheme)
    return set(session.scalars(chosen.execution_options(yield_per=_STREAMED)))


def identifiers_of(session: Session, ids: Collection[str], scheme: str) -> dict[str, str]:
    """Value of a scheme for those of the places that have one (the smallest of several)."""
    row = FacilityIdentifier
    found: dict[str, str] = {}
    for some in _cut(ids):
        chosen = select(row.facility_id, func.min(row.value)).where(row.scheme == scheme, row.facility_id.in_(some))
        found |= {name: value or "" for name, value in session.execute(chosen.group_by(row.facility_id))}
    return found


def sources_of(session: Session, ids: Collection[str]) -> dict[str, set[str]]:
    """Which sources speak of each of the places."""
    row = FacilityRecordRow
    found: dict[str, set[str]] = defaultdict(set)
    for some in _cut(ids):
        chosen = select(row.facility_id, row.source_id).where(row.facility_id.in_(some)).distinct()
        for facility_id, source_id in session.execute(chosen):
            found[facility_id].add(source_id)
    return found


def _cut(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), _ASKED_AT_ONCE):
        yield ordered[start : start + _ASKED_AT_ONCE]


def confirmations(session: Session) -> list[tuple[str, str, int]]:
    """(source, other source, places) where a record of the other was found to speak of an open place of the source."""
    by, row = aliased(FacilityRecordRow), FacilityRecordRow
    chosen = (
        select(row.source_id, by.source_id, func.count(row.facility_id.distinct()))
        .join(by, by.facility_id == row.facility_id)
        .where(row.confidence == 1, by.confidence < 1, row.source_id != by.source_id)
        .where(row.closed_at.is_(None), by.closed_at.is_(None))
        .group_by(row.source_id, by.source_id)
        .order_by(row.source_id, by.source_id)
    )
    return [(source_id, other, number) for source_id, other, number in session.execute(chosen)]


def places_by_source(session: Session) -> dict[str, int]:
    """How many places each source speaks of, as open."""
    row = FacilityRecordRow
    chosen = select(row.source_id, func.count(row.facility_id.distinct()).label("places"))
    rows = session.execute(chosen.where(row.closed_at.is_(None)).group_by(row.source_id))
    return {each.source_id: each.places for each in rows}


def confidences(session: Session) -> list[tuple[str, float, int]]:
    """(source, confidence, records) of the open records that were placed by what they look like."""
    row = FacilityRecordRow
    chosen = select(row.source_id, row.confidence, func.count()).where(row.confidence < 1, row.closed_at.is_(None))
    rows = session.execute(chosen.group_by(row.source_id, row.confidence))
    return [(source_id, confidence, number) for source_id, confidence, number in rows]


def crowded_positions(session: Session, *, at_least: int) -> set[tuple[float, float]]:
    """Positions (lat, lon) that so many open places give as their own."""
    rows = session.execute(_shared(at_least))
    return {(lat, lon) for lat, lon in rows if lat is not None and lon is not None}


def places_at_shared_positions(session: Session) -> Iterator[Any]:
    """Stream every open place whose own position another has too, position by position, then by id."""
    row, shared = Facility, _shared(2).subquery()
    chosen = (
        select(*_ADDRESS, row.lat, row.lon, row.field_sources)
        .join(shared, and_(row.lat == shared.c.lat, row.lon == shared.c.lon))
        .where(row.closed_at.is_(None), row.position_approximate.is_(False))
        .order_by(row.lat, row.lon, row.id)
    )
    return iter(session.execute(chosen.execution_options(yield_per=_STREAMED)))


def _shared(at_least: int) -> Select[float | None, float | None]:
    row = Facility
    chosen = select(row.lat, row.lon).where(
        row.closed_at.is_(None), row.lat.is_not(None), row.position_approximate.is_(False)
    )
    return chosen.group_by(row.lat, row.lon).having(func.count() >= at_least)


def centres(session: Session) -> list[Any]:
    """Every commune and arrondissement whose centre is known: code, name, parent_code, lat, lon, centre_approximate."""
    row = Commune
    chosen = select(row.code, row.name, row.parent_code, row.lat, row.lon, row.centre_approximate)
    return list(session.execute(chosen.where(row.lat.is_not(None)).order_by(row.code)))


def phones(session: Session) -> Iterator[Any]:
    """Stream what the sources say of telephones: facility_id, source_id, key, facts, dated; of open records."""
    row = FacilityRecordRow
    chosen = select(row.facility_id, row.source_id, row.key, row.facts, row.dated).where(row.closed_at.is_(None))
    return iter(session.execute(chosen.order_by(row.id).execution_options(yield_per=_STREAMED)))
