"""OpenStreetMap's binary form (PBF), read in passes so that a country needs no more memory than its places of care.

The nodes of buildings come before the buildings in the file, and nothing says beforehand which of them will matter.
To keep them all (pyosmium's `with_locations`) takes 16 bytes each: gigabytes for a country. Reading is fast, so the
file is read again instead: the tagged ways and relations first, then the ways of those relations, then the nodes of all
these, then the nodes that are places themselves. Filters are pyosmium's own: what they drop never becomes a Python
object. A relation's position comes from its own nodes and ways; relations within relations are not followed.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import osmium
from numpy.typing import NDArray

from citizen_api.sources.osm_elements import KIND_KEYS, Element, Tags, kinds_of, middle, raw_of
from citizen_api.sources.records import RejectedRow, SourceFormatError, parse_date

Source = osmium.io.File | osmium.io.FileBuffer

OLDEST_YEAR: Final = 2004
"""OpenStreetMap is no older; tools that drop dates leave 1970."""

ID_MAX: Final = 1 << 35
"""Ids beyond are made up: twice and more what OpenStreetMap has given out."""

PAGE_BITS: Final = 25
PAGES_AT_ONCE: Final = 64
"""A filter of ids takes 4 MB for every 2^25 ids of which it knows one. Those of more pages are read in another pass."""

HELD_MAX: Final = 50_000_000
"""References to nodes held at once, an area counting for some more: 400 MB, far beyond a country's places."""

_COST_OF_AN_AREA: Final = 20
_UNKNOWN: Final = np.iinfo(np.int64).max
_FAILURES: Final = (RuntimeError, ValueError, IndexError, OverflowError, MemoryError)
"""As what pyosmium lets through of libosmium's errors."""

_TYPES: Final = {"n": "node", "w": "way", "r": "relation"}


@dataclass(slots=True)
class _Copied:
    """A copy of an object that is a place: its nodes (of a way or relation), and its ways (of a relation)."""

    key: str
    tags: Mapping[str, str]
    edited_on: date | None
    nodes: "array[int]" = field(default_factory=lambda: array("q"))
    ways: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class _Held:
    """Counts what is kept in memory. Raises SourceFormatError when a file makes it too much."""

    count: int = 0

    def add(self, references: int) -> None:
        self.count += references + _COST_OF_AN_AREA
        if self.count > HELD_MAX:
            raise SourceFormatError("The PBF holds more places mapped as areas than any country: cut it first.")


def dated(source: Source) -> date | None:
    """Day of the last change that the file's header tells, or None."""
    try:
        with osmium.io.Reader(source, osmium.osm.NOTHING) as reader:
            return parse_date(reader.header().get("osmosis_replication_timestamp", ""))
    except _FAILURES:
        return None


def elements(source: Source) -> Iterator[Element | RejectedRow]:
    """Each place of care: nodes in the order of the file, then ways, then relations.

    Raises SourceFormatError as soon as the file is found not to be a whole PBF.
    """
    if has_history(source):
        raise SourceFormatError("A PBF with the history of each object: extract the state of one day first.")
    areas: list[_Copied] = []
    refused: list[tuple[str, str]] = []
    held = _Held()
    for found in objects(source, osmium.osm.WAY | osmium.osm.RELATION, osmium.filter.KeyFilter(*KIND_KEYS)):
        area = _read(found)
        if isinstance(area, tuple):
            refused.append(area)
        elif area is not None:
            held.add(len(area.nodes) + len(area.ways))
            areas.append(area)
    positions = _Positions(source, areas, held)
    row = 0
    for found in objects(source, osmium.osm.NODE, osmium.filter.KeyFilter(*KIND_KEYS)):
        node = _read(found)
        if node is None:
            continue
        row += 1
        if isinstance(node, tuple):
            yield RejectedRow(row, *node)
            continue
        at = (found.location.y, found.location.x) if found.location.valid() else None
        yield Element(row, node.key, node.tags, at, node.edited_on)
    for area in areas:
        row += 1
        yield Element(row, area.key, area.tags, positions.middle_of(area), area.edited_on)
    for reason, raw in refused:
        row += 1
        yield RejectedRow(row, reason, raw)


