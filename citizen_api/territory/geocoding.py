"""The outside geocoder behind its guards: cache, rate limit, circuit breaker.

What residents type is kept in memory only, beside nothing that says who typed it, and is never logged.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from citizen_api.core.breaker import Breaker, TokenBucket
from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.sources.ban import BanGeocoder, FoundAddress, GeocoderBusyError, GeocoderDownError

CACHED_TEXTS = 5_000
CACHED_S = 24 * 3600.0
MOST_PER_S = 20.0
"""A worker process asks at most so often; the national geocoder allows 50 a second per address."""
FAILURES = 3
OPEN_S = 30.0


class Geocoder(Protocol):
    """Port: finds addresses outside."""

    def search(self, text: str) -> list[FoundAddress]:
        """Find addresses, best first. Raises GeocoderDownError, GeocoderBusyError."""
        ...


class GeocoderState(Enum):
    """Whether an answer comes from the outside geocoder."""

    ANSWERED = "answered"
    OFF = "off"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class GeocoderAnswer:
    """What the outside geocoder found, and whether it could be asked."""

    state: GeocoderState
    addresses: tuple[FoundAddress, ...] = ()


class GuardedGeocoder:
    """Asks the outside geocoder, if there is one. Waits no longer than its timeout and never raises."""

    def __init__(
        self,
        outside: Geocoder | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        cached_texts: int = CACHED_TEXTS,
    ) -> None:
        self._outside = outside
        self._breaker = Breaker(failures=FAILURES, open_s=OPEN_S, monotonic=monotonic)
        self._bucket = TokenBucket(rate_per_s=MOST_PER_S, burst=int(MOST_PER_S), monotonic=monotonic)
        self._cache = _Cache(cached_texts, CACHED_S, monotonic)

    @property
    def off(self) -> bool:
        """Whether no outside geocoder is configured."""
        return self._outside is None

    def search(self, text: str) -> GeocoderAnswer:
        """Find addresses outside. The caller holds no transaction: this may take as long as the timeout."""
        if self._outside is None:
            return GeocoderAnswer(GeocoderState.OFF)
        key = " ".join(text.casefold().split())
        if (kept := self._cache.get(key)) is not None:
            return GeocoderAnswer(GeocoderState.ANSWERED, kept)
        if not self._bucket.take() or not self._breaker.allow():
            return GeocoderAnswer(GeocoderState.UNAVAILABLE)
        try:
            addresses = tuple(self._outside.search(text))
        except GeocoderBusyError as error:
            self._breaker.failed(retry_after_s=error.retry_after_s or OPEN_S)
            return GeocoderAnswer(GeocoderState.UNAVAILABLE)
        except GeocoderDownError:
            self._breaker.failed()
            return GeocoderAnswer(GeocoderState.UNAVAILABLE)
        self._breaker.succeeded()
        self._cache.put(key, addresses)
        return GeocoderAnswer(GeocoderState.ANSWERED, addresses)


def geocoder_from(settings: Settings) -> GuardedGeocoder:
    """Make the geocoder that the settings choose: none, unless the national one is enabled."""
    if not settings.geocoder_ban_enabled:
        return GuardedGeocoder(None)
    return GuardedGeocoder(
        BanGeocoder(
            make_client(settings),
            domain=settings.geocoder_ban_domain,
            timeout_s=settings.geocoder_timeout_s,
        )
    )


class _Cache:
    """The `size` texts used last, each for `ttl_s`."""

    def __init__(self, size: int, ttl_s: float, monotonic: Callable[[], float]) -> None:
        self._size = size
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, tuple[FoundAddress, ...]]] = OrderedDict()

    def get(self, key: str) -> tuple[FoundAddress, ...] | None:
        with self._lock:
            entry = self._kept.get(key)
            if entry is None:
                return None
            if entry[0] <= self._monotonic():
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return entry[1]

    def put(self, key: str, addresses: tuple[FoundAddress, ...]) -> None:
        with self._lock:
            self._kept[key] = (self._monotonic() + self._ttl_s, addresses)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
