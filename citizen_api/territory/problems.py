"""What can go wrong when one asks about territories."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class CommuneUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "commune-unknown", 404


class CommuneWithoutPosition(Problem):
    """See `content/problems.yaml`."""

    name, status = "commune-without-position", 422


class FarFromCommunes(Problem):
    """See `content/problems.yaml`."""

    name, status = "far-from-communes", 404
