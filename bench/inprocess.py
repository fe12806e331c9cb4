"""The search inside one process: how long a question takes, and whether its answer equals brute force."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pyproj import Geod
from sqlalchemy import text

from bench.synthetic import RARE, SERVICE, read_communes, spread
from citizen_api.care import present
from citizen_api.care.directory import Directory
from citizen_api.care.features import WHEELCHAIR, service
from citizen_api.care.hours import parse_hours
from citizen_api.care.nearest import Question, find_nearest, next_cursor
from citizen_api.core.db import Database

K = 20
PARIS = ZoneInfo("Europe/Paris")
VACCINATION = frozenset({service(SERVICE)})
SPARE_SEED = 77
"""Of the positions asked from; the facilities have another."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of question: the categories it takes turns in, and its wishes."""

    name: str
    categories: tuple[str, ...]
    at: datetime | None = None
    features: frozenset[str] = frozenset()
    whole: bool = False


def next_moment(after: datetime, weekday: int, hour: int) -> datetime:
    """Give the first such hour of such a weekday (0: Monday) in Paris that is after `after`."""
    day = after.astimezone(PARIS).date()
    for ahead in range(8):
        found = datetime.combine(day + timedelta(days=ahead), datetime.min.time(), PARIS).replace(hour=hour)
        if found.weekday() == weekday and found > after:
            return found
    raise AssertionError("a week has seven days")


def cases(directory: Directory, now: datetime) -> list[Case]:
    """List what is measured. `every`: all categories of more than the rare one's places, in turn."""
    every = tuple(sorted(name for name in directory.counts() if name != RARE))
    pharmacy, rare = ("pharmacy",), (RARE,)
    sunday, monday = next_moment(now, 6, 3), next_moment(now, 0, 10)
    both = VACCINATION | {WHEELCHAIR}
    return [
        Case("plain, pharmacies", pharmacy),
        Case("plain, every category in turn", every),
        Case("open on Sunday at 03:00, pharmacies", pharmacy, sunday),
        Case("open on Monday at 10:00, pharmacies", pharmacy, monday),
        Case("open on Monday at 10:00, every category in turn", every, monday),
        Case("a service that 5 % offer, pharmacies", pharmacy, features=VACCINATION),
        Case("a service that 5 % offer, every category in turn", every, features=VACCINATION),
        Case("that service, wheelchair, open on Monday at 10:00, pharmacies", pharmacy, monday, both),
        Case("a category of 30 places in the country", rare),
        Case("the same, open on Monday at 10:00", rare, monday),
        Case("whole answer as JSON, plain, pharmacies", pharmacy, whole=True),
        Case("whole answer as JSON, open on Monday at 10:00, pharmacies", pharmacy, monday, whole=True),
    ]


def night_case(directory: Directory, now: datetime) -> Case:
    """Give the hardest question: the category of which the fewest are open on Sunday at 03:00, none at all maybe."""
    sunday = next_moment(now, 6, 3)
    open_then = {name: _count_open(directory, name, sunday) for name in directory.counts() if name != RARE}
    # Of those, the largest: all of it has to be looked at.
    fewest = min(open_then.values())
    name = max((name for name, count in open_then.items() if count == fewest), key=directory.counts().__getitem__)
    title = f"open on Sunday at 03:00, {name} ({fewest} of {directory.counts()[name]:,} are open then)"
    return Case(title, (name,), sunday)


def _count_open(directory: Directory, category: str, at: datetime) -> int:
    some = directory.nearest(lat=47.0, lon=2.0, categories=(category,), limit=2 * K, states=("open",), at=at)
    return min(2 * K, len(some))


