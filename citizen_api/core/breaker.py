"""Guards before an outside system: stop asking one that is down, and never ask faster than agreed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

Monotonic = Callable[[], float]


class Breaker:
    """Opens after `failures` in a row, for `open_s`; then one trial passes, which closes or reopens it."""

    def __init__(self, *, failures: int, open_s: float, monotonic: Monotonic = time.monotonic) -> None:
        self._limit = failures
        self._open_s = open_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failed = 0
        self._closed_at = 0.0
        """Before this moment nobody passes."""

    def allow(self) -> bool:
        """Whether to ask now. The caller then reports `succeeded` or `failed`."""
        with self._lock:
            now = self._monotonic()
            if self._failed < self._limit:
                return True
            if now < self._closed_at:
                return False
            # One trial: others wait as long again, unless it reports sooner.
            self._closed_at = now + self._open_s
            return True

    def succeeded(self) -> None:
        """Report an answer: close."""
        with self._lock:
            self._failed = 0

    def failed(self, *, retry_after_s: float | None = None) -> None:
        """Report a failure. When the outside system says how long to wait, open at once for that long."""
        with self._lock:
            self._failed = self._limit if retry_after_s is not None else min(self._failed + 1, self._limit)
            if self._failed >= self._limit:
                self._closed_at = self._monotonic() + max(retry_after_s or 0.0, self._open_s)


class TokenBucket:
    """At most `rate_per_s` on average, `burst` at once."""

    def __init__(self, *, rate_per_s: float, burst: int, monotonic: Monotonic = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_at = monotonic()

    def take(self) -> bool:
        """Take a token, or say that there is none. Never waits."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate_per_s)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
