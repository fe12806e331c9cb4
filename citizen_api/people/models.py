"""Tables of staff: organisations, keys, and who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from citizen_api.core.db import Base, Instant

NAME_LENGTH = 200
LABEL_LENGTH = 100


class Organisation(Base):
    """A town hall, EPCI, département, région, provider or pharmacy, with the territory it acts in."""

    __tablename__ = "people_organisation"
    __table_args__ = (
        CheckConstraint(
            "territory_kind IN ('commune', 'epci', 'departement', 'region', 'country')", name="territory_kind"
        ),
        CheckConstraint("(territory_kind = 'country') = (territory_code IS NULL)", name="territory_code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), unique=True)
    territory_kind: Mapped[str] = mapped_column(String(12))
    territory_code: Mapped[str | None] = mapped_column(String(9))
    created_at: Mapped[datetime] = mapped_column(Instant)


class StaffKey(Base):
    """A key of an organisation. The key itself was shown once: only its hash is here."""

    __tablename__ = "people_staff_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("people_organisation.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    organisation: Mapped[Organisation] = relationship()


class AuditEntry(Base):
    """Who changed what. Append-only: the database itself refuses to change or remove a row."""

    __tablename__ = "people_audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    actor: Mapped[str] = mapped_column(String(300))
    organisation: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(100))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