def measure(directory: Directory, case: Case, *, questions: int, seed: int = SPARE_SEED) -> dict[str, float]:
    """Ask so many questions, each from a position of its own; microseconds of the median, of 99 %, and of 99.9 %."""
    _, positions = spread(read_communes(), questions, seed=seed)
    ask = _whole(directory, case) if case.whole else _search(directory, case)
    categories = cycle([(name,) for name in case.categories])
    took: list[int] = []
    clock = time.perf_counter_ns
    for lat, lon in positions[:200].tolist():
        ask(lat, lon, next(categories))
    for lat, lon in positions.tolist():
        category = next(categories)
        started = clock()
        ask(lat, lon, category)
        took.append(clock() - started)
    p50, p99, p999 = np.percentile(np.array(took) / 1000, (50, 99, 99.9))
    return {"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1), "p999_us": round(float(p999), 1)}


def _search(directory: Directory, case: Case) -> Callable[[float, float, tuple[str, ...]], object]:
    states, at, features = ("open",) if case.at else (), case.at, case.features

    def ask(lat: float, lon: float, categories: tuple[str, ...]) -> object:
        return directory.nearest(
            lat=lat, lon=lon, categories=categories, limit=K, features=features, states=states, at=at
        )

    return ask


def _whole(directory: Directory, case: Case) -> Callable[[float, float, tuple[str, ...]], object]:
    asked = Question(lat=0, lon=0, categories=(), at=case.at or directory.built_at, open_at=case.at, limit=K)

    def ask(lat: float, lon: float, categories: tuple[str, ...]) -> bytes:
        question = replace(asked, lat=lat, lon=lon, categories=categories, features=case.features)
        answer = find_nearest(directory, question)
        cursor = next_cursor(directory, question, answer)
        return present.answer_json(directory, answer, cursor=cursor, at=question.moment, lang="fr")

    return ask


def measured(directory: Directory, case: Case, *, questions: int) -> dict[str, Any]:
    """Measure a case, and say which it was."""
    return {"name": case.name, "whole": case.whole, "at": case.at and case.at.isoformat()} | measure(
        directory, case, questions=questions
    )


def setting(directory: Directory, database: Database) -> dict[str, Any]:
    """Say what the directory holds."""
    with database.session(write=False) as session:
        told = session.scalar(text("SELECT count(*) FROM care_facility WHERE opening_hours IS NOT NULL")) or 0
    return {
        "facilities": len(directory),
        "categories": len(directory.counts()),
        "places_of_each": directory.counts(),
        "schedules": len(directory.schedules),
        "hours_known_percent": round(100 * told / len(directory)),
    }


def new_minute_us(directory: Directory, day: datetime) -> dict[str, float]:
    """Measure what the first question of a minute pays more: the states of that minute (median, and the worst)."""
    took = []
    for minute in range(8 * 60, 12 * 60):
        at = day.replace(hour=0) + timedelta(minutes=minute)
        started = time.perf_counter_ns()
        directory.schedules.moment(at)
        took.append((time.perf_counter_ns() - started) / 1000)
    return {"p50_us": round(float(np.median(took)), 1), "max_us": round(max(took), 1)}


# ---- brute force, which shares nothing with the search but the tables, PROJ and the reading of hours


@dataclass(frozen=True, slots=True)
class _Member:
    id: str
    commune: str
    services: str
    wheelchair: str | None
    hours: str | None


class BruteForce:
    """Every place of a category, measured by PROJ, filtered by `Hours.state_at`, sorted by (millimetre, id)."""

    def __init__(self, database: Database) -> None:
        self._members: dict[str, tuple[list[_Member], Any, Any, Any]] = {}
        self._states: dict[tuple[str, str, datetime], str] = {}
        self._geod = Geod(ellps="WGS84")
        columns = "f.id, f.commune_code, f.services, f.wheelchair, f.opening_hours, f.lat, f.lon, c.category"
        join = "care_facility f JOIN care_facility_category c ON c.facility_id = f.id"
        by_category: dict[str, list[Any]] = {}
        with database.session(write=False) as session:
            rows = session.execute(text(f"SELECT {columns} FROM {join}"))  # noqa: S608 - our own words
            for *facts, lat, lon, category in rows:
                by_category.setdefault(category, []).append((_Member(*facts), lat, lon))
        for category, found in by_category.items():
            members, lats, lons = zip(*found, strict=True)
            by_id = np.argsort(np.array([member.id for member in members])).argsort()
            self._members[category] = (list(members), np.array(lats), np.array(lons), by_id)

    def nearest(
        self, *, lat: float, lon: float, category: str, features: frozenset[str], at: datetime | None
    ) -> list[tuple[str, float]]:
        """Give (id, metres) of the first K."""
        members, lats, lons, by_id = self._members[category]
        distances = self._geod.inv(np.full(len(lats), lon), np.full(len(lats), lat), lons, lats)[2]
        distances_mm = np.rint(distances * 1000)
        found: list[tuple[str, float]] = []
        for rank in np.lexsort((by_id, distances_mm)).tolist():
            if self._fits(members[rank], features, at):
                found.append((members[rank].id, float(distances[rank])))
                if len(found) == K:
                    break
        return found

    def _fits(self, member: _Member, features: frozenset[str], at: datetime | None) -> bool:
        if WHEELCHAIR in features and member.wheelchair != "yes":
            return False
        if features >= VACCINATION and f'"{SERVICE}"' not in member.services:
            return False
        return at is None or self._state(member, at) == "open"

    def _state(self, member: _Member, at: datetime) -> str:
        if member.hours is None:
            return "unknown"
        # The département decides the clock and the holidays.
        key = (member.hours, member.commune[:2], at)
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = parse_hours(member.hours, insee_code=member.commune).state_at(at)
        return state


def odd_positions() -> list[tuple[float, float]]:
    """Give positions at sea, at the poles, on the antimeridian, overseas, and opposite to France."""
    return [
        (46.0, -8.0), (43.0, 5.0), (0.0, 0.0), (90.0, 0.0), (-90.0, 0.0), (-21.1, 55.5), (-17.5, -149.6),
        (-15.0, 180.0), (-15.0, -180.0), (52.0, 179.9999), (-47.0, -177.6), (-48.86, -177.65), (16.2, -61.5),
    ]  # fmt: skip


def agreement(directory: Directory, database: Database, *, queries: int, now: datetime) -> dict[str, Any]:
    """Compare with brute force: same ids in the same order, each distance within a millimetre."""
    brute = BruteForce(database)
    draw = random.Random(SPARE_SEED)
    counts = directory.counts()
    _, spread_positions = spread(read_communes(), queries, seed=SPARE_SEED + 1)
    odd = odd_positions()
    moments: Sequence[datetime] = (
        next_moment(now, 6, 3),
        next_moment(now, 0, 10),
        next_moment(now, 0, 8) + timedelta(minutes=55),
        next_moment(now, 5, 12) + timedelta(minutes=7, seconds=31),
        (now + timedelta(days=40)).replace(hour=9, minute=3),  # beyond what is packed
        datetime.combine(date(now.year, 12, 25), datetime.min.time(), UTC).replace(hour=10),
    )
    agreed, exact, compared, differing = 0, 0, 0, []
    for rank in range(queries):
        lat, lon = spread_positions[rank].tolist() if rank % 5 else odd[rank // 5 % len(odd)]
        category = draw.choice(sorted(counts))
        at = draw.choice(moments) if draw.choice((True, False)) else None
        features = draw.choice(
            (frozenset(), frozenset(), VACCINATION, frozenset({WHEELCHAIR}), VACCINATION | {WHEELCHAIR})
        )
        found = directory.nearest(
            lat=lat, lon=lon, categories=(category,), limit=K, features=features, states=("open",) if at else (), at=at
        )
        expected = brute.nearest(lat=lat, lon=lon, category=category, features=features, at=at)
        same = [directory.id_of(each.number) for each in found] == [name for name, _ in expected]
        near = all(math.isclose(f.distance_m, e, abs_tol=0.001) for f, (_, e) in zip(found, expected, strict=False))
        agreed += same and near
        exact += sum(f.distance_mm == round(e * 1000) for f, (_, e) in zip(found, expected, strict=False))
        compared += len(expected)
        if not (same and near):
            differing.append({"rank": rank, "category": category, "at": at and at.isoformat(), "places": len(expected)})
    return {
        "queries": queries,
        "agree": agreed,
        "places_compared": compared,
        "equal_to_the_millimetre": exact,
        "differing": differing[:20],
    }
