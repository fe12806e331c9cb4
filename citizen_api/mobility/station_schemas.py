"""Wire format of bike share stations."""

from __future__ import annotations

from typing import get_args

import marshmallow as ma

from citizen_api.mobility.station_rules import WANTS, Chance
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE
from citizen_api.web.notices import NoticeView


class StationsArgs(Args):
    """Where, and what for."""

    lat = ma.fields.Float(required=True, metadata=LATITUDE)
    lon = ma.fields.Float(required=True, metadata=LONGITUDE)
    want = ma.fields.String(
        load_default="bike",
        validate=ma.validate.OneOf(WANTS),
        metadata={
            "description": "A bike of any kind to take, an e-bike to take, or a dock to leave one.",
            "example": "bike",
        },
    )
    limit = ma.fields.Integer(load_default=5, validate=ma.validate.Range(1, 20))


class ChanceView(ma.Schema):
    """Whether one will still be there, as a rule of thumb (see `chance_basis`)."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(Chance)), metadata={"example": "good"})
    text = ma.fields.String(required=True, metadata={"example": "très probable"})


class BikeStationView(ma.Schema):
    """A station, as it last reported itself."""

    id = ma.fields.String(required=True, metadata={"example": "velib:213688169"})
    name = ma.fields.String(required=True, metadata={"example": "Pont Neuf - Rivoli"})
    lat = ma.fields.Float(required=True, metadata={"example": 48.86009})
    lon = ma.fields.Float(required=True, metadata={"example": 2.344058})
    distance_m = ma.fields.Integer(required=True, metadata={"description": "In a straight line.", "example": 120})
    capacity = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Docks in all; null: not told.", "example": 27}
    )
    bikes = ma.fields.Integer(required=True, metadata={"description": "Bikes of any kind to take.", "example": 6})
    ordinary_bikes = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Of these, without a motor; null: not told.", "example": 2},
    )
    ebikes = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of these, electric; null: not told.", "example": 4}
    )
    docks = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Free ones; null: not told.", "example": 16}
    )
    is_renting = ma.fields.Boolean(required=True, metadata={"description": "Whether it gives bikes."})
    is_returning = ma.fields.Boolean(required=True, metadata={"description": "Whether it takes bikes back."})
    last_reported = ma.fields.AwareDateTime(required=True, format="iso")
    age_s = ma.fields.Integer(
        required=True, metadata={"description": "Seconds since it reported itself.", "example": 45}
    )
    wanted = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "How many of what is wanted; null: not told.", "example": 6},
    )
    chance = ma.fields.Nested(ChanceView, required=True)
    source = ma.fields.String(required=True, metadata={"description": "Its id in `sources`.", "example": "velib"})


class BikeSystemView(ma.Schema):
    """Who runs the stations, and what their licence asks to be said; null where they do not say."""

    id = ma.fields.String(required=True, metadata={"example": "velib"})
    title = ma.fields.String(required=True, metadata={"example": "Vélib' Métropole"})
    producer = ma.fields.String(required=True, allow_none=True)
    licence = ma.fields.String(required=True, allow_none=True, metadata={"example": "Licence Ouverte"})
    url = ma.fields.String(required=True, allow_none=True, metadata={"example": "https://www.velib-metropole.fr"})
    fetched_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    age_s = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Since it was read.", "example": 30}
    )


class StationsView(ma.Schema):
    """Stations that have what is wanted, nearest first."""

    want = ma.fields.String(required=True, validate=ma.validate.OneOf(WANTS), metadata={"example": "bike"})
    items = ma.fields.List(ma.fields.Nested(BikeStationView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Always null: there is one page."})
    chance_basis = ma.fields.String(required=True, metadata={"description": "How `chance` is estimated, in words."})
    sources = ma.fields.List(ma.fields.Nested(BikeSystemView), required=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
