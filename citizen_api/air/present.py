"""What is known of the air, in a resident's words: the answer as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_api.air.curve import Hour
from citizen_api.air.measured import Measured, Value
from citizen_api.air.outlook import DEMO_SOURCE, Fact, Outlook, driver, is_modelled
from citizen_api.air.page import AirPage, Day
from citizen_api.air.rules import EAQI_2017, IndexResult, age_s, standing, worst
from citizen_api.sources.air_sources import SOURCES
from content.catalogue import Catalogue, catalogue
from content.hazards import SCALES

LATE_AFTER: Final = 3
"""Failures in a row after which a source is said to be late."""


class Presenter:
    """Says one page in one language."""

    def __init__(self, page: AirPage, language: str, words: Catalogue | None = None) -> None:
        self.page = page
        self.language = language
        self.words = words or catalogue()
        self._zone = ZoneInfo(page.zone)
        self._used: dict[str, None] = {}

    def view(self) -> dict[str, Any]:
        """The whole answer."""
        page = self.page
        view = {
            "notices": [{"code": code, "text": self.words.notices[code].say(self.language)} for code in self.notices()],
            "commune": {"code": page.commune.code, "name": page.commune.name},
            "at": self.local(page.at).replace(microsecond=0),
            "now": self.now(),
            **{name: self.day(day) for name, day in page.days.items()},
            "hourly": [self.hour(hour) for hour in page.hours],
            "episodes": [
                self.episode(episode)
                for day in page.days.values()
                if day.outlook
                for episode in day.outlook.episodes
                if episode.ends_at > page.at
            ],
            **{
                hazard: {name: self.hazard(hazard, found) for name, found in days.items()}
                for hazard, days in page.others.items()
            },
        }
        return view | {"sources": self.sources()}

    def notices(self) -> list[str]:
        """Codes of what must be known beside the data."""
        page, now = self.page, self.now()
        today, tomorrow = page.days["today"], page.days["tomorrow"]
        told = self._told()
        named = self._named()
        codes = {
            "demo_air": DEMO_SOURCE in named,
            "air_unknown": (now is None or now["level"] is None) and self.day(today)["level"] is None,
            "air_tomorrow_unknown": tomorrow.outlook is None or tomorrow.outlook.level is None,
            "air_not_measured_now": now is not None and now["basis"] == "index",
            "air_day_running": today.measured is not None and not all(v.complete for v in today.measured.values),
            "air_in_the_city": any(value.distance_m is None for value in self._values()),
            "air_modelled": any(
                day.outlook is not None and _method(day.outlook) == "modelled" for day in (today, tomorrow)
            ),
            "air_of_a_larger_area": any(fact.zone_kind not in {"commune", "departement"} for fact in told),
            "air_episode": any(day.outlook and day.outlook.tier for day in (today, tomorrow)),
            "air_above_threshold": any(
                day.measured is not None and day.measured.above is not None for day in page.days.values()
            ),
            "air_source_late": any(
                source.failures >= LATE_AFTER for source_id, source in page.sources.items() if source_id in named
            ),
        }
        return [code for code, holds in codes.items() if holds]

    def now(self) -> dict[str, Any] | None:
        """The air at this moment: measured, else as a model expects this hour, else today's index; None: unknown."""
        page = self.page
        found = page.days["today"].outlook
        if page.now is not None and page.now.result.level is not None:
            (driving, *_) = [value for value in page.now.values if value.pollutant == page.now.result.driver]
            said = self._now("measured", page.now.result) | self.source(driving.source_id, "station")
            said |= {"ends_at": self.local(driving.ends_at), "age_s": age_s(driving.ends_at, page.at)}
        elif page.hour is not None and page.hour.result.level is not None:
            said = self._now("modelled", page.hour.result) | self.source(page.hour.sources[0], "model")
            said |= {"ends_at": self.local(page.hour.ends_at), "age_s": self._age_of(page.hour)}
        elif found is not None and found.level is not None and found.starts_at <= page.at < found.ends_at:
            said = {"basis": "index", "scale": "ATMO", **self.level("air", found.level), "ends_at": None}
            said |= self.pollutant(driver(found)) | self.provenance(_deciding(found))
        elif page.now is not None:
            # Something is measured that makes no index (NOx in the city): that alone.
            said = self._now("measured", worst({})) | self.source(page.now.values[0].source_id, "station")
            said |= {"ends_at": None, "age_s": None}
        else:
            return None
        return said | {"values": [] if page.now is None else self.values(page.now)}

    def _now(self, basis: str, result: IndexResult) -> dict[str, Any]:
        known = self.level("air", result.level) | self.pollutant(result.driver)
        return {"basis": basis, "scale": EAQI_2017.name, **known}

    def _age_of(self, hour: Hour) -> int:
        """Age of what is told of an hour: since it was measured, or since the run of the model was read."""
        return age_s(hour.known_at or hour.ends_at, self.page.at)

    def day(self, day: Day) -> dict[str, Any]:
        """One day: its index as published, else as measured; its measured means beside it."""
        found, measured = day.outlook, day.measured
        if found is not None and found.level is not None:
            levels = found.fact.details.get("levels", {}) if found.fact else {}
            said = {
                **self.level("air", found.level),
                **self.pollutant(driver(found)),
                "method": _method(found),
                "raised_by": found.tier,
                **self.provenance(_deciding(found)),
                "levels": {pollutant: self.level("air", level) for pollutant, level in levels.items()},
            }
        elif measured is not None and measured.result.level is not None:
            last = max(measured.values, key=lambda value: value.ends_at)
            said = {
                **self.level("air", measured.result.level),
                **self.pollutant(measured.result.driver),
                "method": "measured",
                "raised_by": None,
                **self.source(last.source_id, "station"),
                "published_at": None,
                "age_s": age_s(last.ends_at, self.page.at),
                "levels": {pollutant: self.level("air", level) for pollutant, level in measured.result.levels.items()},
            }
        else:
            fact = None if found is None else found.fact
            said = {**self.level("air", None), **self.pollutant(None), "method": None, "raised_by": None, "levels": {}}
            said |= self.provenance(fact) if fact else dict.fromkeys(("source", "resolution", "published_at", "age_s"))
        return {
            "day": day.day,
            **said,
            "valid_from": self.local(day.starts_at),
            "valid_until": self.local(day.ends_at),
            "event": bool(found and found.fact and found.fact.details.get("event")),
            "measured": None if measured is None else self.measured(measured, day),
        }

    def measured(self, measured: Measured, day: Day) -> dict[str, Any]:
        """The means of a UTC day and the index that they make, with how many hours they rest on."""
        return {
            "utc_day": day.day,
            **self.level("air", measured.result.level),
            **self.pollutant(measured.result.driver),
            "complete": all(value.complete for value in measured.values),
            "above_threshold": measured.above,
            "values": self.values(measured),
        }

    def values(self, measured: Measured) -> list[dict[str, Any]]:
        """Each concentration, where it was measured and how long ago."""
        return [self.value(value) for value in measured.values]

    def value(self, value: Value) -> dict[str, Any]:
        """One concentration; no distance where no position is known."""
        where = standing(value.distance_m, value.influence)
        return {
            **self.pollutant(value.pollutant),
            "value_ug_m3": value.value_ug_m3,
            **{f"level{name}": said for name, said in (("", value.level), ("_name", self._level_name(value.level)))},
            "ends_at": self.local(value.ends_at),
            "age_s": age_s(value.ends_at, self.page.at),
            "hours": value.hours,
            "station": value.station,
            "stations": value.stations,
            "distance_m": where.distance_m,
            "influence": where.influence,
            "where": self.where(where.distance_m, where.influence),
            **self.source(value.source_id, "station"),
        }

    def where(self, distance_m: int | None, influence: str | None) -> str:
        """Say "1.2 km away, background station", or "in the city" where no position is known."""
        if distance_m is None:
            return self.label("in_the_city")
        kilometres = f"{distance_m / 1000:.1f} km"
        distance = kilometres.replace(".", ",") if self.language == "fr" else kilometres
        return self.label("near", distance=distance, influence=self.label(influence or "station"))

    def hour(self, hour: Hour) -> dict[str, Any]:
        """One hour of the curve."""
        return {
            "ends_at": self.local(hour.ends_at),
            "method": "modelled" if hour.forecast else "measured",
            "sources": [self.source(source_id, "station")["source"] for source_id in hour.sources],
            "resolution": "model" if hour.forecast else "station",
            "age_s": self._age_of(hour),
            "level": hour.result.level,
            "pollutant": hour.result.driver,
            "values_ug_m3": {pollutant: round(value, 1) for pollutant, value in hour.values_ug_m3.items()},
        }

    def episode(self, episode: Fact) -> dict[str, Any]:
        """An official episode that is open."""
        tier = episode.tier or "information"
        return {
            **self.pollutant(episode.subject),
            "tier": tier,
            "tier_name": self.words.names.tiers[tier].name.say(self.language),
            "persistence": bool(episode.details.get("persistence")),
            "day": episode.day,
            "valid_from": self.local(episode.starts_at),
            "valid_until": self.local(episode.ends_at),
            **self.provenance(episode),
        }

    def hazard(self, hazard: str, found: Outlook | None) -> dict[str, Any] | None:
        """Pollen, UV or a weather warning on one day; None where nothing is known."""
        if found is None or found.fact is None:
            return None
        details = found.fact.details
        said: dict[str, Any] = {
            "day": found.day,
            **self.level(hazard, found.level),
            "valid_from": self.local(found.starts_at),
            "valid_until": self.local(found.ends_at),
            **self.provenance(found.fact),
        }
        if hazard == "pollen":
            said["taxa"] = [
                {
                    "code": taxon,
                    "name": self.words.names.taxa[taxon].say(self.language),
                    **self.level("pollen", level),
                    "responsible": taxon in details.get("responsible", ()),
                }
                for taxon, level in details.get("levels", {}).items()
            ]
            said["alert"] = found.tier is not None
        if hazard == "uv":
            said["value"] = details.get("value")
        return said

    def level(self, hazard: str, level: int | None) -> dict[str, Any]:
        """A level with its word and colour; None is said to be unknown, never drawn as the lowest."""
        names = self.words.names.hazards[hazard]
        known = None if level is None else names.levels[level]
        return {
            "level": level,
            "most": SCALES[hazard].most,
            "name": (names.unknown if known is None else known.name).say(self.language),
            "colour": names.unknown_colour if known is None else known.colour,
        }

    def _level_name(self, level: int | None) -> str | None:
        return None if level is None else self.words.names.hazards["air"].levels[level].name.say(self.language)

    def pollutant(self, code: str | None) -> dict[str, str | None]:
        """A pollutant with its name."""
        names = None if code is None else self.words.names.pollutants[code]
        return {"pollutant": code, "pollutant_name": None if names is None else names.name.say(self.language)}

    def provenance(self, fact: Fact) -> dict[str, Any]:
        """Who says so, for which area, since when."""
        # Of a past moment: that it was published again later was not known then.
        said_at = fact.published_at if fact.published_at and fact.published_at <= self.page.at else fact.known_at
        return {
            **self.source(fact.source_id, fact.zone_kind),
            "published_at": self.local(said_at),
            "age_s": age_s(said_at, self.page.at),
        }

    def source(self, source_id: str, resolution: str) -> dict[str, Any]:
        """A source by its id (`sources` tells the rest), and the area for which it speaks."""
        known = SOURCES.get(source_id)
        self._used.setdefault(source_id)
        return {"source": source_id, "resolution": "model" if known and known.resolution == "model" else resolution}

    def sources(self) -> list[dict[str, Any]]:
        """Every source that was named so far, with what its licence asks to be said."""
        rows = [row for source_id in self._used if (row := self.page.sources.get(source_id)) is not None]
        return [
            {"id": row.id, "title": row.title, "producer": row.producer, "licence": row.licence, "url": row.url or None}
            for row in rows
        ]

    def local(self, moment: datetime) -> datetime:
        """A moment by the clock of the place."""
        return moment.astimezone(self._zone)

    def label(self, name: str, **values: object) -> str:
        """A short word of `content/air.yaml`."""
        return self.words.air[name].say(self.language, **values)

    def _told(self) -> list[Fact]:
        """Every published fact that is shown."""
        page = self.page
        outlooks = [day.outlook for day in page.days.values()]
        outlooks += [found for days in page.others.values() for found in days.values()]
        shown = [found for found in outlooks if found is not None]
        return [fact for found in shown for fact in (found.fact, *found.episodes) if fact is not None]

    def _named(self) -> set[str]:
        """Sources of everything that is shown."""
        hours = (source_id for hour in self.page.hours for source_id in hour.sources)
        facts, values = self._told(), self._values()
        return {*hours, *(fact.source_id for fact in facts), *(value.source_id for value in values)}

    def _values(self) -> Sequence[Value]:
        told = [self.page.now, *(day.measured for day in self.page.days.values())]
        return [value for measured in told if measured is not None for value in measured.values]


def _deciding(found: Outlook) -> Fact:
    """Who tells the level: the index, else the worst open episode."""
    if found.fact is not None and (found.fact.level is not None or not found.episodes):
        return found.fact
    return found.episodes[0]


def _method(found: Outlook) -> str | None:
    """How the level of a day was found."""
    if found.level is None:
        return None
    deciding = _deciding(found)
    if deciding.kind == "episode":
        return "episode"
    return "modelled" if is_modelled(deciding) else "published"
