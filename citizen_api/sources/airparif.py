"""Airparif, which watches the air of Île-de-France: commune answers in words, and hourly means of its stations.

Commune answers are `{"75104": [{"date", "no2": "Bon", …, "indice"}]}`; the day after may be missing. Station files
have six header lines (`CODE:POLLUTANT`, name, code, pollutant, its short name, unit), then a line for each hour. The
hour named is the end of the mean's hour (the first line of a year is 01:00, the last 00:00 of the next), in UTC. The
files say neither where a station stands nor what influences it. NOX is not NO2. CO comes in mg/m3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import httpx

from citizen_api.sources.air_fetch import fetch, read_whole
from citizen_api.sources.air_records import MEASURED, POLLUTANTS, AirIndexRecord, ReadingRecord, StationRecord, Zone
from citizen_api.sources.air_values import (
    as_stream,
    concentration,
    day_of,
    number,
    plain,
    read_json,
    rejected,
    required_moment,
)
from citizen_api.sources.atmo_fields import check_classes
from citizen_api.sources.records import BadRowError, RejectedRow, SourceFormatError, clean, parse_commune_code
from citizen_api.sources.tables import TableRow, open_table

API_URL: Final = "https://api.airparif.fr"
COMMUNES_PATH: Final = "/indices/prevision/commune"
PRODUCER: Final = "Airparif"
COMMUNES_PER_CALL: Final = 50
"""An address of some 700 characters: the parameter is repeated, lists with commas are refused."""
ANSWER_MAX_BYTES: Final = 5_000_000

WHAT_COMMUNES: Final = "an answer of Airparif about communes"
WHAT_STATIONS: Final = "an hourly file of Airparif's stations"
CLASSES: Final = {
    "bon": 1,
    "moyen": 2,
    "degrade": 3,
    "mauvais": 4,
    "tres mauvais": 5,
    "extremement mauvais": 6,
}
UNAVAILABLE: Final = frozenset({"", "indisponible", "nc", "nd"})
EVENT: Final = "evenement"
UG_M3_PER_UNIT: Final = {"microg m3": 1.0, "ug m3": 1.0, "mg m3": 1_000.0}

_HEADER_LINES: Final = ("names", "codes", "pollutants", "short names", "units")
"""What follows the line of columns."""


def read_communes(data: BinaryIO | bytes) -> Iterator[AirIndexRecord | RejectedRow]:
    """The index of each commune on each day told. A row's number is the rank of its day in the file, from 1.

    Raises SourceFormatError when it is another file.
    """
    answer = read_json(data, what=WHAT_COMMUNES)
    if not isinstance(answer, dict) or (answer and not any(parse_commune_code(code) for code in answer)):
        raise SourceFormatError(f"Not {WHAT_COMMUNES}: it names no commune.")
    rank = 0
    for code, days in answer.items():
        for given in days if isinstance(days, list) else [days]:
            rank += 1
            try:
                yield _index(code, given)
            except BadRowError as error:
                yield rejected(rank, error, {code: given})


def _index(code: str, given: Any) -> AirIndexRecord:
    commune_code = parse_commune_code(code)
    if commune_code is None:
        raise BadRowError("bad_zone", f"{code[:20]!r} is not the code of a commune.")
    if not isinstance(given, dict) or "indice" not in given:
        raise BadRowError("no_level", "The day has no index.")
    level, event = _class(given["indice"])
    classes = {pollutant: _class(given.get(pollutant))[0] for pollutant in POLLUTANTS}
    levels = {pollutant: part for pollutant, part in classes.items() if part is not None}
    check_classes(levels, level)
    return AirIndexRecord(
        zone=Zone(kind="commune", code=commune_code),
        day=day_of(given.get("date")),
        level=level,
        levels=levels,
        event=event,
        producer=PRODUCER,
    )


def _class(word: Any) -> tuple[int | None, bool]:
    """Give the class (None: unavailable) and whether it is an event."""
    written = plain(word)
    if written in CLASSES:
        return CLASSES[written], False
    if written in UNAVAILABLE and (word is None or isinstance(word, str)):
        return None, False
    if written == EVENT:
        return None, True
    raise BadRowError("bad_level", f"{written[:40]!r} is no class of the ATMO index.")


@dataclass(frozen=True, slots=True)
class _Column:
    station: StationRecord
    pollutant: str
    ug_m3_per_unit: float


def read_stations(data: BinaryIO | bytes) -> Iterator[ReadingRecord | RejectedRow]:
    """Each hourly mean. A blank cell is a missing hour; a bad value loses only itself.

    Raises SourceFormatError when it is another file.
    """
    table = open_table(as_stream(data), what=WHAT_STATIONS, delimiter=",")
    if not any(":" in name for name in table.columns):
        raise SourceFormatError(f"Not {WHAT_STATIONS}: no column is named CODE:POLLUTANT.")
    heads = _heads(table.rows)
    columns: dict[str, _Column] = {}
    for name in filter(None, table.columns):
        try:
            columns[name] = _column(name, {line: row.cells[name] for line, row in heads.items()})
        except BadRowError as error:
            yield rejected(1, error, name)
    for row in table.rows:
        if isinstance(row, RejectedRow):
            yield row
        else:
            yield from _readings(row, columns)


def _heads(rows: Iterator[TableRow | RejectedRow]) -> dict[str, TableRow]:
    heads: dict[str, TableRow] = {}
    for line in _HEADER_LINES:
        row = next(rows, None)
        if not isinstance(row, TableRow) or row.cells.get(""):
            raise SourceFormatError(f"Not {WHAT_STATIONS}: its header has no line of {line}.")
        heads[line] = row
    return heads


def _column(name: str, head: Mapping[str, str]) -> _Column:
    pollutant = plain(name.rpartition(":")[2]).replace(" ", "")
    unit = plain(head["units"])
    code = clean(head["codes"])
    if pollutant not in MEASURED:
        raise BadRowError("pollutant", f"{name[:40]!r} names no pollutant that is read.")
    if unit not in UG_M3_PER_UNIT:
        raise BadRowError("unit", f"{name[:40]!r} is in {unit[:20]!r}.")
    if not code or code != clean(name.rpartition(":")[0]):
        raise BadRowError("no_identifier", f"{name[:40]!r} is headed by the code {code[:20]!r}.")
    station = StationRecord(code=code, name=clean(head["names"]) or code)
    return _Column(station, pollutant, UG_M3_PER_UNIT[unit])


def _readings(row: TableRow, columns: Mapping[str, _Column]) -> Iterator[ReadingRecord | RejectedRow]:
    try:
        ends_at = required_moment(row.cells.get(""))
    except BadRowError as error:
        yield rejected(row.row, error, row.raw)
        return
    for name, column in columns.items():
        try:
            value = number(row.cells[name])
            if value is None:
                continue
            value_ug_m3 = concentration(value * column.ug_m3_per_unit, column.pollutant)
        except BadRowError as error:
            yield rejected(row.row, error, f"{row.cells['']},{name},{row.cells[name]}")
            continue
        yield ReadingRecord(
            station=column.station, pollutant=column.pollutant, ends_at=ends_at, value_ug_m3=value_ug_m3
        )


class Airparif:
    """The API, with a key: https://api.airparif.fr/docs."""

    def __init__(self, client: httpx.Client, *, key: str, url: str = API_URL) -> None:
        self._client = client
        self._key = key
        self._url = url.rstrip("/")

    def communes(self, codes: Iterable[str]) -> list[AirIndexRecord | RejectedRow]:
        """The index of communes, today and, once known, tomorrow.

        Raises DownError, BusyError, CredentialsError, UnreadableError.
        """
        url = self._url + COMMUNES_PATH
        asked = list(dict.fromkeys(codes))
        found: list[AirIndexRecord | RejectedRow] = []
        for start in range(0, len(asked), COMMUNES_PER_CALL):
            body = fetch(
                self._client,
                url,
                params={"insee": asked[start : start + COMMUNES_PER_CALL]},
                headers={"X-Api-Key": self._key, "Accept": "application/json"},
                max_bytes=ANSWER_MAX_BYTES,
            )
            found += read_whole(url, read_communes, body)
        return found
