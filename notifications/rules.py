"""Whom an alert is for, and when: pure rules, composed of what a device wishes (`people/wishes`) and what is known.

One alert day is one message on the screen: the worst of a device's communes speaks for each hazard, several hazards
become one message, and every later word about that day replaces it. A word that makes things worse goes out at once;
one that makes them better waits until it has stood for `SETTLES_AFTER`, so that a level that swings disturbs nobody
twice (the hysteresis), and nothing that we do not know ever counts as better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Final, Literal
from zoneinfo import ZoneInfo

from citizen_api.people.wishes import Profile, is_quiet, local_day, local_instant, quiet_ends_at
from content.hazards import WATCHED

EVENING_FROM: Final = time(17)
"""`evening_before` is told from this hour on, by the device's clock."""
SETTLES_AFTER: Final = timedelta(hours=1)
"""A better level must have stood so long before anybody is told of it."""
ALL_CLEAR_LASTS: Final = timedelta(hours=12)
"""DESIGN, decision 7."""
BRIEF_BEFORE: Final = timedelta(hours=12)
"""The morning brief of a day comes at most so long before it begins."""
NIGHT_FROM: Final = time(17)
"""What begins in the evening or the night belongs to the alert day of the next morning: one night is one message."""
WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_RED: Final = 4
"""Red of Météo-France's vigilance."""

When = Literal["today", "evening_before"]
Kind = Literal["alert", "raised", "lowered", "all_clear"]
Action = Literal["tell", "hold", "drop", "none"]


