"""Trips in a resident's words: the answer as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from citizen_api.air.models import AirSource
from citizen_api.air.rules import age_s
from citizen_api.mobility import rules
from citizen_api.mobility.cautions import caution_notices, moving_text
from citizen_api.mobility.exposure import METHODS
from citizen_api.mobility.network import POLLUTANTS, Network
from citizen_api.mobility.planning import DOSE_DIGITS
from citizen_api.mobility.profiles import STEP_FREE
from citizen_api.mobility.steps import say_distance, say_step, steps_of
from citizen_api.mobility.transit import TransitLink
from citizen_api.mobility.trip_checks import light_unknown, one_way, rises, slope_unknown
from citizen_api.mobility.trip_parts import REASONABLE_S, Found, Leg, Trip
from citizen_api.mobility.trip_values import (
    GEOJSON_DIGITS,
    activity_of,
    advice_of,
    age_days,
    encoded,
    line_string,
    moving_s,
)
from content.catalogue import catalogue

ENDS_FAR_M: Final = 50.0
__all__ = ("TripPresenter", "encoded", "line_string")
MAP_OLD_DAYS: Final = 366


class TripPresenter:
    """Says what was found in one language. `sources`: those of the air, by id."""

    def __init__(self, found: Found, language: str, *, at: datetime, sources: Mapping[str, AirSource]) -> None:
        self.found, self.language, self.at = found, language, at
        self._sources = sources
        self._catalogue = catalogue()
        self._words = self._catalogue.moving["trips"]
        self._zone = ZoneInfo(found.background.zone)

    def view(self, *, goal: Mapping[str, Any], transit: TransitLink | None) -> dict[str, Any]:
        """The whole answer. `goal`: what is known of it beside its position."""
        found, question = self.found, self.found.question
        snaps = next((trip.snap_m for trip in found.trips if trip.snap_m is not None), found.near_m)
        networks = {trip.network.city: trip.network for trip in found.trips if trip.network is not None}
        return {
            "notices": self.spoken_notices(),
            "start": {
                "lat": question.from_lat,
                "lon": question.from_lon,
                "snap_m": _rounded(snaps[0]),
            },
            "goal": {
                "lat": question.to_lat,
                "lon": question.to_lon,
                "snap_m": _rounded(snaps[1]),
                **goal,
            },
            "air": self.air(),
            "networks": [self.network(network) for network in networks.values()],
            "items": [self.trip(trip) for trip in found.trips],
            "missing": [
                {"mode": mode, "mode_name": self.label(mode), "reason": why, "text": self.label(f"missing_{why}")}
                for mode, why in found.missing.items()
            ],
            "transit": self.transit(transit),
            "next": None,
        }

    def spoken_notices(self) -> list[dict[str, str]]:
        """What must be known beside the data, in words."""
        said = [{"code": code, "text": self._notice(code)} for code in self.notices()]
        return said + self._rising() + self._moving_notices()

    @property
    def land_unknown(self) -> bool:
        """Whether nobody knows that one can walk or ride there at all: then nothing is recommended."""
        return any(self.found.land_unknown(trip) for trip in self.found.trips)

    def bike_is_nearer(self) -> bool:
        """Whether a bicycle, that was not asked for, takes less than an hour where all that was takes more."""
        return not self.land_unknown and (self.found.by_bike_s() or math.inf) < REASONABLE_S

    def notices(self) -> list[str]:
        """Codes of what must be known beside the data."""
        found, question = self.found, self.found.question
        wishes = frozenset(question.wishes)
        basis = found.background.basis
        approximate = any(trip.network is None for trip in found.trips)
        no_dose = any(trip.guide_ug is None for trip in found.trips)
        codes = {
            "trip_approximate": approximate,
            **dict.fromkeys(self._cautions(), True),
            "trip_land_unknown": self.land_unknown,
            "trip_one_way": one_way(found.trips),
            "trip_wished": any("wished" in trip.labels for trip in found.trips),
            "trip_try_bike": self.bike_is_nearer(),
            "trip_step_free_unknown": approximate and bool(wishes & STEP_FREE),
            "trip_kerbs_unknown": bool(wishes & STEP_FREE) and bool(found.trips),
            "trip_slopes_unknown": "avoid_hills" in wishes and any(slope_unknown(trip) for trip in found.trips),
            "trip_light_unknown": "avoid_unlit" in wishes
            and found.dark
            and any(light_unknown(trip) for trip in found.trips),
            "trip_child_bike": "child_bike" in wishes and any(trip.mode != "walk" for trip in found.trips),
            "trip_modes_missing": bool(found.missing),
            "trip_too_late": any(trip.depart_at < self.at for trip in found.trips) and question.arrive_by is not None,
            "trip_air_index_only": no_dose and basis == "index",
            "trip_air_unknown": no_dose and basis != "index",
            "demo_air": found.background.made_up,
            "bike_counts_then": any(trip.shared is not None and trip.shared.counts_too_early for trip in found.trips),
            "demo_bikes": any(leg.station.made_up for trip in found.trips for leg in trip.legs if leg.station),
        }
        return [code for code, holds in codes.items() if holds]

    def _cautions(self) -> list[str]:
        """Codes of an open episode and of warnings, at the hours of some trip."""
        background, trips = self.found.background, self.found.trips
        asked = [(trip.depart_at, trip.duration_s) for trip in trips] or [(self.found.question.depart_at, 0.0)]
        return [
            code
            for depart_at, duration_s in asked
            for code in caution_notices(background, depart_at=depart_at, duration_s=duration_s)
        ]

    def _rising(self) -> list[dict[str, str]]:
        """A notice for each way that is cleaner or balanced by its guide: what else one breathes more of."""
        words, told = self._catalogue.moving["departures"], []
        for trip in self.found.trips:
            said = [
                words["more"].say(self.language, percent=percent, of=words[f"of_{name}"].say(self.language))
                for name, percent in rises(trip, self.found.trips).items()
            ]
            if said:
                wording = self._catalogue.notices["trip_in_one_only"]
                text = wording.say(self.language, way=self.title(trip), more=", ".join(said))
                told.append({"code": "trip_in_one_only", "text": text})
        return told

    def _moving_notices(self) -> list[dict[str, str]]:
        """What the day says of moving, once for all trips of which it says the same; it cheers only if for all."""
        told = [self.advice(trip) for trip in self.found.trips]
        said = {advice["text"]: advice for advice in told if advice is not None}
        cheers = bool(told) and all(advice is not None and advice["code"] == "encourage" for advice in told)
        known = {self._notice(code) for code in self._cautions()}
        return [
            {"code": f"trip_{advice['code']}", "text": text}
            for text, advice in said.items()
            if text not in known and (cheers or advice["code"] != "encourage")
        ]

    def air(self) -> dict[str, Any]:
        """On what the doses rest."""
        background = self.found.background
        rows = [row for name in background.sources if (row := self._sources.get(name)) is not None]
        known_at = background.known_at
        return {
            "commune": {"code": background.commune_code, "name": background.commune_name},
            "basis": background.basis,
            "known_at": None if known_at is None else self.local(known_at),
            "age_s": None if known_at is None else age_s(known_at, self.at),
            "sources": [
                {"id": row.id, "title": row.title, "producer": row.producer, "licence": row.licence, "url": row.url}
                for row in rows
            ],
        }

    def network(self, network: Network) -> dict[str, Any]:
        """Where the streets come from, and the air of each street against that of the city."""
        return {
            "city": network.city,
            "title": network.title,
            "built_on": network.built_on,
            "extract_date": network.extract_date,
            "age_days": age_days(network, self.at),
            "source": network.source,
            "licence": network.licence,
            "attribution": network.attribution,
            "street_air_method": network.factor_method,
            "street_air_source": network.factor_source,
            "elevation_source": network.elevation_source,
        }

    def trip(self, trip: Trip) -> dict[str, Any]:
        """One alternative."""
        points = np.concatenate([leg.points for leg in trip.legs])
        saved_g = sum(rules.co2e_saved_g(leg.mode, distance_m=leg.distance_m) for leg in trip.legs)
        doubtful = self.found.land_unknown(trip)
        return {
            "mode": trip.mode,
            "labels": list(trip.labels),
            "title": self.title(trip),
            "approximate": trip.network is None,
            "depart_at": self.local(trip.depart_at),
            "arrive_at": self.local(trip.arrive_at),
            "duration_s": round(trip.duration_s),
            "distance_m": round(trip.distance_m),
            "ascent_m": _rounded(trip.ascent_m),
            "guide": trip.guide,
            "dose_ug": {name: _rounded(trip.dose_ug.get(name), DOSE_DIGITS) for name in POLLUTANTS},
            "air": self.air_at(trip.depart_at),
            "against_fastest": self.against_fastest(trip),
            "activity": None if doubtful else activity_of(trip),
            "co2e_saved_g": None if doubtful else round(saved_g),
            "advice": self.advice(trip),
            "legs": [self.leg(trip, leg) for leg in trip.legs],
            "polyline": encoded(points),
            "geometry": line_string(points),
            "confidence": self.confidence(trip),
            "network": None if trip.network is None else trip.network.city,
        }

    def air_at(self, moment: datetime) -> list[dict[str, Any]]:
        """The background at a moment, and how it is known."""
        background = self.found.background
        hour = background.hour(moment)
        found = []
        for pollutant in POLLUTANTS:
            value = math.nan if hour is None else float(background.values_ug_m3[pollutant][hour])
            known = hour is not None and not math.isnan(value)
            method = METHODS[background.methods[pollutant][hour]] if known else None
            named = self._catalogue.names.pollutants[pollutant].name.say(self.language)
            found.append(
                {
                    "pollutant": pollutant,
                    "pollutant_name": named,
                    "background_ug_m3": round(value, 1) if known else None,
                    "method": method,
                }
            )
        return found

    def against_fastest(self, trip: Trip) -> dict[str, Any] | None:
        """The dose of the guide against that of the fastest trip by the same mode, as both are shown."""
        fastest = next(other for other in self.found.trips if other.mode == trip.mode)
        own, other = (_rounded(one.guide_ug, DOSE_DIGITS) for one in (trip, fastest))
        if own is None or not other or trip.guide != fastest.guide:
            return None
        return {
            "pollutant": trip.guide,
            "ratio": round(own / other, 3),
            "percent": round((own / other - 1) * 100),
            "slower_s": round(trip.duration_s) - round(fastest.duration_s),
        }

    def advice(self, trip: Trip) -> dict[str, str] | None:
        """What the day says of a trip, in words; None where it says nothing."""
        code, background = advice_of(self.found, trip), self.found.background
        text = moving_text(code, background, depart_at=trip.depart_at, duration_s=moving_s(trip), lang=self.language)
        return None if text is None else {"code": code, "text": text}

    def leg(self, trip: Trip, leg: Leg) -> dict[str, Any]:
        """A part of a trip, with its steps."""
        return {
            "mode": leg.mode.name,
            "starts_s": round(leg.starts_s),
            "duration_s": round(leg.duration_s),
            "distance_m": round(leg.distance_m),
            "ascent_m": _rounded(leg.ascent_m),
            "station": None
            if leg.station is None
            else {
                "id": leg.station.id,
                "name": leg.station.name,
                "lat": leg.station.lat,
                "lon": leg.station.lon,
                "bikes": leg.station.bikes,
                "ebikes": leg.station.ebikes,
                "docks": leg.station.docks,
                "age_s": leg.station.age_s,
                **self.chance(trip, leg),
            },
            "steps": self.steps(trip, leg),
            "polyline": encoded(leg.points),
            "geometry": line_string(leg.points),
        }

    def chance(self, trip: Trip, leg: Leg) -> dict[str, str]:
        """How likely what is wanted at the station of a leg is still there: a bike to ride, or a place to leave it."""
        found = "unknown"
        if trip.shared is not None:
            found = trip.shared.dock_chance if leg.mode.name == "walk" else trip.shared.bike_chance
        words = self._catalogue.moving["stations"]
        return {"chance": found, "chance_name": words[f"chance_{found}"].say(self.language)}

    def steps(self, trip: Trip, leg: Leg) -> list[dict[str, Any]]:
        """Instructions in words; none on a straight line."""
        if leg.route is None or trip.network is None:
            return []
        words, lang = self._words, self.language
        said = []
        if leg.station is not None:
            verb = "step_leave_bike" if leg.mode.name == "walk" else "step_take_bike"
            said.append(
                {
                    "turn": "station",
                    "text": self.label(verb, station=leg.station.name),
                    "distance": None,
                    "distance_m": 0,
                    "duration_s": 0,
                    "lat": leg.station.lat,
                    "lon": leg.station.lon,
                }
            )
        for step in steps_of(trip.network, leg.route, leg.points, leg.pieces, graph=leg.mode.graph):
            if step.turn == "arrive" and leg is not trip.legs[-1]:
                continue
            said.append(
                {
                    "turn": step.turn,
                    "text": say_step(step, words, lang),
                    "distance": say_distance(step.distance_m, words, lang) if step.distance_m else None,
                    "distance_m": round(step.distance_m),
                    "duration_s": round(step.duration_s),
                    "lat": round(step.lat, GEOJSON_DIGITS),
                    "lon": round(step.lon, GEOJSON_DIGITS),
                }
            )
        return said

    def confidence(self, trip: Trip) -> dict[str, Any]:
        """How far to trust a trip: low on a straight line, fair when anything below is not as good as it could be."""
        methods = {entry["method"] for entry in self.air_at(trip.depart_at) if entry["pollutant"] == trip.guide}
        network = trip.network
        old = None if network is None else age_days(network, self.at)
        reasons = {
            "straight": network is None,
            "air_unknown": trip.guide_ug is None,
            "air_modelled": trip.guide_ug is not None and methods != {"measured"},
            "streets_estimated": trip.guide_ug is not None
            and network is not None
            and network.factor_method != "raster",
            "ends_far": trip.snap_m is not None and max(trip.snap_m) > ENDS_FAR_M,
            "map_old": old is not None and old > MAP_OLD_DAYS,
            "map_age_unknown": network is not None and old is None,
            "stations": trip.shared is not None,
        }
        held = [code for code, holds in reasons.items() if holds]
        level = "low" if network is None else "fair" if held else "good"
        return {
            "level": level,
            "name": self.label(f"confidence_{level}"),
            "reasons": [{"code": code, "text": self.label(f"why_{code}")} for code in held],
        }

    def transit(self, link: TransitLink | None) -> dict[str, Any] | None:
        """The planner of the region, why it is offered, and what who follows the link tells it.

        Where there may be no land none is: nobody knows that it goes there either.
        """
        reason = None if self.land_unknown else self.found.transit_reason()
        if reason is None:
            return None
        operator = None
        told = None
        if link is not None:
            operator = link.operator
            called = operator or self.label("transit_some_planner")
            told = self.label("transit_told" if link.tells_position else "transit_not_told", operator=called)
        return {
            "reason": reason,
            "text": self.label(f"transit_{reason}"),
            "operator": operator,
            "url": None if link is None else link.url,
            "tells_position": None if link is None else link.tells_position,
            "told": told,
        }

    def local(self, moment: datetime) -> datetime:
        """A moment by the clock of the place, to the nearest second."""
        return (moment + timedelta(microseconds=500_000)).astimezone(self._zone).replace(microsecond=0)

    def label(self, name: str, **values: object) -> str:
        """A word of `content/mobility/trips.yaml`."""
        return self._words[name].say(self.language, **values)

    def title(self, trip: Trip) -> str:
        """All that a trip is called, and its mode."""
        return f"{', '.join(self.named(label, trip) for label in trip.labels)} · {self.label(trip.mode)}"

    def named(self, label: str, trip: Trip) -> str:
        """What a trip is called by one of its labels: the cleanest by what it is cleanest of."""
        return self.label(f"{label}_{trip.guide}" if label == "cleanest" else label)

    def _notice(self, code: str) -> str:
        return self._catalogue.notices[code].say(self.language)


def _rounded(value: float | None, digits: int = 0) -> float | None:
    return None if value is None else round(value, digits)
