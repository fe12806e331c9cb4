"""Atmo Occitanie's hourly means, one row for each station, pollutant and hour, in no order.

Stations have a position and an influence. Hours begin at `date_debut` and end at `date_fin`, in UTC. One analyser may
stand in the file under two names: those of FR50227 in Montpellier have one code, one position and, wherever both have
a row, equal values. The code is the station; its first name counts; what is repeated is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Final

from citizen_api.sources.air_records import MEASURED, Influence, ReadingRecord, StationRecord
from citizen_api.sources.air_values import as_stream, concentration, number, plain, rejected, required_moment
from citizen_api.sources.records import BadRowError, RejectedRow, clean, parse_commune_code, parse_position
from citizen_api.sources.tables import open_table

WHAT: Final = "an hourly file of Atmo Occitanie's stations"
REQUIRED: Final = ("nom_station", "code_station", "nom_poll", "valeur", "unite", "date_debut")
INFLUENCES: Final[Mapping[str, Influence]] = {
    "fond": "background",
    "trafic": "traffic",
    "industrielle": "industrial",
}
UG_M3_PER_UNIT: Final = {"ug m 3": 1.0, "mg m 3": 1_000.0}
VALID: Final = frozenset({"t", "true", "1", "oui"})

_HOUR: Final = timedelta(hours=1)


@dataclass(slots=True)
class _Seen:
    """What the rows before have told."""

    stations: dict[str, StationRecord] = field(default_factory=dict)
    values: dict[tuple[str, str, datetime], float] = field(default_factory=dict)


def read_stations(data: BinaryIO | bytes) -> Iterator[ReadingRecord | RejectedRow]:
    """Each hourly mean. Raises SourceFormatError when it is another file."""
    table = open_table(as_stream(data), what=WHAT, required=REQUIRED, any_case=True)
    seen = _Seen()
    for row in table.rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            reading = _reading(row.cells, seen)
        except BadRowError as error:
            yield rejected(row.row, error, row.raw)
            continue
        if reading is not None:
            yield reading


def _reading(cells: Mapping[str, str], seen: _Seen) -> ReadingRecord | None:
    """Read a row; None where its value is blank."""
    pollutant = plain(cells["nom_poll"]).replace(" ", "")
    if pollutant not in MEASURED:
        raise BadRowError("pollutant", f"{clean(cells['nom_poll'])[:40]!r} is no pollutant that is read.")
    if plain(cells.get("metrique", "horaire")) != "horaire":
        raise BadRowError("not_hourly", f"The value is {clean(cells['metrique'])[:40]!r}.")
    if plain(cells.get("statut_valid", "t")) not in VALID:
        raise BadRowError("not_valid", "The producer marks the value as not valid.")
    if (unit := plain(cells["unite"])) not in UG_M3_PER_UNIT:
        raise BadRowError("unit", f"The value is in {unit[:20]!r}.")
    starts_at = required_moment(cells["date_debut"])
    ends_at = required_moment(cells["date_fin"]) if clean(cells.get("date_fin")) else starts_at + _HOUR
    if ends_at - starts_at != _HOUR:
        raise BadRowError("not_hourly", "The value is not that of one hour.")
    value = number(cells["valeur"])
    if value is None:
        return None
    value_ug_m3 = concentration(value * UG_M3_PER_UNIT[unit], pollutant)
    station = _station(cells, seen.stations)
    key = station.code, pollutant, ends_at
    if key in seen.values:
        same = "the same" if seen.values[key] == value_ug_m3 else "another"
        raise BadRowError("duplicate", f"{station.code} has {same} value of {pollutant} for this hour already.")
    seen.values[key] = value_ug_m3
    return ReadingRecord(station=station, pollutant=pollutant, ends_at=ends_at, value_ug_m3=value_ug_m3)


def _station(cells: Mapping[str, str], stations: dict[str, StationRecord]) -> StationRecord:
    code = clean(cells["code_station"])
    if not code:
        raise BadRowError("no_identifier", "The row has no station.")
    if code not in stations:
        lat, lon = _position(cells)
        stations[code] = StationRecord(
            code=code,
            name=clean(cells["nom_station"]) or code,
            influence=INFLUENCES.get(plain(cells.get("influence"))),
            lat=lat,
            lon=lon,
            commune_code=parse_commune_code(cells.get("insee_com")),
        )
    return stations[code]


def _position(cells: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Read x and y, in WGS84 degrees; a position that cannot be is unknown and costs no reading."""
    try:
        return parse_position(cells.get("y"), cells.get("x"))
    except BadRowError:
        return None, None
