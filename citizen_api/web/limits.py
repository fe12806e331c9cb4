"""How often one client may ask: fixed windows, counted in this process or in a Redis that processes share.

A limiter that cannot count must not stop a parent from finding a pharmacy: while Redis is down or hangs, each process
counts in its own memory.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from functools import lru_cache

import redis
from limits import parse_many
from limits.storage import MemoryStorage, RedisStorage, Storage
from redis.backoff import NoBackoff
from redis.retry import Retry

from citizen_api.core.breaker import Breaker

_log = logging.getLogger("alentours.limits")
_REDIS_TIMEOUT_S = 1.0
_REDIS_TRIED_AGAIN_S = 10.0


class Counts:
    """Counts of the processes that share a Redis, else of this one: a Redis that hangs costs a second now and then."""

    def __init__(self, redis_url: str) -> None:
        """`redis_url` "": this process counts alone."""
        self._own = MemoryStorage()
        self._shared = _redis_storage(redis_url) if redis_url else None
        self._breaker = Breaker(failures=1, open_s=_REDIS_TRIED_AGAIN_S)

    def hit(self, key: str, window_s: int) -> tuple[int, float]:
        """Count one more in a window that its first event opens: how many now, and the seconds until it ends."""
        if self._shared is not None and self._breaker.allow():
            try:
                counted = _hit(self._shared, key, window_s)
            except (redis.RedisError, OSError) as error:
                self._breaker.failed()
                _log.warning("limits are counted by this process alone: no answer from Redis", exc_info=error)
            else:
                self._breaker.succeeded()
                return counted
        return _hit(self._own, key, window_s)


def _hit(storage: Storage, key: str, window_s: int) -> tuple[int, float]:
    return storage.incr(key, window_s), storage.get_expiry(key) - time.time()


def _redis_storage(url: str) -> RedisStorage:
    pool = redis.ConnectionPool.from_url(
        url.replace("redis+unix://", "unix://", 1),
        socket_connect_timeout=_REDIS_TIMEOUT_S,
        socket_timeout=_REDIS_TIMEOUT_S,
        # A kept connection that Redis closed is made anew; one that hangs is not waited for again.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
    return RedisStorage(url, connection_pool=pool)


class Limits:
    """Counts requests against limits such as `240 per minute`, several separated by `;`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def count(self, often: str, scope: str, address: str) -> tuple[list[tuple[str, str]], int]:
        """Count a request from `address` in `scope`: the headers that say what is left, and the wait in seconds.

        A wait of 0: it is within the limits. The headers speak of a limit that is passed, else of the shortest window.
        """
        said: list[tuple[str, str]] = []
        wait_s = 0
        client = network_of(address)
        for prefix, amount, window_s in _windows(often, scope):
            count, left_s = self._counts.hit(prefix + client, window_s)
            if count > amount or not said:
                said = [
                    ("X-RateLimit-Limit", str(amount)),
                    ("X-RateLimit-Remaining", str(max(amount - count, 0))),
                    ("X-RateLimit-Reset", str(int(time.time() + left_s) + 1)),
                ]
            if count > amount:
                wait_s = max(wait_s, math.ceil(left_s), 1)
        return said, wait_s


@lru_cache(maxsize=64)
def _windows(often: str, scope: str) -> list[tuple[str, int, int]]:
    """Each limit as the beginning of its keys, how many, in how many seconds; the shortest window first."""
    return [
        (f"alentours/{scope}/{item.amount}/{item.get_expiry()}/", item.amount, item.get_expiry())
        for item in sorted(parse_many(often), key=lambda item: item.get_expiry())
    ]


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Whom a limit counts: an IPv4 address, or the /64 network that one IPv6 subscriber is given."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((ip, 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
