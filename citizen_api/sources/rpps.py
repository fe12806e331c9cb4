"""The RPPS open extract (`PS_LibreAcces_Personne_activite_*.txt`): who practises what, and where.

`|`, header row, no quoting to speak of, no coordinates. Written from the documented columns: no real file was at hand.

- One row per activity. A record is one person at one place of practice: its key is `person@site`, the site being told
  by its SIRET, else its FINESS number, else the directory's own number, else its address. What a person is qualified
  in there is gathered from all rows of the key, which need not stand together: the file is read twice.
- A place is where somebody receives on their own account (liberal, or partly): an employee's row, a student's, one
  without an address is handed over under `NO_PLACE`, as "60:S", "60:student", "60:no_address".
- Of a person nothing is read but the number, the name, the profession, and the place of practice with its telephone.
  The raw text of a row, which a report of rejected rows keeps, is cut to the person's number.

The site's own FINESS and SIRET numbers are no identifiers of the record: everybody in a health centre shares them.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, Final, cast

from citizen_api.sources.paris_pharmacies import REPEATS
from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.readable import readable_city, readable_street
from citizen_api.sources.records import (
    BadRowError,
    FacilityRecord,
    RejectedRow,
    SourceFormatError,
    clean,
    identifiers,
    parse_commune_code,
)
from citizen_api.sources.tables import Table, TableRow, open_table

WHAT: Final = "an RPPS extract (PS_LibreAcces_Personne_activite)"
SCHEME: Final = "rpps"
SITE_SCHEME: Final = "rpps_site"
"""Scheme of the identifier that names one place: a person at a site."""

NO_PLACE: Final = "rpps_no_place"
"""Scheme of the codes of rows that are no place to go to: profession, and why."""

OWN_ACCOUNT: Final = frozenset({"L", "M"})
"""Modes in which somebody receives on their own account: liberal, mixed. Not: employed (S), voluntary (B)."""

STUDENT: Final = "E"
CODES_MAX: Final = 40
"""More qualifications of one person at one place are no register's."""

COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "Identifiant PP",
        "national": "Identification nationale PP",
        "title": "Code civilité d'exercice",
        "name": "Nom d'exercice",
        "first_name": "Prénom d'exercice",
        "profession": "Code profession",
        "standing": "Code catégorie professionnelle",
        "skill": "Code savoir-faire",
        "mode": "Code mode exercice",
        "siret": "Numéro SIRET site",
        "finess": "Numéro FINESS site",
        "structure": "Identifiant technique de la structure",
        "hamlet": "Complément point géographique (coord. structure)",
        "number": "Numéro Voie (coord. structure)",
        "repeat": "Indice répétition voie (coord. structure)",
        "street_type": "Libellé type de voie (coord. structure)",
        "street_type_code": "Code type de voie (coord. structure)",
        "street": "Libellé Voie (coord. structure)",
        "box": "Mention distribution (coord. structure)",
        "cedex": "Bureau cedex (coord. structure)",
        "postcode": "Code postal (coord. structure)",
        "commune": "Code commune (coord. structure)",
        "city": "Libellé commune (coord. structure)",
        "phone": "Téléphone (coord. structure)",
        "phone_2": "Téléphone 2 (coord. structure)",
    }
)
"""The columns that are read, as the extract names them; case, accents and order do not matter."""

REQUIRED: Final = ("person", "name", "profession", "mode", "postcode")

