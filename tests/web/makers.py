"""Makes apps with planted routes, and reads problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from app import create_app
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.web.services import Services

PROBLEM = "application/problem+json"
NOBODY_LISTENS = "postgresql+psycopg://127.0.0.1:1/none"
UNLIMITED = {"rate_limit": "", "rate_limit_reports": "", "rate_limit_devices": "", "rate_limit_transfers": ""}
UNLIMITED |= {"rate_limit_slots": "", "rate_limit_handoffs": ""}


def make_services(folder: Path, **settings: Any) -> Services:
    """Make collaborators over an empty SQLite database, without limits, unless told otherwise."""
    chosen = Settings(data_dir=folder, **UNLIMITED | settings)
    return Services(settings=chosen, database=Database.from_settings(chosen))


def make_client(folder: Path, plant: Mapping[str, Callable[..., Any]] | None = None, **settings: Any) -> FlaskClient:
    """Make a client of the whole app; `plant` adds routes by their rule."""
    app = create_app(services=make_services(folder, **settings))
    for rule, view in (plant or {}).items():
        app.add_url_rule(rule, endpoint=f"planted {rule}", view_func=view, methods=["GET", "POST"])
    return app.test_client()


def read_problem(response: Any) -> dict[str, Any]:
    """Read a problem, checking what every one of them has."""
    assert response.content_type == PROBLEM
    body = response.get_json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert body["type"].startswith("/problems/")
    assert body["status"] == response.status_code
    assert all(isinstance(body[name], str) and body[name] for name in ("title", "detail", "request_id"))
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert "{" not in body["detail"]
    for error in body.get("errors", []):
        assert set(error) == {"field", "message"}
    assert response.headers["Cache-Control"] == "no-store"
    return body
