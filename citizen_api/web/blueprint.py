"""Our Blueprint: flask-smorest's, plus what every route of ours needs.

- a schema class becomes one instance, not one per request (FACTS: 63 us each);
- problems, logins and caching are documented by the decorator that adds them (`web/described`);
- `lang` is a parameter of every operation, and an unknown or doubled parameter is refused, not ignored;
- cacheable answers get an ETag, answers to a position are `no-store`.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import g, jsonify, request
from werkzeug.wrappers import Response

from citizen_api.core import problems
from citizen_api.core.problems import Problem
from citizen_api.web.auth import require_device, require_staff
from citizen_api.web.described import describe
from citizen_api.web.http import count_against
from citizen_api.web.language import choose_language
from citizen_api.web.query import QuickReader, is_simple
from citizen_api.web.reading import Parser
from citizen_api.web.services import end_session
from content.catalogue import LANGUAGES

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


class Blueprint(flask_smorest.Blueprint):
    """A capability's routes."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: Any, *, location: str = "json", **documented: Any) -> Callable[[View], View]:
        """Like flask-smorest's, with one schema instance for all requests; a query's `lang` is not passed on.

        What is `documented` (a content type, a description, examples) goes to the description of the API;
        `required=False` lets a request come without a body, which then has nothing but defaults.
        """
        instance = schema() if isinstance(schema, type) else schema
        describing = super().arguments(instance, location=location, **documented)
        extra = self.problems(*WITH_A_BODY) if location in ("json", "form", "files") else None
        read = self._reader_of(instance, location, required=documented.get("required", True))

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return func(*args, read(), **kwargs)

            wrapper._apidoc = describing(func)._apidoc  # type: ignore[attr-defined]  # noqa: SLF001
            # flask-smorest documents the refusal as application/json: `problems` says it right.
            wrapper._apidoc["arguments"].pop("responses", None)  # type: ignore[attr-defined]  # noqa: SLF001
            return extra(wrapper) if extra else wrapper

        return decorator

    def _reader_of(self, schema: ma.Schema, location: str, *, required: bool) -> Callable[[], dict[str, Any]]:
        """What reads the arguments of the current request. It raises Problem or what webargs raises."""
        parser = self.ARGUMENTS_PARSER
        if location != "query":
            return lambda: (
                parser.parse(schema, location=location) if required or request.get_data() else schema.load({})
            )
        quick = QuickReader(schema) if is_simple(schema) else None

        def read() -> dict[str, Any]:
            args = quick.read(request) if quick else None
            if args is None:
                args = parser.parse(schema, location=location)
            choose_language(args.pop("lang", None))
            return args

        return read

    def response(self, status_code: int, schema: Any = None, **documented: Any) -> Callable[[View], View]:
        """Like flask-smorest's. A view gives what `schema` dumps, or a ready Response, which leaves as it is."""
        instance = schema() if isinstance(schema, type) else schema
        describing = super().response(status_code, instance, **documented)

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                answer = func(*args, **kwargs)
                if isinstance(answer, Response):
                    return answer
                response = jsonify(answer if instance is None else instance.dump(answer))
                response.status_code = status_code
                return response

            wrapper._apidoc = describing(func)._apidoc  # type: ignore[attr-defined]  # noqa: SLF001
            return wrapper

        return decorator

    def alt_response(self, *args: Any, **documented: Any) -> Callable[[View], View]:
        """Like flask-smorest's, without a function around the view: it only documents."""
        return _only(super().alt_response(*args, **documented))

    def doc(self, **documented: Any) -> Callable[[View], View]:
        """Like flask-smorest's, without a function around the view: it only documents."""
        return _only(super().doc(**documented))

    def problems(self, *kinds: type[Problem]) -> Callable[[View], View]:
        """Document problems that the view may answer."""

        def decorator(func: View) -> View:
            func._apidoc = deepcopy(getattr(func, "_apidoc", {}))  # type: ignore[attr-defined]  # noqa: SLF001
            known = func._apidoc.setdefault("problems", [])  # type: ignore[attr-defined]  # noqa: SLF001
            known.extend(kind for kind in kinds if kind not in known)
            return func

        return decorator

    def staff(self, *roles: str) -> Callable[[View], View]:
        """Require a staff key with one of `roles`; documents the security and its two problems.

        Wherever it stands among the decorators, the key is looked at first, before any argument or body.
        """

        def decorator(func: View) -> View:
            func._staff_roles = roles  # type: ignore[attr-defined]  # noqa: SLF001
            documented = self.doc(security=[{"staffKey": []}], **{"x-roles": list(roles)})(func)
            return self.problems(problems.Unauthorised, problems.Forbidden)(documented)

        return decorator

    def device(self) -> Callable[[View], View]:
        """Require a device token; documents the security and its problem. Looked at first, as a staff key is."""

        def decorator(func: View) -> View:
            func._asks_device = True  # type: ignore[attr-defined]  # noqa: SLF001
            documented = self.doc(security=[{"deviceToken": []}])(func)
            return self.problems(problems.Unauthorised)(documented)

        return decorator

    def limited(self, setting: str) -> Callable[[View], View]:
        """Limit how often one client may do this: `setting` names the setting that says how often."""

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                count_against(setting)
                return func(*args, **kwargs)

            return wrapper

        return decorator

    def cacheable(self, seconds: int, *, unless: str | None = None) -> Callable[[View], View]:
        """Mark an answer that caches may keep for `seconds`; it gets an ETag and answers 304.

        A question that has the parameter `unless` (a position) is not kept.
        """

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                if unless is None or unless not in request.args:
                    g.cache_seconds = seconds
                return func(*args, **kwargs)

            wrapper._apidoc = deepcopy(getattr(func, "_apidoc", {}))  # type: ignore[attr-defined]  # noqa: SLF001
            wrapper._apidoc["cacheable"] = "always" if unless is None else "sometimes"  # type: ignore[attr-defined]  # noqa: SLF001
            return wrapper

        return decorator

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view; one that declares no query gets the common one."""
        register = super().route(rule, **options)

        def decorator(func: View) -> View:
            parameters = getattr(func, "_apidoc", {}).get("arguments", {}).get("parameters", [])
            if not any(parameter["in"] == "query" for parameter in parameters):
                func = self.arguments(Args, location="query")(_ignoring_arguments(func))
            register(self.problems(*ALWAYS_POSSIBLE)(_whole(func)))
            return func

        return decorator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(describe)


def _ignoring_arguments(func: View) -> View:
    @wraps(func)
    def wrapper(_args: dict[str, Any], *rest: Any, **named: Any) -> Any:
        return func(*rest, **named)

    return wrapper


def _only(describing: Callable[[View], View]) -> Callable[[View], View]:
    """Keep what a decorator of flask-smorest documents, without the function that it puts around a view."""

    def decorator(func: View) -> View:
        func._apidoc = describing(func)._apidoc  # type: ignore[attr-defined]  # noqa: SLF001
        return func

    return decorator


def _whole(func: View) -> View:
    """What Flask calls: the key or token first, where one is asked for; then the view; then the end of its transaction.

    It is committed before the answer leaves, where a failure can still become a problem.
    """
    roles: tuple[str, ...] | None = getattr(func, "_staff_roles", None)
    asks_device: bool = getattr(func, "_asks_device", False)

    @wraps(func)
    def wrapper(**kwargs: Any) -> Any:
        if roles is not None:
            require_staff(*roles)
        if asks_device:
            require_device()
        answer = func(**kwargs)
        end_session(success=True)
        return answer

    return wrapper
