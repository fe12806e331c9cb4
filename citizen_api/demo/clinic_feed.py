"""What the demo clinics publish: SMART Scheduling Links of the coming week, the same for all in one minute. Pure.

The practices are made up and stand in squares of central Paris; the booths stand in pharmacies of the sample, which
have none. Who takes a slot, and when, is drawn from its name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

PARIS: Final = ZoneInfo("Europe/Paris")
AHEAD: Final = timedelta(days=7)
LENGTH: Final = timedelta(minutes=15)
_SPECIFICATION: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition"
_SERVICE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/service-type"
_PROFESSION: Final = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
_WAYS: Final[Mapping[str, Mapping[str, str]]] = {
    "practice": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "video": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"},
    # No code system known to us names it: a code of its own, without one.
    "assisted": {"code": "assisted"},
}
_CODINGS: Final[Mapping[str, tuple[str, str, str]]] = {
    "general-practice": (_SERVICE_TYPE, "124", "General Practice"),
    "paediatrics": (_SERVICE_TYPE, "200", "Paediatric Medicine"),
    "dermatology": (_SERVICE_TYPE, "168", "Dermatology"),
    "vaccination": (_SERVICE_TYPE, "57", "Immunization"),
    "midwifery": (_PROFESSION, "50", "Sage-Femme"),
}
_WEEK: Final = (((9, 0), (12, 30)), ((14, 0), (18, 30)))
_SATURDAY: Final = (((9, 0), (12, 30)),)
_LATE: Final = (((8, 0), (23, 45)),)
_SUNDAY: Final = 6
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
"""Since 1970, until the year 2286."""
_NEVER, _BUSY, _GOES = 300, 150, 250
"""Of 1,000 quarters of an hour: those never offered, those never free, those that somebody takes some day."""
_TAKEN_WITHIN_S: Final = 5 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlace:
    """Where demo appointments would be. `finess`: of the pharmacy that lends its place to a booth."""

    code: str
    name: str
    street: str
    postcode: str
    lat: float
    lon: float
    finess: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCalendar:
    """A calendar. `modality`: practice, video or assisted; `is_late`: every day until midnight."""

    code: str
    provider_id: str
    specialty: str
    modality: str
    place: DemoPlace | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class DemoSlot:
    """A quarter of an hour of a calendar; `is_free` at the moment that was asked about."""

    id: str
    calendar: DemoCalendar
    start: datetime
    is_free: bool


def slots_between(calendar: DemoCalendar, first: datetime, end: datetime, now: datetime) -> Iterator[DemoSlot]:
    """Slots of a calendar that start in [first, end), as they are at `now`; those never offered left out."""
    day = first.astimezone(PARIS).date()
    while day <= end.astimezone(PARIS).date():
        for begins, ends in _hours(calendar, day.weekday()):
            start, closes = (datetime.combine(day, time(*at), PARIS) for at in (begins, ends))
            while start < closes:
                if first <= start < end and (slot := _slot(calendar, start, now)) is not None:
                    yield slot
                start += LENGTH
        day += timedelta(days=1)


def find_slot(calendars: Sequence[DemoCalendar], slot_id: str, now: datetime) -> DemoSlot | None:
    """The slot of a name as it is at `now`, past or to come; None where there is none."""
    code, _, said = slot_id.rpartition("-")
    if not _SECONDS.fullmatch(said):
        return None
    start = datetime.fromtimestamp(int(said), UTC)
    found = (
        slot
        for calendar in calendars
        if calendar.code == code
        for slot in slots_between(calendar, start, start + LENGTH, now)
    )
    return next((slot for slot in found if slot.id == slot_id), None)


def manifest(addresses: Mapping[str, str], request: str, now: datetime) -> bytes:
    """The manifest. `addresses`: of its files, by the kind of resource; `request`: its own."""
    output = [{"type": kind, "url": url} for kind, url in addresses.items()]
    return orjson.dumps({"transactionTime": _written(now), "request": request, "output": output, "error": []})


def locations(calendars: Sequence[DemoCalendar]) -> bytes:
    """The places of some calendars."""
    places = {calendar.place.code: calendar.place for calendar in calendars if calendar.place}
    return _lines([_location(place) for place in places.values()])


def schedules(calendars: Sequence[DemoCalendar]) -> bytes:
    """The calendars themselves."""
    return _lines([_schedule(calendar) for calendar in calendars])


def slots(calendars: Sequence[DemoCalendar], now: datetime, *, taken: Collection[str] = ()) -> bytes:
    """The slots of the week from `now` on. `taken`: names of those that were taken by hand: they are not said."""
    week = (slot for calendar in calendars for slot in slots_between(calendar, now, now + AHEAD, now))
    return _lines([_published(slot) for slot in week if slot.id not in taken])


def _hours(calendar: DemoCalendar, weekday: int) -> Sequence[tuple[tuple[int, int], tuple[int, int]]]:
    if calendar.is_late:
        return _LATE
    return () if weekday == _SUNDAY else _SATURDAY if weekday == _SUNDAY - 1 else _WEEK


def _slot(calendar: DemoCalendar, start: datetime, now: datetime) -> DemoSlot | None:
    slot_id = f"{calendar.code}-{int(start.timestamp())}"
    drawn = int.from_bytes(hashlib.blake2b(f"demo:{slot_id}".encode(), digest_size=8).digest())
    share, when = drawn % 1_000, drawn // 1_000
    if share < _NEVER:
        return None
    if share < _NEVER + _BUSY:
        return DemoSlot(slot_id, calendar, start, is_free=False)
    taken_at = start - timedelta(seconds=when % _TAKEN_WITHIN_S)
    goes = share < _NEVER + _BUSY + _GOES
    # By whole minutes: whoever asks in the same minute is told the same.
    is_gone = goes and taken_at <= now.replace(second=0, microsecond=0)
    return DemoSlot(slot_id, calendar, start, is_free=not is_gone)


def _location(place: DemoPlace) -> dict[str, Any]:
    identifiers = [{"system": "https://finess.esante.gouv.fr", "value": place.finess}] if place.finess else []
    return {
        "resourceType": "Location",
        "id": place.code,
        "name": place.name,
        "identifier": identifiers,
        "address": {"line": [place.street], "city": "Paris", "postalCode": place.postcode, "country": "FR"},
        "position": {"latitude": place.lat, "longitude": place.lon},
    }


def _schedule(calendar: DemoCalendar) -> dict[str, Any]:
    system, code, display = _CODINGS[calendar.specialty]
    return {
        "resourceType": "Schedule",
        "id": calendar.code,
        "serviceType": [
            {"coding": [{"system": system, "code": code, "display": display}]},
            {"coding": [_WAYS[calendar.modality]]},
        ],
        "actor": [{"reference": f"Location/{calendar.place.code}"}] if calendar.place else [],
        "extension": [{"url": f"{_SPECIFICATION}/has-availability", "valueCode": "some"}],
    }


def _published(slot: DemoSlot) -> dict[str, Any]:
    return {
        "resourceType": "Slot",
        "id": slot.id,
        "schedule": {"reference": f"Schedule/{slot.calendar.code}"},
        "status": "free" if slot.is_free else "busy",
        "start": _written(slot.start),
        "end": _written(slot.start + LENGTH),
    }


def _written(moment: datetime) -> str:
    return moment.astimezone(PARIS).isoformat(timespec="milliseconds")


def _lines(documents: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(document) + b"\n" for document in documents)
