"""What can go wrong when one asks for a trip."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class TripSamePoint(Problem):
    """See `content/problems.yaml`."""

    name, status = "trip-same-point", 422


class TripTooFar(Problem):
    """See `content/problems.yaml`."""

    name, status = "trip-too-far", 422


class TripGoalMissing(Problem):
    """See `content/problems.yaml`."""

    name, status = "trip-goal-missing", 422


class TripTimesBoth(Problem):
    """See `content/problems.yaml`."""

    name, status = "trip-times-both", 422


class TripInThePast(Problem):
    """See `content/problems.yaml`."""

    name, status = "trip-in-the-past", 422


class FacilityWithoutPosition(Problem):
    """See `content/problems.yaml`."""

    name, status = "facility-without-position", 422
