"""From what a source handed over to what is stored: the commune, readable hours, faults, facts and their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import fields, replace
from datetime import date
from typing import Any, Final

from citizen_api.care.categories import LEFT_OUT, category_of
from citizen_api.care.hours import HoursNotUnderstood, parse_hours
from citizen_api.care.models import Facility, FacilityIdentifier, FacilityRecordRow
from citizen_api.care.services import service_of
from citizen_api.core.db import Database
from citizen_api.core.geo import check_position
from citizen_api.core.problems import PositionOutOfRange, PositionSwapped
from citizen_api.sources import rpps
from citizen_api.sources.french_hours import read_hours_of_week
from citizen_api.sources.phones import lost_its_zero, normalise_phone
from citizen_api.sources.records import RAW_MAX_CHARS, FacilityRecord, RejectedRow, clean
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.rules import PostcodeIndex

ANY_COMMUNE: Final = "75056"
_NOT_FACTS: Final = frozenset(
    {"key", "name_verbatim", "phone_verbatim", "closed", "closed_on", "source_id", "source_date", "origin"}
)
"""The verbatim name and phone stay out: two files that differ in capitals or spaces only say the same."""
_LONGEST: Final[dict[str, int]] = {
    name: Facility.__table__.c[name].type.length  # type: ignore[attr-defined]
    for name in ("name", "street", "postcode", "city", "website")
}
_LONGEST_KEY: Final[int] = FacilityRecordRow.__table__.c.key.type.length  # type: ignore[attr-defined]
_LONGEST_IDENTIFIER: Final[int] = FacilityIdentifier.__table__.c.value.type.length  # type: ignore[attr-defined]
_FACTS: Final = tuple(each.name for each in fields(FacilityRecord) if each.name not in _NOT_FACTS)


class CommuneFinder:
    """Tells the commune of an address that names none. Reads the communes only if it is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._index: PostcodeIndex | None = None
        self._found: dict[tuple[str, str], str | None] = {}

    def commune_of(self, postcode: str, city: str) -> str | None:
        """INSEE code, or None when the address does not tell."""
        if self._index is None:
            with self._database.session(write=False) as session:
                self._index = territory_queries.postcode_index(session)
        address = postcode, city
        if address not in self._found:
            self._found[address] = self._index.commune_of(postcode, city)
        return self._found[address]


def with_commune(record: FacilityRecord, communes: CommuneFinder) -> FacilityRecord:
    """Name the commune that the address tells, where the source names none."""
    if record.commune_code is not None or record.postcode is None:
        return record
    return replace(record, commune_code=communes.commune_of(record.postcode, record.city or ""))


def is_left_out(record: FacilityRecord) -> bool:
    """Whether we leave such places out on purpose."""
    codes = record.category_codes
    return bool(codes) and all(_leads_nowhere(scheme, code) for scheme, code in codes)


def _leads_nowhere(scheme: str, code: str) -> bool:
    """Whether we know what a code means, and that no resident is sent there."""
    if scheme == "finess":
        return code in LEFT_OUT
    # The RPPS knows every profession, OpenStreetMap every tag; those that have no category here are nobody's mistake.
    return scheme == rpps.NO_PLACE or (scheme in (rpps.SCHEME, "osm") and category_of(scheme, code) is None)


def fault_of(record: FacilityRecord, known_sources: Collection[str]) -> str | None:
    """Why a record cannot be stored, or None."""
    if record.source_id is not None and record.source_id not in known_sources:
        return f"unknown_source: {record.source_id} is not described."
    codes = record.category_codes
    if codes and not any(category_of(scheme, code) for scheme, code in codes) and not is_left_out(record):
        named = ", ".join(f"{scheme}:{code}" for scheme, code in codes)
        return f"unknown_category: {named} is not a category that we know."
    if fault := _fault_of_position(record.lat, record.lon) or _fault_of_length(record):
        return fault
    if any(isinstance(text := getattr(record, name), str) and not _is_unicode(text) for name in ("key", *_FACTS)):
        return "bad_characters: The row holds halves of characters."
    return None


