"""Alentours, wired: the Flask app and the command line. No logic lives here."""

from __future__ import annotations

from flask import Flask

import notifications.models  # noqa: F401 - registers its tables before any command runs
from citizen_api.api import install_api, services_from, warm_up
from citizen_api.cli import cli
from citizen_api.core.settings import Settings
from citizen_api.web.logs import configure_logs
from citizen_api.web.services import Services
from notifications.alerts_cli import alerts
from notifications.cli import rehearse


def create_app(settings: Settings | None = None, *, services: Services | None = None) -> Flask:
    """Make the WSGI app.

    `settings` are read from the environment when not given. `services` replaces the collaborators
    (database, clock, ports), for tests. Raises SettingsError, ContentError.
    """
    settings = settings or (services.settings if services else Settings.from_environment())
    app = Flask("alentours", static_folder=None)
    install_api(app, services or services_from(settings))
    return app


def create_served_app() -> Flask:
    """Make the app of one worker process of `alentours serve`, which logs as JSON."""
    from citizen_api.serving import end_with_server  # noqa: PLC0415 - the server is heavy, commands need none

    end_with_server()
    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    app = create_app(settings)
    warm_up(app)
    return app


def main() -> None:
    """Run the command line `alentours`."""
    cli.add_command(alerts)
    cli.add_command(rehearse)
    cli(prog_name="alentours")


if __name__ == "__main__":
    main()
