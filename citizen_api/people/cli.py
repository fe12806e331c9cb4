"""Commands about staff."""

from __future__ import annotations

import click

from citizen_api.people import actions, queries, rules
from citizen_api.web.command import Context


@click.group()
def staff() -> None:
    """Keys of staff: issue, list, revoke."""


@staff.command("key")
@click.option("--role", required=True, type=click.Choice(list(rules.ROLES)), help="What the key may do.")
@click.option("--organisation", "name", required=True, help="For whom; created when new, with --territory.")
@click.option("--territory", help="Of a new organisation: commune:75056, epci:…, departement:75, region:11, country.")
@click.option("--label", default="", help="To tell this key from others, such as the name of a service.")
@click.pass_obj
def issue(context: Context, role: str, name: str, territory: str | None, label: str) -> None:
    """Issue a key. It is shown once, here, and stored only as a hash."""
    now = context.clock()
    with context.database.session() as session:
        organisation = queries.organisation_named(session, name)
        if organisation is None:
            if territory is None:
                raise click.UsageError(f"{name!r} is new: say its --territory, for example departement:75")
            try:
                organisation = actions.create_organisation(
                    session, name=name, territory=rules.parse_territory(territory), now=now
                )
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint="--territory") from error
        elif territory is not None and rules.parse_territory(territory) != (
            organisation.territory_kind,
            organisation.territory_code,
        ):
            raise click.UsageError(f"{name!r} exists with another territory")
        row, key = actions.issue_key(session, organisation=organisation, role=role, label=label, now=now)
    click.echo(f"Key {row.id} ({role}, {name}). Keep it safe: it is not shown again.", err=True)
    click.echo(key)


@staff.command("list")
@click.pass_obj
def list_keys(context: Context) -> None:
    """List the keys (never their secret)."""
    with context.database.session(write=False) as session:
        for key in queries.staff_keys(session):
            where = f"{key.organisation.territory_kind}:{key.organisation.territory_code or '*'}"
            state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
            click.echo(f"{key.id}\t{key.role}\t{key.organisation.name}\t{where}\t{state}\t{key.label}")


@staff.command("revoke")
@click.argument("key_id", type=int)
@click.pass_obj
def revoke(context: Context, key_id: int) -> None:
    """Revoke a key by its number; requests with it are refused from now on."""
    with context.database.session() as session:
        key = queries.staff_key(session, key_id)
        if key is None:
            raise click.ClickException(f"no key has the number {key_id}")
        actions.revoke_key(session, key, now=context.clock())
    click.echo(f"Key {key_id} is revoked.")
