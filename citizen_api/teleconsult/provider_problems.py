"""What can go wrong with providers of appointments and their feeds."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class ProviderUnknown(Problem):
    """Unknown and retired ones are not told apart. See `content/problems.yaml`."""

    name, status = "provider-unknown", 404


class FeedUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "feed-unknown", 404


class ProviderOfAnother(Problem):
    """See `content/problems.yaml`."""

    name, status = "provider-of-another", 403


class FeedNameTaken(Problem):
    """See `content/problems.yaml`."""

    name, status = "feed-name-taken", 409
