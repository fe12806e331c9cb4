"""How GBFS, in all its versions, writes texts, states, counts and moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from citizen_api.sources.air_values import number, read_json, required_moment, text_of, whole
from citizen_api.sources.json_events import DEEPEST
from citizen_api.sources.records import BadRowError, SourceFormatError

MOST: Final = 10_000
"""More bicycles or docks than this at one station are a fault."""
LONGEST_TTL_S: Final = 86_400.0
"""What a feed may ask for at most: longer is a fault, and could not be counted with."""
_STATES: Final = {"1": True, "true": True, "0": False, "false": False}
_PREFERRED: Final = ("fr", "en")
_FIRST_S, _LAST_S = 631_152_000.0, 4_102_444_800.0
"""1990 to 2100."""
_FIRST_IN_MS: Final = 100_000_000_000.0
"""Some systems count milliseconds: as seconds this is the year 5138."""


def read_document(body: bytes, *, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a feed whole, and its `data`. Raises SourceFormatError."""
    document = read_json(body, what=what)
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        raise SourceFormatError(f"Not {what}: it has no `data`.")
    if _is_deep(document):
        raise SourceFormatError(f"Not {what}: it nests deeper than {DEEPEST}.")
    return document, document["data"]


def rows_of(data: Mapping[str, Any], name: str, *, most: int, what: str) -> list[Any]:
    """Give the list `name` of a feed's data. Raises SourceFormatError where it is none, or too long."""
    rows = data.get(name)
    if not isinstance(rows, list):
        raise SourceFormatError(f"Not {what}: it has no list of {name}.")
    if len(rows) > most:
        raise SourceFormatError(f"Not {what}: it has more than {most} {name}.")
    return rows


def ttl_s(document: Mapping[str, Any]) -> float:
    """Seconds after which a feed is due again, as it says, a day at most; 0 where it says nothing sensible."""
    try:
        return min(max(0.0, number(document.get("ttl")) or 0.0), LONGEST_TTL_S)
    except BadRowError:
        return 0.0


def updated_at(document: Mapping[str, Any]) -> datetime | None:
    """When a feed was made, by its own clock: `last_updated`, or Vélib's `lastUpdatedOther`."""
    try:
        return instant(document.get("last_updated", document.get("lastUpdatedOther")))
    except BadRowError:
        return None


def first(row: Mapping[str, Any], *names: str) -> Any:
    """Give the value of the first of the names that is there and not null."""
    return next((row[name] for name in names if row.get(name) is not None), None)


def localised(value: Any) -> str:
    """Text of a value that is a text, or a list of texts by language (3.x): French, else English, else the first."""
    if not isinstance(value, list):
        return text_of(value)
    texts: dict[str, str] = {}
    for entry in value:
        if isinstance(entry, dict) and (text := text_of(entry.get("text"))):
            texts.setdefault(text_of(entry.get("language")).lower().partition("-")[0], text)
    return next((texts[code] for code in (*_PREFERRED, *texts) if code in texts), "")


def state(row: Mapping[str, Any], name: str) -> bool:
    """Read yes or no, written true, 1 or as text. Raises BadRowError where nothing, or something else, is written."""
    value = row.get(name)
    written = ("true" if value else "false") if isinstance(value, bool) else text_of(value).lower()
    if written not in _STATES:
        raise BadRowError("bad_state", f"{name} is {written[:20]!r}.")
    return _STATES[written]


def count(value: Any, what: str) -> int | None:
    """Read how many; None where nothing is written. Raises BadRowError for what cannot be."""
    read = whole(value)
    if read is not None and not 0 <= read <= MOST:
        raise BadRowError("absurd_value", f"{read} {what} cannot be.")
    return read


def instant(value: Any) -> datetime:
    """Read a moment: POSIX seconds (to 2.x), or RFC 3339 (3.x). Raises BadRowError."""
    if isinstance(value, str) and "-" in value[1:]:
        return required_moment(value)
    seconds = number(value)
    if seconds is not None and seconds >= _FIRST_IN_MS:
        seconds /= 1000
    if seconds is None or not _FIRST_S <= seconds < _LAST_S:
        raise BadRowError("bad_time", f"{text_of(value)[:40]!r} is not a moment.")
    return datetime.fromtimestamp(seconds, UTC)


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
