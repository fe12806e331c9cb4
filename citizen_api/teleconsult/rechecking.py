"""Asking a publisher again at the moment of a click, from the process that answers."""

from __future__ import annotations

from functools import cached_property

import httpx

from citizen_api.core.outgoing import make_client
from citizen_api.teleconsult.feed_sync import recheck
from citizen_api.web.services import Services


class FeedRecheck:
    """The port `handoff_pages.Recheck`, with a client of its own that is made when it is first needed."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, feed_id: int) -> bool:
        """Whether what is known of a feed is fresh now."""
        services = self._services
        return recheck(services.database, feed_id, self._client, services.settings, services.clock)

    @cached_property
    def _client(self) -> httpx.Client:
        return make_client(self._services.settings)
