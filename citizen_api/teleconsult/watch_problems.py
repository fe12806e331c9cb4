"""What can go wrong with a slot watch."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class SlotWatchLimitReached(Problem):
    """See `content/problems.yaml`."""

    name, status = "slot-watch-limit-reached", 409
