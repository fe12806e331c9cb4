"""Wire format of trips."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.air.schemas import AirPlaceView, AirSourceView
from citizen_api.mobility.clock_fields import WhenToLeave
from citizen_api.mobility.exposure import METHODS
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.planning import WISHES
from citizen_api.mobility.trip_parts import TRIP_MODES
from citizen_api.web.blueprint import Args
from citizen_api.web.notices import NoticeView

LABELS: Final = ("fastest", "cleanest", "balanced", "calm", "wished")
MOVES: Final = ("walk", "bike", "ebike")
TURNS: Final = (
    "depart",
    "straight",
    "slight_left",
    "left",
    "sharp_left",
    "slight_right",
    "right",
    "sharp_right",
    "back",
    "station",
    "arrive",
)
_GUIDE: dict[str, Any] = {"description": "The pollutant by which ways are compared; null: none is known."}


def _position(name: str, where: str, example: list[float], **options: Any) -> DelimitedList:
    return DelimitedList(
        ma.fields.Float(),
        data_key=name,
        validate=ma.validate.Length(equal=2),
        metadata={"description": f"{where}: latitude,longitude in WGS84 degrees.", "example": example},
        **options,
    )


class TripsArgs(Args):
    """From where to where, how and when."""

    start = _position("from", "Where one leaves", [48.859, 2.3545], required=True)
    goal = _position("to", "Where one goes", [48.8685, 2.378])
    to_facility = ma.fields.String(
        validate=ma.validate.Length(1, 16),
        metadata={"description": "Id of a place of care, instead of `to`.", "example": "f3k9x2m7q1a8"},
    )
    modes = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(TRIP_MODES), metadata={"enum": list(TRIP_MODES)}),
        load_default=lambda: ["walk", "bike"],
        validate=ma.validate.Length(1, 4),
        metadata={
            "description": "How one would go, comma-separated; without it walk and bike.",
            "example": ["walk", "bike"],
        },
    )
    depart_at = WhenToLeave(
        metadata={
            "description": "`now` (without it too), an RFC 3339 moment, or a time of the place such as "
            "`tomorrow 08:00`. Not together with `arrive_by`.",
            "example": "2026-11-22T22:45:00+01:00",
            "type": "string",
        }
    )
    arrive_by = WhenToLeave(
        metadata={
            "description": "When one wants to be there, said like `depart_at`; each trip leaves as late as it can.",
            "example": "2026-11-23T09:00:00+01:00",
            "type": "string",
        }
    )
    profile = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(WISHES), metadata={"enum": list(WISHES)}),
        load_default=list,
        validate=ma.validate.Length(1, 5),
        metadata={
            "description": "Wishes, comma-separated. wheelchair, pushchair: without steps, on foot; avoid_hills; "
            "avoid_unlit: at night, lit streets; child_bike: without main roads, slowly.",
            "example": ["avoid_hills"],
        },
    )
    show = ma.fields.String(
        load_default="fastest",
        validate=ma.validate.OneOf(LABELS),
        metadata={"description": "Which trip a map shows coloured; the others by its mode are dashed."},
    )


class TripLineView(ma.Schema):
    """A line in GeoJSON."""

    type = ma.fields.String(required=True, validate=ma.validate.OneOf(["LineString"]))
    coordinates = ma.fields.List(
        ma.fields.List(ma.fields.Float()),
        required=True,
        metadata={"description": "[longitude, latitude] each.", "example": [[2.3545, 48.859], [2.355, 48.8594]]},
    )


_POLYLINE: dict[str, Any] = {
    "description": "The same line in the encoded polyline format of precision 5 (1e-5 degree), latitude first.",
    "example": "w{eiHsbiM_@q@",
}


class TripStepView(ma.Schema):
    """One instruction."""

    turn = ma.fields.String(required=True, validate=ma.validate.OneOf(TURNS))
    text = ma.fields.String(required=True, metadata={"example": "Tournez à gauche : Rue de Rivoli."})
    distance = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "How far it goes on, in words.", "example": "120 m"}
    )
    distance_m = ma.fields.Integer(required=True, metadata={"example": 118})
    duration_s = ma.fields.Integer(required=True, metadata={"example": 88})
    lat = ma.fields.Float(required=True)
    lon = ma.fields.Float(required=True)


class TripStationView(ma.Schema):
    """Where a shared bike is taken or left, as the station last reported itself."""

    id = ma.fields.String(required=True, metadata={"example": "velib:6015"})
    name = ma.fields.String(required=True)
    lat = ma.fields.Float(required=True)
    lon = ma.fields.Float(required=True)
    bikes = ma.fields.Integer(required=True)
    ebikes = ma.fields.Integer(required=True, allow_none=True)
    docks = ma.fields.Integer(required=True, allow_none=True)
    age_s = ma.fields.Integer(required=True, metadata={"description": "Since it reported itself."})
    chance = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["good", "fair", "poor", "unknown"]),
        metadata={"description": "That a bike, or a place for it, is still there when one arrives: a rule of thumb."},
    )
    chance_name = ma.fields.String(required=True, metadata={"example": "très probable"})


class TripLegView(ma.Schema):
    """A part of a trip by one mode."""

    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(MOVES))
    starts_s = ma.fields.Integer(required=True, metadata={"description": "Seconds after the departure.", "example": 0})
    duration_s = ma.fields.Integer(required=True, metadata={"example": 1500})
    distance_m = ma.fields.Integer(required=True, metadata={"example": 2000})
    ascent_m = ma.fields.Float(required=True, allow_none=True, metadata={"description": "Null: unknown."})
    station = ma.fields.Nested(
        TripStationView,
        required=True,
        allow_none=True,
        metadata={"description": "Of a ride, where the bike is taken; of the last walk, where it was left."},
    )
    steps = ma.fields.List(ma.fields.Nested(TripStepView), required=True)
    polyline = ma.fields.String(required=True, metadata=_POLYLINE)
    geometry = ma.fields.Nested(TripLineView, required=True)


class TripDosesView(ma.Schema):
    """What is breathed in on the way, in micrograms; null: not known in an hour of it."""

    no2 = ma.fields.Float(required=True, allow_none=True, metadata={"example": 18.2})
    pm25 = ma.fields.Float(required=True, allow_none=True, metadata={"example": 7.35})
    pm10 = ma.fields.Float(required=True, allow_none=True, metadata={"example": 12.1})
    o3 = ma.fields.Float(required=True, allow_none=True, metadata={"example": 30.4})


class TripBackgroundView(ma.Schema):
    """The air of the commune when one leaves."""

    pollutant = ma.fields.String(required=True, validate=ma.validate.OneOf(POLLUTANTS))
    pollutant_name = ma.fields.String(required=True)
    background_ug_m3 = ma.fields.Float(required=True, allow_none=True, metadata={"example": 14.2})
    method = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(METHODS), dump_default=None)


class TripAgainstFastestView(ma.Schema):
    """The dose of the guiding pollutant against that of the fastest trip by the same mode."""

    pollutant = ma.fields.String(required=True, validate=ma.validate.OneOf(POLLUTANTS))
    ratio = ma.fields.Float(required=True, metadata={"example": 0.82})
    percent = ma.fields.Integer(required=True, metadata={"description": "Below 0: less.", "example": -18})
    slower_s = ma.fields.Integer(required=True, metadata={"example": 70})


class TripActivityView(ma.Schema):
    """What moving is worth."""

    active_min = ma.fields.Integer(required=True, metadata={"example": 25})
    met_min = ma.fields.Integer(required=True, metadata={"description": "MET x minutes.", "example": 88})
    who_week_percent = ma.fields.Integer(
        required=True,
        metadata={"description": "Of the 150 moderate minutes a week of the WHO; vigorous ones count twice."},
    )
    kcal_least = ma.fields.Integer(required=True, metadata={"description": "At 60 kg.", "example": 88})
    kcal_most = ma.fields.Integer(required=True, metadata={"description": "At 80 kg.", "example": 117})


class TripAdviceView(ma.Schema):
    """What the day says of moving: its air, official episodes, and warnings of heat, cold and storms."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(["encourage", "ease", "shorter", "indoors"]))
    text = ma.fields.String(required=True)


