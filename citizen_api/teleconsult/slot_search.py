"""Finds slots: of a million, those of one answer, in their order, and no more is read than that takes.

Of each calendar a bound is known: none of its slots starts earlier (`Service.first_start_s`). Calendars are looked into
in the order of their bounds, until no slot of the next one can stand before what was found. Where bounds say little,
as they lie before the window, its first slots are walked through, whosever they are: whom one meets there begins there,
and whom one does not begins later.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.core.geo import distances_m
from citizen_api.core.settings import Settings
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult import slot_lookups as lookups
from citizen_api.teleconsult.models import Service
from citizen_api.teleconsult.slot_offers import Offer, offers_of
from citizen_api.teleconsult.slot_rules import (
    OF_ONE_CALENDAR,
    Candidate,
    Lane,
    Question,
    lanes,
    standing,
    within_lane,
)

PAGE: Final = 64
"""Calendars of which the bounds are read at first, where distance says nothing about them."""
MOST_AT_ONCE: Final = 500
"""Calendars that are looked into by one statement, or of which bounds are read."""
FEW_UNTOLD: Final = 100
"""So many calendars whose bounds lie before the window are looked into faster than walked to."""
STEP: Final = 256
"""Slots of all that a walk meets at a time."""
STEPS: Final = 8
"""Steps that a walk makes before it gives up."""
ENOUGH_MET: Final = 2
"""Calendars that are met for each slot of an answer, and a walk has said enough of their bounds."""
NEAREST_STEPS_M: Final = (2_000.0, 8_000.0, 30_000.0)
"""Radii tried before the one asked for, where only the nearest count."""
_DEGREE_M: Final = 110_500
"""No degree of latitude is shorter."""

_Place = tuple[int, int]
"""(start or bound, id of a calendar): where a walk, or a reading of bounds, has come to."""
_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """Slots in their order. `hidden`: publishers whose slots would fit, but are too old to be shown."""

    offers: list[Offer]
    hidden: int


@dataclass(frozen=True, slots=True)
class _Calendars:
    """Calendars in the order in which they are looked into; no slot of one stands before its `keys` (`within_lane`)."""

    ids: list[int]
    distances_m: list[float]
    keys: list[tuple[float, ...]]


def find(session: Session, question: Question, now: datetime, settings: Settings) -> list[Offer]:
    """Find the slots that answer a question, in their order, of one calendar no more than OF_ONE_CALENDAR."""
    search = _Search(session, question, _oldest_shown(now, settings))
    return offers_of(session, search.slots())


def find_with_hidden(session: Session, question: Question, now: datetime, settings: Settings) -> Found:
    """Find the slots, and count whose are left out because nobody has confirmed them for too long."""
    search = _Search(session, question, _oldest_shown(now, settings))
    return Found(offers_of(session, search.slots()), search.hidden())


def specialties_of(session: Session, offers: Iterable[Offer]) -> dict[int, list[str]]:
    """What the calendars of some offers are for, in the order of SPECIALTIES, by the id of the calendar."""
    found: dict[int, list[str]] = {offer.schedule.id: [] for offer in offers}
    rows = session.execute(select(Service.schedule_id, Service.specialty).where(Service.schedule_id.in_(found)))
    for schedule_id, specialty in sorted(rows, key=lambda row: SPECIALTIES.index(row[1])):
        found[schedule_id].append(specialty)
    return found


def _oldest_shown(now: datetime, settings: Settings) -> datetime:
    """What was confirmed at this moment is hidden, what was after it is not (`feed_rules.freshness`: whole seconds)."""
    return now - timedelta(seconds=math.floor(settings.teleconsult_hidden_s) + 1)


class _Search:
    """One question on its way to the tables."""

    def __init__(self, session: Session, question: Question, oldest: datetime) -> None:
        # Columns, not entities: past the session, which would look at each row for them.
        self._connection = session.connection()
        self._question = question
        wishes = lookups.wishes_of(question)
        self._wishes = tuple(wishes)
        self._asked = wishes | {"starts_s": question.starts_s, "ends_s": question.ends_s, "oldest": oldest}
        self._walked: list[list[_Place]] = []
        elsewhere = self._elsewhere()
        self._old = set(self._connection.scalars(lookups.OLD_FEEDS, self._asked)) - elsewhere
        self._left_out = self._old | elsewhere

    def slots(self) -> list[tuple[int, int]]:
        """(feed id, key) of the slots found, in their order."""
        question = self._question
        found = [(candidate, lane) for lane in lanes(question) for candidate in self._candidates(lane)]
        found.sort(key=lambda each: standing(each[0], each[1], question))
        return [(candidate.feed_id, candidate.key) for candidate, _ in found[: question.limit]]

    def hidden(self) -> int:
        """How many publishers with calendars that fit have confirmed nothing for too long."""
        if not self._old:
            return 0
        question = self._question
        counting = lookups.count_feeds(self._wishes, has_place=question.has_place)
        of_these = {"feeds": list(self._old), "modalities": question.modalities}
        box = self._box(question.within_m) if question.has_place else {}
        return self._connection.scalar(counting, self._asked | of_these | box) or 0

    def _elsewhere(self) -> set[int]:
        """The feeds of those who offer no appointments here, as far as it is known where that is."""
        territories = self._question.territories
        if territories is None:
            return set(self._connection.scalars(lookups.RETIRED_FEEDS))
        return set(self._connection.scalars(lookups.FEEDS_ELSEWHERE, {"territories": sorted(territories)}))

    # ---- A lane

    def _candidates(self, lane: Lane) -> list[Candidate]:
        """The first slots of a lane, in their order: as many as an answer holds."""
        if not lane.local:
            return self._anywhere(lane)
        if self._question.order == "nearest":
            return self._nearest(lane)
        return self._first_of(self._calendars_within(self._question.within_m, lane), lane)

    def _nearest(self, lane: Lane) -> list[Candidate]:
        for radius_m in NEAREST_STEPS_M:
            if radius_m < self._question.within_m:
                found = self._first_of(self._calendars_within(radius_m, lane), lane)
                if len(found) >= self._question.limit:
                    return found
        return self._first_of(self._calendars_within(self._question.within_m, lane), lane)

    def _anywhere(self, lane: Lane) -> list[Candidate]:
        """The first slots of a lane in which distance says nothing."""
        found: list[Candidate] = []
        after, most = (-lookups.EVERY, 0), PAGE
        while True:
            rows = self._bounds_after(after, most, lane)
            after = (rows[-1][0], rows[-1][1]) if rows else after
            if len(rows) == most == PAGE and after[0] < self._question.starts_s:
                walked = self._walk_to(lane)
                if walked is not None:
                    return walked
            found = self._first_of(self._by_bound(rows), lane, found)
            if len(rows) < most or self._is_settled(found, lane, self._key_after(after)):
                return found
            most = MOST_AT_ONCE

    def _walk_to(self, lane: Lane) -> list[Candidate] | None:
        """The first slots of a lane, by a walk; None where it has met too few."""
        found: list[Candidate] = []
        known: set[int] = set()
        for rows in self._walk():
            begin_s = {schedule_id: start_s for start_s, schedule_id in reversed(rows) if schedule_id not in known}
            known |= begin_s.keys()
            these = {"calendars": list(begin_s), "modalities": lane.modalities}
            fitting = self._connection.execute(lookups.fitting(self._wishes), self._asked | these).all()
            bounds = [(begin_s[schedule_id], schedule_id, feed_id) for schedule_id, feed_id in fitting]
            found = self._first_of(self._by_bound(bounds), lane, found)
            if len(rows) < STEP or self._is_settled(found, lane, self._key_after(rows[-1])):
                return found
        return None

    def _first_of(self, calendars: _Calendars, lane: Lane, found: Sequence[Candidate] = ()) -> list[Candidate]:
        """The first slots of a lane out of its calendars and of what was found in others."""
        best = list(found)
        begin, count = 0, self._question.limit
        while begin < len(calendars.ids) and not self._is_settled(best, lane, calendars.keys[begin]):
            end = begin + count
            some = dict(zip(calendars.ids[begin:end], calendars.distances_m[begin:end], strict=True))
            # Of several specialties, a calendar may have been met before.
            both = {*best, *self._slots_of(some)}
            ordered = sorted(both, key=lambda slot: within_lane(slot, lane, self._question))
            best = _some_of_each(ordered)[: self._question.limit]
            begin, count = end, min(count * 2, MOST_AT_ONCE)
        return best

    def _is_settled(self, found: Sequence[Candidate], lane: Lane, key: tuple[float, ...]) -> bool:
        """Whether an answer is full, and nothing that stands at a key or after it comes into it any more."""
        limit = self._question.limit
        return len(found) >= limit and within_lane(found[limit - 1], lane, self._question) < key

    def _key_after(self, place: _Place) -> tuple[float, ...]:
        """No slot of the calendars after a place stands before this, where distance says nothing."""
        start_s, schedule_id = place
        if start_s < self._question.starts_s:
            return (float(self._question.starts_s),)
        return start_s, math.inf, schedule_id

    # ---- Calendars in their order

    def _by_bound(self, rows: Iterable[Sequence[int]]) -> _Calendars:
        """Calendars out of (bound, id, feed id), those of feeds left out excepted; infinitely far."""
        starts_s = self._question.starts_s
        kept = sorted({(max(row[0], starts_s), row[1]) for row in rows if row[2] not in self._left_out})
        ids = [schedule_id for _, schedule_id in kept]
        return _Calendars(ids, [math.inf] * len(ids), [(bound_s, math.inf, number) for bound_s, number in kept])

    def _calendars_within(self, radius_m: float, lane: Lane) -> _Calendars:
        asked = self._asked | self._box(radius_m) | {"modalities": lane.modalities}
        kept = [row for row in self._plain(lookups.near(self._wishes), asked) if row[1] not in self._left_out]
        if not kept:
            return _Calendars([], [], [])
        ids, _, bounds_s, lats, lons = (np.array(column) for column in zip(*kept, strict=True))
        lat, lon = self._question.lat or 0.0, self._question.lon or 0.0
        distances = distances_m(lat=lat, lon=lon, lats=lats, lons=lons)
        by_distance = self._question.order == "nearest"
        bounds_s = bounds_s if by_distance else self._told(ids, bounds_s)
        order = np.lexsort((ids, distances) if by_distance else (ids, distances, bounds_s))
        order = order[distances[order] <= radius_m]
        columns = (distances, ids) if by_distance else (bounds_s, distances, ids)
        keys = list(zip(*(column[order].tolist() for column in columns), strict=True))
        return _Calendars(ids[order].tolist(), distances[order].tolist(), keys)

    def _told(self, ids: _Numbers, bounds_s: _Numbers) -> _Numbers:
        """Bounds within the window; nearer ones by a walk, if there are many that say nothing."""
        untold = bounds_s < self._question.starts_s
        if np.count_nonzero(untold) <= FEW_UNTOLD:
            return np.maximum(bounds_s, self._question.starts_s)
        begin_s: dict[int, int] = {}
        wanted, beyond_s = set(ids[untold].tolist()), self._question.starts_s
        for rows in self._walk():
            begin_s = {schedule_id: start_s for start_s, schedule_id in reversed(rows)} | begin_s
            beyond_s = rows[-1][0] if len(rows) == STEP else self._question.ends_s
            if len(wanted & begin_s.keys()) >= ENOUGH_MET * self._question.limit:
                break
        walked = np.array([begin_s.get(schedule_id, beyond_s) for schedule_id in ids.tolist()])
        return np.where(untold, walked, bounds_s)

    # ---- Look-ups

    def _walk(self) -> Iterator[list[_Place]]:
        """(start, calendar) of the first slots of all, whosever they are, step by step."""
        for number in range(STEPS):
            if number == len(self._walked):
                after = self._walked[-1][-1] if self._walked else (self._question.starts_s - 1, lookups.EVERY)
                place = {"after_s": after[0], "after_id": after[1], "most": STEP}
                self._walked.append(self._plain(lookups.WALK, self._asked | place))
            yield self._walked[number]
            if len(self._walked[number]) < STEP:
                return

    def _plain(self, statement: Any, values: dict[str, Any]) -> list[Any]:
        """Many rows as the driver gives them: numbers need no more, and making rows of them takes long."""
        result = self._connection.execute(statement, values)
        try:
            return list(result.cursor.fetchall()) if result.cursor else []
        finally:
            result.close()

    def _bounds_after(self, after: _Place, most: int, lane: Lane) -> Sequence[Sequence[int]]:
        """(bound, calendar, feed id) of the next services of a lane."""
        place = {"after_s": after[0], "after_id": after[1], "most": most}
        return self._connection.execute(
            lookups.by_first_start(self._wishes, lane.modalities), self._asked | place
        ).all()

    def _slots_of(self, calendars: Mapping[int, float]) -> list[Candidate]:
        """Slots of each of some calendars, if read lately: the first OF_ONE_CALENDAR, and any at the same time."""
        rows = self._connection.execute(lookups.FIRST_SLOTS, self._asked | {"calendars": list(calendars)})
        return [Candidate(row[0], row[1], row[2], row[3], calendars[row[2]]) for row in rows.all()]

    def _box(self, radius_m: float) -> dict[str, float]:
        """A box of degrees that holds the circle round the question."""
        lat, lon = self._question.lat or 0.0, self._question.lon or 0.0
        height = radius_m / _DEGREE_M
        width = height / max(math.cos(math.radians(min(90.0, abs(lat) + height))), 0.01)
        west, east = lon - width, lon + width
        if west < -180 or east > 180:  # noqa: PLR2004 - the box crosses the antimeridian
            west, east = -180.0, 180.0
        return {"south": lat - height, "north": lat + height, "west": west, "east": east}


def _some_of_each(slots: Iterable[Candidate]) -> list[Candidate]:
    """The first OF_ONE_CALENDAR slots of each calendar, in the order given."""
    counts: Counter[int] = Counter()
    kept = []
    for slot in slots:
        counts[slot.schedule_id] += 1
        if counts[slot.schedule_id] <= OF_ONE_CALENDAR:
            kept.append(slot)
    return kept
