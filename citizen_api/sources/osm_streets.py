"""The streets of an OpenStreetMap extract (PBF), read in passes: ways and areas, members of areas, then their points.

As for places of care (`osm_pbf`), only what a street, a park or their corners need is kept. Points that a clipped
extract lacks are tolerated: they are told as absent. Data of OpenStreetMap's contributors, under the ODbL.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import osmium
from numpy.typing import NDArray

from citizen_api.sources.osm_blobs import check_strings
from citizen_api.sources.osm_pbf import ID_MAX, by_ids, dated, distinct, has_history, objects
from citizen_api.sources.osm_street_tags import StreetTags, shuts_walkers_out, street_tags
from citizen_api.sources.records import SourceFormatError

HELD_MAX: Final = 200_000_000
"""References to points held at once: 1.6 GB, beyond a region."""

PARKS: Final[Mapping[str, frozenset[str]]] = {
    "leisure": frozenset({"park", "garden", "nature_reserve"}),
    "landuse": frozenset({"forest", "grass", "meadow", "recreation_ground", "village_green"}),
    "natural": frozenset({"wood", "grassland"}),
}
_PLACES: Final = frozenset({"pedestrian", "footway"})
"""Kinds of a place that is mapped as a relation: one walks round it, as round one mapped as a closed way."""
_COST_OF_A_WAY: Final = 20
_TELL_EVERY: Final = 1_000
_UNKNOWN: Final = np.iinfo(np.int64).max

Progress = Callable[[str, int, int], None]
"""Told (what is read, how many so far, of how many: 0 unknown)."""


@dataclass(frozen=True, slots=True)
class Street:
    """A way that is a street: what its tags say, and its points, as ranks in the extract; -1: it is missing."""

    tags: StreetTags
    points: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """The streets of an extract. `lats_e7`, `lons_e7` int64[points]: degrees times 10^7.

    `shut`: points that nobody passes, on foot or with a bicycle. `parks`: rings of points, as ranks. `dated`: the day
    of which the file is, None where it does not tell. `missing`: points that are referred to and not in the file.
    """

    streets: list[Street]
    lats_e7: NDArray[np.int64]
    lons_e7: NDArray[np.int64]
    shut: frozenset[int]
    parks: list[NDArray[np.int64]]
    dated: date | None
    missing: int


@dataclass(slots=True)
class _Found:
    streets: list[tuple[StreetTags, array[int]]] = field(default_factory=list)
    parks: list[array[int]] = field(default_factory=list)
    members: dict[int, StreetTags | None] = field(default_factory=dict)
    """Ways of a relation: the tags of a place, None for a park's."""
    held: int = 0

    def hold(self, references: int) -> None:
        self.held += references + _COST_OF_A_WAY
        if self.held > HELD_MAX:
            raise SourceFormatError("The PBF holds more streets than a region has: cut it to a city first.")


def read_streets(path: Path, *, progress: Progress = lambda *_: None) -> Extract:
    """Read the streets, the parks and their points.

    Raises OSError, and SourceFormatError when the file is no whole PBF of one day, or holds no street.
    """
    with path.open("rb") as stream:
        check_strings(stream)
    source = osmium.io.File(str(path.absolute()), "pbf")
    if has_history(source):
        raise SourceFormatError("A PBF with the history of each object: extract the state of one day first.")
    found = _read_ways(source, progress)
    _read_members(source, found)
    ids, lats, lons, shut = _read_points(source, found, progress)
    rank = np.full(len(ids), -1, np.int64)
    known = lats != _UNKNOWN
    rank[known] = np.arange(int(known.sum()))
    ranks = _Ranks(ids, rank)
    streets = [Street(tags, ranks.of(points)) for tags, points in found.streets]
    if not streets:
        raise SourceFormatError("No street in the file: OpenStreetMap's ways with the key highway.")
    parks = [ring[ring >= 0] for ring in map(ranks.of, found.parks)]
    return Extract(
        streets=streets,
        lats_e7=lats[known],
        lons_e7=lons[known],
        shut=frozenset(ranks.of(array("q", shut)).tolist()) - {-1},
        parks=parks,
        dated=dated(source),
        missing=int((~known).sum()),
    )


