"""The directory as files: packed from places, written once, mapped by every process, removed when nobody uses it.

A folder of directories holds one folder for each version, `current` (the name of the newest whole one) and
`building` (a lock). A version is written under a name that nobody reads, synced, and renamed: a half-written one is
never loaded. Whoever has it open holds a shared lock on its `meta.json`, so that it is removed only when unused.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.features import CALL_15_FIRST, features_of
from citizen_api.care.fragments import constant_parts
from citizen_api.care.place import Place
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.care.schedules import PACKED_DAYS, QUARTER, ScheduleBook, pack, questions_json
from citizen_api.care.trees import build_tree
from citizen_api.core.geo import ecef_m
from citizen_api.core.locks import TakenError, file_lock

FORMAT: Final = 1
"""Moves with the meaning of the files: those of another format are built anew."""

APPROXIMATE, DEMO, CALL_15, REGULATED = 1, 2, 4, 8
ID_LENGTH: Final = 16
_WORD: Final = 64
_UNFINISHED: Final = "unfinished-"

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Packed:
    """What a directory is made of: arrays by name, the places' JSON, and what is said about all of it."""

    meta: Mapping[str, Any]
    arrays: Arrays


def pack_places(places: Iterable[Place], body: BinaryIO, *, stamp: str, built_at: datetime) -> Packed:
    """Pack places, given by id; their JSON is written to `body` as it comes, in parts (see `fragments`).

    `stamp` names the state of the tables that they were read from.
    """
    columns = _Columns()
    for place in places:
        columns.add(place, body)
    return columns.pack(stamp=stamp, built_at=built_at)


