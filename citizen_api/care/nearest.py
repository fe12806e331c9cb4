"""The question "where, near me?": from a directory, a position and wishes to an answer. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

    `open_now`: `open_at` was asked for as "now". `after`: where the page before ended (distance_mm, id); `shown`:
    how many items came before this page.
    """

    lat: float
    lon: float
    categories: tuple[str, ...]
    at: datetime
    open_at: datetime | None = None
    open_now: bool = False
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
    department. `more`: there is a next page.
    """

    items: list[Item]
    hours_unknown: list[Item] | None = None
    instead: list[Item] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    more: bool = False


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
    answer = Answer(items=items, more=len(found) > question.limit)
    if first_page and question.open_at is not None:
        answer.hours_unknown = _hours_unknown(directory, question)
    answer.notices.extend(_notices(directory, question, answer))
    return answer


def _fits(question: Question) -> Filter:
    """Which places fit the wishes."""
    moment = question.open_at
    if moment is None:
        return _accessible(question, lambda _: True)
    return _accessible(question, lambda place: place.state_at(moment) == "open")


def _accessible(question: Question, also: Filter) -> Filter:
    if not question.wheelchair:
        return also
    return lambda place: place.wheelchair == "yes" and also(place)


def _perhaps_accessible(question: Question) -> Filter:
    """Which places nobody said to be inaccessible, nor to be closed at the moment asked about."""
    moment = question.open_at
    return lambda place: place.wheelchair is None and (moment is None or place.state_at(moment) != "closed")


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
    unknown = _accessible(question, lambda place: place.state_at(question.moment) == "unknown")
    found = islice(_search(directory, question, unknown), HOURS_UNKNOWN_SHOWN)
    return [
        _item(each, question.moment, "hours_unknown" if each.distance_m <= NEAR_M else "hours_unknown_far")
        for each in found
    ]


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
    notices.extend((code, {}) for code in category_notices(question.categories))
    if question.after is None:
        if "emergency_department" in question.categories and not _emergency_department_near(directory, question):
            notices.extend(_hospitals_instead(directory, question, answer))
        else:
            notices.extend(_nothing_near(directory, question, answer))
        known = [directory.has(category) for category in question.categories]
        if any(known) and not all(known):
            notices.append(("some_categories_unknown", {}))
        if question.wheelchair and any(known):
            notices.append(("wheelchair_filter", {}))
        near = bool(answer.items) and answer.items[0].distance_m <= (question.radius_m or NEAR_M)
        if question.open_at is not None and not near and "pharmacy" in question.categories:
            notices.append(("pharmacy_on_duty", {}))
    shown = [*answer.items, *(answer.hours_unknown or []), *answer.instead]
    codes = place_notices([item.place for item in shown], question.at, demo=directory.has_demo)
    notices.extend((code, {}) for code in codes)
    return notices


def _emergency_department_near(directory: Directory, question: Question) -> bool:
    found = directory.nearest(lat=question.lat, lon=question.lon, categories=("emergency_department",))
    nearest = next(found, None)
    return nearest is not None and nearest.distance_m <= max(question.radius_m or 0, NEAR_M)


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
    radius = f"{radius_m / 1000:g} km" if radius_m % 1000 == 0 else f"{radius_m:.0f} m"
    if answer.items:
        if answer.items[0].distance_m <= radius_m:
            return []
    elif question.radius_m is not None:
        beyond = directory.nearest(
            lat=question.lat, lon=question.lon, categories=question.categories, keep=_fits(question)
        )
        answer.instead = [_item(each, question.moment, "beyond_radius") for each in islice(beyond, INSTEAD_SHOWN)]
    if question.wheelchair and not answer.items and not answer.instead:
        return _access_unknown_instead(directory, question, answer)
    if answer.items or answer.instead:
        return [("none_open_near" if question.open_at else "nothing_near", {"radius": radius})]
    known = any(directory.has(category) for category in question.categories)
    if not known:
        return [("nothing_known", {})]
    return [("none_open" if question.open_at else "nothing_fits", {})]


def _access_unknown_instead(directory: Directory, question: Question, answer: Answer) -> list[Notice]:
    """No place is known to be accessible: unknown is not "no", so give the nearest that told nothing."""
    found = directory.nearest(
        lat=question.lat, lon=question.lon, categories=question.categories, keep=_perhaps_accessible(question)
    )
    answer.instead = [_item(each, question.moment, "access_unknown") for each in islice(found, INSTEAD_SHOWN)]
    known = any(directory.has(category) for category in question.categories)
    return [("nothing_fits" if known else "nothing_known", {})]


def category_notices(categories: Iterable[str]) -> list[str]:
    """What must be said first to whoever looks for these categories."""
    wanted = set(categories)
    codes = ["cardiac_arrest"] if "defibrillator" in wanted else []
    return codes if CALL_15_FIRST.isdisjoint(wanted) else ["call_15_first", *codes]


def place_notices(places: Sequence[Place], at: datetime, *, demo: bool) -> list[str]:
    """What must be said beside these places: demo facts, approximate positions, old sources.

    `demo`: the directory holds facts of the demo city. Then every answer says so, also one that shows none of
    them: made-up hours decide what is left out, too.
    """
    codes = ["demo_data"] if demo else []
    if any(place.position_approximate for place in places):
        codes.append("approximate")
    newest = (max((s.dated for s in place.sources if s.id != DEMO_SOURCE), default=None) for place in places)
    if any(dated is not None and at.date() - dated > OLD_AFTER for dated in newest):
        codes.append("old_source")
    return codes


def search_of(question: Question) -> tuple[object, ...]:
    """What a cursor belongs to: everything asked, except where the page begins, and the position.

    A cursor is opaque, not secret: neither the position nor a distance from it can be worked out from one.
    """
    return (
        "nearest",
        sorted(question.categories),
        "now" if question.open_now or question.open_at is None else question.open_at.isoformat(),
        question.open_at is not None,
        question.wheelchair,
        question.radius_m,
    )


def next_cursor(question: Question, answer: Answer) -> str | None:
    """Name the next page; it keeps the moment that "now" was, so that all pages speak of the same one."""
    if not answer.more:
        return None
    moment = question.open_at.isoformat() if question.open_at else ""
    return write_cursor(search_of(question), (answer.items[-1].place.id, question.shown + len(answer.items), moment))


def turn_page(directory: Directory, question: Question, cursor: str) -> Question:
    """Give the question whose first item follows the cursor. Raises CursorInvalid, also when its place is gone."""
    place_id, shown, moment = read_cursor(cursor, search_of(question), (str, int, str))
    last = directory.get(str(place_id))
    if last is None or int(shown) < 1:
        raise CursorInvalid
    distance_mm = directory.distance_mm(last, lat=question.lat, lon=question.lon)
    open_at = None
    if question.open_at is not None:
        try:
            open_at = datetime.fromisoformat(str(moment))
        except ValueError as error:
            raise CursorInvalid from error
        if open_at.tzinfo is None:
            raise CursorInvalid
    return replace(question, after=(distance_mm, last.id), shown=int(shown), open_at=open_at)
