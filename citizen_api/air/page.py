"""Everything that is known of the air of one commune at one moment, chosen and judged, before any word is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from citizen_api.air import queries
from citizen_api.air.curve import Hour, curve
from citizen_api.air.episode_rules import EU_2024, table_for
from citizen_api.air.hours import clock_of_commune, stations_of
from citizen_api.air.measured import HOUR, Measured, measured_day, measured_now
from citizen_api.air.models import AirSource
from citizen_api.air.outlook import Outlook, outlook
from citizen_api.people.wishes import day_bounds, local_day
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.queries import CommuneHit

DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
HAZARDS: Final = ("pollen", "uv", "heat", "cold", "storms")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The air of one local day: what is published or modelled of it, and what stations measured on its UTC day."""

    day: date
    starts_at: datetime
    ends_at: datetime
    outlook: Outlook | None
    measured: Measured | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AirPage:
    """What is known at `at`. `now`: what stations measured last, if that is still now; `hours`: around it.

    `others`: {hazard: {"today", "tomorrow": outlook, None where nothing is known}}.
    """

    commune: CommuneHit
    at: datetime
    zone: str
    now: Measured | None
    days: Mapping[str, Day]
    hours: Sequence[Hour]
    others: Mapping[str, Mapping[str, Outlook | None]]
    sources: Mapping[str, AirSource]

    @property
    def hour(self) -> Hour | None:
        """The hour of the forecast in which `at` lies."""
        found = [hour for hour in self.hours if hour.forecast and hour.ends_at - HOUR <= self.at < hour.ends_at]
        return found[0] if found else None


def air_page(
    session: Session, commune_code: str, *, at: datetime | date, eu_thresholds_on: date = EU_2024.valid_from
) -> AirPage:
    """Gather what is known of the air of a commune at a moment: of the past, what was known then.

    `at` as a day: that day is "today", as it was known when it was over by the clock of the place and in UTC, which
    counts the days of measurements. `eu_thresholds_on`: from which day on measured days are judged by the European
    thresholds. Raises CommuneUnknown.
    """
    found = territory_queries.find_commune(session, commune_code)
    commune = found.commune
    zone = clock_of_commune(commune.code)
    if isinstance(at, datetime):
        today = local_day(at, zone=zone)
    else:
        today, at = at, max(day_bounds(at, zone=zone)[1], datetime.combine(at + _DAY, datetime.min.time(), UTC))
    bounds = {name: day_bounds(today + shift * _DAY, zone=zone) for name, shift in DAYS.items()}
    zones = queries.zones_of(session, [commune.code])[commune.code]
    facts = queries.facts(session, zones, at=at, ends_after=bounds["yesterday"][0], starts_before=bounds["tomorrow"][1])
    stations = stations_of(session, found, zones, since=bounds["yesterday"][0] - _DAY, at=at)
    expected = queries.forecast(session, commune.code, at=at, since=bounds["today"][0] - _DAY)

    def day_of(name: str) -> Day:
        day = today + DAYS[name] * _DAY
        thresholds = table_for(day, switch_on=eu_thresholds_on)
        return Day(
            day=day,
            starts_at=bounds[name][0],
            ends_at=bounds[name][1],
            outlook=outlook("air", day, facts, zones, at=at),
            measured=measured_day(stations, day, at, thresholds) if day <= today else None,
        )

    return AirPage(
        commune=commune,
        at=at,
        zone=zone,
        now=measured_now(stations, at),
        days={name: day_of(name) for name in DAYS},
        hours=curve(stations, expected, since=bounds["today"][0], until=bounds["tomorrow"][1]),
        others={
            hazard: {
                name: outlook(hazard, today + DAYS[name] * _DAY, facts, zones, at=at) for name in ("today", "tomorrow")
            }
            for hazard in HAZARDS
        },
        sources=queries.sources(session),
    )
