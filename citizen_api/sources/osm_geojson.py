"""OpenStreetMap places as GeoJSON, the way its usual exporters write them; features are read one at a time.

An object's id stands in different places: "@id" or the feature's id as "node/123" (Overpass turbo, osmtogeojson),
"n123" and "a10" (osmium export; "a" is twice the way's id, or twice the relation's and one), "@osmId" (ohsome),
"@type" beside a bare "@id" (osmium), "full_id" (QuickOSM). Tags are the properties themselves, or stand in `tags`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, Final

import ijson

from citizen_api.sources.json_events import events, fault_of
from citizen_api.sources.osm_elements import UNITS_PER_DEGREE, Element, kinds_of, middle, raw_of
from citizen_api.sources.records import BadRowError, RejectedRow, SourceFormatError, in_degrees, parse_date

WHAT: Final = "GeoJSON of OpenStreetMap"
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
ID_PROPERTIES: Final = ("@id", "@osmId", "full_id", "osm_id")
TYPE_PROPERTIES: Final = ("@type", "@osmType", "osm_type", "type")
DATE_PROPERTIES: Final = ("@timestamp", "@lastEdit", "timestamp")

_NAMED: Final = re.compile(r"(node|way|relation)/0*([1-9][0-9]{0,17})")
_LETTERED: Final = re.compile(r"([nwra])0*([1-9][0-9]{0,17})")
_BARE: Final = re.compile(r"0*([1-9][0-9]{0,17})")
_TYPES: Final = {"n": "node", "w": "way", "r": "relation"}


def dated(stream: BinaryIO) -> date | None:
    """Day of the data that the file tells before its features (Overpass turbo does), or None."""
    try:
        for prefix, event, value in _parsed(stream):
            if prefix == "timestamp" and event == "string":
                return parse_date(value)
            if prefix == "features":
                return None
    except (ijson.JSONError, ValueError):
        return None
    return None


def elements(stream: BinaryIO) -> Iterator[Element | RejectedRow]:
    """Each feature that is a place of care. Raises SourceFormatError where the file breaks off or has no feature."""
    row = 0
    try:
        for row, feature in enumerate(ijson.items(_parsed(stream), "features.item"), start=1):
            if (found := _element(row, feature)) is not None:
                yield found
    except SourceFormatError:
        raise
    except (ijson.JSONError, ValueError) as error:
        raise SourceFormatError(f"Not whole GeoJSON: it breaks after {row} features ({fault_of(error)}).") from None
    if row == 0:
        raise SourceFormatError(f"Not {WHAT}: it holds no `features`.")


def _parsed(stream: BinaryIO) -> Iterator[tuple[str, str, Any]]:
    """Give (path, event, value) of each piece."""
    parsed: Iterator[tuple[str, str, Any]] = ijson.parse(events(_without_mark(stream), what=WHAT))
    return parsed


def _without_mark(stream: BinaryIO) -> BinaryIO:
    start = stream.tell()
    if stream.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
        stream.seek(start)
    return stream


def _element(row: int, feature: Any) -> Element | RejectedRow | None:
    if not isinstance(feature, dict) or not isinstance(properties := feature.get("properties"), dict):
        return None
    nested = properties.get("tags")
    tags = _tags(nested if isinstance(nested, dict) else properties)
    if not kinds_of(tags):
        return None
    key = _key(feature, properties)
    if key is None:
        reason = "no_identifier: The feature does not say which object of OpenStreetMap it is."
        return RejectedRow(row, reason, raw_of("", tags))
    try:
        position = middle(_points(feature.get("geometry")))
    except BadRowError as error:
        return RejectedRow(row, str(error), raw_of(key, tags))
    return Element(row, key, tags, position, _edited_on(properties))


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    """Take what is text, or was before an exporter guessed its type."""
    tags: dict[str, str] = {}
    for name, value in given.items():
        if name.startswith("@"):
            continue
        if isinstance(value, bool):
            tags[name] = "yes" if value else "no"
        elif isinstance(value, (str, int)):
            tags[name] = str(value)
    return tags


def _key(feature: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    kind = next((text for name in TYPE_PROPERTIES if (text := properties.get(name)) in _TYPES.values()), None)
    given = (*(properties.get(name) for name in ID_PROPERTIES), feature.get("id"), properties.get("id"))
    for text in (str(value) for value in given if isinstance(value, (str, int))):
        if found := _NAMED.fullmatch(text):
            return f"{found[1]}/{found[2]}"
        if found := _LETTERED.fullmatch(text):
            return _of_area(int(found[2])) if found[1] == "a" else f"{_TYPES[found[1]]}/{found[2]}"
        if kind is not None and (found := _BARE.fullmatch(text)):
            return f"{kind}/{found[1]}"
    return None


def _of_area(number: int) -> str:
    return f"relation/{number // 2}" if number % 2 else f"way/{number // 2}"


def _points(geometry: Any) -> Iterator[tuple[int, int]]:
    """Every corner of a geometry of any kind. Raises BadRowError for one that is not in degrees."""
    waiting = [geometry]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += (part.get("coordinates"), part.get("geometries"))
        elif isinstance(part, list):
            if len(part) > 1 and all(isinstance(number, (int, float)) for number in part[:2]):
                yield _units(lat=part[1], lon=part[0])
            else:
                waiting += part


def _units(*, lat: float, lon: float) -> tuple[int, int]:
    if not (math.isfinite(lat) and math.isfinite(lon) and in_degrees(lat=lat, lon=lon)):
        raise BadRowError("bad_position", f"{lat}, {lon} is outside WGS84 degrees.")
    return round(lat * UNITS_PER_DEGREE), round(lon * UNITS_PER_DEGREE)


def _edited_on(properties: Mapping[str, Any]) -> date | None:
    """Day of the last edit: ISO text, or seconds since 1970 (osmium export)."""
    meta = properties.get("meta")
    places = (properties, meta if isinstance(meta, dict) else {})
    value = next((place[name] for place in places for name in DATE_PROPERTIES if name in place), None)
    if isinstance(value, str):
        return parse_date(value)
    if isinstance(value, int) and 0 < value < 1 << 32:
        return datetime.fromtimestamp(value, UTC).date()
    return None
