"""Commands about alerts."""

from __future__ import annotations

import click

from citizen_api.web.command import Context
from content.catalogue import catalogue
from notifications.triggers.air import preview


@click.group()
def alerts() -> None:
    """Alerts about air, pollen, heat and UV."""


@alerts.command("preview")
@click.pass_obj
def preview_command(context: Context) -> None:
    """Count, for each alert day, the devices that would be told now, and why; nothing is sent or written.

    A device is in the count of a day if it watches anything; it is named nowhere.
    """
    words, language = catalogue().why, context.settings.default_language
    with context.database.session(write=False) as session:
        counts = preview(session, now=context.clock())
    for day, decided in counts.items():
        click.echo(f"{day}: {decided.total()} {'device' if decided.total() == 1 else 'devices'}")
        for (action, kind, reason), count in decided.most_common():
            click.echo(f"  {count:>8}  {kind or action:<10} {reason:<14} {words[reason].say(language)}")
