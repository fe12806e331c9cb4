"""The demo city's air: published over loopback in the sources' formats, read by the same readers, as source `demo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from itertools import chain
from typing import Final

import httpx
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from citizen_api.air.feeds import Feed
from citizen_api.air.models import AirSource
from citizen_api.air.outlook import DEMO_SOURCE
from citizen_api.air.sync import EPISODES, WARNINGS, Answer, Item, store
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, changed_rows
from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.demo import air_rules
from citizen_api.demo.air_rules import DemoCommune
from citizen_api.demo.publishers import DemoPublishers
from citizen_api.demo.staging import Stage
from citizen_api.people.wishes import day_bounds, local_day
from citizen_api.sources.air_fetch import fetch, read_whole
from citizen_api.sources.air_files import KINDS
from citizen_api.sources.air_records import HourlyForecastRecord
from citizen_api.sources.air_sources import AirSourceInfo
from citizen_api.territory.models import Commune

DEPARTEMENTS: Final = ("75", "92", "93", "94")
SOURCE: Final = AirSourceInfo(
    id=DEMO_SOURCE,
    title="Ville de démonstration (air fictif)",
    producer="Alentours, faits fictifs",
    licence="aucune, faits fictifs",
    url="",
    resolution="commune",
)
ZONE: Final = "Europe/Paris"
_MAX_BYTES: Final = 10_000_000
_PATHS: Final = {
    "atmo-data-index": "/air/index.json",
    "atmo-data-pollen": "/air/pollen.json",
    "atmo-data-episodes": "/air/episodes.json",
    "atmo-occitanie-stations": "/air/stations.csv",
    "vigilance": "/air/vigilance.json",
    "uv": "/air/uv.csv",
}
_FORECAST: Final = "/air/forecast.json"


def demo_communes(session: Session) -> list[DemoCommune]:
    """The communes and arrondissements of the demo city's départements."""
    query = (
        select(Commune.code, Commune.name, Commune.departement_code)
        .where(Commune.departement_code.in_(DEPARTEMENTS))
        .order_by(Commune.code)
    )
    return [DemoCommune(code, name, departement) for code, name, departement in session.execute(query)]


def publications(database: Database, clock: Clock, stage: Stage) -> Mapping[str, Callable[[], bytes]]:
    """What the demo publishers serve, dated now and with what is staged by now: a body by path."""
    with database.session(write=False) as session:
        communes = demo_communes(session)

    def dated(make: Callable[[datetime], bytes]) -> Callable[[], bytes]:
        return lambda: make(clock())

    def two_days(now: datetime) -> list[tuple[datetime, datetime]]:
        today = local_day(now, zone=ZONE)
        return [day_bounds(today + timedelta(days=ahead), zone=ZONE) for ahead in (0, 1)]

    return {
        "/air/index.json": dated(
            lambda now: air_rules.index_feed(communes, now, local_day(now, zone=ZONE), stage.staged())
        ),
        "/air/pollen.json": dated(lambda now: air_rules.pollen_feed(communes, now, local_day(now, zone=ZONE))),
        "/air/episodes.json": dated(
            lambda now: air_rules.episodes_feed(communes, now, local_day(now, zone=ZONE), stage.staged())
        ),
        "/air/stations.csv": dated(air_rules.stations_feed),
        "/air/vigilance.json": dated(lambda now: air_rules.vigilance_feed(DEPARTEMENTS, now, two_days(now))),
        "/air/uv.csv": dated(lambda now: air_rules.uv_feed(communes, local_day(now, zone=ZONE))),
        _FORECAST: dated(air_rules.forecast_feed),
    }


def demo_feed(client: httpx.Client, address: Callable[[str], str], database: Database) -> Feed:
    """Everything that the demo city publishes of its air, as one feed. `address`: the URL of a path."""
    with database.session(write=False) as session:
        arrondissements = [commune.code for commune in demo_communes(session) if commune.departement == "75"]

    def get(path: str) -> bytes:
        return fetch(client, address(path), max_bytes=_MAX_BYTES)

    def items() -> Iterator[Item]:
        return chain.from_iterable(read_whole(path, partial(_read, kind), get(path)) for kind, path in _PATHS.items())

    def read(_now: datetime) -> Answer:
        expected = read_whole(_FORECAST, partial(_read, "open-meteo"), get(_FORECAST))
        hours = [item for item in expected if isinstance(item, HourlyForecastRecord)]
        return Answer(
            items=list(items()),
            complete=(*EPISODES, *WARNINGS),
            forecasts=dict.fromkeys(arrondissements, hours),
        )

    return Feed(info=SOURCE, every=timedelta(minutes=10), read=read)


@contextmanager
def serving_demo_air(settings: Settings, database: Database, client: httpx.Client, clock: Clock) -> Iterator[Feed]:
    """Publish while a block runs, and give the feed that reads it."""
    with DemoPublishers(publications(database, clock, Stage(settings.data_dir))) as publishers:
        yield demo_feed(client, publishers.url, database)


def read_demo_air(settings: Settings, database: Database, clock: Clock) -> None:
    """Publish and read once, so that a start finds facts dated now."""
    with make_client(settings) as client, serving_demo_air(settings, database, client, clock) as feed:
        now = clock()
        store(database, feed.info, feed.read(now), known_at=now, reports_dir=settings.data_dir / "imports")


def ask_again(database: Database, asked_at: datetime) -> bool:
    """Have the running demo city read its feed at its next tick; False where none ever ran since one was forgotten."""
    with database.session() as session:
        asked = update(AirSource).where(AirSource.id == DEMO_SOURCE).values(next_try_at=asked_at)
        return changed_rows(session.execute(asked)) == 1


def was_read(database: Database, since: datetime) -> bool:
    """Whether the demo city's feed was read whole in a reading that began at `since` or later."""
    with database.session(write=False) as session:
        fetched_at = session.scalar(select(AirSource.fetched_at).where(AirSource.id == DEMO_SOURCE))
    return fetched_at is not None and fetched_at >= since


def _read(kind: str, body: bytes) -> Iterator[Item]:
    return KINDS[kind].read(BytesIO(body))
