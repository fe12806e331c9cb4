"""What happens around every request: ids, limits, caching, compression, CORS, security headers, one log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from flask import Flask, Response, g, request
from flask_compress import Compress
from flask_cors import CORS
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from citizen_api.core.settings import Settings
from citizen_api.web.language import language
from citizen_api.web.services import end_session

_log = logging.getLogger("alentours.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def install_http(app: Flask, settings: Settings) -> Limiter:
    """Install everything around the views. Hooks that run after a view run in the reverse of this order."""
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_PARTS"] = 10
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    app.config["COMPRESS_MIMETYPES"] = [
        "application/json",
        "application/geo+json",
        "application/problem+json",
        "application/yaml",
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg+xml",
    ]
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=1
        )
    app.after_request(_log_request)
    app.after_request(_security_headers(hsts=settings.hsts))
    Compress(app)
    if settings.cors_origins:
        CORS(
            app,
            origins="*" if "*" in settings.cors_origins else list(settings.cors_origins),
            expose_headers=["ETag", "X-Request-ID", "Retry-After"],
            max_age=86_400,
        )
    limiter = Limiter(
        get_remote_address,
        app=app,
        application_limits=[settings.rate_limit] if settings.rate_limit else [],
        storage_uri=settings.redis_url or "memory://",
        headers_enabled=True,
        # A limiter that cannot count must not stop a parent from finding a pharmacy.
        swallow_errors=True,
        in_memory_fallback_enabled=bool(settings.redis_url),
        key_prefix="alentours",
        enabled=bool(settings.rate_limit),
    )
    app.before_request(_begin)
    app.after_request(_caching)
    app.teardown_request(_release)
    return limiter


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _release(_error: BaseException | None) -> None:
    end_session(success=False)


def _caching(response: Response) -> Response:
    """Nothing is kept unless its view says so: the answer to a position is nobody else's."""
    if "Cache-Control" in response.headers:
        return response
    seconds = g.get("cache_seconds")
    if seconds is None or response.status_code != 200 or request.method not in ("GET", "HEAD"):  # noqa: PLR2004
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers["Cache-Control"] = f"public, max-age={seconds:d}"
        response.vary.update(["Accept", "Accept-Language"])
        # Weak: the same answer may leave compressed or not.
        response.add_etag(weak=True)
        response.make_conditional(request)
    response.headers.setdefault("Content-Language", language())
    return response


def _security_headers(*, hsts: bool) -> Callable[[Response], Response]:
    def add(response: Response) -> Response:
        headers = response.headers
        headers["X-Request-ID"] = g.get("request_id", "")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers.setdefault("Content-Security-Policy", _POLICY)
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "geolocation=(self), camera=(), microphone=()"
        if hsts:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response

    return add


def _log_request(response: Response) -> Response:
    """One line per request: the route's rule, never its path or query, because positions travel there."""
    _log.info(
        "request",
        extra={
            "method": request.method if request.url_rule or request.method in _METHODS else "other",
            "route": request.url_rule.rule if request.url_rule else "(none)",
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 2),
            "bytes": response.content_length,
        },
    )
    return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
