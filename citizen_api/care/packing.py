"""Packs places into the arrays of a directory: column by column, in parts that may be read side by side."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.features import CALL_15_FIRST, features_of
from citizen_api.care.fragments import ready_part
from citizen_api.care.place import HoursQuestion, Place, hours_question
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.care.schedules import ScheduleBook, pack, questions_json
from citizen_api.care.trees import Tree, build_tree
from citizen_api.core.geo import FloatArray, ecef_m

FORMAT: Final = 4
"""Moves with the meaning of the files: those of another format are built anew."""

APPROXIMATE, DEMO, CALL_15, REGULATED = 1, 2, 4, 8
ID_LENGTH: Final = 16
START, LENGTH, SCHEDULE, DAY, LABEL, FLAGS = range(6)
"""Columns of `rows`, all that is read of a place that is shown, side by side: where its JSON lies, the number of its
schedule, the day (an ordinal, or 0) of its newest real source, the rank of its category (-1: none), its flags."""

_WORD: Final = 64
_WRITTEN_AT_ONCE: Final = 4_096

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Packed:
    """What a directory is made of: arrays by name, and what is said about all of it."""

    meta: Mapping[str, Any]
    arrays: Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The columns of some places, in the order of their ids; their JSON, one after the other, lies elsewhere.

    `schedules` and `features` are ranks in `questions` and `feature_sets`; `members` are ranks of places, by category.
    """

    ids: NDArray[np.bytes_]
    lats: FloatArray
    lons: FloatArray
    lengths: NDArray[np.int64]
    days: NDArray[np.int32]
    labels: NDArray[np.int16]
    flags: NDArray[np.uint8]
    schedules: NDArray[np.int32]
    questions: Sequence[HoursQuestion | None]
    features: NDArray[np.int32]
    feature_sets: Sequence[tuple[str, ...]]
    members: Mapping[str, NDArray[np.int32]]


def read_part(places: Iterable[Place], body: BinaryIO) -> Part:
    """Take places, given by id, apart; their JSON is written to `body` as it comes."""
    # Arrays of numbers, not lists of objects: a million places are tens of megabytes instead of hundreds.
    ids: list[bytes] = []
    lats, lons, lengths, days = array("d"), array("d"), array("q"), array("i")
    labels, flags, schedules, features = array("h"), array("B"), array("i"), array("i")
    questions: dict[HoursQuestion | None, int] = {None: 0}
    feature_sets: dict[tuple[str, ...], int] = {}
    members: dict[str, array[int]] = {}
    ranks = {name: rank for rank, name in enumerate(CATEGORIES)}
    for number, place in enumerate(places):
        ids.append(place.id.encode())
        lats.append(place.lat)
        lons.append(place.lon)
        question = hours_question(place.opening_hours, place.commune_code, lat=place.lat, lon=place.lon)
        schedules.append(questions.setdefault(question, len(questions)))
        features.append(feature_sets.setdefault(tuple(features_of(place)), len(feature_sets)))
        flags.append(_flags(place))
        days.append(max([s.dated.toordinal() for s in place.sources if s.id != DEMO_SOURCE], default=0))
        labels.append(ranks.get(place.categories[0], -1) if place.categories else -1)
        for category in place.categories:
            in_it = members.get(category)
            if in_it is None:
                in_it = members[category] = array("i")
            in_it.append(number)
        text = ready_part(place)
        body.write(text)
        lengths.append(len(text))
    return Part(
        ids=np.array(ids, dtype=f"S{ID_LENGTH}"),
        lats=np.array(lats),
        lons=np.array(lons),
        lengths=np.array(lengths),
        days=np.array(days),
        labels=np.array(labels),
        flags=np.array(flags),
        schedules=np.array(schedules),
        questions=list(questions),
        features=np.array(features),
        feature_sets=list(feature_sets),
        members={category: np.array(numbers) for category, numbers in members.items()},
    )


def _flags(place: Place) -> int:
    return (
        APPROXIMATE * place.position_approximate
        | DEMO * (DEMO_SOURCE in [source.id for source in place.sources])
        | CALL_15 * (not CALL_15_FIRST.isdisjoint(place.categories))
        | REGULATED * bool(place.call_15_first)
    )