class TripReasonView(ma.Schema):
    """Why a trip is not surer."""

    code = ma.fields.String(required=True, metadata={"example": "air_modelled"})
    text = ma.fields.String(required=True)


class TripConfidenceView(ma.Schema):
    """How far to trust a trip."""

    level = ma.fields.String(required=True, validate=ma.validate.OneOf(["good", "fair", "low"]))
    name = ma.fields.String(required=True)
    reasons = ma.fields.List(ma.fields.Nested(TripReasonView), required=True)


class TripView(ma.Schema):
    """One alternative."""

    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(TRIP_MODES))
    labels = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(LABELS)), required=True)
    title = ma.fields.String(required=True, metadata={"example": "Le plus rapide · à pied"})
    approximate = ma.fields.Boolean(
        required=True, metadata={"description": "A straight line made 30 % longer: the streets are not known."}
    )
    depart_at = ma.fields.AwareDateTime(required=True, format="iso")
    arrive_at = ma.fields.AwareDateTime(required=True, format="iso")
    duration_s = ma.fields.Integer(required=True, metadata={"example": 1520})
    distance_m = ma.fields.Integer(required=True, metadata={"example": 2030})
    ascent_m = ma.fields.Float(required=True, allow_none=True, metadata={"description": "Null: unknown."})
    guide = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(POLLUTANTS), metadata=_GUIDE)
    dose_ug = ma.fields.Nested(TripDosesView, required=True)
    air = ma.fields.List(ma.fields.Nested(TripBackgroundView), required=True)
    against_fastest = ma.fields.Nested(TripAgainstFastestView, required=True, allow_none=True)
    activity = ma.fields.Nested(
        TripActivityView,
        required=True,
        allow_none=True,
        metadata={"description": "Of an adult. Null: nobody knows whether one can walk or ride there."},
    )
    co2e_saved_g = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Less than by a thermal car over the same way, use and making (ADEME). Null as `activity`.",
            "example": 289,
        },
    )
    advice = ma.fields.Nested(TripAdviceView, required=True, allow_none=True)
    legs = ma.fields.List(ma.fields.Nested(TripLegView), required=True)
    polyline = ma.fields.String(required=True, metadata=_POLYLINE)
    geometry = ma.fields.Nested(TripLineView, required=True)
    confidence = ma.fields.Nested(TripConfidenceView, required=True)
    network = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Its city in `networks`; null: a straight line."}
    )


