"""Tables of providers and of what they publish: feeds, places, schedules, slots. Nothing here names a resident."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant
from citizen_api.people.models import Organisation
from citizen_api.sources.slot_records import ID_LENGTH, LINK_LENGTH

PROVIDER_ID_LENGTH: Final = 40
NAME_LENGTH: Final = 200
FEED_NAME_LENGTH: Final = 60
PHONE_LENGTH: Final = 20
SPECIALTY_LENGTH: Final = 30
MODALITY_LENGTH: Final = 10
_SECRET: Final[dict[str, Any]] = {"secret": True}


class Provider(Base):
    """Who offers appointments: a platform, a practice, a booth, a public service.

    `kind`: of provider_rules.KINDS. `origin`: file (the registry's files), staff or demo; a file never overwrites what
    staff keeps. `organisation_id`: whose staff may change it besides an administrator. `link_template`: where to book,
    an https address in which `{slot}` may stand for the publisher's id of a slot. `allowed_domains`: hosts to which a
    resident may be handed over; one that begins with a dot stands for its subdomains too. `granularity`: how precise
    its links are: slot, practice or home. `phone`: only where it is published for the public. `have_ready`: codes of
    content/teleconsult. `territory_*`: where it may be offered. `source`, `as_of`: who says all this, and of when.
    `webhook_secrets`: those valid now, the newest first. `retired_at`: it is offered no more.
    """

    __tablename__ = "teleconsult_provider"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('platform', 'practice', 'booth', 'public_service')",
            name="kind",
        ),
        CheckConstraint("granularity IN ('slot', 'practice', 'home')", name="granularity"),
        CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="position"),
    )

    id: Mapped[str] = mapped_column(String(PROVIDER_ID_LENGTH), primary_key=True)
    kind: Mapped[str] = mapped_column(String(15))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    origin: Mapped[str] = mapped_column(String(10))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey(Organisation.id, ondelete="SET NULL"), index=True)
    modalities: Mapped[list[str]] = mapped_column(JSON)
    specialties: Mapped[list[str]] = mapped_column(JSON)
    languages: Mapped[list[str]] = mapped_column(JSON)
    sector: Mapped[str | None] = mapped_column(String(10))
    third_party: Mapped[bool | None]
    audience: Mapped[str] = mapped_column(String(15))
    link_template: Mapped[str | None] = mapped_column(String(LINK_LENGTH))
    allowed_domains: Mapped[list[str]] = mapped_column(JSON)
    granularity: Mapped[str] = mapped_column(String(10))
    phone: Mapped[str | None] = mapped_column(String(PHONE_LENGTH))
    have_ready: Mapped[list[str]] = mapped_column(JSON)
    territory_kind: Mapped[str] = mapped_column(String(12))
    territory_code: Mapped[str | None] = mapped_column(String(9))
    address: Mapped[str | None] = mapped_column(String(300))
    commune_code: Mapped[str | None] = mapped_column(String(5))
    facility_id: Mapped[str | None] = mapped_column(String(40))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    source: Mapped[str] = mapped_column(String(300))
    as_of: Mapped[date]
    webhook_secrets: Mapped[list[str]] = mapped_column(JSON, info=_SECRET)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class Feed(Base):
    """Where a provider publishes its slots.

    `kind`: smart, fhir or availability. `url` may hold a key. `asks_since`: it honours `_since` with changes only.
    `poll_s`: how often it is asked, 60 at least. `read_at`: when its slots were last read; `checked_at`: when it last
    said, or said again by not having changed, what is known: what is older than that is as old as this. `failures`: in
    a row; `problem`: code of the last reason. `held_since`: since when a suspicious answer (far fewer slots) is not
    believed. `state`: validators and digests of its files. `slots`: how many are known. `read_s`, `read_bytes`: what
    its last whole reading took. `gone_rate`: share of its handoffs of late that were gone on arrival; None: too few.
    """

    __tablename__ = "teleconsult_feed"
    __table_args__ = (CheckConstraint("kind IN ('smart', 'fhir', 'availability')", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(FEED_NAME_LENGTH), unique=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey(Provider.id, ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(15))
    url: Mapped[str] = mapped_column(Text, info=_SECRET)
    asks_since: Mapped[bool] = mapped_column(default=False)
    poll_s: Mapped[int] = mapped_column(default=60)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(40))
    held_since: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    slots: Mapped[int] = mapped_column(default=0)
    read_s: Mapped[float | None]
    read_bytes: Mapped[int | None] = mapped_column(BigInteger)
    gone_rate: Mapped[float | None]


class SlotPlace(Base):
    """A place of a feed (`PlaceRecord`). `commune_code` is found by its position where the feed does not say it.

    `is_virtual`: kept for the calendars that name it, which may come without it in later readings.
    """

    __tablename__ = "teleconsult_place"
    __table_args__ = (UniqueConstraint("feed_id", "source_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey(Feed.id, ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    address: Mapped[str | None] = mapped_column(String(300))
    postcode: Mapped[str | None] = mapped_column(String(10))
    city: Mapped[str | None] = mapped_column(String(100))
    commune_code: Mapped[str | None] = mapped_column(String(5))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    phone: Mapped[str | None] = mapped_column(String(PHONE_LENGTH))
    facility_id: Mapped[str | None] = mapped_column(String(40))
    is_virtual: Mapped[bool] = mapped_column(default=False)


class Schedule(Base):
    """A calendar of a feed (`ScheduleRecord`). What the publisher does not say is its provider's.

    `last_new_at`: when a slot last appeared in it, which is what slot watches look for.
    """

    __tablename__ = "teleconsult_schedule"
    __table_args__ = (UniqueConstraint("feed_id", "source_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey(Feed.id, ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    place_id: Mapped[int | None] = mapped_column(ForeignKey(SlotPlace.id, ondelete="CASCADE"), index=True)
    modality: Mapped[str] = mapped_column(String(MODALITY_LENGTH))
    languages: Mapped[list[str]] = mapped_column(JSON)
    sector: Mapped[str | None] = mapped_column(String(10))
    third_party: Mapped[bool | None]
    audience: Mapped[str | None] = mapped_column(String(15))
    link: Mapped[str | None] = mapped_column(String(LINK_LENGTH))
    phone: Mapped[str | None] = mapped_column(String(PHONE_LENGTH))
    availability: Mapped[str | None] = mapped_column(String(10))
    synced_at: Mapped[datetime | None] = mapped_column(Instant)
    last_new_at: Mapped[datetime | None] = mapped_column(Instant, index=True)


class Service(Base):
    """A schedule under one of its specialties: all by which slots are searched, in one row.

    `languages`: between commas (`,fr,en,`), "" where nobody says. `lat`, `lon`: of its place; None: by video, anywhere.
    `sector`, `third_party`, `audience`: the schedule's, else the provider's. `first_start_s`: no slot of the calendar
    starts before it (seconds since 1970; 0 until `slot_first.refresh_first_starts` says it); None: it has no slot.
    """

    __tablename__ = "teleconsult_service"
    __table_args__ = (
        # With all that a search needs of those round a place: they are many.
        Index(
            "ix_teleconsult_service_sought",
            *("specialty", "modality", "lat", "lon", "first_start_s", "schedule_id", "feed_id"),
        ),
        Index("ix_teleconsult_service_first", "modality", "first_start_s", "schedule_id"),
        Index("ix_teleconsult_service_sought_first", "specialty", "modality", "first_start_s", "schedule_id"),
    )

    schedule_id: Mapped[int] = mapped_column(ForeignKey(Schedule.id, ondelete="CASCADE"), primary_key=True)
    specialty: Mapped[str] = mapped_column(String(SPECIALTY_LENGTH), primary_key=True)
    modality: Mapped[str] = mapped_column(String(MODALITY_LENGTH))
    feed_id: Mapped[int] = mapped_column(ForeignKey(Feed.id, ondelete="CASCADE"), index=True)
    provider_id: Mapped[str] = mapped_column(ForeignKey(Provider.id, ondelete="CASCADE"), index=True)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    languages: Mapped[str] = mapped_column(String(100))
    sector: Mapped[str | None] = mapped_column(String(10))
    third_party: Mapped[bool | None]
    audience: Mapped[str] = mapped_column(String(15))
    first_start_s: Mapped[int | None] = mapped_column(BigInteger, default=0)


class Slot(Base):
    """A slot that is free: one that is taken or gone has no row.

    `key`: 63 bits of a digest of the publisher's id (`slot_ids.slot_key`). `start_s`, `end_s`: seconds since 1970.
    `file`: number of the file of its feed that said it last (`slot_ids.file_key`): what a changed file says no more is
    gone. `digest`: of all that it says, so that what did not change is not written.
    """

    __tablename__ = "teleconsult_slot"
    __table_args__ = (
        Index("ix_teleconsult_slot_schedule", "schedule_id", "start_s"),
        Index("ix_teleconsult_slot_start", "start_s", "schedule_id"),
        # Clustered by its key: what a feed says lies together, and its reading touches few pages.
        {"sqlite_with_rowid": False},
    )

    feed_id: Mapped[int] = mapped_column(ForeignKey(Feed.id, ondelete="CASCADE"), primary_key=True, autoincrement=False)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    schedule_id: Mapped[int] = mapped_column(ForeignKey(Schedule.id, ondelete="CASCADE"))
    start_s: Mapped[int] = mapped_column(BigInteger)
    end_s: Mapped[int] = mapped_column(BigInteger)
    capacity: Mapped[int | None]
    source_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    link: Mapped[str | None] = mapped_column(String(LINK_LENGTH))
    phone: Mapped[str | None] = mapped_column(String(PHONE_LENGTH))
    file: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[int] = mapped_column(BigInteger)
