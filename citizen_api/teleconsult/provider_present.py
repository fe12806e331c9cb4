"""What is shown of a provider of appointments, in the language asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import marshmallow as ma
import phonenumbers

from citizen_api.care.schemas import EmergencyView
from citizen_api.people.wish_schemas import ListView
from citizen_api.sources.slot_records import AUDIENCES, MODALITIES, SECTORS
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult import provider_rules as rules
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.provider_queries import ProviderFound, SlotsKnown
from citizen_api.web.notices import NoticeView
from content.catalogue import EmergencyNumber, catalogue

_UNITS: Final = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))


def _word_view(name: str, codes: Sequence[str]) -> type[ma.Schema]:
    return ma.Schema.from_dict(
        {
            "code": ma.fields.String(required=True, validate=ma.validate.OneOf(codes)),
            "text": ma.fields.String(required=True, metadata={"description": "In the language of the answer."}),
        },
        name=name,
    )


def _word(name: str, codes: Sequence[str]) -> ma.fields.Nested:
    return ma.fields.Nested(_word_view(name, codes), required=True)


def _words(name: str, codes: Sequence[str]) -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.Nested(_word_view(name, codes)), required=True)


class ProviderPhoneView(ma.Schema):
    """A phone that is published for everybody."""

    number = ma.fields.String(required=True, metadata={"example": "01 45 42 59 59"})
    tel = ma.fields.String(
        required=True, metadata={"description": "What a phone dials, or writes to.", "example": "+33145425959"}
    )
    channel = ma.fields.String(required=True, validate=ma.validate.OneOf(["voice", "text"]))


class ProviderPaymentView(ma.Schema):
    """What one pays, as far as it is known."""

    sector = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(SECTORS))
    third_party = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "True: one does not pay in advance."}
    )
    text = ma.fields.String(required=True)


class ProviderSlotsView(ma.Schema):
    """Whether its slots are known here, and how old that is."""

    known = ma.fields.Boolean(required=True)
    count = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 42})
    confirmed_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    age_s = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 75})
    text = ma.fields.String(required=True)


class ProviderView(ma.Schema):
    """Who offers appointments. Its links are given only by a handoff."""

    id = ma.fields.String(required=True, metadata={"example": "centre-d-essai"})
    kind = _word("ProviderKindView", rules.KINDS)
    name = ma.fields.String(required=True, metadata={"example": "Centre de santé d'essai"})
    what = ma.fields.String(required=True, metadata={"description": "What it is, in a sentence."})
    modalities = _words("ProviderModalityView", MODALITIES)
    specialties = _words("ProviderSpecialtyView", SPECIALTIES)
    languages = ma.fields.List(
        ma.fields.String(metadata={"example": "fr"}),
        required=True,
        metadata={"description": "Languages known to be spoken there (ISO 639-1)."},
    )
    payment = ma.fields.Nested(
        ProviderPaymentView, required=True, allow_none=True, metadata={"description": "null: a public service."}
    )
    audience = _word("ProviderAudienceView", AUDIENCES)
    granularity = ma.fields.Nested(
        _word_view("ProviderGranularityView", rules.GRANULARITIES),
        required=True,
        allow_none=True,
        metadata={"description": "What its links open; null: it has none."},
    )
    phone = ma.fields.Nested(ProviderPhoneView, required=True, allow_none=True)
    have_ready = _words("ProviderHaveReadyView", rules.HAVE_READY)
    territory = ma.fields.String(
        required=True, metadata={"description": "Where it is offered.", "example": "departement:75"}
    )
    address = ma.fields.String(required=True, allow_none=True)
    commune = ma.fields.String(required=True, allow_none=True, metadata={"description": "INSEE code."})
    lat = ma.fields.Float(required=True, allow_none=True)
    lon = ma.fields.Float(required=True, allow_none=True)
    distance_m = ma.fields.Float(
        required=True, allow_none=True, metadata={"description": "From where one asked, on the ellipsoid."}
    )
    source = ma.fields.String(required=True, metadata={"description": "Who says all this."})
    as_of = ma.fields.Date(required=True, metadata={"description": "Of when."})
    slots = ma.fields.Nested(
        ProviderSlotsView, required=True, allow_none=True, metadata={"description": "null: a public service."}
    )
    is_demo = ma.fields.Boolean(required=True)


class ProviderPageView(ProviderView):
    """A provider by itself, with what must be said beside it."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True, metadata={"example": []})
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)


class ProvidersView(ListView):
    """Providers: public services first, then the nearest, then by id. Nobody can pay for a place."""

    items = ma.fields.List(ma.fields.Nested(ProviderView), required=True)
    emergency = ma.fields.List(ma.fields.Nested(EmergencyView), required=True)


class WebhookSecretView(ma.Schema):
    """A new secret. It is shown once, here."""

    secret = ma.fields.String(
        required=True,
        metadata={
            "description": "For signing (Standard Webhooks): `whsec_`, then 32 bytes in base64.",
            "example": "whsec_c3ludGhldGljLXN5bnRoZXRpYy1zeW50aGV0aWMtMTI=",
        },
    )
    valid = ma.fields.Integer(
        required=True, metadata={"description": "How many secrets are valid now: this one, and the one before."}
    )


