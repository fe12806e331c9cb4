"""Rules about feeds: when one is asked again, whether what it says is believed, how old that is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

LEAST_WAIT_S: Final = 60.0
"""No feed is asked more often."""
LONGEST_WAIT_S: Final = 900.0
"""Between two questions to a feed that fails, unless it asks for more itself."""
LONGEST_SILENCE_S: Final = 86_400.0
"""Nobody is left alone for longer than a day, whatever he asks for."""
JITTER: Final = 0.1
"""Share of a wait by which it is longer, so that cities do not ask a publisher in the same second."""
BROKEN_AFTER: Final = 5
"""Failures in a row after which a feed counts as broken."""
READING_S: Final = 300.0
"""How long a reading may take, all its files together."""
_STORING_S: Final = 300.0
WHOLE_EVERY: Final = timedelta(hours=1)
"""How often a feed is read whole, though it says what changed."""
SHRUNK_TO: Final = 0.1
"""Share of the known slots; an answer that would leave fewer is suspicious."""
SHRINKS_FROM: Final = 20
"""So few known slots may all be gone at once."""
HELD_FOR: Final = timedelta(hours=1)
"""How long a suspicious answer must stand before it is believed."""
OFTEN_GONE: Final = 0.2
"""Share of handoffs that were gone on arrival; above it slots are marked as stale sooner."""
SOONER: Final = 5
"""So many times."""
RECHECK_AFTER_S: Final = 60.0
CHEAP_S: Final = 1.0
CHEAP_BYTES: Final = 2_000_000

FreshnessState = Literal["fresh", "stale", "hidden"]
FreshnessReason = Literal["old", "often_gone", "too_old", "never_read"]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a slot's confirmation is. `age_s` None: its feed was never read. `reason` None: it is fresh."""

    age_s: int | None
    state: FreshnessState
    reason: FreshnessReason | None


def wait_s(poll_s: float, *, drawn: float) -> float:
    """Seconds until a feed that is well is asked again. `drawn`: in [0, 1), for the jitter."""
    return max(poll_s, LEAST_WAIT_S) * (1 + JITTER * drawn)


def wait_after_failure_s(failures: int, retry_after_s: float | None, *, drawn: float) -> float:
    """Seconds until a feed is asked again that failed so often in a row, now too. `retry_after_s`: what it asks for."""
    own = min(LEAST_WAIT_S * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_S)
    return max(own, min(retry_after_s or 0.0, LONGEST_SILENCE_S)) * (1 + JITTER * drawn)


def is_broken(failures: int) -> bool:
    """Whether so many failures in a row are no passing trouble."""
    return failures >= BROKEN_AFTER


def lease_until(now: datetime, poll_s: float) -> datetime:
    """Until when a feed is left to whoever takes it now: later than it could be due otherwise (`is_taken`)."""
    return now + timedelta(seconds=READING_S + _STORING_S + wait_s(poll_s, drawn=1.0))


def is_taken(next_try_at: datetime | None, checked_at: datetime, poll_s: float) -> bool:
    """Whether somebody is reading a feed that was well when it was checked: nothing else puts it off for so long."""
    latest = checked_at + timedelta(seconds=READING_S + wait_s(poll_s, drawn=1.0))
    return next_try_at is not None and next_try_at > latest


def is_whole_due(whole_at: datetime | None, now: datetime) -> bool:
    """Whether a feed is to be read whole, though it could say what changed."""
    return whole_at is None or now - whole_at >= WHOLE_EVERY


def is_shrunk(*, known: int, left: int) -> bool:
    """Whether a whole reading says suspiciously little.

    `known`: slots that were known, are still to come and were not said to be taken; `left`: those known after it.
    """
    return known >= SHRINKS_FROM and left < SHRUNK_TO * known


def is_believed(held_since: datetime | None, now: datetime, *, accepted: bool) -> bool:
    """Whether an answer that says suspiciously little is believed: it has stood long enough, or staff accepted it."""
    return accepted or (held_since is not None and now - held_since >= HELD_FOR)


def is_cheap(read_s: float | None, read_bytes: int | None) -> bool:
    """Whether a feed may be read while a resident waits. None: it was never read whole."""
    return read_s is not None and read_bytes is not None and read_s < CHEAP_S and read_bytes < CHEAP_BYTES


def is_recheck_due(checked_at: datetime, now: datetime) -> bool:
    """Whether what a feed said is old enough to ask again."""
    return (now - checked_at).total_seconds() >= RECHECK_AFTER_S


def is_gone_rate_known(gone_rate: float | None) -> bool:
    """Whether there were enough handoffs to tell how many were gone on arrival."""
    return gone_rate is not None


def is_often_gone(gone_rate: float | None) -> bool:
    """Whether a feed's slots are gone on arrival too often; unknown is not often."""
    return gone_rate is not None and gone_rate > OFTEN_GONE


def freshness(
    checked_at: datetime | None,
    synced_at: datetime | None,
    now: datetime,
    *,
    stale_s: float,
    hidden_s: float,
    gone_rate: float | None,
) -> Freshness:
    """How old what a feed says is, and what follows.

    `checked_at`: when it last confirmed it; `synced_at`: when an aggregator last read its own source. The older counts.
    """
    if checked_at is None:
        return Freshness(None, "hidden", "never_read")
    said_at = checked_at if synced_at is None else min(checked_at, synced_at)
    age_s = max(0, int((now - said_at).total_seconds()))
    often_gone = is_often_gone(gone_rate)
    if age_s > hidden_s:
        return Freshness(age_s, "hidden", "too_old")
    if age_s > (stale_s / SOONER if often_gone else stale_s):
        return Freshness(age_s, "stale", "often_gone" if often_gone else "old")
    return Freshness(age_s, "fresh", None)
