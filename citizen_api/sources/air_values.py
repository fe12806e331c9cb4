"""How sources of air facts write numbers, moments, days and concentrations, read alike for all of them."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from io import BytesIO
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from citizen_api.sources.json_events import fault_of
from citizen_api.sources.records import RAW_MAX_CHARS, BadRowError, RejectedRow, SourceFormatError, clean

JSON_MAX_BYTES: Final = 20_000_000
"""Of answers that are read at once: the largest, Météo-France's map, is 0.3 MB."""

IMPOSSIBLE_UG_M3: Final = {
    "pm25": 10_000.0,
    "pm10": 10_000.0,
    "no2": 5_000.0,
    "no": 10_000.0,
    "nox": 10_000.0,
    "o3": 5_000.0,
    "so2": 10_000.0,
    "co": 100_000.0,
}
"""From this value on, an hourly mean is a fault: some ten times the range for which reference analysers are approved
(NO2 and O3 500, NO 1,200, SO2 and PM 1,000 ug/m3: EN 14211, 14625, 14212, 16450); for CO that range itself (EN 14626).
"""
NOISE_UG_M3: Final = 5.0
"""An analyser's zero drifts: so far below zero the air is clean and the reading is 0; farther down it is broken."""

_PARIS: Final = ZoneInfo("Europe/Paris")
_YEARS: Final = range(1990, 2101)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DAY: Final = re.compile(r"(\d{4})([-/])(\d\d)\2(\d\d)", re.ASCII)
_MOMENT: Final = re.compile(
    r"(\d{4})([-/])(\d\d)\2(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"[+-]?\d{1,12}(?:[.,]\d{1,12})?", re.ASCII)


def as_stream(data: BinaryIO | bytes) -> BinaryIO:
    """Give a stream that stands after the byte order mark, if there is one."""
    stream = BytesIO(data) if isinstance(data, bytes) else data
    start = stream.tell()
    if stream.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
        stream.seek(start)
    return stream


def read_json(data: BinaryIO | bytes, *, what: str) -> Any:
    """Read a small JSON file at once. `what` names the expected file in the message of SourceFormatError."""
    content = as_stream(data).read(JSON_MAX_BYTES + 1)
    if len(content) > JSON_MAX_BYTES:
        raise SourceFormatError(f"Not {what}: it is larger than {JSON_MAX_BYTES} bytes.")
    if not content.strip():
        raise SourceFormatError(f"Not {what}: the file is empty.")
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError:
        raise SourceFormatError(f"Not {what}: it nests too deep.") from None
    except ValueError as error:
        raise SourceFormatError(f"Not {what}: it is not JSON ({fault_of(error)}).") from None


def rejected(row: int, error: BadRowError | str, raw: Any) -> RejectedRow:
    """Reject a row; what is not text already is shown as JSON."""
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
    return RejectedRow(row, _storable(str(error)), _storable(text[:RAW_MAX_CHARS]))


def text_of(value: Any) -> str:
    """Text of a value that may be written as a number; "" for none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON is read with floats
    return clean(_storable(str(value)))


def _storable(text: str) -> str:
    """Replace halves of characters, which JSON may hold and no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(value: Any) -> str:
    """Reduce words to lower-case letters and digits without accents, single spaces between."""
    apart = unicodedata.normalize("NFKD", text_of(value)).casefold()
    letters = "".join(character for character in apart if not unicodedata.combining(character))
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def number(value: Any) -> float | None:
    """Read a number, written as text or not, with a decimal point or comma. None when nothing is written.

    Raises BadRowError for what is no number.
    """
    if value is None or (isinstance(value, str) and not clean(value)):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(clean(value)):
        value = float(clean(value).replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
        raise BadRowError("bad_number", f"{str(value)[:40]!r} is not a number.")
    return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def whole(value: Any) -> int | None:
    """Read a whole number; None when nothing is written. Raises BadRowError for another."""
    read = number(value)
    if read is not None and not read.is_integer():
        raise BadRowError("bad_number", f"{read:g} is not a whole number.")
    return None if read is None else int(read)


def concentration(value: float, pollutant: str) -> float:
    """Check the mean of an hour, in ug/m3: noise around zero is 0. Raises BadRowError for what cannot be."""
    if -NOISE_UG_M3 <= value < 0:
        return 0.0
    if not 0 <= value < IMPOSSIBLE_UG_M3[pollutant]:
        raise BadRowError("absurd_value", f"{value:g} ug/m3 of {pollutant} cannot be.")
    return value


def moment(value: Any) -> datetime | None:
    """Read a moment, its offset full or short ("+01"), as UTC. None when it is unreadable or has no offset."""
    read = _written(value)
    return None if read is None or read.tzinfo is None else _in_utc(read)


def required_moment(value: Any) -> datetime:
    """Read a moment as UTC. Raises BadRowError."""
    read = moment(value)
    if read is None:
        raise BadRowError("bad_time", f"{text_of(value)[:40]!r} is not a moment with an offset.")
    return read


def day_of(value: Any) -> date:
    """Read a day, or the day in France of a moment (midnight there is 22:00 or 23:00 UTC). Raises BadRowError."""
    read: date | None
    if found := _DAY.fullmatch(text_of(value)):
        try:
            read = date(int(found[1]), int(found[3]), int(found[4]))
        except ValueError:
            read = None
    else:
        written = _written(value)
        read = None if written is None else (written.astimezone(_PARIS) if written.tzinfo else written).date()
    if read is None or read.year not in _YEARS:
        raise BadRowError("bad_day", f"{text_of(value)[:40]!r} is not a day.")
    return read


def day_in_france(at: datetime) -> date:
    """Calendar day in mainland France."""
    return at.astimezone(_PARIS).date()


def _written(value: Any) -> datetime | None:
    """Read a moment of the years that count; without its zone where none is written."""
    found = _MOMENT.fullmatch(text_of(value))
    if found is None:
        return None
    year, _, month, day, hour, minute, second, fraction, utc, hours, minutes = found.groups()
    if int(year) not in _YEARS:
        return None
    zone: timezone | None = UTC if utc else None
    try:
        if hours:
            size = timedelta(hours=int(hours[1:]), minutes=int(minutes or 0))
            zone = timezone(-size if hours[0] == "-" else size)
        microsecond = int((fraction or "").ljust(6, "0")[:6])
        return datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), microsecond, tzinfo=zone
        )
    except ValueError:
        return None


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
