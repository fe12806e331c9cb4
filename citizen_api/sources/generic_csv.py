"""A city's own list: any CSV, described by a small mapping file.

The mapping is YAML. Its keys, with (*) those that must be there:

    source:                       # (*) shown with every fact that comes from the file
      id: bourg-defibrillators    # (*) lower-case letters, digits and hyphens; stable across imports
      title: Défibrillateurs      # (*)
      producer: Ville de Bourg    # (*)
      licence: Licence Ouverte    # (*)
      date: 2026-10-01            # (*) the day the list was true
    complete: true                # (*) true: what is absent from the file is closed; false: a partial list
    columns:                      # (*) column of the file -> field of ours
      Identifiant: key
      Nom: name
      Coordonnées: position       # "48.85, 2.35", or one column each for `lat` and `lon`; WGS84 degrees only
    key_from: [Nom, Adresse]      # instead of a `key`: the columns that together tell two places apart
    category: defibrillator       # one for all rows; or, by the value of a column:
    categories:
      column: Type
      values: {DAE: defibrillator, "Pharmacie de garde": pharmacy, Autre: null}   # null: leave the row out
    delimiter: ";"                # else the header's most frequent of ; , tab |
    encoding: windows-1252        # else UTF-8, and windows-1252 for the lines that are not

Fields: those of FacilityRecord (`opening_hours` is OSM syntax, free text is `opening_hours_verbatim`),
`position`, and the identifiers `finess`, `finess_ej`, `siret`, `rpps`. What a resident asks of a practice is read
in French or English, and an unreadable cell says nothing (`sources/practices`): `services` and `languages` (several
in a cell), `accepts_new_patients`, `home_visits`, `call_15_first`, `position_approximate` (oui, non),
`payment_sector` (1, 2, "2 OPTAM", "non conventionné"), `third_party_payment` (intégral, partiel, non). A service is
an id of /v1/care/services or one of its French names. A category is an id of ours, or
"scheme:code" such as "finess:156"; several are separated by spaces. Columns and values that YAML would take
for numbers or truths (01, No) are quoted. The project's own columns need no mapping: OWN_COLUMNS.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, BinaryIO, Final

import yaml

from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.practices import (
    parse_languages,
    parse_payment_sector,
    parse_services,
    parse_third_party_payment,
    parse_yes_no,
)
from citizen_api.sources.readable import readable_city, readable_name, readable_street
from citizen_api.sources.records import (
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
from citizen_api.sources.tables import TableRow, open_table

IDENTIFIER_FIELDS: Final = ("finess", "finess_ej", "siret", "rpps")
OWN_FIELDS: Final = (
    "key",
    *IDENTIFIER_FIELDS,
    "category_codes",
    "name",
    "name_verbatim",
    "street",
    "postcode",
    "city",
    "commune_code",
    "phone",
    "phone_verbatim",
    "lat",
    "lon",
    "opening_hours",
    "opening_hours_verbatim",
    "wheelchair",
    "website",
    "position_approximate",
    "services",
    "accepts_new_patients",
    "payment_sector",
    "third_party_payment",
    "home_visits",
    "languages",
    "call_15_first",
    "opened_on",
    "closed",
    "closed_on",
    "updated_on",
    "source_id",
    "source_date",
)
FIELDS: Final = frozenset({*OWN_FIELDS, "position"})

WHEELCHAIR: Final = {
    **dict.fromkeys(("yes", "oui", "true", "vrai", "1", "o"), "yes"),
    **dict.fromkeys(("limited", "partiel", "partielle", "partiellement"), "limited"),
    **dict.fromkeys(("no", "non", "false", "faux", "0", "n"), "no"),
}

_SOURCE_KEYS: Final = ("id", "title", "producer", "licence", "date")
_MAPPING_KEYS: Final = frozenset(
    {"source", "complete", "columns", "key_from", "category", "categories", "delimiter", "encoding"}
)
_SOURCE_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CATEGORY: Final = re.compile(r"(?:[a-z_]+:)?\w+(?::\w+)?")
_PAIR: Final = re.compile(r"[\[(]?\s*([-+]?\d+(?:[.,]\d+)?)\s*(?:[,;]\s*|\s+)([-+]?\d+(?:[.,]\d+)?)\s*[\])]?")
_YES: Final = frozenset({"yes", "oui", "true", "vrai", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Who says it, under which licence, and of which day it is."""

    id: str
    title: str
    producer: str
    licence: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMapping:
    """How a CSV is to be read; see the module for the file that it comes from.

    `columns` goes from a column of the file to a field of ours. `category_values` goes from a value of
    `category_column` to categories, None leaving the row out.
    """

    source: SourceInfo | None
    complete: bool
    columns: Mapping[str, str]
    key_from: tuple[str, ...] = ()
    category: str | None = None
    category_column: str | None = None
    category_values: Mapping[str, str | None] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str | None = None


