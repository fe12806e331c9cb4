"""The words of a message: what `content.push` says of its parts, for the day as the device's clock sees it. Pure.

A message without parts (`content.push.PLAIN_KINDS`) is written by `reminder_words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast

from citizen_api.people.wishes import local_day
from content.catalogue import catalogue
from content.hazards import SCALES, WATCHED
from content.push import PLAIN_KINDS, TITLE_MOST, Kind, Message, Part, When
from notifications.reminder_words import plain_words

_DEMO: Final = {"fr": "Démo · ", "en": "Demo · "}
URGENT: Final = frozenset({"alert", "raised", "hour_ahead", "slot_found"})
"""Kinds that may wake a phone: what makes things better, or is a day ahead, waits on the screen."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says of one hazard (`models.Part`, with the commune's name)."""

    hazard: str
    level: int
    commune_name: str
    cause: str
    tier: str
    is_demo: bool


def words(
    kind: str,
    said: Sequence[Said],
    *,
    language: str,
    day: date,
    zone: str,
    now: datetime,
    starts_s: int | None = None,
) -> Message:
    """Write a message about `day`, which is today or tomorrow by the clock of `zone`.

    Of an all-clear `said` is what was said before: it is over, and no level is named. `starts_s`: of the appointment
    that the message reminds of. Raises ValueError where what the kind needs is not there, KeyError for an unknown kind.
    """
    if kind in PLAIN_KINDS:
        return plain_words(kind, language=language, zone=zone, now=now, starts_s=starts_s)
    over = kind == "all_clear"
    parts = [
        Part(
            hazard=one.hazard,
            level=None if over else one.level,
            commune_name=one.commune_name,
            pollutant=None if over else one.cause or None,
            tier=None if over else one.tier or None,
        )
        for one in sorted(said, key=_worst_first)
    ]
    when: When = "tomorrow" if day > local_day(now, zone=zone) else "today"
    message = catalogue().push.compose(cast("Kind", kind), language=language, parts=parts, when=when, day=day)
    if any(one.is_demo for one in said):
        title = _DEMO[language] + message.title
        return Message(title if len(title) <= TITLE_MOST else title[: TITLE_MOST - 1].rstrip() + "…", message.body)
    return message


def _worst_first(one: Said) -> tuple[float, int]:
    """By how far up its own scale it is: scales differ in length."""
    scale = SCALES[one.hazard]
    return -one.level / scale.most, WATCHED.index(one.hazard)
