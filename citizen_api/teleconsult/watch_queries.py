"""Reads about slot watches: those of a device, and those for which a slot appeared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import groupby
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from citizen_api.teleconsult.models import Provider, Schedule, Service, Slot
from citizen_api.teleconsult.watch_models import SlotWatch
from citizen_api.teleconsult.watch_rules import Aim, Calendar, Lookout
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.models import Commune

_ASKED_AT_ONCE: Final = 5_000


def watches_of(session: Session, device_id: str, now: datetime) -> Sequence[SlotWatch]:
    """List the slot watches of a device that have not ended, the oldest first."""
    return session.scalars(
        select(SlotWatch)
        .where(SlotWatch.device_id == device_id, SlotWatch.until > now)
        .order_by(SlotWatch.created_at, SlotWatch.id)
    ).all()


def commune_names(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Names of communes, by their present codes."""
    return dict(session.execute(select(Commune.code, Commune.name).where(Commune.code.in_(codes))).all())


def fired(session: Session, *, since: datetime, now: datetime) -> list[tuple[str, str]]:
    """Give (watch id, device id) of each watch for which a slot appeared at `since` or later, by the watch's id.

    A slot appeared for a watch in a calendar that it looks at, not before it was made, and one that starts after `now`
    and before its end is free there. Watches that look the same way are decided together: what it takes grows with
    those ways, and nothing is read of watches when no slot appeared.
    """
    lookouts = _lookouts(session, since, now)
    if not lookouts:
        return []
    watches = _watches(session, lookouts, now)
    centres = _centres(session, {watch.commune_code for watch in watches})
    territories = cache(partial(territory_queries.lies_in, session))
    found = []
    for (specialty, modality, commune_code, within_km), alike in groupby(watches, key=_way):
        aim = Aim(modality or None, commune_code, within_km, centres.get(commune_code))
        seen = lookouts[specialty].seen_from(aim, territories)
        found += [(watch.id, watch.device_id) for watch in alike if seen.fires(watch.created_at, watch.until)]
    return sorted(found)


def _lookouts(session: Session, since: datetime, now: datetime) -> dict[str, Lookout]:
    """The calendars in which a slot appeared and one is free, by each specialty that somebody watches."""
    first = (
        select(func.min(Slot.start_s))
        .where(Slot.schedule_id == Schedule.id, Slot.start_s > int(now.timestamp()))
        .correlate(Schedule)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Service.specialty,
            Service.modality,
            Service.lat,
            Service.lon,
            Schedule.last_new_at,
            first.label("starts_s"),
            Provider.territory_kind,
            Provider.territory_code,
        )
        .join(Schedule, Schedule.id == Service.schedule_id)
        .join(Provider, Provider.id == Service.provider_id)
        .where(
            Schedule.last_new_at >= since,
            Provider.retired_at.is_(None),
            Service.specialty.in_(select(SlotWatch.specialty).where(SlotWatch.until > now)),
        )
    )
    calendars: dict[str, list[Calendar]] = defaultdict(list)
    for specialty, modality, lat, lon, appeared_at, starts_s, kind, code in rows:
        if starts_s is not None and appeared_at is not None:
            calendars[specialty].append(Calendar(modality, lat, lon, appeared_at, starts_s, (kind, code)))
    return {specialty: Lookout(found) for specialty, found in calendars.items()}


def _watches(session: Session, specialties: Collection[str], now: datetime) -> list[Any]:
    """Columns of the watches of some specialties, those that look the same way next to each other."""
    columns = (
        SlotWatch.id,
        SlotWatch.device_id,
        SlotWatch.specialty,
        SlotWatch.modality,
        SlotWatch.commune_code,
        SlotWatch.within_km,
        SlotWatch.created_at,
        SlotWatch.until,
    )
    wanted = select(*columns).where(SlotWatch.specialty.in_(specialties), SlotWatch.until > now)
    return sorted(session.execute(wanted), key=_way)


def _way(watch: Any) -> tuple[str, str, str, int]:
    """Where a watch looks; "" for any modality."""
    return watch.specialty, watch.modality or "", watch.commune_code, watch.within_km


def _centres(session: Session, codes: Collection[str]) -> dict[str, tuple[float, float]]:
    centres: dict[str, tuple[float, float]] = {}
    ordered = sorted(codes)
    for start in range(0, len(ordered), _ASKED_AT_ONCE):
        centres |= territory_queries.centres(session, ordered[start : start + _ASKED_AT_ONCE])
    return centres
