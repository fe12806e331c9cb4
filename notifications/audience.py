"""Decides for every device at once, as `rules.decide` would for each.

The database brings each device down to what the rule looks at: its states, its profile, what it was told. Devices
with the same are one case; the rule is asked once for each case, and its outcome is joined back. SQLite knows no time
zones: the rule gives the moments at which watches are due and days begin, as UTC instants, for each profile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.people.device_models import Preferences, Watch
from citizen_api.people.wishes import Profile, day_bounds, local_day
from content.hazards import WATCHED
from notifications import rules
from notifications.audience_codes import Clock, Seen
from notifications.audience_query import cases, hazards_in_play
from notifications.audience_tables import (
    BEFORE,
    CASE,
    DUE,
    METADATA,
    NOW,
    OUTCOME,
    PROFILE,
    SCOPE,
    STANDING,
)
from notifications.audience_tables import insert as insert_rows
from notifications.models import Outcome as Said
from notifications.models import Part
from notifications.rules import Decision, Standing, State, Told

Standings = Mapping[tuple[str, str], Standing]
"""{(commune, hazard): what is known and not over}."""
_NOBODY: Final = ""
_MANY_COMMUNES: Final = 1_000
_SAID: Final = ("commune_code", "hazard", "level", "cause", "tier", "is_demo")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Devices after `after`, up to and with `until` (None: all of them), in the order of the database."""

    after: str = _NOBODY
    until: str | None = None


