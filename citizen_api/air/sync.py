"""Source -> tables: what one reading of a source leaves, on schedule or from a recorded file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.air import actions
from citizen_api.air.facts import DayRecord, NewFact, clock_of, fact_of, hour_is_known
from citizen_api.air.forecasting import indices_of
from citizen_api.core.db import Database
from citizen_api.sources.air_files import KINDS, read_file
from citizen_api.sources.air_records import PHENOMENA, HourlyForecastRecord, ReadingRecord, StationRecord
from citizen_api.sources.air_sources import AirSourceInfo
from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.sources.rejected import RejectedFile
from citizen_api.territory.models import Commune, CommuneKey, Epci
from citizen_api.territory.rules import KeyRank, search_key

Item = DayRecord | ReadingRecord | HourlyForecastRecord | RejectedRow
EPISODES: Final = (("air", "episode"),)
WARNINGS: Final = tuple((hazard, "vigilance") for hazard in sorted(PHENOMENA.values()))
PRODUCER_LENGTH: Final = 200
"""Characters that are kept of the name of who made a fact."""
COMPLETE: Final[Mapping[str, Collection[tuple[str, str]]]] = {"atmo-data-episodes": EPISODES, "vigilance": WARNINGS}
"""By the kind of a file (`air_files.KINDS`): the facts of which it holds all (see `actions.store_facts`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a source gave in one reading. `complete`: see `actions.store_facts`. `forecasts`: hours by INSEE code."""

    items: Iterable[Item]
    complete: Collection[tuple[str, str]] = ()
    forecasts: Mapping[str, Sequence[HourlyForecastRecord]] = field(default_factory=dict)


@dataclass(slots=True)
class AirReport:
    """What one reading left: facts as `actions.store_facts` counts them, readings, hours of forecast, rejected rows."""

    facts: Counter[str] = field(default_factory=Counter)
    said: int = 0
    """Facts that came, with those that leave no row (no episode where there was none)."""
    readings: int = 0
    forecast_hours: int = 0
    later: int = 0
    """Hours left out because they were not over at the moment of the reading."""
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_file: Path | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing usable came."""
        return not (self.said or self.readings or self.forecast_hours)


def store(
    database: Database, info: AirSourceInfo, answer: Answer, *, known_at: datetime, reports_dir: Path
) -> AirReport:
    """Store an answer in one transaction; each row that cannot be used is reported, and the rest kept.

    Raises SourceFormatError when `answer.items` does, and nothing is stored then.
    """
    report = AirReport()
    with database.session() as session, RejectedFile(reports_dir, report_name(info), known_at) as rejected:
        actions.keep_source(session, info)
        facts: list[NewFact] = []
        clocks = _Clocks(session)
        readings = _sorted_out(answer.items, facts, clocks, report, rejected, known_at)
        # Readings may be many: they are stored as they are read.
        report.readings = actions.store_readings(session, info.id, readings, partial(_town_of, session, info.id))
        for commune, hours in answer.forecasts.items():
            kept = list(hours)
            report.forecast_hours += len(kept)
            rows = [
                {"pollutant": hour.pollutant, "ends_at": hour.ends_at, "value_ug_m3": hour.value_ug_m3} for hour in kept
            ]
            actions.store_forecast(session, info.id, commune, rows, known_at=known_at)
            published = {fact.identity for fact in facts}
            computed = indices_of(commune, kept, published_at=known_at)
            facts.extend(fact for fact in computed if fact.identity not in published)
        report.said = len(facts)
        report.facts = actions.store_facts(session, info.id, facts, known_at=known_at, complete=answer.complete)
        report.rejected_file = rejected.path
    return report


def report_name(info: AirSourceInfo) -> str:
    """How the reports of a source's rejected rows begin."""
    return f"air-{info.id}"


def load_file(
    database: Database, path: Path, *, as_of: datetime, commune: str | None, reports_dir: Path
) -> tuple[str, AirReport]:
    """Load a recorded file as if it had been read at `as_of`: later hours are left out. Give its kind and the report.

    `commune`: whose forecast a file of Open-Meteo is. Raises SourceFormatError, OSError.
    """
    kind, items = read_file(path)
    info = KINDS[kind].source
    if kind != "open-meteo":
        answer = Answer(items=items, complete=COMPLETE.get(kind, ()))
        return kind, store(database, info, answer, known_at=as_of, reports_dir=reports_dir)
    if commune is None:
        raise SourceFormatError("A forecast of Open-Meteo names no place: say --commune.")
    whole = list(items)
    hours = [item for item in whole if isinstance(item, HourlyForecastRecord)]
    others: list[Item] = [item for item in whole if isinstance(item, RejectedRow)]
    answer = Answer(items=others, forecasts={commune: hours})
    return kind, store(database, info, answer, known_at=as_of, reports_dir=reports_dir)


def _sorted_out(
    items: Iterable[Item],
    facts: list[NewFact],
    clocks: _Clocks,
    report: AirReport,
    rejected: RejectedFile,
    known_at: datetime,
) -> Iterator[ReadingRecord]:
    """Give the readings; put facts into `facts`, rejected rows into the report."""
    for item in items:
        if isinstance(item, RejectedRow):
            report.rejected[item.code] += 1
            rejected.write(item)
        elif isinstance(item, ReadingRecord):
            if hour_is_known(item.ends_at, known_at):
                yield item
            else:
                report.later += 1
        elif not isinstance(item, HourlyForecastRecord):
            clock = clocks.of(item)
            if clock is None:
                refused = RejectedRow(row=0, reason="unknown_zone: No territory has this code.", raw=repr(item.zone))
                report.rejected[refused.code] += 1
                rejected.write(refused)
            else:
                facts.append(_clipped(fact_of(item, clock)))


def _clipped(fact: NewFact) -> NewFact:
    producer = fact.details.get("producer", "")
    if len(producer) <= PRODUCER_LENGTH:
        return fact
    return replace(fact, details={**fact.details, "producer": producer[:PRODUCER_LENGTH]})


class _Clocks:
    """Clocks of the zones of records; the EPCI are looked up once."""

    def __init__(self, session: Session) -> None:
        pairs = select(Commune.epci_code, Commune.departement_code).where(Commune.epci_code.is_not(None))
        self._epci = {epci: departement for epci, departement in session.execute(pairs.distinct()) if epci}
        territories = select(Commune.ept_code, Commune.departement_code).where(Commune.ept_code.is_not(None))
        self._epci |= {ept: departement for ept, departement in session.execute(territories.distinct()) if ept}
        # A group that no present commune belongs to is known by its name only.
        self._epci |= {code: "75" for code in session.scalars(select(Epci.code)) if code not in self._epci}

    def of(self, record: DayRecord) -> str | None:
        """IANA name of the clock of a record's zone; None for a zone that is none."""
        return clock_of(record.zone, self._epci)


_REGIONS = {"airparif-stations": "11"}
"""The région of a source whose stations tell no commune, by which the town in their names is found."""


def _town_of(session: Session, source_id: str, station: StationRecord) -> str | None:
    """INSEE code of the commune or arrondissement with whose whole name a station's name begins."""
    region = _REGIONS.get(source_id)
    words = search_key(station.name).split()
    for length in range(min(len(words), 8), 0, -1):
        found = (
            select(CommuneKey.commune_code)
            .join(Commune, Commune.code == CommuneKey.commune_code)
            .where(CommuneKey.key == " ".join(words[:length]), CommuneKey.rank == KeyRank.NAME.value)
            .where(Commune.region_code == region)
            .limit(2)
        )
        codes = list(session.scalars(found))
        if len(codes) == 1:
            return codes[0]
    return None