@dataclass(frozen=True, slots=True)
class _Ranks:
    ids: NDArray[np.int64]
    rank: NDArray[np.int64]

    def of(self, points: array[int]) -> NDArray[np.int64]:
        """Ranks of points by their ids; -1 for those that are not in the file."""
        wanted = np.frombuffer(points, np.int64) if points else np.empty(0, np.int64)
        if not len(self.ids):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[at] == wanted, self.rank[at], -1)


def _read_ways(source: osmium.io.File, progress: Progress) -> _Found:
    found = _Found()
    keys = osmium.filter.KeyFilter("highway", *PARKS)
    for count, each in enumerate(objects(source, osmium.osm.WAY | osmium.osm.RELATION, keys)):
        if count % _TELL_EVERY == 0:
            progress("reading streets", count, 0)
        try:
            tags = {tag.k: tag.v for tag in each.tags}
        except UnicodeDecodeError as error:
            raise SourceFormatError("A PBF with tags that are not in UTF-8: it is damaged.") from error
        if each.is_way():
            _keep(found, tags, array("q", (ref.ref for ref in each.nodes)))
        elif tags.get("type") == "multipolygon":
            outers = [
                member.ref
                for member in each.members
                if member.type == "w" and member.role != "inner" and 0 < member.ref < ID_MAX
            ]
            found.hold(len(outers))
            if tags.get("highway") in _PLACES:
                found.members |= dict.fromkeys(outers, street_tags(tags))
            elif _is_park(tags):
                found.members |= {way: found.members.get(way) for way in outers}
    return found


def _keep(found: _Found, tags: Mapping[str, str], points: array[int]) -> None:
    if "highway" in tags:
        found.hold(len(points))
        found.streets.append((street_tags(tags), points))
    elif _is_park(tags):
        found.hold(len(points))
        found.parks.append(points)


def _is_park(tags: Mapping[str, str]) -> bool:
    return any(tags.get(key) in values for key, values in PARKS.items())


def _read_members(source: osmium.io.File, found: _Found) -> None:
    """Read the ways of relations: those of a place are streets, unless they are already; those of a park are parks."""
    wanted = distinct([array("q", found.members)])
    for way in by_ids(source, osmium.osm.WAY, wanted):
        points = array("q", (ref.ref for ref in way.nodes))
        found.hold(len(points))
        place = found.members[way.id]
        if place is None:
            found.parks.append(points)
        elif way.tags.get("highway") is None:
            found.streets.append((place, points))


def _read_points(
    source: osmium.io.File, found: _Found, progress: Progress
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Ids of the points, sorted; their positions (_UNKNOWN: not in the file); ids of those that are shut."""
    lists: Iterable[array[int]] = [*(points for _, points in found.streets), *found.parks]
    ids = distinct(lists)
    lats = np.full(len(ids), _UNKNOWN, np.int64)
    lons = np.full(len(ids), _UNKNOWN, np.int64)
    shut = []
    for count, node in enumerate(by_ids(source, osmium.osm.NODE, ids)):
        if count % _TELL_EVERY == 0:
            progress("reading points", count, len(ids))
        if not node.location.valid():
            continue
        at = int(np.searchsorted(ids, node.id))
        lats[at], lons[at] = node.location.y, node.location.x
        if _is_shut(node):
            shut.append(node.id)
    return ids, lats, lons, shut


def _is_shut(node: Any) -> bool:
    if not len(node.tags):
        return False
    try:
        tags = {tag.k: tag.v for tag in node.tags}
    except UnicodeDecodeError:
        return False  # a name that cannot be read is no barrier
    return "barrier" in tags and shuts_walkers_out(tags)
