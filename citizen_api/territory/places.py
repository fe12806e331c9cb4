"""Places by what residents type: what the installation knows first, then the outside geocoder.

A capability above adds what it knows (facilities) as a gazetteer: territory imports nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlalchemy.orm import Session

from citizen_api.core import geo
from citizen_api.sources.ban import FoundAddress
from citizen_api.territory import queries
from citizen_api.territory.geocoding import GeocoderAnswer, GeocoderState, GuardedGeocoder
from citizen_api.territory.queries import CommuneHit
from citizen_api.territory.rules import Score, search_key

_POSTCODE = re.compile(r"\b\d{5}\b")
_LONGEST_TAIL_WORDS = 8
_MOST_OF_A_POSTCODE = 50
_UNKNOWN_FAR_M = 500_000.0
"""A commune whose centre is not known (overseas) comes after the near ones, before those oceans away."""
_SCORE_BAND = 0.1
"""Scores of the geocoder in the same band below the best are equals: the nearer comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere that a text names.

    `kind`: commune, arrondissement, facility, address, street, locality. `source`: communes, facilities, ban.
    `exact`: the text is its whole name. `approximate`: the position is a centre, of the place or, when
    `only_commune`, of the commune of an address that is not known here.
    """

    kind: str
    label: str
    source: str
    lat: float | None
    lon: float | None
    postcode: str | None = None
    commune_code: str | None = None
    commune: str | None = None
    facility_id: str | None = None
    score: float | None = None
    exact: bool = False
    approximate: bool = False
    only_commune: bool = False
    distance_m: float | None = None


class Gazetteer(Protocol):
    """Port: places that the installation itself knows."""

    def __call__(self, session: Session, text: str, *, limit: int) -> list[Place]:
        """Find places that the text names, best first."""
        ...


@dataclass(slots=True)
class Places:
    """What `/v1/places` asks, registered in `Services.ports`. Capabilities append to `gazetteers`."""

    geocoder: GuardedGeocoder
    gazetteers: list[Gazetteer] = field(default_factory=lambda: [communes_gazetteer])

    def known_here(self, session: Session, text: str, *, limit: int) -> list[Place]:
        """Find what the gazetteers know; when none knows the text, the communes that it mentions."""
        found = [place for gazetteer in self.gazetteers for place in gazetteer(session, text, limit=limit)]
        if any(not place.only_commune for place in found):
            return found
        return found or mentioned_communes(session, text, limit=limit)

    def known_outside(self, text: str, here: Sequence[Place]) -> GeocoderAnswer:
        """Ask the outside geocoder, unless the text is the whole name of something known here."""
        if not self.geocoder.off and any(place.exact for place in here):
            return GeocoderAnswer(GeocoderState.ANSWERED)
        return self.geocoder.search(text)


def communes_gazetteer(session: Session, text: str, *, limit: int) -> list[Place]:
    """Communes by name, INSEE code or postcode."""
    hits, _ = queries.search_communes(session, text, limit=limit)
    return [_commune_place(hit, exact=hit.score <= Score.EXACT_WITHOUT_ARTICLE) for hit in hits]


def mentioned_communes(session: Session, text: str, *, limit: int) -> list[Place]:
    """Communes named by the postcode or the last words of an address that is not known here."""
    words = search_key(_POSTCODE.sub(" ", text)).split()
    tails = [" ".join(words[start:]) for start in range(max(0, len(words) - _LONGEST_TAIL_WORDS), len(words))]
    named = queries.communes_named(session, tails)
    hits: list[CommuneHit] = []
    if named:
        longest = max(len(key) for key, _ in named)
        hits = [hit for key, hit in named if len(key) == longest]
    if postcode := _POSTCODE.search(text):
        posted, _ = queries.search_communes(session, postcode[0], limit=_MOST_OF_A_POSTCODE)
        named_codes = {hit.code for hit in hits}
        # The arrondissement first, then those that the words confirm, then all of the postcode.
        confirmed = [hit for hit in posted if hit.kind == "arrondissement" or hit.code in named_codes]
        hits = confirmed or posted or hits
    return [replace(_commune_place(hit, exact=False), only_commune=True) for hit in hits[:limit]]


def merged(
    here: Sequence[Place],
    outside: Sequence[FoundAddress],
    *,
    limit: int,
    near: tuple[float, float] | None = None,
) -> list[Place]:
    """One list, best first: whole names known here, what begins so, the outside geocoder's, mere communes.

    With `near` (lat, lon), the nearer first among equals. A commune known here is not repeated.
    """
    known = {place.commune_code for place in here if place.source == "communes"}
    addresses = [
        _address_place(address)
        for address in outside
        if not (address.kind == "commune" and address.commune_code in known)
    ]
    # A mere commune helps only while the address itself is not found.
    places = [place for place in here if not (place.only_commune and addresses)] + addresses
    if near is not None:
        places = [_with_distance(place, lat=near[0], lon=near[1]) for place in places]
    best = max((place.score for place in places if place.score is not None), default=0.0)
    # Sorting is stable: without a position, equals stay in the order in which they were found.
    ranked = sorted(places, key=lambda place: _rank(place, best_score=best, by_distance=near is not None))
    return ranked[:limit]


def _rank(place: Place, *, best_score: float, by_distance: bool) -> tuple[int, int, float]:
    group = 0 if place.exact else 3 if place.only_commune else 2 if place.source == "ban" else 1
    band = 0 if place.score is None else int((best_score - place.score) / _SCORE_BAND)
    far = _UNKNOWN_FAR_M if place.distance_m is None else place.distance_m
    return group, band, far if by_distance else 0.0


def _with_distance(place: Place, *, lat: float, lon: float) -> Place:
    if place.lat is None or place.lon is None:
        return place
    distance_m = geo.distance_m(lat=lat, lon=lon, to_lat=place.lat, to_lon=place.lon)
    return replace(place, distance_m=round(distance_m, 3))


def _commune_place(hit: CommuneHit, *, exact: bool) -> Place:
    return Place(
        kind=hit.kind,
        label=f"{hit.name} ({hit.departement.name})",
        source="communes",
        lat=hit.lat,
        lon=hit.lon,
        postcode=hit.postcodes[0] if len(hit.postcodes) == 1 else None,
        commune_code=hit.code,
        commune=hit.name,
        exact=exact,
        approximate=hit.lat is not None,
    )


def _address_place(address: FoundAddress) -> Place:
    return Place(
        kind=address.kind,
        label=address.label,
        source="ban",
        lat=address.lat,
        lon=address.lon,
        postcode=address.postcode,
        commune_code=address.commune_code,
        commune=address.city,
        score=address.score,
        approximate=address.kind != "address",
    )
