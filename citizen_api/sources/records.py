"""What every source of facilities hands over, and the small readings that they share."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Protocol, TypeVar

RAW_MAX_CHARS: Final = 2_000
"""A rejected row is kept for whoever corrects the file, not for storage: longer ones are cut."""

CUT_OFF: Final = "cut_off"
"""Code of a last row in which the file breaks off: what should follow it is not known."""

NO_DATES: Final = frozenset({date(1900, 1, 1)})
"""Dates that a register writes where it knows none."""

PAYMENT_SECTORS: Final = ("1", "2", "2-optam", "none")
"""Agreed tariffs; free fees; free fees held in (OPTAM); outside the agreement."""

THIRD_PARTY_PAYMENTS: Final = ("full", "partial", "no")
_FINESS: Final = re.compile(r"\d[0-9AB]\d{7}")
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\u200b\ufeff]")
_COMMUNE_CODE: Final = re.compile(r"(?:\d{2}|2[AB])\d{3}")
_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?=$|[T ])")
_FRENCH_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?=$| )")


class SourceFormatError(ValueError):
    """The file as a whole (or its mapping) is not of the expected form. The message is one line."""


class BadRowError(ValueError):
    """One row cannot become a record: a short code for machines, a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityRecord:
    """A place as one source describes it.

    `key` identifies it in its source and is stable across imports. `identifiers` are (scheme, value) pairs
    ("finess", "finess_ej", "siret", …). `category_codes` are (scheme, code) pairs, ("finess", "620") or
    ("alentours", "pharmacy"), that the care package maps: a source knows no category of ours. `name` and
    `street` are made readable; `name_verbatim` is what the source wrote. `phone` is E.164 or None,
    `phone_verbatim` what was written; neither of the two is stored. `lat` and `lon` are WGS84 degrees, both or
    neither; `position_approximate` says that they are those of a street or a town. `opening_hours` is in OSM syntax,
    as written; `opening_hours_verbatim` is free text. `closed` says that the source declares the place closed,
    whether or not it knows since when (`closed_on`). `source_id` and `source_date` are filled only by a file that
    gathers several sources and names one in each row. `origin` is the row that it was read from, for whoever has to
    correct it: no part of what is said.

    What a resident asks of a practice is None (or empty) where the source does not say: `services` are ids of
    `care/services`, `payment_sector` one of PAYMENT_SECTORS, `third_party_payment` one of THIRD_PARTY_PAYMENTS,
    `languages` BCP 47 codes. `call_15_first`: an emergency department that takes in only whom the 15 sends.
    """

    key: str
    name: str
    name_verbatim: str
    identifiers: tuple[tuple[str, str], ...] = ()
    category_codes: tuple[tuple[str, str], ...] = ()
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    commune_code: str | None = None
    phone: str | None = None
    phone_verbatim: str | None = None
    lat: float | None = None
    lon: float | None = None
    opening_hours: str | None = None
    opening_hours_verbatim: str | None = None
    wheelchair: str | None = None
    website: str | None = None
    position_approximate: bool | None = None
    services: tuple[str, ...] = ()
    accepts_new_patients: bool | None = None
    payment_sector: str | None = None
    third_party_payment: str | None = None
    home_visits: bool | None = None
    languages: tuple[str, ...] = ()
    call_15_first: bool | None = None
    opened_on: date | None = None
    closed: bool = False
    closed_on: date | None = None
    updated_on: date | None = None
    source_id: str | None = None
    source_date: date | None = None
    origin: "RawRow | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that gave no record. `row` is its first line in the file, from 1 (its rank, for JSON).

    `reason` is "code: sentence".
    """

    row: int
    reason: str
    raw: str

    @property
    def code(self) -> str:
        """The machine-readable part of the reason."""
        return self.reason.partition(":")[0]


class RawRow(Protocol):
    """What a reader turns into a record: it knows where it stood and how it was written."""

    @property
    def row(self) -> int:
        """Its line (its rank, for JSON), from 1."""

    @property
    def raw(self) -> str:
        """Its text, as it stood in the file."""


Row = TypeVar("Row", bound=RawRow)


def convert(
    rows: Iterable[Row | RejectedRow], make: Callable[[Row], FacilityRecord]
) -> Iterator[FacilityRecord | RejectedRow]:
    """Make each row a record; reject those that `make` refuses (BadRowError) and repeated keys."""
    first_row_of: dict[str, int] = {}
    for row in rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            record = make(row)
        except BadRowError as error:
            yield RejectedRow(row.row, str(error), row.raw[:RAW_MAX_CHARS])
            continue
        if first := first_row_of.get(record.key):
            reason = f"duplicate: {record.key} already stands in row {first} of this file."
            yield RejectedRow(row.row, reason, row.raw[:RAW_MAX_CHARS])
            continue
        first_row_of[record.key] = row.row
        yield replace(record, origin=row)


def clean(text: str | None) -> str:
    """Drop control characters and collapse white space; "" for None."""
    return " ".join(_UNSEEN.sub(" ", text).split()) if text else ""


def required_name(text: str | None) -> str:
    """Clean the name, which must hold a letter or a digit."""
    name = clean(text)
    if not any(character.isalnum() for character in name):
        raise BadRowError("no_name", "The row has no name.")
    return name


def required_finess(text: str | None) -> str:
    """Read a FINESS number: nine characters. A spreadsheet's lost leading zero is put back."""
    number = clean(text).replace(" ", "").upper()
    if not number:
        raise BadRowError("no_identifier", "The row has no FINESS number.")
    padded = number.zfill(9) if len(number) == 8 else number  # noqa: PLR2004 - nine less the lost zero
    if not _FINESS.fullmatch(padded):
        raise BadRowError("bad_identifier", f"{number!r} is not a FINESS number (nine characters).")
    return padded


