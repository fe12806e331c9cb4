"""Opaque page cursors: where the page before ended, and of which search."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from citizen_api.core.problems import CursorInvalid

_compact = json.JSONEncoder(separators=(",", ":")).encode


def write_cursor(search: Sequence[object], last: Sequence[int | float | str]) -> str:
    """Name the page after `last` (the sort key of the last item) of this `search` (its arguments)."""
    text = _compact([_mark(search), *last])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, search: Sequence[object], kinds: Sequence[type]) -> list[int | float | str]:
    """Sort key of the last item of the page before.

    Raises CursorInvalid for the cursor of another search, and for a made-up one.
    """
    last: list[int | float | str]
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        mark, *last = json.loads(raw)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise CursorInvalid from error
    if mark != _mark(search) or [type(part) for part in last] != list(kinds) or not all(map(_storable, last)):
        raise CursorInvalid
    return last


def _storable(part: float | str) -> bool:
    """Whether a database can compare with it: a made-up cursor may hold anything."""
    if isinstance(part, str):
        return "\x00" not in part and not any("\ud800" <= letter <= "\udfff" for letter in part)
    return -(2**63) <= part < 2**63


def _mark(search: Sequence[object]) -> str:
    # Only tells searches apart: a cursor travels beside its search and is no secret.
    return hashlib.sha256(repr(list(search)).encode()).hexdigest()[:12]
