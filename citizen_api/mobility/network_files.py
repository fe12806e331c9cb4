"""A network as files (`core/versions`): an array a file, and what is said about it in `meta.json`.

What is mapped stays readable after its files are removed: the system keeps them until nobody maps them any more.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from citizen_api.core import versions
from citizen_api.core.versions import DamagedError, Versions
from citizen_api.mobility.network import GRAPHS, POLLUTANTS, Graph, Network
from citizen_api.mobility.network_checks import is_whole

FORMAT: Final = 1
_VERSIONS: Final = Versions(FORMAT)
_TOLD: Final = (
    "city",
    "title",
    "source",
    "licence",
    "attribution",
    "factor_source",
    "factor_method",
    "elevation_source",
    "cell_m",
    "columns",
    "rows",
    "west_m",
    "south_m",
)
_CITY: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CITY_MAX: Final = 60


def is_city(name: str) -> bool:
    """Whether a name can be that of a city's folder: lower-case letters, figures and hyphens, 60 at most."""
    return len(name) <= _CITY_MAX and _CITY.fullmatch(name) is not None


def write_network(folder: Path, network: Network, *, stamp: str) -> Path:
    """Do as `write_held`, where nothing long comes before. Raises TakenError when another process is at it."""
    with versions.building(folder):
        return write_held(folder, network, stamp=stamp)


def write_held(folder: Path, network: Network, *, stamp: str) -> Path:
    """Write a version of a network into its city's folder, make it current, and remove the others; give its folder.

    `stamp` (letters, figures, hyphens) tells what it was built from. The caller holds `versions.building(folder)`.
    """
    arrays = {
        field.name: value for field in fields(Network) if isinstance(value := getattr(network, field.name), np.ndarray)
    }
    arrays |= {f"factor-{pollutant}": column for pollutant, column in network.factors.items()}
    for name, graph in network.graphs.items():
        arrays |= {f"{name}-{field.name}": getattr(graph, field.name) for field in fields(Graph)}
    meta = {name: getattr(network, name) for name in _TOLD} | {
        "format": FORMAT,
        "stamp": stamp,
        "built_on": network.built_on.isoformat(),
        "extract_date": network.extract_date.isoformat() if network.extract_date else None,
        "origin": network.origin,
        "box": network.box,
    }
    unfinished = versions.begin(folder)
    versions.write_arrays(unfinished, arrays)
    whole = versions.finish(unfinished, stamp=stamp, meta=meta)
    _VERSIONS.remove_unused(folder)
    return whole


def remove_network(folder: Path) -> bool:
    """Remove a city's folder; whether there was one. Who has its network mapped keeps it until the next look.

    Raises TakenError when another process builds it, OSError.
    """
    if not folder.is_dir():
        return False
    with versions.building(folder):
        (folder / versions.POINTER).unlink(missing_ok=True)  # first: what is half removed is no network
        shutil.rmtree(folder)
    return True


def current_version(folder: Path) -> Path | None:
    """Find the newest version of a city; None where there is none that is whole and of this format."""
    return _VERSIONS.current(folder)


def stamp_of(version: Path) -> str:
    """Tell what a version was built from. Raises OSError."""
    return str(_VERSIONS.read_meta(version)["stamp"])


def open_network(version: Path) -> Network:
    """Map the files of a version. Raises OSError when it is gone, DamagedError when it cannot be read."""
    with _VERSIONS.locked(version) as (meta, lock):
        try:
            network = _network(meta, versions.read_arrays(version))
            whole = is_whole(network)
        except OSError:
            raise
        except Exception as error:  # whatever damage makes of a file, it costs this city only
            raise DamagedError(f"{version.name} is damaged") from error
        if not whole:
            raise DamagedError(f"{version.name} is damaged")
    os.close(lock)
    return network


def _network(meta: dict[str, Any], arrays: dict[str, Any]) -> Network:
    graphs = {
        name: Graph(**{field.name: arrays.pop(f"{name}-{field.name}") for field in fields(Graph)}) for name in GRAPHS
    }
    factors = {pollutant: arrays.pop(f"factor-{pollutant}") for pollutant in POLLUTANTS}
    south, west, north, east = (float(value) for value in meta["box"])
    lat, lon = (float(value) for value in meta["origin"])
    dated = meta.get("extract_date")  # builds of before do not tell it
    return Network(
        **{name: meta[name] for name in _TOLD},
        **arrays,
        built_on=date.fromisoformat(meta["built_on"]),
        extract_date=date.fromisoformat(dated) if dated else None,
        origin=(lat, lon),
        box=(south, west, north, east),
        factors=factors,
        graphs=graphs,
    )
