"""The statements by which slots are looked up, each put together once for each combination of wishes.

Parameters: `starts_s`, `ends_s`: the window; `oldest`: what was read then or before is too old; `most`: rows; those of
wishes (`wishes_of`); those of a box (`south`, `north`, `west`, `east`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, and_, bindparam, func, or_, select, tuple_, union_all

from citizen_api.core.db import Instant
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult.models import Feed, Provider, Schedule, Service, Slot
from citizen_api.teleconsult.slot_rules import ANYWHERE, OF_ONE_CALENDAR, Question

Wishes = tuple[str, ...]
"""Names of what is asked of a service."""
EVERY: Final = 1 << 62
"""Greater than any start and any identifier."""

_FEED: Final[Any] = Feed.__table__.c
_PROVIDER: Final[Any] = Provider.__table__.c
_SCHEDULE: Final[Any] = Schedule.__table__.c
_SERVICE: Final[Any] = Service.__table__.c
_SLOT: Final[Any] = Slot.__table__.c
_OLDEST: Final[Any] = bindparam("oldest", type_=Instant())
_STARTS: Final[Any] = bindparam("starts_s", type_=BigInteger())
_ENDS: Final[Any] = bindparam("ends_s", type_=BigInteger())
_AFTER: Final[Any] = tuple_(bindparam("after_s", type_=BigInteger()), bindparam("after_id", type_=BigInteger()))
_MOST: Final[Any] = bindparam("most")

OLD_FEEDS: Final = select(_FEED.id).where(or_(_FEED.checked_at.is_(None), _FEED.checked_at <= _OLDEST))
"""The feeds that have confirmed nothing for too long."""
_IS_RETIRED: Final = _PROVIDER.retired_at.is_not(None)
_IS_ELSEWHERE: Final = and_(
    _PROVIDER.territory_kind != "country",
    tuple_(_PROVIDER.territory_kind, func.coalesce(_PROVIDER.territory_code, "")).not_in(
        bindparam("territories", expanding=True)
    ),
)
RETIRED_FEEDS: Final = select(_FEED.id).where(_FEED.provider_id.in_(select(_PROVIDER.id).where(_IS_RETIRED)))
FEEDS_ELSEWHERE: Final = select(_FEED.id).where(
    _FEED.provider_id.in_(select(_PROVIDER.id).where(or_(_IS_RETIRED, _IS_ELSEWHERE)))
)
"""The feeds of those who offer appointments no more, or only elsewhere than in `territories`."""

_WISHES: Final[dict[str, Any]] = {
    "specialty": _SERVICE.specialty == bindparam("specialty"),
    "language": _SERVICE.languages.like(bindparam("language"), escape="/"),
    "sectors": _SERVICE.sector.in_(bindparam("sectors", expanding=True)),
    "third_party": _SERVICE.third_party.is_(True),
    "audience": _SERVICE.audience.in_(bindparam("audience", expanding=True)),
}
_IN_BOX: Final = and_(
    _SERVICE.lat.between(bindparam("south"), bindparam("north")),
    _SERVICE.lon.between(bindparam("west"), bindparam("east")),
)
_MODALITY: Final = _SERVICE.modality.in_(bindparam("modalities", expanding=True))
# For few feeds theirs is the better index, which SQLite does not see by itself.
_NO_INDEX: Final = {"specialty": func.coalesce(_SERVICE.specialty, "") == bindparam("specialty")}
_NO_INDEX_MODALITY: Final = func.coalesce(_SERVICE.modality, "").in_(bindparam("modalities", expanding=True))
_STARTING: Final = _SLOT.start_s >= _STARTS, _SLOT.start_s < _ENDS

WALK: Final = (
    select(_SLOT.start_s, _SLOT.schedule_id)
    .where(_SLOT.start_s >= _STARTS, _SLOT.start_s < _ENDS, tuple_(_SLOT.start_s, _SLOT.schedule_id) > _AFTER)
    .order_by(_SLOT.start_s, _SLOT.schedule_id)
    .limit(_MOST)
)
"""The slots of the window in their order, whosever they are, after (`after_s`, `after_id`)."""
_LAST: Final = (
    select(_SLOT.start_s)
    .where(_SLOT.schedule_id == _SCHEDULE.id, *_STARTING)
    .order_by(_SLOT.start_s)
    .offset(OF_ONE_CALENDAR - 1)
    .limit(1)
    .correlate(Schedule.__table__)
    .scalar_subquery()
)
FIRST_SLOTS: Final = (
    select(_SLOT.feed_id, _SLOT.key, _SLOT.schedule_id, _SLOT.start_s)
    .select_from(Schedule.__table__)
    .join(Slot.__table__, _SLOT.schedule_id == _SCHEDULE.id)
    .where(
        _SCHEDULE.id.in_(bindparam("calendars", expanding=True)),
        or_(_SCHEDULE.synced_at.is_(None), _SCHEDULE.synced_at > _OLDEST),
        _SLOT.start_s >= _STARTS,
        # The only upper end, so that the index ends there, and the last is looked up once for each calendar.
        _SLOT.start_s <= func.coalesce(_LAST, _ENDS - 1),
    )
)
"""Of each of `calendars`, if read lately, the first OF_ONE_CALENDAR slots, and any at the same time."""


def wishes_of(question: Question) -> dict[str, Any]:
    """What a question asks of a service, by the names of its wishes."""
    language = question.language and f"%,{_escaped(question.language)},%"
    asked = {
        "specialty": question.specialty,
        "language": language,
        "sectors": list(question.sectors),
        "third_party": question.third_party,
        "audience": question.audience and [question.audience, "everybody"],
    }
    return {name: value for name, value in asked.items() if value not in (None, [], False)}


@cache
def near(wishes: Wishes) -> Any:
    """The services of some `modalities` in a box that may have a slot before `ends_s`."""
    return select(_SERVICE.schedule_id, _SERVICE.feed_id, _SERVICE.first_start_s, _SERVICE.lat, _SERVICE.lon).where(
        _MODALITY,
        *_sought(wishes),
        _IN_BOX,
        # Not by the index of bounds: a box leaves out more.
        _SERVICE.first_start_s + 0 < _ENDS,
    )


@cache
def by_first_start(wishes: Wishes, modalities: tuple[str, ...]) -> Any:
    """The services of some modalities, in the order of their bounds, after (`after_s`, `after_id`), `most` at most."""
    columns = _SERVICE.first_start_s, _SERVICE.schedule_id, _SERVICE.feed_id
    place = tuple_(_SERVICE.first_start_s, _SERVICE.schedule_id)
    # One each: so the databases merge what the index gives in order, and read no more than that.
    each = [
        select(*columns).where(
            _SERVICE.modality == modality, *_wished(wishes), _SERVICE.first_start_s < _ENDS, place > _AFTER
        )
        for modality in modalities
    ]
    return union_all(*each).order_by("first_start_s", "schedule_id").limit(_MOST)


@cache
def fitting(wishes: Wishes) -> Any:
    """Which of `calendars` are of some `modalities` and fit."""
    return select(_SERVICE.schedule_id, _SERVICE.feed_id).where(
        _SERVICE.schedule_id.in_(bindparam("calendars", expanding=True)), _MODALITY, *_wished(wishes)
    )


@cache
def count_feeds(wishes: Wishes, *, has_place: bool) -> Any:
    """How many of `feeds` have a service that fits, and is near enough if there is a place."""
    place = [or_(_SERVICE.modality == ANYWHERE, _IN_BOX)] if has_place else []
    fits = _NO_INDEX_MODALITY, *(_NO_INDEX.get(name, _WISHES[name]) for name in wishes)
    return select(func.count(_SERVICE.feed_id.distinct())).where(
        _SERVICE.feed_id.in_(bindparam("feeds", expanding=True)), *fits, *place
    )


def _wished(wishes: Wishes) -> Iterator[Any]:
    yield from (_WISHES[name] for name in wishes)


def _sought(wishes: Wishes) -> Iterator[Any]:
    """Services that fit, by the index that begins with the specialty: where none is asked for, all are named."""
    yield from _wished(wishes)
    if "specialty" not in wishes:
        yield _SERVICE.specialty.in_(SPECIALTIES)


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
