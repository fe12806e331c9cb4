"""Makes handoffs, over HTTP and in the tables."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from citizen_api.teleconsult import handoff_actions as actions
from citizen_api.teleconsult.card_rules import card_version
from citizen_api.teleconsult.handoff_models import Handoff, HandoffCount, HandoffEvent
from citizen_api.teleconsult.handoff_pages import pages
from citizen_api.teleconsult.models import Feed, Slot
from citizen_api.teleconsult.slot_ids import slot_code
from citizen_api.web.services import Services
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot

HANDOFFS = "/v1/teleconsultations/handoffs"
BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14; CUBOT X18) synthetic"}
_numbers = count()


def make_offer(session: Session, provider_id: str = "synthetic-clinic", /, **changed) -> Slot:
    """Make a provider with a feed, a calendar and one slot on Monday at 9:40 in Paris."""
    schedule = {key: changed.pop(key) for key in ("modality", "specialties", "at", "commune_code") if key in changed}
    slot = {key: changed.pop(key) for key in ("start", "link", "phone") if key in changed}
    provider = make_provider(session, provider_id, **changed)
    made = make_slot(session, make_schedule(session, make_feed(session, provider, provider_id), **schedule), **slot)
    session.commit()
    return made


def make_app(services: Services):
    """Make the app with the pages of short links."""
    app = create_app(services=services)
    if pages.name not in app.blueprints:
        app.register_blueprint(pages)
    return app


def take(session, slot):
    """Have a slot taken by somebody else."""
    session.delete(session.get_one(Slot, (slot.feed_id, slot.key)))
    session.commit()


def code_of(slot: Slot) -> str:
    return slot_code(slot.feed_id, slot.key)


def fresh_key() -> dict[str, str]:
    """Make a header with an Idempotency-Key that nobody used."""
    return {"Idempotency-Key": f"synthetic-key-{next(_numbers):04d}"}


def ask(client, slot: Slot | str, headers=None, /, **changed):
    """Ask for a handoff to a slot."""
    code = slot if isinstance(slot, str) else code_of(slot)
    body = {"slot": code, "card_shown": card_version()} | changed
    return client.post(HANDOFFS, json=body, headers=fresh_key() | (headers or {}))


def hand_over(client, slot: Slot, headers=None, **changed) -> str:
    """Hand over to a slot; give the token of the link."""
    response = ask(client, slot, headers, **changed)
    assert response.status_code == 201, response.get_json()
    return token_in(response.get_json()["link"])


def token_in(link: str) -> str:
    """The token in a short link."""
    return urlsplit(link).path.rpartition("/")[2]


def follow(client, token: str, **headers):
    """Open a short link as a browser does."""
    return client.get(f"/h/{token}", headers=BROWSER | {"Accept-Language": "en"} | headers)


def state_of(client, token: str) -> str:
    return client.get(f"{HANDOFFS}/{token}").get_json()["state"]["code"]


def store_handoff(session: Session, slot: Slot | None = None, device_id: str | None = None, **changed) -> Handoff:
    """Make a handoff in the tables, and move it by changing what is said."""
    number = next(_numbers)
    feed = session.get(Feed, slot.feed_id) if slot else None
    values = {
        "id": f"h{number:021d}",
        "token_hash": f"token-{number}",
        "key_hash": f"key-{number}",
        "key_salt": "salt",
        "asked": "asked",
        "device_id": device_id,
        "provider_id": feed.provider_id if feed else "synthetic-clinic",
        "referral": f"referral-{number}",
        "state": "made",
        "feed_id": slot and slot.feed_id,
        "slot_key": slot and slot.key,
        "specialty": "general-practice",
        "modality": "video",
        "granularity": "slot",
        "link": "https://synthetic-clinic.example/",
        "starts_s": slot and slot.start_s,
        "ends_s": slot and slot.end_s,
        "territory_code": "75104",
        "remind": device_id is not None,
        "created_at": SUNDAY_NIGHT,
        "expires_at": SUNDAY_NIGHT + timedelta(hours=2),
    } | changed
    handoff = Handoff(**values)
    session.add(handoff)
    session.flush()
    return handoff


def open_and_book(session: Session, handoff: Handoff, now=SUNDAY_NIGHT, **times) -> None:
    actions.move(session, handoff, "opened", by="system", now=now)
    actions.move(session, handoff, "booked", by="provider", now=now, **times)


def moves_of(session: Session, handoff: Handoff) -> list[tuple[str | None, str, str]]:
    rows = session.scalars(select(HandoffEvent).where(HandoffEvent.handoff_id == handoff.id).order_by(HandoffEvent.id))
    return [(row.was, row.became, row.by) for row in rows]


def counts_of(session: Session, provider_id: str = "synthetic-clinic") -> dict[str, int]:
    """Counts of a provider by state, those that are 0 left out. It must have only one row."""
    session.expire_all()
    row = session.scalars(select(HandoffCount).where(HandoffCount.provider_id == provider_id)).one()
    names = ("made", "opened", "gone", "too_late", "failed", "booked", "cancelled", "completed")
    return {name: getattr(row, name) for name in names if getattr(row, name)}
