"""What is answered about stations, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_api.mobility.map_parts import Marker, Picture
from citizen_api.mobility.models import BikeSystem
from citizen_api.mobility.station_queries import NEAR_M, NearStation, NearStations
from citizen_api.mobility.station_rules import FAIR_FROM, FORESEEN_S, GOOD_FROM, ONE_LESS_EVERY_S, Want
from content.catalogue import catalogue

OVERDUE: Final = timedelta(minutes=2)
"""A system whose turn has been due for so long is said to be late, as one that did not answer is."""


class StationsPresenter:
    """Says what was found in one language, at one moment, by one clock."""

    def __init__(self, near: NearStations, *, want: Want, at: datetime, clock: ZoneInfo, lang: str) -> None:
        self._near = near
        self._want = want
        self._at = at
        self._clock = clock
        self._lang = lang
        self._words = catalogue().moving["stations"]
        self._shown = {found.station.system_id for found in near.found}

    def view(self) -> dict[str, Any]:
        """The answer, as `StationsView` has it."""
        return {
            "want": self._want,
            "items": [self._item(found) for found in self._near.found],
            "next": None,
            "chance_basis": self._words["chance_basis"].say(
                self._lang,
                minutes=f"{ONE_LESS_EVERY_S / 60:.0f}",
                good=f"{GOOD_FROM:.0f}",
                fair=f"{FAIR_FROM:.0f}",
                limit=f"{FORESEEN_S / 60:.0f}",
            ),
            "sources": [self._source(system) for system in self._systems()],
            "notices": [
                {"code": code, "text": catalogue().notices[code].say(self._lang, **values)}
                for code, values in self._notices()
            ],
        }

    def picture(self, *, lat: float, lon: float, streets: Sequence[str]) -> Picture:
        """The same on a map. `streets`: attributions of the networks around."""
        view, want = self.view(), self._want
        stations = [
            Marker(
                lat=item["lat"],
                lon=item["lon"],
                kind="station",
                text=self._words[f"station_{want}"].say(
                    self._lang,
                    name=item["name"],
                    count="?" if item["wanted"] is None else item["wanted"],
                    metres=item["distance_m"],
                ),
            )
            for item in view["items"]
        ]
        here = Marker(lat=lat, lon=lon, kind="here", text=self._words["here"].say(self._lang))
        title = self._words[f"map_{want}"].say(self._lang)
        notices = [notice["text"] for notice in view["notices"]]
        said = [
            self._words["source"].say(self._lang, source=system.producer or system.title) for system in self._systems()
        ]
        attribution = " · ".join(dict.fromkeys([*streets, *said]))
        markers = [here, *stations]
        return Picture(title=title, description=title, markers=markers, attribution=attribution, notices=notices)

    def _systems(self) -> list[BikeSystem]:
        return [system for system_id, system in self._near.systems.items() if system_id in self._shown]

    def _item(self, found: NearStation) -> dict[str, Any]:
        station = found.station
        return {
            "id": station.id,
            "name": station.name,
            "lat": station.lat,
            "lon": station.lon,
            "distance_m": round(found.distance_m),
            "capacity": station.capacity,
            "bikes": station.bikes,
            "ordinary_bikes": station.ordinary_bikes,
            "ebikes": station.ebikes,
            "docks": station.docks,
            "is_renting": station.is_renting,
            "is_returning": station.is_returning,
            "last_reported": station.last_reported.astimezone(self._clock),
            "age_s": station.age_s,
            "wanted": found.wanted,
            "chance": {"code": found.chance, "text": self._words[f"chance_{found.chance}"].say(self._lang)},
            "source": station.system_id,
        }

    def _source(self, system: BikeSystem) -> dict[str, Any]:
        return {
            "id": system.id,
            "title": system.title,
            "producer": system.producer,
            "licence": system.licence,
            "url": system.url,
            "fetched_at": None if system.fetched_at is None else system.fetched_at.astimezone(self._clock),
            "age_s": self._age_s(system),
        }

    def _age_s(self, system: BikeSystem) -> int | None:
        return None if system.fetched_at is None else max(0, int((self._at - system.fetched_at).total_seconds()))

    def _notices(self) -> Iterator[tuple[str, dict[str, Any]]]:
        near = self._near
        km = f"{NEAR_M / 1000:.0f}"
        if not near.found:
            if near.heard:
                yield f"no_{self._want}_near", {"km": km}
            elif near.silent:
                yield "bike_stations_all_silent", {}
            else:
                yield "bike_share_unknown", {"km": km}
        if near.silent:
            yield "bike_stations_silent", {"count": near.silent}
        for system in self._systems():
            overdue = system.next_try_at is not None and self._at - system.next_try_at > OVERDUE
            if system.failures or overdue:
                yield "bike_share_late", {"system": system.title}
        if any(found.station.made_up for found in near.found):
            yield "demo_bikes", {}
