"""What a map shows, as plain data, all words in one language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from citizen_api.mobility.network import FloatArray

MarkerKind = Literal["here", "start", "goal", "station", "place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A point. `text`: what it is, in words, for the list below the map; the map itself gives it its letter or number.

    `here` is where the question stands, `start` is A and `goal` B; stations and places are numbered in their order.
    """

    lat: float
    lon: float
    kind: MarkerKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A way: `points` [k, 2] of (lat, lon), k at least 2. The `chosen` one is coloured, the others are dashed.

    `values`: for each of the k - 1 segments the exposure against the mean of the city, 1 being that mean; NaN where
    it is not known. None: no street is said to be better than another, and the way has one colour.
    """

    points: FloatArray
    values: FloatArray | None
    chosen: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """What is reached within `minutes`: closed `rings`, each [k, 2] of (lat, lon); a ring in a ring is a hole."""

    minutes: int
    rings: Sequence[FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A whole map. `description` is said to those who do not see it, before what the markers and colours mean.

    `attribution`: whose data it shows; empty: the attribution of the networks in view. `notices` stand above the map,
    `remarks` below its legend.
    """

    title: str
    description: str
    lines: Sequence[Line] = ()
    areas: Sequence[Area] = ()
    markers: Sequence[Marker] = ()
    attribution: str = ""
    notices: Sequence[str] = ()
    remarks: Sequence[str] = ()
