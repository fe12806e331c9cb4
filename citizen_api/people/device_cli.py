"""Commands about residents' devices."""

from __future__ import annotations

import click

from citizen_api.people import device_actions as actions
from citizen_api.web.command import Context


@click.group()
def people() -> None:
    """Devices of residents."""


@people.command("retire")
@click.pass_obj
def retire(context: Context) -> None:
    """Erase the devices that were silent for 270 days, and everything that names them. To be run every day."""
    with context.database.session() as session:
        erased = actions.retire_silent(session, context.clock())
    context.database.forget_deleted()
    click.echo(f"Erased for their long silence: {erased} devices.")
