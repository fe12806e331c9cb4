"""Reads about handoffs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.core.settings import Settings
from citizen_api.people import device_queries
from citizen_api.sources.slot_records import MODALITIES, Modality
from citizen_api.teleconsult.handoff_models import Handoff, HandoffEvent
from citizen_api.teleconsult.handoff_problems import HandoffUnknown
from citizen_api.teleconsult.handoff_tokens import TOKEN, digest
from citizen_api.teleconsult.models import Feed, Provider
from citizen_api.teleconsult.provider_problems import ProviderUnknown
from citizen_api.teleconsult.slot_ids import read_slot_code
from citizen_api.teleconsult.slot_offers import Offer, offer_of
from citizen_api.teleconsult.slot_rules import USUAL, Question
from citizen_api.teleconsult.slot_search import find
from citizen_api.territory.problems import CommuneUnknown
from citizen_api.territory.queries import find_commune

REMINDERS: Final = "reminders"
MOST_INSTEAD: Final = 3
_LOOKED_AT: Final = 4 * MOST_INSTEAD
"""Slots among which those at different places are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a slot was that is gone, as far as it is known: it is gone from the tables."""

    specialty: str | None = None
    modality: Modality | None = None
    commune_code: str = ""


def handoff_of(session: Session, token: str) -> Handoff | None:
    """The handoff of a short link. What is no token is looked for all the same: it takes as long."""
    found = session.scalar(select(Handoff).where(Handoff.token_hash == digest(token)))
    return found if TOKEN.fullmatch(token) else None


def known_handoff(session: Session, token: str) -> Handoff:
    """The handoff of a short link. Raises HandoffUnknown."""
    found = handoff_of(session, token)
    if found is None:
        raise HandoffUnknown
    return found


def asked_before(session: Session, key_hash: str) -> Handoff | None:
    """The handoff that a question made when it was asked before."""
    return session.scalar(select(Handoff).where(Handoff.key_hash == key_hash))


def history(session: Session, handoff: Handoff) -> Sequence[HandoffEvent]:
    """All moves of a handoff, the first one first."""
    return session.scalars(
        select(HandoffEvent).where(HandoffEvent.handoff_id == handoff.id).order_by(HandoffEvent.id)
    ).all()


def has_reached(session: Session, handoff: Handoff, state: str) -> bool:
    """Whether a handoff ever was in a state."""
    reached = select(HandoffEvent.id).where(HandoffEvent.handoff_id == handoff.id, HandoffEvent.became == state)
    return session.scalar(reached.limit(1)) is not None


def present_provider(session: Session, provider_id: str) -> Provider:
    """A provider that is offered. Raises ProviderUnknown."""
    found = session.get(Provider, provider_id)
    if found is None or found.retired_at is not None:
        raise ProviderUnknown
    return found


def agreed_to_reminders(session: Session, device_id: str) -> bool:
    """Whether a device consents to reminders now."""
    consent = device_queries.consents(session, device_id).get(REMINDERS)
    return consent is not None and consent.withdrawn_at is None


def due_to_expire(session: Session, states: Sequence[str], now: datetime, most: int) -> Sequence[Handoff]:
    """Handoffs in some of the states whose time is over, locked; those that somebody else holds left out."""
    return session.scalars(
        select(Handoff)
        .where(Handoff.state.in_(states), Handoff.expires_at <= now)
        .order_by(Handoff.state, Handoff.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()


def present_offer(session: Session, handoff: Handoff) -> Offer | None:
    """The slot of a handoff with what belongs to it; None when it has none, or it is gone."""
    if handoff.feed_id is None or handoff.slot_key is None:
        return None
    return offer_of(session, handoff.feed_id, handoff.slot_key)


def sought_by(handoff: Handoff) -> Sought:
    """What somebody sought who was handed over to a slot."""
    return Sought(
        specialty=handoff.specialty, modality=_modality(handoff.modality), commune_code=handoff.territory_code
    )


def sought_by_code(session: Session, code: str) -> Sought:
    """What somebody sought who names a slot that is gone: its provider tells it, where it offers one thing only."""
    ids = read_slot_code(code)
    feed = session.get(Feed, ids[0]) if ids else None
    provider = session.get(Provider, feed.provider_id) if feed else None
    if provider is None:
        return Sought()
    return Sought(
        specialty=provider.specialties[0] if len(provider.specialties) == 1 else None,
        modality=_modality(*provider.modalities) if len(provider.modalities) == 1 else None,
        commune_code=provider.commune_code or "",
    )


def _modality(said: str | None) -> Modality | None:
    return next((modality for modality in MODALITIES if modality == said), None)


def instead(session: Session, sought: Sought, now: datetime, settings: Settings) -> list[Offer]:
    """The soonest slots of the same specialty, near where the other was: of the same modality, then of any.

    Of those of the same modality, different places come first.
    """
    question = question_of(sought, now)
    with suppress(CommuneUnknown):
        commune = find_commune(session, sought.commune_code).commune
        question = replace(question, lat=commune.lat, lon=commune.lon)
    alike = replace(question, modalities=(sought.modality,)) if sought.modality else question
    found = _places_first(find(session, alike, now, settings))
    if len(found) < MOST_INSTEAD:
        known = {offer.code for offer in found}
        others = [offer for offer in find(session, question, now, settings) if offer.code not in known]
        found += _places_first(others)
    return found[:MOST_INSTEAD]


def question_of(sought: Sought, now: datetime) -> Question:
    """The question for others, wherever they are."""
    starts_s = int(now.timestamp()) + 1
    return Question(
        starts_s=starts_s,
        ends_s=starts_s + int(USUAL.total_seconds()),
        specialty=sought.specialty,
        limit=_LOOKED_AT,
    )


def _places_first(offers: Sequence[Offer]) -> list[Offer]:
    """The first slot of each place (by video: of each provider), then the others."""
    first = {(offer.provider.id, offer.place and offer.place.id): offer for offer in reversed(offers)}
    codes = {offer.code for offer in first.values()}
    return sorted(offers, key=lambda offer: offer.code not in codes)
