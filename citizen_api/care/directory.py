"""The directory: the places that are open for good, held ready for the question "nearest to here".

Immutable, and of one version of the tables: arrays that `directory_files` packed, mapped from files or in memory.
A place is known by its number: neighbours have numbers near each other, so that what is read of them lies side by
side. Its rank, where it stands by id, decides between places at the same distance.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from citizen_api.care import directory_files as files
from citizen_api.care.categories import CATEGORIES
from citizen_api.care.fragments import label_part, ready_facts
from citizen_api.care.hours import Opening
from citizen_api.care.packing import CALL_15, DAY, FLAGS, REGULATED, SCHEDULE, Packed
from citizen_api.care.place import Place
from citizen_api.care.schedules import CODES, PACKED, Schedules
from citizen_api.core.geo import distance_m

_EXTRA_ROOM: Final = 8
_MORE_ROOM: Final = 512
_FIRST_TRY: Final = 64


Ends = Sequence[tuple[bytes, bytes, bytes]]
"""How each place's JSON ends: more members; the last ones where one goes straight there; where one calls 15 first."""

_NOTHING_MORE: Final = (b"", b"}", b"}")
_AFTER_15: Final = CALL_15 | REGULATED


class _When(NamedTuple):
    """Which schedules are asked for: the state of each, the bits of those wanted (0: all), those of their buckets."""

    states: NDArray[np.uint8]
    wanted: int
    buckets: np.uint64


class _Wanted(NamedTuple):
    """What a search is told, beside where it looks: `needed` are bits of features, `after` is (distance_mm, rank)."""

    lat: float
    lon: float
    limit: int
    needed: NDArray[np.uint64]
    when: _When
    radius_m: float
    after: tuple[int, int] | None


ANY_TIME: Final = _When(np.zeros(1, dtype=np.uint8), 0, np.uint64(0))


class Found(NamedTuple):
    """A place found, and how far it is."""

    distance_mm: int
    number: int

    @property
    def distance_m(self) -> float:
        """Geodesic distance in metres."""
        return self.distance_mm / 1000


