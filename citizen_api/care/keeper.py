"""Gives each process the present directory, without any request ever waiting for the next one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from citizen_api.care import directory_files as files
from citizen_api.care.directory import Directory
from citizen_api.care.directory_files import Places
from citizen_api.core.locks import TakenError
from citizen_api.core.problems import Unavailable
from citizen_api.core.settings import PREFIX, Settings

FOLDER: Final = "directory"
"""Where the directories lie, in the data folder."""

EXIT_TAKEN: Final = 75
"""How `care directory --background` ends when another process is at it (EX_TEMPFAIL)."""

_PATIENCE_S = 120.0
_POLL_S = 0.2
_log = logging.getLogger("alentours.care")
Stamp = Callable[[], str]


def build(folder: Path, places: Places, *, now: datetime, side_by_side: Sequence[Places] = ()) -> Path:
    """Write a version from the tables, make it the current one, and remove those that nobody uses.

    `side_by_side`: the same places in parts, to be read by as many processes. Should the tables move while these begin,
    `places` is read by one. Raises TakenError when another process is building.
    """
    with files.building(folder):
        try:
            version = files.write_directory(folder, side_by_side or [places], built_at=now)
        except files.MovedError:
            version = files.write_directory(folder, [places], built_at=now)
        files.remove_unused(folder)
    return version


def is_stale(version: Path | None, *, stamp: str, now: datetime) -> bool:
    """Whether a version is missing, is of another state of the tables, or has few packed days left."""
    if version is None:
        return True
    try:
        meta = files.read_meta(version)
    except OSError:
        return True
    return meta["stamp"] != stamp or files.is_expiring(meta, now)


class BuilderFailedError(Exception):
    """The process that builds ended without a directory. The message is its last line."""


class DirectoryKeeper:
    """Holds the directory of this process; a thread of its own follows the files and the tables.

    Every `check_every_s` the thread asks for the tables' stamp. When it has moved, one process of those on the same
    folder starts a builder, a process of its own at low priority; each opens the new version when it is whole, and
    swaps it in between two requests. What fails costs freshness only. `check_every_s` 0 packs in memory, before an
    answer, whenever the tables moved: for tests and scripts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        read_stamp: Stamp,
        read_places: Places,
        clock: Callable[[], datetime],
        check_every_s: float,
        start_builder: Callable[[], bool],
    ) -> None:
        """`start_builder` is `run_builder`: it says whether it built, and raises BuilderFailedError."""
        self._folder = folder
        self._read_stamp, self._read_places = read_stamp, read_places
        self._clock = clock
        self._check_every_s = check_every_s
        self._start_builder = start_builder
        self._lock = threading.Lock()
        self._current: Directory | None = None
        self._version: Path | None = None
        self._follower: threading.Thread | None = None
        self._stopping = threading.Event()

    def current(self) -> Directory:
        """Give the directory. Only the first requests may wait: for the first directory of all.

        Raises Unavailable when there is none and none can be built.
        """
        if self._check_every_s <= 0:
            return self._in_memory()
        current = self._current
        return self._first() if current is None else current

    def _first(self) -> Directory:
        with self._lock:
            patience = time.monotonic() + _PATIENCE_S
            while self._current is None:
                self._open_newest()
                if self._current is None:
                    if time.monotonic() > patience:
                        raise Unavailable(headers={"Retry-After": "5"})
                    try:
                        built = self._start_builder()
                    except BuilderFailedError as error:
                        raise Unavailable(headers={"Retry-After": "5"}) from error
                    if not built:
                        time.sleep(_POLL_S)  # another process is at it
            if self._follower is None:
                self._follower = threading.Thread(target=self._follow, name="directory", daemon=True)
                self._follower.start()
            return self._current

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def follow(self) -> None:
        """Open a newer version if there is one, have the next built if the tables moved, and remove what is not used.

        The last process to leave an old version is the one that finds it unused.
        """
        self._open_newest()
        if is_stale(self._version, stamp=self._read_stamp(), now=self._clock()) and self._start_builder():
            self._open_newest()
        if files.has_unused(self._folder):
            with suppress(TakenError), files.building(self._folder):
                files.remove_unused(self._folder)

    def _follow(self) -> None:
        while not self._stopping.wait(self._check_every_s):
            try:
                self.follow()
            except Exception:  # noqa: BLE001 - logged whole; the next turn tries again
                _log.exception("the directory cannot be refreshed")

    def _open_newest(self) -> None:
        version = files.current_version(self._folder)
        if version is None or version == self._version:
            return
        try:
            opened = Directory.open(version)
        except files.DamagedError:
            _log.warning("the directory is damaged: it is built anew")
            return
        except OSError:
            return  # a newer one has just replaced it: the next turn finds that
        opened.warm_up()
        self._current, self._version = opened, version

    def _in_memory(self) -> Directory:
        with self._lock:
            try:
                stamp = self._read_stamp()
                if self._current is None or self._current.stamp != stamp:
                    with self._read_places() as (stamp, places):
                        self._current = Directory.of(places, stamp=stamp, built_at=self._clock())
            except Exception:
                if self._current is None:
                    raise
                _log.exception("the directory cannot be refreshed")
            return self._current


def choose_compiled_folder(settings: Settings) -> None:
    """Let numba keep its machine code in the data folder where it cannot beside ours: where only root may write.

    To be called before the first search; NUMBA_CACHE_DIR, where it is set, decides.
    """
    if not os.access(Path(__file__).parent, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str((settings.data_dir / "numba").absolute()))


def run_builder(settings: Settings) -> bool:
    """Build in a process of its own, so that no request shares its time, and wait for it; say whether it did.

    False: another process is at it. Raises BuilderFailedError.
    """
    if files.is_being_built(settings.data_dir / FOLDER):
        return False
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    result = subprocess.run(
        [sys.executable, "-P", "-m", "app", "care", "directory", "--background"],
        env=ours | settings.to_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if result.returncode == EXIT_TAKEN:
        return False
    if result.returncode:
        last = result.stderr.decode(errors="replace").strip().splitlines()[-1:]
        _log.error("the directory cannot be built", extra={"why": " ".join(last)})
        raise BuilderFailedError(" ".join(last))
    return True
