"""Wire format of slot watches: what for and where. Neither a symptom nor a reason has a field."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from citizen_api.people.wish_schemas import ListView, WholeNumber
from citizen_api.sources.slot_records import MODALITIES
from citizen_api.teleconsult.watch_actions import SlotWish
from citizen_api.teleconsult.watch_rules import WATCHED, WITHIN_KM, WITHIN_KM_MOST
from citizen_api.web.blueprint import Body
from citizen_api.web.fields import Moment
from citizen_api.web.notices import NoticeView


class SlotWatchBody(Body):
    """For which slots to watch."""

    specialty = ma.fields.String(
        required=True, validate=ma.validate.OneOf(WATCHED), metadata={"example": "general-practice"}
    )
    modality = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.OneOf(MODALITIES),
        metadata={"description": "How the appointment takes place. Default, and null: any."},
    )
    commune = ma.fields.String(
        required=True,
        validate=ma.validate.Length(5, 5),
        metadata={"description": "INSEE code, present or old; kept as the present one.", "example": "75104"},
    )
    within_km = WholeNumber(
        load_default=WITHIN_KM,
        validate=ma.validate.Range(0, WITHIN_KM_MOST),
        metadata={"description": "From the centre of the commune. Slots by video count everywhere.", "example": 10},
    )
    until = Moment(
        load_default=None,
        metadata={
            "description": "The watch and the slot end before: within the coming 60 days. Default: in 30 days.",
            "example": "2026-12-20T00:00:00+01:00",
            "type": "string",
        },
    )

    @ma.post_load
    def as_wish(self, data: dict[str, Any], **_: Any) -> SlotWish:
        """Give what the actions take."""
        return SlotWish(**data)


class SlotWatchedView(ma.Schema):
    """What is watched for, and its words."""

    code = ma.fields.String(required=True, metadata={"example": "general-practice"})
    text = ma.fields.String(required=True, metadata={"example": "general practice"})


class SlotWatchView(ma.Schema):
    """One slot watch."""

    id = ma.fields.String(required=True, metadata={"example": "Qe81VxWm3ZrT0aKjL7cYpB"})
    text = ma.fields.String(
        required=True, metadata={"example": "general practice, within 20 km of Paris, at the practice"}
    )
    specialty = ma.fields.Nested(SlotWatchedView, required=True)
    modality = ma.fields.Nested(SlotWatchedView, required=True, allow_none=True, metadata={"description": "null: any."})
    commune = ma.fields.String(required=True, metadata={"example": "75104"})
    within_km = ma.fields.Integer(required=True, metadata={"example": 20})
    created_at = ma.fields.AwareDateTime(required=True, format="iso")
    until = ma.fields.AwareDateTime(required=True, format="iso")


class SlotWatchMadeView(SlotWatchView):
    """A slot watch that was made or changed, with what must be said beside it."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)


class SlotWatchesView(ListView):
    """Every slot watch of the device."""

    items = ma.fields.List(ma.fields.Nested(SlotWatchView), required=True)