class Directory:
    """See the module."""

    def __init__(self, packed: Packed, body: memoryview | bytes) -> None:
        meta, arrays = packed.meta, packed.arrays
        self.stamp: str = meta["stamp"]
        self.built_at = datetime.fromisoformat(meta["built_at"])
        self.has_demo: bool = meta["has_demo"]
        self.meta = meta
        self._body = memoryview(body)
        self._ids, self._lats, self._lons = arrays["ids"], arrays["lats"], arrays["lons"]
        self._rows = arrays["rows"]
        self.schedules = Schedules(
            {name: arrays[name] for name in PACKED},
            datetime.fromisoformat(meta["start"]),
            arrays["questions"].tobytes(),
            arrays["question_offsets"],
        )
        self._columns = (
            arrays["tree_xyz"],
            arrays["tree_places"],
            arrays["tree_schedules"],
            arrays["tree_features"],
            arrays["tree_boxes"],
            arrays["tree_node_features"],
            arrays["tree_node_buckets"],
            self._lats,
            self._lons,
            arrays["ranks"],
        )
        self._ranks, self._by_rank = arrays["ranks"], arrays["by_rank"]
        self._members, self._features = arrays["tree_places"], arrays["tree_features"]
        self._trees = {name: np.array(tree, dtype=np.int64) for name, tree in meta["categories"].items()}
        self._bits: Mapping[str, int] = meta["features"]
        self._label_names: Sequence[str] = meta["label_names"]
        self._label_parts: dict[str, Sequence[bytes]] = {}
        self._no_feature = np.zeros(self._features.shape[1], dtype=np.uint64)

    @classmethod
    def of(cls, places: Iterable[Place], *, stamp: str = "1", built_at: datetime) -> Self:
        """Pack places, in any order, in memory."""
        return cls(*files.pack_in_memory(sorted(places, key=lambda place: place.id), stamp=stamp, built_at=built_at))

    @classmethod
    def open(cls, version: Path) -> Self:
        """Map the files of a version. Raises OSError when it is gone."""
        opened = files.open_version(version)
        directory = cls(opened.packed, opened.body)
        # As long as anything still asks it, its files are in use.
        weakref.finalize(directory, os.close, opened.lock)
        return directory

    def __len__(self) -> int:
        return len(self._ids)

    def __bool__(self) -> bool:
        """An empty directory is a directory."""
        return True

    # ---- one place, by its number

    def id_of(self, number: int) -> str:
        """Give a place's id."""
        return str(self._ids[number].decode())

    def number_of(self, place_id: str) -> int | None:
        """Find a place by its id."""
        try:
            wanted = place_id.encode("ascii")
        except UnicodeEncodeError:
            return None
        rank = int(np.searchsorted(self._ids, wanted, sorter=self._by_rank))
        number = int(self._by_rank[rank]) if rank < len(self._ids) else -1
        return number if number >= 0 and self._ids[number] == wanted else None

    def rank_of(self, number: int) -> int:
        """Tell where a place stands by id."""
        return int(self._ranks[number])

    def facts(self, number: int) -> dict[str, Any]:
        """Say of a place all that is constant (see `fragments.constant_facts`), its times as texts."""
        start, length, *_ = self._rows[number].tolist()
        return ready_facts(self._body[start : start + length])

    def position(self, number: int) -> tuple[float, float]:
        """Latitude and longitude, WGS84 degrees."""
        return float(self._lats[number]), float(self._lons[number])

    def flags(self, numbers: Sequence[int]) -> int:
        """Give the flags of `packing` that any of the places has."""
        return int(np.bitwise_or.reduce(self._rows[numbers, FLAGS])) if numbers else 0

    def oldest_source(self, numbers: Sequence[int]) -> date | None:
        """Of the newest real source of each of the places, give the day of the oldest."""
        days = set(self._rows[numbers, DAY].tolist()) - {0} if numbers else None
        return date.fromordinal(min(days)) if days else None

    def opening(self, number: int, at: datetime) -> Opening:
        """Tell whether a place is open, and until when."""
        return self.schedules.opening(int(self._rows[number, SCHEDULE]), at)

    def items_json(self, numbers: Sequence[int], at: datetime, lang: str, *, ends: Ends | None = None) -> bytes:
        """Say of each place what `present.place_view` says, joined by commas; `ends` end them (see `fragments`)."""
        schedules, body, labels = self.schedules, self._body, self._labels(lang)
        kept, opening = schedules.kept, schedules.opening_json
        parts: list[bytes | memoryview] = []
        rows = self._rows.take(numbers, axis=0).tolist()
        for (start, length, schedule, _, label, flags), (more, end, end_after_15) in zip(
            rows, repeat(_NOTHING_MORE) if ends is None else ends, strict=False
        ):
            known = kept.get(schedule)
            parts += (
                body[start : start + length],
                known[2] if known is not None and known[0] <= at < known[1] else opening(schedule, at),
                labels[label],
                more,
                end_after_15 if flags & _AFTER_15 else end,
                b",",
            )
        return b"".join(parts[:-1])

    def _labels(self, lang: str) -> Sequence[bytes]:
        """Give the words of each category of the files, and of none (the last)."""
        parts = self._label_parts.get(lang)
        if parts is None:
            # The words of the product, not of the files.
            words = [getattr(CATEGORIES[name], lang) for name in self._label_names]
            parts = self._label_parts[lang] = [label_part(word) for word in (*words, None)]
        return parts

    # ---- many places

    def has(self, category: str) -> bool:
        """Whether any place of a category is known."""
        return category in self._trees

    def counts(self) -> dict[str, int]:
        """How many places of each category are known."""
        return {category: int(tree[1]) for category, tree in self._trees.items()}

    def distance_mm(self, number: int, *, lat: float, lon: float) -> int:
        """Geodesic distance of a place, in millimetres, as `nearest` orders by it."""
        return round(float(self._distances_m(np.array([number]), lat=lat, lon=lon)[0]) * 1000)

    def within(self, *, south: float, west: float, north: float, east: float, categories: Sequence[str]) -> list[int]:
        """Give the numbers of the places of any of `categories` in a box of degrees, by id."""
        found: set[int] = set()
        for first, count, _, _ in self._of(categories):
            numbers = self._members[first : first + count]
            lats, lons = self._lats[numbers], self._lons[numbers]
            inside = (lats >= south) & (lats <= north) & (lons >= west) & (lons <= east)
            found.update(numbers[inside].tolist())
        return sorted(found, key=self._ranks.__getitem__)

    def nearest(
        self,
        *,
        lat: float,
        lon: float,
        categories: Sequence[str],
        limit: int,
        features: Collection[str] = (),
        states: Collection[str] = (),
        at: datetime | None = None,
        radius_m: float = math.inf,
        after: tuple[int, int] | None = None,
    ) -> list[Found]:
        """Give the first `limit` places of any of `categories`, nearest first, those after (distance_mm, rank).

        Exact: in the order of the geodesic on WGS84, to the millimetre, then of the id. A place has all `features`
        and, at the moment `at`, one of the `states` ("open", "closed", "unknown"; none: whatever it is).
        """
        needed = self._needed(features)
        if needed is None or not categories:
            return []
        trees = self._of(categories)
        when = ANY_TIME
        if states and at is not None:
            moment = self.schedules.moment(at)
            if moment is None:
                wanted = _Wanted(lat, lon, limit, needed, ANY_TIME, radius_m, after)
                return self._nearest_later(trees, wanted, frozenset(states), at)
            bits = 0
            for state in states:
                bits |= 1 << CODES[state]
            when = _When(moment.states, bits, moment.buckets[bits])
        return self._first(trees, _Wanted(lat, lon, limit, needed, when, radius_m, after))

    def _first(self, trees: Sequence[NDArray[np.int64]], wanted: _Wanted) -> list[Found]:
        if not trees:
            return []
        from citizen_api.care import kernel  # noqa: PLC0415 - a process that never searches holds no compiler

        lat, lon, limit, needed, when, radius_m, after = wanted
        after_mm, after_rank = after or (-1, -1)
        found: list[Found] = []
        for tree in trees:
            for room in (limit + _EXTRA_ROOM, 4 * limit + _MORE_ROOM):
                count, distances, numbers = kernel.nearest(
                    *self._columns, tree, lat, lon, needed, when.states, when.wanted, when.buckets,
                    radius_m, after_mm, after_rank, limit, room,
                )  # fmt: skip
                if count != kernel.NO_ROOM:
                    break
            if count < 0:
                found += self._by_hand(tree, wanted)
            else:
                found += map(Found, distances[:count].tolist(), numbers[:count].tolist())
        if len(trees) == 1:
            return found
        # A place of two categories is found twice.
        return sorted(set(found), key=lambda each: (each.distance_mm, self.rank_of(each.number)))[:limit]

    def _by_hand(self, tree: NDArray[np.int64], wanted: _Wanted) -> list[Found]:
        """Look at every member: for far away, where chords tell too little, and nearly opposite, where none settles."""
        lat, lon, limit, needed, when, radius_m, after = wanted
        first, count = int(tree[0]), int(tree[1])
        members = slice(first, first + count)
        numbers = self._members[members]
        fits = ((self._features[members] & needed) == needed).all(axis=1)
        if when.wanted:
            fits &= (when.wanted >> when.states[self._rows[numbers, SCHEDULE]].astype(np.int64)) & 1 == 1
        numbers = numbers[fits]
        distances_mm = np.rint(self._distances_m(numbers, lat=lat, lon=lon) * 1000).astype(np.int64)
        keep = distances_mm <= radius_m * 1000
        if after is not None:
            keep &= (distances_mm > after[0]) | ((distances_mm == after[0]) & (self._ranks[numbers] > after[1]))
        numbers, distances_mm = numbers[keep], distances_mm[keep]
        order = np.lexsort((self._ranks[numbers], distances_mm))[:limit]
        return [*map(Found, distances_mm[order].tolist(), numbers[order].tolist())]

    def _nearest_later(
        self, trees: Sequence[NDArray[np.int64]], wanted: _Wanted, states: frozenset[str], at: datetime
    ) -> list[Found]:
        """Evaluate hours exactly, place by place, outside the packed days."""
        codes = {CODES[state] for state in states}
        known: dict[int, bool] = {}

        def fits(found: Found) -> bool:
            schedule = int(self._rows[found.number, SCHEDULE])
            if schedule not in known:
                known[schedule] = self.schedules.state(schedule, at) in codes
            return known[schedule]

        tried = max(_FIRST_TRY, 2 * wanted.limit)
        while True:
            candidates = self._first(trees, wanted._replace(limit=tried))
            chosen = [found for found in candidates if fits(found)]
            if len(chosen) >= wanted.limit or len(candidates) < tried:
                return chosen[: wanted.limit]
            tried *= 8

    def _distances_m(self, numbers: NDArray[Any], *, lat: float, lon: float) -> NDArray[np.float64]:
        from citizen_api.care import kernel  # noqa: PLC0415 - see `_first`

        lats, lons = self._lats[numbers], self._lons[numbers]
        distances = kernel.geodesics_m(lat, lon, lats, lons)
        for rank in np.flatnonzero(distances < 0):
            distances[rank] = distance_m(lat=lat, lon=lon, to_lat=float(lats[rank]), to_lon=float(lons[rank]))
        return distances

    def _needed(self, features: Collection[str]) -> NDArray[np.uint64] | None:
        """Give the bits of features; None when no place has one of them."""
        if not features:
            return self._no_feature
        needed = self._no_feature.copy()
        for name in features:
            bit = self._bits.get(name)
            if bit is None:
                return None
            needed[bit // 64] |= np.uint64(1 << (bit % 64))
        return needed

    def _of(self, categories: Sequence[str]) -> list[NDArray[np.int64]]:
        trees = self._trees
        return [trees[name] for name in dict.fromkeys(categories) if name in trees]

    def warm_up(self) -> None:
        """Load the compiled search before the first resident asks."""
        category = next(iter(self._trees), None)
        if category is not None:
            self.nearest(lat=0.0, lon=0.0, categories=(category,), limit=1)

    def __iter__(self) -> Iterator[int]:
        """Every place's number."""
        return iter(range(len(self)))
