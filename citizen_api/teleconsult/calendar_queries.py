"""Where an appointment is, as far as it is known for sure."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.teleconsult import handoff_queries
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.models import Provider, SlotPlace

_THERE: Final = frozenset({"practice", "assisted"})
"""Modalities for which one goes somewhere."""
_HAS_A_PLACE: Final = frozenset({"practice", "booth"})
"""Kinds of providers whose address is where one is received; that of a platform is its office."""


def address_of(session: Session, handoff: Handoff) -> str | None:
    """The address to which one goes for an appointment; None where one goes nowhere, or it may be another one.

    A slot that is booked has left its feed: then its place is the only one that the feed has in that commune.
    """
    provider = session.get_one(Provider, handoff.provider_id)
    if not _goes_there(handoff, provider):
        return None
    place = _place_of(session, handoff)
    if place is not None:
        return ", ".join(filter(None, (place.address, " ".join(filter(None, (place.postcode, place.city)))))) or None
    is_its_own = handoff.feed_id is None or not _has_places(session, handoff.feed_id)
    return provider.address if is_its_own and provider.kind in _HAS_A_PLACE else None


def _goes_there(handoff: Handoff, provider: Provider) -> bool:
    if handoff.modality is not None:
        return handoff.modality in _THERE
    return bool(provider.modalities) and _THERE.issuperset(provider.modalities)


def _place_of(session: Session, handoff: Handoff) -> SlotPlace | None:
    offer = handoff_queries.present_offer(session, handoff)
    if offer is not None:
        return offer.place
    if handoff.feed_id is None or not handoff.territory_code:
        return None
    there = select(SlotPlace).where(
        SlotPlace.feed_id == handoff.feed_id, SlotPlace.commune_code == handoff.territory_code
    )
    found = session.scalars(there.limit(2)).all()
    return found[0] if len(found) == 1 else None


def _has_places(session: Session, feed_id: int) -> bool:
    return session.scalar(select(SlotPlace.id).where(SlotPlace.feed_id == feed_id).limit(1)) is not None