_TITLES: Final = {"DR": "Dr ", "PR": "Pr "}
_CODE: Final = re.compile(r"[0-9A-Z]{1,10}")
_PERSON: Final = re.compile(r"\d{11}|[0-9A-Z]{9}")
_RPPS_LENGTH: Final = 11
_RPPS_IN_TEXT: Final = re.compile(r"(?<!\d)8?(10\d{9})(?!\d)")
_SITES: Final = (
    ("siret", re.compile(r"\d{14}")),
    ("finess", re.compile(r"\d[0-9AB]\d{7}")),
    ("structure", re.compile(r"[0-9A-Z._-]{1,60}")),
)
_WHERE: Final = ("street", "hamlet", "box")
_POSTCODE: Final = re.compile(r"\d{5}")
_ARRONDISSEMENT: Final = re.compile(r"\s+\d{1,2}(?:er|e|[eè]me)?(?:\s+arrondissement)?$", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row by our names of its columns. `raw` is the person's number: no more of the row is ever kept."""

    row: int
    cells: Mapping[str, str]
    columns: Mapping[str, str]

    def cell(self, name: str) -> str:
        return clean(self.cells.get(self.columns.get(name, "")))

    def code(self, name: str) -> str:
        """Read a code without its spaces, in capitals."""
        return self.cell(name).replace(" ", "").upper()

    @property
    def person(self) -> str:
        return self.code("person") or self.code("national")[1:]

    @property
    def raw(self) -> str:
        return _number_in(self.person)


@dataclass(frozen=True, slots=True)
class _Address:
    street: str
    postcode: str
    city: str
    commune: str | None


@dataclass(frozen=True, slots=True)
class _Origin:
    row: int
    raw: str


def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
    """Each person at each place as a record, each row that is none as its rejection. The stream has to be seekable.

    Raises SourceFormatError at once if it is another file.
    """
    start = stream.tell()
    _rows(stream)
    return _records(stream, start)


def _records(stream: BinaryIO, start: int) -> Iterator[FacilityRecord | RejectedRow]:
    stream.seek(start)
    codes = _codes_by_key(_rows(stream))
    stream.seek(start)
    for row in _rows(stream):
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            if why := _no_place(row):
                yield FacilityRecord(key=row.raw, name="", name_verbatim="", category_codes=((NO_PLACE, why),))
                continue
            key, _ = _key(row), _codes(row)
            # One row of a key speaks for the others, whose codes are with it already.
            if key in codes:
                record = _record(row, key, codes[key])
                del codes[key]
                yield record
        except BadRowError as error:
            yield RejectedRow(row.row, str(error), row.raw)


def _codes_by_key(rows: Iterable[_Row | RejectedRow]) -> dict[str, tuple[str, ...]]:
    """Gather what each person does at each place, most telling first. Equal answers are kept once."""
    found: dict[str, tuple[str, ...]] = {}
    kept: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in rows:
        if isinstance(row, RejectedRow):
            continue
        try:
            if _no_place(row):
                continue
            key, codes = _key(row), _codes(row)
        except BadRowError:
            continue  # told when the records are made
        before = found.get(key, ())
        if len(before) < CODES_MAX and not set(codes) <= set(before):
            codes = tuple(sorted({*before, *codes}, key=lambda code: (":" not in code, code)))
            found[key] = kept.setdefault(codes, codes)
    return found


def _rows(stream: BinaryIO) -> Iterator[_Row | RejectedRow]:
    """Open the table and give its rows. Raises SourceFormatError at once, not while they are read."""
    table = open_table(cast("BinaryIO", _Headed(stream)), what=WHAT, delimiter="|")
    known = {_folded(column): column for column in reversed(table.columns)}
    columns = {name: known[_folded(told)] for name, told in COLUMNS.items() if _folded(told) in known}
    if missing := [COLUMNS[name] for name in REQUIRED if name not in columns]:
        raise SourceFormatError(f"Not {WHAT}: missing columns {', '.join(missing)}.")
    return _named(table, columns)


def _named(table: Table, columns: Mapping[str, str]) -> Iterator[_Row | RejectedRow]:
    place = table.columns.index(columns["person"])
    for row in table.rows:
        if isinstance(row, TableRow):
            yield _Row(row.row, row.cells, columns)
        else:
            cells = row.raw.split("|", place + 1)
            number = _number_in(cells[place].strip() if place < len(cells) else "", row.raw)
            yield RejectedRow(row.row, row.reason, number)


class _Headed:
    """A stream whose first line loses the `|` after its last column: some editions end every line with one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._first = True

    def readline(self, size: int) -> bytes:
        """Give a line, or its first `size` bytes."""
        line = self._stream.readline(size)
        if self._first:
            self._first = False
            written = line.rstrip()
            line = written.removesuffix(b"|") + line[len(written) :]
        return line


def _folded(text: str) -> str:
    """Fold a column's name: no case, no accent, no mark between its words."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", "".join(c for c in plain if not unicodedata.combining(c))).split())


def _number_in(cell: str, line: str = "") -> str:
    """Person's number: that of its cell, else the first RPPS number of a broken line, else ""."""
    if _PERSON.fullmatch(cell):
        return cell
    found = _RPPS_IN_TEXT.search(line)
    return found[1] if found else ""


def _no_place(row: _Row) -> str | None:
    """Why nobody goes there, as "profession:why", or None."""
    why = None
    if (mode := row.code("mode")) not in OWN_ACCOUNT:
        why = mode if _CODE.fullmatch(mode) else "no_mode"
    elif row.code("standing") == STUDENT:
        why = "student"
    elif not any(map(row.cell, _WHERE)) or not (_postcode(row) or parse_commune_code(row.cell("commune"))):
        why = "no_address"
    if why is None:
        return None
    profession = row.code("profession")
    return f"{profession if _CODE.fullmatch(profession) else '?'}:{why}"


def _address(row: _Row) -> _Address:
    if name := row.cell("street"):
        repeat = row.code("repeat")
        kind = row.cell("street_type") or row.cell("street_type_code")
        # The type may be in small letters where the name shouts, or the other way round.
        start = f"{row.cell('number')} {REPEATS.get(repeat, repeat)} {kind}".upper()
        by_hand = any(letter.islower() for letter in name)
        street = (
            readable_street(f"{start} X").removesuffix("X") + name if by_hand else readable_street(f"{start} {name}")
        )
    else:
        street = readable_street(row.cell("hamlet") or row.cell("box"))
    city = _ARRONDISSEMENT.sub("", row.cell("city") or row.cell("cedex"))
    return _Address(
        street=street,
        postcode=_postcode(row),
        city=readable_city(city),
        commune=parse_commune_code(row.cell("commune")),
    )


def _postcode(row: _Row) -> str:
    code = row.code("postcode")
    return code if _POSTCODE.fullmatch(code) else ""


def _key(row: _Row) -> str:
    person = row.person
    if not person:
        raise BadRowError("no_identifier", "The row has no person's number.")
    if not _PERSON.fullmatch(person):
        raise BadRowError("bad_identifier", "The person's number is neither an RPPS nor an ADELI number.")
    for name, form in _SITES:
        if form.fullmatch(number := row.code(name)):
            return f"{person}@{name}:{number}"
    address = _address(row)
    told = "|".join((_folded(address.street), address.postcode, address.commune or _folded(address.city)))
    return f"{person}@address:{hashlib.blake2b(told.encode(errors='replace'), digest_size=8).hexdigest()}"


def _codes(row: _Row) -> tuple[str, ...]:
    profession, skill = row.code("profession"), row.code("skill")
    if not _CODE.fullmatch(profession):
        raise BadRowError("no_category", "The row has no code of a profession.")
    return (f"{profession}:{skill}", profession) if _CODE.fullmatch(skill) else (profession,)


def _record(row: _Row, key: str, codes: tuple[str, ...]) -> FacilityRecord:
    name = row.cell("name")
    if not any(map(str.isalnum, name)):
        raise BadRowError("no_name", "The row has no name.")
    first_name, title = row.cell("first_name"), _TITLES.get(row.code("title"), "")
    person, address = key.partition("@")[0], _address(row)
    written = [number for number in (row.cell("phone"), row.cell("phone_2")) if number]
    phones = [normalise_phone(number, postcode=address.postcode) for number in written]
    return FacilityRecord(
        key=key,
        identifiers=identifiers(**{SCHEME if len(person) == _RPPS_LENGTH else "adeli": person, SITE_SCHEME: key}),
        category_codes=tuple((SCHEME, code) for code in codes),
        name=f"{title}{clean(f'{personal_name(first_name)} {personal_name(name)}')}",
        name_verbatim=f"{title}{clean(f'{first_name} {name}')}",
        street=address.street,
        postcode=address.postcode or None,
        city=address.city or None,
        commune_code=address.commune,
        phone=next(filter(None, phones), None),
        phone_verbatim=written[0] if written else None,
        origin=_Origin(row.row, person),
    )


def personal_name(text: str) -> str:
    """Write "LE GOFF D'ARC" as "Le Goff d'Arc", "JEAN-MARIE" as "Jean-Marie"; what has small letters stays."""
    if any(letter.islower() for letter in text):
        return text

    def cased(found: re.Match[str]) -> str:
        word, after = found[0].lower(), text[found.end() : found.end() + 1]
        elided = word == "d" and after in {"'", "\N{RIGHT SINGLE QUOTATION MARK}"}
        return word if word == "de" or elided else word.capitalize()

    return _LETTERS.sub(cased, text)