class Audience:
    """The devices that watch something, and what is decided for each about one alert day.

    `standings` is asked for the communes that the devices at hand watch, each once. `scoped`: only devices in SCOPE.
    `profiles`: only devices with one of these (keys). `hazards`: those about which anything may be to say, found out
    unless given. `now` may be moved between two rounds
    of decisions. `decided`: the decisions of the last round, by number.
    """

    def __init__(
        self,
        session: Session,
        *,
        day: date,
        standings: Callable[[Session, Collection[str]], Standings],
        now: datetime,
        scoped: bool = False,
        hazards: Collection[str] | None = None,
        profiles: Collection[str] | None = None,
    ) -> None:
        self.day, self.now, self.scoped = day, now, scoped
        self.decided: list[Decision] = []
        self.cases = 0
        self._find = standings
        self._clock = Clock(now)
        self._starts: dict[datetime, int] = {}
        self._communes: set[str] = set()
        self._knows_all = False
        self._profiles: list[tuple[str, Profile]] = []
        self._only = profiles
        self._hazards = hazards_in_play(session, day) if hazards is None else hazards
        connection = session.connection()
        METADATA.drop_all(connection)  # of an audience whose connection broke off
        METADATA.create_all(connection)

    def learn(self, session: Session, bounds: Bounds) -> bool:
        """Take in the profiles of some devices, and what is known where they watch; True when that is new.

        `name_parts` must then follow, if messages are to be written. Only the connection's own tables are changed.
        """
        self._learn_profiles(session, bounds)
        return self._learn_standings(session, bounds)

    def name_parts(self, session: Session) -> None:
        """Give every standing its part, new ones where nothing like it was ever said."""
        _find_parts(session)
        self._analyze(session, STANDING.name)

    def decide(self, session: Session, bounds: Bounds) -> None:
        """Decide for some devices, about which was learnt: CASE and OUTCOME then hold what was decided."""
        if session.get_bind().dialect.name == "postgresql":
            # One great statement over many rows: compiling it costs more than it saves, and its sorts fit in memory.
            session.execute(text("SET LOCAL jit = off"))
            session.execute(text("SET LOCAL work_mem = '64MB'"))
        session.execute(delete(CASE))
        session.execute(delete(OUTCOME))
        query = cases(self.day, self._hazards, bounds.after, bounds.until, scoped=self.scoped, now=self.now)
        session.execute(insert(CASE).from_select(list(query.selected_columns.keys()), query))
        rest = (CASE.c.who, *(CASE.c[hazard] for hazard in WATCHED))
        asked = [dict(row) for row in session.execute(select(*rest).distinct()).mappings()]
        self.cases = len(asked)
        self.decided, numbers = [], {}
        said = self._said(session, {self._clock.read(row).said for row in asked} - {0})
        rows = []
        for row in asked:
            seen = self._clock.read(row)
            decision = self._decide(seen, said)
            key = _key(decision)
            if key not in numbers:
                numbers[key] = len(self.decided)
                self.decided.append(decision)
            rows.append(row | {"number": numbers[key]} | _sources(decision, seen))
        insert_rows(session, OUTCOME, rows)
        self._analyze(session, OUTCOME.name)

    def tally(self, session: Session) -> Counter[tuple[str, str | None, str]]:
        """Count the devices by (action, kind, reason); those that do not consent as what the rule says of them."""
        counted: Counter[tuple[str, str | None, str]] = Counter()
        query = (
            select(CASE.c.consents, OUTCOME.c.number, func.count())
            .join(OUTCOME, same_case())
            .group_by(CASE.c.consents, OUTCOME.c.number)
        )
        for consents, number, count in session.execute(query):
            decision = self._of(consents, number)
            counted[decision.action, decision.kind, decision.reason] += count
        return counted

    def decisions(self, session: Session) -> Iterator[tuple[str, Decision]]:
        """Give (device id, decision) of every device."""
        query = select(CASE.c.device_id, CASE.c.consents, OUTCOME.c.number).join(OUTCOME, same_case())
        for device_id, consents, number in session.execute(query):
            yield device_id, self._of(consents, number)

    def close(self, session: Session) -> None:
        """Drop the tables: they name devices."""
        METADATA.drop_all(session.connection())

    def _of(self, consents: int, number: int) -> Decision:
        return self.decided[number] if consents else Decision(action="none", reason="no_consent")

    def _learn_profiles(self, session: Session, bounds: Bounds) -> None:
        """The profiles of the devices at hand, beside those that are known."""
        query = select(Preferences.profile_key).where(Preferences.device_id > bounds.after).distinct()
        if bounds.until is not None:
            query = query.where(Preferences.device_id <= bounds.until)
        keys = set(session.scalars(query))
        if self._only is not None:
            keys &= set(self._only)
        for key in sorted(keys - {key for key, _ in self._profiles}):
            self._profiles.append((key, Profile.from_key(key)))
        session.execute(delete(PROFILE))
        session.execute(delete(DUE))
        insert_rows(session, PROFILE, (self._profile_row(*row) for row in enumerate(self._profiles)))
        self._analyze(session, PROFILE.name)

    def _profile_row(self, number: int, of: tuple[str, Profile]) -> dict[str, Any]:
        key, profile = of
        today, _ = day_bounds(local_day(self.now, zone=profile.zone), zone=profile.zone)
        return {
            "profile_key": key,
            "number": number,
            "day_starts_at": today,
            "week_starts_at": self.now - rules.WEEK,
        }

    def _learn_standings(self, session: Session, bounds: Bounds) -> bool:
        new = set() if self._knows_all else self._watched(session, bounds) - self._communes
        if len(new) > _MANY_COMMUNES and not self.scoped:
            # The rest is asked for at once: it will be needed by the next.
            new, self._knows_all = self._watched(session, Bounds()) - self._communes, True
        if new:
            self._communes |= new
            found = self._find(session, new)
            insert_rows(session, STANDING, (self._standing_row(*key, one) for key, one in found.items()))
        due = (
            {"profile": number, "told_when": when, "starts": starts}
            for number, (_, profile) in enumerate(self._profiles)
            for when in ("today", "evening_before")
            for starts_at, starts in self._starts.items()
            if rules.due_at(when, starts_at, profile) <= self.now
        )
        insert_rows(session, DUE, due)
        self._analyze(session, DUE.name)
        return bool(new)

    def _watched(self, session: Session, bounds: Bounds) -> set[str]:
        """Communes that the devices watch."""
        query = select(Watch.commune_code).distinct()
        if bounds != Bounds():
            query = query.where(Watch.device_id > bounds.after, Watch.device_id <= bounds.until)
        if self.scoped:
            query = query.join(SCOPE, SCOPE.c.device_id == Watch.device_id)
        return set(session.scalars(query))

    def _standing_row(self, commune: str, hazard: str, standing: Standing) -> dict[str, Any]:
        return {
            "commune_code": commune,
            "hazard": hazard,
            "level": standing.level,
            "is_alert": int(standing.is_alert),
            "since": self._clock.since_s(standing.since),
            "starts": self._starts.setdefault(standing.starts_at, len(self._starts)),
            "ends": self._clock.ends_s(standing.ends_at),
            "cause": standing.cause or "",
            "tier": standing.tier or "",
            "is_demo": standing.is_demo,
        }

    def _said(self, session: Session, ids: set[int]) -> dict[int, tuple[str, datetime]]:
        """{outcome: (kind, when it is over)} of what was said before."""
        if not ids:
            return {}
        query = select(Said.id, Said.kind, Said.expires_at).where(Said.id.between(min(ids), max(ids)))
        return {outcome: (kind, expires_at) for outcome, kind, expires_at in session.execute(query) if outcome in ids}

    def _decide(self, seen: Seen, said: Mapping[int, tuple[str, datetime]]) -> Decision:
        told = None
        if seen.said:
            kind, expires_at = said[seen.said]
            told = Told(levels={} if kind == "all_clear" else seen.told, expires_at=expires_at)
        return rules.decide(
            seen.states,
            told=told,
            profile=self._profiles[seen.profile][1],
            consents=True,
            sent_today=seen.sent_today,
            sent_in_week=seen.sent_in_week,
            now=self.now,
        )

    def _analyze(self, session: Session, table: str) -> None:
        # PostgreSQL knows nothing of a temporary table that nobody analyzed, and guesses badly.
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text(f"ANALYZE {table}"))


