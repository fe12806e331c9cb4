"""What stands on screens: each note is written once, and shared by all devices that read the same.

A process keeps what was of use lately, in two generations: the older goes when the younger is full.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Generic, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.core.db import Database
from citizen_api.people.wishes import DEFAULT_PROFILE, Profile, local_day
from citizen_api.territory.models import Commune
from content.push import PLAIN_KINDS
from notifications.bulk import is_one_of, is_postgresql, values
from notifications.models import Outcome, Part
from notifications.outbox import Claim
from notifications.transports.base import Note
from notifications.words import URGENT, Said, words

KEPT: Final = 65_536
"""Notes, outcomes and parts, each, in each of the two generations: France has 35,000 communes, and two languages."""
DEFAULT_LANGUAGE: Final = "fr"
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Wording(NamedTuple):
    """What makes a note, beside its wave: `parts` are the ids for air, pollen, heat and UV, 0 for none."""

    outcome_id: int
    parts: tuple[int, ...]
    language: str
    zone: str
    is_tomorrow: bool


class Decided(NamedTuple):
    """What of an outcome matters for a note."""

    kind: str
    expires_at: datetime
    reason: str


class Recent(Generic[_Key, _Value]):
    """A dictionary that forgets what was not asked for lately. For several threads at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[_Key, _Value] = {}
        self._old: dict[_Key, _Value] = {}

    def get(self, key: _Key) -> _Value | None:
        """Give what is kept under a key."""
        value = self._young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: _Key, value: _Value) -> None:
        """Keep it."""
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[key] = value


class Notes:
    """Writes notes."""

    def __init__(self, database: Database, *, most: int = KEPT) -> None:
        self._database = database
        self._known: Recent[Wording, Note] = Recent(most)
        # Slices of one wave decide alike under different outcomes: what reads the same is the same note.
        self._same: Recent[tuple[object, ...], Note] = Recent(most)
        self._outcomes: Recent[int, Decided] = Recent(most)
        self._parts: Recent[int, Said] = Recent(most)

    def known(self, wording: Wording) -> Note | None:
        """Give a note that is written."""
        return self._known.get(wording)

    def write(self, claimed: Claim, wordings: Collection[Wording], *, now: datetime) -> dict[Wording, Note | None]:
        """Write notes of a wave; None stands for one that cannot be written: an outcome or its parts are wrong."""
        outcome_ids = {wording.outcome_id for wording in wordings}
        part_ids = {part for wording in wordings for part in wording.parts if part}
        with self._database.session(write=False) as session:
            outcomes = _read(session, self._outcomes, outcome_ids, _outcomes)
            said = _read(session, self._parts, part_ids, _parts)
        return {wording: self._write(claimed, wording, outcomes, said, now) for wording in wordings}

    def _write(
        self, claimed: Claim, wording: Wording, outcomes: dict[int, Decided], said: dict[int, Said], now: datetime
    ) -> Note | None:
        decided = outcomes.get(wording.outcome_id)
        if decided is None:
            return None
        # Only the hour of an appointment reads differently in zones that share a day.
        clock = "" if claimed.starts_s is None else wording.zone
        same = (claimed.wave_id, *decided, wording.parts, wording.language, wording.is_tomorrow, clock)
        note = self._same.get(same)
        if note is None:
            try:
                message = words(
                    decided.kind,
                    [said[part] for part in wording.parts if part],
                    language=wording.language,
                    day=claimed.day,
                    zone=wording.zone,
                    now=now,
                    starts_s=claimed.starts_s,
                )
            except (ValueError, KeyError):
                return None
            note = Note(
                title=message.title,
                body=message.body,
                language=wording.language,
                tag=claimed.tag,
                kind=decided.kind,
                expires_at=decided.expires_at,
                urgent=decided.kind in URGENT,
                reason=decided.reason,
                data=_data(claimed.code, decided.kind, None if decided.kind in PLAIN_KINDS else claimed.day),
            )
            self._same.put(same, note)
        self._known.put(wording, note)
        return note


@lru_cache(maxsize=256)
def _data(code: str, kind: str, day: date | None) -> dict[str, str]:
    """What the app gets beside the words, the same for many notes; nobody changes it."""
    return {"message": code, "kind": kind} | ({} if day is None else {"day": day.isoformat()})


@lru_cache(maxsize=4_096)
def zone_of(profile_key: str | None) -> str:
    """Zone of a profile, by its key; a device without a readable one has the default."""
    try:
        return Profile.from_key(profile_key or DEFAULT_PROFILE.key).zone
    except (ValueError, KeyError, TypeError):
        return DEFAULT_PROFILE.zone


class Tomorrows:
    """Whether the day of a wave is still ahead, by the clocks of zones: answered once for each zone."""

    def __init__(self, claimed: Claim, now: datetime) -> None:
        self._claim = claimed
        self._now = now
        self._by_zone: dict[str, bool] = {}

    def __call__(self, zone: str) -> bool:
        """Answer for a zone."""
        answer = self._by_zone.get(zone)
        if answer is None:
            answer = self._by_zone[zone] = self._claim.day_in(zone) > local_day(self._now, zone=zone)
        return answer


def _read(
    session: Session,
    kept: Recent[int, _Value],
    ids: Collection[int],
    read: Callable[[Session, list[int]], Iterable[tuple[int, _Value]]],
) -> dict[int, _Value]:
    found = {one: value for one in ids if (value := kept.get(one)) is not None}
    missing = [one for one in ids if one not in found]
    if missing:
        for one, value in read(session, missing):
            kept.put(one, value)
            found[one] = value
    return found


def _outcomes(session: Session, ids: list[int]) -> Iterable[tuple[int, Decided]]:
    here = is_postgresql(session)
    chosen = is_one_of(Outcome.id, "ids", on_postgresql=here)
    query = select(Outcome.id, Outcome.kind, Outcome.expires_at, Outcome.reason).where(chosen)
    found = session.execute(query, {"ids": values(ids, on_postgresql=here)})
    return [(row.id, Decided(row.kind, row.expires_at, row.reason)) for row in found]


def _parts(session: Session, ids: list[int]) -> Iterable[tuple[int, Said]]:
    here = is_postgresql(session)
    chosen = is_one_of(Part.id, "ids", on_postgresql=here)
    query = select(Part, Commune.name).outerjoin(Commune, Commune.code == Part.commune_code).where(chosen)
    return [
        (
            part.id,
            Said(
                hazard=part.hazard,
                level=part.level,
                commune_name=name or part.commune_code,
                cause=part.cause,
                tier=part.tier,
                is_demo=part.is_demo,
            ),
        )
        for part, name in session.execute(query, {"ids": values(ids, on_postgresql=here)})
    ]
