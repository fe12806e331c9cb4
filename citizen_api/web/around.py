"""Around every request, whatever answers it: its id, the headers that every answer has, one log line.

A WSGI application around Flask's and not hooks inside it, so that nothing that goes wrong inside goes without, and
because a list of headers is joined to another in a tenth of the time that Werkzeug takes to set them one by one.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import request

from citizen_api.web.language import language
from citizen_api.web.logs import REQUEST_ID, log_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MORE_HEADERS = "alentours.headers"
"""Where the WSGI environment of a request holds headers that its answer gets, as (name, value)."""

POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_POLICY = ("Content-Security-Policy", POLICY)
_NOT_KEPT = ("Cache-Control", "no-store")
_VARY = ("Vary", "Accept-Encoding")
_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "geolocation=(self), camera=(), microphone=()"),
)
_HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
_GIVEN_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}(\1[0-9a-f]{4}){2}\1[0-9a-f]{12}", re.IGNORECASE)
"""A UUID, with or without hyphens: what a client might put into anything freer would be logged."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Around:
    """The WSGI application that the server calls."""

    def __init__(self, inner: WSGIApplication, *, hsts: bool) -> None:
        self._inner = inner
        self._security = (*_SECURITY, _HSTS) if hsts else _SECURITY

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        started = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID")
        # An id has to be rare, not secret: 128 bits of a generator that each process seeds by itself.
        request_id = given if given and _GIVEN_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        environ[REQUEST_ID] = request_id

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            # Flask calls this while its request context stands.
            found = {name.lower(): value for name, value in headers}
            headers += environ.get(MORE_HEADERS, ())
            headers.append(("X-Request-ID", request_id))
            headers += self._security
            _complete(headers, found, unchanged=status.startswith("304"))
            rule, method, size = request.url_rule, environ["REQUEST_METHOD"], found.get("content-length")
            log_request(
                method=method if rule or method in _METHODS else "other",
                route=rule.rule if rule else "(none)",
                status=int(status[:3]),
                duration_ms=round((time.perf_counter() - started) * 1000, 2),
                size=None if size is None else int(size),
                request_id=request_id,
            )
            return start_response(status, headers, *error)

        return self._inner(environ, start)


def _complete(headers: list[tuple[str, str]], found: dict[str, str], *, unchanged: bool) -> None:
    """Add what every answer has unless its view said otherwise; `found` are its headers by lower-case name.

    Nothing is kept unless its view says so: the answer to a position is nobody else's.
    """
    if "cache-control" not in found:
        headers.append(_NOT_KEPT)
    if "content-language" not in found and not unchanged:
        headers.append(("Content-Language", language()))
    if "content-security-policy" not in found:
        headers.append(_POLICY)
    vary = found.get("vary")
    if vary is None:
        headers.append(_VARY)
    elif "accept-encoding" not in vary.lower():
        headers[:] = [header for header in headers if header[0].lower() != "vary"]
        headers.append(("Vary", f"{vary}, Accept-Encoding"))
