"""The statements by which slots are stored, each put together once: 2,000 feeds a minute run them. Nothing commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from citizen_api.core.db import Instant, changed_rows
from citizen_api.teleconsult.models import Schedule, Slot

SlotRow = tuple[int, int, int, int, int, int | None, str, str | None, str | None, int, int]
"""A row of `Slot`, in the order of its columns."""

_SLOT: Final[Any] = Slot.__table__
_SCHEDULE: Final[Any] = Schedule.__table__
_NAMES: Final = list(_SLOT.columns.keys())
_OF_FEED: Final = _SLOT.c.feed_id == bindparam("feed")
_COUNT: Final = select(func.count()).where(_OF_FEED)
_COUNT_TO_COME: Final = _COUNT.where(_SLOT.c.end_s > bindparam("now_s"))
_AFTER: Final = (
    select(_SLOT.c.key, _SLOT.c.file, _SLOT.c.end_s)
    .where(_OF_FEED, _SLOT.c.key > bindparam("after"))
    .order_by(_SLOT.c.key)
    .limit(bindparam("most"))
)
_MARK_NEW: Final = (
    update(_SCHEDULE).where(_SCHEDULE.c.id == bindparam("of")).values(last_new_at=bindparam("now", type_=Instant()))
)


def count_slots(connection: Connection, feed_id: int) -> int:
    """How many slots of a feed are known."""
    return connection.execute(_COUNT, {"feed": feed_id}).scalar_one()


def count_to_come(connection: Connection, feed_id: int, now_s: int) -> int:
    """How many of them are not over."""
    return connection.execute(_COUNT_TO_COME, {"feed": feed_id, "now_s": now_s}).scalar_one()


def known_among(connection: Connection, feed_id: int, keys: Collection[int]) -> dict[int, tuple[int, int]]:
    """(file, digest) of those of these slots that are known."""
    if not keys:
        return {}
    statement = _select_among(connection.dialect.name)
    rows = connection.execute(statement, {"feed": feed_id, "keys": _listed(connection, keys)})
    return {key: (file, digest) for key, file, digest in rows}


def write_slots(connection: Connection, rows: Sequence[SlotRow]) -> None:
    """Write slots that are new, or say something else than before."""
    if rows:
        # Past SQLAlchemy's own bindings, which take longer than all the rest.
        connection.exec_driver_sql(_writing(connection.dialect.name), list(rows))


def mark_new(connection: Connection, schedule_ids: Collection[int], now: datetime) -> None:
    """Note the calendars in which a slot appears."""
    if schedule_ids:
        connection.execute(_MARK_NEW, [{"of": schedule_id, "now": now} for schedule_id in sorted(schedule_ids)])


def delete_among(connection: Connection, feed_id: int, keys: Collection[int]) -> int:
    """Forget slots; give how many of them were known."""
    if not keys:
        return 0
    statement = _delete_among(connection.dialect.name)
    return changed_rows(connection.execute(statement, {"feed": feed_id, "keys": _listed(connection, keys)}))


def slots_after(connection: Connection, feed_id: int, after: int, *, most: int) -> Sequence[Any]:
    """(key, file, end_s) of the slots of a feed behind a key, in their order."""
    return connection.execute(_AFTER, {"feed": feed_id, "after": after, "most": most}).all()


@cache
def _writing(dialect_name: str) -> str:
    marks = ", ".join(["?" if dialect_name == "sqlite" else "%s"] * len(_NAMES))
    anew = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:])
    return (
        f"INSERT INTO {_SLOT.name} ({', '.join(_NAMES)}) VALUES ({marks}) "  # noqa: S608 - our own names
        f"ON CONFLICT (feed_id, key) DO UPDATE SET {anew}"
    )


@cache
def _select_among(dialect_name: str) -> Any:
    return select(_SLOT.c.key, _SLOT.c.file, _SLOT.c.digest).where(_OF_FEED, _among(dialect_name))


@cache
def _delete_among(dialect_name: str) -> Any:
    return delete(_SLOT).where(_OF_FEED, _among(dialect_name))


def _among(dialect_name: str) -> Any:
    """Whether a key is one of many: more than may be named one by one."""
    if dialect_name == "sqlite":
        return _SLOT.c.key.in_(select(func.json_each(bindparam("keys")).table_valued("value").c.value))
    return _SLOT.c.key == func.any(bindparam("keys", type_=ARRAY(BigInteger)))


def _listed(connection: Connection, keys: Collection[int]) -> Any:
    return orjson.dumps(list(keys)).decode() if connection.dialect.name == "sqlite" else list(keys)
