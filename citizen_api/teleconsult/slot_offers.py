"""A slot with all that belongs to it: its calendar, its place, its provider, and how old all this is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from citizen_api.teleconsult.models import Feed, Provider, Schedule, Slot, SlotPlace
from citizen_api.teleconsult.slot_ids import slot_code


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot that is free as far as is known, with what belongs to it. What the calendar leaves open is its provider's.

    `place` None: by video.
    """

    slot: Slot
    schedule: Schedule
    place: SlotPlace | None
    feed: Feed
    provider: Provider

    @property
    def code(self) -> str:
        """Public name of the slot."""
        return slot_code(self.slot.feed_id, self.slot.key)

    @property
    def link(self) -> str | None:
        """Where to book, unchecked (see `links.safe_link`): by the slot, else its calendar, else its provider."""
        template = self.provider.link_template
        own = self.slot.link or self.schedule.link
        return own or (template and template.replace("{slot}", quote(self.slot.source_id, safe="")))

    @property
    def phone(self) -> str | None:
        """A phone on which one may book: only of a slot, a calendar or a provider that publishes it for that."""
        return self.slot.phone or self.schedule.phone or self.provider.phone

    @property
    def languages(self) -> Sequence[str]:
        """Languages spoken there (ISO 639-1)."""
        return self.schedule.languages or self.provider.languages

    @property
    def sector(self) -> str | None:
        """Convention with the health insurance."""
        return self.schedule.sector or self.provider.sector

    @property
    def third_party(self) -> bool | None:
        """Whether one does not pay in advance."""
        return self.provider.third_party if self.schedule.third_party is None else self.schedule.third_party

    @property
    def audience(self) -> str:
        """For whom."""
        return self.schedule.audience or self.provider.audience

    @property
    def territory_code(self) -> str:
        """INSEE code of the commune of the place; "" by video, or where it is not known."""
        return (self.place.commune_code if self.place else self.provider.commune_code) or ""

    @property
    def confirmed_at(self) -> datetime | None:
        """When the publisher last said so; an aggregator's own source, where it is older."""
        known = [at for at in (self.feed.checked_at, self.schedule.synced_at) if at is not None]
        return None if self.feed.checked_at is None else min(known)


_JOINED: Final[Any] = (
    Slot.__table__.join(Schedule.__table__, Schedule.id == Slot.schedule_id)
    .outerjoin(SlotPlace.__table__, SlotPlace.id == Schedule.place_id)
    .join(Feed.__table__, Feed.id == Slot.feed_id)
    .join(Provider.__table__, and_(Provider.id == Feed.provider_id, Provider.retired_at.is_(None)))
)
_OFFERED: Final = select(Slot, Schedule, SlotPlace, Feed, Provider).select_from(_JOINED)


class _SlotRow(NamedTuple):
    feed_id: int
    key: int
    schedule_id: int
    start_s: int
    end_s: int
    capacity: int | None
    source_id: str
    link: str | None
    phone: str | None


class _ScheduleRow(NamedTuple):
    id: int
    source_id: str
    modality: str
    languages: list[str]
    sector: str | None
    third_party: bool | None
    audience: str | None
    link: str | None
    phone: str | None
    synced_at: datetime | None


class _PlaceRow(NamedTuple):
    id: int | None
    name: str
    address: str | None
    postcode: str | None
    city: str | None
    commune_code: str | None
    lat: float | None
    lon: float | None
    phone: str | None


class _FeedRow(NamedTuple):
    id: int
    checked_at: datetime | None
    gone_rate: float | None


class _ProviderRow(NamedTuple):
    id: str
    kind: str
    name: str
    origin: str
    languages: list[str]
    sector: str | None
    third_party: bool | None
    audience: str
    link_template: str | None
    allowed_domains: list[str]
    granularity: str
    phone: str | None
    commune_code: str | None


_ROWS: Final[Sequence[tuple[Any, Any]]] = (
    (Slot, _SlotRow),
    (Schedule, _ScheduleRow),
    (SlotPlace, _PlaceRow),
    (Feed, _FeedRow),
    (Provider, _ProviderRow),
)
"""What an answer needs of each: reading the whole of them takes longer than finding the slots."""
_LISTED: Final = (
    select(*(table.__table__.c[name] for table, row in _ROWS for name in row._fields))
    .select_from(_JOINED)
    .where(
        # Not as pairs: SQLite finds no index for those. Pairs that were not asked for are passed over.
        Slot.feed_id.in_(bindparam("feeds", expanding=True)),
        Slot.key.in_(bindparam("keys", expanding=True)),
    )
)


def offer_of(session: Session, feed_id: int, key: int) -> Offer | None:
    """The offer of one slot; None when it is gone."""
    row = session.execute(_OFFERED.where(Slot.feed_id == feed_id, Slot.key == key)).first()
    return None if row is None else Offer(*row)


def offers_of(session: Session, ids: Iterable[tuple[int, int]]) -> list[Offer]:
    """The offers of some slots, (feed id, key) each, in that order; those that are gone left out.

    They are made of rows that have what an answer needs, under the names of the tables' columns.
    """
    wanted = list(ids)
    if not wanted:
        return []
    asked = {"feeds": list({feed_id for feed_id, _ in wanted}), "keys": list({key for _, key in wanted})}
    found = {
        (offer.slot.feed_id, offer.slot.key): offer
        for offer in map(_listed, session.connection().execute(_LISTED, asked))
    }
    return [found[one] for one in wanted if one in found]


def _listed(row: Sequence[Any]) -> Offer:
    values = iter(row)
    parts: list[Any] = [kind._make(islice(values, len(kind._fields))) for _, kind in _ROWS]
    slot, schedule, place, feed, provider = parts
    return Offer(slot, schedule, None if place.id is None else place, feed, provider)
