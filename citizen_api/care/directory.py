"""The directory: the places that are open for good, held ready for the question "nearest to here".

`Directory` is the narrow port between `care/nearest` and what holds the places: a faster holder only has to give
the same answers. This one keeps NumPy arrays in each process and rebuilds them when the tables' version moves.
"""

from __future__ import annotations

import heapq
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from citizen_api.care.hours import UNKNOWN, Hours, HoursNotUnderstood, Opening, parse_hours
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.core.geo import FloatArray, distances_m, ecef_m, in_mainland_france

_CHUNK = 64
MAINLAND = "75056"
"""Commune whose clock and holidays hold for a place of the mainland whose own commune is not known."""

_SUN = re.compile(r"sun|dawn|dusk")
_log = logging.getLogger("alentours.care")


@dataclass(frozen=True, slots=True)
class SourceMention:
    """A source that describes a place, and the date of what it says."""

    id: str
    title: str
    dated: date


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place as it is answered. `lat`, `lon` in WGS84 degrees."""

    id: str
    name: str
    categories: tuple[str, ...]
    street: str | None
    postcode: str | None
    city: str | None
    commune_code: str | None
    phone: str | None
    website: str | None
    lat: float
    lon: float
    position_approximate: bool
    wheelchair: str | None
    opening_hours: str | None
    opening_hours_verbatim: str | None
    opening_hours_source: str | None
    identifiers: tuple[tuple[str, str], ...]
    sources: tuple[SourceMention, ...]
    closed_at: datetime | None = None

    @cached_property
    def hours(self) -> Hours | None:
        """The parsed hours, or None where they are not known."""
        commune = self.commune_code or (MAINLAND if in_mainland_france(lat=self.lat, lon=self.lon) else None)
        if self.opening_hours is None or commune is None:
            return None
        # Only hours that follow the sun depend on more than the commune: the others are read once for all.
        sunny = _SUN.search(self.opening_hours) and not math.isnan(self.lat)
        return _read_hours(self.opening_hours, commune, (self.lat, self.lon) if sunny else None)

    def opening_at(self, at: datetime) -> Opening:
        """Whether it is open at a moment, and until when; what closed for good is closed."""
        if self.closed_at is not None:
            return Opening("closed", None, "")
        return UNKNOWN if self.hours is None else self.hours.at(at)

    def state_at(self, at: datetime) -> str:
        """Only the state of `opening_at`, quickly."""
        return "unknown" if self.hours is None else self.hours.state_at(at)


@lru_cache(maxsize=200_000)
def _read_hours(expression: str, commune: str, position: tuple[float, float] | None) -> Hours | None:
    lat, lon = position or (None, None)
    try:
        return parse_hours(expression, insee_code=commune, lat=lat, lon=lon)
    except HoursNotUnderstood:
        return None


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A place found: ordered by distance to the millimetre, then by id, and by nothing else."""

    distance_mm: int
    id: str
    place: Place = field(compare=False)

    @property
    def distance_m(self) -> float:
        """Geodesic distance in metres."""
        return self.distance_mm / 1000


Filter = Callable[[Place], bool]