class _Columns:
    def __init__(self) -> None:
        # Arrays of numbers, not lists of objects: a million places are tens of megabytes instead of hundreds.
        self.ids: list[bytes] = []
        self.lats, self.lons = array("d"), array("d")
        self.schedules, self.days = array("i"), array("i")
        self.flags, self.labels = array("B"), array("h")
        self.cuts = array("q")
        self.features: list[int] = []
        self.members: dict[str, array[int]] = {}
        self.book = ScheduleBook()
        self.bits: dict[str, int] = {}
        self._feature_sets: dict[tuple[str, ...], int] = {}
        self._categories = {name: rank for rank, name in enumerate(CATEGORIES)}
        self._written = 0

    def add(self, place: Place, body: BinaryIO) -> None:
        number = len(self.ids)
        self.ids.append(place.id.encode())
        self.lats.append(place.lat)
        self.lons.append(place.lon)
        self.schedules.append(self.book.number_of(place))
        self.flags.append(_flags(place))
        self.days.append(max([s.dated.toordinal() for s in place.sources if s.id != DEMO_SOURCE], default=0))
        self.labels.append(self._categories.get(place.categories[0], -1) if place.categories else -1)
        self.features.append(self._bits_of(place))
        for category in place.categories:
            members = self.members.get(category)
            if members is None:
                members = self.members[category] = array("i")
            members.append(number)
        head, middle, tail = constant_parts(place)
        body.write(head + middle + tail)
        start = self._written
        label, opening = start + len(head), start + len(head) + len(middle)
        self.cuts.extend((start, label, opening))
        self._written = opening + len(tail)

    def _bits_of(self, place: Place) -> int:
        names = tuple(features_of(place))
        bits = self._feature_sets.get(names)
        if bits is None:
            bits = sum(1 << self.bits.setdefault(name, len(self.bits)) for name in set(names))
            self._feature_sets[names] = bits
        return bits

    def pack(self, *, stamp: str, built_at: datetime) -> Packed:
        start = built_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        lats, lons = np.array(self.lats), np.array(self.lons)
        ecef = ecef_m(lats, lons).reshape(-1, 3)
        features = self._feature_words()
        schedules = np.array(self.schedules)
        categories: dict[str, list[int]] = {}
        parts = []
        member, node = 0, 0
        for name, numbers in self.members.items():
            tree = build_tree(np.array(numbers), ecef, features)
            categories[name] = [member, len(tree.members), node, tree.levels]
            parts.append(tree)
            member, node = member + len(tree.members), node + len(tree.boxes)
        members = _joined([tree.members for tree in parts], np.empty(0, dtype=np.int32))
        questions, offsets = questions_json(self.book.questions)
        arrays: dict[str, NDArray[Any]] = {
            "ids": np.array(self.ids, dtype=f"S{ID_LENGTH}"),
            "lats": lats,
            "lons": lons,
            "schedules": schedules,
            "flags": np.array(self.flags),
            "days": np.array(self.days),
            "labels": np.array(self.labels),
            "cuts": np.array([*self.cuts, *[self._written] * 3], dtype=np.int64).reshape(-1, 3),
            "tree_xyz": ecef[members],
            "tree_places": members,
            "tree_schedules": schedules[members],
            "tree_features": features[members],
            "tree_boxes": _joined([tree.boxes for tree in parts], np.empty((0, 6))),
            "tree_node_features": _joined([tree.node_features for tree in parts], features[:0]),
            "states": pack(self.book.questions, start),
            "questions": np.frombuffer(questions, dtype=np.uint8),
            "question_offsets": offsets,
        }
        meta = {
            "format": FORMAT,
            "stamp": stamp,
            "built_at": built_at.isoformat(),
            "start": start.isoformat(),
            "places": len(self.ids),
            "has_demo": any(flags & DEMO for flags in set(self.flags)),
            "categories": categories,
            "label_names": list(CATEGORIES),
            "features": self.bits,
        }
        return Packed(meta, arrays)

    def _feature_words(self) -> NDArray[np.uint64]:
        words = max(1, -(-len(self.bits) // _WORD))
        ones = (1 << _WORD) - 1
        # Few sets of features are different.
        distinct = {bits: rank for rank, bits in enumerate(dict.fromkeys(self.features))}
        table = np.array(
            [[bits >> (_WORD * word) & ones for word in range(words)] for bits in distinct], dtype=np.uint64
        ).reshape(-1, words)
        return table[[distinct[bits] for bits in self.features]]


def _joined(parts: list[NDArray[Any]], empty: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else empty


def _flags(place: Place) -> int:
    return (
        APPROXIMATE * place.position_approximate
        | DEMO * (DEMO_SOURCE in [source.id for source in place.sources])
        | CALL_15 * (not CALL_15_FIRST.isdisjoint(place.categories))
        | REGULATED * bool(place.call_15_first)
    )


def pack_in_memory(places: Iterable[Place], *, stamp: str, built_at: datetime) -> tuple[Packed, bytes]:
    """Pack places, without any file."""
    body = io.BytesIO()
    packed = pack_places(places, body, stamp=stamp, built_at=built_at)
    return packed, body.getvalue()


def write_directory(folder: Path, places: Iterable[Place], *, stamp: str, built_at: datetime) -> Path:
    """Write a new version and make it the current one; give its folder. The caller holds `building`."""
    folder.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(folder)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    with (unfinished / "body").open("wb") as body:
        packed = pack_places(places, body, stamp=stamp, built_at=built_at)
        _sync(body)
    for name, column in packed.arrays.items():
        with (unfinished / f"{name}.npy").open("wb") as file:
            np.save(file, column)
            _sync(file)
    with (unfinished / "meta.json").open("w", encoding="utf-8") as file:
        json.dump(packed.meta, file)
        _sync(file)
    name = f"{stamp}-{unfinished.name.removeprefix(_UNFINISHED)}"
    whole = folder / name
    unfinished.rename(whole)
    _sync_folder(folder)
    pointer = folder / "current.new"
    pointer.write_text(name, encoding="utf-8")
    pointer.replace(folder / "current")
    _sync_folder(folder)
    return whole


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_meta(version: Path) -> dict[str, Any]:
    """Read what is said about a version. Raises OSError when it is gone."""
    meta: dict[str, Any] = json.loads((version / "meta.json").read_text(encoding="utf-8"))
    return meta


def current_version(folder: Path) -> Path | None:
    """Find the newest whole version of this format; None where there is none."""
    try:
        version = folder / (folder / "current").read_text(encoding="utf-8")
        return version if read_meta(version).get("format") == FORMAT else None
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Opened:
    """A version that is in use: its files are mapped, and `lock`, a file descriptor, keeps them until it is closed."""

    packed: Packed
    body: memoryview
    lock: int


def open_version(version: Path) -> Opened:
    """Map the files of a version. Raises OSError when it is gone."""
    lock = os.open(version / "meta.json", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        meta = read_meta(version)  # fails if it was removed meanwhile: a removal moves it away first
        # As plain arrays: numba looks a subclass up anew at each call.
        arrays = {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in version.glob("*.npy")}
        body: Any = b""
        if (version / "body").stat().st_size:
            body = np.asarray(np.memmap(version / "body", dtype=np.uint8, mode="r"))
    except BaseException:
        os.close(lock)
        raise
    return Opened(Packed(meta, arrays), memoryview(body), lock)


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """Be the one that builds, for the length of a block. Raises TakenError when another process is."""
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / "building"):
        yield


def is_being_built(folder: Path) -> bool:
    """Whether a process is building just now."""
    try:
        with building(folder):
            return False
    except TakenError:
        return True


def remove_unused(folder: Path) -> list[str]:
    """Remove the versions that are neither current nor open anywhere; give their names. The caller holds `building`."""
    current = current_version(folder)
    removed = []
    for version in sorted(folder.iterdir()):
        meta = version / "meta.json"
        if version == current or version.name.startswith(_UNFINISHED) or not meta.exists():
            continue
        try:
            with file_lock(meta):
                # Its name goes first: whoever opens it now finds that it is gone.
                doomed = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder)) / version.name
                version.rename(doomed)
        except TakenError:
            continue
        shutil.rmtree(doomed.parent)
        removed.append(version.name)
    return removed


def _remove_unfinished(folder: Path) -> None:
    """Remove what a killed build, or a killed removal, left behind."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)


def stamp_of(version: int, changed_at: datetime | None) -> str:
    """Name a state of the tables: their version, and when it moved, which tells one database from another."""
    return f"{version}-{changed_at.astimezone(UTC):%Y%m%dT%H%M%S%f}" if changed_at else f"{version}"


def is_expiring(meta: Mapping[str, Any], now: datetime) -> bool:
    """Whether less than half of the packed days are left."""
    end = datetime.fromisoformat(meta["start"]) + PACKED_DAYS * 96 * QUARTER
    return end - now < (PACKED_DAYS // 2) * 96 * QUARTER
