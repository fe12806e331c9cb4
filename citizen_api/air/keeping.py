"""Keeps what is known of the air in step: each feed in its turn, whichever process takes it.

A feed that is down is asked more and more seldom, and after `OPENS_AFTER` failures in a row only as often as if it
were well: what it said last stays, with its age, until its time is past.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import or_, update

from citizen_api.air import actions
from citizen_api.air.feeds import Feed
from citizen_api.air.models import AirSource
from citizen_api.air.sync import AirReport, report_name, store
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, changed_rows
from citizen_api.sources.air_fetch import (
    AirSourceError,
    BusyError,
    CredentialsError,
    DownError,
    UnreadableError,
)
from citizen_api.sources.records import SourceFormatError
from citizen_api.sources.rejected import remove_earlier

LEASE: Final = timedelta(minutes=45)
"""How long a feed is left to the process that took its turn: 45 calls that each last as long as one may (`TIMEOUT_S`).

All of Île-de-France takes Airparif 27 calls, 2,250 communes take Open-Meteo 45; any other feed has at most six. Should
a reading last longer all the same, the feed is read twice, which does no harm.
"""
FIRST_WAIT: Final = timedelta(minutes=1)
OPENS_AFTER: Final = 5
JITTER: Final = 0.1
"""Share of a wait by which it is made longer or shorter, so that cities do not ask a source in the same second."""
_PROBLEMS: Final = {
    BusyError: "busy",
    CredentialsError: "credentials",
    UnreadableError: "unreadable",
    DownError: "down",
    SourceFormatError: "unreadable",
}
REPORTS: Final = Path("imports") / "scheduled"
"""Where, in the data folder, the rows are that the last reading of each source rejected: one report for each source."""
_log = logging.getLogger("alentours.air")


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one turn of a feed: its report, or the code of what went wrong and a line about it."""

    source_id: str
    report: AirReport | None
    problem: str | None = None
    why: str = ""


class AirKeeper:
    """Reads the feeds that are due. Several processes may run one each: a turn is taken in the database."""

    def __init__(
        self,
        database: Database,
        feeds: Sequence[Feed],
        *,
        clock: Clock,
        reports_dir: Path,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`draw` gives a number in [0, 1) for the jitter."""
        self._database = database
        self._feeds = feeds
        self._clock = clock
        self._reports_dir = reports_dir
        self._draw = draw

    def turn(self) -> list[Turn]:
        """Read every feed that is due, once."""
        return [self._read(feed, lease) for feed in self._feeds if (lease := self._take(feed)) is not None]

    def _take(self, feed: Feed) -> datetime | None:
        """Take the turn of a feed, if it is due and nobody else took it: until when it is ours."""
        now = self._clock()
        lease = now + LEASE
        with self._database.session() as session:
            actions.keep_source(session, feed.info)
            taken = session.execute(
                update(AirSource)
                .where(AirSource.id == feed.info.id)
                .where(or_(AirSource.next_try_at.is_(None), AirSource.next_try_at <= now))
                .values(next_try_at=lease)
            )
            return lease if changed_rows(taken) == 1 else None

    def _read(self, feed: Feed, lease: datetime) -> Turn:
        now = self._clock()
        try:
            # No transaction is open while the outside is asked.
            answer = feed.read(now)
            report = store(self._database, feed.info, answer, known_at=now, reports_dir=self._reports_dir)
            remove_earlier(self._reports_dir, report_name(feed.info), kept=report.rejected_file)
        except (AirSourceError, SourceFormatError) as error:
            problem = next(code for kind, code in _PROBLEMS.items() if isinstance(error, kind))
            wait_s = error.retry_after_s if isinstance(error, BusyError) else None
            return self._failed(feed, lease, problem, str(error), wait_s)
        if report.is_empty and (report.rejected or not feed.may_be_empty):
            return self._failed(feed, lease, "empty", "no usable fact in the answer", None)
        with self._database.session() as session:
            row = actions.keep_source(session, feed.info)
            row.fetched_at, row.failures, row.problem = now, 0, None
            self._wait(row, lease, self._jittered(feed.every))
            actions.forget_old(session, feed.info.id, now=now)
        _log.info(
            "air source read",
            extra={"source": feed.info.id, "facts": dict(report.facts), "rejected": report.rejected.total()},
        )
        return Turn(feed.info.id, report)

    def _failed(self, feed: Feed, lease: datetime, problem: str, why: str, wait_s: float | None) -> Turn:
        with self._database.session() as session:
            row = actions.keep_source(session, feed.info)
            row.failures += 1
            row.problem = problem
            wait = feed.every if row.failures >= OPENS_AFTER else FIRST_WAIT * 2 ** (row.failures - 1)
            wait = max(self._jittered(min(wait, feed.every)), timedelta(seconds=wait_s or 0))
            self._wait(row, lease, wait)
        _log.warning("air source not read", extra={"source": feed.info.id, "problem": problem, "why": why})
        return Turn(feed.info.id, None, problem, why)

    def _wait(self, row: AirSource, lease: datetime, wait: timedelta) -> None:
        """Say when the next turn is due, unless somebody else said so while this one was under way."""
        if row.next_try_at == lease:
            row.next_try_at = self._clock() + wait

    def _jittered(self, wait: timedelta) -> timedelta:
        return wait * (1 - JITTER + 2 * JITTER * self._draw())
