"""Writes about the air. None of them commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from citizen_api.air.facts import NewFact
from citizen_api.air.models import AirFact, AirSource, HourlyForecast, Reading, Station
from citizen_api.core.db import insert_or_update
from citizen_api.sources.air_records import ReadingRecord, StationRecord
from citizen_api.sources.air_sources import AirSourceInfo
from content.hazards import TIERS

BATCH_ROWS: Final = 2_000
KEPT_DAYS: Final = 8
"""Facts and readings of a source that is read on schedule are kept so long."""

Identity = tuple[str, str, str, str, str, date]
Zone = tuple[str, str]
"""(kind, code)."""


def keep_source(session: Session, info: AirSourceInfo) -> AirSource:
    """Have the row of a source, with what it says of itself today."""
    row = session.get(AirSource, info.id)
    if row is None:
        row = AirSource(id=info.id, failures=0)
        session.add(row)
    row.title, row.producer, row.licence, row.url = info.title, info.producer, info.licence, info.url
    session.flush()
    return row


def store_facts(
    session: Session,
    source_id: str,
    facts: Iterable[NewFact],
    *,
    known_at: datetime,
    complete: Collection[tuple[str, str]] = (),
) -> Counter[str]:
    """Add what changed as revisions; what is as it was stays one row.

    Give counts: new, revised, closed, unchanged, older (than what is held: it changes and closes nothing), duplicate
    (see `_one_each`). A fact that tells no moment of publication is as old as its reading, and none is younger.

    `complete`: the (hazard, kind) pairs of which `facts` holds all that the source says of the zones that it speaks of:
    what it said of them before, of a time that is not over, and does not say any more, is closed: it has neither level
    nor tier from now on. A zone of which it says nothing at all keeps what it had.
    """
    counts: Counter[str] = Counter()
    said = _one_each(facts, known_at, counts)
    if not said and not complete:
        return counts
    first = min((fact.day for fact in said.values()), default=known_at.date())
    known = _newest(session, source_id, since=min(first, known_at.date() - timedelta(days=1)), known_at=known_at)
    rows: list[dict[str, Any]] = []
    spoken_at: dict[Zone, datetime] = {}
    for identity, fact in said.items():
        before = known.get(identity)
        published_at = _published_at(fact, known_at)
        if before is not None and published_at < (before.published_at or before.known_at):
            counts["older"] += 1
            continue
        if (fact.hazard, fact.kind) in complete:
            zone = fact.zone_kind, fact.zone_code
            spoken_at[zone] = max(spoken_at.get(zone, published_at), published_at)
        if before is not None and _says_the_same(before, fact):
            counts["unchanged"] += 1
            before.published_at = published_at  # said again: it is as young as its last publication
            continue
        if before is None and fact.kind == "episode" and fact.tier is None:
            continue  # no episode, and there was none
        counts["new" if before is None else "revised"] += 1
        since = known_at
        if before is not None and (before.level, before.tier) == (fact.level, fact.tier):
            since = before.since
        rows.append(_row(source_id, fact, known_at=known_at, since=since))
    for before, published_at in _gone(said, known, complete, spoken_at, known_at):
        counts["closed"] += 1
        rows.append(_row(source_id, _closed(before, published_at), known_at=known_at, since=known_at))
    # A second reading within the same instant replaces the first: a revision is named by its moment.
    for batch in _batches(rows):
        session.execute(_upsert(session, AirFact, _REVISION), batch)
    return counts


def store_readings(
    session: Session,
    source_id: str,
    readings: Iterable[ReadingRecord],
    town_of: Callable[[StationRecord], str | None],
) -> int:
    """Store readings and their stations, and give how many; one that is known is replaced.

    `town_of` gives the INSEE code of a station whose source tells none.
    """
    stations: dict[str, StationRecord] = {}
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        for reading in readings:
            stations[reading.station.code] = reading.station
            yield {
                "source_id": source_id,
                "station_code": reading.station.code,
                "pollutant": reading.pollutant,
                "ends_at": reading.ends_at,
                "value_ug_m3": reading.value_ug_m3,
            }

    for batch in _batches(rows()):
        unique = {(row["station_code"], row["pollutant"], row["ends_at"]): row for row in batch}
        session.execute(_upsert(session, Reading, _READING), list(unique.values()))
        count += len(unique)
    for station in stations.values():
        row = session.get(Station, (source_id, station.code)) or Station(source_id=source_id, code=station.code)
        row.name, row.influence, row.lat, row.lon = station.name, station.influence, station.lat, station.lon
        row.commune_code = station.commune_code or town_of(station)
        session.add(row)
    session.flush()
    return count


def store_forecast(
    session: Session, source_id: str, commune_code: str, rows: Iterable[Mapping[str, Any]], *, known_at: datetime
) -> None:
    """Put hours in the place of what was known of the same hours of a commune, unless that is newer.

    Hours that did not come stay as they were. `rows`: pollutant, ends_at, value_ug_m3.
    """
    unique = {(row["pollutant"], row["ends_at"]): row for row in rows}
    common = {"source_id": source_id, "commune_code": commune_code, "known_at": known_at}
    for batch in _batches({**common, **row} for row in unique.values()):
        session.execute(_upsert(session, HourlyForecast, _HOUR, unless_newer=True), batch)


def forget_old(session: Session, source_id: str, *, now: datetime) -> None:
    """Forget what a source that is read on schedule said of days long past."""
    before = now - timedelta(days=KEPT_DAYS)
    session.execute(delete(AirFact).where(AirFact.source_id == source_id, AirFact.ends_at < before))
    session.execute(delete(Reading).where(Reading.source_id == source_id, Reading.ends_at < before))
    session.execute(
        delete(HourlyForecast).where(HourlyForecast.source_id == source_id, HourlyForecast.ends_at < before)
    )


def remove_source(session: Session, source_id: str) -> None:
    """Remove a source and all that it said."""
    session.execute(delete(AirSource).where(AirSource.id == source_id))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _newest(session: Session, source_id: str, *, since: date, known_at: datetime) -> dict[Identity, AirFact]:
    """Newest revisions of a source, of days from `since` on, that were known at a moment."""
    query = (
        select(AirFact)
        .where(AirFact.source_id == source_id, AirFact.day >= since, AirFact.known_at <= known_at)
        .order_by(AirFact.known_at)
    )
    return {
        (fact.hazard, fact.kind, fact.zone_kind, fact.zone_code, fact.subject, fact.day): fact
        for fact in session.scalars(query)
    }


def _published_at(fact: NewFact, known_at: datetime) -> datetime:
    # A moment yet to come would have every later publication taken for an older one.
    return min(fact.published_at or known_at, known_at)


def _one_each(facts: Iterable[NewFact], known_at: datetime, counts: Counter[str]) -> dict[Identity, NewFact]:
    """One fact of each identity: the newest, of equally new ones the worst. The others are counted as duplicates."""

    def rank(fact: NewFact) -> tuple[datetime, int, int]:
        level = -1 if fact.level is None else fact.level
        return _published_at(fact, known_at), level, -1 if fact.tier is None else TIERS.index(fact.tier)

    said: dict[Identity, NewFact] = {}
    for fact in facts:
        other = said.setdefault(fact.identity, fact)
        if other is not fact:
            counts["duplicate"] += 1
            said[fact.identity] = max(other, fact, key=rank)
    return said


def _says_the_same(before: AirFact, fact: NewFact) -> bool:
    return (before.level, before.tier, before.starts_at, before.ends_at, before.details) == (
        *(fact.level, fact.tier, fact.starts_at, fact.ends_at),
        dict(fact.details),
    )


def _gone(
    said: Mapping[Identity, NewFact],
    known: Mapping[Identity, AirFact],
    complete: Collection[tuple[str, str]],
    spoken_at: Mapping[Zone, datetime],
    known_at: datetime,
) -> Iterator[tuple[AirFact, datetime]]:
    """What was said before and is not any more (see `store_facts`), and the moment at which it was left out.

    `spoken_at`: when the newest was published of what the answer tells of each zone. It closes nothing newer.
    """
    for identity, before in known.items():
        held = before.ends_at > known_at and (before.level, before.tier) != (None, None)
        left_out_at = spoken_at.get((before.zone_kind, before.zone_code))
        if not held or left_out_at is None or (before.hazard, before.kind) not in complete or identity in said:
            continue
        if left_out_at >= (before.published_at or before.known_at):
            yield before, left_out_at


def _closed(before: AirFact, published_at: datetime) -> NewFact:
    return NewFact(
        hazard=before.hazard,
        kind=before.kind,
        zone_kind=before.zone_kind,
        zone_code=before.zone_code,
        subject=before.subject,
        day=before.day,
        starts_at=before.starts_at,
        ends_at=before.ends_at,
        published_at=published_at,
    )


def _row(source_id: str, fact: NewFact, *, known_at: datetime, since: datetime) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "hazard": fact.hazard,
        "kind": fact.kind,
        "zone_kind": fact.zone_kind,
        "zone_code": fact.zone_code,
        "subject": fact.subject,
        "day": fact.day,
        "level": fact.level,
        "tier": fact.tier,
        "starts_at": fact.starts_at,
        "ends_at": fact.ends_at,
        "details": dict(fact.details),
        "published_at": _published_at(fact, known_at),
        "known_at": known_at,
        "since": since,
    }


_REVISION: Final = ("source_id", "hazard", "kind", "zone_kind", "zone_code", "subject", "day", "known_at")
_READING: Final = ("source_id", "station_code", "pollutant", "ends_at")
_HOUR: Final = ("source_id", "commune_code", "pollutant", "ends_at")


def _upsert(
    session: Session,
    table: type[AirFact | Reading | HourlyForecast],
    key: tuple[str, ...],
    *,
    unless_newer: bool = False,
) -> Any:
    """INSERT that replaces the row of the same key.

    `unless_newer`: not one that came in later.
    """
    statement = insert_or_update(session, table)
    others = {
        column.name: statement.excluded[column.name]
        for column in table.__table__.columns
        if column.name not in {*key, "id"}
    }
    where = table.__table__.c.known_at <= statement.excluded["known_at"] if unless_newer else None
    return statement.on_conflict_do_update(index_elements=list(key), set_=others, where=where)
