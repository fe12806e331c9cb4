"""Routes of the wave ledger: what staff see of a wave, what a device sees of its own messages."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.core.problems import CursorInvalid, NotFound, OutsideTerritory
from citizen_api.people import actions as people_actions
from citizen_api.people import device_queries
from citizen_api.web.auth import current_device, current_staff
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from citizen_api.web.services import Services, end_session, now, services, session
from notifications import present, queries, schemas
from notifications import wave_actions as actions
from notifications.models import CODE_LENGTH, Wave
from notifications.problems import MessageUnknown, WaveSettled, WaveUnknown
from notifications.transports.ways import Ways, ways_from

waves_blp = Blueprint(
    "waves",
    __name__,
    url_prefix="/v1/waves",
    description="For staff: what was told, to how many devices, and what came of it. Nothing here names a device.",
)
messages_blp = Blueprint(
    "messages", __name__, url_prefix="/v1/me/messages", description="A device's own messages, and why it got them."
)
push_blp = Blueprint("push", __name__, url_prefix="/v1/push", description="How a device may be reached.")
BLUEPRINTS = (waves_blp, messages_blp, push_blp)
CACHED_S = 3_600
_CODE = f"<string(maxlength={CODE_LENGTH}):code>"


def install(services: Services) -> None:
    """Add the ledger to the checks of `/readyz`: a wave out of balance is told, and takes nobody out of service.

    Raises SettingsError where browsers are to be reached and the key for that cannot be read.
    """
    services.ports[Ways] = ways_from(services.settings)

    def check_waves() -> dict[str, Any]:
        with services.database.session(write=False) as session:
            ailing = queries.ailing(session)
        return {"ok": not ailing, "ailing": list(ailing)}

    services.readiness["waves"] = check_waves


@push_blp.get("")
@push_blp.cacheable(CACHED_S)
@push_blp.response(200, schemas.WaysView)
def ways() -> dict[str, Any]:
    """Say which registrations work here, and the key that a page hands to `pushManager.subscribe`."""
    known = services().port(Ways)
    return {"kinds": known.kinds, "webpush_public_key": known.webpush_public_key}


@waves_blp.get("")
@waves_blp.arguments(schemas.WavesArgs, location="query")
@waves_blp.response(200, schemas.WavesView)
@waves_blp.staff("communication", "reader")
@waves_blp.problems(CursorInvalid)
def waves(args: dict[str, Any]) -> dict[str, Any]:
    """List the waves, newest first."""
    search = ("waves", args["lane"], args["state"])
    found = queries.waves(
        session(),
        lane=args["lane"],
        state=args["state"],
        before_id=_before(args["cursor"], search),
        limit=args["limit"] + 1,
    )
    page = found[: args["limit"]]
    eligible = queries.eligible(session(), page)
    return {
        "items": [present.wave_view(wave, eligible=eligible[wave.id]) for wave in page],
        "next": write_cursor(search, (page[-1].id,)) if len(found) > len(page) else None,
    }


@waves_blp.get(f"/{_CODE}")
@waves_blp.response(200, schemas.WavePageView)
@waves_blp.staff("communication", "reader")
@waves_blp.problems(NotFound, WaveUnknown)
def wave(code: str) -> dict[str, Any]:
    """Show a wave: its balance, how fast it goes, and what push services answered."""
    return present.wave_page_view(queries.show(session(), _wave(code), now=now()))


@waves_blp.post(f"/{_CODE}/stop")
@waves_blp.arguments(schemas.StopBody, required=False)
@waves_blp.response(200, schemas.WavePageView)
@waves_blp.staff("communication")
@waves_blp.problems(NotFound, WaveUnknown, OutsideTerritory, WaveSettled)
def stop(body: dict[str, Any], code: str) -> dict[str, Any]:
    """Stop a wave: nothing more of it is sent. What went out stays on the screens. Again, it changes nothing.

    A wave may concern any commune: only an organisation that acts in the whole country stops one.
    """
    staff, found, reason = current_staff(), _wave(code), body.get("reason")
    if staff.territory_kind != "country":
        raise OutsideTerritory
    if actions.stop_wave(session(), found, reason=reason, now=now()):
        people_actions.record_staff_change(
            session(),
            staff,
            action="wave.stop",
            subject=f"wave {found.id}",
            details={"code": code, "reason": reason},
            now=now(),
        )
    end_session(success=True)  # what is left of it goes in portions
    actions.stop_messages(services().database, found.id, now=now())
    return present.wave_page_view(queries.show(session(), _wave(code), now=now()))


@messages_blp.get("")
@messages_blp.arguments(schemas.MyMessagesArgs, location="query")
@messages_blp.response(200, schemas.MyMessagesView)
@messages_blp.device()
@messages_blp.problems(CursorInvalid)
def my_messages(args: dict[str, Any]) -> dict[str, Any]:
    """List the device's messages, newest first, those that did not disturb it too: what, why, and what came of it.

    They speak the language of the request; where it names none, that of the device.
    """
    device_id, search = current_device().id, ("messages",)
    found = queries.my_messages(
        session(), device_id, before_id=_before(args["cursor"], search), limit=args["limit"] + 1
    )
    page = found[: args["limit"]]
    wished, profile = device_queries.preferences(session(), device_id)
    asked = "lang" in request.args or "Accept-Language" in request.headers
    names = queries.commune_names(session(), {part.commune_code for one in page for part in one.parts})
    return {
        "items": present.message_views(page, names, language=language() if asked else wished, profile=profile),
        "next": write_cursor(search, (page[-1].wave.id,)) if len(found) > len(page) else None,
        "notices": [notice("demo_air")] if any(part.is_demo for one in page for part in one.parts) else [],
    }


@messages_blp.post(f"/{_CODE}/receipts")
@messages_blp.arguments(schemas.ReceiptBody)
@messages_blp.response(204)
@messages_blp.device()
@messages_blp.problems(NotFound, MessageUnknown)
def report(body: dict[str, Any], code: str) -> Response:
    """Report that the message was shown or opened: counted once, and nothing more is kept."""
    found = queries.wave_with_code(session(), code)
    if found is None:
        raise MessageUnknown
    actions.count_receipt(session(), current_device().id, found.id, body["kind"])
    return Response(status=204)


def _wave(code: str) -> Wave:
    found = queries.wave_with_code(session(), code)
    if found is None:
        raise WaveUnknown
    return found


def _before(cursor: str | None, search: tuple[str | None, ...]) -> int | None:
    return None if cursor is None else int(read_cursor(cursor, search, (int,))[0])
