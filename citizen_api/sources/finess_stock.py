"""The stock of FINESS as it was until 2026, when FINESS+ took its place; still what many hold.

Written from its documented form and from lines quoted in public, for no real file was at hand. No header row; `;`,
windows-1252 or UTF-8, each line on its own; first `finess;etalab;<n>;<date>`, then lines that say what they are:

- `structureet`, a place, in the 32 FIELDS: its address in pieces, its INSEE code in two (overseas, département 9A
  and commune 101 are 97101);
- `geolocalisation`, its projected position, mostly after all the places: hence two passes, the positions of the
  first held in arrays. `sourcecoordet` names the system, as "…,EPSG:2154 RGF93 / Lambert-93 (Métropole)" or, in
  older files, "…,LAMBERT_93", and begins with how precise it is: 1 is the house, more is the street, the hamlet or
  (ADMIN-EXPRESS) the centre of the commune.

A place whose system is not known, or whose figures are outside it, is kept without a position.

A file that breaks off is refused: the places after the break would count as closed, or all lose their positions. It
does if its last line has neither a line end nor all of its fields, or if it has lines of positions, but fewer than one
for two places (a real stock has one for nearly each). Lines are counted, whether or not they can be read: a stock whose
systems nobody knows is whole. No line of positions at all is a stock of the form that has none.
"""

import csv
import os
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from citizen_api.sources.finess_idf import split_postcode
from citizen_api.sources.paris_pharmacies import REPEATS, shop_name
from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.readable import STREET_TYPES, readable_city, readable_name, readable_street
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
    required_finess,
    required_name,
)
from citizen_api.sources.tables import LINE_MAX_BYTES, TableRow

STRUCTURE: Final = "structureet"
POSITION: Final = "geolocalisation"
OTHER_SECTIONS: Final = frozenset({"structureej", "equipementsocial", "equipementlourd", "activiteoffresoin"})
"""Sections of the sister files, on legal entities and authorisations: nothing that we read."""

_FIELDS: Final = """
    structureet nofinesset nofinessej rs rslongue complrs compldistrib numvoie typvoie voie compvoie lieuditbp commune
    departement libdepartement ligneacheminement telephone telecopie categetab libcategetab categagretab
    libcategagretab siret codeape codemft libmft codesph libsph dateouv dateautor datemaj numuai
"""
FIELDS: Final = tuple(_FIELDS.split())
FEWEST_FIELDS: Final = FIELDS.index("categetab") + 1
"""A place says at least what it is; the sister files name the places in three fields only."""

POSITION_FIELDS: Final = 6
"""Up to the day of the position, which ends the line."""

FEWEST_POSITIONED: Final = 0.5
"""Share of the places for which a geolocation section has a line, at least."""

OVERSEAS: Final = {"9A": "971", "9B": "972", "9C": "973", "9D": "974", "9E": "975", "9F": "976", "9J": "986"}
PHARMACIES: Final = frozenset({"620", "641"})

LAMBERT_93: Final = 2154
UTM: Final = {
    "20N": 5490,  # Antilles
    "21N": 32621,  # Saint-Pierre-et-Miquelon
    "22N": 2972,  # Guyane
    "38S": 4471,  # Mayotte
    "40S": 2975,  # La Réunion
    "1S": 32701,  # Wallis-et-Futuna
}
SYSTEMS: Final = frozenset({LAMBERT_93, *UTM.values()})
"""EPSG codes of the systems in which positions are given."""

AROUND_DEG: Final = 1.0
"""How far outside its system's own area a position may lie: Maripasoula is just west of Guyane's."""

SOURCE_MAX_CHARS: Final = 200
"""A `sourcecoordet` is a few words; what is longer is not searched whole."""

