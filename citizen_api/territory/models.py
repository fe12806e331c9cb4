"""Tables of the territory: what France is divided into. Filled from the bundled files by `sync.load`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from citizen_api.core.db import Base, Instant, bytewise_string

CODE = bytewise_string(5)
SIREN = bytewise_string(9)
NAME_LENGTH = 120


class Region(Base):
    """A région; an overseas collectivity is one of its own, as in the source."""

    __tablename__ = "territory_region"

    code: Mapped[str] = mapped_column(bytewise_string(3), primary_key=True)
    name: Mapped[str] = mapped_column(bytewise_string(NAME_LENGTH))


class Departement(Base):
    """A département; an overseas collectivity is one of its own, as in the source."""

    __tablename__ = "territory_departement"

    code: Mapped[str] = mapped_column(bytewise_string(3), primary_key=True)
    name: Mapped[str] = mapped_column(bytewise_string(NAME_LENGTH))
    region_code: Mapped[str] = mapped_column(ForeignKey(Region.code))


class Epci(Base):
    """A group of communes: CC, CA, CU, METRO, or EPT (a territory of the Métropole du Grand Paris)."""

    __tablename__ = "territory_epci"

    code: Mapped[str] = mapped_column(SIREN, primary_key=True)
    name: Mapped[str] = mapped_column(bytewise_string(NAME_LENGTH))
    kind: Mapped[str] = mapped_column(bytewise_string(5))


class Commune(Base):
    """A commune, or an arrondissement of Paris, Lyon or Marseille (then `parent_code` is its commune)."""

    __tablename__ = "territory_commune"
    __table_args__ = (Index("ix_territory_commune_centre", "lat", "lon"),)

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    name: Mapped[str] = mapped_column(bytewise_string(NAME_LENGTH))
    departement_code: Mapped[str] = mapped_column(ForeignKey(Departement.code), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey(Region.code), index=True)
    epci_code: Mapped[str | None] = mapped_column(ForeignKey(Epci.code), index=True)
    ept_code: Mapped[str | None] = mapped_column(ForeignKey(Epci.code), index=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("territory_commune.code"), index=True)
    population: Mapped[int | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    centre_approximate: Mapped[bool] = mapped_column(default=False)
    """The centre is borrowed from the parent or the neighbours. Says nothing where there is none."""


class CommunePostcode(Base):
    """A postcode of a commune (many to many)."""

    __tablename__ = "territory_postcode"

    postcode: Mapped[str] = mapped_column(CODE, primary_key=True)
    commune_code: Mapped[str] = mapped_column(
        ForeignKey(Commune.code, ondelete="CASCADE"), primary_key=True, index=True
    )


class CommuneKey(Base):
    """A search key (`rules.search_key`) under which a commune is found, and which part of its name it is."""

    __tablename__ = "territory_key"

    key: Mapped[str] = mapped_column(bytewise_string(NAME_LENGTH), primary_key=True)
    commune_code: Mapped[str] = mapped_column(
        ForeignKey(Commune.code, ondelete="CASCADE"), primary_key=True, index=True
    )
    rank: Mapped[int]
    """`rules.KeyRank`."""


class FormerCommune(Base):
    """A code or a name that went into a present commune. One that kept its code differs by its name only."""

    __tablename__ = "territory_former"

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    name: Mapped[str | None] = mapped_column(bytewise_string(NAME_LENGTH))
    commune_code: Mapped[str] = mapped_column(ForeignKey(Commune.code, ondelete="CASCADE"), index=True)


class Edition(Base):
    """Which bundled files the tables were filled from: one row."""

    __tablename__ = "territory_edition"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(bytewise_string(64))
    loaded_at: Mapped[datetime] = mapped_column(Instant)
