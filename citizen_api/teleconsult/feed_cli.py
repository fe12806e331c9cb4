"""Commands about feeds: how each is, read one now, believe one that shrank."""

from __future__ import annotations

import sys

import click
from sqlalchemy.orm import Session

from citizen_api.core.outgoing import make_client
from citizen_api.people.actions import COMMAND_LINE, record_change
from citizen_api.teleconsult import provider_queries as queries
from citizen_api.teleconsult.feed_actions import feed_host
from citizen_api.teleconsult.feed_queries import feed_named
from citizen_api.teleconsult.feed_schemas import feed_state, problem_said
from citizen_api.teleconsult.feed_sync import accept_shrink, keeper_of
from citizen_api.teleconsult.models import Feed
from citizen_api.web.command import EXIT_REJECTED_ROWS, Context


@click.group()
def feeds() -> None:
    """Feeds of slots: how they are, read one now."""


@feeds.command("list")
@click.pass_obj
def list_command(context: Context) -> None:
    """List the feeds: name, provider, kind, host, state, age, slots, failures in a row, last problem."""
    now = context.clock()
    with context.database.session(write=False) as session:
        retired = {row.id for row in queries.providers(session) if row.retired_at is not None}
        for row in queries.feeds(session):
            age = "never read" if row.checked_at is None else f"{int((now - row.checked_at).total_seconds())} s"
            told = (
                row.name,
                row.provider_id,
                row.kind,
                feed_host(row),
                feed_state(row, is_retired=row.provider_id in retired),
                age,
                f"{row.slots} slots",
                f"{row.failures} failures",
                problem_said(row.problem, "en") if row.problem else "no problem",
            )
            click.echo("\t".join(told))


@feeds.command()
@click.argument("name")
@click.pass_obj
def read(context: Context, name: str) -> None:
    """Read the feed NAME now, due or not, and tell what it said.

    Exit codes: 0 done; 1 it could not be read, or is not believed; 3 done, but some rows were rejected.
    """
    with context.database.session(write=False) as session:
        feed_id = _named(session, name).id
    with make_client(context.settings) as client:
        turn = keeper_of(context.settings, context.database, client, context.clock).read_feed(feed_id)
    if turn is None:
        raise click.ClickException(f"{name} is being read by another process")
    click.echo(f"{name}: {turn.written} slots written, {turn.gone} gone, {turn.rejected.total()} rows rejected")
    for code, count in sorted(turn.rejected.items()):
        click.echo(f"  {code}: {count}", err=True)
    if turn.problem is not None:
        why = f" ({turn.why})" if turn.why else ""
        raise click.ClickException(f"{name}: {problem_said(turn.problem, 'en')}{why}")
    if turn.rejected:
        sys.exit(EXIT_REJECTED_ROWS)


@feeds.command()
@click.argument("name")
@click.pass_obj
def accept(context: Context, name: str) -> None:
    """Believe the feed NAME the next time, however few slots it says."""
    with context.database.session() as session:
        feed = _named(session, name)
        if not accept_shrink(session, feed):
            raise click.ClickException(f"{name} is not held: there is nothing to accept")
        record_change(
            session,
            actor=COMMAND_LINE,
            action="feed.accept",
            subject=f"provider {feed.provider_id}",
            details={"feed": name},
            now=context.clock(),
        )
    click.echo(f"{name} is believed at its next reading.")


def _named(session: Session, name: str) -> Feed:
    feed = feed_named(session, name)
    if feed is None:
        raise click.ClickException(f"no feed is called {name}")
    return feed
