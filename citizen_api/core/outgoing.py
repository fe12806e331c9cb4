"""Outgoing HTTP. Nobody can make this installation call its own network.

Every address that a host name resolves to is checked at the moment of connecting, and the checked address is the
one connected to, so that a name that changes between check and use gains nothing. Redirects go through the same.
The only exceptions are exact origins registered in this process by `serve --demo` or by a test.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable

import httpcore
import httpx

from citizen_api.core.settings import Settings

_allowed_origins: set[tuple[str, int]] = set()


class RefusedAddressError(httpx.ConnectError):
    """The address lies in a private, loopback or otherwise internal range."""


def allow_origin(host: str, port: int) -> None:
    """Allow this process to call one loopback origin. Never call this with anything that came from outside."""
    _allowed_origins.add((host, port))


def forget_origin(host: str, port: int) -> None:
    """Take `allow_origin` back."""
    _allowed_origins.discard((host, port))


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet (an IPv4 address mapped into IPv6 counts as itself)."""
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


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
        """Resolve, check every address, connect to a checked one."""
        if (host, port) in _allowed_origins:
            return self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(is_public(address) for address in addresses):
            raise httpcore.ConnectError("refused: not a public address")
        return self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


class _CheckedTransport(httpx.HTTPTransport):
    def __init__(self) -> None:
        super().__init__(retries=0)
        # httpx offers no way to pass a network backend; a test fails if this name stops being the pool in use.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=_CheckedBackend(), max_connections=20
        )


def make_client(settings: Settings) -> httpx.Client:
    """Make the HTTP client for outside systems. The environment's proxies and .netrc are ignored."""
    return httpx.Client(
        transport=_CheckedTransport(),
        timeout=settings.outgoing_timeout_s,
        follow_redirects=True,
        max_redirects=5,
        trust_env=False,
        headers={"User-Agent": "Alentours/0.1 (+city health companion)"},
    )


def refusal(url: str) -> str | None:
    """Say why an address may not be fetched at all, or None: only https, or an origin allowed in this process."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https":
        return None
    if parsed.scheme == "http" and (parsed.host, parsed.port or 80) in _allowed_origins:
        return None
    return "only https addresses are fetched"
