"""Secrets of a handoff: the token in its short link, made again out of the key under which it was asked for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any, Final

from citizen_api.people.device_secrets import digest, new_id

__all__ = ("TOKEN", "digest", "key_hash", "new_id", "new_referral", "new_salt", "question_digest", "token_of")

_TOKEN_BYTES: Final = 24
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")


def new_salt() -> str:
    """Make 256 random bits, in 43 letters."""
    return secrets.token_urlsafe(32)


def new_referral() -> str:
    """Make the random name under which a provider speaks of a handoff."""
    return str(uuid.uuid4())


def token_of(key: str, salt: str) -> str:
    """The token of a handoff: 192 bits that only the key of who asked and the row's salt make together."""
    made = hmac.digest(salt.encode(), key.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made[:_TOKEN_BYTES]).decode()


def key_hash(key: str, device_id: str | None) -> str:
    """What finds a question asked again: the same key of another device is another question."""
    return digest("handoff", key, device_id or "")


def question_digest(body: Mapping[str, Any], key: str, salt: str) -> str:
    """Digest of what was asked, whatever the order of its fields: only who has the key can try what it was."""
    return hmac.digest(f"{salt}{key}".encode(), json.dumps(body, sort_keys=True).encode(), hashlib.sha256).hex()
