"""FHIR R4 bundles as JSON: entries, what refers to what, and how FHIR writes codes, texts, addresses and numbers.

Nothing in here raises for a value of another form than FHIR's: it says nothing, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from citizen_api.sources.air_values import text_of
from citizen_api.sources.records import BadRowError, parse_position
from citizen_api.sources.slot_source import TooLargeError, UnreadablePublisherError

SHELF_MOST: Final = 50_000
"""Calendars, people and places of one search: some 100 MB."""
_CONTAINED_MOST: Final = 50
"""Looked through for each reference."""

Given = Mapping[str, Any]
"""A resource, or an element of one, as it stands in the JSON."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What counts of a page: (fullUrl, resource) of each entry, and the address of the page after it."""

    entries: Sequence[tuple[str, Given]]
    next_url: str | None


@dataclass(frozen=True, slots=True)
class Resource:
    """`key`: "Location/12"; of one that another holds, "PractitionerRole/3#12"."""

    key: str
    kind: str
    data: Given


def read_bundle(body: bytes) -> Bundle:
    """Read a page of a search. Raises UnreadablePublisherError."""
    try:
        page = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise UnreadablePublisherError(f"not JSON ({error.msg[:100]})") from None
    if not isinstance(page, dict) or page.get("resourceType") != "Bundle":
        raise UnreadablePublisherError("not a FHIR bundle")
    entries = page.get("entry", [])
    if not isinstance(entries, list):
        raise UnreadablePublisherError("a FHIR bundle without a list of entries")
    told = [(text_of(entry.get("fullUrl")), entry["resource"]) for entry in things(entries) if _holds_one(entry)]
    links = (text_of(link.get("url")) for link in things(page.get("link")) if link.get("relation") == "next")
    return Bundle(told, next((url for url in links if url), None))


class Shelf:
    """The resources of the pages so far, by what may refer to them."""

    def __init__(self) -> None:
        self._by_reference: dict[str, Resource] = {}
        self._held = 0

    def put(self, full_url: str, data: Given) -> None:
        """Keep a resource. Raises TooLargeError for more than SHELF_MOST."""
        kind, own = text_of(data.get("resourceType")), text_of(data.get("id"))
        key = f"{kind}/{own}" if own else full_url
        if not kind or not key:
            return
        self._held += 1
        if self._held > SHELF_MOST:
            raise TooLargeError(f"more than {SHELF_MOST} calendars, people and places")
        resource = Resource(key, kind, data)
        self._by_reference[key] = resource
        if full_url:
            self._by_reference[full_url] = resource

    def find(self, reference: Any, holder: Given, holder_key: str) -> Resource | None:
        """Give what an element of `holder` refers to: an address, "Location/12", or "#12" within the holder."""
        asked = text_of(reference.get("reference")) if isinstance(reference, dict) else ""
        parts = asked.partition("/_history/")[0].split("/")
        found = self._by_reference.get(asked) or self._by_reference.get("/".join(parts[-2:]))
        return found or _contained(parts[-1].removeprefix("#"), holder, holder_key)

    def belonging(self, start: Resource, fields: Mapping[str, Sequence[str]], *, most: int) -> list[Resource]:
        """Give what a resource refers to, and what that refers to: near ones first, each once, `most` at most.

        `fields`: elements that are followed, by kind of resource.
        """
        found = {start.key: start}
        waiting = [start]
        while waiting and len(found) <= most:
            holder = waiting.pop(0)
            for field in fields.get(holder.kind, ()):
                for reference in islice(things(holder.data.get(field)), most):
                    resource = self.find(reference, holder.data, holder.key)
                    if resource and resource.key not in found:
                        found[resource.key] = resource
                        waiting.append(resource)
        return list(found.values())[1 : most + 1]


def things(value: Any) -> Iterator[Given]:
    """Give the objects of a list, or the one object."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield each


def codings(concepts: Any) -> Iterator[tuple[str, str, str]]:
    """Give (system, code, display) of each coding of some concepts; a free text has neither system nor code."""
    for concept in things(concepts):
        for coding in things(concept.get("coding")):
            yield text_of(coding.get("system")), text_of(coding.get("code")), text_of(coding.get("display"))
        if text := text_of(concept.get("text")):
            yield "", "", text


def extensions(data: Given, name: str) -> Iterator[Given]:
    """Give the extensions whose address ends with a name."""
    return (each for each in things(data.get("extension")) if text_of(each.get("url")).endswith(f"/{name}"))


def position(value: Any) -> tuple[float | None, float | None]:
    """Give (lat, lon) of a Location's position; (None, None) where it says none that can be."""
    if not isinstance(value, dict):
        return None, None
    try:
        return parse_position(text_of(value.get("latitude")), text_of(value.get("longitude")))
    except BadRowError:
        return None, None


def _holds_one(entry: Given) -> bool:
    return isinstance(entry.get("resource"), dict)


def _contained(own: str, holder: Given, holder_key: str) -> Resource | None:
    for data in islice(things(holder.get("contained")), _CONTAINED_MOST):
        if own and text_of(data.get("id")).removeprefix("#") == own:
            return Resource(f"{holder_key}#{own}", text_of(data.get("resourceType")), data)
    return None