class Directory:
    """Immutable. `version` is that of the tables it was built from."""

    def __init__(self, places: Sequence[Place], *, version: int, built_at: datetime) -> None:
        self.version = version
        self.built_at = built_at
        self._places = list(places)
        self._by_id = {place.id: place for place in self._places}
        self._lats: FloatArray = np.array([place.lat for place in self._places], dtype=np.float64)
        self._lons: FloatArray = np.array([place.lon for place in self._places], dtype=np.float64)
        self.has_demo = any(mention.id == DEMO_SOURCE for place in self._places for mention in place.sources)
        self._ecef = ecef_m(self._lats, self._lons)
        members: dict[str, list[int]] = {}
        for index, place in enumerate(self._places):
            for category in place.categories:
                members.setdefault(category, []).append(index)
        self._members = {name: np.array(indexes, dtype=np.intp) for name, indexes in members.items()}

    def __len__(self) -> int:
        return len(self._places)

    def __bool__(self) -> bool:
        """An empty directory is a directory."""
        return True

    def places(self) -> Sequence[Place]:
        """Give every place, by id."""
        return self._places

    def get(self, place_id: str) -> Place | None:
        """Give one place by its id."""
        return self._by_id.get(place_id)

    def nearest(
        self,
        *,
        lat: float,
        lon: float,
        categories: Sequence[str],
        keep: Filter | None = None,
        after: tuple[int, str] | None = None,
    ) -> Iterator[Found]:
        """Yield the places of any of `categories`, nearest first, those after (distance_mm, id).

        Exact: in the order of the geodesic on WGS84, to the millimetre, then of the id. Lazy: only what is taken
        is computed. The straight chord through the Earth, which is never longer than the geodesic, tells which
        places may still come.
        """
        chosen = self._of(categories)
        if len(chosen) == 0:
            return
        chords = np.sqrt(((self._ecef[chosen] - ecef_m([lat], [lon])[0]) ** 2).sum(axis=1))
        order = np.argsort(chords, kind="stable")
        waiting: list[Found] = []
        for start in range(0, len(order), _CHUNK):
            chunk = chosen[order[start : start + _CHUNK]]
            exact = distances_m(lat=lat, lon=lon, lats=self._lats[chunk], lons=self._lons[chunk])
            for index, distance in zip(chunk, exact, strict=True):
                place = self._places[index]
                heapq.heappush(waiting, Found(round(distance * 1000), place.id, place))
            rest = start + _CHUNK
            # One millimetre of slack: distances are compared rounded to it.
            bound_mm = chords[order[rest]] * 1000 - 1 if rest < len(order) else np.inf
            while waiting and waiting[0].distance_mm < bound_mm:
                found = heapq.heappop(waiting)
                if (after is None or (found.distance_mm, found.id) > after) and (keep is None or keep(found.place)):
                    yield found

    def within(self, *, south: float, west: float, north: float, east: float, categories: Sequence[str]) -> list[Place]:
        """Give the places of any of `categories` in a box of degrees, by id."""
        chosen = self._of(categories)
        lats, lons = self._lats[chosen], self._lons[chosen]
        inside = chosen[(lats >= south) & (lats <= north) & (lons >= west) & (lons <= east)]
        return sorted((self._places[index] for index in inside), key=lambda place: place.id)

    def distance_mm(self, place: Place, *, lat: float, lon: float) -> int:
        """Geodesic distance of a place, in millimetres, as `nearest` orders by it."""
        lats, lons = np.array([place.lat]), np.array([place.lon])
        return round(float(distances_m(lat=lat, lon=lon, lats=lats, lons=lons)[0]) * 1000)

    def has(self, category: str) -> bool:
        """Whether any place of a category is known."""
        return category in self._members

    def counts(self) -> dict[str, int]:
        """How many places of each category are known."""
        return {category: len(indexes) for category, indexes in self._members.items()}

    def _of(self, categories: Sequence[str]) -> NDArray[np.intp]:
        known = [self._members[name] for name in dict.fromkeys(categories) if name in self._members]
        if not known:
            return np.empty(0, dtype=np.intp)
        return known[0] if len(known) == 1 else np.unique(np.concatenate(known))


class DirectoryKeeper:
    """Gives the present directory of this process; rebuilds it when the tables' version has moved.

    `read_version` and `read_places` ask the database; the version is asked for at most every `check_every_s`.
    While one request rebuilds, others are answered from the directory there is; so are all when the database
    does not answer.
    """

    def __init__(
        self,
        *,
        read_version: Callable[[], int],
        read_places: Callable[[], list[Place]],
        clock: Callable[[], datetime],
        check_every_s: float,
    ) -> None:
        self._read_version = read_version
        self._read_places = read_places
        self._clock = clock
        self._check_every_s = check_every_s
        self._lock = threading.Lock()
        self._checked = -float("inf")
        self._current: Directory | None = None

    def current(self) -> Directory:
        """Give the directory, fresh to within `check_every_s` and one rebuild."""
        current = self._current
        if current is None:
            # Everybody waits for the first; later nobody waits for the next.
            with self._lock:
                return self._current or self._refresh(None)
        if time.monotonic() - self._checked < self._check_every_s or not self._lock.acquire(blocking=False):
            return current
        try:
            return self._refresh(current)
        except Exception:  # noqa: BLE001 - logged whole
            # Whatever failed, there is an answer: the next request tries again.
            _log.exception("the directory cannot be refreshed")
            return current
        finally:
            self._checked = time.monotonic()
            self._lock.release()

    def _refresh(self, current: Directory | None) -> Directory:
        # The version first: places that change meanwhile give an older version than theirs, and are read again.
        version = self._read_version()
        if current is None or current.version != version:
            current = Directory(self._read_places(), version=version, built_at=self._clock())
        self._current = current
        return current
