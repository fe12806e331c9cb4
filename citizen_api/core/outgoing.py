"""Outgoing HTTP. Nobody can make this installation call its own network.

Every address that a host name resolves to is checked at the moment of connecting, and the checked address is the
one connected to, so that a name that changes between check and use gains nothing. Redirects go through the same,
and only https is spoken. The only exceptions are exact origins registered in this process by `serve --demo` or by
a test.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpcore
import httpx

from citizen_api.core.settings import Settings

_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple(
    ipaddress.ip_network(written)
    # Set aside by IANA, and global to some version of `ipaddress`: the 6to4 relays, documentation, and AS112, which
    # networks answer by machines of their own.
    for written in (
        "192.88.99.0/24",
        "192.31.196.0/24",
        "192.175.48.0/24",
        "2001:db8::/32",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""Third quarter of an IPv6 address whose last quarter is the IPv4 address that a router sends to (RFC 5214)."""
_allowed_origins: set[tuple[str, int]] = set()
_own = threading.local()


class RefusedError(httpx.RequestError):
    """This installation does not call such an address."""


def allow_origin(host: str, port: int) -> None:
    """Allow this process to call one loopback origin. Never call this with anything that came from outside."""
    _allowed_origins.add((host, port))


def forget_origin(host: str, port: int) -> None:
    """Take `allow_origin` back."""
    _allowed_origins.discard((host, port))


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet (an IPv4 address carried in an IPv6 one counts as itself)."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_global(ip)
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is not None:
        return _is_global(inner)
    routed_to = _isatap(ip)
    return ip in _PUBLIC_IPV6 and _is_global(ip) and (routed_to is None or _is_global(routed_to))


def _is_global(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _SPECIAL)


def _isatap(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    marked = (int(ip) >> 32) & 0xFFFF_FFFF in _ISATAP
    return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if marked else None


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound all that this thread connects, sends and reads in here, together: a timeout alone starts anew at each byte.

    Looking up a name cannot be interrupted, but nothing is connected or sent after it when the time is over.
    """
    _own.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        _own.deadline = None


def _left(timeout: float | None, over: type[Exception]) -> float | None:
    """Give the rest of `within`, or `timeout` when that is shorter; raise `over` when nothing is left."""
    deadline: float | None = getattr(_own, "deadline", None)
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise over("the time for this request is over")
    return left if timeout is None else min(left, timeout)


class _BoundedStream(httpcore.NetworkStream):
    """A connection that obeys `within`."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check every address, connect to the first that answers."""
        addresses = [host] if (host, port) in _allowed_origins else _public_addresses(host, port)
        failure: Exception | None = None
        for address in addresses:
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _BoundedStream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the name has no address")


def _public_addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("the name is not known") from error
    except OverflowError:  # a port of thirty digits
        raise RefusedError("refused: not a port") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(is_public(address) for address in addresses):
        raise RefusedError("refused: not a public address")
    return addresses


class _CheckedTransport(httpx.HTTPTransport):
    def __init__(self, *, connections: int = 20, ca_file: Path | None = None) -> None:
        super().__init__(retries=0)
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        # httpx offers no way to pass a network backend; a test fails if this name stops being the pool in use.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, network_backend=_CheckedBackend(), max_connections=connections
        )


def make_transport(*, connections: int, ca_file: Path | None = None) -> httpx.BaseTransport:
    """Make what sends single requests to checked addresses: without redirects, cookies or httpx's log of addresses.

    `ca_file`: certificate authorities to trust besides the system's. The caller asks `refusal` about each address.
    """
    return _CheckedTransport(connections=connections, ca_file=ca_file)


def make_client(settings: Settings) -> httpx.Client:
    """Make the HTTP client for outside systems. The environment's proxies and .netrc are ignored.

    Its requests raise RefusedError, a redirected one too, for what `refusal` refuses and for private addresses.
    """
    return httpx.Client(
        transport=_CheckedTransport(),
        timeout=settings.outgoing_timeout_s,
        follow_redirects=True,
        max_redirects=5,
        trust_env=False,
        headers={"User-Agent": "Alentours/0.1 (+city health companion)"},
        event_hooks={"request": [_refuse]},
    )


def refusal(url: str) -> str | None:
    """Say why an address may not be fetched at all, or None: only https, or an origin allowed in this process."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https":
        return None
    if parsed.scheme == "http" and (parsed.host, parsed.port or 80) in _allowed_origins:
        return None
    return "only https addresses are fetched"


def _refuse(request: httpx.Request) -> None:
    if reason := refusal(str(request.url)):
        raise RefusedError(reason, request=request)
