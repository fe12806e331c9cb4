"""Threads that share themselves among many outside services, so that a slow one cannot take them all."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Final

Work = Callable[[], None]
_UNPROVEN: Final = ""
_MOST_PROVEN: Final = 1_000
"""Services remembered as quick; beyond that some have to prove it again."""


class FairPool:
    """Daemon threads that take the work of each service in turn.

    A service that is not known to answer quickly is unproven: all of these together get a quarter of the threads, so
    that addresses made up to hang hold up nobody else. A proven one gets at most three quarters.
    """

    def __init__(self, *, threads: int, name: str) -> None:
        self._few = max(1, threads // 4)
        self._many = max(1, threads - self._few)
        self._changed = threading.Condition()
        self._proven: set[str] = set()
        self._waiting: dict[bool, OrderedDict[str, deque[Work]]] = {True: OrderedDict(), False: OrderedDict()}
        self._busy: Counter[str] = Counter()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, service: str, work: Work) -> None:
        """Let a thread do it when it is this service's turn. `work` raises nothing."""
        with self._changed:
            lane = self._waiting[service in self._proven]
            lane.setdefault(service, deque()).append(work)
            self._changed.notify()

    def judge(self, service: str, *, quick: bool) -> None:
        """Say how it answered the last time: a quick one is proven until it is slow again."""
        with self._changed:
            if quick == (service in self._proven):
                return
            if quick:
                if len(self._proven) >= _MOST_PROVEN:
                    self._proven.pop()
                self._proven.add(service)
            else:
                self._proven.discard(service)
            if (waiting := self._waiting[not quick].pop(service, None)) is not None:
                self._waiting[quick].setdefault(service, deque()).extend(waiting)
            self._changed.notify_all()

    def close(self, *, timeout_s: float) -> None:
        """Let the threads finish what waits (which sees by itself that it is over), each waited for at most so long."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                while (taken := self._take()) is None:
                    if self._closing and not any(self._waiting.values()):
                        return
                    self._changed.wait()
            lane, work = taken
            try:
                work()
            finally:
                del work, taken
                with self._changed:
                    self._busy[lane] -= 1
                    if not self._busy[lane]:
                        del self._busy[lane]
                    # This thread takes what it made room for; only those that wait for the end must hear of it.
                    if self._closing:
                        self._changed.notify_all()

    def _take(self) -> tuple[str, Work] | None:
        for service in self._waiting[True]:
            if self._busy[service] < self._many:
                return service, self._pop(self._waiting[True], service)
        if self._waiting[False] and self._busy[_UNPROVEN] < self._few:
            return _UNPROVEN, self._pop(self._waiting[False], next(iter(self._waiting[False])))
        return None

    def _pop(self, lane: OrderedDict[str, deque[Work]], service: str) -> Work:
        """Take the next work of a service, whose turn then comes after the others'."""
        work = lane[service].popleft()
        if lane[service]:
            lane.move_to_end(service)
        else:
            del lane[service]
        self._busy[_UNPROVEN if lane is self._waiting[False] else service] += 1
        return work
