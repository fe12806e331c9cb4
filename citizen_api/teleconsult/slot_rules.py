"""What is asked of the slots, and in which order they stand. Pure.

Neutral: time or distance decides, then nothing but identifiers. What rises within a day, or falls behind all others,
does so for a reason that the answer says: too few general practitioners, or a weak network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from citizen_api.sources.slot_records import MODALITIES, Modality
from citizen_api.sources.specialties import GENERAL_PRACTICE

Order = Literal["soonest", "nearest"]
ORDERS: Final[tuple[Order, ...]] = ("soonest", "nearest")
MOST_SLOTS: Final = 50
OF_ONE_CALENDAR: Final = 3
"""Slots of one calendar in one answer: a choice of calendars helps more, and nobody collects a whole one so."""
AHEAD: Final = timedelta(days=31)
USUAL: Final = timedelta(days=7)
ANYWHERE: Final[Modality] = "video"
"""It may be had from anywhere: distance neither excludes nor orders it."""
_REMOTE: Final = frozenset({"assisted", "video"})
_BEHIND_ALL: Final = 2
"""Rank of what stands after every other slot of the answer, whatever its day."""
_PARIS: Final = ZoneInfo("Europe/Paris")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for. `starts_s`, `ends_s`: a slot starts in this half-open window (seconds since 1970).

    `specialty` None: any. `lat`, `lon`: both or neither; only in-person slots within `within_m` metres then. `language`
    (ISO 639-1), `sectors` and `third_party` ask for what is known to be so. `audience`: those for everybody too.
    `territories`: what the place lies in, (kind, code): who offers appointments elsewhere only is left out; None: not
    known. `remote_first`: because general practitioners are short; `weak_network`: the resident's. `zone`: whose days.
    """

    starts_s: int
    ends_s: int
    specialty: str | None = None
    modalities: tuple[Modality, ...] = MODALITIES
    lat: float | None = None
    lon: float | None = None
    within_m: float = 30_000.0
    order: Order = "soonest"
    language: str | None = None
    sectors: tuple[str, ...] = ()
    third_party: bool = False
    audience: str | None = None
    territories: frozenset[tuple[str, str]] | None = None
    remote_first: bool = False
    weak_network: bool = False
    zone: ZoneInfo = _PARIS
    limit: int = 20

    @property
    def has_place(self) -> bool:
        """Whether it stands somewhere."""
        return self.lat is not None


@dataclass(frozen=True, slots=True)
class Lane:
    """Modalities that stand together in the order.

    `rank`: before those of a higher one within a local day; _BEHIND_ALL: after those of every day. `local`: distance
    bounds and orders them.
    """

    rank: int
    modalities: tuple[Modality, ...]
    local: bool = False


class Candidate(NamedTuple):
    """A slot that fits. `distance_m`: infinite where distance says nothing about it."""

    feed_id: int
    key: int
    schedule_id: int
    start_s: int
    distance_m: float


def window_of(
    starts_at: datetime | None, ends_at: datetime | None, *, now: datetime
) -> tuple[datetime, datetime, bool] | None:
    """When to look, and whether what was asked is cut at 31 days; None where nothing is left of it.

    What has passed is not looked at: it starts now.
    """
    starts = now if starts_at is None else max(starts_at, now)
    ends = starts + USUAL if ends_at is None else ends_at
    latest = now + AHEAD
    found = starts, min(ends, latest)
    return (*found, ends_at is not None and ends_at > latest) if found[0] < found[1] else None


def wants_remote_first(*, is_short: bool, specialty: str | None, chose_modality: bool) -> bool:
    """Whether booths and slots by video rise: general practitioners are short, and may be what is looked for."""
    return is_short and not chose_modality and specialty in (None, GENERAL_PRACTICE)


def lanes(question: Question) -> list[Lane]:
    """The modalities asked for, put together by their rank and by whether distance counts."""
    kinds: dict[tuple[int, bool], list[Modality]] = {}
    for modality in question.modalities:
        local = question.has_place and modality != ANYWHERE
        kinds.setdefault((rank_of(modality, question), local), []).append(modality)
    return [Lane(rank, tuple(found), local=local) for (rank, local), found in sorted(kinds.items())]


def rank_of(modality: Modality, question: Question) -> int:
    """Where a modality stands within a day; always first is 0. By distance, only what has none comes after.

    On a weak network, video stands behind all that is found, of whatever day: a booth or a practice would else not be
    seen for the many slots by video of each day.
    """
    if question.order == "nearest":
        return int(modality == ANYWHERE)
    if question.weak_network and modality == ANYWHERE:
        return _BEHIND_ALL
    return int(question.remote_first and modality not in _REMOTE)


def standing(candidate: Candidate, lane: Lane, question: Question) -> tuple[object, ...]:
    """Sort key of a slot among those of all lanes: by day, then rank; by rank alone where the order is by distance."""
    within = within_lane(candidate, lane, question)
    if question.order == "nearest":
        return lane.rank, *within
    return lane.rank == _BEHIND_ALL, local_day(candidate.start_s, question.zone), lane.rank, *within


def within_lane(candidate: Candidate, lane: Lane, question: Question) -> tuple[float, ...]:
    """Sort key of a slot in its lane: by start, then distance, or by distance, then start; then identifiers."""
    if question.order == "nearest" and lane.local:
        return candidate.distance_m, candidate.schedule_id, candidate.start_s, candidate.key
    return candidate.start_s, candidate.distance_m, candidate.schedule_id, candidate.key


def local_day(at_s: int, zone: ZoneInfo) -> date:
    """The day of an instant (seconds since 1970) by the clock of a zone."""
    return (_EPOCH + timedelta(seconds=at_s)).astimezone(zone).date()


def granularity_of(said: str, *, own_link: bool, calendar_link: bool, names_slot: bool) -> str:
    """What a link opens: what its provider says; the very slot only where the link can know it.

    `own_link`: the publisher gave it with the slot; `calendar_link`: with its calendar; `names_slot`: else it is made
    from a template that names the slot.
    """
    if said != "slot" or own_link:
        return said
    if calendar_link:
        return "practice"
    return "slot" if names_slot else "home"
