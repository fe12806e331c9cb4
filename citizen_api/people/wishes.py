"""Rules about when a device may be told: quiet hours, its local day, and the profile that many devices share.

Pure: the time is passed in. A local time is a wall clock's in a zone of the IANA, and clock changes are met exactly:
a time that the spring skips stands for the first instant after the gap, one that the autumn repeats for its first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

_NEVER: Final = "never"
_ALERTS: Final = {"hold": False, "pass": True}


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` (included) to `end` (excluded) on the local wall clock, in whole minutes.

    They may cross midnight. Raises ValueError when both are the same: that is neither never nor always.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError("quiet hours end at another time than they start")

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What decides when a device may be told, and how often. Devices that wish the same share one.

    `zone`: IANA name. `brief_at`: local time of the morning brief, in whole minutes. `alerts_pass_quiet`: an episode
    at the alert tier may be told in quiet hours.
    """

    zone: str
    quiet: QuietHours | None
    brief_at: time
    cap_per_day: int
    cap_per_week: int
    alerts_pass_quiet: bool

    @property
    def key(self) -> str:
        """The profile as text, the same for the same wishes: `Europe/Paris 22:00-07:00 07:15 3/10 hold`."""
        alerts = "pass" if self.alerts_pass_quiet else "hold"
        caps = f"{self.cap_per_day}/{self.cap_per_week}"
        return f"{self.zone} {self.quiet or _NEVER} {self.brief_at:%H:%M} {caps} {alerts}"

    @classmethod
    def from_key(cls, key: str) -> Self:
        """Read `key` back. What no profile wrote raises ValueError, KeyError or TypeError."""
        zone, hours, brief_at, caps, alerts = key.split(" ")
        cap_per_day, cap_per_week = map(int, caps.split("/"))
        return cls(
            zone=zone,
            quiet=None if hours == _NEVER else QuietHours(*map(time.fromisoformat, hours.split("-"))),
            brief_at=time.fromisoformat(brief_at),
            cap_per_day=cap_per_day,
            cap_per_week=cap_per_week,
            alerts_pass_quiet=_ALERTS[alerts],
        )


DEFAULT_PROFILE: Final = Profile(
    zone="Europe/Paris",
    quiet=QuietHours(time(22), time(7)),
    brief_at=time(7, 15),
    cap_per_day=3,
    cap_per_week=10,
    alerts_pass_quiet=False,
)
"""Of a device that has wished nothing yet."""


def is_quiet(at: datetime, quiet: QuietHours, *, zone: str) -> bool:
    """Whether `at` (aware, any zone) falls in the quiet hours, the wall clock of `zone` deciding.

    Quiet hours may cross midnight; the hour repeated in autumn is quiet both times.
    """
    clock = at.astimezone(ZoneInfo(zone)).time()
    if quiet.start < quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


def quiet_ends_at(at: datetime, quiet: QuietHours, *, zone: str) -> datetime:
    """First instant (UTC) from `at` (aware) on that is not quiet: `at` itself when it is not.

    What ends a quiet stretch is the clock that reads `end`, or a change of the clock that jumps past it.
    """
    at = at.astimezone(UTC)
    tz, day = ZoneInfo(zone), local_day(at, zone=zone)
    # Quiet hours are shorter than a day, and no clock change lasts as long as another.
    ends = [
        datetime.combine(day + timedelta(days=later), quiet.end, tzinfo=tz).replace(fold=fold).astimezone(UTC)
        for later in range(3)
        for fold in (0, 1)
    ]
    changed = _clock_change(at, at + timedelta(days=2), tz)
    return min(moment for moment in (at, changed, *ends) if moment >= at and not is_quiet(moment, quiet, zone=zone))


def local_instant(day: date, at: time, *, zone: str) -> datetime:
    """Instant (UTC) at which the clock of `zone` reads `at` on `day`: the first one when it does so twice.

    A time that the clock skips stands for the first instant after the gap.
    """
    tz = ZoneInfo(zone)
    local = datetime.combine(day, at, tzinfo=tz)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # Only in a gap does the offset from before it (fold 0) give the later instant of the two: PEP 495.
    return _clock_change(second, first, tz) if second < first else first


def day_bounds(day: date, *, zone: str) -> tuple[datetime, datetime]:
    """First instant of a local day, and that of the next (both UTC): 23, 24 or 25 hours apart."""
    return local_instant(day, time(0), zone=zone), local_instant(day + timedelta(days=1), time(0), zone=zone)


def local_day(at: datetime, *, zone: str) -> date:
    """Calendar day in `zone` at `at` (aware)."""
    return at.astimezone(ZoneInfo(zone)).date()


def _clock_change(since: datetime, until: datetime, tz: ZoneInfo) -> datetime:
    """First instant after `since` at which the clock has changed; `until` when it has not changed by then."""
    before = since.astimezone(tz).utcoffset()
    if until.astimezone(tz).utcoffset() == before:
        return until
    while until - since > timedelta.resolution:
        middle = since + (until - since) // 2
        if middle.astimezone(tz).utcoffset() == before:
            since = middle
        else:
            until = middle
    return until