OWN_COLUMNS: Final = CsvMapping(
    source=None, complete=True, columns={name: name for name in OWN_FIELDS}, delimiter=",", encoding="utf-8"
)
"""The project's own columns: name, category_codes, key (or finess), any others; each row names its source."""


def parse_mapping(text: str | bytes) -> CsvMapping:
    """Read a mapping written in YAML. Raises SourceFormatError, whose message names what is wrong."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _mapping_error(f"not YAML ({' '.join(str(error).split())})") from None
    root = _mapping_of(tree, "the file")
    if unknown := sorted(key for key in root if key not in _MAPPING_KEYS):
        raise _mapping_error(f"unknown keys: {', '.join(unknown)}")
    if not isinstance(root.get("complete"), bool):
        raise _mapping_error("`complete` must be true or false")
    columns, key_from = _columns(root)
    category, category_column, category_values = _categories(root, columns)
    return CsvMapping(
        source=_source(root.get("source")),
        complete=root["complete"],
        columns=columns,
        key_from=key_from,
        category=category,
        category_column=category_column,
        category_values=category_values,
        delimiter=_delimiter(root.get("delimiter")),
        encoding=_encoding(root.get("encoding")),
    )


def read(stream: BinaryIO, mapping: CsvMapping) -> Iterator[FacilityRecord | RejectedRow]:
    """Each row as a record or its rejection. Raises SourceFormatError at once if a column is missing."""
    own = mapping is OWN_COLUMNS
    needed = {"name", "category_codes"} if own else {*mapping.columns, *mapping.key_from}
    if mapping.category_column:
        needed.add(mapping.category_column)
    what = "a list in the project's own columns" if own else "the file that this mapping describes"
    table = open_table(
        stream, what=what, required=sorted(needed), delimiter=mapping.delimiter, encoding=mapping.encoding
    )
    if own and not {"key", "finess"} & set(table.columns):
        raise SourceFormatError(f"Not {what}: missing column key, or finess.")
    rows = (row for row in table.rows if isinstance(row, RejectedRow) or not _is_left_out(row.cells, mapping))
    return convert(rows, lambda row: _record(row, mapping))


def _is_left_out(cells: Mapping[str, str], mapping: CsvMapping) -> bool:
    if mapping.category_column is None:
        return False
    return mapping.category_values.get(clean(cells[mapping.category_column]), "") is None


def _record(row: TableRow, mapping: CsvMapping) -> FacilityRecord:
    given = {name: clean(row.cells.get(column)) or None for column, name in mapping.columns.items()}
    text = given.get
    if text("finess"):
        given["finess"] = required_finess(text("finess"))
    name = required_name(text("name"))
    lat, lon = _position(given)
    return FacilityRecord(
        key=_key(row.cells, given, mapping),
        identifiers=identifiers(**{scheme: text(scheme) for scheme in IDENTIFIER_FIELDS}),
        category_codes=_category_codes(row.cells, given, mapping),
        name=readable_name(name),
        name_verbatim=text("name_verbatim") or name,
        street=readable_street(text("street") or "") or None,
        postcode=text("postcode"),
        city=readable_city(text("city") or "") or None,
        commune_code=parse_commune_code(text("commune_code")),
        phone=normalise_phone(text("phone"), postcode=text("postcode")),
        phone_verbatim=text("phone_verbatim") or text("phone"),
        lat=lat,
        lon=lon,
        opening_hours=text("opening_hours"),
        opening_hours_verbatim=text("opening_hours_verbatim"),
        wheelchair=WHEELCHAIR.get((text("wheelchair") or "").lower()),
        website=_website(text("website") or ""),
        position_approximate=parse_yes_no(text("position_approximate")),
        services=parse_services(text("services")),
        accepts_new_patients=parse_yes_no(text("accepts_new_patients")),
        payment_sector=parse_payment_sector(text("payment_sector")),
        third_party_payment=parse_third_party_payment(text("third_party_payment")),
        home_visits=parse_yes_no(text("home_visits")),
        languages=parse_languages(text("languages")),
        call_15_first=parse_yes_no(text("call_15_first")),
        opened_on=parse_date(text("opened_on")),
        closed=(text("closed") or "").lower() in _YES,
        closed_on=parse_date(text("closed_on")),
        updated_on=parse_date(text("updated_on")),
        source_id=text("source_id"),
        source_date=parse_date(text("source_date")),
    )


def _key(cells: Mapping[str, str], given: Mapping[str, str | None], mapping: CsvMapping) -> str:
    parts = [clean(cells[column]).casefold() for column in mapping.key_from]
    key = "|".join(parts) if any(parts) else given.get("key") or given.get("finess")
    if not key:
        raise BadRowError("no_identifier", "The row has nothing to tell it apart from the others.")
    return key


def _category_codes(
    cells: Mapping[str, str], given: Mapping[str, str | None], mapping: CsvMapping
) -> tuple[tuple[str, str], ...]:
    written = mapping.category or given.get("category_codes")
    if mapping.category_column is not None:
        value = clean(cells[mapping.category_column])
        if value not in mapping.category_values:
            raise BadRowError("unknown_category", f"The mapping gives no category for {value!r}.")
        written = mapping.category_values[value]
    if not written:
        raise BadRowError("no_category", "The row has no category.")
    pairs = (word.partition(":") for word in written.split())
    return tuple((scheme, code) if colon else ("alentours", scheme) for scheme, colon, code in pairs)


def _position(given: Mapping[str, str | None]) -> tuple[float | None, float | None]:
    if "position" not in given:
        return parse_position(given.get("lat"), given.get("lon"))
    written = given["position"]
    if written is None:
        return None, None
    found = _PAIR.fullmatch(written)
    if found is None:
        raise BadRowError("bad_position", f'{written!r} is not "latitude, longitude".')
    return parse_position(found[1], found[2])


def _website(text: str) -> str | None:
    if text.lower().startswith("www."):
        text = f"https://{text}"
    return text if text.lower().startswith(("https://", "http://")) and " " not in text else None


def _mapping_error(message: str) -> SourceFormatError:
    return SourceFormatError(f"Mapping: {message}.")


def _mapping_of(tree: Any, where: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise _mapping_error(f"{where} must hold keys and values")
    if unquoted := [str(key) for key in tree if not isinstance(key, str)]:
        raise _mapping_error(f"{where} holds keys to be put in quotation marks: {', '.join(unquoted)}")
    return tree


def _source(tree: Any) -> SourceInfo:
    if tree is None:
        raise _mapping_error("`source` is missing")
    source = _mapping_of(tree, "`source`")
    if missing := [key for key in _SOURCE_KEYS if not source.get(key)]:
        raise _mapping_error(f"`source` lacks {', '.join(missing)}")
    texts = {key: clean(str(source[key])) for key in _SOURCE_KEYS}
    if not _SOURCE_ID.fullmatch(texts["id"]):
        raise _mapping_error(f"`source.id` {texts['id']!r} must be lower-case letters, digits and hyphens")
    day = parse_date(texts.pop("date"))
    if day is None:
        raise _mapping_error("`source.date` must be a date such as 2026-10-01")
    return SourceInfo(**texts, date=day)


def _columns(root: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    tree = _mapping_of(root.get("columns"), "`columns`")
    columns = {clean(column): str(name) for column, name in tree.items()}
    fields = list(columns.values())
    if unknown := sorted({name for name in fields if name not in FIELDS}):
        raise _mapping_error(f"`columns` names unknown fields: {', '.join(unknown)}")
    if twice := sorted({name for name in fields if fields.count(name) > 1}):
        raise _mapping_error(f"`columns` gives two columns for {', '.join(twice)}")
    if "name" not in fields:
        raise _mapping_error("`columns` gives no column for name")
    if ("lat" in fields) != ("lon" in fields) or ("position" in fields and "lat" in fields):
        raise _mapping_error("give lat and lon, or position, and not one without the other nor both")
    given = root.get("key_from") or []
    if not isinstance(given, list):
        raise _mapping_error("`key_from` must be a list of columns")
    if not given and not {"key", "finess"} & set(fields):
        raise _mapping_error("give a column for key or finess, or `key_from`")
    return columns, tuple(clean(str(column)) for column in given)


def _categories(
    root: Mapping[str, Any], columns: Mapping[str, str]
) -> tuple[str | None, str | None, dict[str, str | None]]:
    ways = [root.get("category"), root.get("categories"), "category_codes" in columns.values() or None]
    if sum(way is not None for way in ways) != 1:
        raise _mapping_error("say the category once: `category`, `categories`, or a column for category_codes")
    if root.get("category") is not None:
        return _category(root["category"]), None, {}
    if root.get("categories") is None:
        return None, None, {}
    tree = _mapping_of(root["categories"], "`categories`")
    if not tree.get("column") or not tree.get("values") or set(tree) != {"column", "values"}:
        raise _mapping_error("`categories` must hold `column` and `values`")
    values = _mapping_of(tree["values"], "`categories.values`")
    return (
        None,
        clean(str(tree["column"])),
        {clean(value): None if to is None else _category(to) for value, to in values.items()},
    )


def _category(tree: Any) -> str:
    words = clean(str(tree)).split()
    if not words or not all(_CATEGORY.fullmatch(word) for word in words):
        raise _mapping_error(f"{tree!r} is not a category")
    return " ".join(words)


def _delimiter(tree: Any) -> str | None:
    if tree is not None and (not isinstance(tree, str) or len(tree) != 1 or tree in '"\r\n'):
        raise _mapping_error("`delimiter` must be one character")
    return tree


def _encoding(tree: Any) -> str | None:
    if tree is None:
        return None
    try:
        line_end = "\n".encode(str(tree))
    except LookupError:  # so are the codecs that are no text's, such as base64
        raise _mapping_error(f"unknown encoding {tree!r}") from None
    if line_end != b"\n":
        raise _mapping_error(f"the encoding {tree!r} does not write lines in bytes; save the file as UTF-8")
    return codecs.lookup(str(tree)).name
