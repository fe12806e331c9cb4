"""Databases full of synthetic residents, and fresh copies of them: each part of the bench begins with the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from bench.residents import Groups, make_residents
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database

SERVER = os.environ.get("ALENTOURS_TEST_POSTGRESQL_URL", "postgresql+psycopg://127.0.0.1:5432/postgres")
LOCK_TIMEOUT_MS = 60_000
KINDS = ("sqlite", "postgresql")
_copies = count(1)


@dataclass(frozen=True, slots=True)
class Residents:
    """A database that only copies are made of. `place`: its file, or its name."""

    kind: str
    place: str
    devices: int


@contextmanager
def residents(kind: str, folder: Path, *, devices: int, groups: Groups) -> Iterator[Residents]:
    """Make a database, full, for the length of a block. Raises OperationalError where no PostgreSQL answers."""
    name = f"bench_push_{os.getpid()}_{devices}"
    place = str(folder / f"{name}.db") if kind == "sqlite" else name
    if kind == "postgresql":
        _administer(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    try:
        database = open_database(_url(kind, place))
        prepare_database(database)
        make_residents(database.engine, devices=devices, now=system_clock(), groups=groups)
        database.engine.dispose()
        yield Residents(kind, place, devices)
    finally:
        _remove(kind, place)


@contextmanager
def fresh_copy(of: Residents) -> Iterator[Database]:
    """Copy a database for the length of a block."""
    if of.kind == "sqlite":
        place = of.place.replace(".db", f"_{next(_copies)}.db")
        shutil.copyfile(of.place, place)
    else:
        place = f"{of.place}_{next(_copies)}"
        # File by file: the other way writes all of it to the log, too.
        _administer(f"CREATE DATABASE {place} TEMPLATE {of.place} STRATEGY file_copy")
    database = open_database(_url(of.kind, place))
    try:
        yield database
    finally:
        database.engine.dispose()
        _remove(of.kind, place)


def open_database(url: str) -> Database:
    """Open a database as the product does; what the bench writes into a busy one may have to wait for long."""
    return Database(make_engine(Settings(database_url=url, database_lock_timeout_ms=LOCK_TIMEOUT_MS)))


def url_of(database: Database) -> str:
    """The address of a database, as a setting has it."""
    return database.engine.url.render_as_string(hide_password=False)


def _url(kind: str, place: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{place}"
    return make_url(SERVER).set(database=place).render_as_string(hide_password=False)


def _administer(statement: str) -> None:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _remove(kind: str, place: str) -> None:
    if kind == "sqlite":
        for end in ("", "-wal", "-shm"):
            Path(place + end).unlink(missing_ok=True)
    else:
        _administer(f"DROP DATABASE IF EXISTS {place} WITH (FORCE)")
