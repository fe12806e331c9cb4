"""Addresses where one books, as publishers write them. Whether one may be sent there is decided elsewhere."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from citizen_api.sources.slot_records import LINK_LENGTH

_LINK: Final = re.compile(r"https://[^\s<>\"'`\\]+", re.IGNORECASE)
_AFTER_A_LINK: Final = ".,;:!?)]}»"


def https_link(text: str) -> str | None:
    """Give an https address; None for any other text, and for one that is too long."""
    return text if _LINK.fullmatch(text) and len(text) <= LINK_LENGTH and _has_host(text) else None


def link_in(text: str) -> str | None:
    """Give the first https address in a text, without the punctuation that follows it; None where there is none."""
    found = _LINK.search(text)
    return https_link(found[0].rstrip(_AFTER_A_LINK)) if found else None


def _has_host(link: str) -> bool:
    try:
        return bool(urlsplit(link).hostname)
    except ValueError:
        return False
