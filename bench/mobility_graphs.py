"""The networks on which trips are measured, each built into files and opened as a worker opens it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.mobility_city import write_city
from citizen_api.mobility.building import About, Air, build_network
from citizen_api.mobility.exposure import Background
from citizen_api.mobility.local_factors import read_table
from citizen_api.mobility.network import POLLUTANTS, Network
from citizen_api.mobility.network_files import current_version, open_network, write_network
from citizen_api.mobility.sample import CITY, build_sample
from citizen_api.sources.osm_streets import read_streets
from tests.mobility.hashcode_makers import HASHCODE, read_hashcode
from tests.shared_data import SHARED

AT = datetime(2026, 11, 25, 7, 10, tzinfo=UTC)
HOURS = 48
Seconds = dict[str, float]


@dataclass(frozen=True, slots=True)
class Built:
    """A network of the bench. `seconds`: what each part of building it took."""

    name: str
    version: Path
    network: Network
    seconds: Seconds
    file_mb: float | None = None


def build_graphs(folder: Path, *, sizes: tuple[int, ...], real: bool = True) -> Iterator[Built | dict[str, Any]]:
    """Build the networks one after the other; one that cannot be built is told as `{"name": …, "absent": why}`."""
    if real:
        yield _built("sample", folder / CITY, lambda: _sample(folder))
        if (SHARED / HASHCODE).exists():
            yield _built("hashcode", folder / "hashcode", lambda: _hashcode(folder))
        else:
            yield {"name": "hashcode", "absent": "the shared data folder is absent here"}
    for junctions in sizes:
        name = f"city-{junctions}"
        extract = write_city(folder / f"{name}.osm.pbf", junctions=junctions)
        built = _built(name, folder / name, lambda: _city(folder, name, extract))
        yield replace(built, file_mb=round(extract.stat().st_size / 1e6, 1))


def _built(name: str, folder: Path, build: Callable[[], Seconds]) -> Built:
    seconds = build()
    version = current_version(folder)
    assert version is not None
    return Built(name, version, open_network(version), seconds)


def _sample(folder: Path) -> Seconds:
    started = time.perf_counter()
    build_sample(folder, now=AT)
    return {"whole": time.perf_counter() - started}


def _hashcode(folder: Path) -> Seconds:
    """It tells nothing of its streets; what their air is like is drawn at random."""
    started = time.perf_counter()
    network = read_hashcode(SHARED / HASHCODE)
    draw = np.random.default_rng(1)
    factors = {name: draw.uniform(0.7, 1.6, len(network.tails)).astype(np.float32) for name in POLLUTANTS}
    write_network(folder / "hashcode", replace(network, factors=factors), stamp="bench")
    return {"whole": time.perf_counter() - started}


def _city(folder: Path, name: str, extract: Path) -> Seconds:
    about = About(
        city=name,
        title="Synthetic city",
        built_on=AT.date(),
        source="synthetic",
        licence="none",
        attribution="synthetic",
    )
    moments = [time.perf_counter()]
    streets = read_streets(extract)
    moments.append(time.perf_counter())
    network, _ = build_network(streets, about, air=Air(table=read_table(None)))
    moments.append(time.perf_counter())
    write_network(folder / name, network, stamp="bench")
    moments.append(time.perf_counter())
    parts = np.diff(moments).tolist()
    return {"reading": parts[0], "building": parts[1], "writing": parts[2], "whole": sum(parts)}


def made_up_air() -> Background:
    """Two days of air with a peak in the morning and one in the evening: nobody's, so that every hour has its price."""
    hour = np.arange(HOURS)
    traffic = (
        18
        + 22 * np.exp(-(((hour + AT.hour) % 24 - 8) ** 2) / 6)
        + 26 * np.exp(-(((hour + AT.hour) % 24 - 18) ** 2) / 8)
    )
    levels = {"no2": traffic, "pm25": 9 + traffic / 5, "pm10": 14 + traffic / 3, "o3": 90 - traffic}
    return Background(
        commune_code="00000",
        commune_name="Synthetic",
        zone="Europe/Paris",
        starts_at=AT.replace(minute=0),
        values_ug_m3=levels,
        methods={name: np.zeros(HOURS, np.uint8) for name in levels},
        levels=np.full(HOURS, 2, np.int8),
        basis="hours",
        sources=("synthetic",),
        known_at=AT,
        made_up=True,
    )
