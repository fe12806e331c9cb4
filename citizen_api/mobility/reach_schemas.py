"""Wire format of what is within reach."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.schemas import EmergencyView, FacilityView
from citizen_api.mobility.planning import WISHES
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE, Moment
from citizen_api.web.notices import NoticeView

MOVES: Final = ("walk", "bike")
MINUTES: Final = (5, 10, 15)
LONGEST_MIN: Final = 30
MOST_AREAS: Final = 5


class MomentOrAny(Moment):
    """`any`, `now`, or an RFC 3339 moment with its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return "any" if value == "any" else super()._deserialize(value, attr, data, **kwargs)


class _FromHere(Args):
    """From where, how, and with which wishes."""

    lat = ma.fields.Float(required=True, metadata=LATITUDE)
    lon = ma.fields.Float(required=True, metadata=LONGITUDE)
    by = ma.fields.String(
        load_default="walk", validate=ma.validate.OneOf(MOVES), metadata={"description": "On foot or by bicycle."}
    )
    profile = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(WISHES), metadata={"enum": list(WISHES)}),
        load_default=list,
        validate=ma.validate.Length(1, len(WISHES)),
        metadata={"description": "Wishes of a way, comma-separated.", "example": ["pushchair"]},
    )


class IsochroneArgs(_FromHere):
    """Areas that are reached in some minutes."""

    minutes = DelimitedList(
        ma.fields.Integer(validate=ma.validate.Range(1, LONGEST_MIN)),
        load_default=lambda: list(MINUTES),
        validate=ma.validate.Length(1, MOST_AREAS),
        metadata={"description": "Limits in minutes, comma-separated; one area for each.", "example": list(MINUTES)},
    )


class ReachableArgs(_FromHere):
    """Which places, and within how many minutes."""

    category = DelimitedList(
        # Documented, not validated, here: an unknown one is a problem of its own.
        ma.fields.String(validate=ma.validate.Length(1, 40), metadata={"enum": list(CATEGORIES)}),
        required=True,
        validate=ma.validate.Length(1, 20),
        metadata={
            "description": "One or several categories, comma-separated (see /v1/care/categories).",
            "example": ["pharmacy"],
        },
    )
    within_min = ma.fields.Integer(
        load_default=15,
        validate=ma.validate.Range(1, 60),
        metadata={"description": "Nothing that takes longer, in minutes."},
    )
    open = MomentOrAny(
        load_default="now",
        metadata={
            "description": "When one leaves, `now` or an RFC 3339 moment: only places known to be open on arrival, "
            "those of unknown hours apart in `hours_unknown`. `any`: leaving now, whatever their hours.",
            "example": "now",
            "type": "string",
        },
    )
    limit = ma.fields.Integer(load_default=10, validate=ma.validate.Range(1, 20))


class IsochroneGeometryView(ma.Schema):
    """A shape of RFC 7946."""

    type = ma.fields.String(required=True, validate=ma.validate.OneOf(["Polygon", "MultiPolygon"]))
    coordinates = ma.fields.List(
        ma.fields.Raw(),
        required=True,
        metadata={
            "description": "Degrees, longitude first, to about a metre. Empty where not even the nearest street is "
            "reached in that time."
        },
    )


class IsochroneAreaView(ma.Schema):
    """What an area means."""

    minutes = ma.fields.Integer(required=True, metadata={"example": 10})
    by = ma.fields.String(required=True, validate=ma.validate.OneOf(MOVES))
    label = ma.fields.String(required=True)
    approximate = ma.fields.Boolean(
        required=True, metadata={"description": "A circle, because the streets are not known here."}
    )
    cut = ma.fields.Boolean(
        required=True, metadata={"description": "It reaches the edge of the known streets: there may be more beyond."}
    )


class IsochroneFeatureView(ma.Schema):
    """An area as a GeoJSON Feature."""

    type = ma.fields.String(required=True, validate=ma.validate.OneOf(["Feature"]))
    geometry = ma.fields.Nested(IsochroneGeometryView, required=True)
    properties = ma.fields.Nested(IsochroneAreaView, required=True)


class IsochroneView(ma.Schema):
    """A GeoJSON FeatureCollection (RFC 7946), the shortest time first, with what must be known beside it."""

    type = ma.fields.String(required=True, validate=ma.validate.OneOf(["FeatureCollection"]))
    features = ma.fields.List(ma.fields.Nested(IsochroneFeatureView), required=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    snap_m = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "From the position to the nearest street, in a straight line. What one takes there, on foot "
            "and 30 % longer, is taken from every limit. Null: no street is known."
        },
    )
    beside_m = ma.fields.Float(
        required=True, metadata={"description": "What lies so near to a street reached is reached.", "example": 28}
    )
    simplified_m = ma.fields.Float(
        required=True, metadata={"description": "The outline is at most so far from the exact one.", "example": 6}
    )
    attribution = ma.fields.String(required=True, metadata={"example": "© OpenStreetMap contributors"})


class ReachedView(FacilityView):
    """A place within reach; its `opening` is that on arrival."""

    duration_s = ma.fields.Integer(
        required=True,
        metadata={
            "description": "From door to door: over the streets, and on foot to the first and from the last of them.",
            "example": 412,
        },
    )
    distance_m = ma.fields.Float(required=True, metadata={"description": "From door to door.", "example": 549.3})
    approximate = ma.fields.Boolean(
        required=True, metadata={"description": "Estimated from a straight line: its streets are not known."}
    )
    arrives_at = ma.fields.AwareDateTime(required=True, format="iso", metadata={"description": "By the place's clock."})
    closing_soon = ma.fields.Boolean(
        required=True, metadata={"description": "It closes less than 15 minutes after one arrives."}
    )
    trip = ma.fields.String(
        required=True,
        metadata={
            "description": "Where to ask for the trip; add `from=LAT,LON`, which is not repeated here.",
            "example": "/v1/mobility/trips?to_facility=f7k2&modes=walk",
        },
    )
    why = ma.fields.String(required=True, metadata={"description": "Why it stands in this place."})
    call_first = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Number to call before going."}
    )


class ReachableView(ma.Schema):
    """Places within reach, the soonest reached first."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    items = ma.fields.List(ma.fields.Nested(ReachedView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
    hours_unknown = ma.fields.List(
        ma.fields.Nested(ReachedView),
        metadata={"description": "Unless `open=any`: the soonest reached whose hours are not known. Call first."},
    )
    snap_m = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "From the position to the nearest street, in a straight line; null: no street is known here."
        },
    )
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)
