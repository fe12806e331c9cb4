"""SMART Scheduling Links: a manifest, and files of places, schedules and slots, a JSON object a line.

https://github.com/smart-on-fhir/smart-scheduling-links, and what https://hl7.org/fhir/uv/smart-scheduling-links adds.
Both name the same extensions under addresses of their own: only the last part of an address is looked at. A file may
mix the kinds of objects; kinds that are not ours are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal, get_args

import orjson

from citizen_api.sources.air_values import rejected, text_of
from citizen_api.sources.fhir_bundles import position, things
from citizen_api.sources.phones import booking_phone
from citizen_api.sources.readable import readable_city, readable_name, readable_street
from citizen_api.sources.records import (
    RAW_MAX_CHARS,
    BadRowError,
    RejectedRow,
    SourceFormatError,
    parse_commune_code,
    required_finess,
    required_name,
)
from citizen_api.sources.slot_records import (
    CAPACITY_MOST,
    ID_LENGTH,
    LINK_LENGTH,
    Availability,
    Modality,
    PlaceRecord,
    ScheduleRecord,
    SlotRecord,
)
from citizen_api.sources.slot_source import SlotItem
from citizen_api.sources.specialties import specialties_of

LINE_MAX_BYTES: Final = 65_536
"""A slot has some 500 bytes, a schedule with many codings some thousands."""
MAX_FILES: Final = 2_000
OutputKind = Literal["Location", "Schedule", "Slot"]
KINDS: Final[tuple[OutputKind, ...]] = get_args(OutputKind)
"""In the order in which they are read: what is referred to before what refers to it."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNREADABLE: Final = ("not_json", "line_too_long")
_TIME_LENGTH: Final = 40
_REFERENCE_LENGTH: Final = 500
_PHONE_LENGTH: Final = 50
"""Longer texts are not kept in a cache, nor searched for numbers."""
_REMEMBERED: Final = 8_192
_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END: Final = datetime(2101, 1, 1, tzinfo=UTC)
_LONGEST_S: Final = 31 * 86_400
"""One slot may stand for the opening hours of a day, or of a week; not for a year."""
_MODALITIES: Final[Mapping[str, Modality]] = {
    "amb": "practice",
    "hh": "home",
    "assisted": "assisted",
    **dict.fromkeys(("vr", "virtual", "virtual-service", "video", "telehealth"), "video"),
}
_VIRTUAL: Final = frozenset({"vi", "virtual"})
"""Codes of a place to which nobody goes: that of HL7's location-physical-type, and what it stands for."""
_AVAILABILITIES: Final[Mapping[str, Availability]] = {"some": "some", "none": "none", "unknown": "unknown"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a publication consists of. `outputs`: kind and address of each file, as written, in the manifest's order."""

    published_at: datetime | None
    outputs: tuple[tuple[OutputKind, str], ...]


def read_manifest(body: bytes) -> Manifest:
    """Read a manifest. Raises SourceFormatError where it is another file, or names too many."""
    try:
        document = orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        raise SourceFormatError("Not a manifest: it is not JSON.") from None
    outputs = document.get("output") if isinstance(document, dict) else None
    if not isinstance(outputs, list):
        raise SourceFormatError("Not a manifest: it has no list of output.")
    found: dict[tuple[OutputKind, str], None] = {}
    for output in outputs:
        kind = output.get("type") if isinstance(output, dict) else None
        if kind not in KINDS:
            continue
        if not isinstance(url := output.get("url"), str) or not url.strip():
            raise SourceFormatError(f"Not a manifest: it names a {kind} file without its address.")
        found[kind, url.strip()] = None
    if len(found) > MAX_FILES:
        raise SourceFormatError(f"It names more than {MAX_FILES} files.")
    return Manifest(_instant(document.get("transactionTime")), tuple(found))


def read_lines(pieces: Iterable[bytes]) -> Iterator[SlotItem]:
    """Read a file as it comes. No more than a line and a piece is ever held.

    Raises SourceFormatError, after its last row, for a file of which not one line can be used, and for one that ends
    in the middle of a line: what should follow is not known.
    """
    lines = _Lines(pieces)
    is_used = is_refused = False
    row = 0
    for row, line in enumerate(lines, start=1):
        item = _item(row, line)
        if item is None:
            continue
        if type(item) is RejectedRow:
            is_refused = True
        else:
            is_used = True
        yield item
    last = _item(row + 1, lines.rest)
    if last is not None:
        yield last
    if isinstance(last, RejectedRow) and last.code in _UNREADABLE:
        raise SourceFormatError("It breaks off in the middle of a line.")
    if not is_used and (is_refused or isinstance(last, RejectedRow)):
        raise SourceFormatError("No line of it can be used.")


class _Lines:
    """The lines that end; of one that is too long only its beginning, longer than a line may be.

    `rest`: what follows the last end of a line, once all was read.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.rest = b""

    def __iter__(self) -> Iterator[bytes]:
        begun = b""
        is_first = True
        for piece in self._pieces:
            *ended, rest = piece.split(b"\n")
            for line in ended:
                whole = begun + line if begun else line
                yield whole.removeprefix(_BYTE_ORDER_MARK) if is_first else whole
                begun, is_first = b"", False
            begun = (begun + rest)[: LINE_MAX_BYTES + 1]
        self.rest = begun.removeprefix(_BYTE_ORDER_MARK) if is_first else begun


def _item(row: int, line: bytes) -> SlotItem | None:
    """None for an empty line and for a kind of object that is not ours."""
    if not line or line.isspace():
        return None
    try:
        return _record(line)
    except BadRowError as error:
        return rejected(row, error, line[:RAW_MAX_CHARS].decode("utf-8", errors="replace"))


def _record(line: bytes) -> SlotItem | None:
    if len(line) > LINE_MAX_BYTES:
        raise BadRowError("line_too_long", f"The line has more than {LINE_MAX_BYTES} bytes.")
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadRowError("not_json", "The line is not JSON.") from None
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind == "Slot":
        return _slot(document)
    if kind == "Schedule":
        return _schedule(document)
    if kind == "Location":
        return _place(document)
    if not isinstance(kind, str):
        raise BadRowError("no_kind", "The line does not say what it is (resourceType).")
    return None


def _slot(document: Mapping[str, Any]) -> SlotRecord:
    start_s, end_s = _seconds(document.get("start")), _seconds(document.get("end"))
    if end_s <= start_s:
        raise BadRowError("bad_period", "The slot does not end after it starts.")
    if end_s - start_s > _LONGEST_S:
        raise BadRowError("bad_period", f"The slot lasts more than {_LONGEST_S // 86_400} days.")
    said = _extensions(document)
    capacity = _capacity(said.get("slot-capacity"))
    return SlotRecord(
        source_id=_identifier(document.get("id")),
        schedule_id=_required_reference(document.get("schedule"), "Schedule"),
        is_free=document.get("status") == "free" and capacity != 0,
        start_s=start_s,
        end_s=end_s,
        capacity=capacity,
        link=_link(said.get("booking-deep-link")),
        phone=_phone(said.get("booking-phone")),
    )


def _schedule(document: Mapping[str, Any]) -> ScheduleRecord:
    said = _extensions(document)
    services = [*_codings(document.get("serviceType")), *_codings(document.get("serviceCategory"))]
    specialties = [
        *_codings(document.get("specialty")),
        *_codings(said.get("specialty", said.get("schedule-specialty"))),
    ]
    actors = (_reference(actor, "Location") for actor in things(document.get("actor")))
    place_id = next((actor for actor in actors if actor), None)
    modality = _modality(document, said, services)
    return ScheduleRecord(
        source_id=_identifier(document.get("id")),
        modality=modality or ("practice" if place_id else "video"),
        specialties=specialties_of([*services, *specialties]),
        place_id=_identifier(place_id) if place_id else None,
        link=_link(said.get("booking-deep-link")),
        phone=_phone(said.get("booking-phone")),
        availability=_AVAILABILITIES.get(text_of(said.get("has-availability"))),
        synced_at=_instant(_extensions(document.get("meta")).get("lastSourceSync")),
        is_modality_said=modality is not None,
    )


def _modality(
    document: Mapping[str, Any], said: Mapping[str, Any], services: Iterable[tuple[str, str, str]]
) -> Modality | None:
    """None where nothing is said."""
    channels = _codings(said.get("channel", said.get("service-channel")))
    for _, code, _ in [*services, *_codings(document.get("appointmentType")), *channels]:
        if modality := _MODALITIES.get(code.lower()):
            return modality
    is_virtual = said.get("virtual-service") or said.get("virtualService") or document.get("virtualService")
    return "video" if is_virtual else None


def _place(document: Mapping[str, Any]) -> PlaceRecord:
    name = readable_name(required_name(text_of(document.get("name"))))[:200]
    address = next(things(document.get("address")), {})
    lines = address.get("line")
    written = [text for line in (lines if isinstance(lines, list) else [lines]) if (text := text_of(line))]
    postcode = text_of(address.get("postalCode"))[:10]
    lat, lon = position(document.get("position"))
    return PlaceRecord(
        source_id=_identifier(document.get("id")),
        name=name,
        address=", ".join(map(readable_street, written))[:300] or None,
        postcode=postcode or None,
        city=readable_city(text_of(address.get("city")))[:100] or None,
        commune_code=_commune_code(address),
        lat=lat,
        lon=lon,
        phone=_general_phone(document.get("telecom"), postcode),
        finess=_finess(document.get("identifier")),
        is_virtual=any(
            code.lower() in _VIRTUAL
            for field in ("physicalType", "form", "type", "mode")
            for _, code, _ in _codings(document.get(field))
        ),
    )


def _commune_code(address: Mapping[str, Any]) -> str | None:
    """Read the INSEE code where the French profile of FHIR has it."""
    codings = _codings(_extensions(address).get("fr-core-address-insee-code"))
    return next((code for _, written, _ in codings if (code := parse_commune_code(written))), None)


def _general_phone(telecom: Any, postcode: str) -> str | None:
    numbers = (row.get("value") for row in things(telecom) if row.get("system") == "phone")
    return next((phone for value in numbers if (phone := _phone(value, postcode=postcode))), None)


def _finess(identifiers: Any) -> str | None:
    for identifier in things(identifiers):
        if "finess" in text_of(identifier.get("system")).lower():
            try:
                return required_finess(text_of(identifier.get("value")))
            except BadRowError:
                continue
    return None


def _extensions(holder: Any) -> dict[str, Any]:
    """Give the values of an object's extensions by the last part of their addresses, the first of each."""
    said: dict[str, Any] = {}
    extensions = holder.get("extension") if isinstance(holder, dict) else None
    for extension in extensions if isinstance(extensions, list) else ():
        if isinstance(extension, dict) and isinstance(url := extension.get("url"), str):
            name = url[url.rfind("/") + 1 :]
            for key in extension:
                if key[:5] == "value" and name not in said:
                    said[name] = extension[key]
    return said


def _codings(given: Any) -> Iterator[tuple[str, str, str]]:
    """Give (system, code, text) of each coding of some concepts; codings without a concept around them count too.

    A code that comes without a text is its own text: "covid19-immunization" says what it is.
    """
    if isinstance(given, str):
        yield "", text_of(given), ""
    for concept in things(given):
        text = text_of(concept.get("text"))
        for coding in [*things(concept.get("coding"))] or [concept]:
            code = text_of(coding.get("code"))
            yield text_of(coding.get("system")), code, text_of(coding.get("display")) or text or code


def _identifier(given: Any) -> str:
    text = str(given) if type(given) is int else given
    if isinstance(text, str) and 0 < len(text := text.strip()) <= ID_LENGTH and text.isprintable():
        return text
    raise BadRowError("bad_identifier", f"{_shown(given)} identifies nothing.")


def _required_reference(given: Any, kind: str) -> str:
    found = _reference(given, kind)
    if found is None:
        raise BadRowError("no_reference", f"It refers to no {kind}.")
    return _identifier(found)


def _reference(given: Any, kind: str) -> str | None:
    text = given.get("reference") if isinstance(given, dict) else None
    return _referred(text, kind) if isinstance(text, str) and len(text) <= _REFERENCE_LENGTH else None


@lru_cache(_REMEMBERED)
def _referred(text: str, kind: str) -> str | None:
    """Read "Schedule/10", with an address before or a version behind; None when it refers to another kind."""
    before, separator, found = text.strip().rpartition(f"{kind}/")
    is_ours = separator and (not before or before.endswith("/"))
    return found.partition("/")[0] or None if is_ours else None


def _seconds(given: Any) -> int:
    """Read a moment as whole seconds since 1970."""
    if isinstance(given, str) and len(given) <= _TIME_LENGTH:
        return _seconds_of(given)
    raise BadRowError("bad_time", f"{_shown(given)} is not a moment.")


@lru_cache(_REMEMBERED)
def _seconds_of(text: str) -> int:
    return (_moment(text) - _EPOCH) // _SECOND


def _instant(given: Any) -> datetime | None:
    """Read a moment that is a detail: None where it is unreadable."""
    try:
        return _moment(given).astimezone(UTC) if isinstance(given, str) else None
    except BadRowError:
        return None


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text.strip().replace("z", "Z"))
    except ValueError:
        raise BadRowError("bad_time", f"{_shown(text)} is not a moment.") from None
    if read.tzinfo is None:
        raise BadRowError("no_offset", f"{_shown(text)} does not say its offset from UTC.")
    if not _FIRST <= read < _END:
        raise BadRowError("absurd_time", f"{_shown(text)} is not of this century.")
    return read


def _shown(given: Any) -> str:
    return repr(text_of(given)[:_TIME_LENGTH])


def _capacity(given: Any) -> int | None:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < len(str(CAPACITY_MOST)):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= CAPACITY_MOST:
        return None
    return int(given) if given == int(given) else None


def _link(given: Any) -> str | None:
    """Give an https address; None for any other."""
    if not isinstance(given, str) or len(given := given.strip()) > LINK_LENGTH or given[:8].lower() != "https://":
        return None
    has_host = given[8:9] not in {"", "/", "?", "#"}
    return given if has_host and given.isprintable() and " " not in given and "\\" not in given else None


def _phone(given: Any, *, postcode: str | None = None) -> str | None:
    text = str(given) if type(given) is int else given
    return _dialled(text, postcode) if isinstance(text, str) and len(text) <= _PHONE_LENGTH else None


@lru_cache(_REMEMBERED)
def _dialled(text: str, postcode: str | None) -> str | None:
    return booking_phone(text, postcode=postcode)
