"""Wire format of departures."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.mobility.clock_fields import WhenToLeave
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
    TripTransitView,
)
from citizen_api.web.blueprint import Args
from citizen_api.web.notices import NoticeView

REASONS: Final = ("closed", "closes", "too_late", "heat", "uv", "dark", "night")


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


class DepartureRiseView(ma.Schema):
    """A pollutant that is not the one that is compared, and by how much more of it one breathes in."""

    pollutant = ma.fields.String(required=True, validate=ma.validate.OneOf(POLLUTANTS))
    percent = ma.fields.Integer(required=True, metadata={"example": 12})


class AgainstNowView(ma.Schema):
    """A departure against leaving as soon as it is of use, by the fastest way of the same mode."""

    depart_at = ma.fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "That departure: `after`, or when it is first of use."}
    )
    percent = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Dose of `guide`; below 0: less. 0: less than 5 % apart, no difference. Null: not known.",
            "example": -35,
        },
    )
    rises = ma.fields.List(
        ma.fields.Nested(DepartureRiseView),
        required=True,
        metadata={"description": "Other pollutants of which one breathes in at least 10 % more."},
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
        metadata={"example": "Leave at 18:40 instead of 18:00: 35% less NO2, same time (on foot)."},
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
        metadata={"description": "The pollutant that is compared: that of `compared_by`."},
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
        metadata={"description": "The one pollutant by which all departures are compared; none: not known."},
    )


class DeparturesView(ma.Schema):
    """When to leave."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    start = ma.fields.Nested(TripEndView, required=True)
    goal = ma.fields.Nested(TripGoalView, required=True)
    after = ma.fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "From when on departures are compared: what was asked, or the next whole minute."},
    )
    until = ma.fields.AwareDateTime(required=True, format="iso")
    air = ma.fields.Nested(DepartureAirView, required=True)
    networks = ma.fields.List(ma.fields.Nested(TripNetworkView), required=True)
    best = ma.fields.Nested(
        DepartureView,
        required=True,
        allow_none=True,
        metadata={"description": "The one that is recommended; null: none is of use, or nobody knows of a way."},
    )
    items = ma.fields.List(ma.fields.Nested(DepartureView), required=True)
    missing = ma.fields.List(ma.fields.Nested(TripMissingView), required=True)
    transit = ma.fields.Nested(TripTransitView, required=True, allow_none=True)
    left_out = ma.fields.List(ma.fields.Nested(DepartureReasonView), required=True)
    openings = ma.fields.List(ma.fields.Nested(OpeningsView), required=True)
    daylight = ma.fields.List(ma.fields.Nested(DaylightView), required=True)
    hours_mode = ma.fields.String(required=True, validate=ma.validate.OneOf(list(MODES)))
    hours = ma.fields.List(ma.fields.Nested(DepartureHourView), required=True)
    next = ma.fields.String(required=True, allow_none=True)
