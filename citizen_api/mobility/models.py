"""Tables of bike share: each system as it was last read, and its stations as they last reported themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant

SYSTEM_ID_LENGTH = 40


class BikeSystem(Base):
    """A bike share system, by the name that the settings give it, with what must be said beside its stations.

    `fetched_at` is when it was last read whole, `failures` how often in a row it was not since, `problem` the code of
    the last reason. `next_try_at` is moved by whichever process takes the next turn, so that only one does.
    """

    __tablename__ = "mobility_bike_system"

    id: Mapped[str] = mapped_column(String(SYSTEM_ID_LENGTH), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    producer: Mapped[str | None] = mapped_column(String(200))
    licence: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(500))
    fetched_at: Mapped[datetime | None] = mapped_column(Instant)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(40))


class BikeStation(Base):
    """A station. `ebikes` (of the `bikes`), `docks` and `capacity` are None where its system does not tell them.

    `last_reported` is the station's own word, `fetched_at` when it was read.
    """

    __tablename__ = "mobility_bike_station"
    __table_args__ = (Index("ix_mobility_bike_station_lat", "lat"),)

    system_id: Mapped[str] = mapped_column(ForeignKey("mobility_bike_system.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    lat: Mapped[float]
    lon: Mapped[float]
    capacity: Mapped[int | None]
    bikes: Mapped[int]
    ebikes: Mapped[int | None]
    docks: Mapped[int | None]
    is_installed: Mapped[bool]
    is_renting: Mapped[bool]
    is_returning: Mapped[bool]
    last_reported: Mapped[datetime] = mapped_column(Instant)
    fetched_at: Mapped[datetime] = mapped_column(Instant)
