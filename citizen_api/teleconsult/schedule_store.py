"""Stores the places and the calendars of a feed, and the rows by which slots are searched. Nothing here commits.

Only what differs from what is known is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from citizen_api.core.db import Base, Database
from citizen_api.core.problems import Problem
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult.models import (
    NAME_LENGTH,
    PHONE_LENGTH,
    Provider,
    Schedule,
    Service,
    SlotPlace,
)
from citizen_api.territory.queries import nearest_centre

_ROWS: Final = 2_000
_LOOKED_UP_AT_ONCE: Final = 100
"""Positions in one transaction: other writers' logs are not held up by a long one."""
_LANGUAGES_LENGTH: Final = 100
_KEY: Final = ("feed_id", "source_id")
_Item = TypeVar("_Item")
_SERVICE: Final[Any] = Service.__table__
_FORGET_SERVICES: Final = delete(_SERVICE).where(_SERVICE.c.schedule_id == bindparam("of_schedule"))
_ADD_SERVICES: Final = insert(_SERVICE)
_MOVE_SERVICES: Final = (
    update(_SERVICE)
    .where(_SERVICE.c.schedule_id.in_(select(Schedule.id).where(Schedule.place_id == bindparam("of_place"))))
    .values(lat=bindparam("to_lat"), lon=bindparam("to_lon"))
)


def communes_of(database: Database, feed_id: int, places: Iterable[PlaceRecord]) -> dict[str, str | None]:
    """Commune of each place that does not say it, by its publisher's id: looked for only where it is new, or has moved.

    To be called where no transaction is open: it takes a few milliseconds for each.
    """
    silent = [(place.source_id, place.lat, place.lon) for place in places if place.commune_code is None]
    located = [(source_id, lat, lon) for source_id, lat, lon in silent if lat is not None and lon is not None]
    if not located:
        return {}
    with database.session(write=False) as session:
        known = queries.places_of(session, feed_id)
    found: dict[str, str | None] = {}
    sought: list[tuple[str, float, float]] = []
    for source_id, lat, lon in located:
        row = known.get(source_id)
        if row is not None and (row.lat, row.lon) == (lat, lon):
            found[source_id] = row.commune_code
        else:
            sought.append((source_id, lat, lon))
    for some in _cut(sought, _LOOKED_UP_AT_ONCE):
        with database.session(write=False) as session:
            found |= {source_id: _commune_at(session, lat=lat, lon=lon) for source_id, lat, lon in some}
    return found


def store_places(
    session: Session, feed_id: int, places: Collection[PlaceRecord], communes: Mapping[str, str | None]
) -> None:
    """Store the places that are new or say something else. `communes`: of `communes_of`."""
    if not places:
        return
    known = queries.places_of(session, feed_id)
    facilities = queries.facilities_by_finess(session, {place.finess for place in places if place.finess})
    rows = [_place_row(feed_id, place, communes, facilities) for place in places]
    changed = [row for row in rows if _differs(row, known.get(row["source_id"]))]
    _upsert(session, SlotPlace, changed)
    moved = [
        {"of_place": before.id, "to_lat": row["lat"], "to_lon": row["lon"]}
        for row in changed
        if (before := known.get(row["source_id"])) is not None and (before.lat, before.lon) != (row["lat"], row["lon"])
    ]
    if moved:
        session.connection().execute(_MOVE_SERVICES, moved)


def store_schedules(
    session: Session, feed_id: int, provider: Provider, schedules: Collection[ScheduleRecord]
) -> list[RejectedRow]:
    """Store the calendars that are new or say something else, with what they are searched by; give the others.

    Their places must have been stored. One that needs a place and names none that is known is rejected.
    """
    if not schedules:
        return []
    places = queries.places_of(session, feed_id)
    stored: list[ScheduleRecord] = []
    rejected: list[RejectedRow] = []
    for said in schedules:
        schedule = _met_somewhere(said, places)
        if schedule.place_id in places or schedule.modality == "video":
            stored.append(schedule)
        else:
            rejected.append(RejectedRow(0, "place_unknown: The calendar names no known place.", schedule.source_id))
    known = queries.schedules_of(session, feed_id)
    rows = [_schedule_row(feed_id, schedule, places) for schedule in stored]
    _upsert(session, Schedule, [row for row in rows if _differs(row, known.get(row["source_id"]))])
    ids = queries.schedule_ids_of(session, feed_id)
    wanted = {
        ids[schedule.source_id]: [
            _service_row(
                ids[schedule.source_id], feed_id, provider, places.get(schedule.place_id or ""), row, specialty
            )
            for specialty in dict.fromkeys(schedule.specialties)
        ]
        for schedule, row in zip(stored, rows, strict=True)
    }
    _store_services(session, feed_id, wanted)
    return rejected


def forget_unsaid(session: Session, feed_id: int, *, places: Collection[str], schedules: Collection[str]) -> None:
    """Forget the calendars that are not among these and have no slot, then such places that have no calendar."""
    ids = queries.schedule_ids_of(session, feed_id)
    said = {ids[source_id] for source_id in schedules if source_id in ids}
    _delete(session, Schedule, queries.idle_schedules(session, feed_id) - said)
    idle = queries.idle_places(session, feed_id)
    _delete(session, SlotPlace, {place_id for source_id, place_id in idle.items() if source_id not in places})


