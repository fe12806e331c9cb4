"""The directory as files (`core/versions`): packed from places, written once, mapped by every process."""

from __future__ import annotations

import io
import multiprocessing
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

import numpy as np

from citizen_api.care.packing import FORMAT, Packed, Part, pack_parts, read_part
from citizen_api.care.place import Place
from citizen_api.care.schedules import PACKED_DAYS, QUARTER
from citizen_api.core import versions
from citizen_api.core.versions import DamagedError, Versions, building, has_unused, is_being_built

__all__ = [
    "FORMAT",
    "DamagedError",
    "building",
    "current_version",
    "has_unused",
    "is_being_built",
    "read_meta",
    "remove_unused",
]

_VERSIONS: Final = Versions(FORMAT)
read_meta = _VERSIONS.read_meta
current_version = _VERSIONS.current
remove_unused = _VERSIONS.remove_unused

Places = Callable[[], AbstractContextManager[tuple[str, Iterable[Place]]]]
"""Opens the tables: the stamp of their state, and places by id, all of one moment."""


class MovedError(Exception):
    """Parts that were read side by side are of different states of the tables."""


def pack_in_memory(places: Iterable[Place], *, stamp: str, built_at: datetime) -> tuple[Packed, bytes]:
    """Pack places, given by id, without any file."""
    read, body = io.BytesIO(), io.BytesIO()
    part = read_part(places, read)
    packed = pack_parts([part], [read.getbuffer()], body, stamp=stamp, built_at=built_at)
    return packed, body.getvalue()


def write_directory(folder: Path, parts: Sequence[Places], *, built_at: datetime) -> Path:
    """Write a new version and make it the current one; give its folder. The caller holds `building`.

    The `parts` follow each other by id; each after the first is read by a process of its own, side by side. Raises
    MovedError when the tables moved between their beginnings.
    """
    unfinished = versions.begin(folder)
    with ExitStack() as stack:
        stamp, read = _read_parts(unfinished, parts)
        bodies = [_mapped(stack, unfinished / f"part-{rank}") for rank in range(len(parts))]
        with (unfinished / "body").open("wb") as body:
            packed = pack_parts(read, bodies, body, stamp=stamp, built_at=built_at)
            versions.sync(body)
        for view in bodies:
            view.release()
    for path in unfinished.glob("part-*"):
        path.unlink()
    versions.write_arrays(unfinished, packed.arrays)
    return versions.finish(unfinished, stamp=stamp, meta=packed.meta)


def _read_parts(folder: Path, parts: Sequence[Places]) -> tuple[str, list[Part]]:
    """Read the parts, the first here; their stamp, their columns. The JSON of part n is left in the file `part-n`."""
    # Forked, so that whatever opens the tables need not be written down; nothing else runs in the process that builds.
    start = multiprocessing.get_context("fork").Process
    others = [start(target=_read_to_file, args=(folder, rank, parts[rank])) for rank in range(1, len(parts))]
    for process in others:
        process.start()
    found = [_read_one(folder, 0, parts[0])]
    for rank, process in enumerate(others, start=1):
        process.join()
        if process.exitcode:
            raise OSError(f"the process that read part {rank} ended with {process.exitcode}")
        found.append(pickle.loads((folder / f"part-{rank}.columns").read_bytes()))  # noqa: S301 - our own, just written
    stamps = {stamp for stamp, _ in found}
    if len(stamps) > 1:
        raise MovedError
    return stamps.pop(), [part for _, part in found]


def _read_one(folder: Path, rank: int, places: Places) -> tuple[str, Part]:
    with places() as (stamp, found), (folder / f"part-{rank}").open("wb") as body:
        return stamp, read_part(found, body)


def _read_to_file(folder: Path, rank: int, places: Places) -> None:
    (folder / f"part-{rank}.columns").write_bytes(pickle.dumps(_read_one(folder, rank, places)))


def _mapped(stack: ExitStack, path: Path) -> memoryview:
    if not path.stat().st_size:
        return memoryview(b"")
    with path.open("rb") as file:
        return memoryview(stack.enter_context(mmap(file.fileno(), 0, access=ACCESS_READ)))


@dataclass(frozen=True, slots=True)
class Opened:
    """A version that is in use: its files are mapped, and `lock`, a file descriptor, keeps them until it is closed."""

    packed: Packed
    body: memoryview
    lock: int


def open_version(version: Path) -> Opened:
    """Map the files of a version. Raises OSError when it is gone, DamagedError when it cannot be read.

    A damaged version is current no more: whoever builds next builds it anew.
    """
    try:
        with _VERSIONS.locked(version) as (meta, lock):
            arrays = versions.read_arrays(version)
            body: Any = b""
            if (version / "body").stat().st_size:
                body = np.asarray(np.memmap(version / "body", dtype=np.uint8, mode="r"))
    except DamagedError:
        (version.parent / versions.POINTER).unlink(missing_ok=True)
        raise
    return Opened(Packed(meta, arrays), memoryview(body), lock)


def stamp_of(version: int, changed_at: datetime | None) -> str:
    """Name a state of the tables: their version, and when it moved, which tells one database from another."""
    return f"{version}-{changed_at.astimezone(UTC):%Y%m%dT%H%M%S%f}" if changed_at else f"{version}"


def is_expiring(meta: Mapping[str, Any], now: datetime) -> bool:
    """Whether less than half of the packed days are left."""
    end = datetime.fromisoformat(meta["start"]) + PACKED_DAYS * 96 * QUARTER
    return end - now < (PACKED_DAYS // 2) * 96 * QUARTER
