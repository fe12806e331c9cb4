"""Routes of a resident's device: itself, its move to a new phone, how it is reached, its export, its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response

from citizen_api.people import device_actions as actions
from citizen_api.people import device_queries as queries
from citizen_api.people import device_schemas as schemas
from citizen_api.people import wish_actions
from citizen_api.people.device_problems import TransferCodeInvalid
from citizen_api.people.wishes import DEFAULT_PROFILE
from citizen_api.web.auth import current_device
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.http import count_against
from citizen_api.web.language import language
from citizen_api.web.services import end_session, now, services, session

blp = Blueprint(
    "devices",
    __name__,
    url_prefix="/v1",
    description="Residents: a device and its secret. No account, no e-mail address, no phone number.",
)


@blp.post("/devices")
@blp.arguments(schemas.DeviceBody, required=False, example=schemas.NEW_DEVICE)
@blp.response(201, schemas.DeviceMadeView)
@blp.problems(TransferCodeInvalid)
@blp.limited("rate_limit_devices")
def create(body: dict[str, Any]) -> dict[str, Any]:
    """Make a device, or move one to this phone by its code. The token is shown once, here.

    A move gives the same device a fresh token: the old phone's opens nothing any more and is not reached any more.
    """
    if "transfer_code" in body:
        count_against("rate_limit_transfers")
        device_id, token = actions.finish_transfer(session(), body["transfer_code"], now=now())
    else:
        chosen = body.get("language") or language()
        profile = replace(DEFAULT_PROFILE, zone=body.get("zone", DEFAULT_PROFILE.zone))
        device_id, token = actions.create_device(session(), language=chosen, profile=profile, now=now())
    return {"id": device_id, "token": token}


@blp.get("/me")
@blp.device()
@blp.response(200, schemas.DeviceView)
def me() -> dict[str, Any]:
    """Show what is known of the device itself."""
    return queries.device_shown(session(), current_device().id)


@blp.post("/me/token")
@blp.device()
@blp.response(201, schemas.DeviceMadeView)
def rotate() -> dict[str, Any]:
    """Give the device a fresh token. The old one opens nothing from then on."""
    device_id = current_device().id
    return {"id": device_id, "token": actions.rotate_token(session(), device_id)}


@blp.post("/me/transfer")
@blp.device()
@blp.response(201, schemas.TransferView)
@blp.limited("rate_limit_transfers")
def transfer() -> dict[str, Any]:
    """Give a code to type on a new phone within ten minutes. It works once, and a code before it no more."""
    code, expires_at = actions.start_transfer(session(), current_device().id, now=now())
    return {"code": code, "expires_at": expires_at}


@blp.get("/me/registrations")
@blp.device()
@blp.response(200, schemas.RegistrationsView)
def registrations() -> dict[str, Any]:
    """List how the device is reached."""
    return _registrations()


@blp.put("/me/registrations")
@blp.device()
@blp.arguments(schemas.RegistrationsBody, example=schemas.TWO_WAYS)
@blp.response(200, schemas.RegistrationsView)
def replace_registrations(body: dict[str, Any]) -> dict[str, Any]:
    """Say every way to reach the device: all are taken, or none is. One that another device held becomes this one's."""
    log_allowed = services().settings.push_log_enabled
    wish_actions.replace_registrations(
        session(), current_device().id, body["items"], log_allowed=log_allowed, now=now()
    )
    return _registrations()


@blp.get("/me/export")
@blp.device()
@blp.response(200, schemas.ExportView)
def export() -> dict[str, Any]:
    """Give everything that names the device, whatever part of the product holds it."""
    return {"exported_at": now(), "tables": queries.everything_about(session(), current_device().id)}


@blp.delete("/me")
@blp.device()
@blp.response(204)
def erase() -> Response:
    """Erase the device at once, and everything that names it. It cannot be undone."""
    actions.erase_device(session(), current_device().id)
    end_session(success=True)
    services().database.forget_deleted()
    return Response(status=204)


def _registrations() -> dict[str, Any]:
    found = queries.registrations(session(), current_device().id)
    return {
        "items": [
            {
                "kind": row.kind,
                "ends_with": queries.shortened(row.value),
                "state": row.state,
                "created_at": row.created_at,
            }
            for row in found
        ]
    }