def _fault_of_position(lat: float | None, lon: float | None) -> str | None:
    if lat is None or lon is None:
        return None
    try:
        check_position(lat=lat, lon=lon)
    except PositionSwapped:
        return f"bad_position: {lat}, {lon} looks swapped: {lon}, {lat} would be in France."
    except PositionOutOfRange:
        return f"bad_position: {lat}, {lon} is outside WGS84 degrees."
    return None


def _fault_of_length(record: FacilityRecord) -> str | None:
    for name, longest in _LONGEST.items():
        if len(getattr(record, name) or "") > longest:
            return f"too_long: {name} has more than {longest} characters."
    if len(record.key) > _LONGEST_KEY or any(len(value) > _LONGEST_IDENTIFIER for _, value in record.identifiers):
        return f"too_long: an identifier has more than {_LONGEST_IDENTIFIER} characters."
    return None


def rejection_of(record: FacilityRecord, reason: str) -> RejectedRow:
    """Say why a record is rejected, with the row that it was read from."""
    row, raw = (record.origin.row, record.origin.raw) if record.origin else (0, record.key)
    return RejectedRow(row, reason, raw[:RAW_MAX_CHARS])


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def with_readable_hours(record: FacilityRecord) -> FacilityRecord:
    """Read hours that people wrote in French where there is no OSM syntax.

    What is not OSM syntax is kept word for word; what cannot be read either way is unknown, never guessed.
    """
    if record.opening_hours is not None and _is_readable(record.opening_hours, record):
        return record
    written = [text for text in (record.opening_hours, record.opening_hours_verbatim) if text]
    readings = (reading for text in written if (reading := read_hours_of_week(text)) and _is_readable(reading, record))
    verbatim = record.opening_hours_verbatim or record.opening_hours
    return replace(record, opening_hours=next(readings, None), opening_hours_verbatim=verbatim)


def _is_readable(hours: str, record: FacilityRecord) -> bool:
    try:
        parse_hours(hours, insee_code=record.commune_code or ANY_COMMUNE, lat=record.lat, lon=record.lon)
    except HoursNotUnderstood:
        return False
    return True


def with_known_services(record: FacilityRecord) -> FacilityRecord:
    """Name services by their ids, and leave out those that are none of ours."""
    known = dict.fromkeys(service for word in record.services if (service := service_of(word)))
    return replace(record, services=tuple(known)) if tuple(known) != record.services else record


def unknown_services(record: FacilityRecord) -> list[str]:
    """What a source calls services, and is none of ours."""
    return [word for word in record.services if service_of(word) is None]


def facts_of(record: FacilityRecord) -> dict[str, Any]:
    """Fields of a record that say something, as JSON keeps them."""
    facts: dict[str, Any] = {}
    for name in _FACTS:
        value = getattr(record, name)
        if value in (None, "", ()):
            continue
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = [list(each) if isinstance(each, tuple) else each for each in value]
        facts[name] = value
    return facts | _remarks_on_phone(record)


def _remarks_on_phone(record: FacilityRecord) -> dict[str, Any]:
    """What `care doctor` tells of a number: what was written in its place, or that its lost zero was put back."""
    if record.phone is not None:
        return {"phone_repaired": True} if lost_its_zero(record.phone_verbatim) else {}
    written = clean(record.phone_verbatim)
    return {"phone_not_understood": written} if written and normalise_phone(written) is None else {}


def digest_of(record: FacilityRecord, facts: dict[str, Any]) -> str:
    """Digest of all that a record says, and of what its codes mean to us: a new meaning is a change."""
    categories = [category_of(scheme, code) for scheme, code in record.category_codes]
    closed_on = record.closed_on.isoformat() if record.closed_on else None
    text = json.dumps([facts, categories, record.closed, closed_on], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
