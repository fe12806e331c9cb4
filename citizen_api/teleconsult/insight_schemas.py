"""Wire format of what became of handoffs."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma

from citizen_api.people.wish_schemas import ListView
from citizen_api.teleconsult.insight_queries import LEVELS, InsightRow
from citizen_api.teleconsult.insight_rules import LEAST, MOST_WEEKS, USUAL_WEEKS, week_name
from citizen_api.teleconsult.models import PROVIDER_ID_LENGTH
from citizen_api.web.blueprint import Args

NO_TERRITORY_NAME: Final = "Not a territory such as departement:75 or commune:75104."
WEEKS: Final = f"At most {MOST_WEEKS} weeks, from before until."
OWN_PROVIDER: Final = "Your key names one of its own providers."
ALL_PROVIDERS: Final = "A key of a city asks for all providers together."
_TERRITORY: Final = r"^(departement:[0-9][0-9AB][0-9]?|commune:[0-9][0-9AB][0-9]{3})$"


class InsightArgs(Args):
    """Of which handoffs."""

    provider = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(min=1, max=PROVIDER_ID_LENGTH),
        metadata={
            "description": "One provider of its own, with a provider's key, which always names one. A city's key sees "
            "all providers together: one beside all would give the others away.",
            "example": "clinic",
        },
    )
    territory = ma.fields.String(
        load_default=None,
        validate=ma.validate.Regexp(_TERRITORY, error=NO_TERRITORY_NAME),
        metadata={
            "description": "Where the places are: a département or a commune (INSEE codes). Without it: the territory "
            "of one's organisation; with a provider's key the country.",
            "example": "departement:75",
        },
    )
    first = ma.fields.Date(
        load_default=None,
        data_key="from",
        metadata={
            "description": f"A day of the first week; without it the answer has {USUAL_WEEKS} weeks.",
            "example": "2026-10-05",
        },
    )
    last = ma.fields.Date(
        load_default=None,
        data_key="until",
        metadata={
            "description": "A day of the last week; without it the last one that is over. Weeks that are not over have "
            f"no numbers yet. {MOST_WEEKS} weeks at most.",
            "example": "2026-11-22",
        },
    )


class InsightTerritoryView(ma.Schema):
    """Where the places are, or nowhere: by video, or not known."""

    level = ma.fields.String(required=True, validate=ma.validate.OneOf(LEVELS), metadata={"example": "commune"})
    code = ma.fields.String(required=True, allow_none=True, metadata={"example": "75104"})
    name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Paris 4e Arrondissement"})


class InsightRowView(ma.Schema):
    """Handoffs that were made in one week to places in one territory, and what became of them until now."""

    week = ma.fields.String(required=True, metadata={"description": "ISO 8601.", "example": "2026-W47"})
    monday = ma.fields.Date(required=True, metadata={"example": "2026-11-16"})
    territory = ma.fields.Nested(InsightTerritoryView, required=True)
    handoffs = ma.fields.Integer(
        required=True, metadata={"description": f"How many were made: {LEAST} at least.", "example": 42}
    )
    gone_rate = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Share that was gone on arrival, in hundredths: of all arrivals (handoffs whose link was "
            "followed to a free slot, and those whose slot was gone then) those whose slot was gone. null: on too few.",
            "example": 0.07,
        },
    )
    booked_rate = ma.fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Share that was booked, in hundredths: of handoffs whose link was followed to the booking "
            "service those that the provider or the resident said were booked. null: on too few.",
            "example": 0.55,
        },
    )


class InsightView(ListView):
    """All that may be said, by week, then territory. What is not there may be nil, or too few to be told."""

    items = ma.fields.List(ma.fields.Nested(InsightRowView), required=True)
    least = ma.fields.Integer(
        required=True, metadata={"description": "Handoffs below which nothing is said of them.", "example": LEAST}
    )


def row_shown(row: InsightRow) -> dict[str, Any]:
    """One row as plain data."""
    return {
        "week": week_name(row.week),
        "monday": row.week,
        "territory": {"level": row.level, "code": row.code, "name": row.name},
        "handoffs": row.shown.made,
        "gone_rate": row.shown.gone_rate,
        "booked_rate": row.shown.booked_rate,
    }
