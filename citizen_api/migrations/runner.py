"""Runs Alembic from inside the product, on the settings' database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

_FOLDER = Path(__file__).parent
_MIGRATING = 0x616C656E746F7572
"""Number of the lock ("alentour" in ASCII): nothing else of ours takes it."""


def alembic_config() -> Config:
    """Alembic's configuration, without a file: the folder is known and the database is passed in."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema. Raises what the database raises; half a step is never kept."""
    _run(engine, lambda config: command.upgrade(config, "head"))


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to an older schema (`base`: to nothing). What it cannot hold is lost."""
    _run(engine, lambda config: command.downgrade(config, revision))


def _run(engine: Engine, step: Callable[[Config], None]) -> None:
    config = alembic_config()
    with _one_at_a_time(engine), engine.connect().execution_options(writes=True) as connection:
        config.attributes["connection"] = connection
        with _foreign_keys_at_rest(connection):
            step(config)


@contextmanager
def _one_at_a_time(engine: Engine) -> Iterator[None]:
    """On PostgreSQL, hosts that start together wait for the first to finish, however long that takes."""
    with engine.connect() as guard:
        if guard.dialect.name == "postgresql":
            guard.execute(text("SET LOCAL lock_timeout = 0"))
            guard.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATING})
        yield


@contextmanager
def _foreign_keys_at_rest(connection: Connection) -> Iterator[None]:
    """On SQLite a table is changed by making it anew: dropping the old one must not cascade to other tables."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def is_current(engine: Engine) -> bool:
    """Whether the database has the newest schema."""
    heads = set(ScriptDirectory.from_config(alembic_config()).get_heads())
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads
