"""The key with which browsers' push services know this installation (VAPID, RFC 8292): made once, kept for good.

A browser's subscription is bound to the public key that it was made with. With another key nobody who subscribed before
can be reached, so a key is never overwritten.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_HOST: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
_SUBJECT: Final = re.compile(rf"mailto:[^@\s<>,?]+@({_HOST})|https://({_HOST})(?:/\S*)?")
_UNREACHABLE: Final = (".localhost", ".local", ".invalid", ".test", ".internal", ".localdomain")
"""Apple refuses to push for whoever gives such an address (web-push-libs/web-push, issue 947)."""


class VapidError(ValueError):
    """The key or its subject cannot be used; the message says why in one line."""


def make_vapid_key(path: Path) -> str:
    """Make a key, readable by its owner only, and give its public half as a browser takes it (base64url).

    Raises VapidError where the file is there already or cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise VapidError(f"{path} is there already; a new key would lose every browser that subscribed") from error
    except OSError as error:
        raise VapidError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise VapidError(f"{path} cannot be written: {error.strerror}") from error
    return public_half(key)


def public_key(path: Path) -> str:
    """Give the `applicationServerKey` that a page hands to `pushManager.subscribe`. Raises VapidError."""
    return public_half(load_key(path))


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read the key. Raises VapidError where there is none or another kind of key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise VapidError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise VapidError(f"{path} holds no private key in PEM form") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise VapidError(f"{path} holds another kind of key: Web Push takes P-256 only")
    return key


def public_half(key: ec.EllipticCurvePrivateKey) -> str:
    """Give the public half, base64url without padding."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")


def check_subject(subject: str) -> str:
    """Give the subject back where a push service can reach somebody at it. Raises VapidError."""
    match = _SUBJECT.fullmatch(subject)
    host = (match[1] or match[2]).lower() if match else ""
    if not host or f".{host}".endswith(_UNREACHABLE):
        raise VapidError("the VAPID subject must be `mailto:` with an address, or an https address, that answers")
    return subject
