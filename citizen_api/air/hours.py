"""The air of one commune hour by hour and day by day, from now on: the part of the page that a way through it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from citizen_api.air import queries
from citizen_api.air.curve import Hour, curve
from citizen_api.air.measured import StationHours
from citizen_api.air.outlook import Outlook, outlook
from citizen_api.people.wishes import day_bounds, local_day
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.clocks import zone_of
from citizen_api.territory.queries import CommuneFound, CommuneHit

WARNINGS: Final = ("heat", "cold", "storms")
"""Hazards of Météo-France's vigilance that speak against being outdoors."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AirHours:
    """What is known at `at`. `hours`: as the page tells them, oldest first; `days`: {local day: outlook or None}.

    `warnings`: the same of each of WARNINGS: {hazard: {local day: outlook or None}}.
    """

    commune: CommuneHit
    at: datetime
    zone: str
    until: datetime
    hours: Sequence[Hour]
    days: Mapping[date, Outlook | None]
    warnings: Mapping[str, Mapping[date, Outlook | None]]


def air_hours(
    session: Session,
    commune_code: str,
    *,
    at: datetime,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
) -> AirHours:
    """Hours that end later than `before` ahead of `at`, until `after` tomorrow's end by the clock of the place.

    Of these hours only the concentrations count: there are too few of them for a mean of 24 hours, and a station that
    measured in none of them does not speak. Raises CommuneUnknown.
    """
    found = territory_queries.find_commune(session, commune_code)
    zone = clock_of_commune(found.commune.code)
    today = local_day(at, zone=zone)
    since, until = at - before, day_bounds(today + _DAY, zone=zone)[1] + after
    zones = queries.zones_of(session, [found.commune.code])[found.commune.code]
    facts = queries.facts(session, zones, at=at, ends_after=at, starts_before=until)
    days = [today]
    while day_bounds(days[-1], zone=zone)[1] < until:
        days.append(days[-1] + _DAY)
    return AirHours(
        commune=found.commune,
        at=at,
        zone=zone,
        until=until,
        hours=curve(
            stations_of(session, found, zones, since=since, at=at),
            queries.forecast(session, found.commune.code, at=at, since=since),
            since=since,
            until=until,
        ),
        days={day: outlook("air", day, facts, zones, at=at) for day in days},
        warnings={hazard: {day: outlook(hazard, day, facts, zones, at=at) for day in days} for hazard in WARNINGS},
    )


def clock_of_commune(commune_code: str) -> str:
    """IANA name of the clock of a commune; Paris' for the lands that keep several or none."""
    try:
        return zone_of(commune_code).key
    except ValueError:
        return "Europe/Paris"


def stations_of(
    session: Session, found: CommuneFound, zones: Mapping[queries.Zone, int], *, since: datetime, at: datetime
) -> list[StationHours]:
    """Stations that may speak for a commune, with their hours that end after `since`.

    A station of the city of an arrondissement without a position speaks of all of the city.
    """
    commune = found.commune
    towns = {commune.code, *(code for kind, code in zones if kind == "commune")}
    if found.parent is not None:
        city = queries.zones_of(session, [found.parent.code])[found.parent.code]
        towns |= {code for kind, code in city if kind == "commune"}
    return queries.stations_near(session, lat=commune.lat, lon=commune.lon, towns=towns, since=since, at=at)
