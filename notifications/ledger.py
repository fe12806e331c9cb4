"""The states of a message, and when a wave balances. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ALERTS: Final = "alerts"
REMINDERS: Final = "reminders"
CAMPAIGNS: Final = "campaigns"
LANES: Final = (ALERTS, REMINDERS, CAMPAIGNS)
"""Each overtakes those after it. A lane is named as the purpose to which a device consents."""
HELD: Final = "held"
PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
DEAD: Final = "dead"
EXPIRED: Final = "expired"
STOPPED: Final = "stopped"
UNCERTAIN: Final = "uncertain"
NO_REGISTRATION: Final = "no_registration"
CAPPED: Final = "capped"
QUIET_DROPPED: Final = "quiet_dropped"
NO_CONSENT: Final = "no_consent"
ERASED: Final = "erased"

STATES: Final = (NO_REGISTRATION, CAPPED, QUIET_DROPPED, HELD, PENDING, ACCEPTED, DEAD, EXPIRED, STOPPED, UNCERTAIN)
"""Of a message. What is not in OPEN is final.

`accepted`: a push service took at least one of its registrations. `dead`: none is left alive. `expired`: it was over,
or another word about the same thing took its place, before anything went out. `stopped`: by a person, a recall or a
malformed payload. `uncertain`: sent, no answer known, and no longer worth repeating.
"""
OPEN: Final = (HELD, PENDING)
TOLD: Final = (PENDING, ACCEPTED, UNCERTAIN)
"""What the device was told, or is being told: the next word about it builds on this one."""
CATEGORIES: Final = (NO_CONSENT, *STATES, ERASED)
"""Everything that an eligible device may have become. `no_consent` and `erased` leave no message."""


def starts_s_of(scope: Mapping[str, Any]) -> int | None:
    """When the appointment of a reminder's wave starts (`Wave.scope`), in seconds since 1970; None of another wave."""
    starts_s = (scope.get("reminder") or {}).get("starts_s")
    return None if starts_s is None else int(starts_s)


@dataclass(frozen=True, slots=True)
class Balance:
    """A wave at one instant: `eligible` devices, and how many of them are in each of CATEGORIES."""

    eligible: int
    counts: Mapping[str, int]

    @property
    def missing(self) -> int:
        """How many eligible devices are in no category (negative: too many are). 0 in a wave that balances."""
        return self.eligible - sum(self.counts.values())

    @property
    def open(self) -> int:
        """Messages that are not final."""
        return sum(self.counts[state] for state in OPEN)
