"""Makes synthetic providers, feeds and slots in the tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy.orm import Session

from citizen_api.teleconsult.models import Feed, Provider, Schedule, Service, Slot, SlotPlace
from citizen_api.teleconsult.slot_ids import file_key, slot_key
from tests.conftest import SUNDAY_NIGHT

FILE = file_key("https://synthetic-clinic.example/slots.ndjson")


def make_provider(session: Session, provider_id: str = "synthetic-clinic", **changed) -> Provider:
    """Make a provider of video appointments for all of France."""
    values = {
        "id": provider_id,
        "kind": "practice",
        "name": "Cabinet d'essai",
        "origin": "staff",
        "organisation_id": None,
        "modalities": ["video"],
        "specialties": ["general-practice"],
        "languages": ["fr"],
        "sector": "1",
        "third_party": None,
        "audience": "everybody",
        "link_template": None,
        "allowed_domains": ["synthetic-clinic.example"],
        "granularity": "slot",
        "phone": None,
        "have_ready": ["carte_vitale"],
        "territory_kind": "country",
        "territory_code": None,
        "source": "synthetic",
        "as_of": date(2026, 11, 20),
        "webhook_secrets": [],
        "updated_at": SUNDAY_NIGHT,
        "retired_at": None,
    } | changed
    provider = Provider(**values)
    session.add(provider)
    session.flush()
    return provider


def make_feed(session: Session, provider: Provider, name: str = "synthetic-clinic", **changed) -> Feed:
    """Make a feed that was read just now (Sunday night)."""
    values = {
        "name": name,
        "provider_id": provider.id,
        "kind": "smart",
        "url": "https://synthetic-clinic.example/$bulk-publish",
        "read_at": SUNDAY_NIGHT,
        "checked_at": SUNDAY_NIGHT,
        "state": {},
    } | changed
    feed = Feed(**values)
    session.add(feed)
    session.flush()
    return feed


def make_schedule(
    session: Session,
    feed: Feed,
    source_id: str = "10",
    *,
    modality: str = "video",
    specialties: tuple[str, ...] = ("general-practice",),
    at: tuple[float, float] | None = None,
    commune_code: str | None = None,
    **changed,
) -> Schedule:
    """Make a calendar with the rows by which its slots are searched. `at`: (lat, lon) of its place."""
    place = None
    if at is not None:
        place = SlotPlace(
            feed_id=feed.id,
            source_id=f"place-{source_id}",
            name="Lieu d'essai",
            address="1 rue d'Essai",
            postcode="75004",
            city="Paris",
            commune_code=commune_code,
            lat=at[0],
            lon=at[1],
        )
        session.add(place)
        session.flush()
    schedule = Schedule(
        **{
            "feed_id": feed.id,
            "source_id": source_id,
            "place_id": place and place.id,
            "modality": modality,
            "languages": [],
        }
        | changed
    )
    session.add(schedule)
    session.flush()
    provider = session.get_one(Provider, feed.provider_id)
    languages = schedule.languages or provider.languages
    for specialty in specialties:
        session.add(
            Service(
                schedule_id=schedule.id,
                specialty=specialty,
                modality=modality,
                feed_id=feed.id,
                provider_id=provider.id,
                lat=at and at[0],
                lon=at and at[1],
                languages=f",{','.join(languages)}," if languages else "",
                sector=schedule.sector or provider.sector,
                third_party=provider.third_party if schedule.third_party is None else schedule.third_party,
                audience=schedule.audience or provider.audience,
            )
        )
    session.flush()
    return schedule


def make_slot(
    session: Session, schedule: Schedule, start: datetime = SUNDAY_NIGHT + timedelta(hours=11), **changed
) -> Slot:
    """Make a free slot of 15 minutes, on Monday at 9:40 in Paris unless said otherwise."""
    start_s = int(start.astimezone(UTC).timestamp())
    source_id = changed.pop("source_id", f"{schedule.source_id}-{start_s}")
    values = {
        "feed_id": schedule.feed_id,
        "key": slot_key(source_id),
        "schedule_id": schedule.id,
        "start_s": start_s,
        "end_s": start_s + 900,
        "capacity": None,
        "source_id": source_id,
        "link": f"https://synthetic-clinic.example/book?slot={source_id}",
        "phone": None,
        "file": FILE,
        "digest": 0,
    } | changed
    slot = Slot(**values)
    session.add(slot)
    session.flush()
    return slot
