"""Makes synthetic sources that speak of the same places, and reads what became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import select

from citizen_api.care.models import Facility, FacilityAlias, FacilityRecordRow
from citizen_api.core.db import Base, Database
from citizen_api.sources.generic_csv import SourceInfo
from tests.care.makers import import_records, make_record

REGISTER, ROLL, MAP = (
    SourceInfo(id=id, title=f"Synthetic {id}", producer="The tests", licence="none, synthetic", date=dated)
    for id, dated in (("register", date(2013, 1, 1)), ("roll", date(2023, 1, 1)), ("map", date(2026, 1, 1)))
)
"""A register with identifiers; a roll that tells streets only; a map that tells positions."""

_DERIVED = {"care_facility", "care_facility_category", "care_facility_identifier"}


def make_registered(key, finess, **facts):
    """Make a record of the register: a pharmacy with its number, house and position."""
    return make_record(key, identifiers=(("finess", finess),), **{"name": f"Pharmacie {key}"} | facts)


def make_row(key, street="rue du Test", **facts):
    """Make a row of the roll: a nameless pharmacy somewhere in a street."""
    return make_record(
        key, **{"name": "Pharmacie", "street": street, "postcode": None, "position_approximate": True} | facts
    )


def outcome(database: Database) -> dict[str, list[str]]:
    """Every place with all it says, and where each record went, how surely: whatever the times and row numbers."""
    with database.session(write=False) as session:
        tables = {name: table for name, table in Base.metadata.tables.items() if name in _DERIVED}
        found = {
            name: sorted(repr(row) for row in session.execute(select(*(c for c in table.c if c.name != "updated_at"))))
            for name, table in tables.items()
        }
        row = FacilityRecordRow
        records = session.execute(select(row.source_id, row.key, row.facility_id, row.confidence, row.dated))
        return found | {"records": sorted(map(repr, records))}


def homes(database: Database) -> dict[tuple[str, str], tuple[str, float]]:
    """(facility id, confidence) of each record, by (source, key)."""
    row = FacilityRecordRow
    with database.session(write=False) as session:
        found = session.execute(select(row.source_id, row.key, row.facility_id, row.confidence))
        return {(source_id, key): (home, confidence) for source_id, key, home, confidence in found}


def facility(database: Database, id: str) -> Facility:
    with database.session(write=False) as session:
        return session.get_one(Facility, id)


def aliases(database: Database) -> dict[str, str]:
    with database.session(write=False) as session:
        return {row.id: row.facility_id for row in session.scalars(select(FacilityAlias))}


def import_from(source, *records, database, folder, **options):
    """Import records as the complete list of a source."""
    return import_records(database, folder, records, source=source, **options)


def renamed(records, **facts):
    return [replace(record, **facts) for record in records]
