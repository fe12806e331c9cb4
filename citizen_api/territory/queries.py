"""Reads about communes and what they belong to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import numpy as np
from sqlalchemy import CompoundSelect, Integer, Select, and_, case, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement, Subquery

from citizen_api.core import geo
from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.territory.models import (
    Commune,
    CommuneKey,
    CommunePostcode,
    Departement,
    Epci,
    FormerCommune,
    Region,
)
from citizen_api.territory.problems import CommuneUnknown, CommuneWithoutPosition, FarFromCommunes
from citizen_api.territory.rules import (
    AFTER_KEY,
    CommuneQuery,
    KeyRank,
    KnownCommune,
    PostcodeIndex,
    Score,
    read_query,
    search_key,
)

AT_RADIUS_M = 50_000
"""Farther from the nearest centre than this, no commune is named."""

_FIRST_RADIUS_M = 10_000
_DEGREE_M = 110_500
"""Less than any degree of latitude, so that a box of degrees holds its circle."""

_CODE = re.compile(r"[0-9][0-9A-Ba-b][0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneHit:
    """A commune as a list shows it. `score`: how well it answers a search (0 is exact), 0 elsewhere."""

    code: str
    name: str
    kind: str
    departement: Departement
    population: int | None
    postcodes: Sequence[str]
    lat: float | None
    lon: float | None
    centre_approximate: bool
    score: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneFound:
    """A commune with what it belongs to. `former_code`: the old code under which it was asked for."""

    commune: CommuneHit
    parent: Commune | None
    arrondissements: Sequence[Commune]
    ept: Epci | None
    epci: Epci | None
    region: Region
    former_code: str | None


@dataclass(frozen=True, slots=True)
class CommunePosition:
    """Where a commune's centre is, and whether it is borrowed from its parent or neighbours."""

    code: str
    lat: float
    lon: float
    approximate: bool


def search_communes(
    session: Session, text: str, *, limit: int, cursor: str | None = None
) -> tuple[list[CommuneHit], str | None]:
    """Communes whose name, INSEE code or postcode begins with `text`, best first, and the next page's cursor.

    Raises CursorInvalid.
    """
    query = read_query(text)
    if not query.name and not query.digits:
        return [], None
    hits = _hits(query)
    population = func.coalesce(Commune.population, 0)
    order = (hits.c.score, -population, Commune.code)
    statement = (
        select(Commune, Departement, hits.c.score)
        .join(hits, hits.c.code == Commune.code)
        .join(Departement, Departement.code == Commune.departement_code)
        .order_by(*order)
        .limit(limit + 1)
    )
    search = ("communes", *query)
    if cursor is not None:
        statement = statement.where(tuple_(*order) > tuple_(*read_cursor(cursor, search, (int, int, str))))
    rows = session.execute(statement).all()
    found = _as_hits(session, rows[:limit])
    if len(rows) <= limit:
        return found, None
    last = found[-1]
    return found, write_cursor(search, (last.score, -(last.population or 0), last.code))


def find_commune(session: Session, code: str) -> CommuneFound:
    """Commune of an INSEE code, present or old, with what it belongs to. Raises CommuneUnknown."""
    present = present_code(session, code)
    if present is None:
        raise CommuneUnknown
    ept, epci = aliased(Epci), aliased(Epci)
    parent = aliased(Commune)
    row: Any = session.execute(
        select(Commune, Departement, Region, parent, ept, epci)
        .join(Departement, Departement.code == Commune.departement_code)
        .join(Region, Region.code == Commune.region_code)
        .outerjoin(parent, parent.code == Commune.parent_code)
        .outerjoin(ept, ept.code == Commune.ept_code)
        .outerjoin(epci, epci.code == Commune.epci_code)
        .where(Commune.code == present)
    ).one()
    commune, departement, region, its_parent, its_ept, its_epci = row
    arrondissements = session.scalars(
        select(Commune).where(Commune.parent_code == present).order_by(Commune.code)
    ).all()
    return CommuneFound(
        commune=_as_hits(session, [(commune, departement, 0)])[0],
        parent=its_parent,
        arrondissements=arrondissements,
        ept=its_ept,
        epci=its_epci,
        region=region,
        former_code=None if present == code.upper() else code.upper(),
    )


def present_code(session: Session, code: str) -> str | None:
    """Present code of a commune, from its present or an old code; None when no commune has or had it."""
    if not _CODE.fullmatch(code):
        return None
    code = code.upper()
    return session.scalar(select(Commune.code).where(Commune.code == code)) or session.scalar(
        select(FormerCommune.commune_code).where(FormerCommune.code == code)
    )


