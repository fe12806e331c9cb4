"""Routes of slot watches: "tell me when a slot appears"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Response

from citizen_api.core.problems import NotFound
from citizen_api.people import device_queries
from citizen_api.people.device_models import ID_LENGTH
from citizen_api.people.device_problems import WatchUnknown
from citizen_api.teleconsult import watch_actions as actions
from citizen_api.teleconsult import watch_queries as queries
from citizen_api.teleconsult.slot_rules import ANYWHERE
from citizen_api.teleconsult.watch_actions import SlotWish
from citizen_api.teleconsult.watch_models import SlotWatch
from citizen_api.teleconsult.watch_problems import SlotWatchLimitReached
from citizen_api.teleconsult.watch_schemas import SlotWatchBody, SlotWatchesView, SlotWatchMadeView
from citizen_api.web.auth import current_device
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from citizen_api.web.services import now, session
from content.catalogue import catalogue

CONSENT: Final = "reminders"

blp = Blueprint(
    "slot-watches",
    __name__,
    url_prefix="/v1/me/slot-watches",
    description="Tell a device once when a slot appears.",
)


@blp.get("")
@blp.device()
@blp.response(200, SlotWatchesView)
def slot_watches() -> dict[str, Any]:
    """List what slots the device watches for. A watch is deleted when it has told, and when it ends."""
    watches = queries.watches_of(session(), current_device().id, now())
    return {"items": _shown(watches), "notices": _notices() if watches else []}


@blp.post("")
@blp.device()
@blp.arguments(SlotWatchBody)
@blp.response(201, SlotWatchMadeView)
@blp.problems(SlotWatchLimitReached)
def add_slot_watch(wish: SlotWish) -> dict[str, Any]:
    """Watch for a slot, three watches at most. The same specialty, modality and commune again change the rest.

    It tells once, with the consent `reminders`, of a slot that appears from now on; then it is deleted.
    """
    watch = actions.add_watch(session(), current_device().id, wish, now=now())
    (shown,) = _shown([watch])
    return shown | {"notices": _notices()}


@blp.delete(f"/<string(maxlength={ID_LENGTH}):watch_id>")
@blp.device()
@blp.response(204)
@blp.problems(NotFound, WatchUnknown)
def remove_slot_watch(watch_id: str) -> Response:
    """Watch for it no more."""
    actions.remove_watch(session(), current_device().id, watch_id)
    return Response(status=204)


def _shown(watches: Sequence[SlotWatch]) -> list[dict[str, Any]]:
    names = queries.commune_names(session(), {watch.commune_code for watch in watches})
    return [_shown_one(watch, names.get(watch.commune_code, watch.commune_code)) for watch in watches]


def _shown_one(watch: SlotWatch, commune: str) -> dict[str, Any]:
    specialty, modality = _said("names", watch.specialty), watch.modality and _said("names", watch.modality)
    sentence = "anywhere" if watch.modality == ANYWHERE else "around"
    return {
        "id": watch.id,
        "text": _say(
            "watches",
            sentence,
            specialty=specialty["text"],
            modality=modality["text"] if modality else _say("watches", "any_modality"),
            within_km=watch.within_km,
            commune=commune,
        ),
        "specialty": specialty,
        "modality": modality,
        "commune": watch.commune_code,
        "within_km": watch.within_km,
        "created_at": watch.created_at,
        "until": watch.until,
    }


def _notices() -> list[dict[str, str]]:
    """What must be said beside a watch: that it ends, and that it stays silent without a consent."""
    consent = device_queries.consents(session(), current_device().id).get(CONSENT)
    is_given = consent is not None and consent.withdrawn_at is None
    return [notice("slot_watch_ends"), *([] if is_given else [notice("slot_watch_needs_consent")])]


def _said(subject: str, code: str) -> dict[str, str]:
    return {"code": code, "text": _say(subject, code)}


def _say(subject: str, code: str, **values: object) -> str:
    return catalogue().booking[subject][code].say(language(), **values)
