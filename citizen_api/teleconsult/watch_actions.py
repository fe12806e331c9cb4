"""Writes about slot watches. None of them commits.

Whoever writes about a watch locks its device first, then the watches in the order of their ids: nobody waits in a ring.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from citizen_api.core.db import changed_rows
from citizen_api.core.problems import InvalidArguments
from citizen_api.people.device_actions import lock_device
from citizen_api.people.device_models import Device
from citizen_api.people.device_problems import WatchUnknown
from citizen_api.people.device_secrets import new_id
from citizen_api.teleconsult.watch_models import SlotWatch
from citizen_api.teleconsult.watch_problems import SlotWatchLimitReached
from citizen_api.teleconsult.watch_rules import MAX_WATCHES, until_of
from citizen_api.territory import queries as territory_queries

NO_COMMUNE: Final = "No commune has this INSEE code."
NO_CENTRE: Final = "The position of this commune is not known."
NOT_SOON: Final = "Must lie within the coming 60 days."
_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotWish:
    """What to watch for; see `SlotWatch`. `commune`: a present or an old INSEE code. `until`: see `until_of`."""

    specialty: str
    modality: str | None
    commune: str
    within_km: int
    until: datetime | str | None


def add_watch(session: Session, device_id: str, wish: SlotWish, *, now: datetime) -> SlotWatch:
    """Watch for slots; the same specialty, modality and commune again change the distance and the end.

    Raises SlotWatchLimitReached, and InvalidArguments for a commune that is unknown or has no known position, or for an
    end that is past or too far.
    """
    lock_device(session, device_id)
    commune_code, until = _checked(session, wish, now)
    # Locked, for one that fires meanwhile is gone when its turn comes, and then a new one is made.
    kept = session.scalars(
        select(SlotWatch)
        .where(SlotWatch.device_id == device_id, SlotWatch.until > now)
        .order_by(SlotWatch.id)
        .with_for_update()
    ).all()
    key = (wish.specialty, wish.modality, commune_code)
    watch = next((one for one in kept if (one.specialty, one.modality, one.commune_code) == key), None)
    if watch is None:
        if len(kept) >= MAX_WATCHES:
            raise SlotWatchLimitReached(limit=MAX_WATCHES)
        watch = SlotWatch(
            id=new_id(),
            device_id=device_id,
            specialty=wish.specialty,
            modality=wish.modality,
            commune_code=commune_code,
            created_at=now,
        )
        session.add(watch)
    watch.within_km, watch.until = wish.within_km, until
    session.flush()
    return watch


def _checked(session: Session, wish: SlotWish, now: datetime) -> tuple[str, datetime]:
    """The present code of the commune, and the end. Raises InvalidArguments."""
    wrong: dict[str, list[str]] = {}
    commune_code = territory_queries.present_code(session, wish.commune)
    if commune_code is None:
        wrong["commune"] = [NO_COMMUNE]
    elif not territory_queries.centres(session, [commune_code]):
        wrong["commune"] = [NO_CENTRE]
    until = until_of(wish.until, now)
    if until is None:
        wrong["until"] = [NOT_SOON]
    if commune_code is None or until is None or wrong:
        raise InvalidArguments(fields=wrong)
    return commune_code, until


def remove_watch(session: Session, device_id: str, watch_id: str) -> None:
    """Watch no more. Raises WatchUnknown, for another device's watch and for one that has fired too."""
    lock_device(session, device_id)
    ours = delete(SlotWatch).where(SlotWatch.id == watch_id, SlotWatch.device_id == device_id)
    if not changed_rows(session.execute(ours)):
        raise WatchUnknown


def end_watches(session: Session, ids: Collection[str]) -> set[str]:
    """End watches that fired: give the ids of those that this transaction ended, and nobody else.

    Of two that find the same watches at once, each watch is ended by one: only what this gives may be told.
    """
    ended: set[str] = set()
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        devices = select(SlotWatch.device_id).where(SlotWatch.id.in_(some))
        locked = select(Device.id).where(Device.id.in_(devices)).order_by(Device.id)
        session.execute(locked.with_for_update(read=True, key_share=True))
        watches = select(SlotWatch.id).where(SlotWatch.id.in_(some)).order_by(SlotWatch.id).with_for_update()
        there = session.scalars(watches).all()
        session.execute(delete(SlotWatch).where(SlotWatch.id.in_(there)))
        ended |= set(there)
    return ended


def forget_ended(session: Session, now: datetime) -> int:
    """Delete the watches whose time is over: how many."""
    return changed_rows(session.execute(delete(SlotWatch).where(SlotWatch.until <= now)))
