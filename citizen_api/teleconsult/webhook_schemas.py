"""Wire format of the webhooks of providers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import marshmallow as ma

from citizen_api.teleconsult.handoff_rules import BOOKED, CANCELLED, COMPLETED
from citizen_api.web.fields import Moment

CONFIRMED: Final = "booking.confirmed"
MOVED: Final = "booking.moved"
TYPES: Final[Mapping[str, str]] = {
    CONFIRMED: BOOKED,
    MOVED: BOOKED,
    "booking.cancelled": CANCELLED,
    "booking.completed": COMPLETED,
}
"""What a provider tells, and the state that it leads to."""
START_MISSING: Final = "Say when it is now."
END_ALONE: Final = "An end needs a start before it."
_NOT_NOW: Final = ma.validate.NoneOf(["now"], error="Not a valid datetime.")


class WebhookHeaders(ma.Schema):
    """Headers of Standard Webhooks 1.0. What is missing is as wrong as what is wrong."""

    class Meta:
        unknown = ma.EXCLUDE

    message_id = ma.fields.String(
        load_default="",
        data_key="webhook-id",
        metadata={
            "description": "Random name of the message, the same when it is sent again: 1 to 256 visible ASCII "
            "characters, no dot.",
            "example": "msg_synthetic0001",
        },
    )
    timestamp = ma.fields.String(
        load_default="",
        data_key="webhook-timestamp",
        metadata={"description": "When it is sent, in seconds since 1970.", "example": "1795383600"},
    )
    signatures = ma.fields.String(
        load_default="",
        data_key="webhook-signature",
        metadata={
            "description": "`v1,` and the base64 of HMAC-SHA256 of `id.timestamp.body`; several are parted by spaces.",
            "example": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        },
    )


class BookingData(ma.Schema):
    """What is told of a booking. Whatever else comes along is passed over: it may tell of somebody's health."""

    class Meta:
        unknown = ma.EXCLUDE

    referral = ma.fields.UUID(
        required=True,
        data_key="booking_referral",
        metadata={
            "description": "The `booking-referral` with which the resident came.",
            "example": "34d1a803-cd6c-4420-9cf5-c5edcc533538",
        },
    )
    start = Moment(
        validate=_NOT_NOW,
        metadata={
            "description": "When the appointment is; needed when it was moved.",
            "example": "2026-11-23T09:40:00+01:00",
            "type": "string",
            "format": "date-time",
        },
    )
    end = Moment(
        validate=_NOT_NOW,
        metadata={"example": "2026-11-23T09:55:00+01:00", "type": "string", "format": "date-time"},
    )

    @ma.validates_schema
    def check_times(self, data: dict[str, Any], **_: Any) -> None:
        """An end comes after a start."""
        if "end" in data and ("start" not in data or _utc(data["end"]) <= _utc(data["start"])):
            raise ma.ValidationError(END_ALONE, "end")


class WebhookBody(ma.Schema):
    """A message. One of a type that is not known is passed over, whatever it holds."""

    class Meta:
        unknown = ma.EXCLUDE

    type = ma.fields.String(
        required=True,
        metadata={
            "description": f"One of {', '.join(TYPES)}; others are accepted and passed over.",
            "example": CONFIRMED,
        },
    )
    data = ma.fields.Nested(BookingData, metadata={"description": "Needed with a known type."})

    @ma.pre_load
    def pass_over(self, body: Any, **_: Any) -> Any:
        """Read nothing of a message of which only the type is understood, and that is not known."""
        if isinstance(body, dict) and isinstance(body.get("type"), str) and body["type"] not in TYPES:
            return {"type": body["type"]}
        return body

    @ma.validates_schema
    def check_data(self, body: dict[str, Any], **_: Any) -> None:
        """A known type tells of a booking, and a move of when it is now."""
        if body["type"] not in TYPES:
            return
        if "data" not in body:
            raise ma.ValidationError(ma.fields.Field.default_error_messages["required"], "data")
        if body["type"] == MOVED and "start" not in body["data"]:
            raise ma.ValidationError({"data": {"start": [START_MISSING]}})


def seconds_of(moment: datetime | None) -> int | None:
    """Seconds since 1970 of a moment that was told."""
    return None if moment is None else int(moment.timestamp())


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
