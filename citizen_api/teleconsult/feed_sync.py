"""Keeps slots in step with their publishers: each feed in its turn, whichever process takes it.

A feed that fails is asked more and more seldom, at last every quarter of an hour, or when it says itself: what it said
last stays, with its age. A whole reading that says suspiciously little is not believed at once (`feed_rules`).
"""

from __future__ import annotations

import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import bindparam, delete, select, tuple_, update
from sqlalchemy.orm import Session

from citizen_api.air.keeping import REPORTS
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, changed_rows
from citizen_api.core.settings import Settings
from citizen_api.sources.availability_feed import AvailabilityFeed
from citizen_api.sources.fhir_source import FhirSearch
from citizen_api.sources.scheduling_source import SchedulingLinks
from citizen_api.sources.slot_source import SlotSource, SlotSourceError
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult import feed_rules as rules
from citizen_api.teleconsult.feed_reading import FeedReader, Reading
from citizen_api.teleconsult.feed_state import keep_state, note_accepted
from citizen_api.teleconsult.models import Feed, Provider, Slot
from citizen_api.teleconsult.slot_store import connected

THREADS: Final = 8
"""Feeds of one process that are read at once: most of the time of each is waiting for its publisher."""
SHRUNK: Final = "shrunk"
_TAKEN_AT_ONCE: Final = 20
"""Feeds that a thread takes in one transaction: most have nothing new to say, and asking costs less than noting it."""
_PATIENCE: Final = timedelta(seconds=10)
"""How long those that it took wait for each other, before they are left to other threads."""
_FEED: Final[Any] = Feed.__table__
_CONFIRM: Final = update(_FEED).where(_FEED.c.id == bindparam("of")).values(checked_at=bindparam("at"))
_NEXT: Final = (
    update(_FEED)
    .where(_FEED.c.id == bindparam("of"), _FEED.c.next_try_at == bindparam("lease"))
    .values(next_try_at=bindparam("next"))
)
_FAILED: Final = "failed"
_REMOVED: Final = "removed"
_FORGOTTEN_AT_ONCE: Final = 20_000
_log = logging.getLogger("alentours.slots")

SourceOf = Callable[[Feed], SlotSource]


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one reading of a feed: slots written, slots gone, rows rejected by code, or what went wrong.

    `why`: a line for the staff who asked for the reading, not for a log.
    """

    name: str
    written: int = 0
    gone: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    problem: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A feed that this keeper reads now, as it stood at `at`. `lease`: until when it is left to it."""

    feed: Feed
    provider: Provider
    at: datetime
    lease: datetime


