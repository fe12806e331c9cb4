"""Routes of the installation itself: health, documentation, what each problem means."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import flask
import flask_swagger_ui
import marshmallow as ma
from flask import Response, current_app, g, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from citizen_api.core.problems import InvalidArguments, NotFound, Unavailable, known_problems
from citizen_api.web.around import POLICY
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.services import services
from content.catalogue import LANGUAGES, catalogue

blp = Blueprint("system", __name__, description="Health of the installation.")


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
            raise Unavailable from error
    return {"status": "ready", "checks": checks}


class OpenApi:
    """Port to the API object, which is made after its routes."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def document(self) -> dict[str, Any]:
        """Give the OpenAPI document as plain data."""
        return json.loads(json.dumps(self._api.spec.to_dict()))  # type: ignore[no-any-return]

    @cached_property
    def json(self) -> str:
        """Give the document as `/openapi.json` serves it."""
        return json.dumps(self.document(), ensure_ascii=False)


pages = flask.Blueprint("pages", __name__, template_folder="templates")
"""Pages and files beside the API: not part of its description."""

_FILES = {path.name: path for path in (Path(__file__).parent / "static").iterdir()} | {
    name: Path(flask_swagger_ui.__file__).parent / "dist" / name
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
}
_IN_ENGLISH = {"Content-Language": "en"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}


@pages.before_request
def _refuse_unknown_language() -> None:
    if request.args.get("lang", LANGUAGES[0]) not in LANGUAGES:
        raise InvalidArguments(fields={"lang": [f"Must be one of: {', '.join(LANGUAGES)}."]})


@pages.get("/")
def entrance() -> BaseResponse:
    """Lead whoever opens the bare address to the documentation."""
    return flask.redirect("/docs")


@pages.get("/openapi.json")
def openapi_json() -> Response:
    """Describe the API, for programs."""
    g.cache_seconds = 300
    return Response(services().port(OpenApi).json, content_type="application/json", headers=_IN_ENGLISH)


@pages.get("/docs")
def docs() -> Response:
    """Describe the API, for people: Swagger UI from files of this installation."""
    g.cache_seconds = 3600
    response = Response(render_template("docs.html"), headers=_IN_ENGLISH)
    # Swagger UI sets styles from its script; nothing else of the product may.
    response.headers["Content-Security-Policy"] = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
    return response


@pages.get("/static/<name>")
def static_file(name: str) -> Response:
    """Give one of the few files that pages need."""
    if name not in _FILES:
        raise NotFound
    g.cache_seconds = 86_400
    return Response(_FILES[name].read_bytes(), content_type=_TYPES[_FILES[name].suffix])


@pages.get("/problems/<name>")
def problem_page(name: str) -> Response:
    """Say what a problem means and what to do about it: where its `type` leads."""
    kinds = [kind for kind in known_problems() if kind.name == name]
    if not kinds:
        raise NotFound
    g.cache_seconds = 3600
    return Response(
        render_template(
            "problem.html", lang=language(), name=name, status=kinds[0].status, words=catalogue().problems[name]
        )
    )
