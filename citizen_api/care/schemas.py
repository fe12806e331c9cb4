"""Wire format of the care routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.services import SERVICES
from citizen_api.sources.records import PAYMENT_SECTORS, THIRD_PARTY_PAYMENTS
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE, Moment
from citizen_api.web.notices import NoticeView

YES_NO_UNKNOWN = ("yes", "no", "unknown")


class YesNo(ma.fields.Boolean):
    """A wish: absent means no."""

    def __init__(self, description: str) -> None:
        super().__init__(
            load_default=False,
            truthy={"true", "1", "yes"},
            falsy={"false", "0", "no"},
            metadata={"description": description},
        )


class NearestArgs(Args):
    """Where, what, and which wishes."""

    lat = ma.fields.Float(metadata=LATITUDE)
    lon = ma.fields.Float(metadata=LONGITUDE)
    commune = ma.fields.String(
        validate=ma.validate.Length(1, 10),
        metadata={"description": "INSEE code, instead of a position: distances are from its centre."},
    )
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
    open = Moment(
        metadata={
            "description": "`now` or an RFC 3339 moment: only places known to be open then; those of unknown hours "
            "stand apart in `hours_unknown`.",
            "example": "now",
            "type": "string",
        }
    )
    wheelchair = YesNo("Only places known to be wheelchair accessible.")
    service = DelimitedList(
        # Documented, not validated, here: an unknown one is a problem of its own.
        ma.fields.String(validate=ma.validate.Length(1, 40), metadata={"enum": list(SERVICES)}),
        validate=ma.validate.Length(1, 10),
        metadata={
            "description": "Only places known to offer all of these, comma-separated (see /v1/care/services).",
            "example": ["vaccination"],
        },
    )
    new_patients = YesNo("Only practices known to accept new patients.")
    home_visits = YesNo("Only practices known to visit at home.")
    third_party_payment = YesNo("Only practices known to ask for no money in advance, wholly or in part.")
    sector = ma.fields.String(
        validate=ma.validate.OneOf(PAYMENT_SECTORS),
        metadata={"description": "Only practices known to be of this payment sector."},
    )
    spoken = ma.fields.String(
        validate=ma.validate.Regexp(r"^[A-Za-z]{2,3}$", error="Must be a language code of two or three letters."),
        metadata={"description": "Only places where this language is known to be spoken (ISO 639).", "example": "en"},
    )
    radius_m = ma.fields.Float(
        validate=ma.validate.Range(1, 2_000_000),
        metadata={"description": "Nothing farther than this in `items`, in metres.", "example": 2000},
    )
    limit = ma.fields.Integer(load_default=10, validate=ma.validate.Range(1, 50))
    cursor = ma.fields.String(
        validate=ma.validate.Length(1, 300), metadata={"description": "`next` of the page before."}
    )


class WithinArgs(Args):
    """A box on the map."""

    bbox = DelimitedList(
        ma.fields.Float(),
        required=True,
        validate=ma.validate.Length(equal=4),
        metadata={"description": "west,south,east,north in degrees.", "example": [2.33, 48.85, 2.36, 48.87]},
    )
    category = DelimitedList(
        # Documented, not validated, here: an unknown one is a problem of its own.
        ma.fields.String(validate=ma.validate.Length(1, 40), metadata={"enum": list(CATEGORIES)}),
        required=True,
        validate=ma.validate.Length(1, 20),
        metadata={"description": "One or several categories, comma-separated.", "example": ["pharmacy"]},
    )


class AddressView(ma.Schema):
    """Where it is, in words."""

    street = ma.fields.String(required=True, allow_none=True, metadata={"example": "26 rue du Temple"})
    postcode = ma.fields.String(required=True, allow_none=True, metadata={"example": "75004"})
    city = ma.fields.String(required=True, allow_none=True, metadata={"example": "Paris"})
    commune = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "INSEE code.", "example": "75104"}
    )


class OpeningView(ma.Schema):
    """Whether it is open at the moment asked about, and until when."""

    hours = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "OSM syntax.", "example": "Mo-Sa 09:00-19:30"},
    )
    as_written = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "What a source wrote, word for word, where it is not OSM syntax.",
            "example": "du lundi au samedi de 9h à 19h30",
        },
    )
    source = ma.fields.String(required=True, allow_none=True, metadata={"description": "Who says these hours."})
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["open", "closed", "unknown"]))
    until = ma.fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={"description": "Next change of state, in the place's own time zone."},
    )
    comment = ma.fields.String(required=True, allow_none=True)


class SourceView(ma.Schema):
    """A source that describes the place, and the date of what it says."""

    id = ma.fields.String(required=True, metadata={"example": "paris-pharmacies-2013"})
    title = ma.fields.String(required=True)
    date = ma.fields.Date(required=True)


class PracticeView(ma.Schema):
    """What a resident asks of a practice, as far as a source says it."""

    new_patients = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(YES_NO_UNKNOWN),
        metadata={"description": "Whether it accepts new patients."},
    )
    sector = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([*PAYMENT_SECTORS, "unknown"]),
        metadata={"description": "1: agreed tariffs; 2: free fees (2-optam: held in); none: outside the agreement."},
    )
    third_party_payment = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([*THIRD_PARTY_PAYMENTS, "unknown"]),
        metadata={"description": "Whether nothing, or not all, is paid in advance."},
    )
    home_visits = ma.fields.String(required=True, validate=ma.validate.OneOf(YES_NO_UNKNOWN))
    languages = ma.fields.List(
        ma.fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "Languages spoken; null: unknown.", "example": ["fr", "en"]},
    )


class FacilityView(ma.Schema):
    """A place of care."""

    id = ma.fields.String(required=True, metadata={"description": "Opaque and stable."})
    name = ma.fields.String(required=True, metadata={"example": "Pharmacie du Village"})
    category = ma.fields.String(required=True, allow_none=True, metadata={"example": "pharmacy"})
    categories = ma.fields.List(ma.fields.String(), required=True)
    address = ma.fields.Nested(AddressView, required=True)
    phone = ma.fields.String(required=True, allow_none=True, metadata={"example": "+33142726071"})
    website = ma.fields.String(required=True, allow_none=True)
    lat = ma.fields.Float(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    position_approximate = ma.fields.Boolean(required=True)
    closed_on = ma.fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "Since when it is closed for good, as far as the sources tell; null: it is not."},
    )
    wheelchair = ma.fields.String(required=True, validate=ma.validate.OneOf(["yes", "limited", "no", "unknown"]))
    services = ma.fields.List(
        ma.fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "What it offers (see /v1/care/services); null: unknown.", "example": ["vaccination"]},
    )
    practice = ma.fields.Nested(
        PracticeView, required=True, allow_none=True, metadata={"description": "null where it is no practice."}
    )
    regulated = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(YES_NO_UNKNOWN),
        metadata={
            "description": "Whether its emergency department takes in only whom the 15 sends; null: it has none."
        },
    )
    identifiers = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={"example": {"finess": "750010597"}},
    )
    sources = ma.fields.List(ma.fields.Nested(SourceView), required=True)
    opening = ma.fields.Nested(OpeningView, required=True)
    category_label = ma.fields.String(required=True, allow_none=True, metadata={"example": "Pharmacy"})


class EmergencyView(ma.Schema):
    """A number for emergencies."""

    number = ma.fields.String(required=True, metadata={"example": "15"})
    tel = ma.fields.String(required=True, metadata={"description": "What a phone dials."})
    channel = ma.fields.String(required=True, validate=ma.validate.OneOf(["voice", "text", "poison_centre"]))
    name = ma.fields.String(required=True, metadata={"example": "SAMU (medical emergencies)"})
    text = ma.fields.String(required=True)


class FacilityPageView(FacilityView):
    """A place of care by itself, with what must be said beside it."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)


