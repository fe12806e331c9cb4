"""Where one can be vaccinated in a département, and when next: JSON of the vaccination campaign's aggregators.

Written from two real snapshots (2021, Île-de-France): `centres_disponibles` and `centres_indisponibles`, each centre
with its name, address, position, telephone, the address of its booking page, its next appointment (`prochain_rdv`) and
how many appointments there are (`appointment_count`, of all days that the aggregator looks at).

A centre is known by its name and address, which are its own in both snapshots. Its link will not do: 72 of 338 centres
have none, and the others' 266 would be fewer without their queries, for one address books for eight town halls.

Centres on no platform that the aggregator watches ("Autre", or none) stand among those without appointments, and that
says nothing: they are "unknown", not "none".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from citizen_api.sources.air_values import moment, required_moment, text_of
from citizen_api.sources.phones import booking_phone
from citizen_api.sources.readable import readable_city, readable_name, readable_street
from citizen_api.sources.records import BadRowError, RejectedRow, clean, parse_position, required_name
from citizen_api.sources.slot_fetch import WAIT_S, Limits, fetch_changed
from citizen_api.sources.slot_links import https_link
from citizen_api.sources.slot_records import Availability, PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import FileState, Publication, SlotItem, UnreadablePublisherError
from citizen_api.sources.specialties import VACCINATION

FILE_MAX_BYTES: Final = 20_000_000
"""A file is held whole; that of a département has 50 KB, and of all of them 10 MB."""
UNSAID_S: Final = 1
"""How long a slot lasts whose end the publisher does not say: nobody's appointment does, so that it is not shown."""
_LISTS: Final = (("centres_disponibles", True), ("centres_indisponibles", False))
_ADDRESS: Final = re.compile(r"(?P<street>.*?)[\s,]*\b(?P<postcode>\d{5})\s+(?P<city>\D.*)")
_ADDRESS_LENGTH: Final = 400
_FRENCH_LATS: Final = (41.0, 51.5)
_FRENCH_LONS: Final = (-5.5, 10.0)
"""Mainland and Corsica: where latitude and longitude cannot be taken for each other."""
_UNWATCHED: Final = frozenset({"", "autre"})


@dataclass(frozen=True, slots=True)
class Centre:
    """A row of the file, as it stands there. `is_free`: whether it is listed among those with appointments."""

    row: int
    given: Any
    is_free: bool


@dataclass(frozen=True, slots=True)
class Availabilities:
    """A file. `updated_at`: when the aggregator made it."""

    updated_at: datetime | None
    centres: Sequence[Centre]


def read_availabilities(body: bytes) -> Availabilities:
    """Read a file. Raises UnreadablePublisherError."""
    try:
        document = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise UnreadablePublisherError(f"not JSON ({error.msg[:100]})") from None
    told = document if isinstance(document, dict) else {}
    lists = [(rows, is_free) for name, is_free in _LISTS if isinstance(rows := told.get(name), list)]
    if not lists:
        raise UnreadablePublisherError("not a file of availabilities: it has no list of centres")
    centres = [(given, is_free) for rows, is_free in lists for given in rows]
    return Availabilities(
        moment(told.get("last_updated")), [Centre(row, *each) for row, each in enumerate(centres, start=1)]
    )


def records_of(availabilities: Availabilities) -> Iterator[SlotItem]:
    """Give what each centre says: its place, its calendar, and its next slot."""
    seen: set[str] = set()
    for centre in availabilities.centres:
        try:
            place = _place(centre.given)
        except BadRowError as error:
            yield _rejected(centre, error)
            continue
        if place.source_id in seen:
            yield _rejected(centre, BadRowError("duplicate", "The centre stands in the file twice."))
            continue
        seen.add(place.source_id)
        yield place
        yield from _calendar(centre, place.source_id, availabilities.updated_at)


def _calendar(centre: Centre, place_id: str, updated_at: datetime | None) -> Iterator[SlotItem]:
    given = centre.given
    availability: Availability = "some" if centre.is_free else "none" if _is_watched(given) else "unknown"
    slot: SlotItem | None = None
    if given.get("prochain_rdv") is not None:
        try:
            slot, availability = _slot(given, place_id, updated_at), "some"
        except BadRowError as error:
            slot, availability = _rejected(centre, error), "unknown"
    yield ScheduleRecord(
        source_id=place_id,
        modality="practice",
        specialties=(VACCINATION,),
        place_id=place_id,
        link=https_link(text_of(given.get("url"))),
        availability=availability,
        synced_at=updated_at,
    )
    if slot is not None:
        yield slot


