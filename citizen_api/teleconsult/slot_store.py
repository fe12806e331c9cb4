"""Takes a stream of what a feed says into the tables.

What is read is held in memory until it is a portion, and then stored in a short transaction of its own: while the
outside is read nothing is locked, other writers are not held up by a feed of a million slots, and memory does not grow
with it but for nine bytes a slot (`slot_said`). Nothing is forgotten before all was read, so that what breaks off takes
nothing away. If the process ends between two portions, the same is read and stored again.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np
from sqlalchemy.orm import Session

from citizen_api.core.db import Database
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import SlotItem, TooLargeError
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult import slot_statements as statements
from citizen_api.teleconsult.feed_rules import is_shrunk
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.schedule_store import communes_of, forget_unsaid, store_places, store_schedules
from citizen_api.teleconsult.slot_first import refresh_first_starts
from citizen_api.teleconsult.slot_ids import slot_key
from citizen_api.teleconsult.slot_said import STORED, TAKEN, UNSAID, UNUSABLE, LastWords, SaidSlots
from citizen_api.teleconsult.slot_statements import SlotRow

HELD_MOST: Final = 100_000
"""Places, and calendars, of one feed that are held in memory."""
SLOTS_MOST: Final = 3_000_000
"""Lines about slots in one reading."""
WAITING_MOST: Final = 50_000
"""Slots that wait for their calendar to be described; what comes after them is rejected."""
BATCH: Final = 1_000
PORTION: Final = 50_000
"""Slots that are held in memory, and stored in one transaction. The larger, the more neighbours are stored together."""
_POSITIVE: Final = (1 << 63) - 1
_PRAGMAS: Final = {
    # The indexes of many slots find room: with the usual 2 MB they go in and out all the time.
    "cache_size": ("-32768", "-2000"),
    # A page of an index that many feeds write is moved into the database once for all of them.
    "wal_autocheckpoint": ("8000", "1000"),
}
"""How SQLite works while feeds are read, and else."""

_Said = tuple[str, bool, tuple[int, int, int | None, str, str | None, str | None, int, int]]
"""Of a slot: its calendar, whether it is free and to come, and the columns of `Slot` from `start_s` on."""
_Sessions = Callable[[], AbstractContextManager[Session]]
_Item = TypeVar("_Item")

Reject = Callable[[RejectedRow], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much a reading is to be believed about what it does not say.

    `is_whole`: what it does not say is gone; `forgets`: calendars and places too. `unread`: keys of the files that did
    not change, whose slots stay. `believed`: even if hardly anything is left.
    """

    is_whole: bool
    forgets: bool = False
    unread: Collection[int] = ()
    believed: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """What a reading changed: slots written, slots gone. `is_held`: too much would have gone, and did not."""

    written: int
    gone: int
    is_held: bool


@dataclass(slots=True)
class _Survey:
    """What is known after all was stored: taken slots to come, such of files that were not read, keys not said."""

    taken_to_come: int = 0
    unread: int = 0
    unsaid: array[int] = field(default_factory=lambda: array("q"))


@contextmanager
def connected(database: Database) -> Iterator[Database]:
    """The database through one connection that is fit for readings. For one thread, feed after feed."""
    with database.pinned() as pinned:
        with pinned.session(write=False) as session:
            driver = _sqlite_driver(session)
        _tell(driver, [f"PRAGMA {name}={then}" for name, (then, _) in _PRAGMAS.items()])
        try:
            yield pinned
        finally:
            _tell(driver, [f"PRAGMA {name}={usual}" for name, (_, usual) in _PRAGMAS.items()])


