"""Rules about places of care: which id a place has, what an import does to it, how a map groups them."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

DEMO_SOURCE: Final = "demo"
IDENTIFYING_SCHEMES: Final = ("finess", "rpps_site")
"""Schemes whose value names one place, strongest first. `siret` and `finess_ej` may be shared by several, and an
`rpps` number is a person's, who may practise at several: `rpps_site` is that person at one of them.
"""

NEAR_M: Final = 20_000
"""Without `radius_m`, what still counts as near: nothing within it is said, and what is nearest is shown anyway."""

SMALLEST_SPAN_DEG: Final = 1e-6
_FACILITY_ID: Final = re.compile(r"[a-z2-7]{13}")

CLUSTERS_ACROSS: Final = 12
"""About how many groups a crowded map shows from side to side."""


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What is remembered of a record from the imports before."""

    digest: str
    dated: date
    is_open: bool


def outcome(known: KnownRecord | None, *, digest: str, closed: bool) -> str:
    """What a record does to what is known of it: created, updated (or opened again), closed, unchanged.

    `closed`: the source itself declares the place closed.
    """
    if known is None:
        return "created"
    if closed and known.is_open:
        return "closed"
    return "unchanged" if known.digest == digest and known.is_open != closed else "updated"


def is_facility_id(text: str) -> bool:
    """Whether a text could be the id of a place at all."""
    return _FACILITY_ID.fullmatch(text) is not None


def identifying(identifiers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Keep the identifiers that name one place, strongest first; two values of one scheme name none."""
    found: dict[str, set[str]] = {}
    for scheme, value in identifiers:
        found.setdefault(scheme, set()).add(value)
    alone = {scheme: next(iter(values)) for scheme, values in found.items() if len(values) == 1}
    return tuple((scheme, alone[scheme]) for scheme in IDENTIFYING_SCHEMES if scheme in alone)


def facility_id(identifiers: Iterable[tuple[str, str]], *, source_id: str, key: str) -> str:
    """Derive the stable, opaque id of a new place: 13 characters from its strongest identifier.

    Without one, from its key in the smallest of the sources that speak of it.
    """
    scheme, value = next(iter(identifying(identifiers)), (f"source:{source_id}", key))
    digest = hashlib.blake2b(f"{scheme}:{value}".encode(), digest_size=8).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def vanishing_share(*, known: int, vanished: int) -> float:
    """Share of the known open places of a source that a new stock no longer has, 0 to 1."""
    return vanished / known if known else 0.0


def cluster_cell_deg(*, width_deg: float, height_deg: float) -> float:
    """Side of the square in which a crowded map groups places: a power of two, so that panning keeps the grid."""
    span = max(width_deg, height_deg, SMALLEST_SPAN_DEG) / CLUSTERS_ACROSS
    return float(2.0 ** math.ceil(math.log2(span)))


@dataclass(frozen=True, slots=True)
class Cluster:
    """Places grouped on a map: their mean position, how many, and their box (west, south, east, north)."""

    lat: float
    lon: float
    count: int
    bbox: tuple[float, float, float, float]


def cluster(positions: Sequence[tuple[float, float]], *, cell_deg: float) -> list[Cluster]:
    """Group (lat, lon) positions by the cells of a grid anchored at 0, 0."""
    cells: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for lat, lon in positions:
        cells.setdefault((math.floor(lat / cell_deg), math.floor(lon / cell_deg)), []).append((lat, lon))
    clusters = []
    for _, members in sorted(cells.items()):
        lats, lons = [lat for lat, _ in members], [lon for _, lon in members]
        clusters.append(
            Cluster(
                lat=math.fsum(lats) / len(lats),
                lon=math.fsum(lons) / len(lons),
                count=len(members),
                bbox=(min(lons), min(lats), max(lons), max(lats)),
            )
        )
    return clusters
