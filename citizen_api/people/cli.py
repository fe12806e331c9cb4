"""Commands about staff."""

from __future__ import annotations

import click

from citizen_api.people import actions, queries, rules
from citizen_api.people.models import LABEL_LENGTH, NAME_LENGTH
from citizen_api.web.command import Context


class _Text(click.ParamType[str]):
    """Text of at most so many characters, on one line, trimmed."""

    name = "text"

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what the table would not hold or a list would not show."""
        text = value.strip()
        if not self._least <= len(text) <= self._most or not (text.isprintable() or not text):
            self.fail(f"must be one line of {self._least} to {self._most} characters", param, ctx)
        return text


class _Territory(click.ParamType[tuple[str, str | None]]):
    """A territory as (kind, code)."""

    name = "territory"

    def convert(
        self, value: str | tuple[str, str | None], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        """Read `departement:75`."""
        if isinstance(value, tuple):
            return value
        try:
            return rules.parse_territory(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def staff() -> None:
    """Keys of staff: issue, list, revoke."""


@staff.command("key")
@click.option("--role", required=True, type=click.Choice(list(rules.ROLES)), help="What the key may do.")
@click.option(
    "--organisation",
    "name",
    required=True,
    type=_Text(1, NAME_LENGTH),
    help="For whom; created when new, with --territory.",
)
@click.option(
    "--territory",
    type=_Territory(),
    help="Of a new organisation: commune:75056, epci:…, departement:75, region:11, country.",
)
@click.option(
    "--label",
    default="",
    type=_Text(0, LABEL_LENGTH),
    help="To tell this key from others, such as the name of a service.",
)
@click.pass_obj
def issue(context: Context, role: str, name: str, territory: tuple[str, str | None] | None, label: str) -> None:
    """Issue a key. It is shown once, here, and stored only as a hash."""
    now = context.clock()
    with context.database.session() as session:
        organisation = queries.organisation_named(session, name)
        if organisation is None:
            if territory is None:
                raise click.UsageError(f"{name!r} is new: say its --territory, for example departement:75")
            if not context.knows_territory(session, *territory):
                raise click.UsageError(f"there is no {territory[0]} {territory[1]}")
            organisation = actions.create_organisation(session, name=name, territory=territory, now=now)
        elif territory not in {None, (organisation.territory_kind, organisation.territory_code)}:
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
@click.argument("key_id", type=click.IntRange(1, 2**31 - 1))
@click.pass_obj
def revoke(context: Context, key_id: int) -> None:
    """Revoke a key by its number; requests with it are refused from now on."""
    with context.database.session() as session:
        key = queries.staff_key(session, key_id)
        if key is None:
            raise click.ClickException(f"no key has the number {key_id}")
        actions.revoke_key(session, key, now=context.clock())
    click.echo(f"Key {key_id} is revoked.")
