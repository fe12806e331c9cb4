"""The question "where, near me?": from a directory, a position and wishes to an answer. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from citizen_api.care.directory import Directory, Filter, Found, Place
from citizen_api.care.hours import Opening
from citizen_api.care.rules import DEMO_SOURCE, NEAR_M
from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.core.problems import CursorInvalid

HOURS_UNKNOWN_SHOWN: Final = 5
INSTEAD_SHOWN: Final = 5
OLD_AFTER: Final = timedelta(days=730)
CALL_15_FIRST: Final = frozenset({"hospital", "emergency_department"})
Notice = tuple[str, dict[str, object]]
"""A key of the words, and what fills its placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for. `open_at`: only places known to be open then. Distances in metres.

    `after`: where the page before ended (distance_mm, id); `shown`: how many items came before this page.
    """

    lat: float
    lon: float
    categories: tuple[str, ...]
    at: datetime
    open_at: datetime | None = None
    wheelchair: bool = False
    radius_m: float | None = None
    limit: int = 10
    after: tuple[int, str] | None = None
    shown: int = 0

    @property
    def moment(self) -> datetime:
        """The moment at which "open" is told."""
        return self.open_at or self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A place in an answer, and why it stands there (`reason`, a key of the words; `rank` from 1, or None)."""

    place: Place
    distance_m: float
    opening: Opening
    reason: str
    rank: int | None = None
    call_15_first: bool = False


@dataclass(slots=True, kw_only=True)
class Answer:
    """The places found, and what a reader must know beside them.

    `hours_unknown`: the nearest of unknown hours, or None where that was not asked. `instead`: what is offered
    where `items` holds nothing near: the nearest beyond the radius, or hospitals for want of a known emergency
    department. `last`: where the next page begins, or None.
    """

    items: list[Item]
    hours_unknown: list[Item] | None = None
    instead: list[Item] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    last: tuple[int, str] | None = None


def find_nearest(directory: Directory, question: Question) -> Answer:
    """Answer a question, exactly: distance on the ellipsoid, then id, and nothing else decides the order.

    Only an explicit radius bounds `items`; without one the list goes on, page by page, to the last place known.
    """
    first_page = question.after is None
    found = list(islice(_search(directory, question, _fits(question)), question.limit + 1))
    reason = "nearest" if question.open_at is None else "nearest_open"
    items = [
        _item(each, question.moment, reason, rank=rank)
        for rank, each in enumerate(found[: question.limit], start=question.shown + 1)
    ]
    more = len(found) > question.limit
    answer = Answer(items=items, last=(found[question.limit - 1].distance_mm, items[-1].place.id) if more else None)
    if first_page and question.open_at is not None:
        answer.hours_unknown = _hours_unknown(directory, question)
    answer.notices.extend(_notices(directory, question, answer))
    return answer


def _fits(question: Question) -> Filter:
    """Which places fit the wishes."""
    moment = question.open_at
    if moment is None:
        return _accessible(question, lambda _: True)
    return _accessible(question, lambda place: place.opening_at(moment).state == "open")


def _accessible(question: Question, also: Filter) -> Filter:
    if not question.wheelchair:
        return also
    return lambda place: place.wheelchair == "yes" and also(place)


def _search(directory: Directory, question: Question, keep: Filter) -> Iterator[Found]:
    """Places to keep, nearest first, within the radius if there is one."""
    found = directory.nearest(
        lat=question.lat,
        lon=question.lon,
        categories=question.categories,
        keep=keep,
        after=question.after,
    )
    radius_m = question.radius_m
    return found if radius_m is None else takewhile(lambda each: each.distance_m <= radius_m, found)


def _hours_unknown(directory: Directory, question: Question) -> list[Item]:
    unknown = _accessible(question, lambda place: place.opening_at(question.moment).state == "unknown")
    found = islice(_search(directory, question, unknown), HOURS_UNKNOWN_SHOWN)
    return [_item(each, question.moment, "hours_unknown") for each in found]


def _item(found: Found, moment: datetime, reason: str, *, rank: int | None = None) -> Item:
    return Item(
        place=found.place,
        distance_m=found.distance_m,
        opening=found.place.opening_at(moment),
        reason=reason,
        rank=rank,
        call_15_first=not CALL_15_FIRST.isdisjoint(found.place.categories),
    )


def _notices(directory: Directory, question: Question, answer: Answer) -> list[Notice]:
    """What a reader must know beside the places. Fills `instead` where nothing fits nearby."""
    notices: list[Notice] = []
    if not CALL_15_FIRST.isdisjoint(question.categories):
        notices.append(("call_15_first", {}))
    if question.after is None:
        if "emergency_department" in question.categories and not _emergency_department_near(directory, question):
            notices.extend(_hospitals_instead(directory, question, answer))
        else:
            notices.extend(_nothing_near(directory, question, answer))
        if question.wheelchair:
            notices.append(("wheelchair_filter", {}))
    shown = [*answer.items, *(answer.hours_unknown or []), *answer.instead]
    notices.extend((code, {}) for code in place_notices([item.place for item in shown], question.at))
    return notices


def _emergency_department_near(directory: Directory, question: Question) -> bool:
    found = directory.nearest(lat=question.lat, lon=question.lon, categories=("emergency_department",))
    nearest = next(found, None)
    return nearest is not None and nearest.distance_m <= (question.radius_m or NEAR_M)


def _hospitals_instead(directory: Directory, question: Question, answer: Answer) -> list[Notice]:
    """No emergency department is known near: give the hospitals, however far and whatever the wishes."""
    found = directory.nearest(lat=question.lat, lon=question.lon, categories=("hospital",))
    answer.instead = [_item(each, question.moment, "hospital_instead") for each in islice(found, INSTEAD_SHOWN)]
    notices: list[Notice] = [("no_emergency_department_known", {})]
    if answer.instead:
        notices.append(("hospitals_instead", {}))
    return notices


def _nothing_near(directory: Directory, question: Question, answer: Answer) -> list[Notice]:
    radius_m = question.radius_m or NEAR_M
    km: dict[str, object] = {"radius_km": f"{radius_m / 1000:g}"}
    if answer.items:
        if answer.items[0].distance_m <= radius_m:
            return []
    elif question.radius_m is not None:
        beyond = directory.nearest(
            lat=question.lat, lon=question.lon, categories=question.categories, keep=_fits(question)
        )
        answer.instead = [_item(each, question.moment, "beyond_radius") for each in islice(beyond, INSTEAD_SHOWN)]
    if answer.items or answer.instead:
        return [("none_open_near" if question.open_at else "nothing_near", km)]
    known = any(directory.has(category) for category in question.categories)
    if not known:
        return [("nothing_known", {})]
    return [("none_open" if question.open_at else "nothing_fits", {})]


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
    return write_cursor(search_of(question), (*answer.last, question.shown + len(answer.items), moment))


def turn_page(question: Question, cursor: str) -> Question:
    """Give the question whose first item follows the cursor. Raises CursorInvalid."""
    distance_mm, place_id, shown, moment = read_cursor(cursor, search_of(question), (int, str, int, str))
    open_at = None
    if question.open_at is not None:
        try:
            open_at = datetime.fromisoformat(str(moment))
        except ValueError as error:
            raise CursorInvalid from error
        if open_at.tzinfo is None:
            raise CursorInvalid
    return replace(question, after=(int(distance_mm), str(place_id)), shown=int(shown), open_at=open_at)
