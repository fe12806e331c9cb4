"""What residents ask of a database full of slots: searches, in process and through the app, and handoffs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import create_app
from bench.synthetic import read_communes, spread
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult.card_rules import card_version
from citizen_api.teleconsult.handoff_pages import Recheck
from citizen_api.teleconsult.models import Slot
from citizen_api.teleconsult.slot_ids import slot_code
from citizen_api.teleconsult.slot_rules import Question
from citizen_api.teleconsult.slot_search import find
from citizen_api.web.services import Services

POSITIONS_SEED = 41
LIMIT = 20
_ROUTE, _HANDOFFS = "/v1/teleconsultations/slots", "/v1/teleconsultations/handoffs"
_BROWSER = {"User-Agent": "Mozilla/5.0 (synthetic)"}
_SETTINGS = {"rate_limit": "", "rate_limit_slots": "", "rate_limit_handoffs": "", "log_level": "ERROR"}
_EVERY = tuple(name for name in SPECIALTIES if name != "other")


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of question, as `find` and as the route take it. `from_days`: how far ahead its window begins."""

    name: str
    wishes: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    is_here: bool = True
    within_km: float = 30.0
    from_days: float = 0.0
    specialties: tuple[str | None, ...] = ("general-practice",)


CASES = (
    Case("general practice within 30 km"),
    Case("general practice within 2 km", within_km=2.0),
    Case("general practice, the nearest", {"order": "nearest"}, {"order": "nearest"}),
    Case("every specialty in turn, within 30 km", specialties=_EVERY),
    Case("no specialty, within 30 km", specialties=(None,)),
    Case("no specialty, anywhere", is_here=False, specialties=(None,)),
    Case("by video, anywhere", {"modalities": ("video",)}, {"modality": "video"}, is_here=False),
    Case("a rare specialty, anywhere", is_here=False, specialties=("allergology",)),
    Case("a rare specialty, within 30 km", specialties=("allergology",)),
    Case("general practice in ten days, anywhere", is_here=False, from_days=10.0),
    Case(
        "in Arabic, sector 1, no advance payment, within 30 km",
        {"language": "ar", "sectors": ("1",), "third_party": True},
        {"language": "ar", "payment": "sector_1,third_party"},
    ),
    Case(
        "the same, anywhere",
        {"language": "ar", "sectors": ("1",), "third_party": True},
        {"language": "ar", "payment": "sector_1,third_party"},
        is_here=False,
    ),
)


def measure(folder: Path, *, questions: int, handoffs: int) -> dict[str, Any]:
    """Measure on the database of a folder."""
    settings = Settings(data_dir=folder, **_SETTINGS)
    database = Database(make_engine(settings))
    services = Services(settings=settings, database=database)
    app = create_app(services=services)
    services.ports[Recheck] = lambda _feed_id: False  # no publisher is there any more
    client = app.test_client()
    measured = {
        "questions": questions,
        "cases": [_measured(case, database, settings, client, questions) for case in CASES],
        "handoffs": _handoffs(database, client, handoffs),
    }
    database.engine.dispose()
    return measured


def _measured(
    case: Case, database: Database, settings: Settings, client: FlaskClient, questions: int
) -> dict[str, Any]:
    now = system_clock()
    asked = list(_asked(case, questions))
    with database.session(write=False) as session:
        find(session, _question(case, *asked[0], now), now, settings)  # statements are put together once
        took = [_took(lambda: find(session, _question(case, *each, now), now, settings)) for each in asked]
        found = [len(find(session, _question(case, *each, now), now, settings)) for each in asked]
    paths = [_path(case, *each, now) for each in asked]
    _get(client, paths[0])
    return {
        "name": case.name,
        "found": round(float(np.mean(found)), 1),
        "search": _spread_of(took),
        "route": _spread_of([_took(lambda: _get(client, path)) for path in paths]),
    }


def _asked(case: Case, count: int) -> Iterator[tuple[str | None, dict[str, float]]]:
    """Specialty and position of each question, drawn as people live."""
    _, positions = spread(read_communes(), count, seed=POSITIONS_SEED)
    for at, (lat, lon) in enumerate(positions.tolist()):
        yield case.specialties[at % len(case.specialties)], {"lat": lat, "lon": lon} if case.is_here else {}


def _question(case: Case, specialty: str | None, here: dict[str, float], now: datetime) -> Question:
    starts = now + timedelta(days=case.from_days)
    return Question(
        starts_s=int(starts.timestamp()),
        ends_s=int((starts + timedelta(days=7)).timestamp()),
        specialty=specialty,
        within_m=case.within_km * 1_000,
        limit=LIMIT,
        **here,
        **case.wishes,
    )


def _path(case: Case, specialty: str | None, here: dict[str, float], now: datetime) -> str:
    query: dict[str, Any] = {"limit": LIMIT, **here, **case.query}
    if specialty is not None:
        query["specialty"] = specialty
    if here:
        query["within_km"] = case.within_km
    if case.from_days:
        starts = now.astimezone(UTC) + timedelta(days=case.from_days)
        query |= {"from": starts.isoformat(), "until": (starts + timedelta(days=7)).isoformat()}
    return f"{_ROUTE}?{urlencode(query)}"


def _get(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == HTTPStatus.OK, (path, answer.text)


def _handoffs(database: Database, client: FlaskClient, count: int) -> dict[str, Any]:
    """Handoffs to a slot each, made and then followed, one after the other; and the constant route beside them."""
    with database.session(write=False) as session:
        known = session.scalar(select(func.count()).select_from(Slot)) or 0
        ids = session.execute(select(Slot.feed_id, Slot.key).where(Slot.key % max(1, known // count) == 0).limit(count))
        codes = [slot_code(*each) for each in ids]
    links: list[str] = []

    def make(number: int, code: str) -> None:
        body = {"slot": code, "card_shown": card_version()}
        answer = client.post(_HANDOFFS, json=body, headers={"Idempotency-Key": f"synthetic-handoff-{number:07d}"})
        assert answer.status_code == HTTPStatus.CREATED, answer.text
        links.append(answer.get_json()["link"].partition("/h/")[2])

    def follow(token: str) -> None:
        answer = client.get(f"/h/{token}", headers=_BROWSER)
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text

    made = [_took(lambda: make(number, code)) for number, code in enumerate(codes)]
    followed = [_took(lambda: follow(token)) for token in links]
    constant = [_took(lambda: client.get("/healthz")) for _ in codes]
    return {
        "count": len(codes),
        **{
            name: _spread_of(took) | {"per_s": round(1_000 * len(took) / sum(took), 1)}
            for name, took in (("made", made), ("followed", followed), ("constant", constant))
        },
    }


def _took(ask: Callable[[], object]) -> float:
    started = time.perf_counter_ns()
    ask()
    return (time.perf_counter_ns() - started) / 1e6


def _spread_of(took: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(took, (50, 99))
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}
