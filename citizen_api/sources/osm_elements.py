"""What a form of OpenStreetMap file hands over, and which of its objects are places of care."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from citizen_api.sources.records import RAW_MAX_CHARS, clean

UNITS_PER_DEGREE: Final = 10_000_000
"""OpenStreetMap keeps positions as whole numbers of this unit: both forms of file give the same."""

KIND_KEYS: Final = ("amenity", "healthcare", "emergency", "man_made")
"""An object with none of these keys is no place of care."""

AMENITIES: Final = frozenset(
    {"pharmacy", "hospital", "clinic", "doctors", "dentist", "nursing_home", "social_facility", "drinking_water"}
)
IF_DRINKABLE: Final = (("amenity", "fountain"), ("man_made", "water_tap"))
"""Only with drinking_water=yes: most fountains are there to be looked at."""

QUALIFIERS: Final = (
    "emergency",
    "healthcare:speciality",
    "social_facility",
    "social_facility:for",
    "drinking_water",
)
"""Keys that tell one hospital, practice, home or fountain from another."""

WITHIN_REACH_OF_ALL: Final = frozenset(
    {"emergency=defibrillator", "amenity=drinking_water", "amenity=fountain", "man_made=water_tap"}
)
"""Things that anyone takes or uses: one that is not for everyone is no help. `access` of a hospital tells of cars."""

NOT_FOR_EVERYONE: Final = frozenset({"private", "no", "permit", "customers"})
OUT_OF_USE: Final = frozenset({"broken", "closed", "out_of_order", "non_operational", "non-operational"})
VALUES_MAX: Final = 20
"""Values of one key beyond this many say nothing any more."""

_NO_WORD: Final = re.compile(r"\W+")


class Tags(Protocol):
    """The tags of an object: a dictionary, or pyosmium's own list."""

    def get(self, key: str, /) -> str | None:
        """Value of a key, or None."""


@dataclass(frozen=True, slots=True)
class Element:
    """A place of care in OpenStreetMap. `key` is "node/123", "way/5" or "relation/7".

    `position` is (latitude, longitude) in UNITS_PER_DEGREE: that of the node, else the middle of the box round all
    the corners that the file has; None when it has none. `edited_on` is the day of the object's last edit. `row`
    is its rank in the file, from 1.
    """

    row: int
    key: str
    tags: Mapping[str, str]
    position: tuple[int, int] | None
    edited_on: date | None

    @property
    def raw(self) -> str:
        """Its key and tags as compact JSON, cut."""
        return raw_of(self.key, self.tags)


def raw_of(key: str, tags: Mapping[str, str]) -> str:
    """Write an object as compact JSON, cut."""
    return json.dumps({"id": key, **tags}, ensure_ascii=False, separators=(",", ":"))[:RAW_MAX_CHARS]


def values_of(text: str | None) -> tuple[str, ...]:
    """Split "general;paediatrics" into its values; a character that no value of a code has becomes "_"."""
    parts = (_NO_WORD.sub("_", clean(part).lower()) for part in (text or "").split(";", VALUES_MAX)[:VALUES_MAX])
    return tuple(dict.fromkeys(part for part in parts if part))


def kinds_of(tags: Tags) -> tuple[str, ...]:
    """Tags by which an object is a place of care: ("amenity=hospital", "healthcare=hospital"); () when it is none.

    A prefix such as disused: makes another key of it, so that places of the past are none.
    """
    kinds = [f"amenity={value}" for value in values_of(tags.get("amenity")) if value in AMENITIES]
    kinds += (f"healthcare={value}" for value in values_of(tags.get("healthcare")) if value != "no")
    if tags.get("emergency") == "defibrillator":
        kinds.append("emergency=defibrillator")
    if tags.get("drinking_water") == "yes":
        kinds += (f"{key}={value}" for key, value in IF_DRINKABLE if tags.get(key) == value)
    return tuple(kinds)


def category_codes(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Say what a place is: each tag that makes it one, then each tag that says which, alone and beside those.

    Tags of one code are joined by "&" in alphabetical order. A place that is not for the public has one code only,
    the tag that says so (access=private). `type:FR:FINESS`, the register's own code, comes last.
    """
    kinds = kinds_of(tags)
    if reason := _why_not_for_the_public(tags, kinds):
        return (("osm", reason),)
    codes = list(kinds)
    for key in QUALIFIERS:
        for value in values_of(tags.get(key)):
            tag = f"{key}={value}"
            codes += (tag, "&".join(sorted({*kinds, tag})))
    finess = [code for code in values_of(tags.get("type:FR:FINESS")) if re.fullmatch(r"[0-9]{3}", code)]
    return tuple(dict.fromkeys([*(("osm", code) for code in codes), *(("finess", code) for code in finess)]))


def _why_not_for_the_public(tags: Mapping[str, str], kinds: tuple[str, ...]) -> str | None:
    for key in ("disused", "abandoned"):
        if tags.get(key) == "yes":
            return f"{key}=yes"
    if any(kind.endswith("=pharmacy") for kind in kinds) and tags.get("dispensing") == "no":
        return "dispensing=no"
    if not WITHIN_REACH_OF_ALL.issuperset(kinds):
        return None
    if (access := tags.get("access", "")) in NOT_FOR_EVERYONE:
        return f"access={access}"
    if (status := tags.get("operational_status", "")) in OUT_OF_USE:
        return f"operational_status={status}"
    return "drinking_water=no" if tags.get("drinking_water") == "no" else None


def middle(points: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """Middle of the box round (latitude, longitude) points, in their unit; None when there is no point."""
    corners = list(points)
    if not corners:
        return None
    lats, lons = zip(*corners, strict=True)
    return (min(lats) + max(lats)) // 2, (min(lons) + max(lons)) // 2
