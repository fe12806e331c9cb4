"""From the streets of an extract to the network of a city, and a report of what became of them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citizen_api.mobility import building_surroundings as surroundings
from citizen_api.mobility.building_geometry import CELL_M, Lines, cells_of, near_each_other
from citizen_api.mobility.building_graph import Ends, make_graph
from citizen_api.mobility.building_pieces import Piece, whole_parts
from citizen_api.mobility.building_rights import AHEAD, BACK
from citizen_api.mobility.building_slopes import Slopes, cycling_s, slopes, walking_s
from citizen_api.mobility.building_streets import Streets, streets_of
from citizen_api.mobility.local_factors import LocalFactors, raster_factors, street_factors
from citizen_api.mobility.network import (
    GRAPHS,
    KINDS,
    MAIN_ROADS,
    Flag,
    Float32Array,
    FloatArray,
    Graph,
    GraphName,
    IntArray,
    Network,
)
from citizen_api.sources.osm_streets import Extract, Progress
from citizen_api.sources.raster import Raster

WIDEST_M: Final = 200_000.0
"""Wider is no city, and the plane on which the nearest street is looked for is no longer true."""
_POLLUTING: Final = (*MAIN_ROADS, "motorway")


class NoNetworkError(ValueError):
    """No network can be made of an extract. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is said about a city's network; see `Network`."""

    city: str
    title: str
    built_on: date
    source: str
    licence: str
    attribution: str
    extract_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """What local factors are made of: a table, and for some pollutants a fine raster, with the names of their files."""

    table: LocalFactors
    rasters: Mapping[str, Raster] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """What the factors were made of, in words."""
        named = [f"{pollutant}: {name}" for pollutant, name in sorted(self.files.items())]
        return "; ".join([*named, self.table.source])


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """Heights of the ground, and the name of their file."""

    raster: Raster
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of an extract. `dropped`: {why: (ways or pieces, km)}.

    `kept_km` and the km of all that was dropped are `total_km`: what the file draws, apart from the gaps.
    """

    city: str
    ways: int
    nodes: int
    edges: int
    total_km: float
    kept_km: float
    km_by_kind: Mapping[str, float]
    km_by_graph: Mapping[GraphName, float]
    parts_by_graph: Mapping[GraphName, int]
    dropped: Mapping[str, tuple[int, float]]
    missing_points: int
    gaps: int
    parks: int
    slopes_km: float


def build_network(
    extract: Extract,
    about: About,
    *,
    air: Air,
    relief: Relief | None = None,
    progress: Progress = lambda *_: None,
) -> tuple[Network, Report]:
    """Build the network of a city.

    Raises NoNetworkError, and SourceFormatError when a raster turns out to be broken or to be of elsewhere.
    """
    progress("joining streets", 0, len(extract.streets))
    streets = _in_order(streets_of(extract))
    if not streets.pieces:
        raise NoNetworkError("no street of the file may be walked or cycled along")
    progress("measuring streets", 0, len(streets.pieces))
    lines = streets.lay()
    if max(np.ptp(lines.x_m), np.ptp(lines.y_m)) > WIDEST_M:
        raise NoNetworkError(f"the file is more than {WIDEST_M / 1000:.0f} km wide: cut it to a city first")
    network = _network(streets.pieces, lines, _Around.of(lines, extract), about, air, relief)
    return network, _report(network, streets, extract)


@dataclass(frozen=True, slots=True)
class _Around:
    """What lies around streets, looked up once."""

    green: NDArray[np.bool_]
    main_road_m: Float32Array

    @classmethod
    def of(cls, lines: Lines, extract: Extract) -> _Around:
        def placed(points: NDArray[np.int64]) -> FloatArray:
            return lines.on_plane(extract.lats_e7[points], extract.lons_e7[points])

        roads = [
            placed(np.array(part))
            for street in extract.streets
            if street.tags.kind in _POLLUTING and not street.tags.tunnel  # its air comes out at its ends only
            for part in whole_parts(street.points)
        ]
        areas = surroundings.park_areas(map(placed, extract.parks))
        return cls(surroundings.green(lines, areas), surroundings.distance_m(lines, roads))


def _in_order(streets: Streets) -> Streets:
    """Put the streets in the order of the places where they begin: neighbours follow each other in the files."""
    if not streets.pieces:
        return streets
    begins = np.array([piece.points[0] for piece in streets.pieces])
    order = near_each_other(streets.lons_e7[begins], streets.lats_e7[begins])
    return replace(streets, pieces=[streets.pieces[number] for number in order.tolist()])


def _network(
    pieces: Sequence[Piece], lines: Lines, around: _Around, about: About, air: Air, relief: Relief | None
) -> Network:
    junctions, first, ends = np.unique(
        np.array([(piece.points[0], piece.points[-1]) for piece in pieces]).ravel(),
        return_index=True,
        return_inverse=True,
    )
    # Numbered as they come in the streets, which are in order.
    order = np.argsort(first)
    number = np.empty(len(junctions), np.int32)
    number[order] = np.arange(len(junctions), dtype=np.int32)
    tails, heads = number[ends].reshape(-1, 2).T
    at = np.column_stack((lines.offsets[:-1], lines.offsets[1:] - 1)).ravel()[first[order]]
    flags, slope = _flags(pieces, lines, around, relief)
    names, name_offsets, name_bytes = _names(pieces)
    cells = cells_of(lines)
    kinds = np.array([KINDS.index(piece.traits.kind) for piece in pieces], np.uint8)
    length_m = lines.length_m.astype(np.float32)
    return Network(
        city=about.city,
        title=about.title,
        built_on=about.built_on,
        source=about.source,
        licence=about.licence,
        attribution=about.attribution,
        extract_date=about.extract_date,
        factor_source=air.source,
        factor_method="raster" if air.rasters else "table",
        elevation_source=relief.source if relief else None,
        origin=lines.origin,
        box=_box(lines),
        lats=lines.lats_e7[at] / 1e7,
        lons=lines.lons_e7[at] / 1e7,
        x_m=lines.x_m[at].astype(np.float32),
        y_m=lines.y_m[at].astype(np.float32),
        tails=np.ascontiguousarray(tails),
        heads=np.ascontiguousarray(heads),
        length_m=length_m,
        kinds=kinds,
        flags=flags,
        names=names,
        name_offsets=name_offsets,
        name_bytes=name_bytes,
        ascent_m=slope.ascent_m,
        descent_m=slope.descent_m,
        main_road_m=around.main_road_m,
        shape_offsets=lines.offsets.astype(np.int32),
        shape_lat_e7=lines.lats_e7.astype(np.int32),
        shape_lon_e7=lines.lons_e7.astype(np.int32),
        factors=_factors(lines, air, kinds=kinds, main_road_m=around.main_road_m, length_m=length_m),
        graphs=_graphs(pieces, tails, heads, slope, flags, kinds),
        cell_m=CELL_M,
        columns=cells.columns,
        rows=cells.rows,
        west_m=cells.west_m,
        south_m=cells.south_m,
        cell_offsets=cells.offsets,
        cell_streets=cells.streets,
    )


def _box(lines: Lines) -> tuple[float, float, float, float]:
    lats, lons = lines.lats_e7 / 1e7, lines.lons_e7 / 1e7
    return float(lats.min()), float(lons.min()), float(lats.max()), float(lons.max())


def _names(pieces: Sequence[Piece]) -> tuple[IntArray, IntArray, NDArray[np.uint8]]:
    known = sorted({piece.traits.name for piece in pieces if piece.traits.name is not None})
    ranks: dict[str | None, int] = {None: -1} | {name: rank for rank, name in enumerate(known)}
    encoded = [name.encode() for name in known]
    offsets = np.concatenate(([0], np.cumsum([len(name) for name in encoded]))).astype(np.int32)
    numbers = np.array([ranks[piece.traits.name] for piece in pieces], np.int32)
    return numbers, offsets, np.frombuffer(b"".join(encoded), np.uint8)


def _flags(
    pieces: Sequence[Piece], lines: Lines, around: _Around, relief: Relief | None
) -> tuple[NDArray[np.uint16], Slopes]:
    flags = np.array([piece.traits.flags for piece in pieces], np.uint16)
    carried = (flags & (Flag.TUNNEL | Flag.BRIDGE | Flag.INDOOR)) > 0
    incline = np.array([piece.traits.incline_pct for piece in pieces], np.float64)  # None becomes NaN
    slope = slopes(lines, relief.raster if relief else None, incline_pct=incline, carried=carried)
    flags[around.green] |= np.uint16(Flag.GREEN)
    flags[slope.too_steep(lines.length_m)] |= np.uint16(Flag.NO_WHEELCHAIR)
    one_way = [{piece.traits.walk, piece.traits.bike} & {AHEAD, BACK} for piece in pieces]
    flags[np.array([bool(some) for some in one_way])] |= np.uint16(Flag.ONEWAY)
    # What is said of a slope does not undo what is said of the street itself.
    flags[(flags & Flag.NO_WHEELCHAIR) > 0] &= np.uint16(~Flag.WHEELCHAIR & 0xFFFF)
    return flags, slope


def _factors(
    lines: Lines, air: Air, *, kinds: NDArray[np.uint8], main_road_m: Float32Array, length_m: Float32Array
) -> dict[str, Float32Array]:
    count = len(kinds)
    lats, lons = lines.degrees(*lines.along(np.arange(count), np.full(count, 0.5)))
    factors = street_factors(air.table, kinds=kinds, main_road_m=main_road_m, length_m=length_m)
    return factors | {
        pollutant: raster_factors(raster, lats=lats, lons=lons, length_m=length_m)
        for pollutant, raster in air.rasters.items()
    }


def _graphs(
    pieces: Sequence[Piece],
    tails: IntArray,
    heads: IntArray,
    slope: Slopes,
    flags: NDArray[np.uint16],
    kinds: NDArray[np.uint8],
) -> dict[GraphName, Graph]:
    n = int(max(tails.max(), heads.max())) + 1
    steps, lifts = kinds == KINDS.index("steps"), kinds == KINDS.index("elevator")
    pushed = (flags & Flag.PUSH) > 0
    walk = Ends(tails, heads, np.array([piece.traits.walk for piece in pieces], np.uint8))
    bike = Ends(tails, heads, np.array([piece.traits.bike for piece in pieces], np.uint8))
    walked, cycled = (
        [walking_s(slope, steps=steps, lifts=lifts, back=back) for back in (False, True)],
        [cycling_s(slope, pushed=pushed, back=back) for back in (False, True)],
    )
    return {
        "walk": make_graph(walk, n, ahead_s=walked[0], back_s=walked[1]),
        "bike": make_graph(bike, n, ahead_s=cycled[0], back_s=cycled[1]),
    }


def _report(network: Network, streets: Streets, extract: Extract) -> Report:
    length = network.length_m.astype(np.float64) / 1000
    by_kind = np.bincount(network.kinds, weights=length, minlength=len(KINDS))
    used = {
        name: (network.graphs[name].forward_arcs >= 0) | (network.graphs[name].backward_arcs >= 0) for name in GRAPHS
    }
    return Report(
        city=network.city,
        ways=len(extract.streets),
        nodes=len(network.lats),
        edges=len(network.tails),
        total_km=streets.total_km,
        kept_km=streets.kept_km,
        km_by_kind={kind: float(km) for kind, km in zip(KINDS, by_kind, strict=True) if km},
        km_by_graph={name: float(length[mask].sum()) for name, mask in used.items()},
        parts_by_graph={name: int(network.graphs[name].components.max(initial=-1)) + 1 for name in GRAPHS},
        dropped=streets.dropped,
        missing_points=extract.missing,
        gaps=streets.gaps,
        parks=len(extract.parks),
        slopes_km=float(length[~np.isnan(network.ascent_m)].sum()),
    )
