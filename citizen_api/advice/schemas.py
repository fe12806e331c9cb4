"""Wire format of advice."""

from __future__ import annotations

import marshmallow as ma

from citizen_api.web.blueprint import Args
from citizen_api.web.notices import NoticeView
from content.hazards import AUDIENCES, WATCHED


class AdviceArgs(Args):
    """Advice about what, and for whom."""

    hazard = ma.fields.String(required=True, validate=ma.validate.OneOf(WATCHED), metadata={"example": "air"})
    level = ma.fields.Integer(
        required=True,
        metadata={
            "description": "On the scale of the hazard: air 1 to 6 (ATMO index), pollen 0 to 6 (index of Atmo France), "
            "heat 1 to 4 (colours of Météo-France's vigilance), uv 0 to 11 (11 and more).",
            "example": 3,
        },
    )
    audience = ma.fields.String(
        load_default=AUDIENCES[0], validate=ma.validate.OneOf(AUDIENCES), metadata={"example": "exercising_outdoors"}
    )
    on = ma.fields.Date(
        metadata={"description": "Day of the tip; today in Paris unless given.", "example": "2026-11-26"},
    )


class AdviceSourceView(ma.Schema):
    """Where the fact behind advice was read."""

    name = ma.fields.String(required=True, metadata={"example": "Haut Conseil de la santé publique"})
    url = ma.fields.URL(required=True, metadata={"example": "https://www.hcsp.fr/"})


class AdviceNumberView(ma.Schema):
    """A number for emergencies."""

    number = ma.fields.String(required=True, metadata={"example": "15"})
    tel = ma.fields.String(required=True, metadata={"description": "What a phone dials."})
    channel = ma.fields.String(required=True, validate=ma.validate.OneOf(["voice", "text"]))
    name = ma.fields.String(required=True, metadata={"example": "SAMU (medical emergencies)"})


class AdviceView(ma.Schema):
    """What to do: short, long and easy to read; never a diagnosis."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    hazard = ma.fields.String(required=True, validate=ma.validate.OneOf(WATCHED))
    hazard_name = ma.fields.String(required=True, metadata={"example": "Air"})
    level = ma.fields.Integer(required=True, metadata={"example": 3})
    level_name = ma.fields.String(required=True, metadata={"example": "Dégradé"})
    level_colour = ma.fields.String(required=True, metadata={"example": "#F0E641"})
    audience = ma.fields.String(required=True, validate=ma.validate.OneOf(AUDIENCES))
    audience_name = ma.fields.String(required=True, metadata={"example": "Sport en plein air"})
    short = ma.fields.String(required=True, metadata={"description": "At most 140 characters."})
    long = ma.fields.String(required=True, metadata={"description": "At most 600 characters, plain text."})
    easy_read = ma.fields.String(
        required=True, metadata={"description": "Easy to read (FALC): at most 100 characters, one idea."}
    )
    tip = ma.fields.String(
        required=True, metadata={"description": "The sentence of the day; none comes back within 30 days."}
    )
    source = ma.fields.Nested(AdviceSourceView, required=True)
    reviewed_on = ma.fields.Date(required=True, metadata={"description": "When the advice was last reviewed."})
    emergency = ma.fields.List(ma.fields.Nested(AdviceNumberView), required=True)