class TripEndView(ma.Schema):
    """One end."""

    lat = ma.fields.Float(required=True)
    lon = ma.fields.Float(required=True)
    snap_m = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "How far it is in a straight line from the streets of the first trip, else of those known; "
            "null: none is. The walk there counts in every trip."
        },
    )


class TripFacilityView(ma.Schema):
    """A place of care to which one goes."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    closed_for_good = ma.fields.Boolean(required=True)


class TripGoalView(TripEndView):
    """Where one goes."""

    facility = ma.fields.Nested(TripFacilityView, required=True, allow_none=True)


class TripAirView(ma.Schema):
    """On what the doses rest."""

    commune = ma.fields.Nested(AirPlaceView, required=True)
    basis = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["hours", "index", "unknown"]),
        metadata={"description": "hours: concentrations are known; index: only the index of the day, and no dose."},
    )
    known_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    age_s = ma.fields.Integer(required=True, allow_none=True)
    sources = ma.fields.List(ma.fields.Nested(AirSourceView), required=True)


class TripNetworkView(ma.Schema):
    """Where the streets come from. The attribution is to be shown wherever a trip is."""

    city = ma.fields.String(required=True, metadata={"example": "paris"})
    title = ma.fields.String(required=True)
    built_on = ma.fields.Date(required=True)
    extract_date = ma.fields.Date(
        required=True, allow_none=True, metadata={"description": "Of what day the map is; null: not known."}
    )
    age_days = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "Of the map; null: unknown."})
    source = ma.fields.String(required=True)
    licence = ma.fields.String(required=True, metadata={"example": "ODbL"})
    attribution = ma.fields.String(required=True, metadata={"example": "© OpenStreetMap contributors"})
    street_air_method = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["table", "raster"]),
        metadata={
            "description": "How the air of a street is told from that of the city: by its class and distance to main "
            "roads, or by a fine map of the region."
        },
    )
    street_air_source = ma.fields.String(required=True)
    elevation_source = ma.fields.String(required=True, allow_none=True)


class TripMissingView(ma.Schema):
    """A mode without a trip, and why."""

    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(TRIP_MODES))
    mode_name = ma.fields.String(required=True)
    reason = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["profile", "no_way", "off_network", "no_station"])
    )
    text = ma.fields.String(required=True)


class TripTransitView(ma.Schema):
    """Public transport, where neither foot nor bike is reasonable."""

    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(["far", "night", "no_way"]))
    text = ma.fields.String(required=True)
    operator = ma.fields.String(required=True, allow_none=True)
    url = ma.fields.String(required=True, allow_none=True, metadata={"description": "Null: no planner is known here."})
    tells_position = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether the address tells the planner both ends."}
    )
    told = ma.fields.String(required=True, allow_none=True, metadata={"description": "What it tells, in words."})


class TripsView(ma.Schema):
    """Every alternative by every mode asked for, each mode's fastest first."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    start = ma.fields.Nested(TripEndView, required=True)
    goal = ma.fields.Nested(TripGoalView, required=True)
    air = ma.fields.Nested(TripAirView, required=True)
    networks = ma.fields.List(ma.fields.Nested(TripNetworkView), required=True)
    items = ma.fields.List(ma.fields.Nested(TripView), required=True)
    missing = ma.fields.List(ma.fields.Nested(TripMissingView), required=True)
    transit = ma.fields.Nested(TripTransitView, required=True, allow_none=True)
    next = ma.fields.String(required=True, allow_none=True)
