"""Problems: what can go wrong for a caller, each a class with a stable name and an HTTP status.

The words (title and detail, French and English) are in `content/problems.yaml` under the same name;
placeholders of the detail are filled from the keyword arguments.
"""

from __future__ import annotations

from typing import ClassVar


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Base of every error that is the caller's to understand (RFC 9457)."""

    name: ClassVar[str]
    status: ClassVar[int]

    def __init__(
        self,
        *,
        fields: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
        **details: object,
    ) -> None:
        super().__init__(self.name)
        self.fields = fields or {}
        self.headers = headers or {}
        self.details = details


class BadRequest(Problem):
    """See `content/problems.yaml`."""

    name, status = "bad-request", 400


class CursorInvalid(Problem):
    """See `content/problems.yaml`."""

    name, status = "cursor-invalid", 400


class Unauthorised(Problem):
    """See `content/problems.yaml`."""

    name, status = "unauthorised", 401


class Forbidden(Problem):
    """See `content/problems.yaml`."""

    name, status = "forbidden", 403


class OutsideTerritory(Problem):
    """See `content/problems.yaml`."""

    name, status = "outside-territory", 403


class NotFound(Problem):
    """See `content/problems.yaml`."""

    name, status = "not-found", 404


class MethodNotAllowed(Problem):
    """See `content/problems.yaml`."""

    name, status = "method-not-allowed", 405


class NotAcceptable(Problem):
    """See `content/problems.yaml`."""

    name, status = "not-acceptable", 406


class Conflict(Problem):
    """See `content/problems.yaml`."""

    name, status = "conflict", 409


class BodyTooLarge(Problem):
    """See `content/problems.yaml`."""

    name, status = "body-too-large", 413


class UnsupportedMediaType(Problem):
    """See `content/problems.yaml`."""

    name, status = "unsupported-media-type", 415


class InvalidArguments(Problem):
    """See `content/problems.yaml`."""

    name, status = "invalid-arguments", 422


class LevelOutsideScale(Problem):
    """See `content/problems.yaml`."""

    name, status = "level-outside-scale", 422


class PositionMissing(Problem):
    """See `content/problems.yaml`."""

    name, status = "position-missing", 422


class PositionOutOfRange(Problem):
    """See `content/problems.yaml`."""

    name, status = "position-out-of-range", 422


class PositionSwapped(Problem):
    """See `content/problems.yaml`."""

    name, status = "position-swapped", 422


class TooManyRequests(Problem):
    """See `content/problems.yaml`."""

    name, status = "too-many-requests", 429


class InternalError(Problem):
    """See `content/problems.yaml`."""

    name, status = "internal-error", 500


class Unavailable(Problem):
    """See `content/problems.yaml`."""

    name, status = "unavailable", 503


def known_problems() -> list[type[Problem]]:
    """Every problem class of the modules imported so far, by status and name."""
    found: list[type[Problem]] = []
    todo = [Problem]
    while todo:
        for subclass in todo.pop().__subclasses__():
            found.append(subclass)
            todo.append(subclass)
    return sorted(found, key=lambda problem: (problem.status, problem.name))
