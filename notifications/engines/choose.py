"""The engine out of the settings."""

from __future__ import annotations

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from notifications.engines.embedded import EmbeddedEngine
from notifications.transports.choose import transports_from
from notifications.worker import Engine


def engine_from(settings: Settings, database: Database, clock: Clock) -> Engine:
    """Make the engine that the settings name. Raises what `transports_from` raises, and SettingsError."""
    if settings.engine == "celery":
        from notifications.engines.celery_engine import CeleryEngine  # noqa: PLC0415 - heavy, and not used otherwise

        return CeleryEngine(settings, database, clock)
    transports = transports_from(settings, clock=clock)
    return EmbeddedEngine(database, transports, rate_per_s=settings.push_rate_per_s, clock=clock)
