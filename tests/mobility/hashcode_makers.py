"""The streets of Paris as published for Hash Code 2014 (11,348 junctions): a real graph, for size. Internal only.

Each street is straight, and has no other facts than its length and its time by car; a bicycle heeds its one way, a
pedestrian does not.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from citizen_api.mobility.network import KINDS, POLLUTANTS, Flag, Network, to_plane
from citizen_api.mobility.rules import WALK_SPEED_M_S
from tests.mobility.makers import make_graph, make_grid

HASHCODE = "osm/paris_streets_hashcode2014.txt"
CELL_M = 200.0


def read_hashcode(path: Path) -> Network:
    """Line 1 `N M T C S`; N lines `lat lon`; M lines `a b direction(1: one way) cost_s length_m`."""
    with path.open(encoding="ascii") as lines:
        n, s = (int(word) for word in next(lines).split()[:2])
        places = np.array([next(lines).split() for _ in range(n)], np.float64)
        rows = np.array([next(lines).split() for _ in range(s)], np.int32)
    oneway = frozenset(np.flatnonzero(rows[:, 2] == 1).tolist())
    length_m = np.maximum(rows[:, 4], 1).astype(np.float32)
    tails, heads = rows[:, 0].copy(), rows[:, 1].copy()
    graphs = {
        "walk": make_graph(n, tails, heads, length_m / np.float32(WALK_SPEED_M_S)),
        "bike": make_graph(n, tails, heads, np.maximum(rows[:, 3], 1).astype(np.float32), oneway=oneway),
    }
    return network_of("hashcode", places[:, 0].copy(), places[:, 1].copy(), tails, heads, length_m, graphs, oneway)


def network_of(city, lats, lons, tails, heads, length_m, graphs, oneway=()) -> Network:
    """A network of straight streets, of junctions and graphs that are given."""
    s = len(tails)
    origin = (float(lats.mean()), float(lons.mean()))
    east, north = to_plane(origin, lat=origin[0] + 1, lon=origin[1] + 1)
    x, y = (lons - origin[1]) * east, (lats - origin[0]) * north
    flags = np.full(s, Flag.LIT, np.uint16)
    flags[list(oneway)] |= np.uint16(Flag.ONEWAY)
    return replace(
        make_grid(2, 2, city=city),
        origin=origin,
        box=(float(lats.min()), float(lons.min()), float(lats.max()), float(lons.max())),
        lats=lats,
        lons=lons,
        x_m=x.astype(np.float32),
        y_m=y.astype(np.float32),
        tails=tails,
        heads=heads,
        length_m=length_m,
        kinds=np.full(s, KINDS.index("residential"), np.uint8),
        flags=flags,
        names=np.full(s, -1, np.int32),
        ascent_m=np.full(s, np.nan, np.float32),
        descent_m=np.full(s, np.nan, np.float32),
        main_road_m=np.full(s, 500, np.float32),
        shape_offsets=np.arange(0, 2 * s + 1, 2, dtype=np.int32),
        shape_lat_e7=_ends_e7(lats, tails, heads),
        shape_lon_e7=_ends_e7(lons, tails, heads),
        factors={pollutant: np.ones(s, np.float32) for pollutant in POLLUTANTS},
        graphs={name: replace(graph, components=_components(len(lats), graph)) for name, graph in graphs.items()},
        **_cells(x, y, tails, heads),
    )


def _ends_e7(degrees, tails, heads):
    return np.rint(np.column_stack((degrees[tails], degrees[heads])).ravel() * 1e7).astype(np.int32)


def _components(n, graph):
    tails = np.repeat(np.arange(n), np.diff(graph.offsets))
    arcs = coo_array((np.ones(len(tails), np.int8), (tails, graph.heads)), (n, n)).tocsr()
    return connected_components(arcs, directed=True, connection="strong")[1].astype(np.int32)


def _cells(x, y, tails, heads):
    """Each street in every cell that the box around its ends touches."""
    west, south = float(x.min()), float(y.min())
    column, row = ((x - west) // CELL_M).astype(int), ((y - south) // CELL_M).astype(int)
    columns, rows = int(column.max()) + 1, int(row.max()) + 1
    held = [[] for _ in range(columns * rows)]
    for street, ends in enumerate(zip(tails.tolist(), heads.tolist(), strict=True)):
        (left, right), (low, high) = np.sort(column[list(ends)]).tolist(), np.sort(row[list(ends)]).tolist()
        for down in range(low, high + 1):
            for across in range(left, right + 1):
                held[down * columns + across].append(street)
    return {
        "cell_m": CELL_M,
        "columns": columns,
        "rows": rows,
        "west_m": west,
        "south_m": south,
        "cell_offsets": np.concatenate(([0], np.cumsum([len(cell) for cell in held]))).astype(np.int32),
        "cell_streets": np.array([street for cell in held for street in cell], np.int32),
    }
