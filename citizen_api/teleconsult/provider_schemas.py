"""Wire format of providers of appointments. Staff and the registry's files say one in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import marshmallow as ma

from citizen_api.people.rules import TERRITORY_KINDS
from citizen_api.people.wish_schemas import OnOneLine, TrueOrFalse
from citizen_api.sources.slot_records import AUDIENCES, LINK_LENGTH, MODALITIES, SECTORS
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult import provider_rules as rules
from citizen_api.teleconsult.models import NAME_LENGTH, PROVIDER_ID_LENGTH
from citizen_api.teleconsult.provider_rules import ProviderFacts
from citizen_api.web.blueprint import Args, Body
from citizen_api.web.fields import LATITUDE, LONGITUDE

TWICE: Final = "Given more than once."
TOGETHER: Final = "lat and lon go together."
TERRITORY: Final = (
    "^(country|commune:[0-9][0-9AB][0-9]{3}|epci:[0-9]{9}|departement:[0-9][0-9AB][0-9]?|region:[0-9]{2})$"
)
_ONE_LINE: Final = (
    "^(?![\\s\\S]*[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069])[\\s\\S]*[^\\s][\\s\\S]*$"
)
"""As Python and JavaScript read it alike: no control letter, no line's end, nothing that turns the text around."""
_MOST_DOMAINS: Final = 20
_MOST_LANGUAGES: Final = 30
_TEXT_LENGTH: Final = 300


def _one_line(most: int, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=[ma.validate.Length(1, most), ma.validate.Regexp(_ONE_LINE)], **options)


def _each_once(values: Sequence[str]) -> None:
    if len(set(values)) < len(values):
        raise ma.ValidationError(TWICE)


def _codes(known: Sequence[str], description: str, example: str) -> ma.fields.List[Any]:
    return ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(known)),
        required=True,
        validate=[ma.validate.Length(0, len(known)), _each_once],
        metadata={"description": description, "example": [example], "uniqueItems": True},
    )


def _check_language(code: str) -> None:
    if code not in rules.LANGUAGES:
        raise ma.ValidationError(rules.NO_LANGUAGE)


def _check_domain(domain: str) -> None:
    if fault := rules.domain_fault(domain):
        raise ma.ValidationError(fault)


class ProvidersArgs(Args):
    """Which providers. `lat` and `lon`, or `commune`: only what is offered there."""

    kind = ma.fields.String(load_default=None, validate=ma.validate.OneOf(rules.KINDS))
    modality = ma.fields.String(load_default=None, validate=ma.validate.OneOf(MODALITIES))
    specialty = ma.fields.String(load_default=None, validate=ma.validate.OneOf(SPECIALTIES))
    language = ma.fields.String(
        load_default=None,
        validate=OnOneLine("^[a-z]{2}$"),
        metadata={"description": "Only where this language is known to be spoken (ISO 639-1).", "example": "en"},
    )
    lat = ma.fields.Float(metadata=LATITUDE)
    lon = ma.fields.Float(metadata=LONGITUDE)
    commune = ma.fields.String(
        validate=ma.validate.Length(1, 10),
        metadata={"description": "INSEE code, instead of a position: distances are from its centre."},
    )
    within_km = ma.fields.Float(
        validate=ma.validate.Range(1, 100),
        metadata={"description": "How far a provider that has a place may be. Default: 30.", "example": 10},
    )
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, 100))
    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 300),
        metadata={"description": "`next` of the page before."},
    )


