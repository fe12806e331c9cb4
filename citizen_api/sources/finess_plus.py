"""FINESS+, the national register's daily JSON since 2026 (`pmej[].ege[]`), plain or gzipped, as it streams.

Written from the register's documented form, for no real file was at hand:

- a PMEJ is a legal entity, an EGE one of its places; active (`etatObjet` A) and closed (I) ones are there;
- the case of keys varies, strings are padded, dates may be date-times;
- `coordonneesGeographique` holds WGS84 degrees either in directionLatitude/directionLongitude, beside a
  projected pair in coordonneeX/coordonneeY, or the other way round (X is then the longitude): figures tell;
- an address of use 03 is that of the place, a contact of role 01 the main one; a quarter have no position.

A row's number is the rank of its place in the file, from 1.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

import ijson

from citizen_api.sources.finess_idf import split_postcode
from citizen_api.sources.json_events import events, fault_of
from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.readable import readable_city, readable_name, readable_street
from citizen_api.sources.records import (
    RAW_MAX_CHARS,
    BadRowError,
    FacilityRecord,
    RejectedRow,
    SourceFormatError,
    clean,
    convert,
    identifiers,
    parse_commune_code,
    parse_date,
    parse_position,
    required_finess,
    required_name,
)

ADDRESS_OF_THE_PLACE: Final = "03"
MAIN_CONTACT: Final = "01"
CLOSED: Final = "I"

UNPACKED_MAX_BYTES: Final = 20_000_000_000
"""A compressed file that unpacks to more is no register (the whole of France takes a few gigabytes)."""

_GZIP: Final = b"\x1f\x8b"
_PAIRS: Final = (("directionlatitude", "directionlongitude"), ("coordonneey", "coordonneex"))


@dataclass(frozen=True, slots=True)
class Place:
    """An EGE with its legal entity's number; keys are lower-case at every depth."""

    row: int
    ege: Mapping[str, Any]
    finess_ej: str

    @property
    def raw(self) -> str:
        """The EGE as compact JSON, cut."""
        return json.dumps(self.ege, ensure_ascii=False, separators=(",", ":"), default=str)[:RAW_MAX_CHARS]


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each EGE as a record or its rejection.

    Raises SourceFormatError, while reading, when the file is not FINESS+ JSON or breaks off.
    """
    return convert(_places(stream), _record)


class _Rejoined:
    """A stream whose first bytes were read to see what it is."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Give up to `size` bytes."""
        if not self._head:
            return self._rest.read(size)
        if size < 0:
            given, self._head = self._head, b""
            return given + self._rest.read()
        given, self._head = self._head[:size], self._head[size:]
        return given


class _Unpacked:
    """The content of a gzip stream, up to UNPACKED_MAX_BYTES."""

    def __init__(self, packed: BinaryIO) -> None:
        self._content = gzip.GzipFile(fileobj=packed)
        self._left = UNPACKED_MAX_BYTES

    def read(self, size: int = -1) -> bytes:
        """Give up to `size` bytes. Raises SourceFormatError when there are too many in all."""
        given = self._content.read(size)
        self._left -= len(given)
        if self._left < 0:
            raise SourceFormatError(f"The file unpacks to more than {UNPACKED_MAX_BYTES} bytes.")
        return given


def _places(stream: BinaryIO) -> Iterator[Place]:
    head = stream.read(len(_GZIP))
    joined = cast("BinaryIO", _Rejoined(head, stream))
    source = _Unpacked(joined) if head == _GZIP else joined
    row = 0
    try:
        for entity in _entities(source):
            general = _object(entity, "informationsgeneralespmej")
            finess_ej = _text(general, "numfinesspm") or _text(entity, "numfiness")
            for ege in _objects(entity, "ege"):
                row += 1
                yield Place(row, ege, finess_ej)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise SourceFormatError(f"Not whole FINESS+ JSON: it breaks after {row} places ({fault_of(error)}).") from None
    except (EOFError, gzip.BadGzipFile) as error:
        raise SourceFormatError(f"Not a whole gzip file: it breaks after {row} places ({error}).") from None


