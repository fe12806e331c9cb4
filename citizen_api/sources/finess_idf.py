"""The regional FINESS extracts of Île-de-France (2013): hospitals and centres, services for disabled adults.

`;`, byte order mark, header row; the two files write some columns in another case. Addresses may be of a
CEDEX, whose postcode is no commune's, and there is no INSEE code: `commune_code` stays None except in Paris.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from citizen_api.sources.paris_pharmacies import paris_arrondissement
from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.readable import readable_city, readable_name, readable_street
from citizen_api.sources.records import (
    BadRowError,
    FacilityRecord,
    RejectedRow,
    clean,
    convert,
    identifiers,
    parse_date,
    parse_position,
    required_finess,
    required_name,
)
from citizen_api.sources.tables import TableRow, open_table

COLUMNS: Final = (
    "finess_et",
    "finess_ej",
    "raison_sociale",
    "adresse_complete",
    "cp_ville",
    "num_tel",
    "num_cat",
    "lat",
    "lng",
)

_REPEATED_NUMBER: Final = re.compile(r"^(\d+)([BTQ])(?= )")
_REPEATS: Final = {"B": "BIS", "T": "TER", "Q": "QUATER"}
_POSTCODE_AND_CITY: Final = re.compile(r"(\d{5})\s+(\S.*)")


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each row as a record or its rejection. Raises SourceFormatError at once if it is another file."""
    table = open_table(stream, what="a regional FINESS file", required=COLUMNS, any_case=True)
    return convert(table.rows, _record)


def split_postcode(text: str) -> tuple[str | None, str | None]:
    """Split "78011 VERSAILLES CEDEX" into ("78011", "VERSAILLES CEDEX"); a part that is not there is None."""
    written = clean(text)
    found = _POSTCODE_AND_CITY.fullmatch(written)
    return (found[1], found[2]) if found else (None, written or None)


def _record(row: TableRow) -> FacilityRecord:
    cells = row.cells
    finess = required_finess(cells["finess_et"])
    name = required_name(cells["raison_sociale"])
    category = clean(cells["num_cat"])
    if not category:
        raise BadRowError("no_category", "The row has no category code.")
    lat, lon = parse_position(cells["lat"], cells["lng"])
    street = _REPEATED_NUMBER.sub(lambda found: f"{found[1]} {_REPEATS[found[2]]}", clean(cells["adresse_complete"]))
    postcode, city = split_postcode(cells["cp_ville"])
    return FacilityRecord(
        key=finess,
        identifiers=identifiers(finess=finess, finess_ej=cells["finess_ej"], siret=cells.get("num_siret")),
        category_codes=(("finess", category),),
        name=readable_name(name),
        name_verbatim=name,
        street=readable_street(street) or None,
        postcode=postcode,
        city=readable_city(city or "") or None,
        commune_code=paris_arrondissement(postcode or ""),
        phone=normalise_phone(cells["num_tel"], postcode=postcode),
        phone_verbatim=clean(cells["num_tel"]) or None,
        lat=lat,
        lon=lon,
        opened_on=parse_date(cells.get("date_ouverture")),
    )
