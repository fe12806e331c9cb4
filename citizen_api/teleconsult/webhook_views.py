"""The route to which providers send what became of handoffs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from citizen_api.core.problems import BodyTooLarge, InvalidArguments
from citizen_api.teleconsult import webhook_actions as actions
from citizen_api.teleconsult.handoff_problems import HandoffMoveIllegal
from citizen_api.teleconsult.models import PROVIDER_ID_LENGTH
from citizen_api.teleconsult.webhook_problems import ReferralUnknown, WebhookRefused
from citizen_api.teleconsult.webhook_schemas import TYPES, WebhookBody, WebhookHeaders, seconds_of
from citizen_api.teleconsult.webhooks import MOST_BYTES, is_signed
from citizen_api.web.blueprint import Blueprint, View
from citizen_api.web.services import now, services, session

blp = Blueprint(
    "webhooks",
    __name__,
    url_prefix="/v1/teleconsultations/webhooks",
    description="What booking services tell of handoffs, signed (Standard Webhooks 1.0).",
)
TOO_FAR: Final = "Within a year of today."
_PROVIDER: Final = f"<string(maxlength={PROVIDER_ID_LENGTH}):provider_id>"
_FARTHEST: Final = timedelta(days=366)


def _signed(view: View) -> Callable[..., Any]:
    """Refuse what its provider did not sign just now, before anything of it is read."""

    @wraps(view)
    def wrapper(*args: Any, provider_id: str, **kwargs: Any) -> Any:
        body = _body()
        # Anybody may ask: the database's one writer is not kept waiting for that.
        with services().database.session(write=False) as own:
            secrets = actions.webhook_secrets(own, provider_id)
        if not is_signed(
            body,
            message_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signatures=request.headers.get("webhook-signature", ""),
            secrets=secrets,
            now=now(),
        ):
            raise WebhookRefused
        return view(*args, provider_id=provider_id, **kwargs)

    return wrapper


@blp.post(f"/{_PROVIDER}")
@_signed
@blp.arguments(WebhookHeaders, location="headers")
@blp.arguments(WebhookBody)
@blp.response(204)
@blp.problems(WebhookRefused, ReferralUnknown, HandoffMoveIllegal)
def receive(headers: dict[str, Any], body: dict[str, Any], provider_id: str) -> Response:
    """Take what became of a booking: confirmed, moved, cancelled, completed.

    The same message (`webhook-id`) once more changes nothing. Types that are not known are accepted and passed over.
    """
    if body["type"] in TYPES and actions.mark_seen(session(), provider_id, headers["message_id"], now=now()):
        told = body["data"]
        _check_times(told.get("start"), told.get("end"))
        actions.take(
            session(),
            provider_id,
            body["type"],
            referral=told["referral"],
            starts_s=seconds_of(told.get("start")),
            ends_s=seconds_of(told.get("end")),
            now=now(),
        )
    return Response(status=204)


def _body() -> bytes:
    """The bytes that were signed. Raises BodyTooLarge."""
    request.max_content_length = MOST_BYTES + 1  # what comes in pieces is cut there
    try:
        body = request.get_data()
    except RequestEntityTooLarge as error:
        raise BodyTooLarge(limit_bytes=MOST_BYTES) from error
    if len(body) > MOST_BYTES:
        raise BodyTooLarge(limit_bytes=MOST_BYTES)
    return body


def _check_times(*moments: datetime | None) -> None:
    """Check that an appointment is of this time. Raises InvalidArguments."""
    if any(moment is not None and abs(moment - now()) > _FARTHEST for moment in moments):
        raise InvalidArguments(fields={"data.start": [TOO_FAR]})