class FeedKeeper:
    """Reads the feeds that are due. Several threads and processes may run: each feed is taken in the database."""

    def __init__(
        self,
        database: Database,
        source_of: SourceOf,
        *,
        clock: Clock,
        reports_dir: Path,
        within_s: float = rules.READING_S,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`within_s`: how long a reading may take. `draw` gives a number in [0, 1) for the jitter."""
        self._database = database
        self._source_of = source_of
        self._clock = clock
        self._reports_dir = reports_dir
        self._within_s = within_s
        self._draw = draw

    def turn(self) -> list[Turn]:
        """Read one feed after another until none is due.

        What nobody expected is raised, but counts as a failure: the feed is asked more seldom, and it is seen.
        """
        turns: list[Turn] = []
        with self._database.session(write=False) as session:
            if not queries.is_any_due(session, self._clock()):
                return turns
        with connected(self._database) as database:
            while some := self._take_due(database):
                turns += self._read_some(database, some)
        return turns

    def read_feed(self, feed_id: int) -> Turn | None:
        """Read one feed now, due or not; None if somebody is reading it, or it is gone."""
        with connected(self._database) as database:
            taken = self._take(database, feed_id)
            return None if taken is None else self._read_some(database, [taken])[0]

    def recheck(self, feed_id: int) -> bool:
        """Read a feed again if it is cheap, well, and was not asked for a minute; True if it is fresh now."""
        with self._database.session(write=False) as session:
            feed = session.get(Feed, feed_id)
            may_ask = feed is not None and _may_recheck(feed, self._clock())
        if not may_ask:
            return False
        turn = self.read_feed(feed_id)
        return turn is not None and turn.problem is None

    def _take_due(self, database: Database) -> list[_Taken]:
        with database.session() as session:
            return [self._lease(*found) for found in queries.due_feeds(session, self._clock(), limit=_TAKEN_AT_ONCE)]

    def _take(self, database: Database, feed_id: int) -> _Taken | None:
        with database.session() as session:
            session.get(Feed, feed_id, with_for_update=True)
            found = queries.feed_with_provider(session, feed_id)
            return None if found is None or _is_taken(found[0]) else self._lease(*found)

    def _lease(self, feed: Feed, provider: Provider) -> _Taken:
        now = self._clock()
        feed.next_try_at = rules.lease_until(now, feed.poll_s)
        return _Taken(feed, provider, now, feed.next_try_at)

    def _read_some(self, database: Database, some: Sequence[_Taken]) -> list[Turn]:
        """Read feeds in their order; when that takes long, those that still wait are left to others."""
        turns: list[Turn] = []
        same: list[_Taken] = []
        waiting = deque(some)
        patient_until = self._clock() + _PATIENCE
        try:
            while waiting and self._clock() < patient_until:
                turns.append(self._read(database, waiting.popleft(), same))
        finally:
            self._settle(database, same, waiting)
        return turns

    def _settle(self, database: Database, same: Sequence[_Taken], left: Sequence[_Taken]) -> None:
        """Note together all feeds that were well and said nothing new, and give back those that were not read."""
        now = self._clock()
        notes = [
            {"of": taken.feed.id, "lease": taken.lease, "at": taken.at, "next": now + self._pause(taken.feed)}
            for taken in same
        ]
        returned = [{"of": taken.feed.id, "lease": taken.lease, "next": now} for taken in left]
        if not notes and not returned:
            return
        with database.session() as session:
            for statement, rows in ((_CONFIRM, notes), (_NEXT, [*notes, *returned])):
                if rows:
                    session.connection().execute(statement, rows)

    def _pause(self, feed: Feed) -> timedelta:
        return timedelta(seconds=rules.wait_s(feed.poll_s, drawn=self._draw()))

    def _read(self, database: Database, taken: _Taken, same: list[_Taken]) -> Turn:
        try:
            reader = FeedReader(
                database,
                self._source_of(taken.feed),
                clock=self._clock,
                reports_dir=self._reports_dir,
                within_s=self._within_s,
            )
            # No transaction is open while the outside is asked.
            reading = reader.read(taken.feed, taken.provider)
        except SlotSourceError as error:
            return self._failed(database, taken, error.code, str(error), error.retry_after_s)
        except Exception as error:
            self._failed(database, taken, _FAILED, type(error).__name__, None)
            raise
        if reading.stored is None and _was_well(taken.feed) and not taken.feed.asks_since:
            same.append(taken)
            return Turn(taken.feed.name)
        return self._done(database, taken, reading)

    def _done(self, database: Database, taken: _Taken, reading: Reading) -> Turn:
        asked_at = taken.at  # what it says is as old as the question
        with database.session() as session:
            feed = session.get(Feed, taken.feed.id, with_for_update=True)
            if feed is None:
                return Turn(taken.feed.name, problem=_REMOVED)
            was_well = _was_well(feed)
            feed.failures = 0
            feed.problem = SHRUNK if reading.is_held else None
            if reading.is_held:
                feed.held_since = feed.held_since or asked_at
            else:
                feed.held_since = None
                feed.checked_at = asked_at
                keep_state(feed, reading.state)
            if reading.stored is not None:
                feed.read_at = asked_at
                feed.slots = queries.count_slots(session, feed.id)
            if reading.read_bytes is not None:
                feed.read_s, feed.read_bytes = reading.took_s, reading.read_bytes
            self._wait(feed, taken.lease, self._pause(feed))
        return _told(feed.name, reading, was_well=was_well)

    def _failed(self, database: Database, taken: _Taken, problem: str, why: str, retry_after_s: float | None) -> Turn:
        with database.session() as session:
            feed = session.get(Feed, taken.feed.id, with_for_update=True)
            if feed is not None:
                feed.failures += 1
                feed.problem = problem
                wait_s = rules.wait_after_failure_s(feed.failures, retry_after_s, drawn=self._draw())
                self._wait(feed, taken.lease, timedelta(seconds=max(wait_s, feed.poll_s)))
        _log.warning("slots not read", extra={"feed": taken.feed.name, "problem": problem})
        return Turn(taken.feed.name, problem=problem, why=why)

    def _wait(self, feed: Feed, lease: datetime, wait: timedelta) -> None:
        """Say when the next turn is due, unless somebody else said so while this one was under way."""
        if feed.next_try_at == lease:
            feed.next_try_at = self._clock() + wait


def source_of(feed: Feed, client: httpx.Client, settings: Settings, *, within_s: float | None = None) -> SlotSource:
    """The reader of a feed's format. `within_s`: for each of its files; None: as long as the format allows."""
    kind = {"smart": SchedulingLinks, "fhir": FhirSearch, "availability": AvailabilityFeed}[feed.kind]
    limits = {} if within_s is None else {"wait_s": within_s}
    source: SlotSource = kind(client, feed.url, max_bytes=settings.teleconsult_feed_max_bytes, **limits)
    return source


def keeper_of(
    settings: Settings, database: Database, client: httpx.Client, clock: Clock, *, within_s: float | None = None
) -> FeedKeeper:
    """Make the keeper of the feeds, as the settings say. `within_s`: as long as a reading may take."""
    return FeedKeeper(
        database,
        lambda feed: source_of(feed, client, settings, within_s=within_s),
        clock=clock,
        reports_dir=settings.data_dir / REPORTS,
        within_s=rules.READING_S if within_s is None else within_s,
    )


def feed_turns(
    settings: Settings, database: Database, client: httpx.Client, clock: Clock
) -> list[Callable[[], object]]:
    """Give turns that are each called again and again in a thread of its own.

    One that waits for a slow publisher holds up only itself: the others read what is due.
    """
    keeper = keeper_of(settings, database, client, clock)
    return [keeper.turn] * THREADS


def recheck(
    database: Database,
    feed_id: int,
    client: httpx.Client,
    settings: Settings,
    clock: Clock,
    within_s: float = 2.0,
) -> bool:
    """Ask a feed again, as a resident is about to be sent there; True if what is known of it is fresh now.

    Only where it is cheap and well, and was not asked for a minute. It never raises for a fault of the publisher's.
    """
    try:
        return keeper_of(settings, database, client, clock, within_s=within_s).recheck(feed_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, a resident waits for an answer
        _log.error("a feed could not be checked", extra={"why": type(error).__name__})
        return False


def accept_shrink(session: Session, feed: Feed) -> bool:
    """Have the next reading believed, however little it says; False if none is held back."""
    if feed.held_since is None:
        return False
    note_accepted(feed)
    session.flush()
    return True


def forget_past(database: Database, now: datetime) -> int:
    """Forget the slots that are over, some in each transaction; give how many."""
    now_s = int(now.timestamp())
    # By their start, for which there is an index.
    over = select(Slot.feed_id, Slot.key).where(Slot.start_s < now_s, Slot.end_s <= now_s).limit(_FORGOTTEN_AT_ONCE)
    forgotten = 0
    while True:
        with database.session() as session:
            some = changed_rows(session.execute(delete(Slot).where(tuple_(Slot.feed_id, Slot.key).in_(over))))
        forgotten += some
        if some < _FORGOTTEN_AT_ONCE:
            return forgotten


def _was_well(feed: Feed) -> bool:
    return feed.problem is None and feed.held_since is None and feed.checked_at is not None


def _is_taken(feed: Feed) -> bool:
    """Whether somebody is reading it. Of one that is not well that cannot be told; read twice, it takes no harm."""
    if feed.problem is not None or feed.checked_at is None:
        return False
    return rules.is_taken(feed.next_try_at, feed.checked_at, feed.poll_s)


def _may_recheck(feed: Feed, now: datetime) -> bool:
    return (
        feed.problem is None
        and feed.checked_at is not None
        and rules.is_recheck_due(feed.checked_at, now)
        and rules.is_cheap(feed.read_s, feed.read_bytes)
    )


def _told(name: str, reading: Reading, *, was_well: bool) -> Turn:
    stored = reading.stored
    written, gone = (stored.written, stored.gone) if stored else (0, 0)
    problem = SHRUNK if reading.is_held else None
    well = was_well and problem is None and not reading.rejected
    _log.log(
        # Once a minute for each feed, all is well: that is not said every time.
        logging.DEBUG if well else logging.INFO,
        "slots read",
        extra={
            "feed": name,
            "slots_written": written,
            "slots_gone": gone,
            "rejected": reading.rejected.total(),
            "problem": problem,
        },
    )
    return Turn(name, written, gone, reading.rejected, problem)
