"""Our Blueprint: flask-smorest's, plus what every route of ours needs.

- a schema class becomes one instance, not one per request (FACTS: 63 us each);
- problems and logins are documented by the decorator that adds them;
- `lang` is a parameter of every operation, and an unknown parameter is refused, not ignored;
- cacheable answers get an ETag, answers to a position are `no-store`.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import g
from webargs.flaskparser import FlaskParser

from citizen_api.core import problems
from citizen_api.core.problems import Problem
from citizen_api.web.auth import require_staff
from citizen_api.web.problems import MEDIA_TYPE, ProblemView
from citizen_api.web.services import end_session
from content.catalogue import LANGUAGES, catalogue

View = Callable[..., Any]

ALWAYS_POSSIBLE: tuple[type[Problem], ...] = (
    problems.InvalidArguments,
    problems.TooManyRequests,
    problems.InternalError,
    problems.Unavailable,
)
WITH_A_BODY: tuple[type[Problem], ...] = (
    problems.BadRequest,
    problems.BodyTooLarge,
    problems.UnsupportedMediaType,
)


class Args(ma.Schema):
    """Base of every query: `lang`, and nothing that the route does not know."""

    class Meta:
        unknown = ma.RAISE

    lang = ma.fields.String(
        validate=ma.validate.OneOf(LANGUAGES),
        metadata={"description": "Language of the answer; goes before Accept-Language.", "example": "en"},
    )


class Body(ma.Schema):
    """Base of every request body: unknown fields are refused."""

    class Meta:
        unknown = ma.RAISE


class _Parser(FlaskParser):
    # None: the schema's own choice, which is to refuse unknown names.
    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": None, "json": None}

    def load_json(self, req: Any, schema: ma.Schema) -> Any:
        """Refuse a body that is not announced as JSON, instead of reading it as absent."""
        if not req.is_json:
            raise problems.UnsupportedMediaType
        return super().load_json(req, schema)


class Blueprint(flask_smorest.Blueprint):
    """A capability's routes."""

    ARGUMENTS_PARSER = _Parser()

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Callable[[View], View]:
        """Like flask-smorest's, with one schema instance for all requests; a query's `lang` is not passed on."""
        instance = schema() if isinstance(schema, type) else schema
        decorate = super().arguments(instance, location=location, **kwargs)
        extra = self.problems(*WITH_A_BODY) if location in ("json", "form", "files") else None

        def decorator(func: View) -> View:
            @wraps(func)
            def without_lang(args: dict[str, Any], *rest: Any, **named: Any) -> Any:
                if location == "query":
                    args.pop("lang", None)
                return func(args, *rest, **named)

            wrapped = decorate(without_lang)
            # flask-smorest documents the refusal as application/json: `problems` says it right.
            wrapped._apidoc["arguments"].pop("responses", None)  # noqa: SLF001
            return extra(wrapped) if extra else wrapped

        return decorator

    def problems(self, *kinds: type[Problem]) -> Callable[[View], View]:
        """Document problems that the view may answer."""

        def decorator(func: View) -> View:
            func._apidoc = deepcopy(getattr(func, "_apidoc", {}))  # type: ignore[attr-defined]  # noqa: SLF001
            known = func._apidoc.setdefault("problems", [])  # type: ignore[attr-defined]  # noqa: SLF001
            known.extend(kind for kind in kinds if kind not in known)
            return func

        return decorator

    def staff(self, *roles: str) -> Callable[[View], View]:
        """Require a staff key with one of `roles`; documents the security and its two problems."""

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                require_staff(*roles)
                return func(*args, **kwargs)

            documented = self.doc(security=[{"staffKey": []}], **{"x-roles": list(roles)})(wrapper)
            return self.problems(problems.Unauthorised, problems.Forbidden)(documented)

        return decorator

    def cacheable(self, seconds: int) -> Callable[[View], View]:
        """Mark an answer that caches may keep for `seconds`; it gets an ETag and answers 304."""

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                g.cache_seconds = seconds
                return func(*args, **kwargs)

            return wrapper

        return decorator

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view; one that declares no query gets the common one."""
        register = super().route(rule, **options)

        def decorator(func: View) -> View:
            parameters = getattr(func, "_apidoc", {}).get("arguments", {}).get("parameters", [])
            if not any(parameter["in"] == "query" for parameter in parameters):
                func = self.arguments(Args, location="query")(_ignoring_arguments(func))
            register(self.problems(*ALWAYS_POSSIBLE)(_committing(func)))
            return func

        return decorator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_problems_doc)

    @staticmethod
    def _prepare_problems_doc(doc: dict[str, Any], doc_info: dict[str, Any], *, spec: Any, **_: Any) -> dict[str, Any]:
        """Add one documented response per status, naming each problem it can be."""
        by_status: dict[int, list[type[Problem]]] = {}
        for kind in doc_info.get("problems", []):
            by_status.setdefault(kind.status, []).append(kind)
        responses = doc.setdefault("responses", {})
        schema = spec.plugins[1].converter.resolve_nested_schema(ProblemView)
        for status, kinds in sorted(by_status.items()):
            names = sorted({kind.name for kind in kinds})
            responses[str(status)] = {
                "description": "; ".join(f"`{name}`: {catalogue().problems[name].title.say('en')}" for name in names),
                "content": {
                    MEDIA_TYPE: {
                        "schema": schema,
                        "examples": {name: {"value": _example(name, status)} for name in names},
                    }
                },
            }
        return doc


def _example(name: str, status: int) -> dict[str, Any]:
    words = catalogue().problems[name]
    return {
        "type": f"/problems/{name}",
        "title": words.title.say("en"),
        "status": status,
        "detail": words.detail.say("en"),
        "request_id": "0f7c9c1e5d0b4a0f",
    }


def _ignoring_arguments(func: View) -> View:
    @wraps(func)
    def wrapper(_args: dict[str, Any], *rest: Any, **named: Any) -> Any:
        return func(*rest, **named)

    return wrapper


def _committing(func: View) -> View:
    """Commit before the answer leaves, where a failure can still become a problem."""

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        answer = func(*args, **kwargs)
        end_session(success=True)
        return answer

    return wrapper
