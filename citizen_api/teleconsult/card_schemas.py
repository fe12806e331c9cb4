"""Wire format of the card before a handoff. No parameter takes a symptom, and none will: nothing is asked."""

from __future__ import annotations

import marshmallow as ma

from citizen_api.care.schemas import EmergencyView
from citizen_api.sources.slot_records import MODALITIES
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult.card_rules import GOOD, NETWORKS
from citizen_api.web.blueprint import Args
from citizen_api.web.notices import NoticeView


class CardArgs(Args):
    """Which card: by what the appointment is, never by how somebody feels."""

    specialty = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf(SPECIALTIES),
        metadata={"description": "Of the appointment. It only decides which signs come first."},
    )
    modality = ma.fields.String(
        load_default=None,
        validate=ma.validate.OneOf(MODALITIES),
        metadata={"description": "Of the appointment. Default: video. In person the card is shorter."},
    )
    network = ma.fields.String(
        load_default=GOOD,
        validate=ma.validate.OneOf(NETWORKS),
        metadata={"description": "Of the resident's phone, as the client sees it. Else than good: see `offers`."},
    )


class CardWordsView(ma.Schema):
    """A code and its words."""

    code = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class CardSourceView(ma.Schema):
    """Where the fact of a sentence was read."""

    name = ma.fields.String(required=True)
    url = ma.fields.Url(required=True, schemes={"https"})


class CardLineView(CardWordsView):
    """A sentence of the card."""

    source = ma.fields.Nested(CardSourceView, required=True)
    reviewed_on = ma.fields.Date(required=True, metadata={"description": "When the sentence was last reviewed."})


class CardOfferView(CardWordsView):
    """What works better than a video with this network."""

    code = ma.fields.String(required=True, validate=ma.validate.OneOf(["assisted", "phone"]))
    href = ma.fields.String(
        required=True,
        metadata={
            "description": "Where it is found: an address of this service, or a public number (`tel:`).",
            "example": "/v1/teleconsultations/slots?modality=assisted",
        },
    )


class CardView(ma.Schema):
    """What everybody is shown before a handoff."""

    version = ma.fields.String(
        required=True,
        metadata={"description": "What a handoff takes as `card_shown`; other words have another.", "example": "3f2a"},
    )
    signs = ma.fields.List(
        ma.fields.Nested(CardLineView),
        required=True,
        metadata={"description": "Signs that mean: call now, and book nothing. The same for everybody."},
    )
    can = ma.fields.List(ma.fields.Nested(CardLineView), required=True)
    cannot = ma.fields.List(ma.fields.Nested(CardLineView), required=True)
    have_ready = ma.fields.List(ma.fields.Nested(CardWordsView), required=True)
    offers = ma.fields.List(ma.fields.Nested(CardOfferView), required=True)
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
