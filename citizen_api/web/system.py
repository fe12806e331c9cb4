"""Routes of the installation itself: health, documentation, what each problem means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import flask_swagger_ui
import marshmallow as ma
from flask import Response, current_app, render_template, send_from_directory

from citizen_api.core.problems import NotFound, Unavailable, known_problems
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.services import services
from content.catalogue import catalogue

blp = Blueprint("system", __name__, description="Health of the installation.")
_SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
_SWAGGER_FILES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"})


class HealthView(ma.Schema):
    """The process answers."""

    status = ma.fields.String(required=True, metadata={"example": "ok"})


class ReadinessView(ma.Schema):
    """What the process needs, and how it is."""

    status = ma.fields.String(required=True, metadata={"example": "ready"})
    checks = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Dict(),
        required=True,
        metadata={
            "example": {
                "database": {"ok": True},
                "directory": {"ok": True, "facilities": 2205, "age_s": 12.5},
            }
        },
    )


@blp.get("/healthz")
@blp.response(200, HealthView)
def healthz() -> dict[str, str]:
    """Tell that the process is alive."""
    return {"status": "ok"}


@blp.get("/readyz")
@blp.response(200, ReadinessView)
@blp.problems(Unavailable)
def readyz() -> dict[str, Any]:
    """Tell whether the process can answer: its database, and the age of its directory."""
    checks = {}
    for name, check in services().readiness.items():
        try:
            checks[name] = {"ok": True, **check()}
        except Exception as error:
            current_app.logger.error("not ready: %s", name, exc_info=error)  # noqa: TRY400 - no message wanted
            raise Unavailable(headers={"Retry-After": "5"}) from error
    return {"status": "ready", "checks": checks}


def openapi_document() -> dict[str, Any]:
    """The description of the whole API, as `openapi.yaml` holds it."""
    document: dict[str, Any] = services().port(OpenApi).document()
    return document


class OpenApi:
    """Port to the API object, which is made after its routes."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def document(self) -> dict[str, Any]:
        """Give the OpenAPI document as plain data."""
        return json.loads(json.dumps(self._api.spec.to_dict()))  # type: ignore[no-any-return]


def register_pages(app: Any) -> None:
    """Pages and files beside the API: not part of its description."""

    @app.get("/openapi.json")
    def openapi_json() -> Response:
        response = Response(json.dumps(openapi_document(), ensure_ascii=False), content_type="application/json")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.add_etag()
        return response

    @app.get("/docs")
    def docs() -> Response:
        response = Response(render_template("docs.html", lang=language()))
        # Swagger UI sets styles from its script; nothing else of the product may.
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; "
            "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
        )
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

    @app.get("/docs/assets/<name>")
    def docs_asset(name: str) -> Response:
        if name not in _SWAGGER_FILES:
            raise NotFound
        return send_from_directory(_SWAGGER_UI, name, max_age=86_400)

    @app.get("/problems/<name>")
    def problem_page(name: str) -> Response:
        kinds = [kind for kind in known_problems() if kind.name == name]
        if not kinds:
            raise NotFound
        words = catalogue().problems[name]
        response = Response(
            render_template("problem.html", lang=language(), name=name, status=kinds[0].status, words=words)
        )
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response
