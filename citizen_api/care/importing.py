"""One import at a time: two at once would each believe that what the other writes was there before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from citizen_api.core.db import Database
from citizen_api.core.locks import TakenError, file_lock

_LOCK_KEY: Final = 7_301_615
"""Names the advisory lock among those of the same PostgreSQL database."""


class ImportRunningError(Exception):
    """Another import is at work on the same database."""

    def __init__(self) -> None:
        super().__init__("another import is running; nothing was changed, try again when it is done")


@contextmanager
def only_import(database: Database) -> Iterator[None]:
    """Hold the right to import for the length of a block; a killed process loses it. Raises ImportRunningError."""
    engine = database.engine
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(select(func.pg_try_advisory_lock(_LOCK_KEY))):
                raise ImportRunningError
            try:
                yield
            finally:
                connection.scalar(select(func.pg_advisory_unlock(_LOCK_KEY)))
        return
    try:
        with file_lock(Path(f"{engine.url.database}.importing")):
            yield
    except TakenError as error:
        raise ImportRunningError from error
