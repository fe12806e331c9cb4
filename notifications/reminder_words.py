"""The words of a message that speaks of no hazard: an appointment that comes near, a slot that appeared. Pure.

They name no specialty and no provider: whoever sees the screen learns that there is an appointment, and nothing of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from citizen_api.people.wishes import local_day
from content.catalogue import catalogue
from content.push import Message, PlainKind, When

_TIMELESS: Final[frozenset[PlainKind]] = frozenset({"slot_found"})


def plain_words(kind: PlainKind, *, language: str, zone: str, now: datetime, starts_s: int | None) -> Message:
    """Write a message, by the clock of `zone`. `starts_s`: of the appointment, in seconds since 1970.

    Raises ValueError where a kind that reminds of an appointment has none.
    """
    push = catalogue().push
    if kind in _TIMELESS:
        return push.plain(kind, language=language)
    if starts_s is None:
        raise ValueError("a reminder needs an appointment")
    starts_at = datetime.fromtimestamp(starts_s, UTC)
    when: When = "tomorrow" if local_day(starts_at, zone=zone) > local_day(now, zone=zone) else "today"
    return push.plain(kind, language=language, when=when, time=f"{starts_at.astimezone(ZoneInfo(zone)):%H:%M}")
