"""Reads of the care tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, RowMapping, func, or_, select
from sqlalchemy.orm import Session

from citizen_api.care import rules
from citizen_api.care.categories import category_of
from citizen_api.care.merging import SourceStatement
from citizen_api.care.models import (
    Facility,
    FacilityAlias,
    FacilityCategory,
    FacilityIdentifier,
    FacilityRecordRow,
    Import,
    Report,
    Source,
)
from citizen_api.care.place import Place, SourceMention
from citizen_api.territory.models import Commune, FormerCommune

T = TypeVar("T")
_Mention = tuple[SourceMention, bool]


def facility(session: Session, facility_id: str) -> Facility | None:
    """Find a facility by its id, open or closed."""
    return session.get(Facility, facility_id) if rules.is_facility_id(facility_id) else None


def place(session: Session, facility_id: str) -> Place | None:
    """Read one place by its id, also one that is closed or without a position (NaN then)."""
    if not rules.is_facility_id(facility_id):
        return None
    row = session.execute(select(Facility.__table__).where(Facility.id == facility_id)).mappings().first()
    if row is None:
        return None
    ids = [facility_id]
    return _place(
        row,
        categories=_categories(session, ids).get(facility_id, ()),
        identifiers=_identifiers(session, ids).get(facility_id, ()),
        mentions=_mentions(session, ids).get(facility_id, ()),
    )


def _mentions(session: Session, ids: Collection[str]) -> dict[str, tuple[_Mention, ...]]:
    """(source, is open) of every record of each facility, by source, newest last."""
    row = FacilityRecordRow
    statement = select(row.facility_id, row.source_id, row.dated, row.closed_at).where(row.facility_id.in_(ids))
    rows = session.execute(statement).all()
    # Read last: a source is there before its first record, and never goes.
    titles = {row.id: row.title for row in session.execute(select(Source.id, Source.title))}
    made: dict[tuple[str, date], SourceMention] = {}
    found = []
    for facility_id, source_id, dated, closed_at in sorted(rows, key=lambda each: each[:3]):
        mention = made.setdefault((source_id, dated), SourceMention(source_id, titles[source_id], dated))
        found.append((facility_id, (mention, closed_at is None)))
    return _grouped(found)


def _place(
    row: RowMapping,
    *,
    categories: tuple[str, ...],
    identifiers: tuple[tuple[str, str], ...],
    mentions: tuple[_Mention, ...],
) -> Place:
    # What a source has closed it does not say any more, unless all of them have.
    said = {mention.id: mention for mention, is_open in mentions if is_open or row["closed_at"] is not None}
    return Place(
        id=row["id"],
        name=row["name"],
        categories=categories,
        street=row["street"],
        postcode=row["postcode"],
        city=row["city"],
        commune_code=row["commune_code"],
        phone=row["phone"],
        website=row["website"],
        lat=float("nan") if row["lat"] is None else row["lat"],
        lon=float("nan") if row["lon"] is None else row["lon"],
        position_approximate=row["position_approximate"],
        wheelchair=row["wheelchair"],
        opening_hours=row["opening_hours"],
        opening_hours_verbatim=row["opening_hours_verbatim"],
        opening_hours_source=row["opening_hours_source"],
        identifiers=identifiers,
        sources=tuple(said.values()),
        closed_at=row["closed_at"],
        services=tuple(row["services"] or ()),
        accepts_new_patients=row["accepts_new_patients"],
        payment_sector=row["payment_sector"],
        third_party_payment=row["third_party_payment"],
        home_visits=row["home_visits"],
        languages=tuple(row["languages"] or ()),
        call_15_first=row["call_15_first"],
    )


def known_records(session: Session, source_id: str) -> dict[str, rules.KnownRecord]:
    """Remember every record of a source by its key."""
    rows = session.execute(
        select(
            FacilityRecordRow.key, FacilityRecordRow.digest, FacilityRecordRow.dated, FacilityRecordRow.closed_at
        ).where(FacilityRecordRow.source_id == source_id)
    )
    return {key: rules.KnownRecord(digest, dated, closed_at is None) for key, digest, dated, closed_at in rows}


def record_ids(session: Session, source_id: str, keys: Collection[str]) -> dict[str, tuple[int, str]]:
    """(id, facility id) of a source's records, by their keys."""
    rows = session.execute(
        select(FacilityRecordRow.key, FacilityRecordRow.id, FacilityRecordRow.facility_id).where(
            FacilityRecordRow.source_id == source_id, FacilityRecordRow.key.in_(keys)
        )
    )
    return {key: (row_id, facility_id) for key, row_id, facility_id in rows}


def facilities_of_source(session: Session, source_id: str) -> set[str]:
    """Ids of the facilities that a source speaks of."""
    return set(session.scalars(select(FacilityRecordRow.facility_id).where(FacilityRecordRow.source_id == source_id)))


def existing_facilities(session: Session, ids: Collection[str]) -> set[str]:
    """Those of the ids that a facility has."""
    return set(session.scalars(select(Facility.id).where(Facility.id.in_(ids))))


