"""Takes what providers tell by webhook. None of this commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult.handoff_actions import move
from citizen_api.teleconsult.handoff_models import Handoff, HandoffEvent, WebhookSeen
from citizen_api.teleconsult.handoff_tokens import digest
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.webhook_problems import ReferralUnknown
from citizen_api.teleconsult.webhook_schemas import CONFIRMED, TYPES


def webhook_secrets(session: Session, provider_id: str) -> Sequence[str]:
    """Secrets of a provider that are valid now; none of one that is unknown.

    One that is offered no more still has its own: handoffs that are under way end well.
    """
    return session.scalar(select(Provider.webhook_secrets).where(Provider.id == provider_id)) or ()


def mark_seen(session: Session, provider_id: str, message_id: str, *, now: datetime) -> bool:
    """Note that a message is taken; False when it was taken before.

    It is noted in the transaction of what it changes: one that failed may come again.
    """
    noted = session.execute(
        insert_or_update(session, WebhookSeen)
        .values(provider_id=provider_id, digest=digest(message_id), received_at=now)
        .on_conflict_do_nothing()
        .returning(WebhookSeen.digest)
    )
    return noted.first() is not None


def take(
    session: Session,
    provider_id: str,
    kind: str,
    *,
    referral: UUID,
    starts_s: int | None,
    ends_s: int | None,
    now: datetime,
) -> None:
    """Move the handoff of a referral as its provider tells. Raises ReferralUnknown, HandoffMoveIllegal.

    `kind`: of webhook_schemas.TYPES. A confirmation that comes late, after the provider confirmed or moved it, changes
    nothing: only a move tells other times.
    """
    handoff = session.scalar(
        select(Handoff)
        .where(Handoff.referral == str(referral), Handoff.provider_id == provider_id)
        .with_for_update()  # of two messages at once, the second sees what the first did
    )
    if handoff is None:
        raise ReferralUnknown
    if kind == CONFIRMED and handoff.state == rules.BOOKED and _was_booked_by_provider(session, handoff):
        return
    move(session, handoff, TYPES[kind], by=rules.PROVIDER, now=now, **_times(TYPES[kind], starts_s, ends_s))


def _times(became: str, starts_s: int | None, ends_s: int | None) -> dict[str, int | None]:
    """Times as `move` takes them: of what is booked only."""
    return {"starts_s": starts_s, "ends_s": ends_s} if became == rules.BOOKED else {}


def _was_booked_by_provider(session: Session, handoff: Handoff) -> bool:
    booked = select(HandoffEvent.id).where(
        HandoffEvent.handoff_id == handoff.id,
        HandoffEvent.became == rules.BOOKED,
        HandoffEvent.by == rules.PROVIDER,
    )
    return session.scalar(booked.limit(1)) is not None
