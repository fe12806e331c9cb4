"""One database per test process and kind, migrated once; each test runs in a transaction that is rolled back.

Every test that asks for `database` (or `session`, `client`, …) runs twice: on SQLite and on PostgreSQL. Where no
PostgreSQL answers, the second run skips and says so; in CI (`CI=true`) it fails instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.orm import Session

from app import create_app
from citizen_api.care.keeper import DirectoryKeeper
from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from citizen_api.web.services import Services

POSTGRESQL_URL = os.environ.get("ALENTOURS_TEST_POSTGRESQL_URL", "postgresql+psycopg://127.0.0.1:5432/postgres")
SUNDAY_NIGHT = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)
"""Sunday 22 November 2026, 22:40 in Paris."""


class StillClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


class RolledBackDatabase(Database):
    """Sessions of one outer transaction: what they commit is visible to each other and gone after the test."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.engine)
        self._connection = connection

    @contextmanager
    def pinned(self) -> Iterator[Database]:
        yield self

    def open(self, *, write: bool) -> Session:
        assert isinstance(write, bool)
        return Session(self._connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


@pytest.fixture(scope="session")
def worker(request) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def prepared_database(request, worker, tmp_path_factory) -> Iterator[Database]:
    with fresh_database_url(request.param, f"alentours_test_{worker}", tmp_path_factory.mktemp("db")) as url:
        database = Database(make_engine(Settings(database_url=url)))
        prepare_database(database)
        yield database
        database.engine.dispose()


@contextmanager
def fresh_database_url(kind: str, name: str, folder: Path) -> Iterator[str]:
    """Make an empty database and give its URL; it goes afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / name}.db"
        return
    name = f"{name}_{os.getpid()}"  # two runs on one machine must not drop each other's
    admin = create_engine(postgresql_or_skip(), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield make_url(POSTGRESQL_URL).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()


def postgresql_or_skip() -> str:
    engine = create_engine(POSTGRESQL_URL, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return POSTGRESQL_URL
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL at {make_url(POSTGRESQL_URL).host} ({type(error).__name__}): make services")
    finally:
        engine.dispose()


@pytest.fixture
def database(prepared_database) -> Iterator[Database]:
    with prepared_database.engine.connect().execution_options(writes=True) as connection:
        outer = connection.begin()
        yield RolledBackDatabase(connection)
        outer.rollback()


@pytest.fixture
def session(database) -> Iterator[Session]:
    with database.open(write=True) as session:
        yield session


@pytest.fixture
def clock() -> StillClock:
    return StillClock(SUNDAY_NIGHT)


@pytest.fixture
def settings(tmp_path) -> Settings:
    # directory_check_s=0: a test sees its own change in the next request. No limit: tests are many and quick.
    return Settings(
        data_dir=tmp_path,
        directory_check_s=0,
        rate_limit="",
        rate_limit_reports="",
        rate_limit_devices="",
        rate_limit_handoffs="",
        rate_limit_slots="",
        rate_limit_transfers="",
    )


@pytest.fixture
def services(settings, database, clock) -> Services:
    return Services(settings=settings, database=database, clock=clock)


@pytest.fixture
def app(services):
    return create_app(services=services)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def directory(app):
    return app.extensions["alentours"].port(DirectoryKeeper)
