"""Chores about handoffs: those whose time is over expire, what is old goes. Only counts stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from citizen_api.core.db import Database, changed_rows
from citizen_api.teleconsult import handoff_queries as queries
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult.handoff_actions import move
from citizen_api.teleconsult.handoff_models import Handoff, WebhookSeen

PORTION: Final = 200
"""Rows of one transaction: a resident who writes meanwhile waits no longer than for so many."""
SEEN_KEPT: Final = timedelta(days=7)
_OPEN: Final = tuple(state for state in rules.STATES if state not in rules.ENDS)


def keep_handoffs(database: Database, now: datetime) -> int:
    """Let handoffs expire, and delete ended ones and seen messages that are old: how many rows were touched."""
    return sum(_all_of(database, portion, now) for portion in (_expire, _delete_ended, _delete_seen))


def _all_of(database: Database, portion: Callable[[Session, datetime], int], now: datetime) -> int:
    touched = 0
    while True:
        with database.session() as session:
            done = portion(session, now)
        touched += done
        if done < PORTION:
            return touched


def _expire(session: Session, now: datetime) -> int:
    due = queries.due_to_expire(session, _OPEN, now, PORTION)
    for handoff in due:
        move(session, handoff, rules.EXPIRED, by=rules.SYSTEM, now=now)
    return len(due)


def _delete_ended(session: Session, now: datetime) -> int:
    # `expires_at` of an ended one is when it goes.
    old = select(Handoff.id).where(Handoff.state.in_(sorted(rules.ENDS)), Handoff.expires_at <= now).limit(PORTION)
    return changed_rows(session.execute(delete(Handoff).where(Handoff.id.in_(old))))


def _delete_seen(session: Session, now: datetime) -> int:
    old = session.execute(
        select(WebhookSeen.provider_id, WebhookSeen.digest)
        .where(WebhookSeen.received_at <= now - SEEN_KEPT)
        .limit(PORTION)
    ).all()
    for provider_id, seen in old:
        session.execute(delete(WebhookSeen).where(WebhookSeen.provider_id == provider_id, WebhookSeen.digest == seen))
    return len(old)