def facilities_by_identifier(session: Session, identifiers: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Facility id of each (scheme, value) that names one place and is known."""
    found: dict[tuple[str, str], str] = {}
    values = list(identifiers)
    for scheme in rules.IDENTIFYING_SCHEMES:
        wanted = [value for each, value in values if each == scheme]
        rows = session.execute(
            select(FacilityIdentifier.value, FacilityIdentifier.facility_id)
            .where(FacilityIdentifier.scheme == scheme, FacilityIdentifier.value.in_(wanted))
            .order_by(FacilityIdentifier.facility_id.desc())
        )
        found.update({(scheme, value): facility_id for value, facility_id in rows})
    return found


def categories_of(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Our categories of what a record says it is, what it is first of all first."""
    mapped = (category_of(scheme, code) for scheme, code in facts.get("category_codes", ()))
    return tuple(dict.fromkeys(category for category in mapped if category))


def statements(session: Session, ids: Collection[str]) -> dict[str, list[SourceStatement]]:
    """What the sources say of each facility; one that none describes is absent."""
    row = FacilityRecordRow
    rows = session.execute(
        select(row.facility_id, row.source_id, row.key, row.dated, row.facts, row.closed_at).where(
            row.facility_id.in_(ids)
        )
    )
    found: dict[str, list[SourceStatement]] = defaultdict(list)
    for facility_id, source_id, key, dated, facts, closed_at in rows:
        found[facility_id].append(
            SourceStatement(
                source_id=source_id,
                key=key,
                dated=dated,
                facts=facts,
                categories=categories_of(facts),
                closed_at=closed_at,
            )
        )
    return found


def resolve(session: Session, facility_id: str) -> str | None:
    """Id of the place that has, or once had, this id; None when none does."""
    if not rules.is_facility_id(facility_id):
        return None
    present = session.scalar(select(Facility.id).where(Facility.id == facility_id))
    return present or session.scalar(select(FacilityAlias.facility_id).where(FacilityAlias.id == facility_id))


@dataclass(frozen=True, slots=True)
class StoredFacility:
    """A facility as its tables hold it: its columns by name, its categories by rank, its identifiers in order."""

    values: Mapping[str, Any]
    categories: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]


def stored_facilities(session: Session, ids: Collection[str]) -> dict[str, StoredFacility]:
    """Read facilities as they stand, by id."""
    categories, identifiers = _categories(session, ids), _identifiers(session, ids)
    rows = session.execute(select(Facility.__table__).where(Facility.id.in_(ids)))
    return {
        row["id"]: StoredFacility(dict(row), categories.get(row["id"], ()), identifiers.get(row["id"], ()))
        for row in rows.mappings()
    }


def _categories(session: Session, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Categories of each facility, what it is first of all first."""
    row = FacilityCategory
    statement = select(row.facility_id, row.category).where(row.facility_id.in_(ids))
    return _grouped(session.execute(statement.order_by(row.facility_id, row.rank, row.category)))


def _identifiers(session: Session, ids: Collection[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """(scheme, value) pairs of each facility, sorted."""
    row = FacilityIdentifier
    rows = session.execute(select(row.facility_id, row.scheme, row.value).where(row.facility_id.in_(ids)))
    # Sorted here: databases do not agree on the order of texts.
    return _grouped((each[0], (each[1], each[2])) for each in sorted(rows))


def _grouped(rows: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    found: dict[str, list[T]] = defaultdict(list)
    for owner, value in rows:
        found[owner].append(value)
    return {owner: tuple(values) for owner, values in found.items()}


def unfinished_import(session: Session, source_id: str, content_digest: str) -> Import | None:
    """Find the newest import of the same content that was cut short, unless another finished since."""
    newest = session.scalar(select(Import).where(Import.source_id == source_id).order_by(Import.id.desc()).limit(1))
    if newest is not None and newest.finished_at is None and newest.content_digest == content_digest:
        return newest
    return None


def count_facilities(session: Session) -> int:
    """Count facilities that are open for good."""
    return session.scalar(select(func.count()).select_from(Facility).where(Facility.closed_at.is_(None))) or 0


def reports(
    session: Session, *, settled: bool, territory: tuple[str, str | None], after_id: int, limit: int
) -> list[tuple[Report, Facility]]:
    """List residents' reports on places of a territory (kind, code), oldest first."""
    condition = Report.settled_at.is_not(None) if settled else Report.settled_at.is_(None)
    statement = (
        select(Report, Facility)
        .join(Facility, Facility.id == Report.facility_id)
        .where(condition, Report.id > after_id)
        .order_by(Report.id)
        .limit(limit)
    )
    if territory[0] != "country":
        statement = statement.where(_lies_in(*territory))
    return [(report, facility) for report, facility in session.execute(statement)]


def _lies_in(kind: str, code: str | None) -> ColumnElement[bool]:
    """Whether a facility's commune, under its present or an old code, lies in a territory.

    The same as `territory.queries.lies_in` for one commune, in a form that a list of them can be filtered by.
    """
    columns = {
        "commune": (Commune.code, Commune.parent_code),
        "epci": (Commune.epci_code, Commune.ept_code),
        "departement": (Commune.departement_code,),
        "region": (Commune.region_code,),
    }
    inside = select(Commune.code).where(or_(*(column == code for column in columns[kind])))
    former = select(FormerCommune.code).where(
        FormerCommune.commune_code.in_(inside), FormerCommune.code.not_in(select(Commune.code))
    )
    return or_(Facility.commune_code.in_(inside), Facility.commune_code.in_(former))


def report_to_settle(session: Session, report_id: int) -> Report | None:
    """Find a report by its number, and keep others from settling it meanwhile."""
    return session.get(Report, report_id, with_for_update=True)


def waiting_report(session: Session, facility_id: str, kind: str) -> Report | None:
    """Find the report of a kind on a place that waits for a moderator, and keep others from changing it meanwhile."""
    waiting = select(Report).where(Report.facility_id == facility_id, Report.kind == kind, Report.settled_at.is_(None))
    return session.scalar(waiting.with_for_update().execution_options(populate_existing=True))
