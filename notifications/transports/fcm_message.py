"""A note as FCM's message, encoded by firebase-admin once for all the devices that read the same."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii  # what json.dumps does with a string
from typing import Any, Final, NamedTuple

from firebase_admin import messaging
from firebase_admin._messaging_encoder import MessageEncoder

from notifications.transports.base import Note

LONGEST_TTL_S: Final = int(timedelta(weeks=4).total_seconds())
MOST_BYTES: Final = 4_096
"""What FCM takes for one device: notification, data and what is said for its platform."""
FIELDS: Final = {"fcm_token": "token", "fcm_fid": "fid"}
"""Which field of a message names the device, by kind of registration."""
LONGEST_TARGET: Final = 4_096
_COLLAPSE_ID_BYTES: Final = 64
_TOPIC_LETTERS: Final = 32
_PLATFORMS: Final = ("android", "apns", "webpush")
_PLACEHOLDER: Final = "device"


class MalformedNoteError(ValueError):
    """FCM would refuse this note for every device. `code`: too_large or encoding."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Template(NamedTuple):
    """A request's body around the device's token. `not_after`: the note's end, in seconds since 1970."""

    before: bytes
    after: bytes
    not_after: float

    def body(self, target: str) -> bytes:
        """Give the body for one device."""
        return self.before + encode_basestring_ascii(target).encode("ascii") + self.after


@lru_cache(maxsize=1_024)
def template_of(note: Note, ttl_s: int, field: str, *, validate_only: bool = False) -> Template:
    """Encode a note; `ttl_s`: whole seconds that it is still of use. Raises MalformedNoteError."""
    try:
        message = MessageEncoder().default(_message(note, ttl_s, field))
        del message[field]
        rest = _json(message)
        largest = max(_size(message, platform) for platform in _PLATFORMS)
    except (ValueError, TypeError) as error:
        # Which word it was stays here: it is of a note that may be about health.
        raise MalformedNoteError("encoding") from error
    if largest > MOST_BYTES:
        raise MalformedNoteError("too_large")
    start = b'{"validate_only":true,"message":{' if validate_only else b'{"message":{'
    return Template(start + b'"' + field.encode() + b'":', b"," + rest[1:] + b"}", note.expires_at.timestamp())


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _size(message: dict[str, Any], platform: str) -> int:
    parts = ("notification", "data", platform)
    return len(_json({part: message[part] for part in parts if part in message}))


def _message(note: Note, ttl_s: int, field: str) -> messaging.Message:
    """Say the same to each platform: what is replaced on the screen, until when it is kept, whether it may wake."""
    message = messaging.Message(
        notification=messaging.Notification(title=note.title, body=note.body),
        data=dict(note.data),
        android=messaging.AndroidConfig(
            collapse_key=note.tag,
            priority="high" if note.urgent else "normal",
            ttl=timedelta(seconds=ttl_s),
            notification=messaging.AndroidNotification(tag=note.tag, channel_id=note.kind),
        ),
        apns=messaging.APNSConfig(
            headers={
                "apns-collapse-id": _collapse_id(note.tag),
                "apns-expiration": str(int(note.expires_at.timestamp())),
                "apns-priority": "10" if note.urgent else "5",
            },
            payload=messaging.APNSPayload(
                aps=messaging.Aps(
                    alert=messaging.ApsAlert(title=note.title, body=note.body),
                    sound="default" if note.urgent else None,
                    thread_id=note.kind,
                    custom_data={"interruption-level": "time-sensitive" if note.urgent else "active"},
                )
            ),
        ),
        webpush=messaging.WebpushConfig(
            headers={
                "TTL": str(ttl_s),
                "Urgency": "high" if note.urgent else "normal",
                "Topic": hashlib.sha256(note.tag.encode()).hexdigest()[:_TOPIC_LETTERS],
            },
            notification=messaging.WebpushNotification(tag=note.tag, language=note.language),
        ),
    )
    # Not by the constructor, which warns that tokens are to be replaced by ids: the devices decide when.
    setattr(message, field, _PLACEHOLDER)
    return message


def _collapse_id(tag: str) -> str:
    """A tag as APNs takes it: at most 64 bytes."""
    return tag if len(tag.encode()) <= _COLLAPSE_ID_BYTES else hashlib.sha256(tag.encode()).hexdigest()
