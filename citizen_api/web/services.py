"""What a request may use, put together once by `app.create_app` and found again from the Flask app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from flask import current_app, g, request
from sqlalchemy.orm import Session

from citizen_api.core.clock import Clock, system_clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings

T = TypeVar("T")

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Services:
    """The collaborators of one app. Tests build it with a still clock and their own database."""

    settings: Settings
    database: Database
    clock: Clock = system_clock
    ports: dict[type, Any] = field(default_factory=dict)
    """Capabilities register what they share here, by type: the directory, the geocoder."""
    readiness: dict[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)
    """Named checks of `/readyz`: each returns facts to show, or raises."""

    def port(self, kind: type[T]) -> T:
        """Find a registered capability by its type."""
        found: T = self.ports[kind]
        return found


def services() -> Services:
    """Find the collaborators of the current app."""
    found: Services = current_app.extensions["alentours"]
    return found


def now() -> datetime:
    """Ask the app's clock, once per request, so that one answer speaks of one moment."""
    if "now" not in g:
        g.now = services().clock()
    moment: datetime = g.now
    return moment


def session() -> Session:
    """Open this request's session, at the first use.

    Reading methods get a reading one, ended without a commit; others one that is committed when the
    answer is a success and rolled back otherwise (`end_session`).
    """
    if "session" not in g:
        g.session = services().database.open(write=request.method not in READING_METHODS)
    current: Session = g.session
    return current


def end_session(*, success: bool) -> None:
    """End this request's transaction, if it has one."""
    current: Session | None = g.pop("session", None)
    if current is None:
        return
    try:
        if success:
            current.commit()
        else:
            current.rollback()
    finally:
        current.close()