def pack_parts(
    parts: Sequence[Part], bodies: Sequence[memoryview], out: BinaryIO, *, stamp: str, built_at: datetime
) -> Packed:
    """Pack parts, given by id, into one directory; the places' JSON goes from `bodies` to `out`, neighbours together.

    `stamp` names the state of the tables that they were read from.
    """
    start = built_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    book = ScheduleBook()
    schedules = _joined(
        [np.array([book.number(q) for q in part.questions], np.int32)[part.schedules] for part in parts]
    )
    packed = pack(book.questions, start)
    questions, offsets = questions_json(book.questions)
    bits: dict[str, int] = {}
    features = _feature_words(parts, bits)
    lats, lons = _joined([part.lats for part in parts]), _joined([part.lons for part in parts])
    ecef = ecef_m(lats, lons).reshape(-1, 3)
    trees = _trees(parts, ecef, features, packed["buckets"][schedules])
    in_trees = _joined([tree.members for tree in trees.values()], np.int32)
    by_number = _shown_order(in_trees, len(lats))
    by_rank = np.empty(len(lats), dtype=np.int32)
    by_rank[by_number] = np.arange(len(lats))
    rows = np.empty((len(lats), 6), dtype=np.int64)
    rows[:, LENGTH] = _joined([part.lengths for part in parts])[by_number]
    rows[:, START] = np.cumsum(rows[:, LENGTH], dtype=np.int64) - rows[:, LENGTH]
    rows[:, SCHEDULE] = schedules[by_number]
    rows[:, DAY] = _joined([part.days for part in parts])[by_number]
    rows[:, LABEL] = _joined([part.labels for part in parts])[by_number]
    rows[:, FLAGS] = _joined([part.flags for part in parts])[by_number]
    _write_bodies(parts, bodies, out, by_number)
    arrays: dict[str, NDArray[Any]] = {
        "ids": _joined([part.ids for part in parts])[by_number],
        "ranks": by_number.astype(np.int32),
        "by_rank": by_rank,
        "lats": lats[by_number],
        "lons": lons[by_number],
        "rows": rows,
        "tree_xyz": ecef[in_trees],
        "tree_places": by_rank[in_trees],
        "tree_schedules": schedules[in_trees],
        "tree_features": features[in_trees],
        "tree_boxes": _joined([tree.boxes for tree in trees.values()]).reshape(-1, 6),
        "tree_node_features": _joined([tree.node_features for tree in trees.values()], np.uint64).reshape(
            -1, features.shape[1]
        ),
        "tree_node_buckets": _joined([tree.node_buckets for tree in trees.values()], np.uint64),
        "questions": np.frombuffer(questions, dtype=np.uint8),
        "question_offsets": offsets,
        **packed,
    }
    meta = {
        "format": FORMAT,
        "stamp": stamp,
        "built_at": built_at.isoformat(),
        "start": start.isoformat(),
        "places": len(rows),
        "has_demo": bool((rows[:, FLAGS] & DEMO).any()),
        "categories": _places_of_trees(trees),
        "label_names": list(CATEGORIES),
        "features": bits,
    }
    return Packed(meta, arrays)


def _joined(parts: Sequence[NDArray[Any]], kind: Any = None) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)


def _feature_words(parts: Sequence[Part], bits: dict[str, int]) -> NDArray[np.uint64]:
    """Give the features of each place as bits of 64-bit words, (places, words); `bits` is filled with their numbers."""
    names = sorted({name for part in parts for each in part.feature_sets for name in each})
    bits.update({name: rank for rank, name in enumerate(names)})
    words = max(1, -(-len(bits) // _WORD))
    ones = (1 << _WORD) - 1

    def table(part: Part) -> NDArray[np.uint64]:
        whole = [sum(1 << bits[name] for name in set(each)) for each in part.feature_sets]
        split = [[value >> (_WORD * word) & ones for word in range(words)] for value in whole]
        return np.array(split, dtype=np.uint64).reshape(-1, words)

    return _joined([table(part)[part.features] for part in parts])


def _trees(
    parts: Sequence[Part], ecef: FloatArray, features: NDArray[np.uint64], buckets: NDArray[np.uint8]
) -> dict[str, Tree]:
    firsts = np.cumsum([0, *(len(part.ids) for part in parts)])
    return {
        category: build_tree(
            _joined(
                [
                    (part.members[category] + first).astype(np.int32)
                    for part, first in zip(parts, firsts.tolist(), strict=False)
                    if category in part.members
                ]
            ),
            ecef,
            features,
            buckets,
        )
        for category in dict.fromkeys(chain.from_iterable(part.members for part in parts))
    }


def _places_of_trees(trees: Mapping[str, Tree]) -> dict[str, list[int]]:
    """Say where each tree begins: (first member, members, first node, levels)."""
    found, member, node = {}, 0, 0
    for category, tree in trees.items():
        found[category] = [member, len(tree.members), node, tree.levels]
        member, node = member + len(tree.members), node + len(tree.boxes)
    return found


def _shown_order(in_trees: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Number the places as they lie in the trees, each where it comes first: the rank of each number."""
    ranks = np.arange(len(in_trees))
    first = np.empty(count, dtype=np.intp)
    first[in_trees[::-1]] = ranks[::-1]  # the last to be written stays: the first in the trees
    shown = in_trees[first[in_trees] == ranks]
    in_none = np.ones(count, dtype=np.bool_)
    in_none[shown] = False
    return np.concatenate([shown, np.flatnonzero(in_none)]).astype(np.intp)


def _write_bodies(
    parts: Sequence[Part], bodies: Sequence[memoryview], out: BinaryIO, by_number: NDArray[np.intp]
) -> None:
    """Write the places' JSON in the order of their numbers."""
    which = np.repeat(np.arange(len(parts)), [len(part.ids) for part in parts])
    ends = _joined([np.cumsum(part.lengths) for part in parts])
    starts = ends - _joined([part.lengths for part in parts])
    pieces: Iterator[memoryview] = (
        bodies[part][start:end]
        for part, start, end in zip(
            which[by_number].tolist(), starts[by_number].tolist(), ends[by_number].tolist(), strict=True
        )
    )
    while several := list(islice(pieces, _WRITTEN_AT_ONCE)):
        out.write(b"".join(several))
