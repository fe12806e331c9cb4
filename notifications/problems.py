"""What can go wrong with waves and messages."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class WaveUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "wave-unknown", 404


class MessageUnknown(Problem):
    """Another device's message is unknown too. See `content/problems.yaml`."""

    name, status = "message-unknown", 404


class WaveSettled(Problem):
    """See `content/problems.yaml`."""

    name, status = "wave-settled", 409
