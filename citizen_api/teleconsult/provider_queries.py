"""Reads of providers of appointments and of their feeds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

import numpy as np
from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from citizen_api.core import geo
from citizen_api.core.problems import PositionOutOfRange, PositionSwapped
from citizen_api.teleconsult.models import Feed, Provider
from citizen_api.teleconsult.provider_rules import PUBLIC_SERVICE
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.models import Commune
from citizen_api.territory.problems import FarFromCommunes

_DEGREE_KM: Final = 110.5
"""Less than any degree of latitude."""
Key = tuple[int, float, str]
"""By what a list is ordered: public services first, then the nearest, then the id."""
KEY_KINDS: Final = (int, float, str)
_NOWHERE_M: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersWanted:
    """Which providers. None: any.

    `position`: (lat, lon); one that has a position is then within `within_km` of it. `commune_code`: in which it must
    be offered ("": outside every commune, where only what is offered in the whole country is left).
    """

    kind: str | None = None
    modality: str | None = None
    specialty: str | None = None
    language: str | None = None
    position: tuple[float, float] | None = None
    within_km: float = inf
    commune_code: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderFound:
    """A provider, and how far it is; None: it has no position, or nobody asked from where."""

    provider: Provider
    distance_m: float | None

    @property
    def key(self) -> Key:
        """Where it stands in a list. Nobody can pay for a place."""
        far = _NOWHERE_M if self.distance_m is None else self.distance_m
        return (0 if self.provider.kind == PUBLIC_SERVICE else 1, far, self.provider.id)


@dataclass(frozen=True, slots=True)
class SlotsKnown:
    """How many slots of a provider are known, and since when at least one of its feeds has not been confirmed."""

    count: int
    confirmed_at: datetime


def find_providers(session: Session, wanted: ProvidersWanted, *, after: Key | None, limit: int) -> list[ProviderFound]:
    """Providers that are offered, in the order of their keys, from `after` on (excluded), `limit` at most."""
    found = sorted(_found(session, wanted), key=lambda one: one.key)
    return [one for one in found if after is None or one.key > after][:limit]


def provider(session: Session, provider_id: str) -> Provider | None:
    """Give a provider that is offered; None for an unknown or a retired one."""
    row = session.get(Provider, provider_id)
    return None if row is None or row.retired_at is not None else row


def provider_to_change(session: Session, provider_id: str) -> Provider | None:
    """Give a provider, a retired one too, which nobody else changes before this transaction ends."""
    return session.get(Provider, provider_id, with_for_update=True)


def providers(session: Session) -> Sequence[Provider]:
    """All of them, retired ones too, by id."""
    return session.scalars(select(Provider).order_by(Provider.id)).all()


def slots_known(session: Session, provider_ids: Collection[str]) -> dict[str, SlotsKnown]:
    """What is known of the slots of providers; one of which no feed was ever read is left out.

    Several feeds are as old as the one that was confirmed longest ago.
    """
    counted = (
        select(Feed.provider_id, func.sum(Feed.slots), func.min(Feed.checked_at))
        .where(Feed.provider_id.in_(provider_ids), Feed.checked_at.is_not(None))
        .group_by(Feed.provider_id)
    )
    return {
        provider_id: SlotsKnown(int(count), since)
        for provider_id, count, since in session.execute(counted)
        if since is not None
    }


def feeds(session: Session, provider_id: str | None = None) -> Sequence[Feed]:
    """Feeds of a provider (None: of all), by name."""
    found = select(Feed).order_by(Feed.name)
    return session.scalars(found if provider_id is None else found.where(Feed.provider_id == provider_id)).all()


def territory_lies_in(session: Session, kind: str, code: str | None) -> set[tuple[str, str]]:
    """(kind, code) of every territory that holds the whole of one, itself included. Empty for the country."""
    if kind == "country" or code is None:
        return set()
    if kind == "commune":
        return territory_queries.lies_in(session, code)
    holds = {
        "epci": or_(Commune.epci_code == code, Commune.ept_code == code),
        "departement": Commune.departement_code == code,
        "region": Commune.region_code == code,
    }[kind]
    wider = session.execute(select(Commune.departement_code, Commune.region_code).where(holds).distinct()).all()
    around = {(kind, code)}
    for place, codes in (("departement", {row[0] for row in wider}), ("region", {row[1] for row in wider})):
        if len(codes) == 1:
            around.add((place, codes.pop()))
    return around


def commune_at(session: Session, lat: float | None, lon: float | None) -> str | None:
    """INSEE code of the commune of a position; None where there is none."""
    if lat is None or lon is None:
        return None
    try:
        return territory_queries.nearest_commune(session, lat=lat, lon=lon)[0].code
    except (FarFromCommunes, PositionOutOfRange, PositionSwapped):
        return None


def _found(session: Session, wanted: ProvidersWanted) -> list[ProviderFound]:
    # Lists in a row are compared here: the two databases have no words in common for it, and a registry is short.
    rows = [row for row in session.scalars(_offered(session, wanted)) if _offers(row, wanted)]
    if wanted.position is None:
        return [ProviderFound(row, None) for row in rows]
    lat, lon = wanted.position
    located = [row for row in rows if row.lat is not None]
    distances = geo.distances_m(
        lat=lat,
        lon=lon,
        lats=np.array([row.lat for row in located], dtype=float),
        lons=np.array([row.lon for row in located], dtype=float),
    )
    near = [
        ProviderFound(row, float(far_m))
        for row, far_m in zip(located, distances, strict=True)
        if far_m <= wanted.within_km * 1_000
    ]
    return near + [ProviderFound(row, None) for row in rows if row.lat is None]


def _offered(session: Session, wanted: ProvidersWanted) -> Select[Provider]:
    offered = select(Provider).where(Provider.retired_at.is_(None))
    if wanted.kind is not None:
        offered = offered.where(Provider.kind == wanted.kind)
    if wanted.commune_code is not None:
        holding = territory_queries.lies_in(session, wanted.commune_code)
        offered = offered.where(
            or_(
                Provider.territory_kind == "country",
                tuple_(Provider.territory_kind, Provider.territory_code).in_(sorted(holding)),
            )
        )
    if wanted.position is not None and wanted.within_km < inf:
        lat, reach = wanted.position[0], wanted.within_km / _DEGREE_KM
        offered = offered.where(or_(Provider.lat.is_(None), Provider.lat.between(lat - reach, lat + reach)))
    return offered


def _offers(row: Provider, wanted: ProvidersWanted) -> bool:
    asked = (
        (wanted.modality, row.modalities),
        (wanted.specialty, row.specialties),
        (wanted.language, row.languages),
    )
    return all(one is None or one in known for one, known in asked)
