"""Makes notes, parcels and a Web Push transport that trusts the double."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notifications.transports.base import Answer, Note, Parcel
from notifications.transports.webpush import WebPushTransport
from notifications.transports.webpush_keys import make_vapid_key
from tests.doubles.webpush import Subscription, WebPushDouble

SUBJECT = "mailto:sante@ville.example.fr"


def make_note(**changed: Any) -> Note:
    plain: dict[str, Any] = {
        "title": "Pollution demain à Paris 4e",
        "body": "Indice mauvais : préférez la marche par les petites rues.",
        "language": "fr",
        "tag": "air-75104",
        "kind": "alert",
        "expires_at": datetime.now(UTC) + timedelta(hours=6),
        "urgent": True,
        "data": {"commune": "75104"},
    }
    return Note(**plain | changed)


def make_parcel(subscription: Subscription, note: Note, *, registration_id: int = 1, **changed: Any) -> Parcel:
    plain: dict[str, Any] = {
        "registration_id": registration_id,
        "kind": "webpush",
        "value": subscription.endpoint,
        "note": note,
        "p256dh": subscription.p256dh,
        "auth": subscription.auth,
    }
    return Parcel(**plain | changed)


@contextmanager
def make_transport(double: WebPushDouble, folder: Path, **changed: Any) -> Iterator[WebPushTransport]:
    key_file = folder / "vapid.pem"
    if not key_file.exists():
        make_vapid_key(key_file)
    transport = WebPushTransport(
        key_file, **{"subject": SUBJECT, "threads": 4, "timeout_s": 5.0, "ca_file": double.ca_file} | changed
    )
    try:
        yield transport
    finally:
        transport.close()


def sent(transport: WebPushTransport, parcels: Sequence[Parcel]) -> dict[int, Answer]:
    """Send and collect, each index once."""
    got: dict[int, Answer] = {}
    for batch in transport.send(parcels):
        assert batch
        for index, answer in batch:
            assert index not in got
            got[index] = answer
    assert sorted(got) == list(range(len(parcels)))
    return got
