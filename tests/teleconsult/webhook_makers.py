"""Makes signed messages as a booking service does, with the official library."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook

from citizen_api.teleconsult.handoff_models import Handoff, WebhookSeen
from citizen_api.teleconsult.models import Slot
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.handoff_makers import make_offer, store_handoff

SECRET = "whsec_" + base64.b64encode(b"synthetic-secret-of-32-bytes-000").decode()
OLDER_SECRET = "whsec_" + base64.b64encode(b"synthetic-secret-of-32-bytes-001").decode()
STRANGERS_SECRET = "whsec_" + base64.b64encode(b"synthetic-secret-of-32-bytes-002").decode()
REFERRAL = "6f0e3b8a-52c1-4a07-9c3a-0f8d2f1f9a11"
NOISE_REFERRAL = "6f0e3b8a-52c1-4a07-9c3a-0f8d2f1f9a12"
_numbers = count()


def make_opened(session: Session, **changed) -> Handoff:
    """Make an opened handoff to a clinic that signs; and another one, of another clinic, as noise."""
    slot = make_offer(session, webhook_secrets=[SECRET, OLDER_SECRET])
    make_offer(session, "other-clinic", webhook_secrets=[STRANGERS_SECRET])
    store_handoff(session, provider_id="other-clinic", state="opened", referral=NOISE_REFERRAL, remind=False)
    handoff = store_opened(session, slot, **changed)
    session.commit()
    return handoff


def store_opened(session: Session, slot: Slot, **changed) -> Handoff:
    return store_handoff(session, slot, **({"state": "opened", "referral": REFERRAL} | changed))


def make_message(kind: str = "booking.confirmed", referral: str = REFERRAL, **data) -> bytes:
    """Make the body of a message."""
    told = {"booking_referral": referral} | data
    return json.dumps({"type": kind, "timestamp": "2026-11-22T21:40:00Z", "data": told}).encode()


def sign(
    body: bytes, secret: str = SECRET, *, at: datetime = SUNDAY_NIGHT, message_id: str | None = None
) -> dict[str, str]:
    """Make the headers of a message, its signature by the official library."""
    message_id = message_id or f"msg_synthetic{next(_numbers):04d}"
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }


def send(client, body: bytes, headers: dict[str, str] | None = None, provider_id: str = "synthetic-clinic"):
    """Send a message, signed unless said otherwise."""
    return client.post(
        f"/v1/teleconsultations/webhooks/{provider_id}",
        data=body,
        headers=sign(body) if headers is None else headers,
        content_type="application/json",
    )


def tell(client, kind: str = "booking.confirmed", **data):
    """Tell what became of a booking, in a message of its own."""
    return send(client, make_message(kind, **data))


def state_of(session: Session, referral: str = REFERRAL) -> str:
    session.expire_all()
    return session.scalars(select(Handoff.state).where(Handoff.referral == referral)).one()


def seen(session: Session) -> int:
    session.expire_all()
    return len(session.scalars(select(WebhookSeen.digest)).all())
