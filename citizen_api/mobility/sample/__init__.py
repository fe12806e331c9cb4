"""The bundled street network: central Paris, from OpenStreetMap (SOURCES.md)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

from citizen_api.core.versions import building
from citizen_api.mobility.building import About, Air, Report, build_network
from citizen_api.mobility.local_factors import LocalFactors, read_table
from citizen_api.mobility.network_files import FORMAT, current_version, open_network, stamp_of, write_held
from citizen_api.mobility.sample.tables import FILES, read_tables

CITY: Final = "paris-centre"
TITLE: Final = "Paris centre"
ATTRIBUTION: Final = "© OpenStreetMap contributors (ODbL)"
LICENCE: Final = "ODbL 1.0"
SOURCE: Final = "OpenStreetMap, extract of central Paris of 2019 or later (bundled sample)"
HERE: Final = Path(__file__).parent
_PREFIX: Final = "sample-"


def build_sample(folder: Path, *, now: datetime, table: LocalFactors | None = None) -> Report | None:
    """Build the sample in `folder` (that of all networks), once; None when there is nothing to do.

    That is when this very sample is built already, with this `table` of local factors, or when a network of the same
    name is there that was built from another file. Raises TakenError when another process is at it.
    """
    table = table or read_table(None)
    stamp = _stamp(table)
    city = folder / CITY
    if _is_there(city, stamp):
        return None
    about = About(
        city=CITY,
        title=TITLE,
        built_on=now.date(),
        source=SOURCE,
        licence=LICENCE,
        attribution=ATTRIBUTION,
        extract_date=None,  # it does not tell: "2019 or later" is what its streets show
    )
    with building(city):  # for the whole of it: two that start at once do not both build
        if _is_there(city, stamp):
            return None  # another process did so meanwhile
        network, report = build_network(read_tables(HERE), about, air=Air(table=table))
        write_held(city, network, stamp=stamp)
    return report


def _is_there(city: Path, stamp: str) -> bool:
    """Whether there is nothing to build; what is damaged, or of another format, is built anew."""
    version = current_version(city)
    if version is None:
        return False
    try:
        built = stamp_of(version)
        if built.startswith(_PREFIX):
            open_network(version)
    except OSError:
        return False
    return built == stamp or not built.startswith(_PREFIX)


def _stamp(table: LocalFactors) -> str:
    digest = hashlib.sha256(f"{FORMAT} {table!r}".encode())
    for name in FILES:
        digest.update((HERE / name).read_bytes())
    return _PREFIX + digest.hexdigest()[:16]
