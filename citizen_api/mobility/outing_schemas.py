"""Wire format of outings."""

from __future__ import annotations

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.air.schemas import (
    AirPlaceView,
    AirSourceView,
    HazardDayView,
    LevelView,
    PollenDayView,
    UvDayView,
)
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.outing_days import DAYS
from citizen_api.mobility.outings import WALKS
from citizen_api.mobility.trip_schemas import (
    TripActivityView,
    TripDosesView,
    TripLineView,
    TripNetworkView,
    TripStepView,
)
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE
from citizen_api.web.notices import NoticeView

PROFILES = ("wheelchair", "pushchair", "avoid_hills", "avoid_unlit")
MINUTES = (20, 30, 45)
SHORTEST_MIN, LONGEST_MIN = 10, 90


class SuggestionsArgs(Args):
    """From where, how long, and which wishes."""

    lat = ma.fields.Float(required=True, metadata=LATITUDE)
    lon = ma.fields.Float(required=True, metadata=LONGITUDE)
    minutes = DelimitedList(
        ma.fields.Integer(validate=ma.validate.Range(SHORTEST_MIN, LONGEST_MIN)),
        load_default=lambda: list(MINUTES),
        validate=ma.validate.Length(1, WALKS),
        metadata={
            "description": "How long the walks take, comma-separated; they take turns until there are three.",
            "example": list(MINUTES),
        },
    )
    profile = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(PROFILES), metadata={"enum": list(PROFILES)}),
        load_default=list,
        validate=ma.validate.Length(1, len(PROFILES)),
        metadata={"description": "Wishes of a way, comma-separated.", "example": ["pushchair"]},
    )
    walk = ma.fields.Integer(
        load_default=1,
        validate=ma.validate.Range(1, WALKS),
        metadata={"description": "Which of the walks a picture shows; the others are dashed."},
    )


class SaidView(ma.Schema):
    """A reason or something to mind."""

    code = ma.fields.String(required=True, metadata={"example": "daylight"})
    text = ma.fields.String(required=True, metadata={"example": "Il fait jour."})


class WindowView(ma.Schema):
    """When to be active on one day, why, and what to mind; null: unknown."""

    day = ma.fields.Date(required=True)
    choice = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["go", "shorter", "indoors", "over"]),
        metadata={
            "description": "go: outdoors in the window; shorter: outdoors, not for long; indoors: move, but inside; "
            "over: no hour of the day is left."
        },
    )
    text = ma.fields.String(
        required=True, metadata={"example": "Demain, le meilleur moment pour bouger dehors : de 12 h à 15 h."}
    )
    starts_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    ends_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    daylight = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether it is light in all of the window."}
    )
    basis = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["hours", "index", "unknown"]),
        metadata={"description": "What is known of the air that day: its hours, only its index, nothing."},
    )
    reasons = ma.fields.List(ma.fields.Nested(SaidView), required=True)
    minds = ma.fields.List(ma.fields.Nested(SaidView), required=True)
    sunrise = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    sunset = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    air = ma.fields.Nested(LevelView, required=True, metadata={"description": "The ATMO index of the day."})
    pollen = ma.fields.Nested(PollenDayView, required=True, allow_none=True)
    uv = ma.fields.Nested(UvDayView, required=True, allow_none=True)
    heat = ma.fields.Nested(HazardDayView, required=True, allow_none=True)
    cold = ma.fields.Nested(HazardDayView, required=True, allow_none=True)
    storms = ma.fields.Nested(HazardDayView, required=True, allow_none=True)


class WalkView(ma.Schema):
    """One walk from the place and back to it."""

    number = ma.fields.Integer(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(["round", "there_and_back"]))
    wished_min = ma.fields.Integer(required=True, metadata={"example": 20})
    text = ma.fields.String(
        required=True, metadata={"example": "Boucle de 21 min, 1,7 km. 40 % le long de la verdure."}
    )
    duration_s = ma.fields.Integer(
        required=True,
        metadata={"description": "What it takes: within 15 % of the wish if it is a round walk.", "example": 1260},
    )
    distance_m = ma.fields.Integer(required=True, metadata={"example": 1680})
    ascent_m = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null where a slope is not known.", "example": 6}
    )
    green_share = ma.fields.Float(
        required=True, metadata={"description": "Of its length, along parks, gardens or woods.", "example": 0.4}
    )
    away_from_main_roads_share = ma.fields.Float(
        required=True, metadata={"description": "Of its length, at least 50 m from a main road.", "example": 0.85}
    )
    repeated_share = ma.fields.Float(
        required=True, metadata={"description": "Of its length, on stretches gone along before.", "example": 0.05}
    )
    dose_ug = ma.fields.Nested(
        TripDosesView, required=True, metadata={"description": "Breathed in by an adult who sets off at `walk_at`."}
    )
    guide = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(POLLUTANTS),
        metadata={"description": "The pollutant by which streets are compared.", "example": "no2"},
    )
    dose_against_mean = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Dose of the guide against that of the same minutes on streets with the mean air of the "
            "network, less 1: -0.1 is 10 % less. Null where streets cannot be compared.",
            "example": -0.1,
        },
    )
    activity = ma.fields.Nested(TripActivityView, required=True)
    steps = ma.fields.List(ma.fields.Nested(TripStepView), required=True)
    polyline = ma.fields.String(
        required=True, metadata={"description": "Encoded with precision 5.", "example": "_hgiH_m~L"}
    )
    geometry = ma.fields.Nested(TripLineView, required=True)


class WalkStartView(ma.Schema):
    """Where the walks start."""

    lat = ma.fields.Float(required=True)
    lon = ma.fields.Float(required=True, metadata={"example": 2.3524})
    distance_m = ma.fields.Integer(required=True, metadata={"description": "From the place asked for.", "example": 8})


class OutingAirView(ma.Schema):
    """What the hours and the doses rest on."""

    basis = ma.fields.String(required=True, validate=ma.validate.OneOf(["hours", "index", "unknown"]))
    known_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    age_s = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 1800})
    sources = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "Their ids in `sources`.", "example": ["airparif"]}
    )


class SuggestionsView(ma.Schema):
    """When to be active outdoors today and tomorrow, and walks from the place."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    commune = ma.fields.Nested(AirPlaceView, required=True)
    at = ma.fields.AwareDateTime(required=True, format="iso")
    better_day = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(DAYS),
        metadata={"description": "Null where both are alike, or not known alike.", "example": "tomorrow"},
    )
    better_day_text = ma.fields.String(required=True, allow_none=True)
    today = ma.fields.Nested(WindowView, required=True)
    tomorrow = ma.fields.Nested(WindowView, required=True)
    walk_day = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(DAYS))
    walk_at = ma.fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={"description": "Departure for which doses are told: the start of the better day's window."},
    )
    start = ma.fields.Nested(WalkStartView, required=True, allow_none=True)
    walks = ma.fields.List(ma.fields.Nested(WalkView), required=True)
    network = ma.fields.Nested(TripNetworkView, required=True, allow_none=True)
    air = ma.fields.Nested(OutingAirView, required=True)
    sources = ma.fields.List(ma.fields.Nested(AirSourceView), required=True)
