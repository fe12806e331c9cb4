"""The question "where, near me?": from a directory, a position and wishes to an answer. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from citizen_api.care.directory import Directory, Found, Place
from citizen_api.care.hours import Opening
from citizen_api.care.rules import DEMO_SOURCE, NEAR_M
from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.core.problems import CursorInvalid

HOURS_UNKNOWN_SHOWN: Final = 5
INSTEAD_SHOWN: Final = 5
OLD_AFTER: Final = timedelta(days=730)
CALL_15_FIRST: Final = frozenset({"hospital", "emergency_department"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for. `open_at`: only places known to be open then. Distances in metres."""

    lat: float
    lon: float
    categories: tuple[str, ...]
    at: datetime
    open_at: datetime | None = None
    wheelchair: bool = False
    radius_m: float | None = None
    limit: int = 10
    after: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A place in an answer, and why it stands there (`reason`, a key of the words; `rank` from 1, or None)."""

    place: Place
    distance_m: float
    opening: Opening
    reason: str
    rank: int | None = None
    call_15_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The places found, and what a reader must know beside them.

    `instead`: what is offered where `items` is empty: the nearest beyond the radius, or hospitals for want of a
    known emergency department. `last`: where the next page begins, or None.
    """

    items: list[Item]
    hours_unknown: list[Item] | None
    instead: list[Item]
    notices: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    last: tuple[int, str] | None = None


def find_nearest(directory: Directory, question: Question) -> Answer:
    """Answer a question, exactly: distance on the ellipsoid, then id, and nothing else decides the order."""
    moment = question.open_at or question.at
    radius_m = question.radius_m or NEAR_M
    first_page = question.after is None
    found = list(islice(_search(directory, question, moment, radius_m), question.limit + 1))
    rank = 1 if first_page else None
    reason = "nearest" if question.open_at is None else "nearest_open"
    items = [
        _item(each, moment, reason, rank=None if rank is None else rank + offset)
        for offset, each in enumerate(found[: question.limit])
    ]
    more = len(found) > question.limit
    unknown = _hours_unknown(directory, question, moment, radius_m) if question.open_at and first_page else None
    instead = [] if items or not first_page else _instead(directory, question, moment)
    answer = Answer(
        items=items,
        hours_unknown=unknown if question.open_at is not None and unknown is not None else None,
        instead=instead,
        last=(found[question.limit - 1].distance_mm, found[question.limit - 1].id) if more else None,
    )
    answer.notices.extend(_notices(directory, question, answer, radius_m))
    return answer


def _search(directory: Directory, question: Question, moment: datetime, radius_m: float) -> Iterator[Found]:
    """Places that fit every wish, nearest first, within the radius."""
    found = directory.nearest(
        lat=question.lat,
        lon=question.lon,
        categories=question.categories,
        keep=_keep(question, lambda place: question.open_at is None or place.opening_at(moment).state == "open"),
        after=question.after,
    )
    # An explicit radius bounds the answer; without one the list simply goes on, page by page.
    if question.radius_m is None and question.after is not None:
        return found
    return takewhile(lambda each: each.distance_m <= radius_m, found)


def _keep(question: Question, also: Callable[[Place], bool]) -> Callable[[Place], bool]:
    if not question.wheelchair:
        return also
    return lambda place: place.wheelchair == "yes" and also(place)


def _hours_unknown(directory: Directory, question: Question, moment: datetime, radius_m: float) -> list[Item]:
    found = directory.nearest(
        lat=question.lat,
        lon=question.lon,
        categories=question.categories,
        keep=_keep(question, lambda place: place.opening_at(moment).state == "unknown"),
    )
    near = takewhile(lambda each: each.distance_m <= radius_m, found)
    return [_item(each, moment, "hours_unknown") for each in islice(near, HOURS_UNKNOWN_SHOWN)]


def _instead(directory: Directory, question: Question, moment: datetime) -> list[Item]:
    """What to show when nothing fits nearby."""
    if not any(directory.has(category) for category in question.categories):
        if "emergency_department" not in question.categories:
            return []
        hospitals = directory.nearest(lat=question.lat, lon=question.lon, categories=("hospital",))
        return [_item(each, moment, "hospital_instead") for each in islice(hospitals, INSTEAD_SHOWN)]
    beyond = directory.nearest(
        lat=question.lat,
        lon=question.lon,
        categories=question.categories,
        keep=_keep(question, lambda place: question.open_at is None or place.opening_at(moment).state == "open"),
    )
    return [_item(each, moment, "beyond_radius") for each in islice(beyond, INSTEAD_SHOWN)]


def _item(found: Found, moment: datetime, reason: str, *, rank: int | None = None) -> Item:
    return Item(
        place=found.place,
        distance_m=found.distance_m,
        opening=found.place.opening_at(moment),
        reason=reason,
        rank=rank,
        call_15_first=not CALL_15_FIRST.isdisjoint(found.place.categories),
    )


def _notices(
    directory: Directory, question: Question, answer: Answer, radius_m: float
) -> list[tuple[str, dict[str, object]]]:
    notices: list[tuple[str, dict[str, object]]] = []
    km: dict[str, object] = {"radius_km": f"{radius_m / 1000:g}"}
    known = any(directory.has(category) for category in question.categories)
    if not CALL_15_FIRST.isdisjoint(question.categories):
        notices.append(("call_15_first", {}))
    if "emergency_department" in question.categories and not directory.has("emergency_department"):
        notices.append(("no_emergency_department_known", {}))
    elif not known:
        notices.append(("nothing_known", {}))
    elif not answer.items and question.after is None:
        if not answer.instead:
            notices.append(("none_open" if question.open_at else "nothing_known", {}))
        else:
            notices.append(("none_open_near" if question.open_at else "nothing_near", km))
    if question.wheelchair:
        notices.append(("wheelchair_filter", {}))
    shown = [*answer.items, *(answer.hours_unknown or []), *answer.instead]
    notices.extend((code, {}) for code in place_notices([item.place for item in shown], question.at))
    return notices


def place_notices(places: Sequence[Place], at: datetime) -> list[str]:
    """What must be said beside these places: demo facts, approximate positions, old sources."""
    codes = []
    if any(source.id == DEMO_SOURCE for place in places for source in place.sources):
        codes.append("demo_data")
    if any(place.position_approximate for place in places):
        codes.append("approximate")
    newest = (max((s.dated for s in place.sources if s.id != DEMO_SOURCE), default=None) for place in places)
    if any(dated is not None and at.date() - dated > OLD_AFTER for dated in newest):
        codes.append("old_source")
    return codes


def search_of(question: Question) -> tuple[object, ...]:
    """What a cursor belongs to: everything asked, except where the page begins."""
    return (
        "nearest",
        question.lat,
        question.lon,
        sorted(question.categories),
        question.open_at is not None,
        question.wheelchair,
        question.radius_m,
    )


def next_cursor(question: Question, answer: Answer) -> str | None:
    """Name the next page; it keeps the moment that "now" was, so that all pages speak of the same one."""
    if answer.last is None:
        return None
    moment = question.open_at.isoformat() if question.open_at else ""
    return write_cursor(search_of(question), (*answer.last, moment))


def turn_page(question: Question, cursor: str) -> Question:
    """Give the question whose first item follows the cursor. Raises CursorInvalid."""
    distance_mm, place_id, moment = read_cursor(cursor, search_of(question), (int, str, str))
    try:
        open_at = datetime.fromisoformat(str(moment)) if moment else None
    except ValueError as error:
        raise CursorInvalid from error
    return replace(question, after=(int(distance_mm), str(place_id)), open_at=open_at)