class ProviderBody(Body):
    """All that is said of a provider; what it was before is replaced."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(rules.KINDS), metadata={"example": "practice"})
    name = _one_line(NAME_LENGTH, required=True, metadata={"example": "Centre de santé d'essai"})
    modalities = _codes(MODALITIES, "How appointments take place; empty only for a public service.", "video")
    specialties = _codes(SPECIALTIES, "What they are for; empty only for a public service.", "general-practice")
    languages = ma.fields.List(
        ma.fields.String(validate=[OnOneLine("^[a-z]{2}$"), _check_language]),
        load_default=list,
        validate=[ma.validate.Length(0, _MOST_LANGUAGES), _each_once],
        metadata={"description": "Languages spoken there (ISO 639-1).", "example": ["fr"], "uniqueItems": True},
    )
    sector = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.OneOf(SECTORS),
        metadata={"description": "Convention with the health insurance; null: not known.", "example": "1"},
    )
    third_party = TrueOrFalse(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whether one does not pay in advance; null: not known."},
    )
    audience = ma.fields.String(load_default="everybody", validate=ma.validate.OneOf(AUDIENCES))
    link_template = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(1, LINK_LENGTH),
        metadata={
            "description": "Where to book: https, on an allowed domain; `{slot}` stands for the publisher's id of a "
            "slot, after the host.",
            "example": "https://clinic.example/book/{slot}",
        },
    )
    allowed_domains = ma.fields.List(
        ma.fields.String(validate=_check_domain),
        load_default=list,
        validate=[ma.validate.Length(0, _MOST_DOMAINS), _each_once],
        metadata={
            "description": "Hosts to which a resident may be handed over, in lower-case ASCII; one that begins with a "
            "dot stands for its subdomains too.",
            "example": ["clinic.example"],
            "uniqueItems": True,
        },
    )
    granularity = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(rules.GRANULARITIES),
        metadata={"description": "What its links open: the slot, the page of the practice, or the home page."},
    )
    phone = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(1, 40),
        metadata={"description": "Only one that it publishes for everybody.", "example": "01 45 42 59 59"},
    )
    have_ready = _codes(rules.HAVE_READY, "What to have at hand.", "carte_vitale")
    territory = ma.fields.String(
        required=True,
        validate=OnOneLine(TERRITORY),
        metadata={
            "description": f"Where it is offered: {', '.join(TERRITORY_KINDS)}, with its code.",
            "example": "departement:75",
        },
    )
    address = _one_line(_TEXT_LENGTH, load_default=None, allow_none=True, metadata={"example": "1 rue d'Essai, Paris"})
    commune = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(5, 5),
        metadata={"description": "INSEE code of where it is.", "example": "75104"},
    )
    lat = ma.fields.Float(load_default=None, allow_none=True, validate=ma.validate.Range(-90, 90), metadata=LATITUDE)
    lon = ma.fields.Float(load_default=None, allow_none=True, validate=ma.validate.Range(-180, 180), metadata=LONGITUDE)
    source = _one_line(
        _TEXT_LENGTH,
        required=True,
        metadata={"description": "Who says all this.", "example": "clinic.example, page « Rendez-vous »"},
    )
    as_of = ma.fields.Date(required=True, metadata={"description": "Of when.", "example": "2026-11-20"})

    @ma.validates_schema
    def check_together(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse what does not go together."""
        wrong: dict[str, list[str]] = {}
        if data["kind"] != rules.PUBLIC_SERVICE:
            wrong |= {name: [rules.NOTHING] for name in ("modalities", "specialties") if not data[name]}
        template = data["link_template"]
        if template is not None and (fault := rules.template_fault(template, data["allowed_domains"])):
            wrong["link_template"] = [fault]
        if (data["lat"] is None) != (data["lon"] is None):
            wrong["lat"] = [TOGETHER]
        if data["phone"] is not None:
            try:
                data["phone"] = rules.read_phone(data["phone"], data["kind"])
            except ValueError as error:
                wrong["phone"] = [str(error)]
        if wrong:
            raise ma.ValidationError(wrong)

    @ma.post_load
    def as_facts(self, data: dict[str, Any], **_: Any) -> ProviderFacts:
        """Give what the actions take."""
        kind, _colon, code = data.pop("territory").partition(":")
        commune_code = data.pop("commune")
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return ProviderFacts(
            **data | lists, territory_kind=kind, territory_code=code or None, commune_code=commune_code
        )


class ProviderIdBody(ma.Schema):
    """The id of a provider, as its address or its file says it."""

    id = ma.fields.String(required=True, validate=[ma.validate.Length(1, PROVIDER_ID_LENGTH), OnOneLine(rules.SLUG)])
