"""When the earliest slot of each calendar starts, kept beside what calendars are searched by."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from citizen_api.teleconsult.models import Service, Slot

_SERVICE: Final[Any] = Service.__table__
_SLOT: Final[Any] = Slot.__table__
_FIRST: Final[Any] = (
    select(func.min(_SLOT.c.start_s)).where(_SLOT.c.schedule_id == _SERVICE.c.schedule_id).scalar_subquery()
)
_REFRESH: Final = (
    update(_SERVICE)
    .where(_SERVICE.c.feed_id == bindparam("feed"), _SERVICE.c.first_start_s.is_distinct_from(_FIRST))
    .values(first_start_s=_FIRST)
)


def refresh_first_starts(session: Session, feed_id: int) -> None:
    """Say anew when the first slot of each calendar of a feed starts: in the transaction that adds slots to it.

    Slots that go need no refresh: what was said is then no longer near, but still not too late.
    """
    session.connection().execute(_REFRESH, {"feed": feed_id})
