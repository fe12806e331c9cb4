"""Which language an answer speaks: `lang=`, else Accept-Language, else the city's default."""

from __future__ import annotations

from functools import lru_cache

from flask import request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from citizen_api.web.services import services
from content.catalogue import LANGUAGES

LANGUAGE = "alentours.language"
"""Where the WSGI environment of a request holds the language of its answer, once it is known."""
_LONGEST_KEPT = 200
"""Characters of an Accept-Language that is remembered. Browsers send about 40."""


def language() -> str:
    """Language of this request: `fr` or `en`. An unknown `lang=` counts as absent here and is refused elsewhere."""
    environ = request.environ
    known: str | None = environ.get(LANGUAGE)
    if known is None:
        # Where there is no query there is no `lang`: it needs no reading.
        known = choose_language(request.args.get("lang") if environ.get("QUERY_STRING") else None)
    return known


def choose_language(asked: str | None) -> str:
    """Settle the language of this request, whose `lang=` is `asked`."""
    environ = request.environ
    accepted = environ.get("HTTP_ACCEPT_LANGUAGE")
    chosen: str
    if asked in LANGUAGES:
        chosen = asked
    elif not accepted:
        chosen = services().settings.default_language
    else:
        best = _best if len(accepted) <= _LONGEST_KEPT else _best.__wrapped__
        chosen = best(accepted, services().settings.default_language)
    environ[LANGUAGE] = chosen
    return chosen


@lru_cache(maxsize=512)
def _best(accepted: str, default: str) -> str:
    return parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES, default)
