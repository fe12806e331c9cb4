"""Wire format of the search for slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import marshmallow as ma
from webargs.fields import DelimitedList

from citizen_api.care.schemas import AddressView, EmergencyView
from citizen_api.sources.slot_records import AUDIENCES, MODALITIES, SECTORS
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult.provider_rules import GRANULARITIES, KINDS
from citizen_api.teleconsult.slot_rules import MOST_SLOTS, ORDERS
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE, Moment
from citizen_api.web.notices import NoticeView

PAYMENTS: Final = ("sector_1", "sector_1_or_optam", "third_party")
REASONS: Final = ("soonest", "nearest", "few_doctors", "weak_network")
FRESHNESS: Final = ("fresh", "stale")


class _SlotWindowArgs(Args):
    """When. `from` is a word of Python: these two are put in by their names."""


SlotWindowArgs = _SlotWindowArgs.from_dict(
    {
        "from": Moment(
            load_default=None,
            metadata={
                "description": "Slots that start then or later; `now`, what is past and nothing all mean now.",
                "example": "2026-11-23T08:00:00+01:00",
                "type": "string",
            },
        ),
        "until": Moment(
            load_default=None,
            metadata={
                "description": "Slots that start before then: 7 days later unless said otherwise, 31 days from now at "
                "the latest.",
                "example": "2026-11-30T08:00:00+01:00",
                "type": "string",
            },
        ),
    },
    name="SlotWindowArgs",
)


class SlotsArgs(SlotWindowArgs):  # type: ignore[misc, valid-type]
    """What is looked for; nothing about why."""

    specialty = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf(SPECIALTIES),
        metadata={"description": "Unless given: any.", "example": "general-practice"},
    )
    modality = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(MODALITIES), metadata={"enum": list(MODALITIES)}),
        load_default=list,
        validate=ma.validate.Length(1, len(MODALITIES)),
        metadata={"description": "How it takes place, comma-separated. Unless given: any.", "example": ["video"]},
    )
    lat = ma.fields.Float(metadata=LATITUDE)
    lon = ma.fields.Float(metadata=LONGITUDE)
    commune = ma.fields.String(
        validate=ma.validate.Length(1, 10),
        metadata={"description": "INSEE code, instead of a position: distances are from its centre."},
    )
    within_km = ma.fields.Float(
        load_default=30.0,
        validate=ma.validate.Range(1, 100),
        metadata={"description": "With a place: how far slots in person may be.", "example": 10},
    )
    order = ma.fields.String(
        load_default="soonest",
        validate=ma.validate.OneOf(ORDERS),
        metadata={"description": "`nearest` needs a place."},
    )
    language = ma.fields.String(
        load_default=None,
        validate=ma.validate.Regexp(r"^[A-Za-z]{2}$"),
        metadata={"description": "Only where this language is known to be spoken (ISO 639-1).", "example": "en"},
    )
    payment = DelimitedList(
        ma.fields.String(validate=ma.validate.OneOf(PAYMENTS), metadata={"enum": list(PAYMENTS)}),
        load_default=list,
        validate=ma.validate.Length(1, len(PAYMENTS)),
        metadata={
            "description": "Only where all of these are known to hold, comma-separated: fees without extra, or with "
            "moderate ones at most; nothing to pay in advance.",
            "example": ["sector_1", "third_party"],
        },
    )
    audience = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf(AUDIENCES),
        metadata={"description": "Only slots for these, or for everybody.", "example": "children"},
    )
    network = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf(["weak"]),
        metadata={"description": "`weak`: the connection hardly carries video; slots by video stand last."},
    )
    limit = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1, MOST_SLOTS))


def _said(name: str, codes: Sequence[str], description: str, *, null: bool = False) -> ma.fields.Nested:
    """A code and what it means, in the language of the answer."""
    view = ma.Schema.from_dict(
        {
            "code": ma.fields.String(required=True, validate=ma.validate.OneOf(codes)),
            "text": ma.fields.String(required=True, metadata={"description": "In the language of the answer."}),
        },
        name=name,
    )
    return ma.fields.Nested(view, required=True, allow_none=null, metadata={"description": description})


class SlotProviderView(ma.Schema):
    """Who offers it (see /v1/teleconsultations/providers)."""

    id = ma.fields.String(required=True, metadata={"example": "centre-d-essai"})
    name = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))


class SlotPlaceView(ma.Schema):
    """Where it takes place."""

    name = ma.fields.String(required=True)
    address = ma.fields.String(required=True, allow_none=True)
    city = ma.fields.String(required=True, allow_none=True)
    commune = ma.fields.String(required=True, allow_none=True, metadata={"description": "INSEE code."})
    lat = ma.fields.Float(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    distance_m = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "From where one asked, on the ellipsoid; null by video too."},
    )


class SlotPaymentView(ma.Schema):
    """What one pays, as far as it is known."""

    sector = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(SECTORS))
    third_party = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "True: one does not pay in advance."}
    )
    text = ma.fields.String(required=True)


class SlotFreshnessView(ma.Schema):
    """How old it is that somebody said this slot is free."""

    confirmed_at = ma.fields.AwareDateTime(required=True, format="iso")
    age_s = ma.fields.Integer(required=True, metadata={"example": 75})
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(FRESHNESS))
    text = ma.fields.String(required=True)


class SlotView(ma.Schema):
    """A slot that is free as far as is known. Its link is given only by a handoff."""

    id = ma.fields.String(required=True, metadata={"description": "To hand over to its booking service with."})
    start = ma.fields.AwareDateTime(required=True, format="iso", metadata={"description": "By the place's clock."})
    end = ma.fields.AwareDateTime(required=True, format="iso")
    duration_s = ma.fields.Integer(required=True, metadata={"example": 900})
    specialty = _said("SlotSpecialtyView", SPECIALTIES, "What it is for.")
    modality = _said("SlotModalityView", MODALITIES, "How it takes place.")
    provider = ma.fields.Nested(SlotProviderView, required=True)
    place = ma.fields.Nested(
        SlotPlaceView, required=True, allow_none=True, metadata={"description": "null: nowhere, it is by video."}
    )
    languages = ma.fields.List(
        ma.fields.String(metadata={"example": "fr"}),
        required=True,
        metadata={"description": "Languages known to be spoken (ISO 639-1)."},
    )
    payment = ma.fields.Nested(SlotPaymentView, required=True)
    audience = _said("SlotAudienceView", AUDIENCES, "For whom.")
    capacity = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "How many may book it, by the publisher's estimate; null: not said."},
    )
    granularity = _said("SlotGranularityView", GRANULARITIES, "What its link opens; null: it has none.", null=True)
    phone = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Where one may book, if that is published."}
    )
    freshness = ma.fields.Nested(SlotFreshnessView, required=True)
    is_demo = ma.fields.Boolean(required=True)
    why = _said("SlotWhyView", REASONS, "Why it stands in this place.")


class BesideOpeningView(ma.Schema):
    """Whether it is open now."""

    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["open", "closed", "unknown"]))
    until = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")


class BesidePlaceView(ma.Schema):
    """A place of care in person."""

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    category = ma.fields.String(required=True, metadata={"example": "health_centre"})
    category_label = ma.fields.String(required=True)
    address = ma.fields.Nested(AddressView, required=True)
    phone = ma.fields.String(required=True, allow_none=True)
    lat = ma.fields.Float(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    distance_m = ma.fields.Float(required=True, metadata={"description": "Geodesic, in metres."})
    opening = ma.fields.Nested(BesideOpeningView, required=True)
    place = ma.fields.String(required=True, metadata={"description": "Where to ask for more of it."})


class BesideView(ma.Schema):
    """What is near, whatever the calendars say."""

    text = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(BesidePlaceView), required=True)


class SlotsView(ma.Schema):
    """Slots in their order. Nobody can pay for a place."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    items = ma.fields.List(ma.fields.Nested(SlotView), required=True)
    next = ma.fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
    beside = ma.fields.Nested(
        BesideView,
        required=True,
        allow_none=True,
        metadata={
            "description": "Places of care in person near the place given, none where none is known; null "
            "without a place, or while the directory of care does not answer."
        },
    )
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)
