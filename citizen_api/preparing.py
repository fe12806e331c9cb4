"""Brings a database to where the product can use it."""

from __future__ import annotations

from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.migrations import runner
from citizen_api.territory import sync as territory_sync


def prepare_database(database: Database) -> None:
    """Bring the schema to the newest and load the territories of France; quick when nothing is to do."""
    if not runner.is_current(database.engine):
        runner.upgrade(database.engine)
    with database.session() as session:
        territory_sync.load(session, now=system_clock())
