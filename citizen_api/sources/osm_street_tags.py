"""What OpenStreetMap's tags say of a street, and of what stands across one. See its wiki: Key:highway, Key:access."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Literal

from citizen_api.sources.records import clean

Bicycle = Literal["yes", "push", "no"]
Direction = Literal[-1, 0, 1]
"""Both ways (0), only as it is drawn (1), only against that (-1)."""

KIND_MAX_CHARS: Final = 40
NAME_MAX_CHARS: Final = 200

_ALLOWED: Final = frozenset(
    {"yes", "designated", "permissive", "destination", "official", "public", "discouraged", "limited"}
)
_DENIED: Final = frozenset(
    {"no", "private", "customers", "permit", "agricultural", "forestry", "delivery", "military", "employees"}
    | {"residents", "emergency", "use_sidepath", "restricted"}
)
_YES: Final = frozenset({"yes", "true", "1"})
_AGAINST: Final = frozenset({"-1", "reverse"})
_NO: Final = frozenset({"no", "false", "0"})
_ROUND: Final = frozenset({"roundabout", "circular"})
_NO_PAVEMENT_HERE: Final = frozenset({"no", "none", "separate"})
"""`separate`: it is drawn elsewhere; who walks along this line would walk on the road."""
_LIT: Final = frozenset({"yes", "24/7", "automatic", "limited", "sunset-sunrise", "operating_times", "interval"})
_UNLIT: Final = frozenset({"no", "disused"})
_SIDES: Final = ("cycleway", "cycleway:both", "cycleway:left", "cycleway:right")
_OF_THEIR_OWN: Final = frozenset({"lane", "track", "opposite_lane", "opposite_track"})
"""Not a lane shared with buses, nor `opposite` alone, which is a right and no lane."""
_ROUGH: Final = frozenset(
    {"sett", "cobblestone", "unhewn_cobblestone", "cobblestone:flattened", "gravel", "pebblestone", "stepping_stones"}
    | {"sand", "grass", "grass_paver", "ground", "dirt", "earth", "mud", "rock", "woodchips", "unpaved"}
)
_BAD: Final = frozenset({"bad", "very_bad", "horrible", "very_horrible", "impassable"})
_ROUGH_TRACKS: Final = frozenset({"grade3", "grade4", "grade5"})
_INCLINE: Final = re.compile(r"(-?\d{1,3}(?:[.,]\d+)?) ?([%°])")
_STEEPEST_PCT: Final = 50.0
"""Beyond, a slip of the pen."""
_SHUT_TO_WALKERS: Final = frozenset({"turnstile", "full-height_turnstile", "wall", "fence", "hedge", "retaining_wall"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetTags:
    """A street by its tags; nothing is decided here that they do not say.

    `kind`: its `highway`, a link road's that of its road. `foot`: whether walkers are said to be allowed or not;
    `bicycle`: whether one is said to ride, to push, or neither; None: the kind decides. What is said of everybody or
    of all vehicles (`access`, `vehicle`) may deny, but allows nobody what the kind does not. `foot_oneway`,
    `bike_oneway`: see Direction. `sidewalk`: has one that is not drawn as a way of its own. `cycle`: a way of its own
    for bicycles, a lane or a track. `rough`: wheels do not roll well. `incline_pct`: rise in 100 metres as it is
    drawn; None: not said.
    """

    kind: str
    name: str | None = None
    foot: bool | None = None
    bicycle: Bicycle | None = None
    foot_oneway: Direction = 0
    bike_oneway: Direction = 0
    sidewalk: bool = False
    lit: bool | None = None
    cycle: bool = False
    rough: bool = False
    tunnel: bool = False
    bridge: bool = False
    indoor: bool = False
    wheelchair: bool | None = None
    incline_pct: float | None = None


FIELDS: Final = tuple(field.name for field in fields(StreetTags))


def street_tags(tags: Mapping[str, str]) -> StreetTags:
    """Read the tags of a way that has `highway`."""
    kind = clean(tags["highway"])[:KIND_MAX_CHARS].removesuffix("_link")
    motorroad = tags.get("motorroad") == "yes"
    return StreetTags(
        kind={"road": "unclassified", "bridleway": "path"}.get(kind, kind),
        name=clean(tags.get("name"))[:NAME_MAX_CHARS] or None,
        foot=_foot(tags, motorroad=motorroad),
        bicycle=_bicycle(tags, bridleway=kind == "bridleway", motorroad=motorroad),
        foot_oneway=_foot_oneway(tags),
        bike_oneway=_bike_oneway(tags),
        sidewalk=any(
            tags.get(key, "no") not in _NO_PAVEMENT_HERE
            for key in ("sidewalk", "sidewalk:left", "sidewalk:right", "sidewalk:both")
        ),
        lit=_either(tags.get("lit"), _LIT, _UNLIT),
        cycle=kind == "cycleway"
        or tags.get("bicycle") == "designated"
        or any(tags.get(side) in _OF_THEIR_OWN for side in _SIDES),
        rough=_is_rough(tags),
        # A passage through a building is not one in which the air stands.
        tunnel=tags.get("tunnel", "no") not in {"no", "building_passage"},
        bridge=tags.get("bridge", "no") != "no",
        indoor=kind == "corridor" or tags.get("indoor", "no") != "no",
        wheelchair=_either(tags.get("wheelchair"), frozenset({"yes", "designated"}), frozenset({"no"})),
        incline_pct=_incline_pct(tags.get("incline")),
    )


def shuts_walkers_out(tags: Mapping[str, str]) -> bool:
    """Whether what stands on a point of a street (`barrier`) stops who walks; on foot one pushes a bicycle through."""
    said = _first_said(tags, "foot", "access")
    if said is not None:
        return not said
    return tags.get("locked") == "yes" or tags.get("barrier") in _SHUT_TO_WALKERS


def _either(value: str | None, yes: frozenset[str], no: frozenset[str]) -> bool | None:
    return True if value in yes else False if value in no else None


def _first_said(tags: Mapping[str, str], *keys: str) -> bool | None:
    """Whether the first of the keys that says something allows or denies; a value that is not known says nothing."""
    return next((said for key in keys if (said := _either(tags.get(key), _ALLOWED, _DENIED)) is not None), None)


def _foot(tags: Mapping[str, str], *, motorroad: bool) -> bool | None:
    said = _first_said(tags, "foot")
    if said is None and (motorroad or _first_said(tags, "access") is False):
        return False
    return said


def _bicycle(tags: Mapping[str, str], *, bridleway: bool, motorroad: bool) -> Bicycle | None:
    if tags.get("bicycle") == "dismount":
        return "push"
    said = _first_said(tags, "bicycle")
    if said is not None:
        return "yes" if said else "no"
    if motorroad or bridleway:
        return "no"
    if _first_said(tags, "vehicle") is False:
        return "push"  # who pushes a bicycle is on foot
    return "no" if _first_said(tags, "vehicle", "access") is False else None


def _foot_oneway(tags: Mapping[str, str]) -> Direction:
    """Direction of an escalator, or of a way that is one-way for walkers; `oneway` alone is about vehicles."""
    said = tags.get("oneway:foot", tags.get("foot:oneway", ""))
    if said in _AGAINST or tags.get("conveying") == "backward":
        return -1
    return 1 if said in _YES or tags.get("conveying") == "forward" else 0


def _bike_oneway(tags: Mapping[str, str]) -> Direction:
    for said in (tags.get("oneway:bicycle", ""), tags.get("bicycle:oneway", "")):
        if said in _YES | _AGAINST | _NO:
            return _direction(said)
    two_ways = any(tags.get(side, "").startswith("opposite") for side in _SIDES) or any(
        tags.get(f"{side}:oneway") in _NO | _AGAINST for side in ("cycleway", "cycleway:left", "cycleway:right")
    )
    if two_ways:
        return 0
    said = tags.get("oneway", "")
    if said not in _YES | _AGAINST | _NO and tags.get("junction") in _ROUND:
        return 1
    return _direction(said)


def _direction(said: str) -> Direction:
    return 1 if said in _YES else -1 if said in _AGAINST else 0


def _is_rough(tags: Mapping[str, str]) -> bool:
    if "smoothness" in tags:
        return tags["smoothness"] in _BAD
    if "surface" in tags:
        return tags["surface"] in _ROUGH
    return tags.get("tracktype") in _ROUGH_TRACKS


def _incline_pct(said: str | None) -> float | None:
    """Give the figure of an incline such as `5%`, `-3.5 %` or `4°`; `up` and `down` tell no steepness."""
    found = _INCLINE.fullmatch(said.strip()) if said else None
    if found is None:
        return None
    figure = float(found[1].replace(",", "."))
    if found[2] == "°":
        figure = 100 * math.tan(math.radians(figure))
    return round(figure, 1) if abs(figure) <= _STEEPEST_PCT else None
