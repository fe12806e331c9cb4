"""The command line `alentours`, one group; each capability adds its own commands."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from sqlalchemy.exc import OperationalError

from citizen_api.air.cli import air
from citizen_api.care.cli import Refused, care
from citizen_api.care.importing import ImportRunningError
from citizen_api.care.sync import TooManyVanishingError
from citizen_api.core.settings import Settings, SettingsError
from citizen_api.demo.cli import demo as demo_city
from citizen_api.mobility.network_cli import network
from citizen_api.people.cli import staff
from citizen_api.people.device_cli import people
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult.feed_cli import feeds
from citizen_api.teleconsult.provider_cli import providers
from citizen_api.territory import queries as territory_queries
from citizen_api.web.command import Above, Context
from content.catalogue import ContentError


class _Group(click.Group):
    """Says in one line what an operator can mend; everything else stays a traceback, because it is our fault."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except OperationalError as error:
            reason = " ".join(str(error.orig).split())
            raise click.ClickException(f"the database cannot be used: {reason}") from error
        except SettingsError as error:
            raise click.UsageError(str(error)) from error
        except ContentError as error:
            raise click.ClickException(f"the words are incomplete: {error}") from error
        except ImportRunningError as error:
            raise click.ClickException(str(error)) from error
        except TooManyVanishingError as error:
            raise Refused(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """Alentours: nearest care, clean routes, timely alerts.

    Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some rows were rejected; 4 refused to protect data.
    """
    try:
        context.obj = Context(
            Settings.from_environment(),
            prepare=prepare_database,
            knows_territory=territory_queries.knows_territory,
            above=context.obj or Above(),
        )
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


cli.add_command(air)
cli.add_command(care)
cli.add_command(network)
cli.add_command(staff)
cli.add_command(people)
cli.add_command(providers)
cli.add_command(feeds)
cli.add_command(demo_city)


@cli.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--demo", is_flag=True, help="Load the bundled sample and add the demo city's made-up facts.")
@click.pass_obj
def serve(context: Context, host: str | None, port: int | None, workers: int | None, *, demo: bool) -> None:
    """Prepare the database and serve the API."""
    from citizen_api.serving import serve_app  # noqa: PLC0415 - the server is heavy, other commands need none

    serve_app(context.settings, host=host, port=port, workers=workers, demo=demo)


@cli.command()
@click.option("--demo", is_flag=True, help="Publish and read the demo city's made-up air as well.")
@click.pass_obj
def background(context: Context, *, demo: bool) -> None:
    """Do what is done beside answering: read the air in its turns, plan and send what residents are told.

    `serve` starts this itself.

    It ends when its input is closed.
    """
    from citizen_api.background import run_background  # noqa: PLC0415 - only this command needs it
    from citizen_api.web.logs import configure_logs  # noqa: PLC0415

    configure_logs(context.settings.log_level)
    run_background(context.settings, context.database, clock=context.clock, demo=demo, beside=context.above.beside)


@cli.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@click.pass_obj
def db_upgrade(context: Context) -> None:
    """Bring the database to the newest schema and load the territories of France."""
    _ = context.database
    click.echo("The database is up to date.")


@cli.group()
def openapi() -> None:
    """Write what is generated from the code."""


@openapi.command("write")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is out of step.")
@click.pass_obj
def openapi_write(context: Context, *, check: bool) -> None:
    """Write openapi.yaml, docs/settings.md and docs/problems.md."""
    from citizen_api.documents import generated_documents  # noqa: PLC0415 - builds the whole app

    stale = []
    for name, text in generated_documents(context.settings, *context.above.blueprints()).items():
        path = Path(name)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        click.echo(f"Out of step: {', '.join(stale)}. Run `make openapi`.", err=True)
        sys.exit(1)
    click.echo("Everything in step." if not stale else f"Written: {', '.join(stale)}.")
