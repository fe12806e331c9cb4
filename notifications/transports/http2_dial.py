"""Opening a connection: name, TCP, TLS with certificate and host checked, and HTTP/2 agreed on."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PROTOCOL = "h2"


class DialError(Exception):
    """No connection came about. `trouble`: name, refused, network, timeout, certificate, tls or no_h2."""

    def __init__(self, trouble: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Origin:
    """An https origin. `authority`: as a request names it."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and, unless it is the usual one, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"  # noqa: PLR2004  the port of https


def read_origin(url: str) -> Origin:
    """Read `https://host[:port]`; raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise ValueError("not an https origin")
    return Origin(parts.hostname, parts.port or 443)


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS as we speak it. `ca_file`: the only authority to trust; None: those of the system. Raises OSError."""
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([PROTOCOL])
    return context


def dial(origin: Origin, context: ssl.SSLContext, timeout_s: float) -> ssl.SSLSocket:
    """Connect, waiting at most `timeout_s` for each step; raises DialError."""
    raw: socket.socket | None = None
    try:
        raw = socket.create_connection((origin.host, origin.port), timeout=timeout_s)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = context.wrap_socket(raw, server_hostname=origin.host)
    except (OSError, UnicodeError) as error:
        if raw is not None:
            raw.close()
        # What the error says may hold addresses and certificates: only its kind goes on.
        raise DialError(_trouble(error)) from None
    if secured.selected_alpn_protocol() != PROTOCOL:
        secured.close()
        raise DialError("no_h2")
    secured.settimeout(0)
    return secured


def _trouble(error: Exception) -> str:
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (ssl.SSLCertVerificationError, "certificate"),
        (ssl.SSLError, "tls"),
        (socket.gaierror, "name"),
        (UnicodeError, "name"),
        (TimeoutError, "timeout"),
        (ConnectionRefusedError, "refused"),
    )
    return next((trouble for kind, trouble in kinds if isinstance(error, kind)), "network")
