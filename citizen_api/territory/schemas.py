"""Wire format of the routes of communes and places."""

from __future__ import annotations

import marshmallow as ma

from citizen_api.core.geo import check_position
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE
from citizen_api.web.notices import NoticeView

_TEXT = ma.validate.Length(1, 200)


class CommunesArgs(Args):
    """What to look for."""

    q = ma.fields.String(
        required=True,
        validate=_TEXT,
        metadata={
            "description": "Beginning of a name, an INSEE code or a postcode. Accents, case, hyphens and "
            "“st” for “saint” do not matter; “saint denis 974” and “93200 saint denis” narrow.",
            "example": "saint denis",
        },
    )
    limit = ma.fields.Integer(load_default=10, validate=ma.validate.Range(1, 50))
    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 300),
        metadata={"description": "`next` of the page before."},
    )


class PositionArgs(Args):
    """A position."""

    lat = ma.fields.Float(required=True, metadata=LATITUDE)
    lon = ma.fields.Float(required=True, metadata=LONGITUDE)


class PlacesArgs(Args):
    """What to look for, and near what."""

    q = ma.fields.String(
        required=True,
        validate=_TEXT,
        metadata={"description": "Address, commune or place, as typed.", "example": "26 rue du temple paris"},
    )
    limit = ma.fields.Integer(load_default=10, validate=ma.validate.Range(1, 20))
    lat = ma.fields.Float(metadata=LATITUDE | {"description": "With `lon`: the nearer first among equals."})
    lon = ma.fields.Float(metadata=LONGITUDE | {"description": "With `lat`: the nearer first among equals."})

    @ma.validates_schema
    def _both_or_neither(self, data: dict[str, float], **_: object) -> None:
        for here, there in (("lat", "lon"), ("lon", "lat")):
            if here in data and there not in data:
                raise ma.ValidationError("Missing data for required field.", there)
        if "lat" in data and "lon" in data:
            check_position(lat=data["lat"], lon=data["lon"])


class AreaView(ma.Schema):
    """A territory, by its official code."""

    code = ma.fields.String(required=True, metadata={"example": "93"})
    name = ma.fields.String(required=True, metadata={"example": "Seine-Saint-Denis"})


class EpciView(AreaView):
    """A group of communes. An EPT is a territory of the Métropole du Grand Paris."""

    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["CC", "CA", "CU", "METRO", "EPT"]),
        metadata={"example": "EPT"},
    )


class CommuneView(ma.Schema):
    """A commune, or an arrondissement of Paris, Lyon or Marseille."""

    code = ma.fields.String(required=True, metadata={"description": "INSEE code.", "example": "93066"})
    name = ma.fields.String(required=True, metadata={"example": "Saint-Denis"})
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(["commune", "arrondissement"]))
    departement = ma.fields.Nested(AreaView, required=True)
    population = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Municipal population; null where nobody counts.", "example": 149077},
    )
    postcodes = ma.fields.List(ma.fields.String(), required=True, metadata={"example": ["93200", "93210", "93380"]})
    lat = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "Its centre; null where it is not known."}
    )
    lon = ma.fields.Float(required=True, allow_none=True)
    centre_approximate = ma.fields.Boolean(
        required=True,
        metadata={
            "description": "The centre is that of its commune or of its neighbours. False where none is known.",
        },
    )


COMMUNE_FIELDS = tuple(CommuneView().fields)


class CommunesView(ma.Schema):
    """Communes, best first."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    items = ma.fields.List(ma.fields.Nested(CommuneView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Cursor of the next page."})


class AncestorsView(ma.Schema):
    """What a commune belongs to. `commune` is that of an arrondissement."""

    commune = ma.fields.Nested(AreaView, required=True, allow_none=True)
    ept = ma.fields.Nested(EpciView, required=True, allow_none=True)
    epci = ma.fields.Nested(EpciView, required=True, allow_none=True)
    departement = ma.fields.Nested(AreaView, required=True)
    region = ma.fields.Nested(AreaView, required=True)


class CommunePageView(CommuneView):
    """A commune with what it belongs to."""

    ancestors = ma.fields.Nested(AncestorsView, required=True)
    arrondissements = ma.fields.List(ma.fields.Nested(AreaView), required=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)


class CommuneAtView(ma.Schema):
    """The commune whose centre is nearest to a position."""

    commune = ma.fields.Nested(CommuneView, required=True)
    distance_m = ma.fields.Float(
        required=True, metadata={"description": "Geodesic, from its centre, in metres.", "example": 510.2}
    )
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)


class PlaceView(ma.Schema):
    """Somewhere that the text names."""

    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["commune", "arrondissement", "facility", "address", "street", "locality"]),
    )
    label = ma.fields.String(required=True, metadata={"example": "26 Rue du Temple 75004 Paris"})
    lat = ma.fields.Float(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    approximate = ma.fields.Boolean(
        required=True,
        metadata={"description": "The position is a centre, not a door. False where no position is known."},
    )
    postcode = ma.fields.String(required=True, allow_none=True, metadata={"example": "75004"})
    commune_code = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "INSEE code.", "example": "75104"}
    )
    commune = ma.fields.String(required=True, allow_none=True, metadata={"example": "Paris"})
    facility_id = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Of a place of care: see /v1/care/{id}."}
    )
    distance_m = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "From `lat`, `lon`, when they were given."}
    )
    source = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["communes", "facilities", "ban"]),
        metadata={"description": "Who knows it: this installation, or the national address base."},
    )
    score = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Confidence that the national address base gives, 0 to 1."},
    )


class PlacesView(ma.Schema):
    """Places, best first."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    items = ma.fields.List(ma.fields.Nested(PlaceView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
