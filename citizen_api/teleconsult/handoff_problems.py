"""What can go wrong with a handoff."""

from __future__ import annotations

from citizen_api.core.problems import Problem


class HandoffUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "handoff-unknown", 404


class HandoffMoveIllegal(Problem):
    """See `content/problems.yaml`."""

    name, status = "handoff-move-illegal", 409


class HandoffMadeAlready(Problem):
    """Its link is not given again. See `content/problems.yaml`."""

    name, status = "handoff-made-already", 409


class NowhereToBook(Problem):
    """Neither a link that is safe nor a published phone. See `content/problems.yaml`."""

    name, status = "nowhere-to-book", 409


class SlotGone(Problem):
    """See `content/problems.yaml`."""

    name, status = "slot-gone", 410


class CardNotShown(Problem):
    """See `content/problems.yaml`."""

    name, status = "card-not-shown", 422


class IdempotencyKeyReused(Problem):
    """See `content/problems.yaml`."""

    name, status = "idempotency-key-reused", 422
