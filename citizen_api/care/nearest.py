"""The question "where, near me?": from a directory, a position and wishes to an answer. No I/O."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from citizen_api.care.directory import Directory, Found
from citizen_api.care.features import CALL_15_FIRST, WHEELCHAIR, WHEELCHAIR_UNKNOWN
from citizen_api.care.packing import APPROXIMATE, REGULATED
from citizen_api.care.rules import NEAR_M
from citizen_api.core.cursors import read_cursor, write_cursor
from citizen_api.core.problems import CursorInvalid

HOURS_UNKNOWN_SHOWN: Final = 5
INSTEAD_SHOWN: Final = 5
OLD_AFTER: Final = timedelta(days=730)
Notice = tuple[str, dict[str, object]]
"""A key of the words, and what fills its placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for. `open_at`: only places known to be open then. Distances in metres.

    `features`: only places known to have all of them (see `features`; `wheelchair` is asked apart, because of what
    is offered where no place is known to be accessible). `open_now`: `open_at` was asked for as "now". `after`:
    where the page before ended (distance_mm, rank); `shown`: how many items came before this page.
    """

    lat: float
    lon: float
    categories: tuple[str, ...]
    at: datetime
    open_at: datetime | None = None
    open_now: bool = False
    wheelchair: bool = False
    features: frozenset[str] = frozenset()
    radius_m: float | None = None
    limit: int = 10
    after: tuple[int, int] | None = None
    shown: int = 0

    @property
    def moment(self) -> datetime:
        """The moment at which "open" is told."""
        return self.open_at or self.at


class Item(NamedTuple):
    """A place in an answer, and why it stands there (`reason`, a key of the words; `rank` from 1, or None)."""

    found: Found
    reason: str
    rank: int | None = None


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
    found = _search(directory, question, limit=question.limit + 1)
    reason = "nearest" if question.open_at is None else "nearest_open"
    items = [Item(each, reason, rank) for rank, each in enumerate(found[: question.limit], start=question.shown + 1)]
    answer = Answer(items=items, more=len(found) > question.limit)
    if question.after is None and question.open_at is not None:
        answer.hours_unknown = _hours_unknown(directory, question)
    answer.notices.extend(_notices(directory, question, answer))
    return answer


def _search(
    directory: Directory,
    question: Question,
    *,
    limit: int,
    states: Collection[str] | None = None,
    access: str = WHEELCHAIR,
    beyond: bool = False,
) -> list[Found]:
    """Places that fit the wishes, nearest first, within the radius if there is one (not if `beyond` it).

    `states` replaces what is asked of the hours, `access` what is asked of the access.
    """
    if states is None:
        states = () if question.open_at is None else ("open",)
    radius_m = math.inf if beyond or question.radius_m is None else question.radius_m
    return directory.nearest(
        lat=question.lat,
        lon=question.lon,
        categories=question.categories,
        limit=limit,
        features={*question.features, access} if question.wheelchair else question.features,
        states=states,
        at=question.moment,
        radius_m=radius_m,
        after=question.after,
    )


def _hours_unknown(directory: Directory, question: Question) -> list[Item]:
    found = _search(directory, question, limit=HOURS_UNKNOWN_SHOWN, states=("unknown",))
    return [Item(each, "hours_unknown" if each.distance_m <= NEAR_M else "hours_unknown_far") for each in found]


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
        if question.features and any(known):
            notices.append(("wishes_filter", {}))
        near = bool(answer.items) and answer.items[0].found.distance_m <= (question.radius_m or NEAR_M)
        if question.open_at is not None and not near and "pharmacy" in question.categories:
            notices.append(("pharmacy_on_duty", {}))
    shown = [item.found.number for item in (*answer.items, *(answer.hours_unknown or []), *answer.instead)]
    notices.extend((code, {}) for code in shown_notices(directory, shown, question.at))
    return notices


def _emergency_department_near(directory: Directory, question: Question) -> bool:
    radius_m = max(question.radius_m or 0, NEAR_M)
    category = ("emergency_department",)
    return bool(directory.nearest(lat=question.lat, lon=question.lon, categories=category, limit=1, radius_m=radius_m))


def _hospitals_instead(directory: Directory, question: Question, answer: Answer) -> list[Notice]:
    """No emergency department is known near: give the hospitals, however far and whatever the wishes."""
    found = directory.nearest(
        lat=question.lat, lon=question.lon, categories=("hospital",), limit=INSTEAD_SHOWN, after=None
    )
    answer.instead = [Item(each, "hospital_instead") for each in found]
    notices: list[Notice] = [("no_emergency_department_known", {})]
    if answer.instead:
        notices.append(("hospitals_instead", {}))
    return notices


def _nothing_near(directory: Directory, question: Question, answer: Answer) -> list[Notice]:
    radius_m = question.radius_m or NEAR_M
    radius = f"{radius_m / 1000:g} km" if radius_m % 1000 == 0 else f"{radius_m:.0f} m"
    if answer.items:
        if answer.items[0].found.distance_m <= radius_m:
            return []
    elif question.radius_m is not None:
        beyond = _search(directory, question, limit=INSTEAD_SHOWN, beyond=True)
        answer.instead = [Item(each, "beyond_radius") for each in beyond]
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
    states = () if question.open_at is None else ("open", "unknown")
    found = _search(directory, question, limit=INSTEAD_SHOWN, states=states, access=WHEELCHAIR_UNKNOWN, beyond=True)
    answer.instead = [Item(each, "access_unknown") for each in found]
    known = any(directory.has(category) for category in question.categories)
    return [("nothing_fits" if known else "nothing_known", {})]


def category_notices(categories: Iterable[str]) -> list[str]:
    """What must be said first to whoever looks for these categories."""
    wanted = set(categories)
    codes = ["cardiac_arrest"] if "defibrillator" in wanted else []
    return codes if CALL_15_FIRST.isdisjoint(wanted) else ["call_15_first", *codes]


def shown_notices(directory: Directory, numbers: Sequence[int], at: datetime) -> list[str]:
    """What must be said beside the places shown, by their numbers."""
    flags = directory.flags(numbers)
    return place_notices(
        approximate=bool(flags & APPROXIMATE),
        regulated=bool(flags & REGULATED),
        oldest=directory.oldest_source(numbers),
        at=at,
        demo=directory.has_demo,
    )


def place_notices(*, approximate: bool, regulated: bool, oldest: date | None, at: datetime, demo: bool) -> list[str]:
    """What must be said beside places: demo facts, approximate positions, regulated entrances, old sources.

    `oldest`: of the newest real source of each, the day of the oldest. `demo`: the directory holds facts of the demo
    city. Then every answer says so, also one that shows none of them: made-up hours decide what is left out, too.
    """
    codes = ["demo_data"] if demo else []
    if regulated:
        codes.append("regulated_emergency")
    if approximate:
        codes.append("approximate")
    if oldest is not None and at.date() - oldest > OLD_AFTER:
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
        sorted(question.features),
        question.radius_m,
    )


def next_cursor(directory: Directory, question: Question, answer: Answer) -> str | None:
    """Name the next page; it keeps the moment that "now" was, so that all pages speak of the same one."""
    if not answer.more:
        return None
    moment = question.open_at.isoformat() if question.open_at else ""
    last = directory.id_of(answer.items[-1].found.number)
    return write_cursor(search_of(question), (last, question.shown + len(answer.items), moment))


def turn_page(directory: Directory, question: Question, cursor: str) -> Question:
    """Give the question whose first item follows the cursor. Raises CursorInvalid, also when its place is gone."""
    place_id, shown, moment = read_cursor(cursor, search_of(question), (str, int, str))
    last = directory.number_of(str(place_id))
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
    return replace(question, after=(distance_mm, directory.rank_of(last)), shown=int(shown), open_at=open_at)
