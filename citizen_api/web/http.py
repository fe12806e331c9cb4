"""What happens around every request: ids, limits, caching, compression, CORS, security headers, one log line."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
import uuid
from collections.abc import Callable

from flask import Flask, Response, g, request
from flask_compress import Compress
from flask_cors import CORS
from flask_limiter import HeaderNames, Limiter
from werkzeug.middleware.proxy_fix import ProxyFix

from citizen_api.core.problems import NotFound
from citizen_api.core.settings import Settings
from citizen_api.web.language import language
from citizen_api.web.services import end_session

_log = logging.getLogger("alentours.access")
_WAIT = "X-RateLimit-Retry-After"
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}(\1[0-9a-f]{4}){2}\1[0-9a-f]{12}", re.IGNORECASE)
"""A UUID, with or without hyphens: what a client might put into anything freer would be logged."""
_ALWAYS_THE_SAME = frozenset({"pages.static_file", "pages.openapi_json"})
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def install_http(app: Flask, settings: Settings) -> Limiter:
    """Install everything around the views. Hooks that run after a view run in the reverse of this order."""
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_PARTS"] = 10
    app.url_map.merge_slashes = False  # no redirects: an address is right or it is not found
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    app.config["COMPRESS_CACHE_BACKEND"] = _CompressedFiles
    app.config["COMPRESS_CACHE_KEY"] = lambda asked: asked.path if asked.endpoint in _ALWAYS_THE_SAME else ""
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
    # Before all else, so that every answer has an id, one refused by the limiter too.
    app.before_request(_begin)
    app.teardown_request(_release)
    app.after_request(_log_request)
    app.after_request(_security_headers(hsts=settings.hsts))
    Compress(app)
    if settings.cors_origins:
        app.after_request(_vary_by_origin)
        CORS(
            app,
            origins="*" if "*" in settings.cors_origins else list(settings.cors_origins),
            send_wildcard=True,
            expose_headers=["ETag", "X-Request-ID", "Retry-After"],
            max_age=86_400,
        )
    app.after_request(_retry_after)
    limiter = Limiter(
        client_network,
        app=app,
        application_limits=[settings.rate_limit] if settings.rate_limit else [],
        storage_uri=settings.redis_url or "memory://",
        # A Redis that hangs costs a request one second once, not for ever.
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1} if settings.redis_url else {},
        headers_enabled=True,
        header_name_mapping={HeaderNames.RETRY_AFTER: _WAIT},
        # A limiter that cannot count must not stop a parent from finding a pharmacy.
        swallow_errors=True,
        in_memory_fallback_enabled=bool(settings.redis_url),
        key_prefix="alentours",
        # An address that leads nowhere is counted too: without a name, flask-limiter would not look at it.
        request_identifier=lambda: request.endpoint or "(none)",
        enabled=bool(settings.rate_limit or settings.rate_limit_reports),
    )
    limiter.request_filter(_is_probe)
    app.before_request(_refuse_nul)
    app.after_request(_caching)
    return limiter


class _CompressedFiles:
    """Keeps what is the same for everybody compressed, as flask-compress asks; never an answer to a question.

    Its keys are `algorithm;path`, the path empty for all else. Only files that exist come here, so it stays small.
    """

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self._kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        if not key.endswith(";"):
            self._kept[key] = value


def _vary_by_origin(response: Response) -> Response:
    """Keep a cache from giving one origin what was allowed to another; flask-cors says so only for several."""
    response.vary.add("Origin")
    return response


def client_network() -> str:
    """Whom a limit counts: an IPv4 address, or the /64 network that one IPv6 subscriber is given."""
    address = request.remote_addr or "unknown"
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((ip, 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)


def _is_probe() -> bool:
    """Whether a load balancer asks after the health: often, and from one address."""
    return request.endpoint in {"system.healthz", "system.readyz"}


def _retry_after(response: Response) -> Response:
    """Say when to come back only where one was sent away; flask-limiter would say it on every answer."""
    wait = response.headers.pop(_WAIT, None)
    if wait is not None and response.status_code == 429:  # noqa: PLR2004
        response.headers["Retry-After"] = str(max(int(wait), 1))
    return response


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _refuse_nul() -> None:
    if "\x00" in request.path:
        raise NotFound  # no name of ours holds one, and PostgreSQL takes none


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
        headers.setdefault("Content-Security-Policy", POLICY)
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
