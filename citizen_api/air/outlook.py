"""What is known of a hazard in a commune on a day, out of all that sources say of the zones around it. Pure.

The same choice serves the page that a resident opens and the alert that wakes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from citizen_api.air.rules import freshness, worst
from content.hazards import SCALES, TIERS

DEMO_SOURCE: Final = "demo"
"""The source of the demo city."""
SOURCE_ORDER: Final = ("airparif", "atmo-data", "open-meteo", DEMO_SOURCE)
"""Who speaks first of the same zone: who is on the spot, then the federation, then a model, made-up facts last."""
OF_A_PART: Final = 9
"""Rank of the arrondissements of a city: they speak for it, the worst of them, where nothing wider does."""
Zone = tuple[str, str]


class Fact(Protocol):
    """The columns of `models.AirFact` that decide."""

    source_id: str
    hazard: str
    kind: str
    zone_kind: str
    zone_code: str
    subject: str
    day: date
    level: int | None
    tier: str | None
    starts_at: datetime
    ends_at: datetime
    details: dict[str, Any]
    published_at: datetime | None
    known_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One hazard in one place on one day. `level`: of `fact`, raised by `episodes`; None where nothing tells one.

    `fact`: the index or warning that speaks, None without. `episodes`: the official ones that are open. `since`: the
    last change of what makes the level.
    """

    hazard: str
    day: date
    level: int | None
    tier: str | None
    fact: Fact | None
    episodes: tuple[Fact, ...]
    since: datetime
    starts_at: datetime
    ends_at: datetime


def outlook(
    hazard: str, day: date, found: Iterable[Fact], zones: Mapping[Zone, int], *, at: datetime
) -> Outlook | None:
    """Choose among facts known at `at`; None when none is about this hazard on this day in these zones.

    What is too old to be believed (`rules.MAX_AGE`) is left out: it is not known any more.
    """
    here = [
        fact
        for fact in found
        if fact.hazard == hazard
        and fact.day == day
        and (fact.zone_kind, fact.zone_code) in zones
        and believed(fact, at)
    ]
    if not here:
        return None
    fact = speaking([fact for fact in here if fact.kind != "episode"], zones)
    episodes = [fact for fact in here if fact.kind == "episode"]
    opened = tuple(sorted((one for one in episodes if one.tier), key=_worst_first))
    tiers = [one.tier for one in (*opened, fact) if one is not None and one.tier]
    tier = max(tiers, key=TIERS.index, default=None)
    deciding: list[Fact] = [*episodes, *([fact] if fact else [])]
    return Outlook(
        hazard=hazard,
        day=day,
        level=SCALES[hazard].raised(fact.level if fact else None, tier),
        tier=tier,
        fact=fact,
        episodes=opened,
        since=max((one.since for one in deciding), default=here[0].since),
        starts_at=min(one.starts_at for one in deciding or here),
        ends_at=max(one.ends_at for one in deciding or here),
    )


def driver(found: Outlook) -> str | None:
    """The pollutant that makes the level of the air: of the worst open episode if that raises it, else the index's."""
    index = found.fact
    if found.episodes and (index is None or index.level is None or index.level != found.level):
        return found.episodes[0].subject
    return worst(index.details.get("levels", {})).driver if index else None


def cause(found: Outlook) -> str | None:
    """What makes the level: the pollutant of the air, the worst taxon of the pollen; None where nothing tells."""
    if found.hazard == "air":
        return driver(found)
    taxa = found.fact.details.get("levels", {}) if found.hazard == "pollen" and found.fact else {}
    return max(taxa, key=lambda taxon: (taxa[taxon], taxon), default=None)


def is_made_up(found: Outlook) -> bool:
    """Whether it comes from the demo city."""
    return any(fact.source_id == DEMO_SOURCE for fact in (found.fact, *found.episodes) if fact is not None)


def believed(fact: Fact, at: datetime) -> bool:
    """Whether a fact is still to be believed at a moment; one whose time is past may still be shown as such."""
    kind = "forecast" if is_modelled(fact) else fact.kind
    published_at = fact.published_at or fact.known_at
    fresh = freshness(kind, starts_at=fact.starts_at, ends_at=fact.ends_at, published_at=published_at, at=at)
    return fresh.state != "stale"


def is_modelled(fact: Fact) -> bool:
    """Whether an index was computed from a model's hours, not published."""
    return fact.details.get("method") == "modelled"


def speaking(found: Sequence[Fact], zones: Mapping[Zone, int]) -> Fact | None:
    """The fact that speaks for a place: one with a level before one without, then the nearest zone, then the source.

    What a model computed, and what is made up, speak only where nobody publishes anything. Of facts about parts of the
    place the worst speaks. None for none.
    """

    def order(fact: Fact) -> tuple[bool, bool, bool, int, int, int, str]:
        rank = zones[fact.zone_kind, fact.zone_code]
        worst_first = -(fact.level or 0) if rank >= OF_A_PART else 0
        stand_in = fact.source_id == DEMO_SOURCE, is_modelled(fact)
        return fact.level is None, *stand_in, rank, worst_first, source_rank(fact.source_id), fact.zone_code

    return min(found, key=order, default=None)


def source_rank(source_id: str) -> int:
    """Place of a source in SOURCE_ORDER; one that is not in it comes before the made-up one."""
    return SOURCE_ORDER.index(source_id) if source_id in SOURCE_ORDER else len(SOURCE_ORDER) - 2


def _worst_first(episode: Fact) -> tuple[int, str]:
    return -TIERS.index(episode.tier or TIERS[0]), episode.subject
