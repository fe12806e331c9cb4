"""Towns, each in a database of its own: a copied file, or a database of a private PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from notifications import planning
from tests.doubles.fcm import FcmDouble
from tests.faults.private_services import PrivatePostgresql, PrivateRedis
from tests.faults.town import Town

_TEMPLATE = "prepared"
_numbers = count()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("faults") / "prepared.db"
    _prepare(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivatePostgresql]:
    """For the tests of this process; whoever breaks it starts it again."""
    with PrivatePostgresql() as server:
        _prepare(server.create(_TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[PrivateRedis]:
    """The same."""
    with PrivateRedis() as server:
        yield server


def _prepare(url: str) -> None:
    database = Database(make_engine(Settings(database_url=url)))
    prepare_database(database)
    database.engine.dispose()


@pytest.fixture(scope="session")
def _double() -> Iterator[FcmDouble]:
    with FcmDouble(latency_s=0.02) as double:
        yield double


@pytest.fixture
def double(_double) -> FcmDouble:
    _double.heal()
    _double.reset()
    _double.latency_s = 0.02
    return _double


@pytest.fixture
def make_town(request, double, tmp_path) -> Iterator[Callable[..., Town]]:
    """Make a town: `make_town("postgresql", ALENTOURS_…="…", devices=300)`; it is watched, and ends with the test."""
    towns: list[Town] = []

    def make(kind: str = "sqlite", *, devices: int = 700, **environment: str) -> Town:
        town = Town(tmp_path, _url(request, kind, tmp_path), double, environment=environment, devices=devices)
        towns.append(town)
        town.watcher.start()
        return town

    yield make
    for town in towns:
        town.close()


def _url(request: Any, kind: str, folder: Path) -> str:
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("empty_file"), folder / "town.db")
        return f"sqlite:///{folder / 'town.db'}"
    server: PrivatePostgresql = request.getfixturevalue("postgresql")
    return server.create(f"town_{next(_numbers)}", template=_TEMPLATE)


@pytest.fixture
def make_celery_town(make_town, redis) -> Callable[..., Town]:
    """Make a town on PostgreSQL whose messages are sent by Celery workers."""

    def make(*, broker: str = "", **said: Any) -> Town:
        return make_town("postgresql", ALENTOURS_ENGINE="celery", ALENTOURS_BROKER_URL=broker or redis.url, **said)

    return make


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Plan many chunks, so that there is one for everybody, and some that nobody has; what a test itself plans."""
    monkeypatch.setattr(planning, "CHUNK", 20)
