"""Trips in a resident's words: the answer as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polyline

from citizen_api.air.models import AirSource
from citizen_api.air.rules import age_s
from citizen_api.mobility import rules
from citizen_api.mobility.network import POLLUTANTS, Flag, FloatArray, Network
from citizen_api.mobility.planning import DOSE_DIGITS
from citizen_api.mobility.profiles import STEP_FREE
from citizen_api.mobility.steps import say_distance, say_step, steps_of
from citizen_api.mobility.transit import TransitLink
from citizen_api.mobility.trip_parts import Found, Leg, Trip
from content.catalogue import catalogue

POLYLINE_PRECISION: Final = 5
ENDS_FAR_M: Final = 50.0
MAP_OLD_DAYS: Final = 366
_GEOJSON_DIGITS: Final = 6


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
        snaps = next((trip.snap_m for trip in found.trips if trip.snap_m is not None), None)
        networks = {trip.network.city: trip.network for trip in found.trips if trip.network is not None}
        return {
            "notices": self.spoken_notices(),
            "start": {
                "lat": question.from_lat,
                "lon": question.from_lon,
                "snap_m": None if snaps is None else round(snaps[0]),
            },
            "goal": {
                "lat": question.to_lat,
                "lon": question.to_lon,
                "snap_m": None if snaps is None else round(snaps[1]),
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
        return [{"code": code, "text": self._notice(code)} for code in self.notices()]

    def notices(self) -> list[str]:
        """Codes of what must be known beside the data."""
        found, question = self.found, self.found.question
        wishes = frozenset(question.wishes)
        basis = found.background.basis
        approximate = any(trip.network is None for trip in found.trips)
        no_dose = any(trip.guide_ug is None for trip in found.trips)
        advised = {code for trip in found.trips if (code := advice_of(found, trip)) is not None}
        codes = {
            "trip_approximate": approximate,
            "trip_one_way": any(_is_only(trip, found.trips) for trip in found.trips),
            "trip_step_free_unknown": approximate and bool(wishes & STEP_FREE),
            "trip_kerbs_unknown": bool(wishes & STEP_FREE) and bool(found.trips),
            "trip_slopes_unknown": "avoid_hills" in wishes and any(_slope_unknown(trip) for trip in found.trips),
            "trip_light_unknown": "avoid_unlit" in wishes
            and found.dark
            and any(_light_unknown(trip) for trip in found.trips),
            "trip_child_bike": "child_bike" in wishes and any(trip.mode != "walk" for trip in found.trips),
            "trip_modes_missing": bool(found.missing),
            "trip_too_late": any(trip.depart_at < self.at for trip in found.trips) and question.arrive_by is not None,
            "trip_air_index_only": no_dose and basis == "index",
            "trip_air_unknown": no_dose and basis != "index",
            **{f"trip_{code}": code in advised for code in ("indoors", "shorter", "encourage")},
            "demo_air": found.background.made_up,
            "demo_bikes": any(leg.station.made_up for trip in found.trips for leg in trip.legs if leg.station),
        }
        return [code for code, holds in codes.items() if holds]

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
            "age_days": _age_days(network, self.at),
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
        names = [self.label(label) for label in trip.labels]
        return {
            "mode": trip.mode,
            "labels": list(trip.labels),
            "title": f"{', '.join(names)} · {self.label(trip.mode)}",
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
            "activity": activity_of(trip),
            "co2e_saved_g": round(sum(rules.co2e_saved_g(leg.mode, distance_m=leg.distance_m) for leg in trip.legs)),
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
            method = ("measured" if background.measured[hour] else "modelled") if known else None
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
        """Whether moving wins in this air, in words; None where the fine particles are not known."""
        code = advice_of(self.found, trip)
        return None if code is None else {"code": code, "text": self._notice(f"trip_{code}")}

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
                    "lat": round(step.lat, _GEOJSON_DIGITS),
                    "lon": round(step.lon, _GEOJSON_DIGITS),
                }
            )
        return said

    def confidence(self, trip: Trip) -> dict[str, Any]:
        """How far to trust a trip: low on a straight line, fair when anything below is not as good as it could be."""
        methods = {entry["method"] for entry in self.air_at(trip.depart_at) if entry["pollutant"] == trip.guide}
        network = trip.network
        reasons = {
            "straight": network is None,
            "air_unknown": trip.guide_ug is None,
            "air_modelled": trip.guide_ug is not None and "modelled" in methods,
            "streets_estimated": trip.guide_ug is not None
            and network is not None
            and network.factor_method != "raster",
            "ends_far": trip.snap_m is not None and max(trip.snap_m) > ENDS_FAR_M,
            "map_old": network is not None and _age_days(network, self.at) > MAP_OLD_DAYS,
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
        """The planner of the region, why it is offered, and what who follows the link tells it."""
        reason = self.found.transit_reason()
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
        """A moment by the clock of the place."""
        return moment.astimezone(self._zone).replace(microsecond=0)

    def label(self, name: str, **values: object) -> str:
        """A word of `content/mobility/trips.yaml`."""
        return self._words[name].say(self.language, **values)

    def _notice(self, code: str) -> str:
        return self._catalogue.notices[code].say(self.language)


def advice_of(found: Found, trip: Trip) -> rules.Advice | None:
    """Whether moving still wins on this trip; None where the PM2.5 of its departure are not known.

    Of a trip with a ride, by its ride and its whole time: one breathes most on it.
    """
    hour = found.background.hour(trip.depart_at)
    value = math.nan if hour is None else float(found.background.values_ug_m3["pm25"][hour])
    if math.isnan(value):
        return None
    hardest = max((leg.mode for leg in trip.legs), key=lambda mode: mode.vr_m3_h)
    return rules.moving_wins(value, mode=hardest, hours=_moving_s(trip) / 3600)


def activity_of(trip: Trip) -> dict[str, Any]:
    """What a trip does for who takes it: the part of a week that WHO asks for, and energy for 60 to 80 kg."""
    minutes = [(leg.mode, leg.duration_s / 60) for leg in trip.legs]
    burnt = [rules.kcal_range(mode, hours=spent / 60) for mode, spent in minutes]
    return {
        "active_min": round(_moving_s(trip) / 60),
        "met_min": round(sum(rules.met_minutes(mode, minutes=spent) for mode, spent in minutes)),
        "who_week_percent": round(100 * sum(rules.week_share(mode, minutes=spent) for mode, spent in minutes)),
        "kcal_least": round(sum(least for least, _ in burnt)),
        "kcal_most": round(sum(most for _, most in burnt)),
    }


def encoded(points: FloatArray) -> str:
    """A line in the encoded polyline format, precision 5."""
    return polyline.encode([(float(lat), float(lon)) for lat, lon in points], POLYLINE_PRECISION)


def line_string(points: FloatArray) -> dict[str, Any]:
    """A line in GeoJSON: longitude first, two positions at least."""
    places: Sequence[list[float]] = np.round(points[:, ::-1], _GEOJSON_DIGITS).tolist()
    return {"type": "LineString", "coordinates": list(places) if len(places) > 1 else [*places, *places]}


def _moving_s(trip: Trip) -> float:
    return sum(leg.duration_s for leg in trip.legs)


def _rounded(value: float | None, digits: int = 0) -> float | None:
    return None if value is None else round(value, digits)


def _age_days(network: Network, at: datetime) -> int:
    today: date = at.date()
    return max(0, (today - network.built_on).days)


def _is_only(trip: Trip, trips: Sequence[Trip]) -> bool:
    """Whether no street is better than those of the fastest trip by its mode."""
    return {"fastest", "cleanest"} <= set(trip.labels) and sum(other.mode == trip.mode for other in trips) == 1


def _slope_unknown(trip: Trip) -> bool:
    return trip.ascent_m is None


def _light_unknown(trip: Trip) -> bool:
    if trip.network is None:
        return True
    flags = np.concatenate([trip.network.flags[leg.route.streets] for leg in trip.legs if leg.route is not None])
    return bool(((flags & int(Flag.LIT | Flag.UNLIT)) == 0).any())
