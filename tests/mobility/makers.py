"""Synthetic networks: a grid of streets, every property told, so that a test sees why a way is the best."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from citizen_api.mobility.network import KINDS, POLLUTANTS, Flag, Graph, Network

SYNTHETIC_ORIGIN = (48.85, 2.35)


def make_grid(columns=5, rows=5, *, block_m=100.0, kind="residential", city="synthetic", seed=None) -> Network:
    """Junction `row * columns + column`; first the streets eastward, row by row, then those northward.

    `seed`: lengths and times are drawn at random, so that no two ways cost the same.
    """
    lat0, lon0 = SYNTHETIC_ORIGIN
    north_m = 111_132.954 - 559.822 * np.cos(2 * np.radians(lat0)) + 1.175 * np.cos(4 * np.radians(lat0))
    phi = np.radians(lat0)
    east_m = 111_412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    n = columns * rows
    x = np.tile(np.arange(columns) * block_m, rows)
    y = np.repeat(np.arange(rows) * block_m, columns)
    lats, lons = lat0 + y / north_m, lon0 + x / east_m
    tails, heads = [], []
    for row in range(rows):
        for column in range(columns - 1):
            tails.append(row * columns + column)
            heads.append(row * columns + column + 1)
    for row in range(rows - 1):
        for column in range(columns):
            tails.append(row * columns + column)
            heads.append((row + 1) * columns + column)
    s = len(tails)
    tails, heads = np.array(tails, np.int32), np.array(heads, np.int32)
    stretch = np.ones(s) if seed is None else np.random.default_rng(seed).uniform(1, 1.5, s)
    length_m = (block_m * stretch).astype(np.float32)
    shape_lat = np.rint(np.column_stack((lats[tails], lats[heads])).ravel() * 1e7).astype(np.int32)
    shape_lon = np.rint(np.column_stack((lons[tails], lons[heads])).ravel() * 1e7).astype(np.int32)
    names = [f"Rue synthétique {number}".encode() for number in range(s)]
    walk = make_graph(n, tails, heads, length_m / np.float32(4.8 / 3.6))
    bike = make_graph(n, tails, heads, length_m / np.float32(15 / 3.6))
    cell_offsets, cell_streets = _cells(x, y, tails, heads, columns - 1, rows - 1, block_m)
    return Network(
        city=city,
        title="Ville synthétique",
        built_on=date(2026, 11, 25),
        source="synthetic",
        licence="none",
        attribution="synthetic",
        factor_source="synthetic",
        origin=SYNTHETIC_ORIGIN,
        box=(float(lats.min()), float(lons.min()), float(lats.max()), float(lons.max())),
        lats=lats,
        lons=lons,
        x_m=x.astype(np.float32),
        y_m=y.astype(np.float32),
        tails=tails,
        heads=heads,
        length_m=length_m,
        kinds=np.full(s, KINDS.index(kind), np.uint8),
        flags=np.full(s, Flag.LIT, np.uint16),
        names=np.arange(s, dtype=np.int32),
        name_offsets=np.concatenate(([0], np.cumsum([len(name) for name in names]))).astype(np.int32),
        name_bytes=np.frombuffer(b"".join(names), np.uint8),
        ascent_m=np.full(s, np.nan, np.float32),
        descent_m=np.full(s, np.nan, np.float32),
        main_road_m=np.full(s, 500, np.float32),
        shape_offsets=np.arange(0, 2 * s + 1, 2, dtype=np.int32),
        shape_lat_e7=shape_lat,
        shape_lon_e7=shape_lon,
        factors={pollutant: np.ones(s, np.float32) for pollutant in POLLUTANTS},
        graphs={"walk": walk, "bike": bike},
        cell_m=block_m,
        columns=max(columns - 1, 1),
        rows=max(rows - 1, 1),
        west_m=0.0,
        south_m=0.0,
        cell_offsets=cell_offsets,
        cell_streets=cell_streets,
    )


def make_graph(n, tails, heads, time_s, *, oneway=()) -> Graph:
    """Both directions of every street, but only the own one of those in `oneway`."""
    arcs = [(int(t), int(h), s, False) for s, (t, h) in enumerate(zip(tails, heads, strict=True))]
    arcs += [(int(h), int(t), s, True) for s, (t, h) in enumerate(zip(tails, heads, strict=True)) if s not in oneway]
    arcs.sort()
    offsets = np.zeros(n + 1, np.int32)
    for tail, *_ in arcs:
        offsets[tail + 1] += 1
    streets = np.array([arc[2] for arc in arcs], np.int32)
    backward = np.array([arc[3] for arc in arcs], np.bool_)
    found = {False: np.full(len(tails), -1, np.int32), True: np.full(len(tails), -1, np.int32)}
    for number, (_, _, street, back) in enumerate(arcs):
        found[back][street] = number
    return Graph(
        offsets=np.cumsum(offsets, dtype=np.int32),
        heads=np.array([arc[1] for arc in arcs], np.int32),
        streets=streets,
        backward=backward,
        time_s=np.asarray(time_s, np.float32)[streets],
        forward_arcs=found[False],
        backward_arcs=found[True],
        components=np.zeros(n, np.int32),
    )


def changed(network: Network, **columns) -> Network:
    """The same network with other columns; `kinds` by name, `factors` by pollutant."""
    if "kinds" in columns:
        columns["kinds"] = np.array([KINDS.index(kind) for kind in columns["kinds"]], np.uint8)
    if "factors" in columns:
        given = {name: np.asarray(values, np.float32) for name, values in columns["factors"].items()}
        columns["factors"] = {**network.factors, **given}
    return replace(network, **columns)


def _cells(x, y, tails, heads, columns, rows, cell_m):
    columns, rows = max(columns, 1), max(rows, 1)
    held = [[] for _ in range(columns * rows)]
    for street, (tail, head) in enumerate(zip(tails, heads, strict=True)):
        for node in (tail, head):
            for dx in (-1, 0):
                for dy in (-1, 0):
                    column, row = int(x[node] // cell_m) + dx, int(y[node] // cell_m) + dy
                    if 0 <= column < columns and 0 <= row < rows and street not in held[row * columns + column]:
                        held[row * columns + column].append(street)
    offsets = np.concatenate(([0], np.cumsum([len(cell) for cell in held]))).astype(np.int32)
    return offsets, np.array([street for cell in held for street in cell], np.int32)
