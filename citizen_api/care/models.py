"""Tables of places of care: what each source says, and the one line that is answered from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant

FACILITY_ID_LENGTH = 16
URL_LENGTH = 500


class Source(Base):
    """A register or list, with what must be said beside each fact that comes from it."""

    __tablename__ = "care_source"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    producer: Mapped[str] = mapped_column(String(200))
    licence: Mapped[str] = mapped_column(String(100))
    url: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    dated: Mapped[date] = mapped_column(Date)
    imported_at: Mapped[datetime] = mapped_column(Instant)


class Facility(Base):
    """A place of care, merged from its records by `merging.merge`. A vanished one is closed; a person's is deleted.

    `id` is derived from the strongest identifier (`rules.facility_id`) and stays. `field_sources` tells who says
    each field, and of which day: {field: [source id, ISO date]}; `conflicts` keeps what other sources say
    otherwise: {field: [[value, source id, ISO date], …]}.
    """

    __tablename__ = "care_facility"
    __table_args__ = (
        CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="position_whole"),
        Index("ix_care_facility_commune_code", "commune_code"),
    )

    id: Mapped[str] = mapped_column(String(FACILITY_ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    street: Mapped[str | None] = mapped_column(String(300))
    postcode: Mapped[str | None] = mapped_column(String(10))
    city: Mapped[str | None] = mapped_column(String(120))
    commune_code: Mapped[str | None] = mapped_column(String(5))
    phone: Mapped[str | None] = mapped_column(String(20))
    website: Mapped[str | None] = mapped_column(String(500))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    position_approximate: Mapped[bool] = mapped_column(default=False)
    wheelchair: Mapped[str | None] = mapped_column(String(10))
    services: Mapped[list[str]] = mapped_column(JSON, default=list, nullable=True)
    accepts_new_patients: Mapped[bool | None]
    payment_sector: Mapped[str | None] = mapped_column(String(10))
    third_party_payment: Mapped[str | None] = mapped_column(String(10))
    home_visits: Mapped[bool | None]
    languages: Mapped[list[str]] = mapped_column(JSON, default=list, nullable=True)
    call_15_first: Mapped[bool | None]
    opening_hours: Mapped[str | None] = mapped_column(Text)
    opening_hours_verbatim: Mapped[str | None] = mapped_column(Text)
    opening_hours_source: Mapped[str | None] = mapped_column(String(60))
    field_sources: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict, nullable=True)
    conflicts: Mapped[dict[str, list[list[Any]]]] = mapped_column(JSON, default=dict, nullable=True)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class FacilityCategory(Base):
    """What a place is, in a resident's words; `rank` 0 is what it is first of all."""

    __tablename__ = "care_facility_category"

    facility_id: Mapped[str] = mapped_column(ForeignKey("care_facility.id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)
    rank: Mapped[int]


class FacilityIdentifier(Base):
    """A name that a register gives to a place: (`finess`, `750010597`). Several places may share a `siret`."""

    __tablename__ = "care_facility_identifier"
    __table_args__ = (Index("ix_care_facility_identifier_scheme_value", "scheme", "value"),)

    facility_id: Mapped[str] = mapped_column(ForeignKey("care_facility.id", ondelete="CASCADE"), primary_key=True)
    scheme: Mapped[str] = mapped_column(String(30), primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)


class FacilityAlias(Base):
    """An id that a place had before it was found to be the same as another: it keeps answering."""

    __tablename__ = "care_facility_alias"

    id: Mapped[str] = mapped_column(String(FACILITY_ID_LENGTH), primary_key=True)
    facility_id: Mapped[str] = mapped_column(ForeignKey("care_facility.id", ondelete="CASCADE"), index=True)


class FacilityRecordRow(Base):
    """What one source says of a place. `facts` are the fields of `sources.records.FacilityRecord` it fills.

    `confidence` (0 to 1) is how sure it is that the record speaks of this place: 1 for its own identifier.
    """

    __tablename__ = "care_facility_record"
    __table_args__ = (
        UniqueConstraint("source_id", "key"),
        # All that the directory asks of a record, so that building it never reads the facts.
        Index("ix_care_facility_record_said", "facility_id", "source_id", "dated", "closed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("care_source.id"))
    key: Mapped[str] = mapped_column(String(300))
    facility_id: Mapped[str] = mapped_column(ForeignKey("care_facility.id", ondelete="CASCADE"))
    dated: Mapped[date] = mapped_column(Date)
    digest: Mapped[str] = mapped_column(String(32))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    confidence: Mapped[float] = mapped_column(default=1.0, server_default="1")


class AddressPosition(Base):
    """Where the outside geocoder puts an address (`addresses.Address.digest`): asked once, whatever place is there.

    `kind` is "address" (a house) or "street"; None, with no position: it knew none that is near enough.
    """

    __tablename__ = "care_address_position"
    __table_args__ = (CheckConstraint("(kind IS NULL) = (lat IS NULL)", name="kind_with_position"),)

    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str | None] = mapped_column(String(10))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    score: Mapped[float | None]
    asked_at: Mapped[datetime] = mapped_column(Instant)


class Linking(Base):
    """One row: whether the records are placed as they stand (`care/linking`).

    `changed` moves with every change of a record that may move it to another place; `linked` is what it was when
    the last linking that reached its end began, `records` how many there were, `rules` by which rules.
    """

    __tablename__ = "care_linking"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changed: Mapped[int]
    linked: Mapped[int]
    records: Mapped[int]
    rules: Mapped[int]


class Import(Base):
    """One run of an import of one source: what it read, what it did so far. A killed one resumes.

    `counts` is what it created, updated and closed, written in the same transaction as the facts themselves.
    """

    __tablename__ = "care_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("care_source.id"), index=True)
    content_digest: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)


class DirectoryVersion(Base):
    """One row that moves, in the same transaction, whenever a facility changes."""

    __tablename__ = "care_directory_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Report(Base):
    """What residents report on a place, queued for a moderator. It says nothing of who wrote it.

    Of one kind on one place, one row waits: `times` counts the reports, `comments` are the newest, newest first.
    """

    __tablename__ = "care_report"
    __table_args__ = (
        Index(
            "ix_care_report_waiting",
            "facility_id",
            "kind",
            unique=True,
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[str] = mapped_column(ForeignKey("care_facility.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    times: Mapped[int]
    comments: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settlement: Mapped[str | None] = mapped_column(String(20))
    settlement_note: Mapped[str | None] = mapped_column(String(500))
