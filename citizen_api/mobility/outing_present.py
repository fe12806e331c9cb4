"""An outing in a resident's words: the answer as plain data, and one walk as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from citizen_api.air.outlook import is_made_up
from citizen_api.air.page import HAZARDS
from citizen_api.air.present import Presenter
from citizen_api.air.rules import age_s
from citizen_api.mobility.exposure import concentrations_ug_m3
from citizen_api.mobility.maps import Line, Marker, Picture
from citizen_api.mobility.network import FloatArray, Network
from citizen_api.mobility.outing_plan import Outing, Walked
from citizen_api.mobility.outing_rules import Said, Window
from citizen_api.mobility.outings import WALK
from citizen_api.mobility.planning import DOSE_DIGITS, ascent_m
from citizen_api.mobility.rules import kcal_range, met_minutes, week_share
from citizen_api.mobility.shapes import route_points
from citizen_api.mobility.steps import Step, say_distance, say_step, steps_of
from citizen_api.mobility.trip_values import age_days, encoded, line_string
from content.catalogue import catalogue
from content.words import Words

SAME: Final = 0.03
"""Doses that differ by less are said to be the same."""
DRAWN: Final = frozenset({"air_episode", "demo_air"})
"""Notices that a picture shows."""
FAR_M: Final = 30.0
"""From here on it is said that the walks do not start where one stands."""


class OutingPresenter:
    """Says one outing in one language."""

    def __init__(self, outing: Outing, lang: str) -> None:
        self.outing, self.lang = outing, lang
        self.words: Mapping[str, Words] = catalogue().moving["outings"]
        self.trip_words: Mapping[str, Words] = catalogue().moving["trips"]
        self.air = Presenter(outing.page, lang)
        self._zone = ZoneInfo(outing.background.zone)

    def view(self, *, asked: int) -> dict[str, Any]:
        """The whole answer; `asked`: how many walks there might have been."""
        outing, background = self.outing, self.outing.background
        for source_id in background.sources:
            self.air.source(source_id, "commune")
        network, start = outing.network, outing.start
        return {
            "notices": list(self.notices(asked=asked)),
            "commune": {"code": background.commune_code, "name": background.commune_name},
            "at": self._local(outing.at).replace(microsecond=0),
            "better_day": outing.better,
            "better_day_text": self._say(f"better_{outing.better}") if outing.better else None,
            **{name: self.window(name) for name in outing.windows},
            "walk_day": outing.walk_day,
            "walk_at": None if outing.walk_at is None else self._local(outing.walk_at),
            "start": None
            if start is None
            else {"lat": start.lat, "lon": start.lon, "distance_m": round(start.distance_m)},
            "walks": [self.walk(number, walked) for number, walked in enumerate(outing.walks, start=1)],
            "network": None if network is None else self._network(network),
            "air": {
                "basis": background.basis,
                "known_at": None if background.known_at is None else self._local(background.known_at),
                "age_s": None if background.known_at is None else age_s(background.known_at, outing.at),
                "sources": list(background.sources),
            },
            "sources": self.air.sources(),
        }

    def notices(self, *, asked: int) -> Iterable[dict[str, str]]:
        """What must be known beside the data."""
        outing = self.outing
        start, walks = outing.start, outing.walks
        told = [outlook for days in outing.page.others.values() for outlook in days.values() if outlook is not None]
        away_m = 0.0 if start is None else start.distance_m
        holds = {
            "air_episode": any(hour.episode for day in outing.days.values() for hour in day.hours),
            "demo_air": outing.background.made_up or any(is_made_up(outlook) for outlook in told),
            "outing_air_by_day": outing.background.basis == "index",
            "outing_air_unknown": outing.background.basis == "unknown",
            "outing_rain_unknown": True,
            "outing_outside": not outing.covered,
            "outing_no_walk": outing.covered and not walks,
            "outing_starts_away": away_m > FAR_M,
            "outing_map_age_unknown": outing.network is not None and outing.network.extract_date is None,
            "outing_there_and_back": any(not walked.walk.is_round for walked in walks),
            "outing_fewer_walks": 0 < len(walks) < asked,
        }
        for code, so in holds.items():
            if so:
                values = {"distance_m": round(away_m)} if code == "outing_starts_away" else {}
                yield {"code": code, "text": catalogue().notices[code].say(self.lang, **values)}

    def window(self, name: str) -> dict[str, Any]:
        """What to do on a day, why, what to mind, and what it rests on."""
        window, day = self.outing.windows[name], self.outing.days[name]
        level = next((hour.level for hour in day.hours if hour.level), None)
        return {
            "day": window.day,
            "choice": window.choice,
            "text": self._headline(name, window),
            "starts_at": window.starts_at,
            "ends_at": window.ends_at,
            "daylight": window.light,
            "basis": window.basis,
            "reasons": [self._said(said) for said in window.reasons],
            "minds": [self._said(said) for said in window.minds],
            "sunrise": None if day.sun is None else day.sun[0].replace(microsecond=0),
            "sunset": None if day.sun is None else day.sun[1].replace(microsecond=0),
            "air": self.air.level("air", level),
            **{hazard: self.air.hazard(hazard, self.outing.page.others[hazard][name]) for hazard in HAZARDS},
        }

    def walk(self, number: int, walked: Walked) -> dict[str, Any]:
        """One walk."""
        walk, network = walked.walk, self._network_of()
        minutes = walk.duration_s / 60
        points, pieces = route_points(network, walk.route)
        least, most = kcal_range(WALK, hours=minutes / 60)
        up_m = ascent_m(network, walk.route)
        return {
            "number": number,
            "kind": "round" if walk.is_round else "there_and_back",
            "wished_min": walk.wished_min,
            "text": self.walk_text(walked),
            "duration_s": round(walk.duration_s),
            "distance_m": round(walk.distance_m),
            "ascent_m": None if up_m is None else round(up_m),
            "green_share": round(walk.green, 2),
            "away_from_main_roads_share": round(walk.away, 2),
            "repeated_share": round(walk.repeated, 2),
            "dose_ug": {
                name: None if dose is None else round(dose, DOSE_DIGITS) for name, dose in walked.dose_ug.items()
            },
            "guide": walked.guide,
            "dose_against_mean": None if walked.against_mean is None else round(walked.against_mean, 2),
            "activity": {
                "active_min": round(minutes),
                "met_min": round(met_minutes(WALK, minutes=minutes)),
                "who_week_percent": round(100 * week_share(WALK, minutes=minutes)),
                "kcal_least": round(least),
                "kcal_most": round(most),
            },
            "steps": [self._step(step) for step in steps_of(network, walk.route, points, pieces, graph="walk")],
            "polyline": encoded(points),
            "geometry": line_string(points),
        }

    def walk_text(self, walked: Walked) -> str:
        """A walk in a few short sentences."""
        walk = walked.walk
        parts = [self._say("about", title=self._title(walked), distance=self._distance(walk.distance_m))]
        for code, share in (("green_share", walk.green), ("away_share", walk.away)):
            percent = round(share * 100)
            if percent:
                parts.append(self._say(f"{code}_all" if percent == 100 else code, percent=percent))  # noqa: PLR2004
        if walked.against_mean is not None and walked.guide is not None:
            off = walked.against_mean
            code = "same_air" if abs(off) < SAME else "less_air" if off < 0 else "more_air"
            short = self.air.words.names.pollutants[walked.guide].short.say(self.lang)
            parts.append(self._say(code, pollutant=short, percent=round(abs(off) * 100)))
        parts.append(self._say("week", percent=round(week_share(WALK, minutes=walk.duration_s / 60) * 100)))
        return " ".join(parts)

    def picture(self, number: int) -> Picture:
        """The walk of this number on a map, the others of the day dashed."""
        outing, network = self.outing, self._network_of()
        chosen = outing.walks[number - 1]
        lines = [
            self._line(network, walked, chosen=rank == number) for rank, walked in enumerate(outing.walks, start=1)
        ]
        lat, lon = lines[number - 1].points[0]
        headline = self._headline(outing.walk_day, outing.windows[outing.walk_day]) if outing.walk_day else ""
        where = self._say("picture", number=number, count=len(outing.walks))
        return Picture(
            title=self._title(chosen),
            description=f"{where} {self.walk_text(chosen)} {headline}".strip(),
            lines=lines,
            markers=[Marker(lat=float(lat), lon=float(lon), kind="here", text=self._say("start"))],
            attribution=network.attribution,
            notices=[notice["text"] for notice in self.notices(asked=0) if notice["code"] in DRAWN],
        )

    def _line(self, network: Network, walked: Walked, *, chosen: bool) -> Line:
        points, pieces = route_points(network, walked.walk.route)
        values: FloatArray | None = None
        at, guide = self.outing.walk_at, walked.guide
        if guide is not None and at is not None:
            background = self.outing.background
            found = concentrations_ug_m3(
                network, walked.walk.route, pollutant=guide, background=background, depart_at=at
            )
            if found is not None:
                values = network.factors[guide][walked.walk.route.streets].astype(np.float64)[pieces]
        return Line(points=points, values=values, chosen=chosen, title=self._title(walked))

    def _step(self, step: Step) -> dict[str, Any]:
        return {
            "turn": step.turn,
            "text": say_step(step, self.trip_words, self.lang),
            "distance": self._distance(step.distance_m) if step.distance_m else None,
            "distance_m": round(step.distance_m),
            "duration_s": round(step.duration_s),
            "lat": round(step.lat, 6),
            "lon": round(step.lon, 6),
        }

    def _title(self, walked: Walked) -> str:
        code = "round" if walked.walk.is_round else "there_and_back"
        return self._say(code, minutes=round(walked.walk.duration_s / 60))

    def _headline(self, name: str, window: Window) -> str:
        times = {}
        if window.starts_at is not None and window.ends_at is not None:
            times = {"since": self._clock(window.starts_at), "until": self._clock(window.ends_at)}
        return self._say(window.choice, day=self._say(name), **times)

    def _clock(self, at: datetime) -> str:
        code = "clock" if at.minute else "clock_full"
        return self._say(code, hour=at.hour, **({"minute": f"{at:%M}"} if at.minute else {}))

    def _said(self, said: Said) -> dict[str, str]:
        values = dict(said.values)
        if isinstance(pollutant := values.get("pollutant"), str):
            values["pollutant"] = self.air.words.names.pollutants[pollutant].short.say(self.lang)
        return {"code": said.code, "text": self._say(said.code, **values)}

    def _distance(self, metres: float) -> str:
        return say_distance(metres, self.trip_words, self.lang)

    def _network_of(self) -> Network:
        if self.outing.network is None:
            raise ValueError("an outing without a walk has no network")
        return self.outing.network

    def _say(self, code: str, **values: object) -> str:
        return self.words[code].say(self.lang, **values)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone)

    def _network(self, network: Network) -> dict[str, Any]:
        return {
            "city": network.city,
            "title": network.title,
            "built_on": network.built_on,
            "extract_date": network.extract_date,
            "age_days": age_days(network, self.outing.at),
            "source": network.source,
            "licence": network.licence,
            "attribution": network.attribution,
            "street_air_method": network.factor_method,
            "street_air_source": network.factor_source,
            "elevation_source": network.elevation_source,
        }
