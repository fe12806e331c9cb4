"""What happens around every view: limits, caching, compression, CORS. See `web/around` for what is outside of Flask."""

from __future__ import annotations

from flask import Flask, Response, g, request
from flask_compress import Compress
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

from citizen_api.core.problems import NotFound, TooManyRequests
from citizen_api.core.settings import Settings
from citizen_api.web.around import MORE_HEADERS, Around
from citizen_api.web.limits import Counts, Limits
from citizen_api.web.services import end_session, services

_PROBES = frozenset({"system.healthz", "system.readyz"})
"""What a load balancer asks: often, and from one address."""
_ALWAYS_THE_SAME = frozenset({"pages.static_file", "pages.openapi_json"})


def install_http(app: Flask, settings: Settings) -> Limits:
    """Install everything around the views."""
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_PARTS"] = 10
    app.url_map.merge_slashes = False  # no redirects: an address is right or it is not found
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    app.config["COMPRESS_REGISTER"] = False
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
    app.wsgi_app = Around(app.wsgi_app, hsts=settings.hsts)  # type: ignore[method-assign]
    compress = Compress(app)
    limits = Limits(Counts(settings.redis_url))

    @app.before_request
    def admit() -> None:
        if settings.rate_limit and request.endpoint not in _PROBES:
            count_request(limits, settings.rate_limit, scope="all")
        if "\x00" in request.environ.get("PATH_INFO", ""):
            raise NotFound  # no name of ours holds one, and PostgreSQL takes none

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = g.get("cache_seconds")
        if seconds is not None:
            _let_caches_keep(response, seconds)
        return compress.after_request(response) if "HTTP_ACCEPT_ENCODING" in request.environ else response

    if settings.cors_origins:
        app.after_request(_vary_by_origin)
        CORS(
            app,
            origins="*" if "*" in settings.cors_origins else list(settings.cors_origins),
            send_wildcard=True,
            expose_headers=["ETag", "X-Request-ID", "Retry-After"],
            max_age=86_400,
        )
    app.teardown_request(_release)
    return limits


def count_request(limits: Limits, often: str, *, scope: str) -> None:
    """Count this request against a limit; its answer says what is left. Raises TooManyRequests."""
    headers, wait_s = limits.count(often, scope, request.remote_addr or "unknown")
    request.environ[MORE_HEADERS] = headers
    if wait_s:
        raise TooManyRequests(headers={"Retry-After": str(wait_s)})


def count_against(setting: str) -> None:
    """Count this request against the limit that a setting holds, if it holds one. Raises TooManyRequests."""
    often: str = getattr(services().settings, setting)
    if often:
        count_request(services().port(Limits), often, scope=setting)


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


def _release(_error: BaseException | None) -> None:
    end_session(success=False)


def _let_caches_keep(response: Response, seconds: int) -> None:
    """Do what a view asked for, where its answer is one to keep."""
    if "Cache-Control" in response.headers or response.status_code != 200 or request.method not in ("GET", "HEAD"):  # noqa: PLR2004
        return
    response.headers["Cache-Control"] = f"public, max-age={seconds:d}"
    response.vary.update(["Accept", "Accept-Language"])
    # Weak: the same answer may leave compressed or not.
    response.add_etag(weak=True)
    response.make_conditional(request)