def position_of_commune(session: Session, code: str) -> CommunePosition:
    """Centre of a commune. Raises CommuneUnknown, CommuneWithoutPosition."""
    present = present_code(session, code)
    commune = session.get(Commune, present) if present else None
    if commune is None:
        raise CommuneUnknown
    if commune.lat is None or commune.lon is None:
        raise CommuneWithoutPosition
    return CommunePosition(commune.code, commune.lat, commune.lon, commune.centre_approximate)


def centres(session: Session, codes: Collection[str]) -> dict[str, tuple[float, float]]:
    """Centres (lat, lon) of the communes of these codes, present or old; one without a centre is left out."""
    present = {code: code for code in codes}
    former = select(FormerCommune.code, FormerCommune.commune_code).where(
        FormerCommune.code.in_(codes), FormerCommune.code.not_in(select(Commune.code))
    )
    present |= {row[0]: row[1] for row in session.execute(former)}
    located = select(Commune.code, Commune.lat, Commune.lon).where(
        Commune.code.in_(set(present.values())), Commune.lat.is_not(None)
    )
    known = {code: (lat, lon) for code, lat, lon in session.execute(located) if lat is not None and lon is not None}
    return {code: known[commune_code] for code, commune_code in present.items() if commune_code in known}


def lies_in(session: Session, code: str) -> set[tuple[str, str]]:
    """(kind, code) of all that a commune lies in, itself included: commune, epci, departement, region.

    An arrondissement lies in its commune too, an EPT counts as an `epci`; empty for an unknown code.
    """
    present = present_code(session, code)
    commune = session.get(Commune, present) if present else None
    if commune is None:
        return set()
    around = [
        ("commune", commune.code),
        ("commune", commune.parent_code),
        ("epci", commune.ept_code),
        ("epci", commune.epci_code),
        ("departement", commune.departement_code),
        ("region", commune.region_code),
    ]
    return {(kind, wider) for kind, wider in around if wider is not None}


def nearest_commune(session: Session, *, lat: float, lon: float) -> tuple[CommuneHit, float]:
    """Commune whose centre is nearest, and the distance in metres. Where they are known: the arrondissement.

    Raises PositionOutOfRange, PositionSwapped, FarFromCommunes.
    """
    code, distance_m = nearest_centre(session, lat=lat, lon=lon)
    return find_commune(session, code).commune, distance_m


