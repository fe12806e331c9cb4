"""Wire format of a device: itself, its move to a new phone, how it is reached, its export."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from citizen_api.people import webpush
from citizen_api.people.wish_actions import LOG, Reach
from citizen_api.people.wish_schemas import ListView, OnOneLine, zone_field
from citizen_api.web.blueprint import Body
from content.catalogue import LANGUAGES

MAX_REGISTRATIONS = 5
KINDS = ("fcm_token", "fcm_fid", "webpush", LOG)
_DEVICE_ID = {"example": "5mZ0KQ2vXc7RtYw1nB8LsA"}
_ENDPOINT = "https://updates.push.services.example/wpush/v2/made-up"
_P256DH = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
_AUTH = "c3ludGhldGljLWF1dGgtMQ"
NEW_DEVICE = {"language": "fr", "zone": "Europe/Paris"}
TWO_WAYS = {
    "items": [
        {"kind": "webpush", "endpoint": _ENDPOINT, "keys": {"p256dh": _P256DH, "auth": _AUTH}},
        {"kind": LOG},
    ]
}


class DeviceBody(Body):
    """A new device, or an old one on a new phone."""

    language = ma.fields.String(
        validate=ma.validate.OneOf(LANGUAGES), metadata={"description": "Default: the language of the request."}
    )
    zone = zone_field("Europe/Paris")
    transfer_code = ma.fields.String(
        validate=ma.validate.Length(1, 40),
        metadata={
            "description": "From `POST /v1/me/transfer` on the old phone. The device keeps its id, wishes and "
            "consents; `language` and `zone` are then not looked at.",
            "example": "7K3QD-0XW4M",
        },
    )


class DeviceMadeView(ma.Schema):
    """A device and its token, which is shown this once."""

    id = ma.fields.String(required=True, metadata=_DEVICE_ID)
    token = ma.fields.String(
        required=True,
        metadata={
            "description": "Send it as `Authorization: Bearer …`. Keep it as a password is kept.",
            "example": "ald_not-a-token-but-an-example-of-what-it-is-lik",
        },
    )


class CountsView(ma.Schema):
    """How much there is of each list. Withdrawn consents do not count."""

    registrations = ma.fields.Integer(required=True)
    watches = ma.fields.Integer(required=True)
    consents = ma.fields.Integer(required=True)


class DeviceView(ma.Schema):
    """What is known of the device itself. Days are UTC."""

    id = ma.fields.String(required=True, metadata=_DEVICE_ID)
    created_on = ma.fields.Date(required=True)
    seen_on = ma.fields.Date(required=True, metadata={"description": "Silent for 270 days, a device is erased."})
    counts = ma.fields.Nested(CountsView, required=True)


class TransferView(ma.Schema):
    """What to type on the new phone, and until when."""

    code = ma.fields.String(
        required=True,
        metadata={"description": "Case, spaces and hyphens do not matter.", "example": "7K3QD-0XW4M"},
    )
    expires_at = ma.fields.AwareDateTime(required=True, format="iso")


def _public_key(text: str) -> None:
    if not webpush.is_point(text):
        raise ma.ValidationError("Not a public key of Web Push: 65 bytes of P-256 in base64url.")


def _secret(text: str) -> None:
    if not webpush.is_auth(text):
        raise ma.ValidationError("Not a secret of Web Push: 16 bytes in base64url.")


def _endpoint(url: str) -> None:
    if not webpush.is_endpoint(url):
        raise ma.ValidationError("Not the https address of a push service.")


class KeysBody(Body):
    """`keys` of the browser's PushSubscription."""

    p256dh = ma.fields.String(
        required=True, validate=[ma.validate.Length(87, 88), _public_key], metadata={"example": _P256DH}
    )
    auth = ma.fields.String(required=True, validate=[ma.validate.Length(22, 24), _secret], metadata={"example": _AUTH})


class RegistrationBody(Body):
    """One way to reach the device. Which fields go with it, its `kind` says."""

    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(KINDS),
        metadata={
            "description": "`fcm_token`, `fcm_fid`: with `value`. `webpush`: with `endpoint` and `keys`. `log`: with "
            "nothing more; it sends nothing, and is there while the installation has its log transport on.",
            "example": "webpush",
        },
    )
    value = ma.fields.String(
        validate=[ma.validate.Length(1, 4096), OnOneLine("^[!-~]+$")],
        metadata={"description": "Firebase's registration token or installation id."},
    )
    endpoint = ma.fields.String(
        validate=[ma.validate.Length(1, 2000), _endpoint],
        metadata={"description": "`endpoint` of the browser's PushSubscription.", "example": _ENDPOINT},
    )
    keys = ma.fields.Nested(KeysBody)

    @ma.validates_schema
    def check_fields_of_kind(self, data: dict[str, Any], **_: Any) -> None:
        """Ask for what the kind needs, and for nothing else."""
        needed = {"webpush": ("endpoint", "keys"), LOG: ()}.get(data["kind"], ("value",))
        for name in ("value", "endpoint", "keys"):
            if name in needed and name not in data:
                raise ma.ValidationError("Missing data for required field.", name)
            if name in data and name not in needed:
                raise ma.ValidationError("Does not go with this kind.", name)

    @ma.post_load
    def as_reach(self, data: dict[str, Any], **_: Any) -> Reach:
        """Give what the actions take."""
        keys = {name: webpush.without_padding(key) for name, key in data.get("keys", {}).items()}
        return Reach(kind=data["kind"], value=data.get("value") or data.get("endpoint") or "", **keys)


class RegistrationsBody(Body):
    """Every way to reach the device: those before that are not among them are gone."""

    items = ma.fields.List(
        ma.fields.Nested(RegistrationBody), required=True, validate=ma.validate.Length(0, MAX_REGISTRATIONS)
    )


class RegistrationView(ma.Schema):
    """One way to reach the device, without what would let anybody else use it."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    ends_with = ma.fields.String(
        required=True,
        metadata={
            "description": "The end of its value or endpoint; empty for `log`.",
            "example": "…de-up",
        },
    )
    state = ma.fields.String(required=True, metadata={"example": "alive"})
    created_at = ma.fields.AwareDateTime(required=True, format="iso")


class RegistrationsView(ListView):
    """How the device is reached."""

    items = ma.fields.List(ma.fields.Nested(RegistrationView), required=True)


class ExportView(ma.Schema):
    """Everything that names the device: the rows of each table that does. Secrets are shortened."""

    exported_at = ma.fields.AwareDateTime(required=True, format="iso")
    tables = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.List(ma.fields.Dict()),
        required=True,
        metadata={"example": {"people_consent": [{"purpose": "alerts", "version": "2026-11", "withdrawn_at": None}]}},
    )