def identifiers(**values: str | None) -> tuple[tuple[str, str], ...]:
    """Give the (scheme, value) pairs whose value is not empty, in the order given."""
    return tuple((scheme, text) for scheme, value in values.items() if (text := clean(value).replace(" ", "")))


def parse_position(lat: str | None, lon: str | None) -> tuple[float | None, float | None]:
    """WGS84 degrees, or (None, None) when both texts are empty; a decimal comma is understood."""
    texts = (clean(lat), clean(lon))
    if texts == ("", ""):
        return None, None
    try:
        degrees = [float(text.replace(",", ".")) for text in texts]
    except ValueError:
        raise BadRowError("bad_position", f"{texts[0]!r}, {texts[1]!r} is not a position.") from None
    if not all(map(math.isfinite, degrees)) or not in_degrees(lat=degrees[0], lon=degrees[1]):
        raise BadRowError("bad_position", f"{texts[0]}, {texts[1]} is outside WGS84 degrees.")
    if degrees == [0.0, 0.0]:
        raise BadRowError("bad_position", "0, 0 stands where the position is not known.")
    return degrees[0], degrees[1]


def in_degrees(*, lat: float, lon: float) -> bool:
    """Whether the figures can be WGS84 degrees at all."""
    return -90 <= lat <= 90 and -180 <= lon <= 180  # noqa: PLR2004 - degrees


def parse_commune_code(text: str | None) -> str | None:
    """Read an INSEE code (five characters, Corsica's with a letter); None when it is not one."""
    code = clean(text).upper()
    return code if _COMMUNE_CODE.fullmatch(code) else None


def parse_date(text: str | None) -> date | None:
    """Read a date written 2013-10-24 or 24/10/2013, a time after it ignored; None when it says nothing.

    A date is a detail of a place: an unreadable one is unknown and rejects nothing.
    """
    written = clean(text)
    if found := _ISO_DATE.match(written):
        year, month, day = map(int, found.groups())
    elif found := _FRENCH_DATE.match(written):
        day, month, year = map(int, found.groups())
    else:
        return None
    try:
        read = date(year, month, day)
    except ValueError:
        return None
    return None if read in NO_DATES else read
