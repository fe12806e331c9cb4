"""The bundled street network: central Paris, from OpenStreetMap (SOURCES.md)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

from citizen_api.mobility.building import About, Air, Report, build_network
from citizen_api.mobility.local_factors import LocalFactors, read_table
from citizen_api.mobility.network_files import FORMAT, current_version, stamp_of, write_network
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
    version = current_version(city)  # None too when it is damaged, or of another format: it is built anew
    if version is not None:
        built = stamp_of(version)
        if built == stamp or not built.startswith(_PREFIX):
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
    network, report = build_network(read_tables(HERE), about, air=Air(table=table))
    write_network(city, network, stamp=stamp)
    return report


def _stamp(table: LocalFactors) -> str:
    digest = hashlib.sha256(f"{FORMAT} {table!r}".encode())
    for name in FILES:
        digest.update((HERE / name).read_bytes())
    return _PREFIX + digest.hexdigest()[:16]
