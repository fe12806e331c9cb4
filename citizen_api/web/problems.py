"""RFC 9457: every error of the HTTP face is `application/problem+json`, in one shape."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import Flask, Response, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException

from citizen_api.core import problems
from citizen_api.core.problems import Problem
from citizen_api.web.language import language
from citizen_api.web.logs import REQUEST_ID
from citizen_api.web.services import end_session, services
from content.catalogue import catalogue

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("alentours.http")

_BY_STATUS: dict[int, type[Problem]] = {
    400: problems.BadRequest,
    401: problems.Unauthorised,
    403: problems.Forbidden,
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    406: problems.NotAcceptable,
    409: problems.Conflict,
    413: problems.BodyTooLarge,
    415: problems.UnsupportedMediaType,
    422: problems.InvalidArguments,
    429: problems.TooManyRequests,
    503: problems.Unavailable,
}
_ALWAYS_WITH: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "5"},
}


class FieldErrorView(ma.Schema):
    """What is wrong with one parameter or field."""

    field = ma.fields.String(required=True, metadata={"description": "Name, with dots inside a body."})
    message = ma.fields.String(required=True)


class ProblemView(ma.Schema):
    """A problem, as RFC 9457 shapes it. `title` and `detail` are in the language of the request."""

    type = ma.fields.String(
        required=True,
        metadata={
            "description": "Stable name of the kind of problem, explained at that address.",
            "example": "/problems/invalid-arguments",
        },
    )
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Nested(FieldErrorView))
    request_id = ma.fields.String(
        required=True,
        metadata={
            "description": "Also in X-Request-ID. A UUID sent in that header is kept; anything else is replaced."
        },
    )


def problem_response(problem: Problem) -> Response:
    """Render a problem in the language of the request."""
    lang = language()
    words = catalogue().problems[problem.name]
    body: dict[str, Any] = {
        "type": f"/problems/{problem.name}",
        "title": words.title.say(lang),
        "status": problem.status,
        "detail": words.detail.say(lang, **problem.details),
        "request_id": request.environ.get(REQUEST_ID, ""),
    }
    if problem.fields:
        body["errors"] = [
            {"field": name, "message": catalogue().validation_message(message, lang)}
            for name, messages in sorted(problem.fields.items())
            for message in messages
        ]
    response = Response(json.dumps(body, ensure_ascii=False), status=problem.status, content_type=MEDIA_TYPE)
    response.headers.update(_ALWAYS_WITH.get(problem.status, {}) | problem.headers)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = lang
    return response


def _field_messages(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten marshmallow's nested messages into `{"a.b": [message, …]}`."""
    if isinstance(messages, dict):
        flat: dict[str, list[str]] = {}
        for key, value in messages.items():
            part = "" if key == "_schema" else str(key)
            for name, texts in _field_messages(value, f"{path}.{part}".strip(".")).items():
                flat.setdefault(name, []).extend(texts)
        return flat
    return {path: [str(text) for text in (messages if isinstance(messages, list) else [messages])]}


def _from_http(error: HTTPException) -> Problem:
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    unlisted = problems.InternalError if code >= HTTPStatus.INTERNAL_SERVER_ERROR else problems.BadRequest
    kind = _BY_STATUS.get(code, unlisted)
    details: dict[str, object] = {}
    headers: dict[str, str] = {}
    fields: dict[str, list[str]] = {}
    match kind:
        case problems.MethodNotAllowed:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
            details["allowed"], headers["Allow"] = allowed, allowed
        case problems.NotAcceptable:
            details["offered"] = "application/json"
        case problems.BodyTooLarge:
            details["limit_bytes"] = services().settings.max_body_bytes
        case problems.InvalidArguments:
            # webargs groups its messages by location ("query", "json"): the reader does not care.
            for messages in (getattr(error, "data", None) or {}).get("messages", {}).values():
                fields |= _field_messages(messages)
    return kind(fields=fields, headers=headers, **details)


def register_problem_handlers(app: Flask) -> None:
    """Turn everything that can go wrong in `app` into a problem."""

    @app.errorhandler(Problem)
    def on_problem(problem: Problem) -> Response:
        end_session(success=False)
        return problem_response(problem)

    @app.errorhandler(HTTPException)
    def on_http_exception(error: HTTPException) -> Response:
        end_session(success=False)
        return problem_response(_from_http(error))

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(NoConnectionLeft)
    def on_database_down(error: Exception) -> Response:
        end_session(success=False)
        _log.error("database unavailable", exc_info=error)
        return problem_response(problems.Unavailable())

    @app.errorhandler(Exception)
    def on_crash(error: Exception) -> Response:
        end_session(success=False)
        _log.error("crash", exc_info=error, extra={"route": str(request.url_rule)})
        return problem_response(problems.InternalError())

    def log_exception(exc_info: Any) -> None:
        # Flask's own would log the path, where a position may stand. It is called for a crash after the view.
        _log.error("crash", exc_info=exc_info, extra={"route": str(request.url_rule)})

    app.log_exception = log_exception  # type: ignore[method-assign]
