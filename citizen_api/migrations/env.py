"""Alembic's entry: one metadata, one connection, passed in by `runner`."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

import citizen_api.air.models
import citizen_api.care.models
import citizen_api.mobility.models
import citizen_api.people.device_models
import citizen_api.people.models
import citizen_api.teleconsult.handoff_models
import citizen_api.teleconsult.models
import citizen_api.teleconsult.watch_models
import citizen_api.territory.models  # noqa: F401 - they register their tables
from citizen_api.core.db import Base, Instant


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own types as what they are in the database: a migration must not import the product."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


connection: sa.Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
    compare_type=True,
    # `core/db` begins SQLite's transactions itself, so that its DDL is all or nothing too.
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
