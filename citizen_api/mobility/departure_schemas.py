"""Wire format of departures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.trip_schemas import (
    TripAirView,
    TripDosesView,
    TripEndView,
    TripGoalView,
    TripMissingView,
    TripNetworkView,
    TripsArgs,
)
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import Moment
from citizen_api.web.notices import NoticeView

REASONS: Final = ("closed", "closes", "too_late", "heat", "uv", "dark", "night")
_BY_THE_CLOCK: Final = re.compile(r"(today|tomorrow)[ T+](([01]\d|2[0-3]):[0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByTheClock:
    """A time of today or tomorrow, by the clock of the place."""

    days: int
    time: time

    def at(self, today: date, zone: str) -> datetime:
        """The moment for which it stands. A time that the spring skips is the one after the gap."""
        return datetime.combine(today + timedelta(days=self.days), self.time, ZoneInfo(zone))


class WhenToLeave(Moment):
    """`now`, an RFC 3339 moment, or a time of today or tomorrow such as `tomorrow 08:00`."""

    default_error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "invalid": "Not now, a datetime, or today or tomorrow with a time."
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        found = _BY_THE_CLOCK.fullmatch(str(value))
        if found:
            return ByTheClock(int(found[1] == "tomorrow"), time.fromisoformat(found[2]))
        return super()._deserialize(value, attr, data, **kwargs)


def _moment(description: str, **options: Any) -> WhenToLeave:
    told = "an RFC 3339 moment, or a time of the place such as `tomorrow 08:00` or `today 18:30`."
    return WhenToLeave(
        metadata={"description": f"{description}: {told}", "example": "tomorrow 08:00", "type": "string"}, **options
    )


class DeparturesArgs(TripsArgs):
    """From where to where, how, and when one may leave."""

    class Meta(Args.Meta):
        exclude = ("depart_at", "arrive_by", "show")

    modes = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(list(MODES)), metadata={"enum": list(MODES)}),
        load_default=["walk", "bike"],
        validate=ma.validate.Length(1, len(MODES)),
        metadata={"description": "How one would go, comma-separated.", "example": ["walk", "bike"]},
    )
    after = _moment("From when on one may leave. `now` (without it too),", load_default="now")
    before = _moment("By when one wants to be there, at most 24 hours are compared")


class AgainstNowView(ma.Schema):
    """A departure against leaving as soon as it is of use, by the fastest way of the same mode."""

    depart_at = ma.fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "That departure: `after`, or when it is first of use."}
    )
    percent = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Dose, of the pollutant that is highest against its reference; below 0: less. 0: less than "
            "5 % apart, no difference. Null: not known.",
            "example": -35,
        },
    )
    later_s = ma.fields.Integer(required=True, metadata={"example": 2400})
    longer_s = ma.fields.Integer(required=True, metadata={"description": "Below 0: shorter.", "example": 0})


class DepartureReasonView(ma.Schema):
    """What speaks against a departure."""

    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(REASONS))
    text = ma.fields.String(required=True)


class DepartureOpeningView(ma.Schema):
    """The goal on arrival."""

    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["open", "closed", "unknown"]))
    until = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    comment = ma.fields.String(required=True, allow_none=True)
    text = ma.fields.String(required=True)


class DepartureView(ma.Schema):
    """One departure."""

    words = ma.fields.String(
        required=True,
        metadata={"example": "Leave at 18:40 instead of 18:00: 35% less pollution, same time (on foot)."},
    )
    depart_at = ma.fields.AwareDateTime(required=True, format="iso")
    arrive_at = ma.fields.AwareDateTime(required=True, format="iso")
    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(list(MODES)))
    mode_name = ma.fields.String(required=True)
    label = ma.fields.String(required=True, validate=ma.validate.OneOf(["fastest", "cleaner"]))
    title = ma.fields.String(required=True)
    weight = ma.fields.Float(
        required=True, metadata={"description": "How much clean air was worth against time in its search."}
    )
    approximate = ma.fields.Boolean(
        required=True, metadata={"description": "A straight line made 30 % longer: the streets are not known."}
    )
    duration_s = ma.fields.Integer(required=True, metadata={"example": 840})
    distance_m = ma.fields.Integer(required=True, metadata={"example": 1120})
    dose_ug = ma.fields.Nested(TripDosesView, required=True)
    guide = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(POLLUTANTS),
        metadata={"description": "The pollutant of `compared_by` that is highest against its reference."},
    )
    level = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "ATMO index of its day.", "example": 3}
    )
    against_now = ma.fields.Nested(AgainstNowView, required=True)
    on_frontier = ma.fields.Boolean(
        required=True, metadata={"description": "False: an item of another mode is as early, as short and as clean."}
    )
    opening = ma.fields.Nested(DepartureOpeningView, required=True, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(DepartureReasonView), required=True)
    trip = ma.fields.String(required=True, metadata={"description": "Where its way is told, step by step."})


class LeaveByView(ma.Schema):
    """The last departure by a mode that is of use."""

    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(list(MODES)))
    at = ma.fields.AwareDateTime(required=True, format="iso")
    text = ma.fields.String(required=True)


class OpeningsView(ma.Schema):
    """When the goal is open, and until when one may leave for it."""

    opens_at = ma.fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "`after`, where it is open then."}
    )
    closes_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    leave_by = ma.fields.List(ma.fields.Nested(LeaveByView), required=True)


class DaylightView(ma.Schema):
    """One day; null: the sun does not rise or set."""

    day = ma.fields.Date(required=True)
    sunrise = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    sunset = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")


class DepartureHourView(ma.Schema):
    """One hour of the strip: the best departure in it by the fastest way of `hours_mode`."""

    starts_at = ma.fields.AwareDateTime(required=True, format="iso")
    dark = ma.fields.Boolean(required=True)
    opening = ma.fields.String(
        required=True, allow_none=True, validate=ma.validate.OneOf(["open", "closed", "unknown"])
    )
    level = ma.fields.Integer(required=True, allow_none=True)
    guide = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(POLLUTANTS))
    dose_ug = ma.fields.Float(required=True, allow_none=True, metadata={"description": "Of `guide`."})
    percent = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "As in `against_now`."})
    band = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["less", "same", "more", "unknown"]),
        metadata={"description": "Against leaving as soon as it is of use."},
    )
    reasons = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(REASONS)),
        required=True,
        metadata={"description": "What speaks against all departures of the hour; none: something speaks for one."},
    )
    best = ma.fields.Boolean(required=True)


class DepartureAirView(TripAirView):
    """On what the comparison rests."""

    compared_by = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(POLLUTANTS)),
        required=True,
        metadata={"description": "Pollutants that are known at all hours that are compared."},
    )


class DeparturesView(ma.Schema):
    """When to leave."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    start = ma.fields.Nested(TripEndView, required=True)
    goal = ma.fields.Nested(TripGoalView, required=True)
    after = ma.fields.AwareDateTime(required=True, format="iso")
    until = ma.fields.AwareDateTime(required=True, format="iso")
    air = ma.fields.Nested(DepartureAirView, required=True)
    networks = ma.fields.List(ma.fields.Nested(TripNetworkView), required=True)
    best = ma.fields.Nested(
        DepartureView, required=True, allow_none=True, metadata={"description": "The one that is recommended."}
    )
    items = ma.fields.List(ma.fields.Nested(DepartureView), required=True)
    missing = ma.fields.List(ma.fields.Nested(TripMissingView), required=True)
    left_out = ma.fields.List(ma.fields.Nested(DepartureReasonView), required=True)
    openings = ma.fields.List(ma.fields.Nested(OpeningsView), required=True)
    daylight = ma.fields.List(ma.fields.Nested(DaylightView), required=True)
    hours_mode = ma.fields.String(required=True, validate=ma.validate.OneOf(list(MODES)))
    hours = ma.fields.List(ma.fields.Nested(DepartureHourView), required=True)
    next = ma.fields.String(required=True, allow_none=True)
