"""JSON logs that say what happened, not to whom or where.

A line never holds a query string, a position, a token or a body: the request line is made of the
route's rule, and of a crash only its type and its stack are kept, because messages of exceptions carry values.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from functools import lru_cache
from types import TracebackType
from typing import Any

from flask import has_request_context, request

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

REQUEST_ID = "alentours.request_id"
"""Where the WSGI environment of a request holds its id (`web/around`)."""

_OF_EVERY_RECORD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_access = logging.getLogger("alentours.access")


_OF_A_REQUEST = logging.makeLogRecord(
    {"name": _access.name, "levelno": logging.INFO, "levelname": "INFO", "msg": "request", "pathname": __file__}
).__dict__


class AccessRecord(logging.LogRecord):
    """The record of one request. Unlike others it does not ask who called, in which thread: 10 us a request."""

    def __init__(
        self, method: str, route: str, status: int, duration_ms: float, size: int | None, request_id: str
    ) -> None:
        # Not LogRecord's own: what that would look up stands in the template.
        self.__dict__.update(_OF_A_REQUEST)
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.method = method
        self.route = route
        self.status = status
        self.duration_ms = duration_ms
        self.bytes = size
        self.request_id = request_id


def log_request(*, method: str, route: str, status: int, duration_ms: float, size: int | None, request_id: str) -> None:
    """Write the line of one request: its route's rule, never its path or query."""
    if _access.isEnabledFor(logging.INFO):
        _access.handle(AccessRecord(method, route, status, duration_ms, size, request_id))


class SilentFormatter(logging.Formatter):
    """One JSON object per line, without the messages of exceptions."""

    def format(self, record: logging.LogRecord) -> str:
        """Give time, level, logger and message, then whatever stands in `extra`, then what crashed."""
        if type(record) is AccessRecord:
            # The same as below, for the line that every request writes: 2 us instead of 8.
            size = "null" if record.bytes is None else record.bytes
            return (
                f'{{"time": "{_utc(record.created)}", "level": "INFO", "logger": "alentours.access", '
                f'"message": "request", "method": "{record.method}", "route": {_quoted(record.route)}, '
                f'"status": {record.status}, "duration_ms": {record.duration_ms}, "bytes": {size}, '
                f'"request_id": "{record.request_id}"}}'
            )
        line: dict[str, Any] = {
            "time": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack_info"] = self.formatStack(record.stack_info)
        return json.dumps(line, ensure_ascii=False, default=str)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        """Types and places of the chain of exceptions; never their messages, never source lines."""
        parts: list[str] = []
        error = ei[1]
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            places = " < ".join(
                f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames)
            )
            parts.append(f"{type(error).__name__} at {places}")
            error = error.__cause__ or error.__context__
        return " caused by ".join(parts)


def _utc(created: float) -> str:
    return f"{_utc_second(int(created))}.{int(created % 1 * 1000):03d}Z"


@lru_cache(maxsize=2)
def _utc_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


@lru_cache(maxsize=1024)
def _quoted(route: str) -> str:
    return json.dumps(route, ensure_ascii=False)


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id") and has_request_context():
            record.request_id = request.environ.get(REQUEST_ID, "")
        return True


def configure_logs(level: str) -> None:
    """Send every log of the process to standard error, as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(SilentFormatter())
    handler.addFilter(_RequestIdFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx, httpcore and werkzeug log addresses with their query strings.
    for noisy in ("httpx", "httpcore", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
