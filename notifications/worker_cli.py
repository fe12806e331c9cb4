"""`alentours worker`: sends what is planned, where the engine is Celery. Any number run, on any hosts."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Any, Final

import click

from citizen_api.core.clock import Clock
from citizen_api.core.settings import Settings
from citizen_api.web.command import Context
from notifications.ledger import LANES

CONCURRENCY: Final = 4


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=CONCURRENCY,
    show_default=True,
    help="Processes that send; one more is kept for alerts.",
)
@click.option("--alerts-only", is_flag=True, help="Send alerts only, in all of them.")
@click.pass_obj
def worker(context: Context, *, concurrency: int, alerts_only: bool) -> None:
    """Send what is planned, until told to stop. For several machines: see docs/running.md."""
    settings = context.settings
    if settings.engine != "celery":
        raise click.ClickException(
            "ALENTOURS_ENGINE is not `celery`: the background process sends by itself, and a worker has nothing to do"
        )
    _check_broker(settings)
    _check_transports(settings, context.clock)
    # Every process opens the database for itself.
    context.database.engine.dispose()
    from notifications.engines.celery_node import run_node  # noqa: PLC0415 - Celery is heavy, other commands need none

    if alerts_only:
        sys.exit(run_node(settings, context.clock, lanes=LANES[:1], concurrency=concurrency))
    sys.exit(_run_both(settings, context.clock, ((LANES, concurrency), (LANES[:1], 1))))


def _check_broker(settings: Settings) -> None:
    from notifications.engines.celery_app import CONNECT_TIMEOUT_S, make_app  # noqa: PLC0415 - as above

    app = make_app(settings)
    with app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S) as connection:
        try:
            connection.connect()
            connection.channel().close()
        except Exception as error:
            # Not what the error says: an address may hold a password.
            raise click.ClickException(
                f"the broker at ALENTOURS_BROKER_URL cannot be used ({type(error).__name__})"
            ) from error
    app.close()


def _check_transports(settings: Settings, clock: Clock) -> None:
    """Refuse here, once, what each process would find out; what it loads they share."""
    from notifications.transports.choose import transports_from  # noqa: PLC0415 - as above

    try:
        transports = transports_from(settings, clock=clock)
    except Exception as error:
        raise click.ClickException(f"a push service cannot be used: {error} (see `alentours push check`)") from error
    for transport in transports:
        transport.close()


def _run_both(settings: Settings, clock: Clock, parts: Sequence[tuple[Sequence[str], int]]) -> int:
    """Run a node for each part, of these lanes and so many processes. When one ends, so do all: give the exit code."""
    # Before anything else runs in this process: they share what it has loaded.
    fork = multiprocessing.get_context("fork")
    nodes = [fork.Process(target=_run_node, args=(settings, clock, *part)) for part in parts]
    for node in nodes:
        node.start()

    def end(*_: Any) -> None:
        for node in nodes:
            node.terminate()

    signal.signal(signal.SIGTERM, end)
    # Ctrl-C reaches the nodes by itself.
    signal.signal(signal.SIGINT, lambda *_: None)
    wait([node.sentinel for node in nodes])
    end()
    for node in nodes:
        node.join()
    return int(any(node.exitcode for node in nodes))


def _run_node(settings: Settings, clock: Clock, lanes: Sequence[str], concurrency: int) -> None:
    from notifications.engines.celery_node import run_node  # noqa: PLC0415 - as above

    sys.exit(run_node(settings, clock, lanes=lanes, concurrency=concurrency))
