"""What each answer of a push service means for its message and for its registration."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import Final

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.people.device_models import QUARANTINED, RETIRED
from notifications.loading import Letter
from notifications.outbox import LONGEST_RETRY
from notifications.platforms import stop_platform
from notifications.settling import Again, Results
from notifications.transports.base import Answer

FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 300.0
"""Until a message is tried again: doubled each time."""
_JITTER: Final = 0.5
"""At most so much of the pause is added, so that those who failed together do not come back together."""
_LOST: Final = {"retire": RETIRED, "quarantine": QUARANTINED}


class Judge:
    """Judges the answers of one delivery. They share its jitter, so that they are due together again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._jitter = _JITTER * Random().random()  # noqa: S311 - no secret

    def judge(self, results: Results, letter: Letter, answer: Answer) -> bool:
        """Note what an answer other than an acceptance means; True when another way is to be tried."""
        if answer.verdict == "again":
            again = Again(self._again_at(letter, answer), went_out=True, maybe_delivered=answer.maybe_delivered)
            results.retry(again, letter.device_id)
            return False
        if answer.verdict == "malformed":
            results.finish(letter.stopped, letter.device_id)
            return False
        way = letter.ways[0]
        if state := _LOST.get(answer.verdict):
            results.lose(state, way.registration_id, way.digest)
            del letter.ways[0]
        # A platform that is stopped rests from now on: its ways are passed over, not lost.
        return True

    def stop_platform(self, platform: str, answer: Answer) -> datetime:
        """Let a platform rest that refuses our credentials: until when."""
        return stop_platform(self._database, platform, answer.code, now=self._clock())

    def _again_at(self, letter: Letter, answer: Answer) -> datetime:
        pause_s = min(FIRST_PAUSE_S * 2 ** min(letter.tried, 16), LONGEST_PAUSE_S)
        asked_s = min(answer.retry_after_s or 0.0, LONGEST_RETRY.total_seconds())
        # By whole seconds: what failed together is due, claimed and written together again.
        pause_s = 1.0 + ceil(max(pause_s, asked_s)) + self._jitter * pause_s
        at = self._clock().replace(microsecond=0) + timedelta(seconds=pause_s)
        return min(at, letter.note.expires_at)
