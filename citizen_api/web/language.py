"""Which language an answer speaks: `lang=`, else Accept-Language, else the city's default."""

from __future__ import annotations

from flask import g, request

from citizen_api.web.services import services
from content.catalogue import LANGUAGES


def language() -> str:
    """Language of this request: `fr` or `en`. An unknown `lang=` counts as absent here and is refused elsewhere."""
    if "language" not in g:
        asked = request.args.get("lang", "")
        g.language = (
            asked
            if asked in LANGUAGES
            else request.accept_languages.best_match(LANGUAGES, services().settings.default_language)
        )
    chosen: str = g.language
    return chosen
