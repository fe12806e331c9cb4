"""Every place of the tables, one after the other: what a directory is built from. Memory holds a few rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.care.directory_files import stamp_of
from citizen_api.care.models import (
    DirectoryVersion,
    Facility,
    FacilityCategory,
    FacilityIdentifier,
    FacilityRecordRow,
    Source,
)
from citizen_api.care.place import Place, SourceMention
from citizen_api.core.db import Database

_ROWS_AT_ONCE: Final = 5_000


def stamp(session: Session) -> str:
    """Name the present state of the tables of places."""
    row = session.execute(select(DirectoryVersion.version, DirectoryVersion.changed_at)).first()
    return stamp_of(row.version, row.changed_at) if row else stamp_of(0, None)


@contextmanager
def open_places(database: Database) -> Iterator[tuple[str, Iterable[Place]]]:
    """Open the tables: the stamp of their state, and the places that are open for good and have a position, by id.

    The stamp is read first: places that change meanwhile belong to a later one, and are read again.
    """
    with database.session(write=False) as session:
        yield stamp(session), places(session)


def places(session: Session) -> Iterator[Place]:
    """Read the places that are open for good and have a position, by id."""
    with ExitStack() as stack:
        yield from _places(session, stack)


def _places(session: Session, stack: ExitStack) -> Iterator[Place]:
    rows = _Rows(session, stack)
    facilities = rows(select(*_COLUMNS).where(Facility.closed_at.is_(None), Facility.lat.is_not(None)), by=Facility.id)
    categories = _Grouped(
        rows(
            select(FacilityCategory.facility_id, FacilityCategory.category, FacilityCategory.rank),
            by=FacilityCategory.facility_id,
        )
    )
    identifiers = _Grouped(
        rows(
            select(FacilityIdentifier.facility_id, FacilityIdentifier.scheme, FacilityIdentifier.value),
            by=FacilityIdentifier.facility_id,
        )
    )
    record = FacilityRecordRow
    records = _Grouped(
        rows(
            select(record.facility_id, record.source_id, record.dated).where(record.closed_at.is_(None)),
            by=record.facility_id,
        )
    )
    titles = {row.id: row.title for row in session.execute(select(Source.id, Source.title))}
    mentions: dict[tuple[str, date], SourceMention] = {}
    for row in facilities:
        (
            place_id, name, street, postcode, city, commune_code, phone, website, lat, lon, approximate, wheelchair,
            services, new_patients, payment_sector, third_party, home_visits, languages, call_15_first,
            hours, verbatim, hours_source,
        ) = row  # fmt: skip
        said: dict[str, SourceMention] = {}
        for source_id, dated in sorted(records.of(place_id)):
            mention = mentions.get((source_id, dated))
            if mention is None:
                mention = mentions[source_id, dated] = SourceMention(source_id, titles[source_id], dated)
            said[source_id] = mention
        ranked = categories.of(place_id)
        ranked.sort(key=_by_rank)
        yield Place(
            id=place_id,
            name=name,
            categories=tuple(category for category, _ in ranked),
            street=street,
            postcode=postcode,
            city=city,
            commune_code=commune_code,
            phone=phone,
            website=website,
            lat=lat,
            lon=lon,
            position_approximate=approximate,
            wheelchair=wheelchair,
            opening_hours=hours,
            opening_hours_verbatim=verbatim,
            opening_hours_source=hours_source,
            identifiers=tuple(sorted(identifiers.of(place_id))),
            sources=tuple(said.values()),
            services=tuple(services or ()),
            accepts_new_patients=new_patients,
            payment_sector=payment_sector,
            third_party_payment=third_party,
            home_visits=home_visits,
            languages=tuple(languages or ()),
            call_15_first=call_15_first,
        )


_COLUMNS: Final[tuple[Any, ...]] = (
    Facility.id,
    Facility.name,
    Facility.street,
    Facility.postcode,
    Facility.city,
    Facility.commune_code,
    Facility.phone,
    Facility.website,
    Facility.lat,
    Facility.lon,
    Facility.position_approximate,
    Facility.wheelchair,
    Facility.services,
    Facility.accepts_new_patients,
    Facility.payment_sector,
    Facility.third_party_payment,
    Facility.home_visits,
    Facility.languages,
    Facility.call_15_first,
    Facility.opening_hours,
    Facility.opening_hours_verbatim,
    Facility.opening_hours_source,
)


def _by_rank(ranked: tuple[str, int]) -> tuple[int, str]:
    return ranked[1], ranked[0]


class _Rows:
    """Streams rows, a few thousand at a time, in the order of an id's bytes."""

    def __init__(self, session: Session, stack: ExitStack) -> None:
        self._session, self._stack = session, stack
        self._bytewise = session.get_bind().dialect.name == "postgresql"  # SQLite compares so anyway

    def __call__(self, statement: Any, *, by: Any) -> Iterator[Any]:
        ordered = statement.order_by(by.collate("C") if self._bytewise else by)
        result = self._session.execute(ordered.execution_options(yield_per=_ROWS_AT_ONCE))
        self._stack.callback(result.close)
        return iter(result)


class _Grouped:
    """Rows that begin with the id of their facility, read alongside the facilities, in the same order."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows
        self._next: Any = next(rows, None)

    def of(self, owner: str) -> list[tuple[Any, Any]]:
        """Give the rows of a facility; those of facilities before it, which nobody asked for, are passed over."""
        row, rows = self._next, self._rows
        while row is not None and row[0] < owner:
            row = next(rows, None)
        found = []
        while row is not None and row[0] == owner:
            found.append((row[1], row[2]))
            row = next(rows, None)
        self._next = row
        return found
