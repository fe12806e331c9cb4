"""Routes of handoffs. Whoever holds the token of one may read and change it; nobody else can find it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from flask import Response, request

from citizen_api.core.problems import InvalidArguments, Unauthorised
from citizen_api.teleconsult import handoff_actions as actions
from citizen_api.teleconsult import handoff_present as present
from citizen_api.teleconsult import handoff_queries as queries
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult import handoff_schemas as schemas
from citizen_api.teleconsult.card_rules import card_version
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.handoff_problems import (
    CardNotShown,
    HandoffMadeAlready,
    HandoffMoveIllegal,
    HandoffUnknown,
    IdempotencyKeyReused,
    NowhereToBook,
    SlotGone,
)
from citizen_api.teleconsult.provider_problems import ProviderUnknown
from citizen_api.web.auth import require_device
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.http import count_against
from citizen_api.web.services import now, services, session

blp = Blueprint(
    "handoffs",
    __name__,
    url_prefix="/v1/teleconsultations/handoffs",
    description="Handing a resident over to a booking service. Nothing is booked here, and no reason is asked.",
)
_YEAR: Final = timedelta(days=366)
_TOKEN: Final = "<string(length=32):token>"  # noqa: S105 - part of an address


@blp.post("")
@blp.arguments(schemas.IdempotencyHeaders, location="headers")
@blp.arguments(schemas.HandoffBody)
@blp.response(201, schemas.HandoffView)
@blp.problems(Unauthorised, CardNotShown, ProviderUnknown, SlotGone)
@blp.problems(NowhereToBook, HandoffMadeAlready, IdempotencyKeyReused)
@blp.limited("rate_limit_handoffs")
def create(headers: dict[str, Any], body: dict[str, Any]) -> Any:
    """Hand a resident over: a short link to open in the browser, once the card was shown.

    The same `Idempotency-Key` with the same body gives the same handoff for ten minutes. A device's token may come
    along, for reminders. A slot that is gone is a problem whose `alternatives` are others, three at most, as a search
    shows.
    """
    device_id = require_device().id if "Authorization" in request.headers else None
    if body["card_shown"] != card_version():
        raise CardNotShown
    asked = actions.Asked(
        key=headers["key"],
        slot=body.get("slot"),
        provider=body.get("provider"),
        remind=body["remind"],
        device_id=device_id,
        body=body,
    )
    try:
        handoff, token = actions.make(session(), asked, now=now())
    except SlotGone:
        sought = queries.sought_by_code(session(), body["slot"])
        return present.gone_response(session(), sought, now=now(), settings=services().settings)
    return present.handoff_view(session(), handoff, token, now=now(), asked=body["remind"])


@blp.get(f"/{_TOKEN}")
@blp.response(200, schemas.HandoffView)
@blp.problems(HandoffUnknown)
def show(token: str) -> dict[str, Any]:
    """Tell what became of a handoff."""
    return present.handoff_view(session(), _held(token), token, now=now())


@blp.post(f"/{_TOKEN}/feedback")
@blp.arguments(schemas.FeedbackBody)
@blp.response(200, schemas.HandoffView)
@blp.problems(HandoffUnknown, HandoffMoveIllegal)
def feedback(body: dict[str, Any], token: str) -> dict[str, Any]:
    """Say what came of it: booked, too late, or it did not work. With the time of what is booked there are reminders.

    Saying the same again changes nothing.
    """
    handoff = _held(token)
    became = schemas.OUTCOMES[body["outcome"]]
    starts_s = _start(body.get("start"), became)
    actions.move(session(), handoff, became, by=rules.RESIDENT, now=now(), starts_s=starts_s)
    return present.handoff_view(session(), handoff, token, now=now())


@blp.delete(f"/{_TOKEN}")
@blp.response(204)
@blp.problems(HandoffUnknown, HandoffMoveIllegal)
def cancel(token: str) -> Response:
    """End a handoff: its reminders go, and what it was for is forgotten. An appointment is not cancelled by this."""
    actions.move(session(), _held(token), rules.CANCELLED, by=rules.RESIDENT, now=now())
    return Response(status=204)


def _held(token: str) -> Handoff:
    """The handoff of a token. Who guesses tokens is counted; who holds one may look as often as they like."""
    try:
        return queries.known_handoff(session(), token)
    except HandoffUnknown:
        count_against("rate_limit_handoffs")
        raise


def _start(said: datetime | str | None, became: str) -> int | None:
    """Seconds since 1970 of the start that was told. Raises InvalidArguments."""
    if said is None:
        return None
    start = now() if isinstance(said, str) else said
    if became != rules.BOOKED or not now() <= start < now() + _YEAR:
        raise InvalidArguments(fields={"start": [schemas.START_OF_BOOKED]})
    return int(start.timestamp())
