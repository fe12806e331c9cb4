"""Makes notes and parcels, and gathers answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from notifications.transports.base import Answer, Note, Parcel, Transport

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def make_note(**changed: Any) -> Note:
    """An air alert that is of use for five hours."""
    plain: dict[str, Any] = {
        "title": "Air mauvais à Paris",
        "body": "Ozone élevé cet après-midi.",
        "language": "fr",
        "tag": "air:75104",
        "kind": "air",
        "expires_at": datetime.now(UTC) + timedelta(hours=5),
        "urgent": True,
        "data": {"commune": "75104"},
    }
    return Note(**(plain | changed))


def make_parcel(value: str = "synthetic-token", *, note: Note | None = None, kind: str = "fcm_token") -> Parcel:
    return Parcel(1, kind, value, note or make_note())


def answers_of(transport: Transport, parcels: list[Parcel]) -> list[Answer]:
    """Each parcel's answer; fails if one has none or two."""
    answers: dict[int, Answer] = {}
    for batch in transport.send(parcels):
        for index, answer in batch:
            assert index not in answers
            answers[index] = answer
    return [answers[index] for index in range(len(parcels))]
