"""Tables of the air: what each source published, revision by revision, and what stations measured."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant

SOURCE_ID_LENGTH = 40


class AirSource(Base):
    """A publisher, with what must be said beside its facts, and how reading it went.

    `fetched_at` is when it was last read whole, `failures` how often in a row it was not since, `problem` the code of
    the last reason. `next_try_at` is moved by whichever process takes the next turn, so that only one does.
    """

    __tablename__ = "air_source"

    id: Mapped[str] = mapped_column(String(SOURCE_ID_LENGTH), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    producer: Mapped[str] = mapped_column(String(200))
    licence: Mapped[str] = mapped_column(String(100))
    url: Mapped[str | None] = mapped_column(String(500))
    fetched_at: Mapped[datetime | None] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(40))


class AirFact(Base):
    """What a source says of one hazard in one zone on one day: a revision.

    Rows are added; of the newest only `published_at` moves, when the same is said again.

    `kind`: index (air, pollen, UV), episode (air; `subject` is its pollutant) or vigilance (heat, cold, storms).
    `level` is on the hazard's own scale (`content.hazards`), None where it was published as unavailable; an episode
    has a `tier` instead, None once it is closed. The fact holds from `starts_at` to `ends_at`. `known_at` is when this
    revision came in; `since` is when the level or tier first was what it is.
    """

    __tablename__ = "air_fact"
    __table_args__ = (
        UniqueConstraint(
            "source_id",
            "hazard",
            "kind",
            "zone_kind",
            "zone_code",
            "subject",
            "day",
            "known_at",
            name="uq_air_fact_revision",
        ),
        CheckConstraint("kind IN ('index', 'episode', 'vigilance')", name="kind"),
        Index("ix_air_fact_zone", "zone_kind", "zone_code", "day"),
        Index("ix_air_fact_day", "day", "hazard"),
        # An id that is gone is never another's: whoever notices facts remembers how far it looked.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("air_source.id", ondelete="CASCADE"))
    hazard: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    zone_kind: Mapped[str] = mapped_column(String(12))
    zone_code: Mapped[str] = mapped_column(String(9))
    subject: Mapped[str] = mapped_column(String(10), default="")
    day: Mapped[date] = mapped_column(Date)
    level: Mapped[int | None]
    tier: Mapped[str | None] = mapped_column(String(12))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    known_at: Mapped[datetime] = mapped_column(Instant)
    since: Mapped[datetime] = mapped_column(Instant)


class Station(Base):
    """A measuring station. `influence` (background, traffic, industrial) and position only where its source tells.

    `commune_code` may be told by the source or read from the station's name: it places the station in a town, never
    at a distance.
    """

    __tablename__ = "air_station"

    source_id: Mapped[str] = mapped_column(ForeignKey("air_source.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(String(30), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    influence: Mapped[str | None] = mapped_column(String(12))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    commune_code: Mapped[str | None] = mapped_column(String(5), index=True)


class Reading(Base):
    """The mean of one pollutant over the hour that ended at `ends_at`, in ug/m3, at one station."""

    __tablename__ = "air_reading"

    source_id: Mapped[str] = mapped_column(ForeignKey("air_source.id", ondelete="CASCADE"), primary_key=True)
    station_code: Mapped[str] = mapped_column(String(30), primary_key=True)
    pollutant: Mapped[str] = mapped_column(String(5), primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    value_ug_m3: Mapped[float]


class HourlyForecast(Base):
    """What a model expects at a commune's centre for the hour that ends at `ends_at`, in ug/m3.

    Of each hour the newest run that has it.
    """

    __tablename__ = "air_hourly_forecast"

    source_id: Mapped[str] = mapped_column(ForeignKey("air_source.id", ondelete="CASCADE"), primary_key=True)
    commune_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    pollutant: Mapped[str] = mapped_column(String(5), primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    value_ug_m3: Mapped[float]
    known_at: Mapped[datetime] = mapped_column(Instant)
