"""Signatures of webhooks by Standard Webhooks 1.0. Pure: the clock and the secrets are passed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
"""How far the clock of a sender may be off, either way; older messages may be replays."""
MOST_BYTES: Final = 16 * 1024
"""Of a body: what providers tell is small."""
_ID: Final = re.compile(r"[!-\-/-~]{1,256}")
"""Visible ASCII without a dot, which parts what is signed."""
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what tells a secret, not one
_VERSION: Final = "v1,"
_NOBODYS_KEY: Final = random.token_bytes(32)
"""Where there is no secret, as much work is done for nothing."""


def is_signed(
    body: bytes, *, message_id: str, timestamp: str, signatures: str, secrets: Sequence[str], now: datetime
) -> bool:
    """Whether one of `secrets` (`whsec_` and base64) signed a message, and just now.

    `message_id`, `timestamp`, `signatures`: its headers `webhook-id`, `webhook-timestamp` (seconds since 1970) and
    `webhook-signature` (several, parted by spaces; those that are not HMAC-SHA256, `v1`, say nothing).
    """
    if not _ID.fullmatch(message_id) or not _is_recent(timestamp, now):
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = [_signature(_key(secret), signed) for secret in secrets] or [_signature(_NOBODYS_KEY, signed)]
    given = [one.encode() for one in signatures.split(" ") if one.startswith(_VERSION)]
    return any(hmac.compare_digest(one, other) for one in given for other in expected)


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not _SECONDS.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)


def _signature(key: bytes, signed: bytes) -> bytes:
    return _VERSION.encode() + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
