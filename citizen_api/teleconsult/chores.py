"""What is done beside answering: slots that are past go, handoffs and watches end, rates of gone slots are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from citizen_api.core.db import Database
from citizen_api.teleconsult.feed_sync import forget_past
from citizen_api.teleconsult.handoff_keeping import keep_handoffs
from citizen_api.teleconsult.insight_queries import update_gone_rates
from citizen_api.teleconsult.watch_actions import forget_ended

Chore = Callable[[Database, datetime], object]
EVERY: Final = timedelta(minutes=1)
RATES_EVERY: Final = timedelta(minutes=10)


def chores() -> Sequence[tuple[timedelta, Chore]]:
    """Each chore, and how often it is done."""
    return ((EVERY, forget_past), (EVERY, keep_handoffs), (EVERY, _forget_watches), (RATES_EVERY, _update_rates))


def _forget_watches(database: Database, now: datetime) -> None:
    with database.session() as session:
        forget_ended(session, now)


def _update_rates(database: Database, now: datetime) -> None:
    with database.session() as session:
        update_gone_rates(session, now)
