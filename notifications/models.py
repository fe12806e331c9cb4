"""Tables of what residents were told. Whatever names a device goes with it (ON DELETE CASCADE)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant
from citizen_api.people.device_models import Device


class ToldDay(Base):
    """The last word that a device got about one alert day: a level for each hazard, all None after an all-clear."""

    __tablename__ = "notifications_told_day"

    device_id: Mapped[str] = mapped_column(ForeignKey(Device.id, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    air: Mapped[int | None]
    pollen: Mapped[int | None]
    heat: Mapped[int | None]
    uv: Mapped[int | None]
    expires_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)


class Disturbance(Base):
    """One message that counts towards a device's caps. Rows older than a week say nothing any more, and go."""

    __tablename__ = "notifications_disturbance"
    __table_args__ = (Index("ix_notifications_disturbance_device", "device_id", "told_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey(Device.id, ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    told_at: Mapped[datetime] = mapped_column(Instant)