def same_case() -> Any:
    """Whether a row of CASE has the outcome of a row of OUTCOME."""
    same = CASE.c.who == OUTCOME.c.who
    for hazard in WATCHED:
        same &= CASE.c[hazard] == OUTCOME.c[hazard]
    return same


@contextmanager
def decided(session: Session, *, day: date, standings: Standings, now: datetime) -> Iterator[Audience]:
    """Decide, for the length of a block, what every device that watches something is told about an alert day.

    Nothing is written but the connection's own tables: what is decided has no parts.
    """
    audience = Audience(session, day=day, standings=lambda _session, _codes: standings, now=now, hazards=WATCHED)
    audience.learn(session, Bounds())
    audience.decide(session, Bounds())
    yield audience
    audience.close(session)


def _find_parts(session: Session) -> None:
    """Give every standing its part: what a message says of it, which may have been said before."""
    new = STANDING.c.part_id.is_(None)
    same = [getattr(Part, name) == STANDING.c[name] for name in _SAID]
    missing = select(*(STANDING.c[name] for name in _SAID)).where(new, ~select(Part.id).where(*same).exists())
    # Another worker may be saying the same at this moment.
    session.execute(insert_or_update(session, Part).from_select(_SAID, missing.distinct()).on_conflict_do_nothing())
    part = select(Part.id).where(*same).scalar_subquery()
    session.execute(update(STANDING).where(new).values(part_id=part))


def _key(decision: Decision) -> tuple[Any, ...]:
    """What makes two decisions the same word; a dataclass with a dictionary has no hash."""
    return (
        decision.action,
        decision.kind,
        decision.reason,
        tuple(sorted(decision.levels.items())),
        decision.expires_at,
        decision.again_at,
    )


def _sources(decision: Decision, seen: Seen) -> dict[str, int | None]:
    """Whose word the message has for each hazard: what is known NOW, or what was told BEFORE and still stands."""
    sources: dict[str, int | None] = {f"{hazard}_from": None for hazard in WATCHED}
    if decision.kind == "all_clear":
        return sources | {f"{hazard}_from": BEFORE for hazard in seen.told}
    for hazard, level in decision.levels.items():
        state = seen.states[hazard]
        is_new = state.state is State.SPEAKING and state.level >= level
        sources[f"{hazard}_from"] = NOW if is_new else BEFORE
    return sources
