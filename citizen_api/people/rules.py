"""Rules about staff: roles, keys, and where an organisation may act."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Set as AbstractSet
from typing import Final

ROLES: Final = {
    "administrator": "everything, everywhere in the territory; also reads the audit log",
    "moderator": "settles residents' reports on places",
    "communication": "writes and sends prevention campaigns",
    "organiser": "publishes events",
    "pharmacy": "keeps one pharmacy's own listing",
    "provider": "keeps a care provider's slots and handoffs",
    "reader": "reads what staff may read, changes nothing",
}
TERRITORY_KINDS: Final = ("commune", "epci", "departement", "region", "country")
_EXAMPLES: Final = {
    "commune": "commune:75056",
    "epci": "epci:200054781",
    "departement": "departement:75",
    "region": "region:11",
}
_CODES: Final = {
    "commune": re.compile(r"[0-9][0-9AB][0-9]{3}"),
    "epci": re.compile(r"[0-9]{9}"),
    "departement": re.compile(r"[0-9][0-9AB][0-9]?"),
    "region": re.compile(r"[0-9]{2}"),
}
KEY_PREFIX: Final = "als_"
"""Tells a staff key from a resident's device token, for people and for secret scanners."""


def new_key() -> str:
    """Make a fresh staff key: the prefix and 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str) -> str:
    """Hash a key for storage. A plain SHA-256 is enough: the key is random, not a password."""
    return hashlib.sha256(key.encode()).hexdigest()


def parse_territory(text: str) -> tuple[str, str | None]:
    """Read `commune:75056`, `epci:200054781`, `departement:75`, `region:11` or `country`.

    Raises ValueError with a sentence for the person who typed it.
    """
    kind, _, code = text.partition(":")
    kind, code = kind.strip().lower(), code.strip().upper()
    if kind not in TERRITORY_KINDS:
        raise ValueError(f"the territory must be one of {', '.join(TERRITORY_KINDS)}, as in departement:75")
    if kind == "country":
        if code:
            raise ValueError("country takes no code")
        return kind, None
    if not _CODES[kind].fullmatch(code):
        raise ValueError(f"{kind} needs its official code, such as {_EXAMPLES[kind]}")
    return kind, code


def covers(territory_kind: str, territory_code: str | None, place: AbstractSet[tuple[str, str]]) -> bool:
    """Whether a territory holds a place, given as the (kind, code) pairs of all that the place lies in.

    A place whose commune is not known lies in no territory: only the whole country holds it.
    """
    if territory_kind == "country":
        return True
    return territory_code is not None and (territory_kind, territory_code) in place