class FoundView(FacilityView):
    """A place in an answer to "nearest"."""

    distance_m = ma.fields.Float(required=True, metadata={"description": "Geodesic, in metres.", "example": 12.3})
    why = ma.fields.String(required=True, metadata={"description": "Why it stands in this place."})
    call_first = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Number to call before going."}
    )


class SourcedEmergencyView(EmergencyView):
    """A number for emergencies, with where and when it was read."""

    source = ma.fields.String(required=True)
    checked_on = ma.fields.Date(required=True)

    @ma.pre_dump
    def _with_date(self, entry: dict[str, Any], **_: Any) -> dict[str, Any]:
        return entry | {"checked_on": datetime.fromisoformat(entry["checked_on"]).date()}


class NearestView(ma.Schema):
    """Answer to "nearest". A key whose list has no meaning for the question is absent."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    items = ma.fields.List(ma.fields.Nested(FoundView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Cursor of the next page."})
    hours_unknown = ma.fields.List(
        ma.fields.Nested(FoundView),
        metadata={"description": "With `open`: the nearest whose hours are not known. Call first."},
    )
    instead = ma.fields.List(
        ma.fields.Nested(FoundView),
        metadata={
            "description": "Where `items` holds nothing near: what is nearest beyond the radius; hospitals, "
            "where no emergency department is known."
        },
    )
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)


class ClusterView(ma.Schema):
    """Several places, grouped for a crowded map."""

    lat = ma.fields.Float(required=True)
    lon = ma.fields.Float(required=True)
    count = ma.fields.Integer(required=True)
    bbox = ma.fields.List(ma.fields.Float(), required=True, metadata={"description": "west, south, east, north"})


class WithinView(ma.Schema):
    """Places in a box; when there are too many, `clusters` instead of `items`."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    items = ma.fields.List(ma.fields.Nested(FacilityView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
    clusters = ma.fields.List(ma.fields.Nested(ClusterView), required=True)
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)


class CategoryView(ma.Schema):
    """A kind of place, in a resident's words."""

    id = ma.fields.String(required=True, metadata={"example": "pmi"})
    label = ma.fields.String(required=True)
    hint = ma.fields.String(required=True)
    codes = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.List(ma.fields.String()), required=True)
    places = ma.fields.Integer(required=True, metadata={"description": "How many are known."})


class CategoriesView(ma.Schema):
    """Every category."""

    items = ma.fields.List(ma.fields.Nested(CategoryView), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class ServiceView(ma.Schema):
    """A thing that one goes to a place for, in a resident's words."""

    id = ma.fields.String(required=True, metadata={"example": "trod_angina"})
    label = ma.fields.String(required=True, metadata={"example": "Sore throat test"})
    hint = ma.fields.String(required=True, metadata={"description": "For whom, and what for."})


class ServicesView(ma.Schema):
    """Every service."""

    items = ma.fields.List(ma.fields.Nested(ServiceView), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class EmergenciesView(ma.Schema):
    """Every number, most urgent first."""

    items = ma.fields.List(ma.fields.Nested(SourcedEmergencyView), required=True)
    next = ma.fields.String(required=True, allow_none=True)
