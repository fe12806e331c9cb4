"""Reads what a claimed chunk has to send: the messages that are due, their notes, and how their devices are reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from citizen_api.core.db import Database
from citizen_api.people.device_models import ALIVE, Consent, Preferences, Registration
from citizen_api.people.wishes import Profile, is_quiet, quiet_ends_at
from notifications import ledger
from notifications.bulk import is_one_of, is_postgresql, values
from notifications.models import Message, Platform
from notifications.notes import DEFAULT_LANGUAGE, Notes, Tomorrows, Wording, zone_of
from notifications.outbox import PENDING, Claim, heard, is_due, is_near, moments, superseded
from notifications.platforms import REST
from notifications.transports.base import Note

PREFERENCE: Final = ("fcm_fid", "fcm_token", "webpush", "log")
"""Kinds of registrations, the one that is tried first first; of two of a kind, the newer."""
_ALL_CLEAR: Final = "all_clear"
_RANK: Final = case({kind: number for number, kind in enumerate(PREFERENCE)}, value=Registration.kind, else_=9)


_DUE: Final = (
    select(
        Message.device_id,
        Message.outcome_id,
        Message.air,
        Message.pollen,
        Message.heat,
        Message.uv,
        Message.tried,
        Message.maybe_delivered,
        Consent.device_id,
        Preferences.language,
        Preferences.profile_key,
        Registration.id,
        Registration.kind,
        Registration.value,
        Registration.p256dh,
        Registration.auth,
        Registration.digest,
        Message.counted_at,
    )
    .outerjoin(Preferences, Preferences.device_id == Message.device_id)
    .outerjoin(
        Consent,
        (Consent.device_id == Message.device_id)
        & (Consent.purpose == bindparam("purpose"))
        & Consent.withdrawn_at.is_(None),
    )
    .outerjoin(Registration, (Registration.device_id == Message.device_id) & (Registration.state == ALIVE))
    .where(PENDING, or_(Message.again_at.is_(None), is_due(Message.again_at)))
    .order_by(Message.device_id, _RANK, Registration.created_at.desc(), Registration.id.desc())
)


class Way(NamedTuple):
    """A registration that is alive."""

    registration_id: int
    kind: str
    value: str
    p256dh: str | None
    auth: str | None
    digest: str


@dataclass(slots=True)
class Letter:
    """A message that is due: `ways` in the order in which they are tried, `maybe_delivered` as in the ledger.

    What was passed over: `waits_until` its platform is tried again, `unreachable` from here.
    """

    device_id: str
    note: Note
    tried: int
    maybe_delivered: bool
    ways: list[Way]
    waits_until: datetime | None = None
    unreachable: Way | None = None

    @property
    def over(self) -> str:
        """What becomes of it when nothing more is sent, because it is over or a newer word has its place."""
        return ledger.UNCERTAIN if self.maybe_delivered else ledger.EXPIRED

    @property
    def stopped(self) -> str:
        """What becomes of it when nothing more may be sent."""
        return ledger.UNCERTAIN if self.maybe_delivered else ledger.STOPPED


@dataclass(slots=True)
class Load:
    """What a chunk has to send. `done`: devices of which nothing is sent, by what becomes of their messages.

    `malformed`: some note cannot be written. `resting`: platforms on which nothing goes out, until when.
    """

    letters: list[Letter] = field(default_factory=list)
    done: dict[str, list[str]] = field(default_factory=dict)
    malformed: bool = False
    resting: dict[str, datetime] = field(default_factory=dict)

    def finish(self, state: str, device_id: str) -> None:
        """Say what becomes of a message."""
        self.done.setdefault(state, []).append(device_id)


def load(database: Database, notes: Notes, claimed: Claim, *, now: datetime) -> Load:
    """Read the messages of a chunk that are due at `now`.

    Consent is asked again: a message whose device has withdrawn it is stopped by a person, by whom it was for. What is
    over, and what a newer word replaces, is not sent any more. What has come into quiet hours since it was planned is
    held. An all-clear goes only to whom the alert may have reached: of one that never went out, nothing is to be taken
    back.
    """
    with database.session(write=False) as session:
        rows: Sequence[Any] = session.execute(_DUE, {"purpose": claimed.lane, **claimed.bounds, **moments(now)}).all()
        replaced = superseded(session, claimed)
        loaded = Load(resting=_resting(session, now))
    wordings = _wordings(claimed, rows, now)
    known = {wording: notes.known(wording) for wording in set(wordings)}
    missing = [wording for wording, note in known.items() if note is None]
    if missing:
        known |= notes.write(claimed, missing, now=now)
    alerted: set[str] = set()
    if any(note is not None and note.kind == _ALL_CLEAR for note in known.values()):
        with database.session(write=False) as session:
            alerted = heard(session, claimed)
    quiet, held = _Quiet(claimed, now), dict[datetime, list[str]]()
    last: Letter | None = None
    for row, wording in zip(rows, wordings, strict=True):
        device_id = row[0]
        if last is not None and last.device_id == device_id:
            last.ways.append(Way._make(row[11:17]))
            continue
        note = known[wording]
        if note is None:
            loaded.malformed = True
            loaded.finish(ledger.UNCERTAIN if row[7] else ledger.STOPPED, device_id)
            last = None
            continue
        last = Letter(device_id, note, row[6], row[7], [] if row[11] is None else [Way._make(row[11:17])])
        if row[8] is None:
            loaded.finish(last.stopped, device_id)
        elif note.expires_at <= now or device_id in replaced or (note.kind == _ALL_CLEAR and device_id not in alerted):
            loaded.finish(last.over, device_id)
        elif not last.ways:
            loaded.finish(ledger.DEAD, device_id)
        elif (ends_at := quiet(row[10], row[17])) is not None:
            held.setdefault(ends_at, []).append(device_id)
        else:
            loaded.letters.append(last)
    _hold(database, claimed, held)
    return loaded


class _Quiet:
    """Whether a message has come into quiet hours since it was planned: when they end, or None."""

    def __init__(self, claimed: Claim, now: datetime) -> None:
        self._is_alert = claimed.lane == ledger.ALERTS
        self._now = now
        self._profiles: dict[str, tuple[Profile, datetime] | None] = {}

    def __call__(self, profile_key: str | None, told_at: datetime | None) -> datetime | None:
        if profile_key is None or not self._is_alert:
            return None
        if profile_key not in self._profiles:
            self._profiles[profile_key] = self._ends(profile_key)
        found = self._profiles[profile_key]
        if found is None:
            return None
        profile, ends_at = found
        # What was planned in quiet hours may pass them.
        passes = told_at is not None and profile.quiet and is_quiet(told_at, profile.quiet, zone=profile.zone)
        return None if passes else ends_at

    def _ends(self, profile_key: str) -> tuple[Profile, datetime] | None:
        try:
            profile = Profile.from_key(profile_key)
        except (ValueError, KeyError, TypeError):
            return None
        if profile.quiet is None or not is_quiet(self._now, profile.quiet, zone=profile.zone):
            return None
        return profile, quiet_ends_at(self._now, profile.quiet, zone=profile.zone)


def _hold(database: Database, claimed: Claim, held: Mapping[datetime, Sequence[str]]) -> None:
    """Hold what would disturb: it is decided again when the quiet hours end."""
    if not held:
        return
    with database.session() as session:
        here = is_postgresql(session)
        holding = (
            update(Message)
            .where(
                Message.wave_id == claimed.wave_id,
                Message.state == ledger.PENDING,
                is_one_of(Message.device_id, "devices", on_postgresql=here),
            )
            .execution_options(synchronize_session=False)
        )
        for ends_at, devices in held.items():
            session.execute(
                holding.values(state=ledger.HELD, again_at=ends_at, counted_at=None),
                {"devices": values(devices, on_postgresql=here)},
            )


def _wordings(claimed: Claim, rows: Sequence[Any], now: datetime) -> list[Wording]:
    is_tomorrow = Tomorrows(claimed, now)
    found = []
    for row in rows:
        zone = zone_of(row[10])
        parts = row[2] or 0, row[3] or 0, row[4] or 0, row[5] or 0
        found.append(Wording(row[1], parts, row[9] or DEFAULT_LANGUAGE, zone, is_tomorrow(zone)))
    return found


def _resting(session: Session, now: datetime) -> dict[str, datetime]:
    resting = select(Platform.name, Platform.stopped_until).where(is_near(Platform.stopped_until, now, REST))
    return {row.name: row.stopped_until for row in session.execute(resting)}
