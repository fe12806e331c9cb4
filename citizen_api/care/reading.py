"""Every place of the tables, one after the other: what a directory is built from. Memory holds a few rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from citizen_api.care.directory_files import Places, stamp_of
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
from citizen_api.core.settings import Settings

LEAST_OF_A_SPAN: Final = 50_000
_ROWS_AT_ONCE: Final = 5_000


def stamp(session: Session) -> str:
    """Name the present state of the tables of places."""
    row = session.execute(select(DirectoryVersion.version, DirectoryVersion.changed_at)).first()
    return stamp_of(row.version, row.changed_at) if row else stamp_of(0, None)


@dataclass(frozen=True, slots=True)
class Span:
    """Places whose ids lie from `first` on (None: from the first of all) up to, not including, `end`."""

    first: str | None = None
    end: str | None = None


@contextmanager
def open_places(database: Database, span: Span = Span()) -> Iterator[tuple[str, Iterable[Place]]]:
    """Open the tables: the stamp of their state, and the places that are open for good and have a position, by id.

    The stamp is read first: places that change meanwhile belong to a later one, and are read again.
    """
    with database.session(write=False) as session:
        yield stamp(session), places(session, span)


def side_by_side(database: Database, settings: Settings, *, count: int) -> list[Places]:
    """Cut the tables into spans of about as many places, each to be opened by a process of its own.

    Fewer than LEAST_OF_A_SPAN places each are not worth a process: then there is no span at all.
    """
    by_id = _bytewise(Facility.id, database.engine.dialect.name)
    with database.session(write=False) as session:
        known = session.scalar(select(func.count()).select_from(Facility)) or 0
        count = min(count, known // LEAST_OF_A_SPAN)
        if count <= 1:
            return []
        cuts = [
            session.scalar(select(Facility.id).order_by(by_id).offset(known * rank // count).limit(1))
            for rank in range(1, count)
        ]
    spans = [Span(first, end) for first, end in pairwise([None, *cuts, None])]
    return [partial(_open_anew, settings, span) for span in spans]


@contextmanager
def _open_anew(settings: Settings, span: Span) -> Iterator[tuple[str, Iterable[Place]]]:
    """Open the tables by a connection that no other process has."""
    database = Database.from_settings(settings)
    try:
        with open_places(database, span) as opened:
            yield opened
    finally:
        database.engine.dispose()


def places(session: Session, span: Span = Span()) -> Iterator[Place]:
    """Read the places that are open for good and have a position, by id."""
    with ExitStack() as stack:
        yield from _places(session, span, stack)


def _places(session: Session, span: Span, stack: ExitStack) -> Iterator[Place]:
    rows = _Rows(session, span, stack)
    facilities = rows(select(*_COLUMNS).where(Facility.closed_at.is_(None), Facility.lat.is_not(None)), by=Facility.id)
    category, identifier, record = FacilityCategory, FacilityIdentifier, FacilityRecordRow
    categories = _Grouped(rows(select(category.facility_id, category.category, category.rank), by=category.facility_id))
    identifiers = _Grouped(
        rows(select(identifier.facility_id, identifier.scheme, identifier.value), by=identifier.facility_id)
    )
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
        for _, source_id, dated in sorted(records.of(place_id)):
            mention = mentions.get((source_id, dated))
            if mention is None:
                mention = mentions[source_id, dated] = SourceMention(source_id, titles[source_id], dated)
            said[source_id] = mention
        ranked = categories.of(place_id)
        if len(ranked) > 1:
            ranked.sort(key=_by_rank)
        yield Place(
            id=place_id,
            name=name,
            categories=tuple([category for _, category, _ in ranked]),
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
            identifiers=tuple(sorted([(scheme, value) for _, scheme, value in identifiers.of(place_id)])),
            sources=tuple(said.values()),
            services=_words(services),
            accepts_new_patients=new_patients,
            payment_sector=payment_sector,
            third_party_payment=third_party,
            home_visits=home_visits,
            languages=_words(languages),
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
    cast(Facility.services, Text),  # as text: few lists differ, so that hardly one has to be read
    Facility.accepts_new_patients,
    Facility.payment_sector,
    Facility.third_party_payment,
    Facility.home_visits,
    cast(Facility.languages, Text),
    Facility.call_15_first,
    Facility.opening_hours,
    Facility.opening_hours_verbatim,
    Facility.opening_hours_source,
)


def _by_rank(ranked: Any) -> tuple[int, str]:
    return ranked[2], ranked[1]


@lru_cache(maxsize=10_000)
def _words(text: str | None) -> tuple[str, ...]:
    return tuple(json.loads(text) or ()) if text else ()


def _bytewise(column: Any, dialect: str) -> Any:
    """Give an id as it is compared byte by byte, as SQLite does anyway."""
    return column.collate("C") if dialect == "postgresql" else column


class _Rows:
    """Streams the rows of a span, a few thousand at a time, in the order of an id's bytes."""

    def __init__(self, session: Session, span: Span, stack: ExitStack) -> None:
        self._connection, self._span, self._stack = session.connection(), span, stack

    def __call__(self, statement: Any, *, by: Any) -> Iterator[Any]:
        by = _bytewise(by, self._connection.dialect.name)
        if self._span.first is not None:
            statement = statement.where(by >= self._span.first)
        if self._span.end is not None:
            statement = statement.where(by < self._span.end)
        # On the connection: a session looks at each row once more, for entities that none of these has.
        result = self._connection.execute(statement.order_by(by), execution_options={"yield_per": _ROWS_AT_ONCE})
        self._stack.callback(result.close)
        return iter(result)


class _Grouped:
    """Rows that begin with the id of their facility, read alongside the facilities, in the same order."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._groups: Iterator[tuple[str, Iterator[Any]]] = groupby(rows, key=itemgetter(0))
        self._owner, self._rows = next(self._groups, _NO_MORE)

    def of(self, owner: str) -> list[Any]:
        """Give the rows of a facility; those of facilities before it, which nobody asked for, are passed over."""
        while self._owner < owner:
            self._owner, self._rows = next(self._groups, _NO_MORE)
        if self._owner != owner:
            return []
        found = list(self._rows)
        self._owner, self._rows = next(self._groups, _NO_MORE)
        return found


_NO_MORE: Final[tuple[str, Iterator[Any]]] = ("\x7f", iter(()))
"""After the last: no id of ours comes after this one."""