_WGS84: Final = 4326
_DECIMALS: Final = 7
_PRECISION: Final = re.compile(r"\s*(\d)\s*(?:,|$)")
_EPSG: Final = re.compile(r"EPSG\W*(\d+)")
_SYSTEM: Final = re.compile(rf"(?<!\d)({'|'.join(map(str, sorted(SYSTEMS)))})(?!\d)")
_LAMBERT: Final = re.compile(r"LAMBERT\W*_*93(?!\d)|(?<![A-Z0-9])L93(?!\d)")
_UTM: Final = re.compile(
    r"UTM[\s_-]*(?:ZONE[\s_-]*)?(?P<before>[NS](?=[\s_-]*\d))?[\s_-]*0?(?P<zone>\d{1,2})(?!\d)"
    r"(?:[\s_-]*(?P<after>[NS])(?![A-Z]))?"
)
_CATEGORY: Final = re.compile(r"\d{3}")
_BOX: Final = re.compile(r"(?:BP|CS|TSA|BOITE POSTALE)\b")
_CENTRE_OF_COMMUNE: Final = "ADMIN-EXPRESS"


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions by FINESS number: `numbers` is sorted; `lonlat` (n, 2) are WGS84 degrees; `rough`: not of a house."""

    numbers: NDArray[np.bytes_]
    lonlat: NDArray[np.float64]
    rough: NDArray[np.bool_]

    def of(self, finess: str) -> tuple[float, float, bool] | None:
        """(lat, lon, rough) of a place; the last one given where there are several."""
        rank = int(np.searchsorted(self.numbers, finess.encode(), side="right")) - 1
        if rank < 0 or self.numbers[rank] != finess.encode():
            return None
        lon, lat = self.lonlat[rank].tolist()
        return lat, lon, bool(self.rough[rank])


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each place as a record or its rejection. The stream is read twice, so it must be a file.

    Raises SourceFormatError at once if it is another file, or breaks off.
    """
    start = stream.tell()
    if not _is_stock(_decoded(stream.readline(LINE_MAX_BYTES))):
        raise SourceFormatError("Not a FINESS stock: its first line does not begin with finess;etalab.")
    positions = _read_positions(stream)
    stream.seek(start)
    return convert(_structures(stream), lambda row: _record(row, positions))


def date_of(stream: BinaryIO) -> date | None:
    """Give the day of a stock, which its first line tells; None where it does not."""
    first = _decoded(stream.readline(LINE_MAX_BYTES))
    return next((day for cell in _cells(first) if (day := parse_date(cell))), None) if _is_stock(first) else None


def system_of(text: str) -> int | None:
    """Give the EPSG code of the system that `sourcecoordet` names, by code or by name; None for any other."""
    written = text[:SOURCE_MAX_CHARS].upper()
    if named := _EPSG.search(written):
        code = int(named[1])
        return code if code in SYSTEMS else None
    if _LAMBERT.search(written):
        return LAMBERT_93
    if found := _UTM.search(written):
        return UTM.get(f"{found['zone']}{found['before'] or found['after'] or '?'}")
    return int(found[1]) if (found := _SYSTEM.search(written)) else None


def commune_code(departement: str | None, commune: str | None) -> str | None:
    """Join the two halves of an INSEE code: 75 and 113 are 75113, 2A and 4 are 2A004, 9A and 101 or 01 are 97101."""
    first, last = clean(departement).upper(), clean(commune).upper()
    if parse_commune_code(last):
        return last
    first = OVERSEAS.get(first, first.zfill(2))
    if first == "00" or not (last.isascii() and last.isdecimal() and len(last) <= 3):  # noqa: PLR2004 - a commune's own figures
        return None
    if len(first) == len("971"):
        if len(last) == len("101") and last[0] != first[2]:
            return None  # a commune of another of these départements
        last = last[-2:].zfill(2)
    return parse_commune_code(first + last.zfill(5 - len(first)))


def _is_stock(first_line: str) -> bool:
    kinds = [clean(cell).lower() for cell in _cells(first_line)[:2]]
    return kinds == ["finess", "etalab"]


def _decoded(line: bytes) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("windows-1252", errors="replace")
    return text.lstrip("\ufeff").rstrip("\r\n")


