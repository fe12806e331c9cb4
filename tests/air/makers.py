"""Makes synthetic facts about the air, stations and feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from citizen_api.air import actions
from citizen_api.air.facts import NewFact
from citizen_api.air.feeds import Feed
from citizen_api.air.measured import StationHours
from citizen_api.air.models import AirFact
from citizen_api.air.sync import Answer
from citizen_api.core.db import Database
from citizen_api.people.wishes import day_bounds
from citizen_api.sources.air_records import AirIndexRecord, ReadingRecord, StationRecord, Zone
from citizen_api.sources.air_sources import SOURCES, AirSourceInfo

DAY = date(2026, 1, 6)
NOON = datetime(2026, 1, 6, 11, tzinfo=UTC)
"""12:00 in Paris on DAY."""
HOUR = timedelta(hours=1)
PARIS_4 = "75104"
SYNTHETIC = AirSourceInfo(
    id="synthetic",
    title="Synthetic air",
    producer="The tests",
    licence="none, synthetic",
    url="https://air.example",
    resolution="commune",
)


def make_source(source_id: str = SYNTHETIC.id) -> AirSourceInfo:
    """Make the description of a source, one that we read where the id is its own."""
    described = SOURCES.get(source_id, SYNTHETIC)
    return AirSourceInfo(
        id=source_id,
        title=described.title,
        producer=described.producer,
        licence=described.licence,
        url=described.url,
        resolution=described.resolution,
    )


def _of_a_day(facts: dict[str, Any]) -> dict[str, Any]:
    plain = {"hazard": "air", "kind": "index", "zone_kind": "commune", "zone_code": PARIS_4, "day": DAY} | facts
    starts_at, ends_at = day_bounds(plain["day"], zone="Europe/Paris")
    level = {} if plain["kind"] == "episode" else {"level": 3}
    return {"subject": "", "details": {}, "starts_at": starts_at, "ends_at": ends_at} | level | plain


def make_fact(**facts: Any) -> NewFact:
    """Make the ATMO index 3 of Paris 4e on DAY, unless told otherwise."""
    return NewFact(**_of_a_day(facts))


def make_episode(tier: str | None = "information", **facts: Any) -> NewFact:
    """Make an episode of PM10 in Paris on DAY."""
    plain = {"kind": "episode", "zone_kind": "departement", "zone_code": "75", "subject": "pm10", "tier": tier}
    return make_fact(**plain | facts)


def make_row(source_id: str = "atmo-data", **facts: Any) -> AirFact:
    """Make a row of the table, not stored, known since the morning of the day before."""
    known_at = NOON - timedelta(days=1)
    plain = {"level": None, "tier": None, "published_at": None, "known_at": known_at, "since": known_at}
    return AirFact(source_id=source_id, **plain | _of_a_day(facts))


def say(
    database: Database,
    *facts: NewFact,
    at: datetime = NOON,
    source_id: str = SYNTHETIC.id,
    complete: Iterable[tuple[str, str]] = (),
) -> Counter[str]:
    """Have a source say these facts at a moment."""
    with database.session() as session:
        actions.keep_source(session, make_source(source_id))
        return actions.store_facts(session, source_id, facts, known_at=at, complete=tuple(complete))


def make_reading(
    value_ug_m3: float, ends_at: datetime, pollutant: str = "pm10", *, code: str = "S1", **station: Any
) -> ReadingRecord:
    """Make one hour of a background station in the middle of Paris 4e, unless told otherwise."""
    plain: dict[str, Any] = {"name": f"Synthetic {code}", "influence": "background", "lat": 48.855, "lon": 2.357}
    return ReadingRecord(
        station=StationRecord(code=code, **plain | station),
        pollutant=pollutant,
        ends_at=ends_at,
        value_ug_m3=value_ug_m3,
    )


def measure(
    database: Database,
    readings: Iterable[ReadingRecord],
    source_id: str = SYNTHETIC.id,
    towns: Mapping[str, str] | None = None,
) -> int:
    """Store readings; `towns`: INSEE code by the code of a station."""
    with database.session() as session:
        actions.keep_source(session, make_source(source_id))
        return actions.store_readings(session, source_id, readings, lambda station: (towns or {}).get(station.code))


def expect(
    database: Database, value_ug_m3: float, *, at: datetime = NOON, code: str = PARIS_4, hours: Iterable[int] = (1,)
) -> None:
    """Have a model expect this much NO2 in the hours that end so many after NOON."""
    rows = [{"pollutant": "no2", "ends_at": NOON + hour * HOUR, "value_ug_m3": value_ug_m3} for hour in hours]
    with database.session() as session:
        actions.keep_source(session, SYNTHETIC)
        actions.store_forecast(session, SYNTHETIC.id, code, rows, known_at=at)


def make_station(
    distance_m: float | None = 1_234.0, influence: str | None = "background", *, name: str = "Synthetic", **hours: Any
) -> StationHours:
    """Make a station with its hours: `pm10=hours_of(DAY, [...])`."""
    return StationHours(source_id=SYNTHETIC.id, name=name, influence=influence, distance_m=distance_m, hours=hours)


def hours_of(day: date, values: Iterable[float | None]) -> list[tuple[datetime, float]]:
    """Hours of a UTC day, from the one that ends at 01:00 on; None is a missing hour."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [(midnight + rank * HOUR, value) for rank, value in enumerate(values, start=1) if value is not None]


def make_index_record(level: int | None = 3, code: str = PARIS_4, day: date = DAY, **facts: Any) -> AirIndexRecord:
    """Make what a reader gives of the index of a commune."""
    return AirIndexRecord(zone=Zone(kind="commune", code=code), day=day, level=level, **facts)


class SyntheticFeed:
    """A feed whose next answers a test says: records, or an error that is raised."""

    def __init__(self, info: AirSourceInfo = SYNTHETIC, *, every: timedelta = HOUR, may_be_empty: bool = False) -> None:
        self.answers: list[Any] = [[make_index_record()]]
        self.asked_at: list[datetime] = []
        self.feed = Feed(info=info, every=every, read=self._read, may_be_empty=may_be_empty)

    def _read(self, now: datetime) -> Answer:
        self.asked_at.append(now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Answer) else Answer(items=answer)
