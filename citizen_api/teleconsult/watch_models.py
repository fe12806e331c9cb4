"""Tables of what a resident asked to be told: that an appointment comes near, that a slot appeared.

Both go with the device, and a row goes when it has been told or is over: nothing of it is kept.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant
from citizen_api.people.device_models import ID_LENGTH, Device
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.models import MODALITY_LENGTH, SPECIALTY_LENGTH


class Reminder(Base):
    """A reminder that is due at `due_at`: `kind` is day (24 h before) or hour (1 h before) `starts_s`.

    Written when an appointment is known of a resident who agreed; moved and dropped with it, in the same transaction.
    """

    __tablename__ = "teleconsult_reminder"
    __table_args__ = (CheckConstraint("kind IN ('day', 'hour')", name="kind"),)

    handoff_id: Mapped[str] = mapped_column(ForeignKey(Handoff.id, ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey(Device.id, ondelete="CASCADE"), index=True)
    due_at: Mapped[datetime] = mapped_column(Instant, index=True)
    starts_s: Mapped[int] = mapped_column(BigInteger)


class SlotWatch(Base):
    """Tell once when a slot for `specialty` appears around a commune (its present INSEE code).

    `modality`: None: any. `within_km`: around the commune's centre; slots by video count everywhere. It goes when it
    has been told, or at `until`, 60 days after it was made at most.
    """

    __tablename__ = "teleconsult_slot_watch"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey(Device.id, ondelete="CASCADE"), index=True)
    specialty: Mapped[str] = mapped_column(String(SPECIALTY_LENGTH), index=True)
    modality: Mapped[str | None] = mapped_column(String(MODALITY_LENGTH))
    commune_code: Mapped[str] = mapped_column(String(5))
    within_km: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant, index=True)
