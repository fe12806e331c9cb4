"""Writes of feeds by staff. None of them commits."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from citizen_api.core.problems import Conflict
from citizen_api.teleconsult import feed_queries as queries
from citizen_api.teleconsult.models import Feed, Provider
from citizen_api.teleconsult.provider_problems import FeedNameTaken, FeedUnknown
from citizen_api.teleconsult.provider_rules import domain_fault

NO_ADDRESS: Final = "Not the https address of a public host."


def address_fault(url: str) -> str | None:
    """Say why slots may not be read at an address, or None.

    Only https and only a host by its public name: no IP address, no name of one's own network, no user in it. What the
    name leads to is checked again at each connection (`core.outgoing`). An origin that this process allows is no
    exception: the demo city writes the addresses of its feeds itself.
    """
    if not url.isascii() or not url.isprintable() or set(url) & {" ", "\\"}:
        return NO_ADDRESS
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return NO_ADDRESS
    written = f"{host}:{port}" if port else host
    named = domain_fault(host) is None and parts.netloc.lower() == written
    return None if parts.scheme == "https" and named else NO_ADDRESS


def put_feed(
    session: Session, provider: Provider, name: str, *, kind: str, url: str, poll_s: int, asks_since: bool
) -> tuple[Feed, dict[str, Any]]:
    """Create or replace a feed; give it with what changed (no address), {what: [before, after]}.

    At another address, or in another format, it is another feed: what the old one said is forgotten. A query may hold a
    key, so that another query is not another address. Raises FeedNameTaken, Conflict.
    """
    row = queries.feed_named(session, name)
    if row is not None and row.provider_id != provider.id:
        raise FeedNameTaken
    before = None if row is None else {"kind": row.kind, "poll_s": row.poll_s, "asks_since": row.asks_since}
    after = {"kind": kind, "poll_s": poll_s, "asks_since": asks_since}
    changed: dict[str, Any] = {
        what: [before and before[what], value]
        for what, value in after.items()
        if before is None or before[what] != value
    }
    if row is None or row.url != url:
        changed["host"] = [row and feed_host(row), urlsplit(url).hostname]
    if row is not None and (row.kind != kind or _without_query(row.url) != _without_query(url)):
        remove_feed(session, row)
        row = None
    if row is None:
        row = Feed(name=name, provider_id=provider.id, state={}, **after, url=url)
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError as error:
            raise Conflict from error
    elif changed:
        row.url, row.poll_s, row.asks_since = url, poll_s, asks_since
        row.next_try_at = None  # asked soon, so that whoever changed it sees what comes of it
        session.flush()
    return row, changed


def feed_of(session: Session, provider: Provider, name: str) -> Feed:
    """Give the feed of a provider. Raises FeedUnknown, for another's too."""
    row = queries.feed_named(session, name)
    if row is None or row.provider_id != provider.id:
        raise FeedUnknown
    return row


def remove_feed(session: Session, row: Feed) -> None:
    """Forget a feed, with all that it said."""
    session.execute(delete(Feed).where(Feed.id == row.id))
    session.flush()


def feed_host(row: Feed) -> str:
    """All that is shown of a feed's address, which may hold a key."""
    return urlsplit(row.url).hostname or ""


def _without_query(url: str) -> str:
    return url.partition("?")[0]
