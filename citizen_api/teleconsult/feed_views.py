"""Routes of feeds, for staff: where a provider publishes its slots, and how that goes."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from citizen_api.core.problems import Conflict, InvalidArguments
from citizen_api.teleconsult import feed_actions as actions
from citizen_api.teleconsult import feed_schemas as schemas
from citizen_api.teleconsult import provider_queries as queries
from citizen_api.teleconsult.models import FEED_NAME_LENGTH
from citizen_api.teleconsult.provider_problems import FeedNameTaken, FeedUnknown, ProviderUnknown
from citizen_api.teleconsult.provider_views import KEEPING_PROBLEMS, PROVIDER, check_keeps, kept_provider, record
from citizen_api.web.auth import current_staff
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.services import now, session

blp = Blueprint(
    "feeds",
    __name__,
    url_prefix="/v1/teleconsultations/providers",
    description="For staff: where a provider publishes its slots.",
)
_FEED: Final = f"/{PROVIDER}/feeds/<string(maxlength={FEED_NAME_LENGTH}):name>"
_NAME: Final = schemas.FeedNameBody()


@blp.get(f"/{PROVIDER}/feeds")
@blp.response(200, schemas.FeedsView)
@blp.staff("provider")
@blp.problems(*KEEPING_PROBLEMS)
def feeds(provider_id: str) -> dict[str, Any]:
    """List the feeds of a provider: how each is, how old what it said is, how often its slots were gone."""
    row = queries.provider(session(), provider_id)
    if row is None:
        raise ProviderUnknown
    check_keeps(current_staff(), row)
    return {"items": [schemas.feed_shown(one, lang=language(), now=now()) for one in queries.feeds(session(), row.id)]}


@blp.put(_FEED)
@blp.arguments(schemas.FeedBody)
@blp.response(200, schemas.FeedView)
@blp.staff("provider")
@blp.problems(*KEEPING_PROBLEMS, FeedNameTaken, Conflict)
def put_feed(body: dict[str, Any], provider_id: str, name: str) -> dict[str, Any]:
    """Create or replace a feed. It is read soon; at another address, what the old one said is forgotten."""
    if wrong := _NAME.validate({"name": name}):
        raise InvalidArguments(fields=wrong)
    row = kept_provider(provider_id)
    feed, changed = actions.put_feed(session(), row, name, **body)
    if changed:
        record(row, "feed.put", {"feed": name, "changed": changed})
    return schemas.feed_shown(feed, lang=language(), now=now())


@blp.delete(_FEED)
@blp.response(204)
@blp.staff("provider")
@blp.problems(*KEEPING_PROBLEMS, FeedUnknown)
def remove_feed(provider_id: str, name: str) -> Response:
    """Remove a feed: it is read no more, and its slots are forgotten."""
    row = kept_provider(provider_id)
    feed = actions.feed_of(session(), row, name)
    actions.remove_feed(session(), feed)
    record(row, "feed.remove", {"feed": name, "host": actions.feed_host(feed), "slots": feed.slots})
    return Response(status=204)
