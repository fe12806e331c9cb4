"""Which of the types that a route offers the client takes."""

from __future__ import annotations

from functools import lru_cache

from flask import request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from citizen_api.core.problems import NotAcceptable

_LONGEST_KEPT = 200
"""Characters of an Accept that is remembered. Browsers send about 120."""


def preferred_type(offered: tuple[str, ...]) -> str:
    """Give the offered type that the client prefers, the first when it does not care.

    Raises NotAcceptable when it takes none of them.
    """
    accepted = request.environ.get("HTTP_ACCEPT", "")
    if not accepted:
        return offered[0]
    best = _best if len(accepted) <= _LONGEST_KEPT else _best.__wrapped__
    chosen = best(accepted, offered)
    if chosen is None:
        raise NotAcceptable(offered=", ".join(offered))
    return chosen


@lru_cache(maxsize=512)
def _best(accepted: str, offered: tuple[str, ...]) -> str | None:
    return parse_accept_header(accepted, MIMEAccept).best_match(offered)
