"""Where an address is, as the outside geocoder told: which answers are believed, and what is remembered of them.

Only what no source positions is placed by its address. What is kept is a digest of the address and a position: neither
the text nor who is there. `care/locating.py` asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from citizen_api.care.merging import POSITION
from citizen_api.care.models import AddressPosition, Facility
from citizen_api.care.spelling import plain
from citizen_api.sources.ban import FoundAddress

GEOCODER: Final = "ban"
"""Who says a position that was found by an address: stands where a source's id does."""

HOUSE: Final = "address"
BELIEVED_KINDS: Final = frozenset({HOUSE, "street"})
LEAST_SCORE: Final = 0.7
"""Under this the national geocoder has often found another street of the town."""

ASKED_AGAIN_AFTER: Final = timedelta(days=180)
"""What it did not know it may know by then. What it knew is never asked again."""

_STREAMED: Final = 5_000


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a place, whole enough to be looked for. `commune_code` is what an answer is held against."""

    street: str
    postcode: str
    city: str
    commune_code: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Address | None:
        """Read the address of a merged place; None when it tells no street or no commune."""
        street, postcode, city, commune = (values[name] for name in ("street", "postcode", "city", "commune_code"))
        if not street or not commune or not (postcode or city):
            return None
        return cls(street, postcode or "", city or "", commune)

    @property
    def text(self) -> str:
        """The address as it is asked for."""
        return f"{self.street}, {self.postcode} {self.city}".strip()

    @property
    def digest(self) -> str:
        """Digest of the address, however its capitals and marks are written."""
        told = "|".join((plain(self.street), self.postcode, plain(self.city), self.commune_code))
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class KnownPosition:
    """A position found by an address. `approximate`: it is that of the street. `asked_on`: the day it was told."""

    lat: float
    lon: float
    approximate: bool
    asked_on: date


def believed(
    found: Sequence[FoundAddress], address: Address, towns: Mapping[str, tuple[str, str | None]]
) -> FoundAddress | None:
    """Give the first answer that is a house or a street of the same commune, sure enough. None: none is.

    `towns`: `record_queries.towns`. Of a city with arrondissements these may not differ where both are told.
    """
    town, district = towns.get(address.commune_code, (address.commune_code, None))
    for each in found:
        if each.kind not in BELIEVED_KINDS or each.score < LEAST_SCORE or each.commune_code is None:
            continue
        its_town, its_district = towns.get(each.commune_code, (each.commune_code, None))
        if its_town == town and (district is None or its_district is None or its_district == district):
            return each
    return None


def known_positions(session: Session, addresses: Iterable[Address | None]) -> dict[str, KnownPosition]:
    """Positions of those of the addresses that the geocoder knew, by their digests."""
    digests = {address.digest for address in addresses if address is not None}
    if not digests:
        return {}
    rows = session.scalars(
        select(AddressPosition).where(AddressPosition.digest.in_(digests), AddressPosition.kind.is_not(None))
    )
    return {
        row.digest: KnownPosition(row.lat, row.lon, row.kind != HOUSE, row.asked_at.date())
        for row in rows
        if row.lat is not None and row.lon is not None
    }


def to_ask(session: Session, *, now: datetime) -> dict[Address, list[str]]:
    """Addresses to ask for, in the order of their places, each with the ids of the open places that it would place.

    These have no position of any source, and their address was never asked for, or in vain and long ago.
    """
    lost = or_(Facility.lat.is_(None), Facility.position_approximate.is_(True))
    columns = Facility.id, Facility.street, Facility.postcode, Facility.city, Facility.commune_code
    statement = (
        select(*columns, Facility.field_sources)
        .where(lost, Facility.closed_at.is_(None), Facility.street.is_not(None), Facility.commune_code.is_not(None))
        .order_by(Facility.id)
    )
    asked = set(
        session.scalars(
            select(AddressPosition.digest).where(
                or_(AddressPosition.kind.is_not(None), AddressPosition.asked_at > now - ASKED_AGAIN_AFTER)
            )
        )
    )
    found: dict[str, tuple[Address, list[str]]] = {}
    for row in session.execute(statement.execution_options(yield_per=_STREAMED)).mappings():
        address = Address.of(dict(row))
        if address is None or POSITION in (row["field_sources"] or {}) or (digest := address.digest) in asked:
            continue
        found.setdefault(digest, (address, []))[1].append(row["id"])
    return dict(found.values())


def remember(session: Session, answers: Collection[tuple[Address, FoundAddress | None]], *, now: datetime) -> None:
    """Keep where addresses are, or that it is not known."""
    for address, found in answers:
        session.merge(
            AddressPosition(
                digest=address.digest,
                kind=found.kind if found else None,
                lat=found.lat if found else None,
                lon=found.lon if found else None,
                score=found.score if found else None,
                asked_at=now,
            )
        )
    session.flush()
