"""A note as FCM's message, encoded by firebase-admin once for all the devices that read the same."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
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
TITLE: Final = 0
BODY: Final = 1
_WORDS: Final = ("\x02title\x02", "\x02body\x02")
"""They stand for the words: nothing else in a message has such letters."""


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


class _Frame(NamedTuple):
    """What requests whose notes differ in their words only have in common.

    `pieces`: the body after the token, cut where the words stand: TITLE and BODY between bytes. `sizes`: of each
    platform's part, its bytes without the words, and how often each of the two stands in it.
    """

    before: bytes
    pieces: tuple[bytes | int, ...]
    sizes: tuple[tuple[int, int, int], ...]


@lru_cache(maxsize=1_024)
def template_of(note: Note, ttl_s: int, field: str, *, validate_only: bool = False) -> Template:
    """Encode a note; `ttl_s`: whole seconds that it is still of use. Raises MalformedNoteError."""
    try:
        # A wave says much the same in every commune: firebase-admin encodes it once, and only the words are put in.
        frame = _frame(
            note.language,
            note.tag,
            note.kind,
            note.expires_at,
            note.urgent,
            tuple(note.data.items()),
            ttl_s,
            field,
            validate_only,
        )
        words = (_letters(note.title), _letters(note.body))
    except (ValueError, TypeError, AttributeError) as error:
        # Which word it was stays here: it is of a note that may be about health.
        raise MalformedNoteError("encoding") from error
    title, body = map(len, words)
    if max(size + titles * title + bodies * body for size, titles, bodies in frame.sizes) > MOST_BYTES:
        raise MalformedNoteError("too_large")
    after = b"".join([words[piece] if isinstance(piece, int) else piece for piece in frame.pieces])
    return Template(frame.before, after, note.expires_at.timestamp())


@lru_cache(maxsize=256)
def _frame(
    language: str,
    tag: str,
    kind: str,
    expires_at: datetime,
    urgent: bool,  # noqa: FBT001 - keyed by place: a cache
    data: tuple[tuple[str, str], ...],
    ttl_s: int,
    field: str,
    validate_only: bool,  # noqa: FBT001
) -> _Frame:
    note = Note(
        title=_WORDS[TITLE],
        body=_WORDS[BODY],
        language=language,
        tag=tag,
        kind=kind,
        expires_at=expires_at,
        urgent=urgent,
        data=dict(data),
    )
    message = MessageEncoder().default(_message(note, ttl_s, field))
    del message[field]
    start = b'{"validate_only":true,"message":{' if validate_only else b'{"message":{'
    return _Frame(
        before=start + b'"' + field.encode() + b'":',
        pieces=_cut(b"," + _json(message)[1:] + b"}"),
        sizes=tuple(_size(message, platform) for platform in _PLATFORMS),
    )


def _cut(body: bytes) -> tuple[bytes | int, ...]:
    """Cut where the words stand."""
    pieces: list[bytes | int] = []
    for number, part in enumerate(body.split(_letters(_WORDS[TITLE]))):
        if number:
            pieces.append(TITLE)
        for place, rest in enumerate(part.split(_letters(_WORDS[BODY]))):
            if place:
                pieces.append(BODY)
            pieces.append(rest)
    return tuple(pieces)


def _size(message: dict[str, Any], platform: str) -> tuple[int, int, int]:
    parts = ("notification", "data", platform)
    pieces = _cut(_json({part: message[part] for part in parts if part in message}))
    bare = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
    return bare, pieces.count(TITLE), pieces.count(BODY)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _letters(text: str) -> bytes:
    """A text as it stands between the quotes of JSON. Raises AttributeError, ValueError for what is none."""
    return _json(text.removeprefix(""))[1:-1]


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
