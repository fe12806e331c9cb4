"""What can be wrong with a question for slots."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class SlotsWindow(Problem):
    """See `content/problems.yaml`."""

    name, status = "slots-window", 422
