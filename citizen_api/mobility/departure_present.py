"""Departures in a resident's words: the answer as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from citizen_api.care.nearest import place_notices
from citizen_api.care.place import Place
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.mobility.cautions import Moving, caution_notices, moving_advice, moving_text
from citizen_api.mobility.daylight import sun
from citizen_api.mobility.departure_rules import Gain, Option, compare, dominated, rising, worth_waiting
from citizen_api.mobility.departure_ways import Way, doses_of
from citizen_api.mobility.departures import Hour, Plan
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.planning import DOSE_DIGITS
from citizen_api.mobility.profiles import STEP_FREE
from citizen_api.mobility.rules import ModeName
from citizen_api.mobility.transit import TransitLink
from citizen_api.mobility.trip_parts import TripMode
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trips import Missing
from content.catalogue import catalogue

_DAY: Final = timedelta(days=1)


class DeparturePresenter:
    """Says a plan in one language. `trip`: what says the trip itself; `place`: the goal, where it is one of care."""

    def __init__(
        self,
        plan: Plan,
        trip: TripPresenter,
        *,
        place: Place | None,
        missing: Mapping[TripMode, Missing],
        snap_m: tuple[float, float] | None,
        cut: bool,
        transit: TransitLink | None,
    ) -> None:
        self.plan, self.trip, self.place = plan, trip, place
        self.background = trip.found.background
        self.language, self.at = trip.language, trip.at
        self._missing, self._snap_m, self._cut, self._transit = missing, snap_m, cut, transit
        self._catalogue = catalogue()
        self._words = self._catalogue.moving["departures"]

    def view(self) -> dict[str, Any]:
        """The whole answer."""
        plan, trip, question = self.plan, self.trip, self.trip.found.question
        networks = {way.network.city: way.network for way in plan.ways if way.network is not None}
        snaps = (None, None) if self._snap_m is None else (round(self._snap_m[0]), round(self._snap_m[1]))
        return {
            "notices": self.notices(),
            "start": {"lat": question.from_lat, "lon": question.from_lon, "snap_m": snaps[0]},
            "goal": {
                "lat": question.to_lat,
                "lon": question.to_lon,
                "snap_m": snaps[1],
                "facility": self._facility(),
            },
            "after": trip.local(plan.question.after),
            "until": trip.local(plan.question.until),
            "air": trip.air() | {"compared_by": [] if plan.guide is None else [plan.guide]},
            "networks": [trip.network(network) for network in networks.values()],
            "best": None if plan.best is None else self.item(plan.best),
            "items": [self.item(option) for option in plan.items],
            "missing": [
                {"mode": mode, "mode_name": trip.label(mode), "reason": why, "text": trip.label(f"missing_{why}")}
                for mode, why in self._missing.items()
            ],
            "transit": trip.transit(self._transit),
            "left_out": [{"reason": reason, "text": self.say(f"reason_{reason}")} for reason in plan.reasons],
            "openings": self._openings(),
            "daylight": self._daylight(),
            "hours_mode": plan.shown,
            "hours": [self.hour(hour) for hour in plan.hours],
            "next": None,
        }

    def notices(self) -> list[dict[str, str]]:
        """What must be known beside the data."""
        plan, basis = self.plan, self.background.basis
        options = bool(plan.references)
        unknown = [hour for hour in plan.hours if hour.least is None and not hour.reasons]
        straight = any(way.network is None for way in plan.ways)
        doubtful = self.trip.land_unknown
        wishes = frozenset(plan.question.wishes)
        gains = [gain.percent for option in plan.items if (gain := self.gain(option)).percent is not None]
        later = [option for option in plan.items if option.depart_at > plan.references[option.mode].depart_at]
        cleaner = [option for option in later if (self.gain(option).percent or 0) < 0]
        at_ease = self._moving() in ("encourage", "none")  # else "leave when it suits you" is no advice
        closed = self.place is not None and {"closed", "closes"} & set(plan.reasons)
        codes = {
            "closed_for_good": self._closed_for_good(),
            "departure_closed_throughout": bool(plan.ways) and not options and bool(closed),
            "departure_none_in_time": bool(plan.ways) and not options and not closed,
            "departure_hours_unknown": self.place is not None and any(hour.opening == "unknown" for hour in plan.hours),
            "departure_only_advised_against": plan.only_advised_against,
            **{f"departure_{reason}": reason in plan.reasons for reason in ("heat", "uv", "dark")},
            "departure_no_better": at_ease and bool(gains) and min(gains) >= 0,
            "departure_little_gain": at_ease
            and bool(cleaner)
            and not any(worth_waiting(option, plan.references[option.mode]) for option in cleaner),
            "departure_streets_unknown": straight and not doubtful,
            "trip_approximate": straight and doubtful,
            "trip_land_unknown": doubtful,
            "trip_try_bike": self.trip.bike_is_nearer(),
            "trip_step_free_unknown": straight and bool(wishes & STEP_FREE),
            "trip_kerbs_unknown": bool(wishes & STEP_FREE) and options,
            "trip_child_bike": "child_bike" in wishes and any(way.mode.name != "walk" for way in plan.ways),
            "trip_modes_missing": bool(self._missing),
            "departure_index_only": basis == "index" and plan.air_known,
            "departure_air_unknown": bool(plan.ways) and not plan.air_known,
            "departure_air_known_partly": plan.air_known and bool(unknown),
            "departure_cut_to_a_day": self._cut,
            "demo_air": self.background.made_up,
        }
        held = [code for code, holds in codes.items() if holds] + self._place_notices()
        said = [{"code": code, "text": self._catalogue.notices[code].say(self.language)} for code in held]
        return self._cautions() + said + self._last_useful()

    def item(self, option: Option) -> dict[str, Any]:
        """One departure."""
        way, reference = self._way(option), self.plan.references[option.mode]
        doses = doses_of(way, self.background, [option.depart_at])
        gain = self.gain(option)
        hour = self.background.hour(option.depart_at)
        return {
            "words": self.words(option),
            "depart_at": self.trip.local(option.depart_at),
            "arrive_at": self.trip.local(option.arrive_at),
            "mode": option.mode,
            "mode_name": self.trip.label(option.mode),
            "label": "cleaner" if option.weight else "fastest",
            "title": self.say("cleaner" if option.weight else "fastest"),
            "weight": option.weight,
            "approximate": way.network is None,
            "duration_s": round(option.duration_s),
            "distance_m": round(way.distance_m),
            "dose_ug": {name: _known(doses[name]) for name in POLLUTANTS},
            "guide": option.guide,
            "level": (int(self.background.levels[hour]) or None) if hour is not None else None,
            "against_now": {
                "depart_at": self.trip.local(reference.depart_at),
                "percent": gain.percent if self.background.basis == "hours" else None,
                "rises": [
                    {"pollutant": name, "percent": percent} for name, percent in rising(option, reference).items()
                ],
                "later_s": round(gain.later.total_seconds()),
                "longer_s": round(option.duration_s) - round(reference.duration_s),
            },
            "on_frontier": not dominated(option, self.plan.items),
            "opening": self._opening(option),
            "reasons": [{"reason": reason, "text": self.say(f"reason_{reason}")} for reason in option.reasons],
            "trip": self._link(option),
        }

    def hour(self, hour: Hour) -> dict[str, Any]:
        """One hour of the strip."""
        least, best = hour.least, self.plan.best
        percent = None if least is None else self.gain(least).percent
        band = "unknown" if percent is None else "less" if percent < 0 else "more" if percent > 0 else "same"
        guide = None if least is None else least.guide
        dose_ug = None
        if least is not None and guide is not None:
            dose_ug = _known(doses_of(self._way(least), self.background, [least.depart_at])[guide])
        return {
            "starts_at": self.trip.local(hour.starts_at),
            "dark": hour.dark,
            "opening": hour.opening,
            "level": hour.level,
            "guide": guide,
            "dose_ug": dose_ug,
            "percent": percent if self.background.basis == "hours" else None,
            "band": band,
            "reasons": list(hour.reasons),
            "best": best is not None and hour.starts_at <= best.depart_at < hour.starts_at + timedelta(hours=1),
        }

    # ---- words

    def words(self, option: Option) -> str:
        """One departure in a sentence or two: against leaving as soon as it is of use, by the same mode."""
        reference, gain = self.plan.references[option.mode], self.gain(option)
        at, mode = self.clock(option.depart_at), self.trip.label(option.mode)
        said = {"at": at, "mode": mode, "time": self._time(gain), "gain": self._gain(option, reference)}
        if option.depart_at != reference.depart_at:
            if option.weight and said["gain"]:
                said["gain"] = self.say("by_another_way", gain=said["gain"])
            told = "leave_instead" if said["gain"] else "leave_later"
            than = self.clock(reference.depart_at, beside=option.depart_at)
            sentence = self.say(told, than=than, **said)
        elif option.way != reference.way:
            sentence = self.say("leave_other_way", **said | {"gain": said["gain"] or self.say("not_comparable")})
        else:
            sentence = self.say("leave", at=at, minutes=option.minutes, mode=mode)
        opening = self._opening(option, beside=option.depart_at)
        return sentence if opening is None else f"{sentence} {opening['text']}"

    def gain(self, option: Option) -> Gain:
        """An option against leaving as soon as it is of use, by the same mode."""
        return compare(option, self.plan.references[option.mode])

    def clock(self, moment: datetime, *, beside: datetime | None = None) -> str:
        """A moment as it is said: its day only when it is not today, nor the day of one told just `beside` it."""
        local = self.trip.local(moment)
        hour = f"{local.hour:02d}" if self.language == "en" else str(local.hour)
        time = self.say("clock", hour=hour, minute=f"{local.minute:02d}")
        if beside is not None and local.date() == self.trip.local(beside).date():
            return time
        days = (local.date() - self.trip.local(self.at).date()).days
        if days in (0, 1):
            return self.say("clock_today" if days == 0 else "clock_tomorrow", time=time)
        return self.say("clock_other_day", time=time, day=local.day, month=f"{local.month:02d}")

    def say(self, label: str, **values: object) -> str:
        """A word of `content/mobility/departures.yaml`."""
        return self._words[label].say(self.language, **values)

    def _gain(self, option: Option, reference: Option) -> str:
        """What is breathed in, against the reference; "" where nothing is known of any of them."""
        if self.background.basis == "unknown" or (option.burden is None and reference.burden is None):
            return ""
        if option.burden is None or reference.burden is None:
            return self.say("not_comparable")
        if self.background.basis == "index":
            level, than = (self._level(round(one.burden or 0)) for one in (option, reference))
            if level == than:
                return self.say("level_same", level=level[0], name=level[1])
            return self.say("level_instead", level=level[0], name=level[1], than_level=than[0], than_name=than[1])
        return self.say("not_comparable") if self.gain(option).percent is None else self.breathed(option)

    def breathed(self, option: Option) -> str:
        """How much more or less of the guide an option is, and what else rises."""
        percent = self.gain(option).percent or 0
        code = "less" if percent < 0 else "more" if percent else "no_difference"
        said = self.say(code, percent=abs(percent), of=self.of(self.plan.guide))
        rises = rising(option, self.plan.references[option.mode])
        more = ", ".join(self.say("more", percent=percent, of=self.of(name)) for name, percent in rises.items())
        return self.say("but" if percent <= 0 else "and", said=said, more=more) if more else said

    def of(self, pollutant: str | None) -> str:
        """A pollutant as a quantity of it is said; pollution, where none is told apart."""
        return self.say(f"of_{pollutant or 'pollution'}")

    def _level(self, level: int) -> tuple[int, str]:
        return level, self._catalogue.names.hazards["air"].levels[level].name.say(self.language)

    def _time(self, gain: Gain) -> str:
        if gain.more_minutes == 0:
            return self.say("same_time")
        return self.say("longer" if gain.more_minutes > 0 else "shorter", minutes=abs(gain.more_minutes))

    # ---- the goal

    def _closed_for_good(self) -> bool:
        closed_at = None if self.place is None else self.place.closed_at
        return closed_at is not None and closed_at <= self.at

    def _facility(self) -> dict[str, Any] | None:
        place = self.place
        if place is None:
            return None
        return {"id": place.id, "name": place.name, "closed_for_good": self._closed_for_good()}

    def _opening(self, option: Option, *, beside: datetime | None = None) -> dict[str, Any] | None:
        if self.place is None:
            return None
        opening = self.place.opening_at(option.arrive_at)
        if opening.state == "open" and opening.until is not None:
            text = self.say("open_until", at=self.clock(opening.until, beside=beside))
        else:
            text = self.say(
                {"open": "open_on_arrival", "closed": "reason_closed"}.get(opening.state, "opening_unknown")
            )
        until = None if opening.until is None else self.trip.local(opening.until)
        return {"state": opening.state, "until": until, "comment": opening.comment or None, "text": text}

    def _openings(self) -> list[dict[str, Any]]:
        return [
            {
                "opens_at": self.trip.local(span.opens_at),
                "closes_at": None if span.closes_at is None else self.trip.local(span.closes_at),
                "leave_by": [
                    {"mode": mode, "at": self.trip.local(at), "text": self._leave_by(mode, at)}
                    for mode, at in span.leave_by.items()
                ],
            }
            for span in self.plan.spans
        ]

    def _leave_by(self, mode: ModeName, at: datetime, *, beside: datetime | None = None) -> str:
        return self.say("leave_by", at=self.clock(at, beside=beside), mode=self.trip.label(mode))

    def _last_useful(self) -> list[dict[str, str]]:
        """The notice of the last departure before it closes for the day."""
        useful = [span for span in self.plan.spans if span.leave_by and span.closes_at is not None]
        # A place that closes for lunch opens again: the last of the first day counts.
        days = [self.trip.local(span.opens_at).date() for span in useful]
        span = next((span for span, day in zip(reversed(useful), reversed(days), strict=True) if day == days[0]), None)
        if span is None or span.closes_at is None:
            return []
        closes_at = span.closes_at
        leave = ", ".join(self._leave_by(mode, at, beside=closes_at) for mode, at in span.leave_by.items())
        words = self._catalogue.notices["departure_last_useful"]
        text = words.say(self.language, closes=self.clock(closes_at), leave=leave)
        return [{"code": "departure_last_useful", "text": text}]

    def _place_notices(self) -> list[str]:
        place = self.place
        if place is None:
            return []
        return place_notices(
            approximate=place.position_approximate,
            regulated=bool(place.call_15_first),
            oldest=max((source.dated for source in place.sources if source.id != DEMO_SOURCE), default=None),
            at=self.at,
            demo=any(source.id == DEMO_SOURCE for source in place.sources),
        )

    # ---- around

    def _daylight(self) -> list[dict[str, Any]]:
        question, found = self.plan.question, []
        day = self.trip.local(question.after).date()
        while day <= self.trip.local(question.until).date():
            light = sun(day, question.zone, lat=question.lat, lon=question.lon)
            rises, sets = (None, None) if light is None else (self.trip.local(at) for at in light)
            found.append({"day": day, "sunrise": rises, "sunset": sets})
            day += _DAY
        return found

    def _cautions(self) -> list[dict[str, str]]:
        """What the days ask of who goes, at every departure that is told; whether moving wins at the recommended one.

        Nothing cheers where any of them has something to mind.
        """
        best, notices, said = self.plan.best, self._catalogue.notices, {}
        told = [*([] if best is None else [best]), *self.plan.items]
        for at, lasts_s in [(option.depart_at, option.duration_s) for option in told] or [
            (self.plan.question.after, 0.0)
        ]:
            for code in caution_notices(self.background, depart_at=at, duration_s=lasts_s):
                said[code] = notices[code].say(self.language)
        moving = self._moving()
        if best is not None and not (moving == "encourage" and said):
            text = moving_text(
                moving, self.background, depart_at=best.depart_at, lang=self.language, duration_s=best.duration_s
            )
            if text is not None:
                said[f"trip_{moving}"] = text
        return [{"code": code, "text": text} for code, text in said.items()]

    def _moving(self) -> Moving:
        """Whether moving wins at the recommended departure; "none" without one."""
        best = self.plan.best
        if best is None:
            return "none"
        mode = self._way(best).mode
        return moving_advice(self.background, depart_at=best.depart_at, mode=mode, duration_s=best.duration_s)

    def _way(self, option: Option) -> Way:
        return self.plan.ways[option.way]

    def _link(self, option: Option) -> str:
        """Where the way of a departure is told, step by step."""
        question = self.trip.found.question
        asked = {
            "from": f"{question.from_lat},{question.from_lon}",
            **({"to_facility": self.place.id} if self.place else {"to": f"{question.to_lat},{question.to_lon}"}),
            "modes": option.mode,
            "depart_at": self.trip.local(option.depart_at).isoformat(),
            "lang": self.language,
        }
        if question.wishes:
            asked["profile"] = ",".join(sorted(question.wishes))
        return f"/v1/mobility/trips?{urlencode(asked, safe=',:')}"


def _known(doses: Any) -> float | None:
    value = float(np.asarray(doses)[0])
    return None if math.isnan(value) else round(value, DOSE_DIGITS)