def _cells(line: str) -> list[str]:
    """Split a line; a quotation mark that is never closed is only a character."""
    plain = line.split(";")
    if '"' not in line:
        return plain
    quoted = next(csv.reader([line.replace("\r", " ")], delimiter=";"), [])
    return plain if line.count('"') % 2 else quoted


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None where it is too long, the whole of it being passed over."""
    number = 0
    while line := stream.readline(LINE_MAX_BYTES + 1):
        number += 1
        if len(line) <= LINE_MAX_BYTES:
            yield number, line
            continue
        while not line.endswith(b"\n") and (line := stream.readline(LINE_MAX_BYTES)):
            pass
        yield number, None


def _read_positions(stream: BinaryIO) -> Positions:
    numbers, rough = bytearray(), bytearray()
    systems, figures = array("H"), array("d")
    places = located = 0
    line: bytes | None = None
    for _, line in _lines(stream):
        head = line[:20].lower() if line else b""
        places += line is not None and STRUCTURE.encode() in head and line.count(b";") >= FEWEST_FIELDS - 1
        if line is None or POSITION.encode() not in head:
            continue
        located += 1
        cells = _cells(_decoded(line))
        if found := _projected(cells):
            finess, x, y, system = found
            numbers += finess.encode()
            figures.extend((x, y))
            systems.append(system)
            rough.append(_is_rough(cells[4]))
    if not places:
        raise SourceFormatError(f"Not a FINESS stock of places: no {STRUCTURE} line has {FEWEST_FIELDS} fields.")
    if not _has_line_end(stream) and not _is_whole(line):
        raise SourceFormatError("Not a whole FINESS stock: it breaks off in its last line.")
    if 0 < located < FEWEST_POSITIONED * places:
        raise SourceFormatError(f"Not a whole FINESS stock: it has {places} places and only {located} positions.")
    return _positions(
        np.frombuffer(bytes(numbers), dtype="S9"),
        np.frombuffer(figures, dtype=np.float64).reshape(-1, 2),
        np.frombuffer(systems, dtype=np.uint16),
        np.frombuffer(bytes(rough), dtype=np.bool_),
    )


def _has_line_end(stream: BinaryIO) -> bool:
    """Whether the stream, read to its end, ends a line there."""
    stream.seek(-1, os.SEEK_CUR)
    return stream.read(1) in {b"\n", b"\r"}


def _is_whole(line: bytes | None) -> bool:
    """Whether a line without its end says all that its kind does; the last field of a place is often left away."""
    if line is None:
        return False
    cells = _cells(_decoded(line))
    kind = clean(cells[0]).lower()
    if kind == STRUCTURE:
        return len(cells) >= len(FIELDS) or (len(cells) == len(FIELDS) - 1 and parse_date(cells[-1]) is not None)
    if kind == POSITION:
        return len(cells) >= POSITION_FIELDS and parse_date(cells[POSITION_FIELDS - 1]) is not None
    return kind in OTHER_SECTIONS or not any(map(clean, cells))


def _projected(cells: list[str]) -> tuple[str, float, float, int] | None:
    """(FINESS number, x, y, system) of a geolocalisation line, or None where it does not tell."""
    if len(cells) < 5:  # noqa: PLR2004 - up to sourcecoordet
        return None
    system = system_of(cells[4])
    try:
        finess = required_finess(cells[1])
        x, y = (float(clean(cell).replace(",", ".")) for cell in cells[2:4])
    except (BadRowError, ValueError):
        return None
    return (finess, x, y, system) if system else None


def _is_rough(source: str) -> bool:
    precision = _PRECISION.match(source)
    return _CENTRE_OF_COMMUNE in source.upper() or (precision is not None and precision[1] != "1")


def _positions(
    numbers: NDArray[np.bytes_],
    figures: NDArray[np.float64],
    systems: NDArray[np.uint16],
    rough: NDArray[np.bool_],
) -> Positions:
    """Turn all figures of a system into degrees at once, and leave out those that fall outside its area."""
    lonlat = np.full(figures.shape, np.nan)
    for system in np.unique(systems):
        of_it = systems == system
        lonlat[of_it] = _in_degrees(int(system), figures[of_it])
    kept = np.flatnonzero(~np.isnan(lonlat[:, 0]))
    ordered = kept[np.argsort(numbers[kept], kind="stable")]
    return Positions(numbers[ordered], lonlat[ordered].round(_DECIMALS), rough[ordered])


def _in_degrees(system: int, figures: NDArray[np.float64]) -> NDArray[Any]:
    transformer, (west, south, east, north) = _transformer(system)
    lon, lat = transformer.transform(figures[:, 0], figures[:, 1])
    inside = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
    return np.where(inside[:, None], np.column_stack((lon, lat)), np.nan)


@cache
def _transformer(system: int) -> tuple[Transformer, tuple[float, float, float, float]]:
    """Give what turns metres of a system into degrees, and its area (west, south, east, north) with a margin."""
    area = CRS.from_epsg(system).area_of_use
    assert area is not None  # noqa: S101 - EPSG gives each of SYSTEMS one
    bounds = (area.west - AROUND_DEG, area.south - AROUND_DEG, area.east + AROUND_DEG, area.north + AROUND_DEG)
    return Transformer.from_crs(system, _WGS84, always_xy=True), bounds


def _structures(stream: BinaryIO) -> Iterator[TableRow | RejectedRow]:
    for number, line in _lines(stream):
        if line is None:
            yield RejectedRow(number, f"too_long: The line is longer than {LINE_MAX_BYTES} bytes.", "")
            continue
        text = _decoded(line)
        cells = _cells(text)
        kind = clean(cells[0]).lower()
        if number == 1 or kind in {POSITION, *OTHER_SECTIONS} or not text.strip("; \t\x00"):
            continue
        if kind != STRUCTURE:
            yield RejectedRow(number, f"unknown_line: {kind[:40]!r} is no section of the stock.", text[:RAW_MAX_CHARS])
        elif len(cells) < FEWEST_FIELDS:
            reason = f"columns: The line has {len(cells)} fields, a place {len(FIELDS)}."
            yield RejectedRow(number, reason, text[:RAW_MAX_CHARS])
        else:
            cells += [""] * (len(FIELDS) - len(cells))
            yield TableRow(number, text, dict(zip(FIELDS, cells, strict=False)))


def _record(row: TableRow, positions: Positions) -> FacilityRecord:
    cells = row.cells
    finess = required_finess(cells["nofinesset"])
    name = required_name(clean(cells["rslongue"]) or cells["rs"])
    category = clean(cells["categetab"])
    if not _CATEGORY.fullmatch(category):
        raise BadRowError("no_category", f"{category!r} stands where the category code is (three figures).")
    postcode, city = split_postcode(cells["ligneacheminement"])
    lat, lon, rough = positions.of(finess) or (None, None, False)
    return FacilityRecord(
        key=finess,
        identifiers=identifiers(finess=finess, finess_ej=cells["nofinessej"], siret=cells["siret"]),
        category_codes=(("finess", category),),
        name=shop_name(name) if category in PHARMACIES else readable_name(name),
        name_verbatim=name,
        street=readable_street(_street(row)) or None,
        postcode=postcode,
        city=readable_city(city or "") or None,
        commune_code=commune_code(cells["departement"], cells["commune"]),
        phone=normalise_phone(cells["telephone"], postcode=postcode),
        phone_verbatim=clean(cells["telephone"]) or None,
        lat=lat,
        lon=lon,
        position_approximate=rough or None,
        opened_on=parse_date(cells["dateouv"]),
        updated_on=parse_date(cells["datemaj"]),
    )


def _street(row: TableRow) -> str:
    """Join number, type and name of the street; else the hamlet or the estate, but no post office box."""
    number, repeat, kind, way = (clean(row.cells[key]).upper() for key in ("numvoie", "compvoie", "typvoie", "voie"))
    if STREET_TYPES.get(kind, kind).upper() == way.partition(" ")[0]:
        kind = ""  # "CHE" beside "CHEMIN SAFER MORANGE"
    if number and len(repeat) == 1 and repeat not in REPEATS:
        number, repeat = f"{number}{repeat}", ""
    if way:
        return clean(f"{number} {REPEATS.get(repeat, repeat)} {kind} {way}")
    others = (clean(row.cells[key]) for key in ("lieuditbp", "compldistrib"))
    return next((other for other in others if other and not _BOX.match(other.upper())), "")
