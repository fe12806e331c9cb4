"""Routes of appointments, by subject."""

from __future__ import annotations

from typing import Any

from citizen_api.teleconsult import (
    calendar_views,
    card_views,
    feed_queries,
    feed_views,
    handoff_pages,
    handoff_views,
    insight_views,
    provider_views,
    slot_views,
    watch_views,
    webhook_views,
)
from citizen_api.teleconsult.handoff_pages import Recheck
from citizen_api.teleconsult.rechecking import FeedRecheck
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.services import Services

BLUEPRINTS: tuple[Blueprint, ...] = (
    provider_views.blp,
    slot_views.blp,
    feed_views.blp,
    handoff_views.blp,
    card_views.blp,
    watch_views.blp,
    webhook_views.blp,
    insight_views.blp,
)

PAGES = (handoff_pages.pages, calendar_views.pages)


def install(services: Services) -> None:
    """Have feeds asked again at a click, and `/readyz` tell how they are; one that is down takes nobody out."""
    services.ports.setdefault(Recheck, FeedRecheck(services))

    def check_feeds() -> dict[str, Any]:
        with services.database.session(write=False) as session:
            return {"feeds": feed_queries.readiness(session, services.clock())}

    services.readiness["slots"] = check_feeds
