"""Which files `care import` can read, and who is behind each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from citizen_api.care.models import Source
from citizen_api.care.sync import Reader, Stock, Vanished
from citizen_api.sources import (
    finess_idf,
    finess_plus,
    finess_stock,
    generic_csv,
    osm,
    paris_pharmacies,
    rpps,
    sirene,
)
from citizen_api.sources.generic_csv import OWN_COLUMNS, CsvMapping, SourceInfo
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError

LICENCE_OUVERTE: Final = "Licence Ouverte 2.0"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file with its reader and its usual source.

    `date_of` reads the day that the file itself tells. `renewed`: published anew all the time, so that there is no
    usual day: it is of the day on which the file was fetched.
    """

    source: SourceInfo
    reader: Reader
    complete: bool
    about: str
    date_of: Callable[[BinaryIO], date | None] | None = None
    vanished: Vanished = "closed"
    renewed: bool = False


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "finess-idf-hospitals": Format(
            SourceInfo(
                id="finess-idf-hospitals-2012",
                title="FINESS, établissements hospitaliers d'Île-de-France",
                producer="Région Île-de-France, d'après FINESS",
                licence=LICENCE_OUVERTE,
                date=date(2012, 11, 19),
            ),
            finess_idf.read,
            complete=True,
            about="regional CSV of hospitals and centres",
        ),
        "finess-idf-disability": Format(
            SourceInfo(
                id="finess-idf-disability-2013",
                title="FINESS, établissements pour adultes handicapés d'Île-de-France",
                producer="Région Île-de-France, d'après FINESS",
                licence=LICENCE_OUVERTE,
                date=date(2013, 2, 1),
            ),
            finess_idf.read,
            complete=True,
            about="regional CSV of services for disabled adults",
        ),
        "paris-pharmacies": Format(
            SourceInfo(
                id="paris-pharmacies-2013",
                title="FINESS, pharmacies de Paris",
                producer="Ville de Paris, d'après FINESS",
                licence=LICENCE_OUVERTE,
                date=date(2013, 10, 24),
            ),
            paris_pharmacies.read,
            complete=True,
            about="CSV of the pharmacies of Paris",
        ),
        "finess-plus": Format(
            SourceInfo(
                id="finess-plus",
                title="FINESS+, répertoire national des établissements",
                producer="Agence du numérique en santé",
                licence=LICENCE_OUVERTE,
                date=date(2026, 1, 1),
            ),
            finess_plus.read,
            complete=True,
            about="national register, daily JSON",
            renewed=True,
        ),
        "finess-stock": Format(
            SourceInfo(
                id="finess-stock",
                title="FINESS, extraction des établissements",
                producer="Agence du numérique en santé",
                licence=LICENCE_OUVERTE,
                date=date(2026, 5, 4),
            ),
            finess_stock.read,
            complete=True,
            about="national register until 2026, CSV with its geolocation section",
            date_of=finess_stock.date_of,
        ),
        "osm": Format(
            SourceInfo(
                id="osm",
                title="OpenStreetMap",
                producer="Contributeurs d'OpenStreetMap",
                licence="ODbL 1.0",
                date=date(2026, 1, 1),
            ),
            osm.read,
            complete=True,
            about="OpenStreetMap, PBF or GeoJSON",
            date_of=osm.dated,
        ),
        "rpps": Format(
            SourceInfo(
                id="rpps",
                title="Annuaire Santé (RPPS), extraction en libre accès",
                producer="Agence du numérique en santé",
                licence=LICENCE_OUVERTE,
                date=date(2026, 1, 1),
            ),
            rpps.read,
            complete=True,
            about="national register of professionals, PS_LibreAcces_Personne_activite; who leaves it is deleted",
            vanished="deleted",
            renewed=True,
        ),
        "sirene-pharmacies": Format(
            SourceInfo(
                id="sirene-pharmacies-idf-2023",
                title="SIRENE, pharmacies d'Île-de-France",
                producer="Insee",
                licence=LICENCE_OUVERTE,
                date=date(2023, 1, 1),
            ),
            sirene.read,
            # Closes what it alone knew: a list without identifiers never closes what a register knows (merging.py).
            complete=True,
            about="CSV of the pharmacies of Île-de-France by street, which adds and confirms",
        ),
    }
)
_LONGEST: Final[dict[str, int]] = {
    name: Source.__table__.c[name].type.length  # type: ignore[attr-defined]
    for name in ("id", "title", "producer", "licence")
}
SAMPLE: Final = files("citizen_api.care") / "sample" / "facilities.csv"


def known_stock(name: str, path: Path, *, dated: date | None = None, url: str | None = None) -> Stock:
    """Describe a file in one of FORMATS. Its day is `dated`, else what the file tells, else the source's usual one.

    Raises OSError where the file has to be asked and cannot be read.
    """
    chosen = FORMATS[name]
    info = chosen.source
    if dated is None and chosen.date_of is not None:
        with path.open("rb") as stream:
            dated = chosen.date_of(stream)
    if dated is not None:
        info = SourceInfo(id=info.id, title=info.title, producer=info.producer, licence=info.licence, date=dated)
    return Stock(
        path=path,
        sources=(info,),
        reader=chosen.reader,
        complete=chosen.complete,
        url=url,
        read_as=name,
        vanished=chosen.vanished,
    )


def mapped_stock(path: Path, mapping: CsvMapping, *, url: str | None = None) -> Stock:
    """Describe a city's own CSV by its mapping."""
    if mapping.source is None:
        raise ValueError("a mapping names its source")
    for name, longest in _LONGEST.items():
        if len(getattr(mapping.source, name)) > longest:
            raise SourceFormatError(f"Mapping: `source.{name}` has more than {longest} characters.")
    return Stock(
        path=path,
        sources=(mapping.source,),
        reader=lambda stream: generic_csv.read(stream, mapping),
        complete=mapping.complete,
        url=url,
        read_as=repr(mapping),
    )


def sample_stock() -> Stock:
    """Describe the bundled sample: several sources in one file, each row naming its own."""
    path = Path(str(SAMPLE))
    with path.open(encoding="utf-8", newline="") as file:
        named = {row["source_id"] for row in csv.DictReader(file)}
    infos = {chosen.source.id: chosen.source for chosen in FORMATS.values()}
    return Stock(
        path=path,
        sources=tuple(infos[source_id] for source_id in sorted(named)),
        reader=lambda stream: generic_csv.read(stream, OWN_COLUMNS),
        complete=True,
    )


def part_of(stock: Stock, source_ids: Collection[str]) -> Stock:
    """Leave of a stock, whose rows name their sources, what some of its sources say (at least one)."""

    def read(stream: BinaryIO) -> Iterator[FacilityRecord | RejectedRow]:
        for item in stock.reader(stream):
            if isinstance(item, RejectedRow) or item.source_id in source_ids:
                yield item

    return replace(stock, sources=tuple(each for each in stock.sources if each.id in source_ids), reader=read)
