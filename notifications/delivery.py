"""One chunk, from its claim to its last answer. No transaction is open while something is sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from notifications import ledger
from notifications.answers import Judge
from notifications.leases import Lease
from notifications.loading import Letter, load
from notifications.models import Wave
from notifications.notes import Notes
from notifications.outbox import look, superseded
from notifications.pace import Pacer
from notifications.platforms import PLATFORM_OF, alarm
from notifications.problems import WaveSettled
from notifications.settling import Again, Results, Settled, settle
from notifications.steps import reached
from notifications.transports.base import Answer, Parcel, Transport
from notifications.transports.fcm_answers import THIRD_PARTY
from notifications.wave_actions import stop_messages, stop_wave

AT_ONCE: Final = {"webpush": 50}
"""How many are handed over at once where any of them may keep us waiting: what is said of the rest meanwhile (a newer
word, a stop) is looked at before the next."""
_LAST: Final = "webpush"
"""Anybody may run such a service, and be slow: who is reached otherwise does not wait for it."""
_LONGEST_STAY_S: Final = 5.0
_LEFT_FOR: Final = timedelta(seconds=5)
"""A chunk that stays longer on a platform is left for so long."""
TRANSIENT: Final = (OperationalError, InterfaceError, PoolTimeoutError)
"""What a database says that is restarted, or where two waited for each other."""
SETTLED_EVERY_S: Final = 0.25
SETTLED_AT_ONCE: Final = 500
"""Answers that are written together, at the latest after so long."""
_PATIENCE_S: Final = 60.0
"""How long known answers wait for a database that is gone."""
_NO_ANSWER: Final = Answer("again", "no_answer", maybe_delivered=True)
_log = logging.getLogger("alentours.sending")


@dataclass(frozen=True, kw_only=True)
class Office:
    """What all deliveries of a process share. `transports` by platform.

    `stopping`: begin nothing new. `abandoning`: wait for nothing any more. `warned`: waves of which it was said that
    some of their registrations have no transport.
    """

    database: Database
    transports: Mapping[str, Transport]
    notes: Notes
    pacer: Pacer
    clock: Clock
    stopping: threading.Event = field(default_factory=threading.Event)
    abandoning: threading.Event = field(default_factory=threading.Event)
    warned: set[int] = field(default_factory=set)


class Delivery:
    """Delivers the chunk of a lease."""

    def __init__(self, office: Office, lease: Lease) -> None:
        self._office = office
        self._lease = lease
        self._claim = lease.claim
        self._results = Results()
        self._judge = Judge(office.database, office.clock)
        self._resting: dict[str, datetime] = {}
        self._newest = self._claim.wave_id
        self._replaced: set[str] = set()
        self._is_stopped = False
        self._is_malformed = False
        self._has_unanswered = False
        self._has_answer = False
        self._settled_at_s = time.monotonic()

    def run(self) -> bool:
        """Send what is due, and write what came of it; True when nothing in the chunk is pending any more."""
        try:
            self._send_all()
        except TRANSIENT as error:
            # What is known is written when the database is back; the rest is due again then.
            _log.warning("a delivery was interrupted (%s)", type(error).__name__)
        except Exception:
            self._write(last=False)
            raise
        return self._finish()

    def _send_all(self) -> None:
        loaded = load(self._office.database, self._office.notes, self._claim, now=self._office.clock())
        self._results.states.update(loaded.done)
        self._resting = loaded.resting
        reached("send.loaded")
        if loaded.malformed:
            self._stop_wave("words")
        waiting = loaded.letters
        while waiting and self._goes_on():
            onward: list[Letter] = []
            for platform, letters in sorted(self._route(waiting).items(), key=lambda routed: routed[0] == _LAST):
                onward += self._send(self._office.transports[platform], letters)
            waiting = onward
        reached("send.all_answered")

    def _goes_on(self) -> bool:
        return not (self._is_stopped or self._lease.lost or self._office.stopping.is_set())

    def _route(self, letters: Sequence[Letter]) -> dict[str, list[Letter]]:
        """Letters by the platform on which each goes next. One that goes nowhere has its end, or waits."""
        routed: dict[str, list[Letter]] = {}
        for letter in letters:
            while letter.ways:
                platform = PLATFORM_OF.get(letter.ways[0].kind, "")
                if platform in self._resting:
                    letter.waits_until = min(self._resting[platform], letter.waits_until or self._resting[platform])
                elif platform in self._office.transports:
                    routed.setdefault(platform, []).append(letter)
                    break
                else:
                    letter.unreachable = letter.ways[0]
                del letter.ways[0]
            else:
                self._end(letter)
        return routed

    def _end(self, letter: Letter) -> None:
        """No way is left that could be tried now."""
        if letter.waits_until is not None:
            at = min(letter.waits_until, letter.note.expires_at)
            self._results.retry(Again(at, went_out=False, maybe_delivered=False), letter.device_id)
            return
        if (way := letter.unreachable) is not None:
            self._results.tried(
                PLATFORM_OF.get(way.kind, way.kind),
                "no_transport",
                "no_transport",
                registration_id=way.registration_id,
                device_id=letter.device_id,
            )
            if self._claim.wave_id not in self._office.warned:
                self._office.warned.add(self._claim.wave_id)
                _log.warning("wave %d: some devices have only ways that are not configured here", self._claim.wave_id)
        self._results.finish(ledger.DEAD, letter.device_id)

    def _send(self, transport: Transport, letters: Sequence[Letter]) -> list[Letter]:
        """Send letters on one platform, at the pace of all; give those that have another way to try."""
        onward: list[Letter] = []
        start = 0
        began_s = time.monotonic()
        while start < len(letters):
            if transport.platform in self._resting:
                return [*onward, *letters[start:]]
            if time.monotonic() - began_s > _LONGEST_STAY_S:
                self._leave(letters[start:])
                break
            count = self._turn(min(len(letters) - start, AT_ONCE.get(transport.platform, len(letters))))
            if not count:
                break
            portion = self._still_worth(letters[start : start + count])
            start += count
            if portion and not self._is_stopped:
                onward += self._hand_over(transport, portion)
        return onward

    def _leave(self, letters: Sequence[Letter]) -> None:
        """Let other chunks have their turn, where a platform is slow: these are due again in a moment."""
        soon = self._office.clock() + _LEFT_FOR
        for letter in letters:
            at = min(soon, letter.note.expires_at)
            self._results.retry(Again(at, went_out=False, maybe_delivered=letter.maybe_delivered), letter.device_id)

    def _turn(self, wanted: int) -> int:
        """Wait until some may go, and give how many; 0 when nothing may any more."""
        while self._goes_on():
            turn = self._office.pacer.take(wanted, lane=self._claim.lane)
            if turn.wait_s > 0:
                self._office.stopping.wait(turn.wait_s)
            if turn.count:
                return turn.count if self._goes_on() else 0
        return 0

    def _still_worth(self, letters: Sequence[Letter]) -> list[Letter]:
        """The letters that are not over at the last moment: by their time, a newer word, or a stop."""
        outlook = look(self._office.database, self._claim)
        self._is_stopped |= outlook.is_stopped
        if outlook.newest != self._newest:
            self._newest = outlook.newest
            with self._office.database.session(write=False) as session:
                self._replaced = superseded(session, self._claim)
        now = self._office.clock()
        worth = []
        for letter in letters:
            if letter.note.expires_at <= now or letter.device_id in self._replaced:
                self._results.finish(letter.over, letter.device_id)
            else:
                worth.append(letter)
        return worth

    def _hand_over(self, transport: Transport, portion: Sequence[Letter]) -> list[Letter]:
        """Give a portion to its transport and take the answers; give the letters that have another way to try."""
        parcels = []
        for letter in portion:
            number, kind, value, p256dh, auth, _ = letter.ways[0]
            parcels.append(Parcel(number, kind, value, letter.note, p256dh, auth))
        onward: list[Letter] = []
        unanswered = dict(enumerate(portion))
        with ExitStack() as stack:
            answers = transport.send(parcels)
            stack.callback(getattr(answers, "close", lambda: None))
            try:
                for batch in answers:
                    onward += self._take(transport.platform, [(unanswered.pop(index), one) for index, one in batch])
                    if unanswered:
                        if self._lease.lost or self._office.abandoning.is_set():
                            self._has_unanswered = True
                            return onward
                        self._write_if_due()
            except TRANSIENT:
                self._has_unanswered = True
                raise
            except Exception as error:  # noqa: BLE001 - a transport that breaks its promise must not lose the rest
                _log.error("transport %s failed (%s)", transport.platform, type(error).__name__)
        return onward + self._take(transport.platform, [(letter, _NO_ANSWER) for letter in unanswered.values()])

    def _take(self, platform: str, answered: Sequence[tuple[Letter, Answer]]) -> list[Letter]:
        """Note what came of letters; give those that have another way to try."""
        if answered and not self._has_answer:
            self._has_answer = True
            reached("send.first_answer")
        results = self._results
        onward = []
        troubled = []
        for letter, answer in answered:
            verdict = answer.verdict
            results.tried(
                platform,
                verdict,
                answer.code,
                registration_id=letter.ways[0].registration_id,
                device_id=letter.device_id,
            )
            if verdict == "accepted":
                results.finish(ledger.ACCEPTED, letter.device_id)
            else:
                troubled.append(answer)
                if self._judge.judge(results, letter, answer):
                    onward.append(letter)
        if troubled:
            self._mind(platform, troubled)
        return onward

    def _mind(self, platform: str, answers: Sequence[Answer]) -> None:
        """Do what answers ask for beside their messages, once for all that came together."""
        slow = [answer.retry_after_s or 0.0 for answer in answers if answer.slow_down]
        if slow:
            self._office.pacer.slow_down(max(slow))
        if any(answer.code == THIRD_PARTY for answer in answers):
            alarm(platform, THIRD_PARTY)
        for answer in answers:
            if answer.verdict == "stop_platform" and platform not in self._resting:
                self._resting[platform] = self._judge.stop_platform(platform, answer)
            if answer.verdict == "malformed" and not self._is_stopped:
                self._stop_wave(answer.code)

    def _stop_wave(self, code: str) -> None:
        self._is_stopped = self._is_malformed = True
        with self._office.database.session() as session:
            wave = session.get(Wave, self._claim.wave_id)
            try:
                stops = wave is not None and stop_wave(
                    session, wave, reason=f"malformed: {code}", now=self._office.clock()
                )
            except WaveSettled:
                stops = False
        if stops:
            _log.error("WAVE %d STOPPED: a message of it is malformed (%s)", self._claim.wave_id, code)

    def _write_if_due(self) -> None:
        waited_s = time.monotonic() - self._settled_at_s
        if self._results.count >= SETTLED_AT_ONCE or (self._results.count and waited_s >= SETTLED_EVERY_S):
            self._write(last=False)

    def _finish(self) -> bool:
        settled = self._write(last=True)
        if self._is_malformed:
            stop_messages(self._office.database, self._claim.wave_id, now=self._office.clock())
        return settled.is_closed

    def _write(self, *, last: bool) -> Settled:
        """Write what is known. A database that is gone is waited for: answers cannot be asked for again."""
        results, self._results = self._results, Results()
        ends_at_s = time.monotonic() + _PATIENCE_S
        pause_s = 0.1
        while True:
            try:
                settled = settle(
                    self._office.database,
                    self._claim,
                    results,
                    now=self._office.clock(),
                    last=last,
                    unanswered=self._has_unanswered,
                )
            except TRANSIENT:
                if time.monotonic() > ends_at_s or self._office.abandoning.wait(pause_s):
                    raise
                pause_s = min(2 * pause_s, 2.0)
            else:
                self._settled_at_s = time.monotonic()
                self._lease.lost |= not settled.is_ours
                return settled