class State(IntEnum):
    """How a hazard stands for one device on one alert day. The highest of its watches decides."""

    CALM = 0
    """Known, and below the level of every watch."""
    UNKNOWN = 1
    """Some place has no valid fact: it may be worse than what is known."""
    WAITING = 2
    """High enough for a watch whose moment has not come."""
    SPEAKING = 3
    """High enough, and due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one hazard in one commune for one alert day; where nothing is known there is none.

    `level` is on the hazard's scale, raised by its episode, since `since`; it holds from `starts_at` to `ends_at`.
    `cause` (the pollutant or taxon that makes the level) and `is_demo` (it is made up) decide nothing: they are said.
    """

    hazard: str
    level: int
    tier: str | None
    since: datetime
    starts_at: datetime
    ends_at: datetime
    cause: str | None = None
    is_demo: bool = False

    @property
    def is_alert(self) -> bool:
        """Whether it may pass quiet hours: an official alert, or a red heat warning."""
        return self.tier == "alert" or (self.hazard == "heat" and self.level >= _RED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A device's wish to be told of a hazard in a commune from a level on."""

    commune: str
    hazard: str
    level: int
    when: When


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardState:
    """One hazard as one device sees it. `level`, `is_alert`, `ends_at`: the worst of what speaks, 0 where nothing does.

    `whole`: every place is known, and none waits for its moment. `since`: the last change among its places, None where
    nothing is known.
    """

    state: State
    whole: bool
    level: int = 0
    is_alert: bool = False
    since: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The last word that a device got about one alert day. `levels`: {hazard: level}, empty after an all-clear."""

    levels: Mapping[str, int]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do for one device about one alert day, and why (`reason` is a key of content/push/reasons.yaml).

    `tell`: send `kind` now, with `levels`; it holds until `expires_at`. `hold`: decide again at `again_at`. `drop`:
    nobody is told unless something changes. A word that is held or dropped has its `kind` and `levels` too. `counts`:
    whether it counts towards the caps; what makes things better replaces the message silently, and does not.
    """

    action: Action
    reason: str
    kind: Kind | None = None
    levels: Mapping[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None
    again_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether it disturbs, and so counts towards the caps."""
        return self.action == "tell" and self.kind in {"alert", "raised"}


def alert_day(starts_at: datetime, *, zone: str) -> date:
    """Day to which something belongs that begins at `starts_at`, by the clock of its place.

    Its own day, or the next where it begins in the evening (`NIGHT_FROM`).
    """
    local = starts_at.astimezone(ZoneInfo(zone))
    return local.date() + timedelta(days=local.time() >= NIGHT_FROM)


def due_at(when: When, starts_at: datetime, profile: Profile) -> datetime:
    """First moment (UTC) at which a watch is told of what begins at `starts_at`, by the device's clock.

    `evening_before`: the last `EVENING_FROM` that is not after it. `today`: the first morning brief that is not more
    than `BRIEF_BEFORE` ahead of it, so that the day of a place far away is told on the morning nearest to it. What
    becomes known later than that is told when it becomes known.
    """
    if when == "today":
        earliest = starts_at - BRIEF_BEFORE
        day = local_day(earliest, zone=profile.zone)
        brief = local_instant(day, profile.brief_at, zone=profile.zone)
        return brief if brief >= earliest else local_instant(day + _DAY, profile.brief_at, zone=profile.zone)
    day = local_day(starts_at, zone=profile.zone)
    evening = local_instant(day, EVENING_FROM, zone=profile.zone)
    return evening if evening <= starts_at else local_instant(day - _DAY, EVENING_FROM, zone=profile.zone)


def watch_state(watch: Watch, standing: Standing | None, profile: Profile, now: datetime) -> State:
    """How the hazard of one watch stands in its commune."""
    if standing is None:
        return State.UNKNOWN
    if standing.level < watch.level:
        return State.CALM
    return State.SPEAKING if due_at(watch.when, standing.starts_at, profile) <= now else State.WAITING


def look(
    watches: Iterable[Watch], standings: Mapping[tuple[str, str], Standing], profile: Profile, now: datetime
) -> dict[str, HazardState]:
    """How each watched hazard stands for a device. `standings`: {(commune, hazard): what is known and not over}."""
    seen: dict[str, list[tuple[State, Standing | None]]] = {}
    for watch in watches:
        standing = standings.get((watch.commune, watch.hazard))
        seen.setdefault(watch.hazard, []).append((watch_state(watch, standing, profile, now), standing))
    states = {}
    for hazard, found in seen.items():
        known = [standing for _, standing in found if standing is not None]
        speaking = [standing for state, standing in found if standing is not None and state is State.SPEAKING]
        states[hazard] = HazardState(
            state=max(state for state, _ in found),
            whole=all(state in {State.CALM, State.SPEAKING} for state, _ in found),
            level=max((standing.level for standing in speaking), default=0),
            is_alert=any(standing.is_alert for standing in speaking),
            since=max((standing.since for standing in known), default=None),
            ends_at=max((standing.ends_at for standing in speaking), default=None),
        )
    return states


def decide(
    states: Mapping[str, HazardState],
    *,
    told: Told | None,
    profile: Profile,
    consents: bool,
    sent_today: int,
    sent_in_week: int,
    now: datetime,
) -> Decision:
    """Decide what one device is told now about one alert day.

    `states` has the hazards that it watches. `sent_today` (by its own clock) and `sent_in_week` (seven times 24 hours)
    count messages about any day, as `Decision.counts` says.
    """
    if not consents:
        return Decision(action="none", reason="no_consent")
    before = _still_watched(told, states)
    word = _word(states, before, told, now)
    if told is not None and told.expires_at <= now and before and not word.counts:
        return Decision(action="none", reason="over")
    if word.action != "tell":
        return word
    passes = profile.alerts_pass_quiet and any(states[hazard].is_alert for hazard in _risen(word.levels, before))
    held = None if passes else _quiet(word, profile, now)
    if held is not None:
        return held
    if word.counts and (sent_today >= profile.cap_per_day or sent_in_week >= profile.cap_per_week):
        return replace(word, action="drop", reason="capped")
    return word


def _still_watched(told: Told | None, states: Mapping[str, HazardState]) -> dict[str, int]:
    """What the device was told of and still watches: of the rest it wants no word any more."""
    return {} if told is None else {hazard: level for hazard, level in told.levels.items() if hazard in states}


def _word(states: Mapping[str, HazardState], before: Mapping[str, int], told: Told | None, now: datetime) -> Decision:
    """What there is to say, whatever the hour."""
    speaking: dict[str, int] = {
        hazard: states[hazard].level
        for hazard in WATCHED
        if hazard in states and states[hazard].state is State.SPEAKING
    }
    better = {hazard: _settled_at(states[hazard], now) for hazard in before if _is_better(hazard, states, before)}
    # What is not known whole, or is better for less than an hour, stands as it was told.
    kept = {
        hazard: level for hazard, level in before.items() if not states[hazard].whole or better.get(hazard, now) > now
    }
    levels: dict[str, int] = {h: max(kept.get(h, 0), speaking.get(h, 0)) for h in WATCHED if h in kept or h in speaking}
    ends = [state.ends_at for state in states.values() if state.ends_at is not None]
    if told is not None and kept:
        ends.append(told.expires_at)
    if _risen(levels, before):
        kind: Kind = "raised" if before else "alert"
        reason = "raised" if before else "above_wish"
        return Decision(action="tell", kind=kind, reason=reason, levels=levels, expires_at=max(ends))
    if not better:
        return _nothing_new(states, before)
    if all(settled_at > now for settled_at in better.values()):
        return Decision(action="hold", reason="not_settled", again_at=min(better.values()))
    if levels:
        return Decision(action="tell", kind="lowered", reason="lowered", levels=levels, expires_at=max(ends))
    return Decision(action="tell", kind="all_clear", reason="all_clear", expires_at=now + ALL_CLEAR_LASTS)


def _risen(levels: Mapping[str, int], before: Mapping[str, int]) -> list[str]:
    """The hazards that are worse than what was told, or were not told of."""
    return [hazard for hazard, level in levels.items() if hazard not in before or level > before[hazard]]


def _is_better(hazard: str, states: Mapping[str, HazardState], before: Mapping[str, int]) -> bool:
    """Whether a hazard that was told of is known, everywhere, to be less bad."""
    state = states[hazard]
    return state.whole and (state.state is not State.SPEAKING or state.level < before[hazard])


def _settled_at(state: HazardState, now: datetime) -> datetime:
    """When a better level will have stood long enough. Any further change of it starts anew."""
    return (state.since or now) + SETTLES_AFTER


def _nothing_new(states: Mapping[str, HazardState], before: Mapping[str, int]) -> Decision:
    """Why there is nothing to say."""
    if before:
        return Decision(action="none", reason="as_told")
    worst = max((state.state for state in states.values()), default=State.CALM)
    return Decision(action="none", reason={State.WAITING: "not_due", State.UNKNOWN: "unknown"}.get(worst, "below_wish"))


def _quiet(word: Decision, profile: Profile, now: datetime) -> Decision | None:
    """Hold the word until the quiet hours end, or drop it where it will be over by then; None: they do not matter.

    An all-clear is never over by then: its hours count from when it is told.
    """
    if profile.quiet is None or not is_quiet(now, profile.quiet, zone=profile.zone):
        return None
    ends_at = quiet_ends_at(now, profile.quiet, zone=profile.zone)
    if word.kind != "all_clear" and word.expires_at is not None and ends_at >= word.expires_at:
        return replace(word, action="drop", reason="quiet_dropped")
    return replace(word, action="hold", reason="quiet", again_at=ends_at)
