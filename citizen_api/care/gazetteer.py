"""Facilities by what residents type: the care side of `/v1/places`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.orm import Session

from citizen_api.care.directory import Directory, Place
from citizen_api.territory import places
from citizen_api.territory.rules import search_key


@dataclass(frozen=True, slots=True)
class _Named:
    """A place with its keys: `text` is all that may be typed of it, each word after a space."""

    name: str
    text: str
    place: Place


class FacilitiesGazetteer:
    """Finds facilities whose name, street, postcode and city hold, as beginnings, all words that were typed."""

    def __init__(self, directory: Callable[[], Directory]) -> None:
        self._directory = directory
        self._names = lru_cache(maxsize=1)(_names)

    def __call__(self, session: Session, text: str, *, limit: int) -> list[places.Place]:  # noqa: ARG002 - the port
        """Find facilities that the text names: whole names first, then by name and id."""
        key = search_key(text)
        words = [f" {word}" for word in key.split()]
        if not words:
            return []
        found = [named for named in self._names(self._directory()) if all(word in named.text for word in words)]
        found.sort(key=lambda named: (named.name != key, not named.name.startswith(key), named.name, named.place.id))
        return [_as_place(named.place, exact=named.name == key) for named in found[:limit]]


def _names(directory: Directory) -> list[_Named]:
    return [
        _Named(
            name=search_key(place.name),
            text=" " + search_key(" ".join(filter(None, (place.name, place.street, place.postcode, place.city)))),
            place=place,
        )
        for place in directory.places()
    ]


def _as_place(place: Place, *, exact: bool) -> places.Place:
    where = ", ".join(filter(None, (place.street, " ".join(filter(None, (place.postcode, place.city))))))
    return places.Place(
        kind="facility",
        label=f"{place.name} ({where})" if where else place.name,
        source="facilities",
        lat=place.lat,
        lon=place.lon,
        postcode=place.postcode,
        commune_code=place.commune_code,
        commune=place.city,
        facility_id=place.id,
        exact=exact,
        approximate=place.position_approximate,
    )