def _slot(centre: Mapping[str, Any], schedule_id: str, updated_at: datetime | None) -> SlotRecord:
    """The next slot. Raises BadRowError for one that was over when the file was made."""
    start = required_moment(centre.get("prochain_rdv"))
    if updated_at is not None and start < updated_at:
        raise BadRowError("past", "The next appointment was over when the file was made.")
    start_s = int(start.timestamp())
    return SlotRecord(
        source_id=f"{schedule_id}|{start_s}",
        schedule_id=schedule_id,
        is_free=True,
        start_s=start_s,
        end_s=start_s + UNSAID_S,
        capacity=None,
        link=None,
        phone=None,
    )


def _is_watched(centre: Mapping[str, Any]) -> bool:
    is_named = text_of(centre.get("plateforme")).casefold() not in _UNWATCHED
    return is_named and https_link(text_of(centre.get("url"))) is not None


def _place(centre: Any) -> PlaceRecord:
    if not isinstance(centre, dict):
        raise BadRowError("bad_row", "It is not a centre.")
    name = required_name(text_of(centre.get("nom")))
    details = centre.get("metadata")
    details = details if isinstance(details, dict) else {}
    written = text_of(details.get("address"))[:_ADDRESS_LENGTH]
    parts = _ADDRESS.fullmatch(written)
    street, postcode, city = parts.group("street", "postcode", "city") if parts else (written, "", "")
    lat, lon = _position(centre.get("location"))
    return PlaceRecord(
        source_id=_identity(name, written),
        name=readable_name(name)[:200],
        address=readable_street(street)[:300] or None,
        postcode=postcode or None,
        city=readable_city(city)[:100] or None,
        lat=lat,
        lon=lon,
        phone=booking_phone(text_of(details.get("phone_number"))[:50], postcode=postcode),
    )


def _identity(name: str, address: str) -> str:
    told = f"{clean(name)}\n{clean(address)}".casefold()
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _position(location: Any) -> tuple[float | None, float | None]:
    """Read WGS84 degrees, put right where they are those of France only the other way round; else None, None."""
    if not isinstance(location, dict):
        return None, None
    try:
        lat, lon = parse_position(text_of(location.get("latitude")), text_of(location.get("longitude")))
    except BadRowError:
        return None, None
    if lat is not None and lon is not None and _is_french(lat=lon, lon=lat):
        return lon, lat
    return lat, lon


def _is_french(*, lat: float, lon: float) -> bool:
    return _FRENCH_LATS[0] <= lat <= _FRENCH_LATS[1] and _FRENCH_LONS[0] <= lon <= _FRENCH_LONS[1]


def _rejected(centre: Centre, error: BadRowError) -> RejectedRow:
    name = text_of(centre.given.get("nom")) if isinstance(centre.given, dict) else ""
    return RejectedRow(centre.row, str(error), name[:200])


class AvailabilityFeed:
    """One file at one address. `max_bytes`: of it, FILE_MAX_BYTES at most; `wait_s`: for it."""

    def __init__(self, client: httpx.Client, url: str, *, max_bytes: int, wait_s: float = WAIT_S) -> None:
        self._client = client
        self._url = url
        self._limits = Limits(min(max_bytes, FILE_MAX_BYTES), wait_s)

    def look(self, known: FileState | None, *, since: datetime | None) -> Publication | None:  # noqa: ARG002
        """Fetch the file; None when it did not change since `known`. It is always whole."""
        body = fetch_changed(self._client, self._url, known, accept="application/json", limits=self._limits)
        if body is None:
            return None
        with body:
            content = b"".join(body.pieces())
        state = body.state
        if known is not None and known.digest == state.digest:
            return None
        try:
            availabilities = read_availabilities(content)
        except UnreadablePublisherError as error:
            raise UnreadablePublisherError(f"{body.place}: {error}") from None
        file = AvailabilityFile(self._url, availabilities, state, len(content))
        return Publication(state=state, published_at=availabilities.updated_at, is_whole=True, files=[file])


@dataclass(frozen=True, slots=True)
class AvailabilityFile:
    """The file of a publication, read already: it is its own reading."""

    url: str
    availabilities: Availabilities
    state: FileState
    size: int
    holds_slots: bool = True

    def read(self, known: FileState | None) -> AvailabilityFile:  # noqa: ARG002
        """Give it: that it changed was found out by `look`."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def __iter__(self) -> Iterator[SlotItem]:
        return records_of(self.availabilities)
