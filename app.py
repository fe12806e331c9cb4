"""Alentours, wired: the Flask app and the command line. No logic lives here."""

# ruff: noqa: PLC0415 - what a command does not need it does not load: a command line that answers late is not used

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import notifications.models  # noqa: F401 - registers its tables before any command runs
from citizen_api.cli import cli
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database
from citizen_api.core.settings import Settings
from citizen_api.web.command import Above
from citizen_api.web.logs import configure_logs
from citizen_api.web.services import Services
from notifications.alerts_cli import alerts
from notifications.cli import rehearse
from notifications.push_cli import push
from notifications.transports.webpush_cli import keys
from notifications.waves_cli import waves
from notifications.worker_cli import worker

if TYPE_CHECKING:
    from flask import Flask

    from citizen_api.web.blueprint import Blueprint


def create_app(settings: Settings | None = None, *, services: Services | None = None) -> Flask:
    """Make the WSGI app.

    `settings` are read from the environment when not given. `services` replaces the collaborators
    (database, clock, ports), for tests. Raises SettingsError, ContentError.
    """
    from flask import Flask

    from citizen_api.api import install_api, services_from
    from notifications import views

    settings = settings or (services.settings if services else Settings.from_environment())
    app = Flask("alentours", static_folder=None)
    services = services or services_from(settings)
    install_api(app, services, *views.BLUEPRINTS)
    views.install(services)
    return app


def create_served_app() -> Flask:
    """Make the app of one worker process of `alentours serve`, which logs as JSON."""
    from citizen_api.api import warm_up
    from citizen_api.demo.clinic import allow_clinic_from_environment
    from citizen_api.serving import end_with_server

    end_with_server()
    allow_clinic_from_environment()
    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    app = create_app(settings)
    warm_up(app)
    return app


def main() -> None:
    """Run the command line `alentours`."""
    push.add_command(keys)
    for command in (alerts, push, rehearse, waves, worker):
        cli.add_command(command)
    cli(prog_name="alentours", obj=Above(beside=(_work,), blueprints=_blueprints))


def _work(settings: Settings, database: Database, clock: Clock, stop: threading.Event) -> None:
    from notifications.working import work

    work(settings, database, clock, stop)


def _blueprints() -> Sequence[Blueprint]:
    from notifications.views import BLUEPRINTS

    return BLUEPRINTS


if __name__ == "__main__":
    main()
