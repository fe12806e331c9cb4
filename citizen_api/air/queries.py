"""Reads about the air."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.orm import Session, aliased

from citizen_api.air.facts import hour_is_known
from citizen_api.air.measured import StationHours
from citizen_api.air.models import AirFact, AirSource, HourlyForecast, Reading, Station
from citizen_api.air.outlook import OF_A_PART
from citizen_api.air.rules import FORECAST_MAX_AGE
from citizen_api.core import geo
from citizen_api.territory.models import Commune

STATION_RADIUS_M: Final = 20_000
"""Farther than this a station says nothing of a commune."""
_DEGREE_M: Final = 110_500
_MANY: Final = 500
_IDENTITY: Final = ("source_id", "hazard", "kind", "zone_kind", "zone_code", "subject", "day")
"""What the revisions of one fact have in common."""

Zone = tuple[str, str]
"""(kind, code): commune, epci, departement or region."""


def zones_of(session: Session, codes: Collection[str]) -> dict[str, dict[Zone, int]]:
    """The zones in which facts about each commune may be published, with their rank: 0 is the commune itself.

    Then the city of an arrondissement, its groups of communes, its département, its région; last the arrondissements
    of a city.
    """
    zones: dict[str, dict[Zone, int]] = {}
    columns = (
        Commune.code,
        Commune.parent_code,
        Commune.ept_code,
        Commune.epci_code,
        Commune.departement_code,
        Commune.region_code,
    )
    codes = set(codes)
    everywhere = len(codes) > _MANY
    query = select(*columns) if everywhere else select(*columns).where(Commune.code.in_(codes))
    for code, parent, ept, epci, departement, region in session.execute(query):
        if everywhere and code not in codes:
            continue
        wider = (("commune", parent), ("epci", ept), ("epci", epci), ("departement", departement), ("region", region))
        zones[code] = {("commune", code): 0} | {
            (kind, its_code): rank for rank, (kind, its_code) in enumerate(wider, start=1) if its_code
        }
    parts = select(Commune.code, Commune.parent_code).where(Commune.parent_code.is_not(None))
    if not everywhere:
        parts = parts.where(Commune.parent_code.in_(codes))
    for code, parent in session.execute(parts):
        if parent in zones:
            zones[parent][("commune", code)] = OF_A_PART
    return zones


def facts(
    session: Session,
    zones: Collection[Zone] | None,
    *,
    at: datetime,
    ends_after: datetime,
    starts_before: datetime,
    hazard: str | None = None,
) -> list[AirFact]:
    """Every fact that holds within two moments, as the newest of its revisions known at `at` tells it.

    `zones` None: everywhere. `hazard`: of this one alone. They are plain rows with the columns of AirFact, of no
    session: there may be many.
    """
    known_until = at + timedelta(minutes=1)
    newer = aliased(AirFact)
    replaced = exists().where(
        *(getattr(newer, name) == getattr(AirFact, name) for name in _IDENTITY),
        newer.known_at > AirFact.known_at,
        newer.known_at <= known_until,
    )
    query = (
        select(*AirFact.__table__.columns)
        .where(AirFact.known_at <= known_until, ~replaced)
        .where(AirFact.ends_at > ends_after, AirFact.starts_at < starts_before)
        # So that the index on the day serves; a day may begin a day earlier or later by another clock.
        .where(AirFact.day.between(ends_after.date() - timedelta(days=2), starts_before.date() + timedelta(days=2)))
        .order_by(AirFact.id)
    )
    if hazard is not None:
        query = query.where(AirFact.hazard == hazard)
    if zones is not None:
        # Not as pairs: SQLite would search no index for them.
        kinds = {
            kind: sorted(code for its_kind, code in zones if its_kind == kind) for kind in {kind for kind, _ in zones}
        }
        query = query.where(
            or_(
                false(),
                *(and_(AirFact.zone_kind == kind, AirFact.zone_code.in_(kinds[kind])) for kind in sorted(kinds)),
            )
        )
    return list(session.execute(query))  # type: ignore[arg-type]  # a row has the columns of a fact


def by_zone(found: Iterable[AirFact]) -> dict[Zone, list[AirFact]]:
    """Facts by their zone."""
    placed: dict[Zone, list[AirFact]] = defaultdict(list)
    for fact in found:
        placed[fact.zone_kind, fact.zone_code].append(fact)
    return placed


def sources(session: Session) -> dict[str, AirSource]:
    """Every source by its id."""
    return {source.id: source for source in session.scalars(select(AirSource).order_by(AirSource.id))}


def forecast(session: Session, commune_code: str, *, at: datetime, since: datetime) -> list[HourlyForecast]:
    """Hours of the forecast for a commune that end after `since`, oldest first: known, and to be believed, at `at`."""
    query = (
        select(HourlyForecast)
        .where(HourlyForecast.commune_code == commune_code, HourlyForecast.ends_at > since)
        .where(HourlyForecast.known_at.between(at - FORECAST_MAX_AGE, at + timedelta(minutes=1)))
        .order_by(HourlyForecast.ends_at, HourlyForecast.pollutant)
    )
    return list(session.scalars(query))


def stations_near(
    session: Session, *, lat: float | None, lon: float | None, towns: Collection[str], since: datetime, at: datetime
) -> list[StationHours]:
    """Stations within `STATION_RADIUS_M` of a point, and those without a position in `towns` (INSEE codes).

    With their hours that end after `since` and are over at `at`; nearest first, those without a position last. A
    station that measured nothing then is left out.
    """
    unplaced = and_(Station.lat.is_(None), Station.commune_code.in_(towns))
    where = unplaced
    if lat is not None and lon is not None:
        margin = STATION_RADIUS_M / _DEGREE_M
        where = or_(unplaced, Station.lat.between(lat - margin, lat + margin))
    found = []
    for station in session.scalars(select(Station).where(where)):
        distance_m = None
        if station.lat is not None and station.lon is not None and lat is not None and lon is not None:
            distance_m = geo.distance_m(lat=lat, lon=lon, to_lat=station.lat, to_lon=station.lon)
            if distance_m > STATION_RADIUS_M:
                continue
        hours = _hours(session, station, since=since, at=at)
        if hours:
            found.append(
                StationHours(
                    source_id=station.source_id,
                    name=station.name,
                    influence=station.influence,
                    distance_m=distance_m,
                    hours=hours,
                )
            )
    found.sort(key=lambda near: (near.distance_m is None, near.distance_m or 0.0, near.name))
    return found


def _hours(
    session: Session, station: Station, *, since: datetime, at: datetime
) -> dict[str, list[tuple[datetime, float]]]:
    query = (
        select(Reading.pollutant, Reading.ends_at, Reading.value_ug_m3)
        .where(Reading.source_id == station.source_id, Reading.station_code == station.code)
        .where(Reading.ends_at > since, Reading.ends_at <= at + timedelta(minutes=1))
        .order_by(Reading.ends_at)
    )
    hours: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for pollutant, ends_at, value in session.execute(query):
        if hour_is_known(ends_at, at):
            hours[pollutant].append((ends_at, value))
    return dict(hours)