class StaffProviderView(ProviderView):
    """A provider as its staff sees it."""

    link_template = ma.fields.String(required=True, allow_none=True)
    allowed_domains = ma.fields.List(ma.fields.String(metadata={"example": "clinic.example"}), required=True)
    origin = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([rules.STAFF, rules.FILE, rules.DEMO]),
        metadata={"description": "Who keeps it: staff, a file of the registry, or the demo city."},
    )
    webhook_secrets = ma.fields.Integer(required=True, metadata={"description": "How many are valid now."})
    updated_at = ma.fields.AwareDateTime(required=True, format="iso")


def provider_shown(found: ProviderFound, slots: SlotsKnown | None, *, lang: str, now: datetime) -> dict[str, Any]:
    """Give what ProviderView dumps."""
    row = found.provider
    number = _emergency_number(row)
    return {
        "id": row.id,
        "kind": {"code": row.kind, "text": provider_label(f"kind_{row.kind}", lang)},
        "name": number.name.say(lang) if number else row.name,
        "what": number.text.say(lang) if number else provider_label(f"what_{row.kind}", lang),
        "modalities": [_named(code, lang) for code in row.modalities],
        "specialties": [_named(code, lang) for code in row.specialties],
        "languages": row.languages,
        "payment": None if row.kind == rules.PUBLIC_SERVICE else _payment(row, lang),
        "audience": _named(row.audience, lang),
        "granularity": _granularity(row, lang) if row.allowed_domains else None,
        "phone": row.phone and _phone(row.phone, number),
        "have_ready": [{"code": code, "text": provider_label(f"ready_{code}", lang)} for code in row.have_ready],
        "territory": ":".join(filter(None, (row.territory_kind, row.territory_code))),
        "address": row.address,
        "commune": row.commune_code,
        "lat": row.lat,
        "lon": row.lon,
        "distance_m": None if found.distance_m is None else round(found.distance_m, 1),
        "source": row.source,
        "as_of": row.as_of,
        "slots": None if row.kind == rules.PUBLIC_SERVICE else _slots(slots, lang=lang, now=now),
        "is_demo": row.origin == rules.DEMO,
    }


def staff_provider_shown(row: Provider, slots: SlotsKnown | None, *, lang: str, now: datetime) -> dict[str, Any]:
    """Give what StaffProviderView dumps."""
    return provider_shown(ProviderFound(row, None), slots, lang=lang, now=now) | {
        "link_template": row.link_template,
        "allowed_domains": row.allowed_domains,
        "origin": row.origin,
        "webhook_secrets": len(row.webhook_secrets),
        "updated_at": row.updated_at,
    }


def _emergency_number(row: Provider) -> EmergencyNumber | None:
    """The number of a public service among those that stand beside every answer, whose words it then has."""
    if row.kind != rules.PUBLIC_SERVICE:
        return None
    return next((number for number in catalogue().emergency if number.tel == row.phone), None)


def _phone(phone: str, number: EmergencyNumber | None) -> dict[str, str]:
    if number is not None:
        return {"number": number.number, "tel": phone, "channel": "text" if number.channel == "text" else "voice"}
    written = phone
    if phone.startswith("+"):
        read = phonenumbers.parse(phone)
        style = phonenumbers.PhoneNumberFormat
        of_france = read.country_code == 33  # noqa: PLR2004 - the code of France
        written = phonenumbers.format_number(read, style.NATIONAL if of_france else style.INTERNATIONAL)
    return {"number": written, "tel": phone, "channel": "voice"}


def _granularity(row: Provider, lang: str) -> dict[str, str]:
    return {"code": row.granularity, "text": provider_label(f"granularity_{row.granularity}", lang)}


def _payment(row: Provider, lang: str) -> dict[str, Any]:
    said = []
    if row.sector is not None:
        said.append(catalogue().booking["names"][f"sector_{row.sector}"].say(lang))
    if row.third_party is not None:
        said.append(provider_label("pay_nothing_ahead" if row.third_party else "pay_ahead", lang))
    text = provider_label("pay_known", lang, said=", ".join(said)) if said else provider_label("pay_unknown", lang)
    return {"sector": row.sector, "third_party": row.third_party, "text": text}


def _slots(slots: SlotsKnown | None, *, lang: str, now: datetime) -> dict[str, Any]:
    if slots is None:
        return {
            "known": False,
            "count": None,
            "confirmed_at": None,
            "age_s": None,
            "text": provider_label("slots_no", lang),
        }
    age = max(now - slots.confirmed_at, timedelta())
    return {
        "known": True,
        "count": slots.count,
        "confirmed_at": slots.confirmed_at,
        "age_s": int(age.total_seconds()),
        "text": provider_label("slots_yes", lang, age=age_said(age, lang)),
    }


def age_said(age: timedelta, lang: str) -> str:
    """Say how long ago something was, in its largest whole unit."""
    for name, unit in _UNITS:
        if age >= unit:
            return provider_label(f"ago_{name}", lang, count=age // unit)
    return provider_label("ago_now", lang)


def provider_label(code: str, lang: str, **values: object) -> str:
    """Say a label about providers and feeds."""
    return catalogue().booking["providers"][code].say(lang, **values)


def _named(code: str, lang: str) -> dict[str, str]:
    return {"code": code, "text": catalogue().booking["names"][code].say(lang)}
