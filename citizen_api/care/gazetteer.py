"""Facilities by what residents type: the care side of `/v1/places`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from citizen_api.care.directory import Directory
from citizen_api.territory import places
from citizen_api.territory.rules import search_key


@dataclass(frozen=True, slots=True)
class _Named:
    """A place, by its number, with its keys: `text` is all that may be typed of it, each word after a space."""

    name: str
    text: str
    number: int


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
        directory = self._directory()
        found = [named for named in self._names(directory) if all(word in named.text for word in words)]
        # Numbers are in the order of the ids.
        found.sort(key=lambda named: (named.name != key, not named.name.startswith(key), named.name, named.number))
        return [_as_place(directory.facts(named.number), exact=named.name == key) for named in found[:limit]]


def _names(directory: Directory) -> list[_Named]:
    named = []
    for number in directory:
        facts = directory.facts(number)
        address = facts["address"]
        words = (facts["name"], address["street"], address["postcode"], address["city"])
        named.append(
            _Named(name=search_key(facts["name"]), text=" " + search_key(" ".join(filter(None, words))), number=number)
        )
    return named


def _as_place(facts: dict[str, Any], *, exact: bool) -> places.Place:
    address = facts["address"]
    town = " ".join(filter(None, (address["postcode"], address["city"])))
    where = ", ".join(filter(None, (address["street"], town)))
    return places.Place(
        kind="facility",
        label=f"{facts['name']} ({where})" if where else facts["name"],
        source="facilities",
        lat=facts["lat"],
        lon=facts["lon"],
        postcode=address["postcode"],
        commune_code=address["commune"],
        commune=address["city"],
        facility_id=facts["id"],
        exact=exact,
        approximate=facts["position_approximate"],
    )
