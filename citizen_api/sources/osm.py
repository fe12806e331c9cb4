"""OpenStreetMap: places of care, defibrillators and drinking water, from a PBF or a GeoJSON file.

Which of the two a file is, its first bytes tell. What is not for the public (a private or broken defibrillator, a
pharmacy that dispenses nothing) comes with a code that leads to no category. A place mapped twice under one FINESS
number gives two records: that number makes one place of them. Data of OpenStreetMap's contributors, under the ODbL.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

import osmium

from citizen_api.sources import osm_geojson, osm_pbf
from citizen_api.sources.osm_blobs import check_strings
from citizen_api.sources.osm_elements import UNITS_PER_DEGREE, Element, category_codes, kinds_of
from citizen_api.sources.osm_tags import (
    WHEELCHAIR,
    address,
    identifiers_of,
    languages,
    name_of,
    phone,
    services,
    website,
)
from citizen_api.sources.readable import readable_name
from citizen_api.sources.records import (
    BadRowError,
    FacilityRecord,
    RejectedRow,
    SourceFormatError,
    clean,
    convert,
    parse_date,
)

CHECK_KEYS: Final = ("check_date", "check_date:opening_hours", "survey:date")
"""Days on which somebody went to see."""

_HEAD_BYTES: Final = 64
_PBF_HEADER: Final = b"OSMHeader"
_OTHER_FORMS: Final = {
    b"<": "XML; convert it to PBF",
    b"\x1f\x8b": "compressed with gzip; unpack it",
    b"BZh": "compressed with bzip2; unpack it",
    b"PK\x03\x04": "an archive; unpack it",
}


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each place of care as a record or its rejection. The stream can be rewound; a real file is read in place.

    Raises SourceFormatError, while reading, when the file is neither form or breaks off.
    """
    until = dated(stream)
    return convert(_elements(stream), lambda element: _record(element, until=until))


def dated(stream: BinaryIO) -> date | None:
    """Day of which the file is, where it tells, else None. Leaves the stream where it was."""
    start = stream.tell()
    try:
        if _is_pbf(stream):
            return osm_pbf.dated(_pbf(stream))
        return osm_geojson.dated(stream)
    finally:
        stream.seek(start)


def _elements(stream: BinaryIO) -> Iterator[Element | RejectedRow]:
    if _is_pbf(stream):
        return _elements_of_pbf(stream)
    head = _head(stream)
    if head.removeprefix(osm_geojson.BYTE_ORDER_MARK).lstrip().startswith(b"{"):
        return osm_geojson.elements(stream)
    hint = next((f" (this is {what})" for start, what in _OTHER_FORMS.items() if head.lstrip().startswith(start)), "")
    raise SourceFormatError(f"Not OpenStreetMap data in PBF or GeoJSON{hint}.")


def _elements_of_pbf(stream: BinaryIO) -> Iterator[Element | RejectedRow]:
    start = stream.tell()
    check_strings(stream)
    stream.seek(start)
    yield from osm_pbf.elements(_pbf(stream))


def _head(stream: BinaryIO) -> bytes:
    start = stream.tell()
    head = stream.read(_HEAD_BYTES)
    stream.seek(start)
    return head


def _is_pbf(stream: BinaryIO) -> bool:
    return _PBF_HEADER in _head(stream)[:32]


def _pbf(stream: BinaryIO) -> osm_pbf.Source:
    """Give the file itself where the stream is one, to be read in passes; else its bytes."""
    name = getattr(stream, "name", None)
    if isinstance(name, str) and _is_of_file(stream, name):
        return osmium.io.File(str(Path(name).absolute()), "pbf")
    return osmium.io.FileBuffer(stream.read(), "pbf")


def _is_of_file(stream: BinaryIO, name: str) -> bool:
    try:
        return stream.tell() == 0 and os.path.samestat(os.fstat(stream.fileno()), Path(name).stat())
    except (OSError, ValueError):
        return False


def _record(element: Element, *, until: date | None) -> FacilityRecord:
    tags = element.tags
    name = name_of(tags, kinds_of(tags))
    identifiers = identifiers_of(tags)
    where = address(tags)
    lat, lon = _position(element)
    if lat is None and not identifiers and not where.names_a_town:
        raise BadRowError("no_position", "None of its corners is in the file, and no address says where it is.")
    number, number_as_written = phone(tags, where.postcode)
    return FacilityRecord(
        key=element.key,
        identifiers=identifiers,
        category_codes=category_codes(tags),
        name=readable_name(name),
        name_verbatim=name,
        street=where.street,
        postcode=where.postcode,
        city=where.city,
        commune_code=where.commune_code,
        phone=number,
        phone_verbatim=number_as_written,
        lat=lat,
        lon=lon,
        opening_hours=clean(tags.get("opening_hours")) or None,
        wheelchair=WHEELCHAIR.get(tags.get("wheelchair", "")),
        website=website(tags),
        services=services(tags),
        languages=languages(tags),
        updated_on=_updated_on(element, until),
    )


def _position(element: Element) -> tuple[float | None, float | None]:
    if element.position is None:
        return None, None
    if element.position == (0, 0):
        raise BadRowError("bad_position", "0, 0 stands where the position is not known.")
    lat, lon = element.position
    return lat / UNITS_PER_DEGREE, lon / UNITS_PER_DEGREE


def _updated_on(element: Element, until: date | None) -> date | None:
    """Give the latest day on which somebody edited or checked it; a check later than the file is a slip of the pen."""
    checks = (parse_date(element.tags.get(key)) for key in CHECK_KEYS)
    checked = [day for day in checks if day is not None and (until is None or day <= until)]
    return max([*checked, *([element.edited_on] if element.edited_on else [])], default=None)