def _entities(source: Any) -> Iterator[Mapping[str, Any]]:
    """Build the objects of the top-level `pmej` array, one at a time, with lower-case keys."""
    found = False
    depth = 0
    inside = False
    builder: Any = None
    for event, value in events(source, what="FINESS+ JSON"):
        if event in {"end_map", "end_array"}:
            depth -= 1
        if builder is not None:
            builder.event(event, value.lower() if event == "map_key" else value)
            if depth == 2:  # noqa: PLR2004 - {"pmej": [ -> here is an entity's end
                yield builder.value
                builder = None
        elif event == "map_key" and depth == 1:
            inside = value.lower() == "pmej"
            found = found or inside
        elif inside and event == "start_map" and depth == 2:  # noqa: PLR2004 - the same depth, at its start
            builder = ijson.ObjectBuilder()
            builder.event(event, value)
        if event in {"start_map", "start_array"}:
            depth += 1
    if not found:
        raise SourceFormatError("Not FINESS+ JSON: it holds no `pmej`.")


def _record(place: Place) -> FacilityRecord:
    ege = place.ege
    general = _object(ege, "informationsgeneralesege")
    finess = required_finess(_text(general, "numfinessege"))
    name = required_name(_text(general, "nomegelong") or _text(general, "nomegecourt"))
    category = _text(ege, "categorieentitegeographiqueexercice")
    if not category:
        raise BadRowError("no_category", "The place has no category code.")
    address = _preferred(_objects(ege, "adresse"), "usageadresse", ADDRESS_OF_THE_PLACE)
    postcode, city = _postcode_and_city(address)
    lat, lon = _position(_object(address, "coordonneesgeographique"))
    phone = _phone(ege)
    return FacilityRecord(
        key=finess,
        identifiers=identifiers(finess=finess, finess_ej=place.finess_ej, siret=_text(general, "siret")),
        category_codes=(("finess", category),),
        name=readable_name(name),
        name_verbatim=name,
        street=readable_street(_street(address)) or None,
        postcode=postcode,
        city=readable_city(city or "") or None,
        commune_code=parse_commune_code(_text(address, "cogcommune")),
        phone=normalise_phone(phone, postcode=postcode),
        phone_verbatim=phone or None,
        lat=lat,
        lon=lon,
        opened_on=parse_date(_text(general, "dateouverture")),
        closed=_text(ege, "etatobjet").upper() == CLOSED,
        closed_on=parse_date(_text(general, "datefermeture")),
        updated_on=parse_date(_text(ege, "datedernieremaj") or _text(general, "datedernieremaj")),
    )


def _street(address: Mapping[str, Any]) -> str:
    parts = (_text(address, key) for key in ("numerovoie", "typevoie", "libellevoie"))
    return _text(address, "lignequatre") or clean(" ".join(parts))


def _postcode_and_city(address: Mapping[str, Any]) -> tuple[str | None, str | None]:
    from_line, city_of_line = split_postcode(_text(address, "lignesix"))
    city = _text(address, "ville") or _text(address, "ligneacheminement") or city_of_line
    return _text(address, "codepostal") or from_line, city


def _position(coordinates: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Take the pair that is in degrees. A projected pair alone is refused: its system is not named."""
    pairs = [(_text(coordinates, lat), _text(coordinates, lon)) for lat, lon in _PAIRS]
    refused: BadRowError | None = None
    for lat, lon in pairs:
        try:
            position = parse_position(lat, lon)
        except BadRowError as error:
            refused = refused or error
        else:
            if position != (None, None):
                return position
    if refused is not None:
        raise refused
    return None, None


def _phone(ege: Mapping[str, Any]) -> str:
    contacts = [contact for contact in _objects(ege, "contact") if _text(_object(contact, "telecom"), "telephone")]
    roles = {_text(_object(contact, "typecontact"), "rolecontact"): contact for contact in reversed(contacts)}
    contact = roles.get(MAIN_CONTACT) or (contacts[0] if contacts else {})
    return _text(_object(contact, "telecom"), "telephone")


def _preferred(objects: list[Mapping[str, Any]], key: str, wanted: str) -> Mapping[str, Any]:
    return next((one for one in objects if _text(one, key) == wanted), objects[0] if objects else {})


def _text(tree: Mapping[str, Any], key: str) -> str:
    value = tree.get(key)
    return "" if value is None or isinstance(value, (dict, list)) else clean(str(value))


def _object(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tree.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else {}


def _objects(tree: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = tree.get(key)
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