class Intake:
    """One reading of one feed. `database`: that of `connected`; `reject` is told what cannot be used.

    `beat` is called between batches, and may raise to end the reading.
    """

    def __init__(
        self,
        database: Database,
        feed_id: int,
        provider: Provider,
        *,
        now: datetime,
        reject: Reject,
        beat: Callable[[], None],
    ) -> None:
        self._database = database
        self._feed_id = feed_id
        self._provider = provider
        self._now = now
        self._now_s = int(now.timestamp())
        self._reject = reject
        self._beat = beat
        self._places: dict[str, PlaceRecord] = {}
        self._schedules: dict[str, ScheduleRecord] = {}
        self._new_places: dict[str, PlaceRecord] = {}
        self._new_schedules: dict[str, ScheduleRecord] = {}
        self._held: dict[int, _Said] = {}
        self._waiting: dict[int, _Said] = {}
        self._said = SaidSlots()
        self._lines = 0
        self._known_before: int | None = None
        self._written = 0

    @property
    def schedules_said(self) -> int:
        """How many calendars were described so far."""
        return len(self._schedules)

    def take(self, items: Iterable[SlotItem], file: int) -> None:
        """Take in what a file says. Raises TooLargeError, and whatever the items or `beat` raise."""
        for batch in _batches(items, BATCH):
            self._lines += len(batch)
            if self._lines > SLOTS_MOST:
                raise TooLargeError(f"more than {SLOTS_MOST} lines")
            self._take_batch(batch, file)
            if len(self._held) >= PORTION:
                self._store_portion()
            self._beat()
        self._beat()

    def store(self, scope: Scope) -> Stored:
        """Store the rest; what was known and is gone goes."""
        communes = self._communes()
        with self._database.session() as session:
            rejected = self._describe(session, communes)
            unknown = self._put(session, self._waiting | self._held)
            # What calendars are searched by may have been written anew, too.
            refresh_first_starts(session, self._feed_id)
            self._said.note(UNUSABLE, unknown)
            words = self._said.settle()
            # A small feed is stored whole in one transaction.
            is_small = self._lines + (self._known_before or 0) <= PORTION
            stored = self._forget(lambda: nullcontext(session), words, scope) if is_small else None
        for row in rejected:
            self._reject(row)
        self._reject_slots(unknown.values())
        return stored or self._forget(self._database.session, words, scope)

    def _take_batch(self, batch: Sequence[SlotItem], file: int) -> None:
        held, now_s = self._held, self._now_s
        digested, from_bytes = hashlib.blake2b, int.from_bytes
        for item in batch:
            if type(item) is not SlotRecord:
                self._take_other(item)
                continue
            source_id, schedule_id, is_free, start_s, end_s, capacity, link, phone = item
            said = repr((schedule_id, start_s, end_s, capacity, link, phone)).encode()
            digest = from_bytes(digested(said, digest_size=8).digest()) & _POSITIVE
            facts = (start_s, end_s, capacity, source_id, link, phone, file, digest)
            held[slot_key(source_id)] = (schedule_id, is_free and end_s > now_s, facts)

    def _take_other(self, item: SlotItem) -> None:
        if isinstance(item, RejectedRow):
            self._reject(item)
        elif isinstance(item, PlaceRecord):
            self._places[item.source_id] = self._new_places[item.source_id] = item
        elif isinstance(item, ScheduleRecord):
            self._schedules[item.source_id] = self._new_schedules[item.source_id] = item
        if len(self._places) > HELD_MOST or len(self._schedules) > HELD_MOST:
            raise TooLargeError(f"more than {HELD_MOST} places or calendars")

    def _store_portion(self) -> None:
        """Store what is held, but for slots of calendars that are not known yet: some of them wait."""
        communes = self._communes()
        with self._database.session() as session:
            # Their places may yet come.
            self._new_schedules = {row.raw: self._schedules[row.raw] for row in self._describe(session, communes)}
            unknown = self._put(session, self._held)
            refresh_first_starts(session, self._feed_id)
        for key in self._held.keys() & self._waiting.keys():
            del self._waiting[key]
        self._held = {}
        room = WAITING_MOST - len(self._waiting)
        self._waiting |= dict(islice(unknown.items(), room))
        refused = dict(islice(unknown.items(), room, None))
        self._said.note(UNUSABLE, refused)
        self._reject_slots(refused.values())

    def _communes(self) -> dict[str, str | None]:
        return communes_of(self._database, self._feed_id, self._new_places.values())

    def _describe(self, session: Session, communes: Mapping[str, str | None]) -> list[RejectedRow]:
        """Store the places and calendars that were said since the last time; give the calendars that have no place."""
        store_places(session, self._feed_id, self._new_places.values(), communes)
        rejected = store_schedules(session, self._feed_id, self._provider, self._new_schedules.values())
        self._new_places, self._new_schedules = {}, {}
        return rejected

    def _put(self, session: Session, portion: Mapping[int, _Said]) -> dict[int, _Said]:
        """Store the free slots of a portion, and note the others; give those of no known calendar.

        In the order of their keys, in which `Slot` lies. What did not change is not written.
        """
        connection = session.connection()
        if self._known_before is None:
            self._known_before = statements.count_to_come(connection, self._feed_id, self._now_s)
        ids = queries.schedule_ids_of(session, self._feed_id) if portion else {}
        rows: list[SlotRow] = []
        taken: list[int] = []
        unknown: dict[int, _Said] = {}
        for key in sorted(portion):
            schedule_id, is_free, facts = portion[key]
            if not is_free:
                taken.append(key)
            elif (schedule := ids.get(schedule_id)) is None:
                unknown[key] = portion[key]
            else:
                rows.append((self._feed_id, key, schedule, *facts))
        self._said.note(TAKEN, taken)
        self._said.note(STORED, [row[1] for row in rows])
        self._write(session, rows)
        return unknown

    def _write(self, session: Session, rows: Sequence[SlotRow]) -> None:
        connection = session.connection()
        known = statements.known_among(connection, self._feed_id, [row[1] for row in rows])
        changed = [row for row in rows if known.get(row[1]) != (row[9], row[10])]
        statements.write_slots(connection, changed)
        statements.mark_new(connection, {row[2] for row in changed if row[1] not in known}, self._now)
        self._written += len(changed)

    def _forget(self, sessions: _Sessions, words: LastWords, scope: Scope) -> Stored:
        """Forget the slots that are taken and, where the reading says all and is believed, those it does not say."""
        with sessions() as session:
            survey = self._survey(session, words, scope)
        is_held = (
            scope.is_whole
            and not scope.believed
            and is_shrunk(
                known=(self._known_before or 0) - survey.taken_to_come, left=words.count(STORED) + survey.unread
            )
        )
        forgets = scope.is_whole and not is_held
        gone = 0
        for keys in _batches([*words.keys(TAKEN), *(survey.unsaid if forgets else ())], PORTION):
            with sessions() as session:
                gone += statements.delete_among(session.connection(), self._feed_id, keys)
                refresh_first_starts(session, self._feed_id)
        if forgets and scope.forgets:
            with sessions() as session:
                forget_unsaid(session, self._feed_id, places=self._places, schedules=self._schedules)
        return Stored(self._written, gone, is_held)

    def _survey(self, session: Session, words: LastWords, scope: Scope) -> _Survey:
        """Compare what is known now with what was said."""
        connection = session.connection()
        survey = _Survey()
        if not scope.is_whole or statements.count_slots(connection, self._feed_id) == words.count(STORED):
            return survey  # nothing else is known
        unread = np.fromiter(scope.unread, dtype=np.int64)
        after = -1
        while rows := statements.slots_after(connection, self._feed_id, after, most=PORTION):
            keys, files, ends_s = np.array(rows, dtype=np.int64).T
            word, is_unread = words.on(keys), np.isin(files, unread)
            survey.taken_to_come += int(np.count_nonzero((word == TAKEN) & (ends_s > self._now_s)))
            survey.unread += int(np.count_nonzero((word == UNSAID) & is_unread))
            survey.unsaid.extend(keys[~is_unread & ((word == UNSAID) | (word == UNUSABLE))].tolist())
            after = int(keys[-1])
        return survey

    def _reject_slots(self, slots: Iterable[_Said]) -> None:
        for _, _, (_, _, _, source_id, *_) in slots:
            self._reject(RejectedRow(0, "schedule_unknown: The slot names no known calendar.", source_id))


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some


def _sqlite_driver(session: Session) -> Any:
    """The driver's connection to SQLite; None elsewhere."""
    connection = session.connection()
    return connection.connection.driver_connection if connection.dialect.name == "sqlite" else None


def _tell(driver: Any, pragmas: Sequence[str]) -> None:
    """Set how SQLite works on this connection. Inside a transaction of somebody else's it stays as it is."""
    if driver is not None and not driver.in_transaction:
        for pragma in pragmas:
            driver.execute(pragma)