def has_history(source: Source) -> bool:
    """Whether a file holds every version of each object. Raises SourceFormatError when it is no PBF."""
    try:
        with osmium.io.Reader(source, osmium.osm.NOTHING) as reader:
            return reader.header().has_multiple_object_versions
    except _FAILURES as error:
        raise _broken(error) from None


def objects(source: Source, entities: Any, *filters: osmium.BaseFilter) -> Iterator[Any]:
    """Objects that pass the filters; each is valid until the next is asked for. Raises SourceFormatError."""
    try:
        processor = osmium.FileProcessor(source, entities)
        for each in filters:
            processor.with_filter(each)
        yield from processor
    except _FAILURES as error:
        raise _broken(error) from None


def _broken(error: BaseException) -> SourceFormatError:
    detail = " ".join(str(error).split())[:200] or type(error).__name__
    return SourceFormatError(f"Not a whole OpenStreetMap PBF ({detail}).")


def _read(found: Any) -> _Copied | tuple[str, str] | None:
    """Copy an object that is a place of care. None: it is none; (reason, raw): it cannot be read."""
    key = f"{_TYPES[found.type_str()]}/{found.id}"
    tags: Tags = found.tags
    try:
        if not kinds_of(tags):
            return None
        area = _copy(key, found)
    except UnicodeDecodeError:
        return "bad_characters: Its tags are not in UTF-8.", raw_of(key, {})
    if found.id <= 0:
        return "no_identifier: OpenStreetMap never gave the object an id.", raw_of(key, area.tags)
    return area


def _copy(key: str, found: Any) -> _Copied:
    edited_on = found.timestamp.date()
    area = _Copied(key, {tag.k: tag.v for tag in found.tags}, edited_on if edited_on.year >= OLDEST_YEAR else None)
    if found.is_way():
        area.nodes.extend(ref.ref for ref in found.nodes)
    elif found.is_relation():
        for member in found.members:
            if member.type == "n":
                area.nodes.append(member.ref)
            elif member.type == "w":
                area.ways.append(member.ref)
    return area


def by_ids(source: Source, entities: Any, ids: NDArray[np.int64]) -> Iterator[Any]:
    """Objects of these ids (sorted, each once), in as many passes as their spread asks for."""
    pages, page_of = np.unique(ids >> PAGE_BITS, return_inverse=True)
    for first in range(0, len(pages), PAGES_AT_ONCE):
        part = ids[(page_of >= first) & (page_of < first + PAGES_AT_ONCE)]
        yield from objects(source, entities, osmium.filter.IdFilter(part.tolist()))


def distinct(arrays: Iterable["array[int]"]) -> NDArray[np.int64]:
    """Ids of several lists, sorted, each once; without those that OpenStreetMap never gave."""
    parts = [np.frombuffer(each, dtype=np.int64) for each in arrays if each]
    ids = np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
    return ids[(ids > 0) & (ids < ID_MAX)]


class _Positions:
    """Where the corners of the areas are."""

    def __init__(self, source: Source, areas: list[_Copied], held: _Held) -> None:
        self._ways: dict[int, array[int]] = {}
        for way in by_ids(source, osmium.osm.WAY, distinct(area.ways for area in areas)):
            held.add(len(way.nodes))
            self._ways[way.id] = array("q", (ref.ref for ref in way.nodes))
        self._ids = distinct([*(area.nodes for area in areas), *self._ways.values()])
        self._lats = np.full(len(self._ids), _UNKNOWN, dtype=np.int64)
        self._lons = np.full(len(self._ids), _UNKNOWN, dtype=np.int64)
        for node in by_ids(source, osmium.osm.NODE, self._ids):
            if node.location.valid():
                at = int(np.searchsorted(self._ids, node.id))
                self._lats[at], self._lons[at] = node.location.y, node.location.x

    def middle_of(self, area: _Copied) -> tuple[int, int] | None:
        """Middle of the box round those corners of an area that the file has."""
        corners = distinct([area.nodes, *(self._ways[way] for way in area.ways if way in self._ways)])
        at = np.searchsorted(self._ids, corners)
        lats, lons = self._lats[at], self._lons[at]
        known = lats != _UNKNOWN
        if not known.any():
            return None
        lats, lons = lats[known], lons[known]
        return middle([(int(lats.min()), int(lons.min())), (int(lats.max()), int(lons.max()))])
