"""How all on which a decision rests is packed into whole numbers below 2**63, and read back. Pure.

A hazard of a device is one number, 0 where it does not watch it; `who` is its profile, how often it was told, and what
it was told of the day. Moments count in seconds from `base`: what is better since an hour or longer is all alike, so
that an earlier moment stands for `base`, two hours before the decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from content.hazards import WATCHED
from notifications import rules
from notifications.rules import HazardState, State

WHOLE: Final = 1 << 2
"""Below it is the state."""
LEVEL: Final = 1 << 3
ALERT: Final = 1 << 7
TOLD: Final = 1 << 8
"""The level that was told, plus one; 0 where none was."""
SINCE: Final = 1 << 12
ENDS: Final = 1 << 26
TODAY: Final = 1 << 20
"""Below it is the profile's number."""
IN_WEEK: Final = 1 << 28
SAID: Final = 1 << 36
"""The outcome of the last word about the day; 0 where there was none."""
MOST_SENT: Final = 255
PART: Final = 1 << 40
"""A level above it, the id of a part below: the highest of such numbers is the worst part."""
_SINCE_MOST: Final = 1 << 14
_ENDS_MOST: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Seen:
    """One case, read back. `told`: the level that was told of each hazard. `said`: an outcome's id, or 0."""

    profile: int
    sent_today: int
    sent_in_week: int
    said: int
    states: dict[str, HazardState]
    told: dict[str, int]


class Clock:
    """Seconds from two hours before `now`."""

    def __init__(self, now: datetime) -> None:
        self._base = now.replace(microsecond=0) - 2 * rules.SETTLES_AFTER

    def since_s(self, moment: datetime) -> int:
        """A moment of the past, rounded up to a second."""
        return min(max(math.ceil((moment - self._base).total_seconds()), 0), _SINCE_MOST - 1)

    def ends_s(self, moment: datetime) -> int:
        """A moment to come, rounded down to a second."""
        return min(max(math.floor((moment - self._base).total_seconds()), 0), _ENDS_MOST - 1)

    def moment(self, seconds: int) -> datetime:
        """Give back the moment."""
        return self._base + timedelta(seconds=seconds)

    def read(self, row: Mapping[str, Any]) -> Seen:
        """Read a case back: `who`, and a number for each hazard."""
        who, states, told = row["who"], {}, {}
        for hazard in WATCHED:
            code = row[hazard]
            if not code:
                continue
            state, level = State(code % WHOLE), code // LEVEL % (ALERT // LEVEL)
            speaks = state is State.SPEAKING
            states[hazard] = HazardState(
                state=state,
                whole=bool(code & WHOLE),
                level=level if speaks else 0,
                is_alert=bool(code & ALERT),
                since=self.moment(code // SINCE % _SINCE_MOST),
                ends_at=self.moment(code // ENDS) if speaks else None,
            )
            before = code // TOLD % (SINCE // TOLD)
            if before:
                told[hazard] = before - 1
        return Seen(
            profile=who % TODAY,
            sent_today=who // TODAY % (IN_WEEK // TODAY),
            sent_in_week=who // IN_WEEK % (SAID // IN_WEEK),
            said=who // SAID,
            states=states,
            told=told,
        )
