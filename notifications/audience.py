"""Decides for every device at once, as `rules.decide` would for each.

The database brings each device down to what the rule looks at: its states, its profile, what it was told. Devices
with the same are one case; the rule is asked once for each case, and its outcome is joined back. SQLite knows no time
zones: the rule gives the moments at which watches are due and days begin, as UTC instants, for each profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Integer,
    MetaData,
    Select,
    String,
    Subquery,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from citizen_api.core.db import Instant
from citizen_api.people.device_models import Consent, Preferences, Watch
from citizen_api.people.wishes import Profile, day_bounds, local_day
from content.hazards import WATCHED
from notifications import rules
from notifications.models import Disturbance, ToldDay
from notifications.rules import Decision, HazardState, Standing, State, Told

ALERTS = "alerts"
"""The purpose to which a device consents."""
_BATCH = 5_000
_METADATA = MetaData()


def _temporary(name: str, *columns: Column[Any]) -> Table:
    return Table(name, _METADATA, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


_STANDING = _temporary(
    "audience_standing",
    Column("commune_code", String(5), primary_key=True),
    Column("hazard", String(10), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("is_alert", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
)
_DUE = _temporary(
    "audience_due",
    Column("profile_key", String(100), primary_key=True),
    Column("told_when", String(15), primary_key=True),
    Column("starts_at", Instant, primary_key=True),
    Column("is_due", Boolean, nullable=False),
)
_PROFILE = _temporary(
    "audience_profile",
    Column("profile_key", String(100), primary_key=True),
    Column("day_starts_at", Instant, nullable=False),
    Column("week_starts_at", Instant, nullable=False),
)
_OF_A_HAZARD: tuple[tuple[str, Any], ...] = (
    ("state", Integer),
    ("whole", Integer),
    ("level", Integer),
    ("is_alert", Integer),
    ("since", Instant),
    ("ends_at", Instant),
    ("told", Integer),
)
_CASE = _temporary(
    "audience_case",
    Column("device_id", String(22), primary_key=True),
    Column("signature", String, index=True),
    Column("profile_key", String(100), nullable=False),
    Column("consents", Integer, nullable=False),
    Column("told_until", Instant),
    Column("sent_today", Integer, nullable=False),
    Column("sent_in_week", Integer, nullable=False),
    *(Column(f"{hazard}_{name}", kind) for hazard in WATCHED for name, kind in _OF_A_HAZARD),
)
_OUTCOME = _temporary(
    "audience_outcome",
    Column("signature", String, primary_key=True),
    Column("day", Date, nullable=False),
    Column("action", String(10), nullable=False),
    Column("kind", String(10)),
    Column("reason", String(20), nullable=False),
    Column("expires_at", Instant),
    Column("again_at", Instant),
    *(Column(hazard, Integer) for hazard in WATCHED),
)


class Audience:
    """The devices that watch something, and what is decided for each. `cases`: how many questions they made."""

    def __init__(self, session: Session, cases: int) -> None:
        self._session = session
        self.cases = cases

    def tally(self) -> dict[tuple[str, str | None, str], int]:
        """Count the devices by (action, kind, reason)."""
        query = (
            select(_OUTCOME.c.action, _OUTCOME.c.kind, _OUTCOME.c.reason, func.count())
            .join(_CASE, _CASE.c.signature == _OUTCOME.c.signature)
            .group_by(_OUTCOME.c.action, _OUTCOME.c.kind, _OUTCOME.c.reason)
            .order_by(_OUTCOME.c.action, _OUTCOME.c.reason)
        )
        return {(action, kind, reason): count for action, kind, reason, count in self._session.execute(query)}

    def decisions(self) -> Iterator[tuple[str, Decision]]:
        """Give (device id, decision) of every device."""
        query = select(_CASE.c.device_id, _OUTCOME).join(_OUTCOME, _CASE.c.signature == _OUTCOME.c.signature)
        for row in self._session.execute(query).mappings():
            yield (
                row["device_id"],
                Decision(
                    action=row["action"],
                    reason=row["reason"],
                    kind=row["kind"],
                    levels={hazard: row[hazard] for hazard in WATCHED if row[hazard] is not None},
                    expires_at=row["expires_at"],
                    again_at=row["again_at"],
                ),
            )


@contextmanager
def decided(
    session: Session, *, day: date, standings: Mapping[tuple[str, str], Standing], now: datetime
) -> Iterator[Audience]:
    """Decide, for the length of a block, what every device that watches something is told about an alert day.

    `standings`: {(commune, hazard): what is known and not over}. The tables that hold it are the connection's own and
    go with the block (or with its transaction, should that fail): they name devices.
    """
    connection = session.connection()
    _METADATA.create_all(connection)
    yield Audience(session, _fill(session, day, standings, now))
    _METADATA.drop_all(connection)


def _fill(session: Session, day: date, standings: Mapping[tuple[str, str], Standing], now: datetime) -> int:
    """Bring the devices down to cases, and decide each; give how many they are."""
    _insert(session, _STANDING, (_standing_row(*key, standing) for key, standing in standings.items()))
    profiles = {key: Profile.from_key(key) for key in session.scalars(select(Preferences.profile_key).distinct())}
    _insert(session, _PROFILE, (_profile_row(key, profile, now) for key, profile in profiles.items()))
    starts = sorted({standing.starts_at for standing in standings.values()})
    _insert(
        session,
        _DUE,
        (
            {
                "profile_key": key,
                "told_when": when,
                "starts_at": starts_at,
                "is_due": rules.due_at(when, starts_at, profile) <= now,
            }
            for key, profile in profiles.items()
            for when in ("today", "evening_before")
            for starts_at in starts
        ),
    )
    cases = _cases(day)
    session.execute(_CASE.insert().from_select(list(cases.selected_columns.keys()), cases))
    # A case is all that the rule looks at, as text: equal texts are equal questions.
    asked = [column for column in _CASE.c if column.name not in {"device_id", "signature"}]
    signature: ColumnElement[str] = literal("")
    for column in asked:
        signature = signature + func.coalesce(cast(column, String), "") + literal("|")
    session.execute(_CASE.update().values(signature=signature))
    first = select(func.min(_CASE.c.device_id)).group_by(_CASE.c.signature)
    rows = [dict(row) for row in session.execute(select(_CASE).where(_CASE.c.device_id.in_(first))).mappings()]
    _insert(session, _OUTCOME, (_outcome_row(row, _decide(row, profiles, now), day) for row in rows))
    return len(rows)


def _insert(session: Session, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            session.execute(table.insert(), batch)
            batch.clear()
    if batch:
        session.execute(table.insert(), batch)


def _standing_row(commune: str, hazard: str, standing: Standing) -> dict[str, Any]:
    return {
        "commune_code": commune,
        "hazard": hazard,
        "level": standing.level,
        "is_alert": standing.is_alert,
        "since": standing.since,
        "starts_at": standing.starts_at,
        "ends_at": standing.ends_at,
    }


def _profile_row(key: str, profile: Profile, now: datetime) -> dict[str, Any]:
    today = day_bounds(local_day(now, zone=profile.zone), zone=profile.zone)
    return {"profile_key": key, "day_starts_at": today[0], "week_starts_at": now - rules.WEEK}


def _watched() -> Subquery:
    """A row for each watch: how its hazard stands in its commune, as `rules.watch_state` says."""
    standing = _STANDING.c
    state = case(
        (standing.level.is_(None), State.UNKNOWN.value),
        (standing.level < Watch.level, State.CALM.value),
        (_DUE.c.is_due, State.SPEAKING.value),
        else_=State.WAITING.value,
    )
    return (
        select(
            Watch.device_id,
            Watch.hazard,
            state.label("state"),
            standing.level,
            cast(standing.is_alert, Integer).label("is_alert"),
            standing.since,
            standing.ends_at,
        )
        .join(Preferences, Preferences.device_id == Watch.device_id)
        .outerjoin(_STANDING, and_(standing.commune_code == Watch.commune_code, standing.hazard == Watch.hazard))
        .outerjoin(
            _DUE,
            and_(
                _DUE.c.profile_key == Preferences.profile_key,
                _DUE.c.told_when == Watch.told_when,
                _DUE.c.starts_at == standing.starts_at,
            ),
        )
        .subquery()
    )


def _states() -> Subquery:
    """A row for each device: how each of its hazards stands, as `rules.look` says."""
    watched = _watched().c
    speaks = watched.state == State.SPEAKING.value
    columns: list[ColumnElement[Any]] = []
    for hazard in WATCHED:
        here = watched.hazard == hazard
        in_one_piece = case((watched.state.in_([State.CALM.value, State.SPEAKING.value]), 1), else_=0)
        columns += [
            func.max(case((here, watched.state))).label(f"{hazard}_state"),
            func.min(case((here, in_one_piece))).label(f"{hazard}_whole"),
            func.max(case((and_(here, speaks), watched.level))).label(f"{hazard}_level"),
            func.max(case((and_(here, speaks), watched.is_alert))).label(f"{hazard}_is_alert"),
            func.max(case((here, watched.since))).label(f"{hazard}_since"),
            func.max(case((and_(here, speaks), watched.ends_at))).label(f"{hazard}_ends_at"),
        ]
    return select(watched.device_id, *columns).group_by(watched.device_id).subquery()


def _sent() -> Subquery:
    """A row for each device that was disturbed within a week: how often, and how often on its local day."""
    return (
        select(
            Disturbance.device_id,
            func.sum(case((Disturbance.told_at >= _PROFILE.c.day_starts_at, 1), else_=0)).label("today"),
            func.sum(case((Disturbance.told_at > _PROFILE.c.week_starts_at, 1), else_=0)).label("in_week"),
        )
        .join(Preferences, Preferences.device_id == Disturbance.device_id)
        .join(_PROFILE, _PROFILE.c.profile_key == Preferences.profile_key)
        .group_by(Disturbance.device_id)
        .subquery()
    )


def _cases(day: date) -> Select[Any]:
    states, sent = _states().c, _sent().c
    columns: list[ColumnElement[Any]] = []
    for hazard in WATCHED:
        columns += [getattr(states, f"{hazard}_{name}") for name, _ in _OF_A_HAZARD[:-1]]
        columns.append(getattr(ToldDay, hazard).label(f"{hazard}_told"))
    consent = and_(
        Consent.device_id == Preferences.device_id, Consent.purpose == ALERTS, Consent.withdrawn_at.is_(None)
    )
    return (
        select(
            Preferences.device_id,
            Preferences.profile_key,
            case((Consent.device_id.is_(None), 0), else_=1).label("consents"),
            ToldDay.expires_at.label("told_until"),
            func.coalesce(sent.today, 0).label("sent_today"),
            func.coalesce(sent.in_week, 0).label("sent_in_week"),
            *columns,
        )
        .join(states.device_id.table, states.device_id == Preferences.device_id)
        .outerjoin(Consent, consent)
        .outerjoin(ToldDay, and_(ToldDay.device_id == Preferences.device_id, ToldDay.day == day))
        .outerjoin(sent.device_id.table, sent.device_id == Preferences.device_id)
    )


def _decide(row: Mapping[str, Any], profiles: Mapping[str, Profile], now: datetime) -> Decision:
    told = None
    if row["told_until"] is not None:
        levels = {hazard: row[f"{hazard}_told"] for hazard in WATCHED if row[f"{hazard}_told"] is not None}
        told = Told(levels=levels, expires_at=row["told_until"])
    return rules.decide(
        {
            hazard: HazardState(
                state=State(row[f"{hazard}_state"]),
                whole=bool(row[f"{hazard}_whole"]),
                level=row[f"{hazard}_level"] or 0,
                is_alert=bool(row[f"{hazard}_is_alert"]),
                since=row[f"{hazard}_since"],
                ends_at=row[f"{hazard}_ends_at"],
            )
            for hazard in WATCHED
            if row[f"{hazard}_state"] is not None
        },
        told=told,
        profile=profiles[row["profile_key"]],
        consents=bool(row["consents"]),
        sent_today=row["sent_today"],
        sent_in_week=row["sent_in_week"],
        now=now,
    )


def _outcome_row(row: Mapping[str, Any], decision: Decision, day: date) -> dict[str, Any]:
    return {
        "signature": row["signature"],
        "day": day,
        "action": decision.action,
        "kind": decision.kind,
        "reason": decision.reason,
        "expires_at": decision.expires_at,
        "again_at": decision.again_at,
        **{hazard: decision.levels.get(hazard) for hazard in WATCHED},
    }
