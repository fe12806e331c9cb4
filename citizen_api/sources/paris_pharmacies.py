"""The pharmacies of Paris, extracted from FINESS by Paris and frozen since October 2013 (`;`, header row).

Telephone numbers lost their leading zero in a spreadsheet.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.readable import readable_city, readable_name, readable_street
from citizen_api.sources.records import (
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
    "nofinesset",
    "nofinessej",
    "rs",
    "numvoie",
    "typvoie",
    "voie",
    "cp",
    "telephone",
    "lat",
    "lng",
)
FINESS_PHARMACY: Final = "620"
REPEATS: Final = {"B": "BIS", "T": "TER", "Q": "QUATER"}

_LEGAL_FORM: Final = r"(?:SELARL|SELASU?|SELURL|SELAFA|SARL|EURL|SNC|S\.N\.C\.|S\.E\.L\.A\.R\.L\.)"
_FORM_AT_AN_END: Final = re.compile(rf"^{_LEGAL_FORM}\s+|\s+{_LEGAL_FORM}$")
_PARIS_POSTCODE: Final = re.compile(r"75[01](\d\d)")


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each row as a record or its rejection. Raises SourceFormatError at once if it is another file."""
    table = open_table(stream, what="the Paris pharmacy file", required=COLUMNS, any_case=True)
    return convert(table.rows, _record)


def paris_arrondissement(postcode: str) -> str | None:
    """Give the INSEE code of a Paris postcode: 75104 for 75004, and 75116 for both 75016 and 75116."""
    found = _PARIS_POSTCODE.fullmatch(postcode)
    return f"751{found[1]}" if found and "01" <= found[1] <= "20" else None


def shop_name(text: str) -> str:
    """Drop the firm's legal form: "SELARL PHARMACIE NOMBER" is "Pharmacie Nomber" on its sign."""
    return readable_name(_FORM_AT_AN_END.sub("", text))


def _record(row: TableRow) -> FacilityRecord:
    cells = row.cells
    finess = required_finess(cells["nofinesset"])
    name = required_name(cells["rs"])
    lat, lon = parse_position(cells["lat"], cells["lng"])
    postcode = clean(cells["cp"])
    repeat = clean(cells.get("compvoie"))
    parts = (cells["numvoie"], REPEATS.get(repeat, repeat), cells["typvoie"], cells["voie"])
    street = clean(" ".join(parts)) or clean(cells.get("lieuditbp"))
    return FacilityRecord(
        key=finess,
        identifiers=identifiers(finess=finess, finess_ej=cells["nofinessej"]),
        category_codes=(("finess", FINESS_PHARMACY),),
        name=shop_name(name),
        name_verbatim=name,
        street=readable_street(street) or None,
        postcode=postcode or None,
        city=readable_city(cells.get("commune", "")) or None,
        commune_code=paris_arrondissement(postcode),
        phone=normalise_phone(cells["telephone"], postcode=postcode),
        phone_verbatim=clean(cells["telephone"]) or None,
        lat=lat,
        lon=lon,
        opened_on=parse_date(cells.get("dateouv")),
        updated_on=parse_date(cells.get("datemaj")),
    )
