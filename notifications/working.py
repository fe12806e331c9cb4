"""What the background process does for notifications: one worker, with the engine that the settings name."""

from __future__ import annotations

import threading

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from content.catalogue import catalogue
from notifications.engines.choose import engine_from
from notifications.worker import Worker


def work(settings: Settings, database: Database, clock: Clock, stop: threading.Event) -> None:
    """Notice, plan and send until told to stop."""
    catalogue()  # read before the first message waits for it
    Worker(database, engine_from(settings, database, clock), clock=clock).run(stop)
