"""What can go wrong for a resident's device."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class WatchUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "watch-unknown", 404


class WatchLimitReached(Problem):
    """See `content/problems.yaml`."""

    name, status = "watch-limit-reached", 409


class TransferCodeInvalid(Problem):
    """Unknown, expired and used codes are not told apart. See `content/problems.yaml`."""

    name, status = "transfer-code-invalid", 422
