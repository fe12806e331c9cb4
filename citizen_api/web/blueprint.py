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
from flask import g
from flask_limiter import Limiter

from citizen_api.core import problems
from citizen_api.core.problems import Problem
from citizen_api.web.auth import require_staff
from citizen_api.web.described import describe
from citizen_api.web.reading import Parser
from citizen_api.web.services import end_session, services
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
        """Require a staff key with one of `roles`; documents the security and its two problems.

        Wherever it stands among the decorators, the key is looked at first, before any argument or body.
        """

        def decorator(func: View) -> View:
            func._staff_roles = roles  # type: ignore[attr-defined]  # noqa: SLF001
            documented = self.doc(security=[{"staffKey": []}], **{"x-roles": list(roles)})(func)
            return self.problems(problems.Unauthorised, problems.Forbidden)(documented)

        return decorator

    def limited(self, setting: str) -> Callable[[View], View]:
        """Limit how often one client may do this: `setting` names the setting that says how often."""

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                often: str = getattr(services().settings, setting)
                if often:
                    with services().port(Limiter).limit(often):
                        return func(*args, **kwargs)
                return func(*args, **kwargs)

            return wrapper

        return decorator

    def cacheable(self, seconds: int) -> Callable[[View], View]:
        """Mark an answer that caches may keep for `seconds`; it gets an ETag and answers 304."""

        def decorator(func: View) -> View:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                g.cache_seconds = seconds
                return func(*args, **kwargs)

            wrapper._apidoc = deepcopy(getattr(func, "_apidoc", {}))  # type: ignore[attr-defined]  # noqa: SLF001
            wrapper._apidoc["cacheable"] = seconds  # type: ignore[attr-defined]  # noqa: SLF001
            return wrapper

        return decorator

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view; one that declares no query gets the common one."""
        register = super().route(rule, **options)

        def decorator(func: View) -> View:
            parameters = getattr(func, "_apidoc", {}).get("arguments", {}).get("parameters", [])
            if not any(parameter["in"] == "query" for parameter in parameters):
                func = self.arguments(Args, location="query")(_ignoring_arguments(func))
            register(self.problems(*ALWAYS_POSSIBLE)(_committing(_guarded(func))))
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


def _guarded(func: View) -> View:
    """Look at the staff key first, where the view asks for one."""
    roles: tuple[str, ...] | None = getattr(func, "_staff_roles", None)
    if roles is None:
        return func

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        require_staff(*roles)
        return func(*args, **kwargs)

    return wrapper


def _committing(func: View) -> View:
    """Commit before the answer leaves, where a failure can still become a problem."""

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        answer = func(*args, **kwargs)
        end_session(success=True)
        return answer

    return wrapper
