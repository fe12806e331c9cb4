"""Recorded files of air facts: which of the known forms a file has, told by its content, and its records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from citizen_api.sources import (
    airparif,
    atmo_data,
    atmo_index_csv,
    atmo_occitanie,
    open_meteo,
    uv,
    vigilance,
)
from citizen_api.sources.air_records import AirRecord, HourlyForecastRecord
from citizen_api.sources.air_sources import (
    AIRPARIF,
    AIRPARIF_STATIONS,
    ATMO_DATA,
    ATMO_EPISODES,
    ATMO_OCCITANIE,
    ATMO_POLLEN,
    METEO_FRANCE,
    OPEN_METEO,
    UV,
    AirSourceInfo,
)
from citizen_api.sources.records import RejectedRow, SourceFormatError

FileItem = AirRecord | HourlyForecastRecord | RejectedRow

HEAD_BYTES: Final = 65_536
"""Enough for the first properties of a GeoJSON to show."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """A form of file: who publishes it, how it is read. `read` raises SourceFormatError, at once or while reading."""

    source: AirSourceInfo
    read: Callable[[BinaryIO], Iterator[FileItem]]


KINDS: Final[Mapping[str, FileKind]] = {
    "atmo-data-index": FileKind(ATMO_DATA, atmo_data.read_index),
    "atmo-data-pollen": FileKind(ATMO_POLLEN, atmo_data.read_pollen),
    "atmo-data-episodes": FileKind(ATMO_EPISODES, atmo_data.read_episodes),
    "airparif-communes": FileKind(AIRPARIF, airparif.read_communes),
    "airparif-stations": FileKind(AIRPARIF_STATIONS, airparif.read_stations),
    "atmo-occitanie-stations": FileKind(ATMO_OCCITANIE, atmo_occitanie.read_stations),
    "atmo-index-csv": FileKind(ATMO_DATA, atmo_index_csv.read_index_csv),
    "open-meteo": FileKind(OPEN_METEO, open_meteo.read_open_meteo),
    "vigilance": FileKind(METEO_FRANCE, vigilance.read_vigilance),
    "uv": FileKind(UV, uv.read_uv),
}

_JSON_SIGNS: Final = {
    "atmo-data-episodes": (r'"features"\s*:', r'"etat"\s*:'),
    "atmo-data-pollen": (r'"features"\s*:', r'"(?:code_(?:ambr|arm|aul|boul|gram|oliv)|pollen_resp)"\s*:'),
    "atmo-data-index": (r'"features"\s*:', r'"code_(?:no2|o3|pm10|pm25|so2)"\s*:'),
    "vigilance": (r'"product"\s*:', r'"(?:periods|warning_type|type_cdp)"\s*:'),
    "open-meteo": (r'"hourly(?:_units)?"\s*:', r'"(?:pm2_5|pm10|nitrogen_dioxide|ozone|sulphur_dioxide)"\s*:'),
    "airparif-communes": (r'\A\s*\{\s*"[0-9][0-9AB][0-9]{3}"\s*:\s*\[', r'"indice"\s*:'),
}
"""All the patterns of a kind are found in its head; the first kind that fits."""

_CSV_COLUMNS: Final = {
    "uv": uv.REQUIRED,
    "atmo-occitanie-stations": atmo_occitanie.REQUIRED,
    "atmo-index-csv": atmo_index_csv.REQUIRED,
}
_STATION_COLUMNS: Final = re.compile(r"(?:[;,]\s*\"?[\w-]+:[A-Za-z][\w.]*\"?\s*)+")


def recognise(head: bytes) -> str | None:
    """Name the kind of a file by its first HEAD_BYTES (fewer may do): a key of KINDS, or None."""
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff").lstrip()
    if text.startswith(("{", "[")):
        for kind, signs in _JSON_SIGNS.items():
            if all(re.search(sign, text) for sign in signs):
                return kind
        return None
    first = text.partition("\n")[0]
    if _STATION_COLUMNS.fullmatch(first):
        return "airparif-stations"
    columns = {column.strip(' "\r\ufeff').lower() for column in re.split(r"[;,\t]", first)}
    return next((kind for kind, needed in _CSV_COLUMNS.items() if columns.issuperset(needed)), None)


def read_file(path: Path) -> tuple[str, Iterator[FileItem]]:
    """Recognise a file and read it: (kind, its records and rejected rows). The file is open while they are read.

    Raises SourceFormatError when it is none of KINDS, and, while reading, when it is not whole; OSError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind = recognise(head)
    if kind is None:
        told = "it is empty" if not head.strip() else f"known are {', '.join(KINDS)}"
        raise SourceFormatError(f"Not a file of air facts: {told}.")
    return kind, _items(path, KINDS[kind].read)


def _items(path: Path, read: Callable[[BinaryIO], Iterator[FileItem]]) -> Iterator[FileItem]:
    with path.open("rb") as file:
        yield from read(file)
