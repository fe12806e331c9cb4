"""`alentours push keys`: the key with which browsers know this installation."""

from __future__ import annotations

from pathlib import Path

import click

from citizen_api.web.command import Context
from notifications.transports.webpush_keys import VapidError, make_vapid_key, public_key


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def keys(context: Context, file: Path | None) -> None:
    """Make the key for Web Push, or show the public half of one that is there.

    FILE: where it lies; without it, the setting PUSH_VAPID_KEY_FILE. A key is never overwritten.
    """
    if file is None:
        if not context.settings.push_vapid_key_file:
            raise click.UsageError("say which FILE, or set ALENTOURS_PUSH_VAPID_KEY_FILE")
        file = Path(context.settings.push_vapid_key_file)
    try:
        if file.exists():
            known_as = public_key(file)
            click.echo(f"{file} is kept: browsers that subscribed know this installation by it.")
        else:
            known_as = make_vapid_key(file)
            click.echo(
                f"{file} is made. Keep it secret, and keep a copy: without it every browser must subscribe anew."
            )
    except VapidError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Public key: {known_as}")
    if not context.settings.push_vapid_key_file:
        click.echo(f"To use it: ALENTOURS_PUSH_VAPID_KEY_FILE={file} ALENTOURS_PUSH_VAPID_SUBJECT=mailto:…")
