"""The networks of an installation, city beside city, as this process has them open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from citizen_api.core.versions import POINTER, DamagedError
from citizen_api.mobility.network import SNAP_M, Network
from citizen_api.mobility.network_files import open_network

FOLDER: Final = "networks"
"""Where networks lie, in the data folder: one folder for each city."""

LOOK_EVERY_S: Final = 1.0
"""How often, at most, the disk is asked for new builds."""

_log = logging.getLogger("alentours.mobility")
_Mark = tuple[int, int]
"""What tells one pointer from the next: when it was written, and its place on the disk."""


class Networks:
    """Opens what is built, city by city, and follows new builds. A port of `Services`."""

    def __init__(
        self, folder: Path, *, look_every_s: float = LOOK_EVERY_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._look_every_s = look_every_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._marks: dict[str, _Mark] = {}
        self._told: dict[str, _Mark] = {}
        self._damaged: frozenset[str] = frozenset()
        self._open: dict[str, Network] = {}
        self._all: tuple[Network, ...] = ()

    def all(self) -> list[Network]:
        """Every network, by the name of its city."""
        if self._looked_at is None:
            with self._lock:  # the first requests wait for the first look
                if self._looked_at is None:
                    self._look()
        elif self._monotonic() - self._looked_at >= self._look_every_s and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return list(self._all)

    def damaged(self) -> list[str]:
        """Names of cities whose newest build cannot be read; the one before it may still be in use."""
        self.all()
        return sorted(self._damaged)

    def around(self, *, lat: float, lon: float) -> list[Network]:
        """Networks whose box, and SNAP_M around it, holds a point."""
        return [network for network in self.all() if _is_around(network, lat=lat, lon=lon)]

    def _look(self) -> None:
        marks = self._read_marks()
        for city, mark in marks.items():
            if mark != self._marks.get(city) and self._open_newest(city, mark):
                self._marks[city] = mark
        self._damaged &= marks.keys()
        for city in self._open.keys() - marks.keys():
            del self._open[city]
        self._marks = {city: mark for city, mark in self._marks.items() if city in marks}
        self._all = tuple(self._open[city] for city in sorted(self._open))
        self._looked_at = self._monotonic()

    def _read_marks(self) -> dict[str, _Mark]:
        marks = {}
        try:
            cities = list(self._folder.iterdir())
        except OSError:
            return {}
        for city in cities:
            try:
                stat = (city / POINTER).stat()
            except OSError:
                continue  # not built yet
            marks[city.name] = stat.st_mtime_ns, stat.st_ino
        return marks

    def _open_newest(self, city: str, mark: _Mark) -> bool:
        """Open what the pointer of a city names; say whether there is nothing to try again.

        What cannot be read costs this city, or its freshness, only. It is told once.
        """
        folder = self._folder / city
        try:
            self._open[city] = open_network(folder / (folder / POINTER).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            self._damaged |= {city}
            if self._told.get(city) != mark:
                self._told[city] = mark
                _log.warning(
                    "the network of a city cannot be read: build it again",
                    extra={"city": city, "why": type(error).__name__, "kept_the_one_before": city in self._open},
                )
            return isinstance(error, DamagedError | FileNotFoundError | ValueError)
        self._damaged -= {city}
        return True


def _is_around(network: Network, *, lat: float, lon: float) -> bool:
    south, west, north, east = network.box
    # The plane's own scales: metres for a degree.
    east_m, north_m = network.plane(lat=network.origin[0] + 1, lon=network.origin[1] + 1)
    margin_lat, margin_lon = SNAP_M / north_m, SNAP_M / east_m
    return south - margin_lat <= lat <= north + margin_lat and west - margin_lon <= lon <= east + margin_lon
