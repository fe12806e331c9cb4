"""Rules about a device's secrets: its id, its token, and the code that moves it to a new phone."""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import Final

from citizen_api.people.device_models import ID_LENGTH

TOKEN_PREFIX: Final = "ald_"  # noqa: S105 - what tells a token, not a token
"""Tells a device token from a staff key, for people and for secret scanners."""
_ID_LETTERS: Final = string.ascii_letters + string.digits
CODE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32: without I, L, O and U, so that no two look alike and no word comes out."""
CODE_LENGTH: Final = 10
"""Letters of a code: 50 random bits, guessed at by the few attempts that ten minutes and a rate limit leave."""
_MISREAD: Final = str.maketrans("OIL", "011", " -")


def new_id() -> str:
    """Make an opaque id of 131 random bits: letters and digits only, so that it looks like no token."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(ID_LENGTH))


def new_token() -> str:
    """Make a fresh device token: the prefix and 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_code() -> str:
    """Make a transfer code to be read aloud or typed: `7K3QD-0XW4M`."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def read_code(typed: str) -> str:
    """Give a code as `digest` takes it: case, spaces and hyphens do not matter, and O is read as 0, I and L as 1."""
    return typed.upper().translate(_MISREAD)


def digest(*parts: str) -> str:
    """SHA-256 for storage, hexadecimal. No salt: what it hides is random, not a password."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
