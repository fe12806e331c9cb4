"""Writes about what a device wishes: how it is reached, what it watches, when it is told, what it consents to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import delete
from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.core.problems import InvalidArguments
from citizen_api.people import device_queries as queries
from citizen_api.people import device_secrets as secrets
from citizen_api.people.device_actions import lock_device
from citizen_api.people.device_models import ALIVE, Consent, Preferences, Registration, Watch
from citizen_api.people.device_problems import WatchLimitReached, WatchUnknown
from citizen_api.people.wishes import Profile

MAX_WATCHES: Final = 10
LOG: Final = "log"


class Communes(Protocol):
    """Port to `territory`, which `people` may not import."""

    def present_code(self, session: Session, code: str) -> str | None:
        """Present code of a commune, from its present or an old code; None when no commune has or had it."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """One way to reach a device; see `Registration`."""

    kind: str
    value: str = ""
    p256dh: str | None = None
    auth: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What to watch; see `Watch`. `commune` as it was typed: a present or an old INSEE code."""

    commune: str
    hazard: str
    level: int
    told_when: str


def replace_registrations(
    session: Session, device_id: str, ways: Sequence[Reach], *, log_allowed: bool, now: datetime
) -> None:
    """Make `ways` the only ones to reach a device. One that another device held is its no more.

    Raises InvalidArguments for a log unless `log_allowed`.
    """
    logs = [number for number, way in enumerate(ways) if way.kind == LOG]
    if logs and not log_allowed:
        raise InvalidArguments(fields={f"items.{number}.kind": ["The log transport is off here."] for number in logs})
    lock_device(session, device_id)
    # Two installations never share a token, but every device may have a log.
    by_digest = {secrets.digest(way.kind, way.value or device_id): way for way in ways}
    session.execute(
        delete(Registration).where(Registration.device_id == device_id, Registration.digest.not_in(by_digest))
    )
    for digest, way in sorted(by_digest.items(), key=lambda item: item[0]):
        changed = {
            "device_id": device_id,
            "p256dh": way.p256dh,
            "auth": way.auth,
            "state": ALIVE,
            "created_at": now,
        }
        session.execute(
            insert_or_update(session, Registration)
            .values(kind=way.kind, value=way.value, digest=digest, **changed)
            .on_conflict_do_update(index_elements=[Registration.digest], set_=changed)
        )


def add_watch(session: Session, device_id: str, wish: Wish, communes: Communes) -> Watch:
    """Watch one thing more; the same commune, hazard and time again change its level.

    Raises WatchLimitReached, and InvalidArguments for an unknown commune.
    """
    lock_device(session, device_id)
    (key,) = _keys(session, [wish], communes, "{field}")
    kept = {_key_of(watch): watch for watch in queries.watches(session, device_id)}
    if key not in kept and len(kept) >= MAX_WATCHES:
        raise WatchLimitReached(limit=MAX_WATCHES)
    return _put_watch(session, device_id, key, wish.level, kept)


def replace_watches(session: Session, device_id: str, wishes: Sequence[Wish], communes: Communes) -> None:
    """Watch exactly this, of which there are at most `MAX_WATCHES`; what was watched before keeps its id.

    Raises InvalidArguments for an unknown commune, and for two wishes of the same commune, hazard and time.
    """
    lock_device(session, device_id)
    keys = _keys(session, wishes, communes, "items.{number}.{field}")
    kept = {_key_of(watch): watch for watch in queries.watches(session, device_id)}
    for key in set(kept) - set(keys):
        session.delete(kept[key])
    session.flush()
    for key, wish in zip(keys, wishes, strict=True):
        _put_watch(session, device_id, key, wish.level, kept)


def remove_watch(session: Session, device_id: str, watch_id: str) -> None:
    """Watch one thing less. Raises WatchUnknown, for another device's watch too."""
    watch = session.get(Watch, watch_id)
    if watch is None or watch.device_id != device_id:
        raise WatchUnknown
    session.delete(watch)
    session.flush()


def _key_of(watch: Watch) -> tuple[str, str, str]:
    return watch.commune_code, watch.hazard, watch.told_when


def _keys(session: Session, wishes: Sequence[Wish], communes: Communes, path: str) -> list[tuple[str, str, str]]:
    """(present commune, hazard, when) of each wish. `path`: how to name a field of one. Raises InvalidArguments."""
    keys: list[tuple[str, str, str]] = []
    wrong: dict[str, list[str]] = {}
    for number, wish in enumerate(wishes):
        commune_code = communes.present_code(session, wish.commune)
        key = (commune_code or "", wish.hazard, wish.told_when)
        if commune_code is None:
            wrong[path.format(number=number, field="commune")] = ["No commune has this INSEE code."]
        elif key in keys:
            wrong[path.format(number=number, field="commune")] = ["Given more than once."]
        keys.append(key)
    if wrong:
        raise InvalidArguments(fields=wrong)
    return keys


def _put_watch(
    session: Session, device_id: str, key: tuple[str, str, str], level: int, kept: dict[tuple[str, str, str], Watch]
) -> Watch:
    watch = kept.get(key)
    if watch is None:
        commune_code, hazard, told_when = key
        watch = Watch(
            id=secrets.new_id(), device_id=device_id, commune_code=commune_code, hazard=hazard, told_when=told_when
        )
        session.add(watch)
    watch.level = level
    session.flush()
    return watch


def replace_preferences(session: Session, device_id: str, *, language: str, profile: Profile) -> None:
    """Set a device's language, and when it may be told."""
    lock_device(session, device_id)
    row = session.get_one(Preferences, device_id)
    row.language, row.profile_key = language, profile.key
    session.flush()


def give_consent(session: Session, device_id: str, purpose: str, *, version: str, now: datetime) -> None:
    """Note that a device agreed now to `version` of the words about a purpose."""
    lock_device(session, device_id)
    session.merge(Consent(device_id=device_id, purpose=purpose, version=version, given_at=now, withdrawn_at=None))
    session.flush()


def withdraw_consent(session: Session, device_id: str, purpose: str, *, now: datetime) -> None:
    """Take a consent back, from now on. Without one, or when it is withdrawn already, nothing changes."""
    lock_device(session, device_id)
    consent = session.get(Consent, (device_id, purpose))
    if consent is not None and consent.withdrawn_at is None:
        consent.withdrawn_at = now
        session.flush()
