"""JSON logs that say what happened, not to whom or where.

A line never holds a query string, a position, a token or a body: the request line is made of the
route's rule, and of a crash only its type and its stack are kept, because messages of exceptions carry values.
"""

from __future__ import annotations

import logging
import time
import traceback
from types import TracebackType

from flask import g, has_request_context
from pythonjsonlogger.json import JsonFormatter

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class SilentFormatter(JsonFormatter):
    """One JSON object per line, without the messages of exceptions."""

    def __init__(self) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )
        self.converter = time.gmtime
        self.default_msec_format = "%s.%03dZ"
        self.default_time_format = "%Y-%m-%dT%H:%M:%S"

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


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context() and not hasattr(record, "request_id"):
            record.request_id = g.get("request_id", "")
        return True


def configure_logs(level: str) -> None:
    """Send every log of the process to standard error, as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(SilentFormatter())
    handler.addFilter(_RequestIdFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx, httpcore and werkzeug log addresses with their query strings, flask-limiter those of clients.
    for noisy in ("httpx", "httpcore", "werkzeug", "flask-limiter", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
