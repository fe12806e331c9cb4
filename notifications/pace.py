"""How fast everything together is sent: one virtual clock in the database, shared by all workers.

The generic cell rate algorithm (ITU-T I.371): `free_at` is when the next message may go; each message moves it on by
1 / rate. Campaigns have a second clock beside, which runs at a part of the rate: the rest is always free for alerts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, insert_or_update
from notifications.models import Pace

CAMPAIGNS_SHARE: Final = 0.7
BURST: Final = timedelta(seconds=0.1)
"""How much of what was not used before may be made up for."""
LONGEST_WAIT: Final = timedelta(seconds=2)
"""A turn is given at most so far ahead; whoever would wait longer asks again."""
LONGEST_PAUSE: Final = timedelta(minutes=15)
_JUMPED: Final = timedelta(seconds=5)
"""A turn that is farther ahead than that was given by a clock that has jumped back since."""
_SLOWED: Final = 0.5
_SLOWEST: Final = 0.01
_RAISED_BY: Final = 0.1
_RAISED_EVERY: Final = timedelta(seconds=10)
_ONCE_IN: Final = timedelta(seconds=1)
"""Many refusals that arrive together are one."""
_ROW: Final = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """So many messages may go in `wait_s`; 0 of them: ask again then."""

    count: int
    wait_s: float


@dataclass(slots=True)
class _Row:
    """The row of `Pace`, as it will be."""

    rate_per_s: float
    changed_at: datetime
    free_at: datetime
    campaigns_free_at: datetime
    paused_until: datetime | None


class Pacer:
    """Gives turns. `rate_per_s`: the setting."""

    def __init__(self, database: Database, *, rate_per_s: float, clock: Clock) -> None:
        self._database = database
        self._most_per_s = rate_per_s
        self._clock = clock

    def take(self, wanted: int, *, lane: str) -> Turn:
        """Take a turn for some of the `wanted` messages (at least one) of a lane."""
        with self._database.session() as session:
            pace = self._lock(session)
            now = self._clock()
            rate = self._raised(pace, now)
            count = max(1, min(wanted, int(rate * BURST.total_seconds())))
            turn = self._turn(pace, now, count, rate, is_campaign=lane == "campaigns")
            _write(session, pace)
        return turn

    def slow_down(self, retry_after_s: float | None) -> None:
        """Halve the rate, because a service said so, and pause as long as it asks for."""
        with self._database.session() as session:
            pace = self._lock(session)
            now = self._clock()
            rate = self._raised(pace, now)
            if rate >= self._most_per_s or not now - _ONCE_IN < pace.changed_at <= now:
                pace.rate_per_s, pace.changed_at = max(rate * _SLOWED, self._most_per_s * _SLOWEST), now
            paused_until = now + min(timedelta(seconds=retry_after_s or 0.0), LONGEST_PAUSE)
            if retry_after_s and paused_until > (_pause(pace, now) or now):
                pace.paused_until = paused_until
            _write(session, pace)

    def _lock(self, session: Session) -> _Row:
        row = session.execute(_READING).first()
        if row is None:
            now = self._clock()
            start = {"rate_per_s": self._most_per_s, "changed_at": now, "free_at": now, "campaigns_free_at": now}
            session.execute(insert_or_update(session, Pace).values(id=_ROW, **start).on_conflict_do_nothing())
            row = session.execute(_READING).one()
        return _Row(*row)

    def _raised(self, pace: _Row, now: datetime) -> float:
        """The rate at `now`, raised by the time that has gone by."""
        pace.changed_at = min(pace.changed_at, now)  # the clock has jumped back
        if pace.rate_per_s < self._most_per_s:
            steps = (now - pace.changed_at) // _RAISED_EVERY
            pace.rate_per_s += steps * _RAISED_BY * self._most_per_s
            pace.changed_at += steps * _RAISED_EVERY
        pace.rate_per_s = min(pace.rate_per_s, self._most_per_s)
        return pace.rate_per_s

    def _turn(self, pace: _Row, now: datetime, count: int, rate: float, *, is_campaign: bool) -> Turn:
        pause = _pause(pace, now)
        if pause is not None:
            return Turn(0, min(pause - now, LONGEST_WAIT).total_seconds())
        takes = timedelta(seconds=count / rate)
        pace.free_at = _settled(pace.free_at, now, takes)
        starts_at = pace.free_at
        if is_campaign:
            takes_longer = takes / CAMPAIGNS_SHARE
            pace.campaigns_free_at = _settled(pace.campaigns_free_at, now, takes_longer)
            starts_at = max(starts_at, pace.campaigns_free_at)
        wait = max(starts_at - now, timedelta(0))
        if wait > LONGEST_WAIT:
            return Turn(0, LONGEST_WAIT.total_seconds())
        pace.free_at += takes
        if is_campaign:
            pace.campaigns_free_at += takes_longer
        return Turn(count, wait.total_seconds())


def _pause(pace: _Row, now: datetime) -> datetime | None:
    """Until when nothing goes out; None: it does. A pause longer than any was written by a clock that jumped."""
    until = pace.paused_until
    if until is None or not now < until <= now + LONGEST_PAUSE:
        return None
    return until


def _settled(free_at: datetime, now: datetime, takes: timedelta) -> datetime:
    """A virtual clock, brought within its bounds."""
    if free_at > now + _JUMPED + takes:
        return now
    return max(free_at, now - BURST)


def _write(session: Session, pace: _Row) -> None:
    session.execute(
        update(Pace).where(Pace.id == _ROW).values(**asdict(pace)).execution_options(synchronize_session=False)
    )


_READING: Final = (
    select(Pace.rate_per_s, Pace.changed_at, Pace.free_at, Pace.campaigns_free_at, Pace.paused_until)
    .where(Pace.id == _ROW)
    .with_for_update()
)
