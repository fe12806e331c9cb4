"""Commands about the registry of providers of appointments."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from citizen_api.teleconsult import provider_queries as queries
from citizen_api.teleconsult.provider_file import RegistryFileError, load_registry
from citizen_api.web.command import EXIT_REJECTED_ROWS, Context


@click.group()
def providers() -> None:
    """Providers of appointments: load a file, list them."""


@providers.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def load(context: Context, file: Path) -> None:
    """Load the providers of FILE (YAML), besides those that come with Alentours, as each start does.

    It stands instead of the file of ALENTOURS_TELECONSULT_PROVIDERS until the next start: set that to FILE as well.
    What left the files is retired; what staff keeps stays as it is.

    Exit codes: 0 done; 1 FILE cannot be read; 3 done, but some entries were rejected.
    """
    try:
        loaded = load_registry(context.database, now=context.clock(), settings=context.settings, own_file=file)
    except RegistryFileError as error:
        raise click.ClickException(str(error)) from error
    for said, ids in (
        ("Added", loaded.added),
        ("Changed", loaded.changed),
        ("Retired", loaded.retired),
        ("Kept by staff, left as they are", loaded.of_staff),
    ):
        if ids:
            click.echo(f"{said}: {', '.join(ids)}")
    for entry in loaded.rejected:
        click.echo(f"Rejected: {entry}", err=True)
    if not (loaded.added or loaded.changed or loaded.retired):
        click.echo("Nothing changed.")
    if loaded.rejected:
        sys.exit(EXIT_REJECTED_ROWS)


@providers.command("list")
@click.pass_obj
def list_command(context: Context) -> None:
    """List the providers, retired ones too."""
    with context.database.session(write=False) as session:
        for row in queries.providers(session):
            where = f"{row.territory_kind}:{row.territory_code or '*'}"
            state = "offered" if row.retired_at is None else f"retired {row.retired_at:%Y-%m-%d}"
            click.echo(f"{row.id}\t{row.kind}\t{row.name}\t{row.origin}\t{where}\t{state}\tas of {row.as_of}")
