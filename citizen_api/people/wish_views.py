"""Routes of what a device wishes: what it watches, when it is told, what it consents to."""

from __future__ import annotations

from typing import Any

from flask import Response

from citizen_api.core.problems import NotFound
from citizen_api.people import device_queries as queries
from citizen_api.people import wish_actions as actions
from citizen_api.people import wish_schemas as schemas
from citizen_api.people.device_models import ID_LENGTH, Watch
from citizen_api.people.device_problems import WatchLimitReached, WatchUnknown
from citizen_api.people.wish_actions import Communes, Wish
from citizen_api.web.auth import current_device
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.services import now, services, session

blp = Blueprint(
    "wishes",
    __name__,
    url_prefix="/v1/me",
    description="What a device wants to be told, when, and what it agreed to.",
)
_PURPOSE = f"<any({', '.join(queries.PURPOSES)}):purpose>"


@blp.get("/watches")
@blp.device()
@blp.response(200, schemas.WatchesView)
def watches() -> dict[str, Any]:
    """List what the device watches."""
    return {"items": queries.watches(session(), current_device().id)}


@blp.post("/watches")
@blp.device()
@blp.arguments(schemas.WatchBody)
@blp.response(201, schemas.WatchView)
@blp.problems(WatchLimitReached)
def add_watch(wish: Wish) -> Watch:
    """Watch one thing more, ten at most. The same commune, hazard and time again change its level."""
    return actions.add_watch(session(), current_device().id, wish, _communes())


@blp.put("/watches")
@blp.device()
@blp.arguments(schemas.WatchesBody)
@blp.response(200, schemas.WatchesView)
def replace_watches(body: dict[str, Any]) -> dict[str, Any]:
    """Watch exactly this: all of it is taken, or nothing. What was watched before keeps its id."""
    device_id = current_device().id
    actions.replace_watches(session(), device_id, body["items"], _communes())
    return {"items": queries.watches(session(), device_id)}


@blp.delete(f"/watches/<string(maxlength={ID_LENGTH}):watch_id>")
@blp.device()
@blp.response(204)
@blp.problems(NotFound, WatchUnknown)
def remove_watch(watch_id: str) -> Response:
    """Watch one thing less."""
    actions.remove_watch(session(), current_device().id, watch_id)
    return Response(status=204)


@blp.get("/preferences")
@blp.device()
@blp.response(200, schemas.PreferencesView)
def preferences() -> dict[str, Any]:
    """Show the device's language, and when it may be told."""
    return schemas.preferences_shown(*queries.preferences(session(), current_device().id))


@blp.put("/preferences")
@blp.device()
@blp.arguments(schemas.PreferencesBody)
@blp.response(200, schemas.PreferencesView)
def replace_preferences(body: dict[str, Any]) -> dict[str, Any]:
    """Set the device's language, and when it may be told. What is left out takes its default.

    Language and clock are no wishes that have one: left out, they stay what they are.
    """
    before, known = queries.preferences(session(), current_device().id)
    chosen, profile = body.get("language") or before, schemas.profile_of(body, zone=known.zone)
    actions.replace_preferences(session(), current_device().id, language=chosen, profile=profile)
    return schemas.preferences_shown(chosen, profile)


@blp.get("/consents")
@blp.device()
@blp.response(200, schemas.ConsentsView)
def consents() -> dict[str, Any]:
    """List every purpose, and whether the device consents to it. Nothing is sent without."""
    held = queries.consents(session(), current_device().id)
    return {"items": [schemas.consent_shown(purpose, held.get(purpose)) for purpose in queries.PURPOSES]}


@blp.put(f"/consents/{_PURPOSE}")
@blp.device()
@blp.arguments(schemas.ConsentBody)
@blp.response(200, schemas.ConsentView)
@blp.problems(NotFound)
def give_consent(body: dict[str, Any], purpose: str) -> dict[str, Any]:
    """Consent to one purpose, under the version of the words that were shown."""
    actions.give_consent(session(), current_device().id, purpose, version=body["version"], now=now())
    return _consent(purpose)


@blp.delete(f"/consents/{_PURPOSE}")
@blp.device()
@blp.response(200, schemas.ConsentView)
@blp.problems(NotFound)
def withdraw_consent(purpose: str) -> dict[str, Any]:
    """Withdraw consent to one purpose, at once. What it was and when it ended stays as a proof until the erasure."""
    actions.withdraw_consent(session(), current_device().id, purpose, now=now())
    return _consent(purpose)


def _consent(purpose: str) -> dict[str, Any]:
    return schemas.consent_shown(purpose, queries.consents(session(), current_device().id).get(purpose))


def _communes() -> Communes:
    communes: Communes = services().port(Communes)  # type: ignore[type-abstract]
    return communes
