"""Counts of what became of handoffs: all that is left of them in the end. They name nobody."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.teleconsult.handoff_models import Handoff, HandoffCount
from citizen_api.teleconsult.handoff_rules import COUNTED

_ZONE: Final = ZoneInfo("Europe/Paris")


def week_of(at: datetime) -> date:
    """Monday of the week of a moment, by the clock of Paris."""
    day = at.astimezone(_ZONE).date()
    return day - timedelta(days=day.weekday())


def count(session: Session, handoff: Handoff, state: str) -> None:
    """Count that a handoff reached a state for the first time, in the week in which it was made.

    All that became of the handoffs of a week stands beside how many were made in it: a share is one of these.
    """
    if state not in COUNTED:
        return
    added = insert_or_update(session, HandoffCount).values(
        provider_id=handoff.provider_id,
        feed_id=handoff.feed_id or 0,
        territory_code=handoff.territory_code,
        week=week_of(handoff.created_at),
        **{name: int(name == state) for name in COUNTED},
    )
    column = getattr(HandoffCount, state)
    session.execute(
        added.on_conflict_do_update(
            index_elements=["provider_id", "feed_id", "territory_code", "week"], set_={state: column + 1}
        )
    )
