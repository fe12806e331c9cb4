"""The state machine of a handoff, and how long it lives. Pure.

made      handed out, not followed yet
opened    followed: the resident was sent on to the booking service
gone      followed, but the slot was taken meanwhile: for a while its page offers others; it ends when one is chosen
booked    the provider confirmed it, or the resident said so
cancelled, completed, too_late, failed, expired: ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

By = Literal["resident", "provider", "system"]
RESIDENT: Final = "resident"
PROVIDER: Final = "provider"
SYSTEM: Final = "system"

MADE: Final = "made"
OPENED: Final = "opened"
GONE: Final = "gone"
BOOKED: Final = "booked"
CANCELLED: Final = "cancelled"
COMPLETED: Final = "completed"
TOO_LATE: Final = "too_late"
FAILED: Final = "failed"
EXPIRED: Final = "expired"
STATES: Final = (MADE, OPENED, GONE, BOOKED, CANCELLED, COMPLETED, TOO_LATE, FAILED, EXPIRED)
ENDS: Final = frozenset({CANCELLED, COMPLETED, TOO_LATE, FAILED, EXPIRED})
COUNTED: Final = ("made", "opened", "gone", "too_late", "failed", "booked", "cancelled", "completed")
"""Columns of HandoffCount: each state that a handoff reached, once."""

MOVES: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    (MADE, OPENED): frozenset({SYSTEM}),
    (MADE, GONE): frozenset({SYSTEM}),
    (MADE, EXPIRED): frozenset({SYSTEM}),
    (MADE, CANCELLED): frozenset({RESIDENT}),
    (OPENED, GONE): frozenset({SYSTEM}),
    (OPENED, BOOKED): frozenset({RESIDENT, PROVIDER}),
    (OPENED, TOO_LATE): frozenset({RESIDENT}),
    (OPENED, FAILED): frozenset({RESIDENT}),
    (OPENED, CANCELLED): frozenset({RESIDENT}),
    (OPENED, EXPIRED): frozenset({SYSTEM}),
    (GONE, CANCELLED): frozenset({RESIDENT}),
    (GONE, EXPIRED): frozenset({SYSTEM}),
    (BOOKED, BOOKED): frozenset({PROVIDER}),
    (BOOKED, CANCELLED): frozenset({RESIDENT, PROVIDER}),
    (BOOKED, COMPLETED): frozenset({PROVIDER}),
    (BOOKED, EXPIRED): frozenset({SYSTEM}),
}
"""Who may move a handoff from a state to another; what is not here, nobody. `booked` again: at other times."""

MADE_LASTS: Final = timedelta(hours=2)
OPENED_LASTS: Final = timedelta(hours=24)
"""After it was last followed: who has not booked by then has done so elsewhere, or not at all."""
BOOKED_LASTS: Final = timedelta(days=1)
"""After the end of the appointment."""
BOOKED_WITHOUT_TIME_LASTS: Final = timedelta(days=7)
"""Of an appointment whose time nobody told: of it there is nothing to remind."""
GONE_LASTS: Final = timedelta(hours=2)
"""After a slot was gone on arrival: how long the page that says so can be opened again, and offers others."""
_LASTS: Final[Mapping[str, timedelta]] = {MADE: MADE_LASTS, OPENED: OPENED_LASTS, GONE: GONE_LASTS}
KEPT: Final = timedelta(days=60)
"""After its end; then only counts are left."""
REPEATED_WITHIN: Final = timedelta(minutes=10)
"""After it was made: how long the same question gives the same link."""
REMINDED_BEFORE: Final[Mapping[str, timedelta]] = {"day": timedelta(hours=24), "hour": timedelta(hours=1)}


def may_move(state: str, became: str, by: str) -> bool:
    """Whether `by` may move a handoff from a state to another."""
    return by in MOVES.get((state, became), ())


def may_repeat(state: str, created_at: datetime, now: datetime) -> bool:
    """Whether a question asked again still gives its link: to a request that was lost, not to who guesses its key."""
    return state in (MADE, OPENED) and now <= created_at + REPEATED_WITHIN


def is_too_early(became: str, starts_s: int | None, now: datetime) -> bool:
    """Whether an appointment would be over before it begins, as far as its start is known (seconds since 1970)."""
    return became == COMPLETED and starts_s is not None and now.timestamp() < starts_s


def is_repeated(state: str, became: str, *, same_times: bool) -> bool:
    """Whether a move only says again what is so: it changes nothing, and is no error (a request sent twice)."""
    return state == became and (became in ENDS or (became == BOOKED and same_times))


def state_at(state: str, expires_at: datetime, now: datetime) -> str:
    """The state at a moment: one that is over its time has expired, whether or not that was noted yet."""
    return EXPIRED if state not in ENDS and expires_at <= now else state


def expires_at(state: str, now: datetime, *, starts_s: int | None, ends_s: int | None) -> datetime:
    """Until when a handoff stays as it has just become, unless it moves: of an end, until when it is kept."""
    if state in ENDS:
        return now + KEPT
    if state != BOOKED:
        return now + _LASTS[state]
    over_s = starts_s if ends_s is None else ends_s
    if over_s is None:
        return now + BOOKED_WITHOUT_TIME_LASTS
    # An appointment of the past may still be confirmed: it is completed or gone a day later all the same.
    return max(datetime.fromtimestamp(over_s, UTC), now) + BOOKED_LASTS


def reminders_due(starts_s: int, now: datetime) -> dict[str, datetime]:
    """When each kind of reminder of an appointment is due, by kind; what is past is left out."""
    due = {kind: datetime.fromtimestamp(starts_s, UTC) - before for kind, before in REMINDED_BEFORE.items()}
    return {kind: at for kind, at in due.items() if at > now}