def nearest_centre(session: Session, *, lat: float, lon: float) -> tuple[str, float]:
    """INSEE code of the commune whose centre is nearest, and the distance in metres; as `nearest_commune`, in one look.

    Raises PositionOutOfRange, PositionSwapped, FarFromCommunes.
    """
    geo.check_position(lat=lat, lon=lon)
    for radius_m in (_FIRST_RADIUS_M, AT_RADIUS_M):
        rows = session.execute(_centres_in_box(lat=lat, lon=lon, radius_m=radius_m)).all()
        if not rows:
            continue
        codes, lats, lons = zip(*rows, strict=True)
        distances = geo.distances_m(lat=lat, lon=lon, lats=np.array(lats), lons=np.array(lons))
        nearest = int(distances.argmin())
        if distances[nearest] <= radius_m:
            return str(codes[nearest]), float(distances[nearest])
    raise FarFromCommunes(radius_km=AT_RADIUS_M // 1000)


def postcode_index(session: Session) -> PostcodeIndex:
    """Everything needed to find the communes of many postal addresses (an import keeps it)."""
    postcodes: dict[str, list[str]] = defaultdict(list)
    for code, postcode in session.execute(select(CommunePostcode.commune_code, CommunePostcode.postcode)):
        postcodes[code].append(postcode)
    columns = select(Commune.code, Commune.name, Commune.departement_code, Commune.parent_code, Commune.population)
    former = select(FormerCommune.name, FormerCommune.commune_code).where(FormerCommune.name.is_not(None))
    return PostcodeIndex(
        (
            KnownCommune(code, search_key(name), departement, parent, population or 0, tuple(postcodes[code]))
            for code, name, departement, parent, population in session.execute(columns)
        ),
        [(search_key(name or ""), code) for name, code in session.execute(former)],
    )


def communes_named(session: Session, keys: Sequence[str]) -> list[tuple[str, CommuneHit]]:
    """Communes whose whole name (or name without article) is one of the search keys: (key, commune)."""
    rows = session.execute(
        select(Commune, Departement, literal(0), CommuneKey.key)
        .join(CommuneKey, CommuneKey.commune_code == Commune.code)
        .join(Departement, Departement.code == Commune.departement_code)
        .where(CommuneKey.key.in_(keys), CommuneKey.rank <= KeyRank.WITHOUT_ARTICLE.value)
        .order_by(-func.coalesce(Commune.population, 0), Commune.code)
    ).all()
    hits = _as_hits(session, [row[:3] for row in rows])
    return [(row[3], hit) for row, hit in zip(rows, hits, strict=True)]


def _begins(column: Any, beginning: str) -> ColumnElement[bool]:
    """Whether a bytewise column begins so, in a form that an index serves."""
    return and_(column >= beginning, column < beginning + AFTER_KEY)


def _hits(query: CommuneQuery) -> Subquery:
    """(code, score) of every commune that answers, each once."""
    found = _named(query).subquery() if query.name else _coded(query).subquery()
    return select(found.c.code, func.min(found.c.score).label("score")).group_by(found.c.code).subquery()


def _named(query: CommuneQuery) -> Select[Any]:
    key, rank = CommuneKey.key, CommuneKey.rank
    score = case(
        (and_(key == query.name, rank == KeyRank.NAME.value), _score(Score.EXACT)),
        (and_(key == query.name, rank == KeyRank.WITHOUT_ARTICLE.value), _score(Score.EXACT_WITHOUT_ARTICLE)),
        (rank == KeyRank.INNER.value, _score(Score.INNER_WORDS)),
        (rank == KeyRank.FORMER.value, _score(Score.FORMER)),
        else_=_score(Score.BEGINNING),
    )
    if query.is_full_postcode:
        score = case((CommuneKey.commune_code.in_(_cities()), _score(Score.CITY_OF_ARRONDISSEMENT)), else_=score)
    named = select(CommuneKey.commune_code.label("code"), score.label("score")).where(_begins(key, query.name))
    if query.digits:
        posted = select(CommunePostcode.commune_code).where(_begins(CommunePostcode.postcode, query.digits))
        named = named.where(or_(_begins(CommuneKey.commune_code, query.digits), CommuneKey.commune_code.in_(posted)))
    return named


def _coded(query: CommuneQuery) -> CompoundSelect[Any]:
    exact = query.is_full_postcode
    score = _score(Score.EXACT if exact else Score.BEGINNING)
    cities = CommunePostcode.commune_code.in_(_cities() if exact else [])
    parts = [
        select(Commune.code.label("code"), score.label("score")).where(_begins(Commune.code, query.digits)),
        select(CommunePostcode.commune_code, case((cities, _score(Score.CITY_OF_ARRONDISSEMENT)), else_=score)).where(
            _begins(CommunePostcode.postcode, query.digits)
        ),
    ]
    if exact:
        parts.append(select(FormerCommune.commune_code, _score(Score.FORMER)).where(FormerCommune.code == query.digits))
    return union_all(*parts)


def _score(score: Score) -> ColumnElement[int]:
    return literal(score.value, Integer)


def _cities() -> Select[str | None]:
    """Codes of the cities that have arrondissements."""
    return select(Commune.parent_code).where(Commune.parent_code.is_not(None)).distinct()


def _centres_in_box(*, lat: float, lon: float, radius_m: float) -> Select[str, float | None, float | None]:
    south, north = lat - radius_m / _DEGREE_M, lat + radius_m / _DEGREE_M
    narrowest = max(cos(radians(min(90.0, max(abs(south), abs(north))))), 0.01)
    width = radius_m / (_DEGREE_M * narrowest)
    finer = aliased(Commune)
    statement = (
        select(Commune.code, Commune.lat, Commune.lon)
        .where(Commune.lat.between(south, north), Commune.centre_approximate.is_(False))
        # A city gives way to its arrondissements where their own centres are known.
        .where(
            ~select(finer.code).where(finer.parent_code == Commune.code, finer.centre_approximate.is_(False)).exists()
        )
        .order_by(Commune.code)
    )
    if lon - width >= -180 and lon + width <= 180:  # noqa: PLR2004 - else the box crosses the antimeridian
        statement = statement.where(Commune.lon.between(lon - width, lon + width))
    return statement


def _as_hits(session: Session, rows: Sequence[Any]) -> list[CommuneHit]:
    """Rows of (Commune, Departement, score) with their postcodes, fetched together."""
    postcodes: dict[str, list[str]] = defaultdict(list)
    listed = (
        select(CommunePostcode.commune_code, CommunePostcode.postcode)
        .where(CommunePostcode.commune_code.in_({row[0].code for row in rows}))
        .order_by(CommunePostcode.postcode)
    )
    for code, postcode in session.execute(listed):
        postcodes[code].append(postcode)
    return [
        CommuneHit(
            code=commune.code,
            name=commune.name,
            kind="arrondissement" if commune.parent_code else "commune",
            departement=departement,
            population=commune.population,
            postcodes=postcodes[commune.code],
            lat=commune.lat,
            lon=commune.lon,
            centre_approximate=commune.centre_approximate and commune.lat is not None,
            score=score,
        )
        for commune, departement, score in rows
    ]


def knows_territory(session: Session, kind: str, code: str | None) -> bool:
    """Whether a territory exists: a present commune, an EPCI, a département, a région, or the country."""
    tables = {"commune": Commune, "epci": Epci, "departement": Departement, "region": Region}
    return kind == "country" or (kind in tables and session.get(tables[kind], code) is not None)
