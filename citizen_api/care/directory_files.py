"""The directory as files: packed from places, written once, mapped by every process, removed when nobody uses it.

A folder of directories holds one folder for each version, `current` (the name of the newest whole one) and
`building` (a lock). A version is written under a name that nobody reads, synced, and renamed: a half-written one is
never loaded. Whoever has it open holds a shared lock on its `meta.json`, so that it is removed only when unused.
"""

from __future__ import annotations

import fcntl
import io
import json
import multiprocessing
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from citizen_api.care.packing import FORMAT, Packed, Part, pack_parts, read_part
from citizen_api.care.place import Place
from citizen_api.care.schedules import PACKED_DAYS, QUARTER
from citizen_api.core.locks import TakenError, file_lock

_UNFINISHED: Final = "unfinished-"

Places = Callable[[], AbstractContextManager[tuple[str, Iterable[Place]]]]
"""Opens the tables: the stamp of their state, and places by id, all of one moment."""


class DamagedError(OSError):
    """The files of a version are not those that were written."""


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
    folder.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(folder)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    with ExitStack() as stack:
        stamp, read = _read_parts(unfinished, parts)
        bodies = [_mapped(stack, unfinished / f"part-{rank}") for rank in range(len(parts))]
        with (unfinished / "body").open("wb") as body:
            packed = pack_parts(read, bodies, body, stamp=stamp, built_at=built_at)
            _sync(body)
        for view in bodies:
            view.release()
    for path in unfinished.glob("part-*"):
        path.unlink()
    for name, column in packed.arrays.items():
        with (unfinished / f"{name}.npy").open("wb") as file:
            np.save(file, column)
            _sync(file)
    sizes = {path.name: path.stat().st_size for path in unfinished.iterdir()}
    with (unfinished / "meta.json").open("w", encoding="utf-8") as file:
        json.dump({**packed.meta, "sizes": sizes}, file)
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
    """Read what is said about a version. Raises OSError when it is gone, or not whole and of this format."""
    try:
        meta = json.loads((version / "meta.json").read_text(encoding="utf-8"))
        whole = meta["format"] == FORMAT and all(
            (version / name).stat().st_size == size for name, size in meta["sizes"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{version.name} is damaged") from error
    if not whole:
        raise DamagedError(f"{version.name} is damaged, or of another format")
    found: dict[str, Any] = meta
    return found


def current_version(folder: Path) -> Path | None:
    """Find the newest version, if it is whole and of this format; None where there is none."""
    try:
        version = folder / (folder / "current").read_text(encoding="utf-8")
        read_meta(version)
    except (OSError, ValueError):
        return None
    return version


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
    lock = os.open(version / "meta.json", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        meta = read_meta(version)  # fails if it was removed meanwhile: a removal moves it away first
        # As plain arrays: numba looks a subclass up anew at each call.
        arrays = {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in version.glob("*.npy")}
        body: Any = b""
        if (version / "body").stat().st_size:
            body = np.asarray(np.memmap(version / "body", dtype=np.uint8, mode="r"))
    except BaseException as error:
        os.close(lock)
        if isinstance(error, DamagedError | ValueError | EOFError):
            (version.parent / "current").unlink(missing_ok=True)
            raise DamagedError(f"{version.name} is damaged") from error
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


def has_unused(folder: Path) -> bool:
    """Whether there is another version than the current one."""
    return sum((path / "meta.json").exists() for path in folder.iterdir()) > 1


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
