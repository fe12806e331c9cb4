"""Rules about a Web Push subscription (RFC 8030, RFC 8291) as a browser gives it: its endpoint and its two keys."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from citizen_api.core.outgoing import is_public

AUTH_BYTES: Final = 16
POINT_BYTES: Final = 65
_UNCOMPRESSED: Final = b"\x04"
_PRIME: Final = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""P-256 is y² = x³ - 3x + B over the field of `_PRIME` (FIPS 186-4, D.1.2.3)."""
_BASE64URL: Final = re.compile("[A-Za-z0-9_-]+={0,2}")
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")
"""ASCII without blanks, and without the backslash that browsers read as a slash and others do not."""
_NAME: Final = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
"""A host name of at least two labels, the last of which is no number: what is one may stand for an IP address."""
_PORTS: Final = frozenset({None, 443, 8443})
"""Where a push service may listen; a city's own (UnifiedPush) may take the second."""
_LOCAL: Final = (".localhost", ".local", ".internal", ".home.arpa", ".localdomain")


def is_endpoint(url: str) -> bool:
    """Whether this is the https address of a push service on the public internet: no odd port, no name or password.

    What the host's name leads to is checked again whenever something is sent (`core.outgoing`).
    """
    if not _VISIBLE.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or port not in _PORTS or "@" in parts.netloc or parts.fragment:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _NAME.fullmatch(host) is not None and not host.endswith(_LOCAL)
    return is_public(host)


def is_auth(text: str) -> bool:
    """Whether this is an authentication secret: 16 bytes, base64url."""
    return len(_decoded(text)) == AUTH_BYTES


def is_point(text: str) -> bool:
    """Whether this is a public key: an uncompressed point of P-256 (65 bytes), base64url."""
    point = _decoded(text)
    if len(point) != POINT_BYTES or not point.startswith(_UNCOMPRESSED):
        return False
    x, y = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    return max(x, y) < _PRIME and (y * y - (x * x * x - 3 * x + _B)) % _PRIME == 0


def without_padding(text: str) -> str:
    """Give base64url as browsers write it."""
    return text.rstrip("=")


def _decoded(text: str) -> bytes:
    """Bytes of base64url, padded or not; none when it is something else."""
    if not _BASE64URL.fullmatch(text):
        return b""
    bare = without_padding(text)
    try:
        decoded = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return b""
    # Bits beyond the last byte would write one key in several ways.
    return decoded if base64.urlsafe_b64encode(decoded).decode().rstrip("=") == bare else b""
