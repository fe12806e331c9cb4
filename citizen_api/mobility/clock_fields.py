"""A field of the wire for when one leaves: a moment, or a time by the clock of the place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_api.web.fields import Moment

_BY_THE_CLOCK: Final = re.compile(r"(today|tomorrow)[ T+](([01]\d|2[0-3]):[0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByTheClock:
    """A time of today or tomorrow, by the clock of the place."""

    days: int
    time: time

    def at(self, today: date, zone: str) -> datetime:
        """The moment for which it stands. A time that the spring skips is the one after the gap."""
        return datetime.combine(today + timedelta(days=self.days), self.time, ZoneInfo(zone))


class WhenToLeave(Moment):
    """`now`, an RFC 3339 moment, or a time of today or tomorrow such as `tomorrow 08:00`."""

    default_error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "invalid": "Not now, a datetime, or today or tomorrow with a time."
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        found = _BY_THE_CLOCK.fullmatch(str(value))
        if found:
            return ByTheClock(int(found[1] == "tomorrow"), time.fromisoformat(found[2]))
        return super()._deserialize(value, attr, data, **kwargs)
