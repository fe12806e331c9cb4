"""What each answer of a push service asks for. `docs/webpush.md` gives the reasons.

Anybody can register an address of their own and answer from it as they like. So no answer may stop a wave or the
platform, nor slow down others; and none may cost a subscription because of a fault of ours, which all would share.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from notifications.transports.base import Answer

TOO_MANY: Final = frozenset({429, 406})
"""Windows says 406 (MicrosoftDocs/windows-dev-docs, issue 4166)."""
_GONE: Final = frozenset({404, 410})
ABOUT_THE_SUBSCRIPTION: Final = frozenset({400, 401, 403})
_DEFAULT_RETRY_S: Final = 60.0
_LONGEST_RETRY_S: Final = 3_600.0

EXPIRED: Final = Answer("again", "expired")
"""Not sent: its time is over, or would be before it is on the way."""
CLOSED: Final = Answer("again", "closed")
NO_TURN: Final = Answer("again", "no_turn")
"""Not sent: others took all the time of this call."""
ABANDONED: Final = Answer("again", "timeout", maybe_delivered=True)
BROKEN: Final = Answer("again", "broken", maybe_delivered=True)
BAD_KEYS: Final = Answer("quarantine", "bad_keys")
BAD_ENDPOINT: Final = Answer("quarantine", "bad_endpoint")
REFUSED_ADDRESS: Final = Answer("quarantine", "refused_address")
REFUSED_NAME: Final = Answer("again", "refused_address")
"""A name leads to a private address now: that may be a resolver's whim, and nothing is ever sent there."""
TOO_LONG: Final = Answer("malformed", "too_long")


def judge(status: int, retry_after: str | None, *, takes_others: bool, now: datetime) -> Answer:
    """Say what a status asks for.

    `takes_others`: this service takes messages at least as long from us, under the same signature.
    """
    code = str(status)
    if status in {200, 201, 202}:
        return Answer("accepted", code)
    if status in _GONE:
        return Answer("retire", code)
    if status in TOO_MANY:
        return Answer("again", code, retry_after_s=_seconds(retry_after, now) or _DEFAULT_RETRY_S)
    if status in ABOUT_THE_SUBSCRIPTION and takes_others:
        return Answer("quarantine", code)
    server_failed = status >= 500  # noqa: PLR2004 - all of 5xx
    return Answer("again", code, retry_after_s=_seconds(retry_after, now), maybe_delivered=server_failed)


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Read Retry-After, seconds or a date (RFC 9110, 10.2.3), of at most an hour; None when it says nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        # Digits beyond number are not worth converting: they are cut before.
        return min(float(text[:10]), _LONGEST_RETRY_S) or None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(seconds, _LONGEST_RETRY_S) if seconds > 0 else None
