"""What a source's record becomes in the tables: zone, day, validity, level. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from citizen_api.people.wishes import day_bounds
from citizen_api.sources.air_records import (
    AirIndexRecord,
    EpisodeRecord,
    PollenRecord,
    UvRecord,
    VigilanceRecord,
    Zone,
)
from citizen_api.territory.clocks import zone_of
from content.hazards import SCALES

REGIONS_OVERSEAS: Final = {"01": "971", "02": "972", "03": "973", "04": "974", "06": "976"}
"""INSEE codes of the overseas régions, and their département."""

DayRecord = AirIndexRecord | EpisodeRecord | PollenRecord | UvRecord | VigilanceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """What one source says now: the columns of `models.AirFact` without its revision."""

    hazard: str
    kind: str
    zone_kind: str
    zone_code: str
    day: date
    starts_at: datetime
    ends_at: datetime
    subject: str = ""
    level: int | None = None
    tier: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    published_at: datetime | None = None

    @property
    def identity(self) -> tuple[str, str, str, str, str, date]:
        """What the next revision of the same fact has in common with it."""
        return self.hazard, self.kind, self.zone_kind, self.zone_code, self.subject, self.day


def clock_of(zone: Zone, epci_departements: Mapping[str, str]) -> str | None:
    """IANA name of a zone's clock; None for what is no zone. `epci_departements`: {SIREN: a département of it}."""
    code = zone.code
    if zone.kind == "epci":
        code = epci_departements.get(zone.code, "")
    elif zone.kind == "region":
        code = REGIONS_OVERSEAS.get(zone.code, "75")
    try:
        return zone_of(code).key
    except ValueError:
        return None


def fact_of(record: DayRecord, clock: str) -> NewFact:
    """Make a fact of a record, by the clock (IANA name) of its zone."""
    if isinstance(record, VigilanceRecord):
        return NewFact(
            hazard=record.hazard,
            kind="vigilance",
            zone_kind=record.zone.kind,
            zone_code=record.zone.code,
            day=record.day,
            starts_at=record.starts_at,
            ends_at=record.ends_at,
            level=record.level,
            published_at=record.published_at,
        )
    starts_at, ends_at = day_bounds(record.day, zone=clock)
    said: dict[str, Any]
    details: dict[str, Any]
    if isinstance(record, AirIndexRecord):
        said = {"hazard": "air", "kind": "index", "level": record.level, "details": _of_air(record)}
    elif isinstance(record, EpisodeRecord):
        details = {"producer": record.producer} | ({"persistence": True} if record.persistence else {})
        said = {"hazard": "air", "kind": "episode", "subject": record.pollutant, "tier": record.tier}
        said["details"] = details
    elif isinstance(record, PollenRecord):
        details = {"levels": dict(record.levels), "responsible": list(record.responsible), "producer": record.producer}
        said = {"hazard": "pollen", "kind": "index", "level": record.level, "details": details}
        said["tier"] = "alert" if record.alert else None
    else:
        said = {"hazard": "uv", "kind": "index", "level": uv_level(record.index), "details": {"value": record.index}}
    said["details"] = {name: value for name, value in said["details"].items() if value not in (None, {}, [])}
    return NewFact(
        zone_kind=record.zone.kind,
        zone_code=record.zone.code,
        day=record.day,
        starts_at=starts_at,
        ends_at=ends_at,
        published_at=record.published_at,
        **said,
    )


def uv_level(index: float) -> int:
    """Level of a UV index: rounded to the nearest whole, halves up, 11 and more in one (WHO 2002)."""
    return min(int(index + 0.5), SCALES["uv"].most)


def hour_is_known(ends_at: datetime, at: datetime) -> bool:
    """Whether the mean of an hour can be known: it is over, or within a minute ("23:59:59" is the end of a day)."""
    return ends_at <= at + timedelta(minutes=1)


def _of_air(record: AirIndexRecord) -> dict[str, Any]:
    return {"levels": dict(record.levels), "producer": record.producer} | ({"event": True} if record.event else {})
