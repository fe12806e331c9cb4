"""Our HTTP/2 client: many small posts to one origin, over a few connections that all senders share.

One thread does all the reading and writing. Libraries that we tried spend 10 to 100 times more on each message
(docs/performance.md). Nothing is retried here: each request is written at most once.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from random import random
from typing import Final

from notifications.transports.http2_connection import Connection, Outcome, Request
from notifications.transports.http2_dial import DialError, Origin, dial
from notifications.transports.http2_frames import Fields, HeadReader, Lost, ProtocolError

_SLICE: Final = 50
"""Requests of one job before another job has its turn: a small job does not wait for a large one."""
_RECEIVE_BYTES: Final = 65_536
_MOST_UNWRITTEN: Final = 65_536
"""Beyond it nothing is started on a connection: what is started leaves at once, so that expiry is checked last."""
_TICK_S: Final = 0.05
_IDLE_S: Final = 60.0
_BACK_OFF_S: Final = (0.25, 8.0)
_MOST_DOUBLINGS: Final = 10
_SLOWEST_PER_S: Final = 100.0


class Job:
    """Requests of one sender, with the same header. `answers` gets lists of (index, outcome).

    `over`: set when the pool gave up on it; nothing further should be submitted. A job lasts `timeout_s` after its
    last answer, and in all three times that and 10 ms a request.
    """

    def __init__(self, fields: Fields, *, size: int, timeout_s: float) -> None:
        self.fields = fields
        self.answers: SimpleQueue[list[tuple[int, Outcome]]] = SimpleQueue()
        self.over: Lost | None = None
        self.abandoned = False
        self.waiting: deque[Request] = deque()
        self.settled: list[tuple[int, Outcome]] = []
        now = time.monotonic()
        self.stalls_at = now + timeout_s
        self.ends_at = now + 3 * timeout_s + size / _SLOWEST_PER_S


class _Link:
    """A connection and its socket."""

    def __init__(self, sock: ssl.SSLSocket, connection: Connection, now: float) -> None:
        self.sock = sock
        self.connection = connection
        self.used_at = now
        self.mask = selectors.EVENT_READ


class Pool:
    """Connections to one origin. Safe to use from several threads; a forked child starts anew.

    `epoch_s`: the time, in seconds since 1970, against which `Request.not_after` is held.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        context: ssl.SSLContext,
        connections: int,
        streams: int,
        timeout_s: float,
        epoch_s: Callable[[], float],
    ) -> None:
        self._origin, self._context = origin, context
        self._most_links, self._streams, self._timeout_s = connections, streams, timeout_s
        self._epoch_s = epoch_s
        self.trouble: str | None = None
        """Why the last attempt to connect failed (see DialError), or None."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._begin()
        _pools.add(self)

    def _begin(self) -> None:
        self._incoming: deque[tuple[Job, Sequence[Request]]] = deque()
        self._dialled: deque[ssl.SSLSocket | DialError] = deque()
        self._jobs: deque[Job] = deque()
        self._touched: dict[Job, None] = {}
        self._links: list[_Link] = []
        self._dialling = 0
        self._failures = 0
        self._quiet_until = 0.0
        self._heads = HeadReader()
        self._awake = False

    def _forget(self) -> None:
        """In a forked child: let go of the parent's connections, without a word to the peer, and begin anew."""
        if self._thread is not None:
            for link in self._links:
                link.sock.close()
            self._close_bell()
        self._lock = threading.Lock()
        self._thread = None
        self._begin()

    @property
    def window(self) -> int:
        """How many requests can be under way."""
        return self._most_links * self._streams

    def retry_after_s(self) -> float:
        """How long it makes no sense to ask again, because connecting fails."""
        return max(0.0, self._quiet_until - time.monotonic())

    def submit(self, job: Job, requests: Sequence[Request]) -> None:
        """Have requests sent; each is answered once in `job.answers`."""
        with self._lock:
            if not self._closing:
                if self._thread is None:
                    self._start()
                self._incoming.append((job, requests))
                self._wake()
                return
        job.over = Lost.UNSENT
        job.answers.put([(request.index, Lost.UNSENT) for request in requests])

    def close(self) -> None:
        """End the thread and the connections; what is under way is answered as lost."""
        with self._lock:
            self._closing = True
            thread, self._thread = self._thread, None
            if thread is not None:
                self._wake()
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        self._ears, self._bell = socket.socketpair()
        for end in (self._ears, self._bell):
            end.settimeout(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ears, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="push-http2", daemon=True)
        self._thread.start()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            try:
                self._bell.send(b"\0")
            except OSError:  # full: it is awake anyway; closed: it ended
                return

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._end()

    def _serve(self) -> None:
        checked_at = 0.0
        while not self._closing:
            for key, mask in self._selector.select(self._patience()):
                if key.data is None:
                    self._ears.recv(_RECEIVE_BYTES)
                elif mask & selectors.EVENT_READ:
                    self._read(key.data)
            self._awake = False
            now = time.monotonic()
            self._take_in(now)
            self._hand_out(now)
            for link in list(self._links):
                if link.connection.out:
                    self._write(link)
            if now - checked_at >= _TICK_S:
                checked_at = now
                self._check_times(now)
            self._deliver()

    def _patience(self) -> float | None:
        if self._jobs or self._dialling or any(len(link.connection) for link in self._links):
            return _TICK_S
        return 1.0 if self._links else None

    def _take_in(self, now: float) -> None:
        while self._incoming:
            job, requests = self._incoming.popleft()
            if not job.waiting:
                self._jobs.append(job)
                job.stalls_at = max(job.stalls_at, now + self._timeout_s)
            job.waiting.extend(requests)
        while self._dialled:
            result = self._dialled.popleft()
            self._dialling -= 1
            if isinstance(result, DialError):
                self._failed(now, result.trouble)
                continue
            self.trouble = None
            connection = Connection(streams=self._streams, settle=self._settle, heads=self._heads)
            link = _Link(result, connection, now)
            self._links.append(link)
            self._selector.register(result, link.mask, link)

    def _hand_out(self, now: float) -> None:
        """Start what waits, as far as the connections allow, and have more of them opened if they do not suffice."""
        if not self._jobs:
            return
        deadline, epoch_s = now + self._timeout_s, self._epoch_s()
        for link in self._links:
            connection = link.connection
            while self._jobs and len(connection.out) < _MOST_UNWRITTEN and (room := connection.capacity()):
                link.used_at = now
                self._start_some(connection, min(room, _SLICE), deadline, epoch_s)
        if self._jobs:
            self._dial_more(now)

    def _start_some(self, connection: Connection, most: int, deadline: float, epoch_s: float) -> None:
        job = self._jobs.popleft()
        waiting, fields = job.waiting, job.fields
        if job.abandoned:
            waiting.clear()
            return
        for _ in range(min(most, len(waiting))):
            request = waiting.popleft()
            if request.not_after <= epoch_s:
                self._settle(request, Lost.EXPIRED)
                continue
            connection.start(request, fields, deadline)
            if not connection.capacity():
                break
        if waiting:
            self._jobs.append(job)

    def _dial_more(self, now: float) -> None:
        usable = sum(not link.connection.retiring for link in self._links)
        if now < self._quiet_until:
            if not usable and not self._dialling:
                self._give_up(Lost.UNREACHABLE)
            return
        waiting = sum(len(job.waiting) for job in self._jobs)
        unready = self._dialling + sum(not link.connection.ready for link in self._links)
        wanted = min(-(-waiting // self._streams) - unready, self._most_links - self._dialling - usable)
        for _ in range(wanted):
            self._dialling += 1
            threading.Thread(target=self._dial, name="push-http2-dial", daemon=True).start()

    def _dial(self) -> None:
        """Looking up a name cannot be made not to block: a thread does it."""
        try:
            result: ssl.SSLSocket | DialError = dial(self._origin, self._context, self._timeout_s)
        except DialError as error:
            result = error
        with self._lock:
            if self._thread is not None:
                self._dialled.append(result)
                self._wake()
            elif isinstance(result, ssl.SSLSocket):
                result.close()

    def _failed(self, now: float, trouble: str) -> None:
        """Wait longer after each failure in a row; with no connection left, nobody waits for the next attempt."""
        least, most = _BACK_OFF_S
        self.trouble = trouble
        if now >= self._quiet_until:
            self._failures += 1
            spread = 0.5 + random() / 2  # noqa: S311  only keeps workers apart
            self._quiet_until = now + spread * min(most, least * 2 ** min(self._failures, _MOST_DOUBLINGS))
        if not self._links and not self._dialling:
            self._give_up(Lost.UNREACHABLE)

    def _give_up(self, outcome: Lost, jobs: Sequence[Job] | None = None) -> None:
        for job in list(self._jobs) if jobs is None else jobs:
            job.over = outcome
            while job.waiting:
                self._settle(job.waiting.popleft(), outcome)
            self._jobs.remove(job)

    def _read(self, link: _Link) -> None:
        try:
            while data := link.sock.recv(_RECEIVE_BYTES):
                link.connection.receive(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if link.connection.answered:
                self._failures = 0
            return
        except ProtocolError as error:
            link.connection.say_goodbye(error.code)
            self._write(link)
        except OSError:
            pass
        self._drop(link, blame=True)

    def _write(self, link: _Link) -> None:
        connection = link.connection
        wanted = selectors.EVENT_READ
        try:
            while connection.out:
                with memoryview(connection.out) as view:
                    count = link.sock.send(view)
                connection.wrote(count)
        except ssl.SSLWantWriteError:
            wanted |= selectors.EVENT_WRITE
        except ssl.SSLWantReadError:
            pass  # comes again with the next bytes that arrive
        except OSError:
            self._drop(link, blame=True)
            return
        if wanted != link.mask and link in self._links:
            link.mask = wanted
            self._selector.modify(link.sock, wanted, link)

    def _drop(self, link: _Link, *, blame: bool) -> None:
        if link not in self._links:
            return
        self._links.remove(link)
        self._selector.unregister(link.sock)
        link.sock.close()
        link.connection.lose()
        if blame and not link.connection.answered:
            # A peer that accepts connections and answers nothing is as good as none.
            self._failed(time.monotonic(), "cut")

    def _check_times(self, now: float) -> None:
        for link in list(self._links):
            connection = link.connection
            connection.time_out(now)
            if len(connection):
                link.used_at = now
            elif connection.retiring or now - link.used_at > (_IDLE_S if connection.ready else self._timeout_s):
                connection.say_goodbye()
                self._write(link)
                self._drop(link, blame=connection.retiring or not connection.ready)
        late = [job for job in self._jobs if now > min(job.stalls_at, job.ends_at)]
        if late:
            usable = any(link.connection.ready and not link.connection.retiring for link in self._links)
            self._give_up(Lost.UNSENT if usable else Lost.UNREACHABLE, late)

    def _settle(self, request: Request, outcome: Outcome) -> None:
        job = request.owner
        job.settled.append((request.index, outcome))
        self._touched[job] = None

    def _deliver(self) -> None:
        if not self._touched:
            return
        stalls_at = time.monotonic() + self._timeout_s
        for job in self._touched:
            settled, job.settled = job.settled, []
            if any(not isinstance(outcome, Lost) for _, outcome in settled):
                job.stalls_at = stalls_at
            job.answers.put(settled)
        self._touched.clear()

    def _end(self) -> None:
        """Whatever happened, nobody is left waiting; after an error of ours the next request starts anew."""
        with self._lock:
            self._thread = None
            self._take_in(time.monotonic())
            for link in list(self._links):
                link.connection.say_goodbye()
                self._write(link)
                self._drop(link, blame=False)
            self._give_up(Lost.UNSENT)
            self._deliver()
            self._close_bell()
            self._begin()

    def _close_bell(self) -> None:
        self._selector.close()
        self._ears.close()
        self._bell.close()


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _forget_in_child() -> None:
    for pool in list(_pools):
        pool._forget()  # noqa: SLF001  of this module


os.register_at_fork(after_in_child=_forget_in_child)