def _commune_at(session: Session, *, lat: float, lon: float) -> str | None:
    try:
        return nearest_centre(session, lat=lat, lon=lon)[0]
    except Problem:  # far from all communes, or a position that is none
        return None


def _met_somewhere(schedule: ScheduleRecord, places: Mapping[str, Any]) -> ScheduleRecord:
    """Give the calendar; by video and nowhere where its place is virtual, unless it says another way of meeting."""
    place = places.get(schedule.place_id or "")
    if place is None or not place.is_virtual or (schedule.is_modality_said and schedule.modality != "video"):
        return schedule
    return replace(schedule, modality="video", place_id=None)


def _place_row(
    feed_id: int, place: PlaceRecord, communes: Mapping[str, str | None], facilities: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "feed_id": feed_id,
        "source_id": place.source_id,
        "name": place.name[:NAME_LENGTH],
        "address": place.address and place.address[:300],
        "postcode": place.postcode and place.postcode[:10],
        "city": place.city and place.city[:100],
        "commune_code": place.commune_code or communes.get(place.source_id),
        "lat": place.lat,
        "lon": place.lon,
        "phone": place.phone if place.phone and len(place.phone) <= PHONE_LENGTH else None,
        "facility_id": facilities.get(place.finess or ""),
        "is_virtual": place.is_virtual,
    }


def _schedule_row(feed_id: int, schedule: ScheduleRecord, places: Mapping[str, Any]) -> dict[str, Any]:
    place = places.get(schedule.place_id or "")
    return {
        "feed_id": feed_id,
        "source_id": schedule.source_id,
        "place_id": place and place.id,
        "modality": schedule.modality,
        "languages": list(schedule.languages),
        "sector": schedule.sector,
        "third_party": schedule.third_party,
        "audience": schedule.audience,
        "link": schedule.link,
        "phone": schedule.phone if schedule.phone and len(schedule.phone) <= PHONE_LENGTH else None,
        "availability": schedule.availability,
        "synced_at": schedule.synced_at,
    }


def _service_row(
    schedule_id: int, feed_id: int, provider: Provider, place: Any, said: Mapping[str, Any], specialty: str
) -> dict[str, Any]:
    """What a calendar is searched by: what it says itself, else its provider."""
    return {
        "schedule_id": schedule_id,
        "specialty": specialty,
        "modality": said["modality"],
        "feed_id": feed_id,
        "provider_id": provider.id,
        "lat": place and place.lat,
        "lon": place and place.lon,
        "languages": between_commas(said["languages"] or provider.languages),
        "sector": said["sector"] or provider.sector,
        "third_party": provider.third_party if said["third_party"] is None else said["third_party"],
        "audience": said["audience"] or provider.audience,
    }


def between_commas(languages: Iterable[str]) -> str:
    """`,fr,en,`; those that find no more room are left out."""
    text = ""
    for language in languages:
        longer = f"{text or ','}{language},"
        if len(longer) > _LANGUAGES_LENGTH:
            break
        text = longer
    return text


def _store_services(session: Session, feed_id: int, wanted: Mapping[int, list[dict[str, Any]]]) -> None:
    """Have exactly these rows for each of these calendars."""
    known: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in queries.services_of(session, feed_id):
        known[row.schedule_id][row.specialty] = row
    changed = [
        schedule_id
        for schedule_id, rows in wanted.items()
        if {row["specialty"] for row in rows} != known[schedule_id].keys()
        or any(_differs(row, known[schedule_id][row["specialty"]]) for row in rows)
    ]
    for some in _cut(changed, _ROWS):
        connection = session.connection()
        connection.execute(_FORGET_SERVICES, [{"of_schedule": schedule_id} for schedule_id in some])
        connection.execute(_ADD_SERVICES, [row for schedule_id in some for row in wanted[schedule_id]])


def _differs(row: Mapping[str, Any], known: Any) -> bool:
    return known is None or any(getattr(known, name) != value for name, value in row.items())


def _upsert(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    for some in _cut(rows, _ROWS):
        session.connection().execute(_upserting(session.get_bind().dialect.name, table, tuple(some[0])), some)


@cache
def _upserting(dialect_name: str, table: type[Base], names: tuple[str, ...]) -> Any:
    dialect: Any = postgresql if dialect_name == "postgresql" else sqlite
    statement = dialect.insert(table.__table__)
    changed = {name: statement.excluded[name] for name in names if name not in _KEY}
    return statement.on_conflict_do_update(index_elements=_KEY, set_=changed)


def _delete(session: Session, table: type[Schedule | SlotPlace], ids: Collection[int]) -> None:
    for some in _cut(sorted(ids), _ROWS):
        session.execute(delete(table).where(table.id.in_(some)))


def _cut(items: list[_Item], size: int) -> Iterator[list[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
