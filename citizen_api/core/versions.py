"""Versions of a folder of files: written once, mapped by every process, removed when nobody uses them.

A folder holds one folder for each version, `current` (the name of the newest whole one) and `building` (a lock). A
version is written under a name that nobody reads, synced, and renamed: a half-written one is never loaded. Whoever has
it open holds a shared lock on its `meta.json`, so that it is removed only when unused.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.core.locks import TakenError, file_lock

POINTER: Final = "current"
_UNFINISHED: Final = "unfinished-"


class DamagedError(OSError):
    """The files of a version are not those that were written."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of one kind; `format`: the number of their form, kept in `meta.json`."""

    format: int

    def read_meta(self, version: Path) -> dict[str, Any]:
        """Read what is said about a version. Raises OSError when it is gone, or not whole and of this format."""
        try:
            meta = json.loads((version / "meta.json").read_text(encoding="utf-8"))
            whole = meta["format"] == self.format and all(
                (version / name).stat().st_size == size for name, size in meta["sizes"].items()
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedError(f"{version.name} is damaged") from error
        if not whole:
            raise DamagedError(f"{version.name} is damaged, or of another format")
        found: dict[str, Any] = meta
        return found

    def current(self, folder: Path) -> Path | None:
        """Find the newest version, if it is whole and of this format; None where there is none."""
        try:
            version = folder / (folder / POINTER).read_text(encoding="utf-8")
            self.read_meta(version)
        except (OSError, ValueError):
            return None
        return version

    @contextmanager
    def locked(self, version: Path) -> Iterator[tuple[dict[str, Any], int]]:
        """Give (what is said about a version, the file descriptor that keeps it): the caller closes that.

        It is closed here when the block fails. Raises OSError when the version is gone, DamagedError when it, or what
        the block reads of it, is damaged.
        """
        lock = os.open(version / "meta.json", os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield self.read_meta(version), lock  # fails if it was removed meanwhile: a removal moves it away first
        except BaseException as error:
            os.close(lock)
            if isinstance(error, ValueError | EOFError):
                raise DamagedError(f"{version.name} is damaged") from error
            raise

    def remove_unused(self, folder: Path) -> list[str]:
        """Remove the versions that are neither current nor open anywhere. The caller holds `building`.

        Gives their names.
        """
        current = self.current(folder)
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


def begin(folder: Path) -> Path:
    """Make the folder in which a version is written. The caller holds `building`.

    What a killed build, or a killed removal, left behind is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))


def write_arrays(unfinished: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write each array into a file of its name."""
    for name, column in arrays.items():
        with (unfinished / f"{name}.npy").open("wb") as file:
            np.save(file, column)
            sync(file)


def read_arrays(version: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of a version, by name. As plain arrays: numba looks a subclass up anew at each call."""
    return {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in version.glob("*.npy")}


def finish(unfinished: Path, *, stamp: str, meta: Mapping[str, Any]) -> Path:
    """Make what `begin` gave a whole version, the current one; give its folder. `meta` names its `format`."""
    sizes = {path.name: path.stat().st_size for path in unfinished.iterdir()}
    with (unfinished / "meta.json").open("w", encoding="utf-8") as file:
        json.dump({**meta, "sizes": sizes}, file)
        sync(file)
    folder = unfinished.parent
    name = f"{stamp}-{unfinished.name.removeprefix(_UNFINISHED)}"
    whole = folder / name
    unfinished.rename(whole)
    _sync_folder(folder)
    pointer = folder / f"{POINTER}.new"
    pointer.write_text(name, encoding="utf-8")
    pointer.replace(folder / POINTER)
    _sync_folder(folder)
    return whole


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


def sync(file: IO[Any]) -> None:
    """Have what was written to a file on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
