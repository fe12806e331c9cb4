"""`alentours serve`: the one way to run Alentours, on a laptop and in production."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import click
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from citizen_api.air import actions as air_actions
from citizen_api.air.outlook import DEMO_SOURCE
from citizen_api.background import background
from citizen_api.care import queries as care_queries
from citizen_api.care import rules as care_rules
from citizen_api.care.actions import remove_source
from citizen_api.care.directory import Directory
from citizen_api.care.directory_files import current_version
from citizen_api.care.keeper import FOLDER, BuilderFailedError, choose_compiled_folder, run_builder
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.core.settings import PREFIX, Settings
from citizen_api.mobility.station_sync import forget_demo_bikes
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult.provider_file import load_registry
from citizen_api.web.logs import configure_logs
from content.catalogue import catalogue


def serve_app(settings: Settings, *, host: str | None, port: int | None, workers: int | None, demo: bool) -> None:
    """Prepare the database, then serve until told to stop."""
    settings = replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        workers=workers or settings.workers,
    )
    _check_free(settings.host, settings.port)
    configure_logs(settings.log_level)
    catalogue()  # words that are incomplete refuse to start, here rather than in each worker
    database = Database.from_settings(settings)
    prepare_database(database)
    for rejected in load_registry(database, now=system_clock(), settings=settings).rejected:
        click.echo(f"Provider left out: {rejected}", err=True)
    if demo:
        from citizen_api.demo.city import start_demo_city  # noqa: PLC0415 - without --demo nothing of it exists
        from citizen_api.demo.clinic import choose_clinic_port  # noqa: PLC0415

        choose_clinic_port()
        start_demo_city(settings, database, say=lambda line: click.echo(line, err=True))
    else:
        from citizen_api.demo.clinic import forget_demo_clinic  # noqa: PLC0415
        from citizen_api.demo.staging import Stage  # noqa: PLC0415 - what an earlier run left is cleared away

        forget_demo(database)
        forget_demo_clinic(database, settings)
        Stage(settings.data_dir).clear()
    with database.session(write=False) as session:
        count = care_queries.count_facilities(session)
    database.engine.dispose()
    # Once, before the workers: they only open it, and the compiled search is at hand.
    with suppress(BuilderFailedError):  # logged; each worker tries again
        run_builder(settings)
    click.echo(f"Alentours: {count} places of care. http://{settings.host}:{settings.port}/docs", err=True)
    if not count:
        click.echo("No place is known yet: see `alentours care import --help`, or try --demo.", err=True)
    _preload(settings)
    # The workers are processes of their own: they read the same settings from the environment.
    os.environ[f"{PREFIX}HOST"], os.environ[f"{PREFIX}PORT"] = settings.host, str(settings.port)
    server = Server(
        "app:create_served_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=4,
        factory=True,
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig=LOGS,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    with background(settings, demo=demo, stopping=lambda: server.interrupt_signal):
        server.serve()


def end_with_server() -> None:
    """End this worker soon after the server that started it was killed: an orphan would keep the port.

    In a process that no server started, nothing happens.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == parent.pid:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="server").start()


def _preload(settings: Settings) -> None:
    """Load what every worker needs before they part, so that they share its memory.

    Granian forks its workers where Python does by default (Linux, up to 3.13); elsewhere each loads its own.
    """
    choose_compiled_folder(settings)
    version = current_version(settings.data_dir / FOLDER)
    if version is not None:
        with suppress(OSError):  # each worker finds out what is wrong with it
            Directory.open(version).warm_up()
    # What is there now stays: a collection in a worker would touch, and so copy, all of it.
    gc.collect()
    gc.freeze()


def _check_free(host: str, port: int) -> None:
    """Refuse a taken address at once and in one line, before any work. Raises click.ClickException."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "citizen_api.web.logs.SilentFormatter"}},
    "handlers": {"console": {"formatter": "json", "class": "logging.StreamHandler", "stream": sys.stderr}},
    "loggers": {
        "_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}
"""Granian's own access log would carry query strings, where positions travel: it stays off."""


def forget_demo(database: Database) -> None:
    """Without --demo nothing of the demo city exists, not even what an earlier run left in the tables."""
    with database.session() as session:
        remove_source(session, care_rules.DEMO_SOURCE, now=system_clock())
        air_actions.remove_source(session, DEMO_SOURCE)
    forget_demo_bikes(database)
