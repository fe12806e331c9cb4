"""One call of a transport: many threads answer, one reader gets every answer once, within a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue

from notifications.transports.base import Answer
from notifications.transports.webpush_answers import ABANDONED, NO_TURN

Answered = list[tuple[int, Answer]]


class Call:
    """Indices that are expected, those begun, and a queue of what came of them.

    Nothing is begun after `patience_s`; whatever has no answer `grace_s` later is given up.
    """

    def __init__(self, *, patience_s: float, grace_s: float) -> None:
        self._last_begin = time.monotonic() + patience_s
        self._end = self._last_begin + grace_s
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._begun: set[int] = set()
        self._answers: SimpleQueue[tuple[int, Answer]] = SimpleQueue()

    def expect(self, index: int) -> None:
        """Take note that an answer is to come."""
        with self._lock:
            self._open.add(index)

    def begin(self, index: int) -> bool:
        """Whether this one may be sent now: not when the reader is gone, nor when there is no time left."""
        with self._lock:
            if index not in self._open:
                return False
            if time.monotonic() < self._last_begin:
                self._begun.add(index)
                return True
        self.answer(index, NO_TURN)
        return False

    def answer(self, index: int, answer: Answer) -> None:
        """Give an answer; a second one, or one too late, counts for nothing."""
        with self._lock:
            if index in self._open:
                self._open.discard(index)
                self._answers.put((index, answer))

    def batches(self) -> Iterator[Answered]:
        """Give the answers as they come, until every index has one."""
        while batch := self._next():
            yield batch

    def close(self) -> None:
        """Abandon the rest: what was not begun will not be sent."""
        with self._lock:
            self._open.clear()

    def _next(self) -> Answered:
        with self._lock:
            nothing_to_come = not self._open
        try:
            left_s = 0.0 if nothing_to_come else max(0.0, self._end - time.monotonic())
            batch = [self._answers.get(timeout=left_s)]
        except Empty:
            return self._given_up()
        while True:
            try:
                batch.append(self._answers.get_nowait())
            except Empty:
                return batch

    def _given_up(self) -> Answered:
        with self._lock:
            left, self._open = self._open, set()
        return [(index, ABANDONED if index in self._begun else NO_TURN) for index in sorted(left)]
