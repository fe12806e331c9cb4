"""Pharmacies (activity 47.73Z) of an extract of SIRENE, the register of firms: comma, header row.

It tells the street of each and nothing more: no name, no house number, no identifier; the position is that of the
street. Several pharmacies of one street are rows that nothing tells apart, and are counted: the key is the digest
of a row and its rank among the rows equal to it, so that other rows, and their order, change nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final

from citizen_api.sources.readable import readable_city, readable_street
from citizen_api.sources.records import (
    BadRowError,
    FacilityRecord,
    RejectedRow,
    clean,
    convert,
    parse_commune_code,
    parse_position,
)
from citizen_api.sources.tables import TableRow, open_table

COLUMNS: Final = (
    "activitePrincipaleEtablissement",
    "typeVoieEtablissement",
    "libelleVoieEtablissement",
    "libelleCommuneEtablissement",
    "codeCommuneEtablissement",
    "departement",
    "geometry",
    "long",
    "lat",
)
PHARMACIES: Final = "4773Z"
NAME: Final = "Pharmacie"
"""What each is called, for want of its name; `care/spelling` knows that it tells nothing."""


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each row as a record or its rejection. Raises SourceFormatError at once if it is another file."""
    table = open_table(stream, what="an extract of SIRENE", required=COLUMNS)
    equal_rows: Counter[str] = Counter()
    return convert(table.rows, lambda row: _record(row, equal_rows))


def _record(row: TableRow, equal_rows: Counter[str]) -> FacilityRecord:
    cells = row.cells
    activity = clean(cells["activitePrincipaleEtablissement"])
    if activity.replace(".", "").upper() != PHARMACIES:
        raise BadRowError("other_activity", f"{activity!r} is not the activity of pharmacies, 47.73Z.")
    lat, lon = parse_position(cells["lat"], cells["long"])
    street = clean(f"{cells['typeVoieEtablissement']} {cells['libelleVoieEtablissement']}").upper()
    commune = parse_commune_code(cells["codeCommuneEtablissement"])
    if not street or (commune is None and lat is None):
        raise BadRowError("no_place", "The row tells no street, or neither its commune nor its position.")
    digest = _digest(row)
    equal_rows[digest] += 1
    return FacilityRecord(
        key=f"{digest}#{equal_rows[digest]}",
        category_codes=(("alentours", "pharmacy"),),
        name=NAME,
        name_verbatim="",
        street=readable_street(street),
        city=readable_city(cells["libelleCommuneEtablissement"]) or None,
        commune_code=commune,
        lat=lat,
        lon=lon,
        position_approximate=None if lat is None else True,
    )


def _digest(row: TableRow) -> str:
    """Digest of a row as written, whatever the order of its columns or what stands beside them."""
    said = sorted((column, row.cells[column]) for column in COLUMNS)
    return hashlib.blake2b(repr(said).encode(), digest_size=8).hexdigest()
