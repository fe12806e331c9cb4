"""Who may go along a street, and how it is told: from tags to the properties of a piece of network. Pure.

Where no sign was mapped, the kind of street decides, as is usual in France: a bicycle is pushed on a footway, where
only who pushes it is a pedestrian (Code de la route, R412-34), and on a pedestrian street, where one may ride no faster
than one walks (R431-9), so that it takes the same time; nobody walks along a cycle track, and a motorway or an express
road is for neither. What is said of everybody (`access`, `vehicle`) closes a street, but opens none that its kind
does not: only `foot` and `bicycle` do. A bicycle is carried nowhere: steps and lifts are for walkers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from citizen_api.mobility.network import KINDS, Flag
from citizen_api.sources.osm_street_tags import Bicycle, Direction, StreetTags

NEITHER, AHEAD, BACK, BOTH = 0, 1, 2, 3
"""Directions in which a piece may be gone along, as bits."""

_DIRECTIONS: Final[dict[Direction, int]] = {0: BOTH, 1: AHEAD, -1: BACK}
_WALKED_ONLY: Final = frozenset({"steps", "elevator", "corridor"})
_PUSHED: Final = frozenset({"footway", "pedestrian"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """All that is told of a piece besides its shape: pieces of equal traits are joined where nothing forks.

    `walk`, `bike`: directions, as bits. `flags`: those of Flag that hold in both directions.
    """

    kind: str
    name: str | None
    flags: Flag
    walk: int
    bike: int
    incline_pct: float | None

    def reversed(self) -> Traits:
        """The same piece, drawn the other way."""
        return _reversed(self)


@lru_cache(maxsize=10_000)  # a city has few distinct traits for its many pieces
def _reversed(traits: Traits) -> Traits:
    incline = None if traits.incline_pct is None else -traits.incline_pct
    return replace(traits, walk=_turned(traits.walk), bike=_turned(traits.bike), incline_pct=incline)


def _turned(directions: int) -> int:
    return (directions & AHEAD) << 1 | (directions & BACK) >> 1


def traits_of(tags: StreetTags) -> Traits | None:
    """What a street is for those who walk or cycle; None: it is no street for either, or of no kind we know."""
    if tags.kind not in KINDS:
        return None
    walks = _walks(tags)
    bicycle = _bicycle(tags, walks=walks)
    walk = _DIRECTIONS[tags.foot_oneway] if walks else NEITHER
    # Who pushes goes as walkers do.
    bike = {"yes": _DIRECTIONS[tags.bike_oneway], "push": walk, "no": NEITHER}[bicycle]
    if not walk and not bike:
        return None
    return Traits(
        kind=tags.kind,
        name=tags.name,
        flags=_flags(tags, pushed=bicycle == "push"),
        walk=walk,
        bike=bike,
        incline_pct=tags.incline_pct,
    )


def _walks(tags: StreetTags) -> bool:
    if tags.foot is not None:
        return tags.foot
    return tags.sidewalk if tags.kind in {"trunk", "cycleway"} else True


def _bicycle(tags: StreetTags, *, walks: bool) -> Bicycle:
    said = tags.bicycle
    if tags.kind in _WALKED_ONLY:
        return "no"
    if said is None:
        if tags.kind == "trunk":
            return "yes" if tags.cycle else "no"
        said = "push" if tags.kind in _PUSHED else "yes"
    return "no" if said == "push" and not walks else said


def _flags(tags: StreetTags, *, pushed: bool) -> Flag:
    told = {
        Flag.STEPS: tags.kind == "steps",
        Flag.LIT: tags.lit is True,
        Flag.UNLIT: tags.lit is False,
        Flag.CYCLE: tags.cycle,
        Flag.ROUGH: tags.rough,
        Flag.TUNNEL: tags.tunnel,
        Flag.BRIDGE: tags.bridge,
        Flag.INDOOR: tags.indoor,
        Flag.WHEELCHAIR: tags.wheelchair is True and tags.kind != "steps",
        Flag.NO_WHEELCHAIR: tags.wheelchair is False or tags.kind == "steps",
        Flag.PUSH: pushed,
    }
    flags = Flag(0)
    for flag, holds in told.items():
        if holds:
            flags |= flag
    return flags
