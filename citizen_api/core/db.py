"""Database: one metadata, one engine per process, explicit sessions.

SQLite (WAL) by default, PostgreSQL by URL. Nothing here knows Flask.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Result,
    String,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from citizen_api.core.settings import Settings

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_POLL_S = 0.002
_ERROR = 0xFF
"""The part of SQLite's codes that says what kind of error it is."""
CONNECT_TIMEOUT_S = 5
"""A database host that does not answer is an answer (503) after this, not after the system's two minutes."""


class Base(DeclarativeBase):
    """Every table of the product, so that migrations see one metadata."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Instant(TypeDecorator[datetime]):
    """An aware moment. Stored as UTC; SQLite, which knows no zones, gets it back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive moment: its instant would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored as an instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give back an aware moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def bytewise_string(length: int) -> Any:
    """Text compared byte by byte on every database, so that prefix ranges use the index and order alike."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def make_engine(settings: Settings) -> Engine:
    """Engine for the settings' database, with the guards that each kind needs."""
    url = make_url(settings.database)
    timeout_ms = settings.database_lock_timeout_ms
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": timeout_ms / 1000})
        _guard_sqlite(engine, timeout_ms)
        return engine
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    # hide_parameters: a failing statement must not carry a resident's data into a log.
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=settings.database_pool_size,
        pool_pre_ping=True,
        connect_args={
            "options": f"-c lock_timeout={timeout_ms} -c timezone=UTC",
            "connect_timeout": CONNECT_TIMEOUT_S,
        },
    )


def _guard_sqlite(engine: Engine, timeout_ms: int) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling breaks savepoints and begins too late: switch it off.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is deleted is overwritten: a person who left must not be read in the free pages of the file.
        cursor.execute("PRAGMA secure_delete=ON")
        # Temporary tables name devices: they stay in memory, and off the disk.
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.execute(f"PRAGMA busy_timeout={timeout_ms:d}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        # A writer takes its lock at BEGIN: a later upgrade of a read lock would fail at once, busy timeout or not.
        if connection.get_execution_options().get("writes", False):
            _begin_writing(connection, timeout_ms)
        else:
            connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection, timeout_ms: int) -> None:
    """Take SQLite's only writing lock as soon as it is free.

    SQLite itself asks for it ten times a second at last: beside a process that writes without a pause, as one that
    sends a wave, everybody else would be told that the database is busy. Raises OperationalError after `timeout_ms`.
    """
    driver: Any = connection.connection.driver_connection
    ends_at_s = time.monotonic() + timeout_ms / 1000
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                busy = getattr(error.orig, "sqlite_errorcode", 0) & _ERROR == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() >= ends_at_s:
                    raise
                time.sleep(_POLL_S)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={timeout_ms:d}")


def insert_or_update(session: Session, table: type[Base]) -> Any:
    """INSERT in the words of the database at hand, both of which know `on_conflict_do_update`."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def changed_rows(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE touched."""
    return result.rowcount if isinstance(result, CursorResult) else 0


class Database:
    """An engine and its sessions.

    `session()` is a unit of work: it commits when the block ends well and rolls back otherwise.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._writing_engine = engine.execution_options(writes=True)
        self._pin: Connection | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Database:
        """Open the settings' database (lazily: nothing connects before the first use)."""
        return cls(make_engine(settings))

    def open(self, *, write: bool) -> Session:
        """Open a session whose transaction the caller ends. Only `write` ones may change anything."""
        if self._pin is not None:
            return self._sessions(bind=self._pin.execution_options(writes=write))
        return self._sessions(bind=self._writing_engine if write else self.engine)

    @contextmanager
    def pinned(self) -> Iterator[Database]:
        """The same database through one connection: its temporary tables outlive a transaction. For one thread."""
        with self.engine.connect() as connection:
            pinned = copy(self)
            pinned._pin = connection  # noqa: SLF001 - our own kind
            yield pinned

    def forget_deleted(self, *, patience_ms: int = 500) -> None:
        """Empty SQLite's log, which may still hold what was deleted; whoever reads is waited for, for so long.

        What cannot be emptied now is emptied by the next call (the background process makes one every tick).
        """
        file = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or not file or not _size(Path(f"{file}-wal")):
            return
        raw = self.engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute(f"PRAGMA busy_timeout={patience_ms:d}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.close()
        finally:
            raw.invalidate()  # with its timeout
            raw.close()

    @contextmanager
    def session(self, *, write: bool = True) -> Iterator[Session]:
        """Run a block in one transaction."""
        with self.open(write=write) as session, session.begin():
            yield session


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
